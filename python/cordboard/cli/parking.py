"""`cordboard contacts park|return|reclassify|messages|attachment`: what supervisors do with written work."""

from pathlib import Path
from typing import Annotated, Literal, cast

import typer
from rich.markup import escape

from cordboard.cli.calls import call
from cordboard.cli.contacts import ContactArgument, holder, plain
from cordboard.cli.instants import instant, parse_instant, parse_span
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, fail, print_json, print_table
from cordboard.client import Client, Message
from cordboard.v1.agent_service_pb2 import ParkContactResponse
from cordboard.v1.types_pb2 import Author

KINDS = ("customer", "third_party", "snooze")


def add_commands(app: typer.Typer) -> None:
    """Put these into `contacts`."""
    app.command()(park)
    app.command("return")(bring_back)
    app.command()(reclassify)
    app.command()(messages)
    app.command()(attachment)


def park(
    contact_id: ContactArgument,
    for_: Annotated[str, typer.Option("--for", help="How long: 2h, 3d.")] = "",
    until: Annotated[str, typer.Option(help="Until when: 2026-11-22T09:30+01:00 (UTC unless it says so).")] = "",
    kind: Annotated[str, typer.Option(help=f"What it waits for: {', '.join(KINDS)}.")] = "snooze",
    note: Annotated[str, typer.Option(help="Why, in your own words; goes to the vault.")] = "",
    agent: Annotated[str, typer.Option(help="The engaged agent; default: whoever has it.")] = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Put an engaged contact aside. Its agent stays its owner."""
    if kind not in KINDS:
        raise typer.BadParameter(f"use one of {', '.join(KINDS)}")
    if bool(for_) == bool(until):
        raise typer.BadParameter("give either --for or --until")
    word = cast(Literal["customer", "third_party", "snooze"], kind)
    for_ms, until_ms = (parse_span(for_), 0) if for_ else (0, parse_instant(until))

    async def work(client: Client) -> ParkContactResponse:
        who = agent or holder(await client.get_contact(contact_id))
        return await client.park_contact(who, contact_id, word, for_ms=for_ms, until_ms=until_ms, note=note)

    done = call(target, work)
    print_json(plain(done)) if as_json else console.print(f"parked until {instant(done.until_ms)}")


def bring_back(contact_id: ContactArgument, target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """Bring a parked contact back now; its owner is asked first."""
    done = call(target, lambda client: client.return_contact(contact_id))
    print_json(plain(done)) if as_json else console.print(f"waits again, visit {done.visit}")


def reclassify(
    contact_id: ContactArgument,
    topic: Annotated[str, typer.Argument(help="A topic of the policy.")],
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Say that a contact is about something else."""
    done = call(target, lambda client: client.reclassify_contact(contact_id, topic))
    print_json(plain(done)) if as_json else console.print(f"now about {topic}{f', was {done.previous}' if done.previous else ''}")


def messages(contact_id: ContactArgument, target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """The conversation, with what came attached."""
    said = call(target, lambda client: client.messages(contact_id))
    if as_json:
        print_json([plain(message) for message in said])
        return
    rows = [(instant(message.at_ms), author(message), escape(message.text), escape(files(message))) for message in said]
    print_table("conversation", ("at", "by", "text", "attachments"), rows, wrap=("text", "attachments"))


def attachment(
    attachment_id: Annotated[str, typer.Argument(help="The attachment's id: 32 hexadecimal digits.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write; it must not exist.")],
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Write an attachment to a file."""
    about, data = call(target, lambda client: client.get_attachment(attachment_id))
    try:
        with out.open("xb") as file:
            file.write(data)
    except OSError as error:
        fail(f"{escape(str(out))}: {error.strerror}")
    print_json(plain(about)) if as_json else console.print(escape(f"{about.name} ({about.media_type}, {about.size} bytes) → {out}"))


def author(message: Message) -> str:
    return message.agent or Author.Name(message.author).removeprefix("AUTHOR_").lower()


def files(message: Message) -> str:
    """`invoice.pdf (12345 bytes, 0123…)`, a line each."""
    return "\n".join(f"{file.name} ({file.size} bytes) {file.attachment_id}" for file in message.attachments)
