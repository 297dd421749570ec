"""`cordboard contacts next`: what a customer can do whom nobody can help. `cordboard contacts choose`: they do it."""

from typing import Annotated

import typer
from rich.markup import escape

from cordboard.cli.callbacks import At, Exact, RequestId, Within, hours_given, instant_given
from cordboard.cli.calls import call
from cordboard.cli.contacts import ContactArgument, plain, step_word
from cordboard.cli.instants import instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, print_json
from cordboard.cli.promises import promise_plain
from cordboard.client import Customer
from cordboard.v1.next_step_service_pb2 import NextSteps


def show_next(contact_id: ContactArgument, target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """What the customer of a contact was offered instead of waiting, and what became of it."""
    found = call(target, lambda client: client.next_steps(contact_id))
    if as_json:
        print_json(plain(found))
        return
    console.print(f"nobody can help in [bold]{escape(found.queue)}[/] ({escape(found.cause)})", soft_wrap=True)
    for step in found.steps:
        console.print(f"  {escape(step_word(step))}", soft_wrap=True)
    console.print(outcome(found), soft_wrap=True)


def choose(
    contact_id: ContactArgument,
    kind: Annotated[str, typer.Argument(help="callback, queue, voicemail, form, mail or message, as it was offered.")],
    to: Annotated[str, typer.Argument(help="The queue or entry point behind it, if there is one.")] = "",
    number: Annotated[str, typer.Option(help="Of a callback: the telephone number to call.")] = "",
    at: At = "",
    exact: Exact = False,
    within: Within = None,
    text: Annotated[str, typer.Option(help="What the customer left, for the agent.")] = "",
    recording: Annotated[str, typer.Option(help="Of a voicemail: where the recording is, for the agent.")] = "",
    phone: Annotated[str, typer.Option(help="The customer's own number, if nobody knew who it was.")] = "",
    request_id: RequestId = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """The customer takes one of the next steps that they were offered."""
    done = call(
        target,
        lambda client: client.choose_next_step(
            contact_id,
            kind,
            to,
            customer=Customer(kind="phone", address=phone) if phone else None,
            text=text,
            fields={"recording": recording} if recording else {},
            number=number,
            wish_ms=instant_given(at),
            exact=exact,
            hours=hours_given(within),
            request_id=request_id or None,
        ),
    )
    if as_json:
        print_json({**plain(done), **({"promise": promise_plain(done.promise)} if done.HasField("promise") else {})})
        return
    follows = f", [bold]{done.successor_contact_id}[/] goes on with it" if done.successor_contact_id else ""
    when = f", promised for {instant(done.promise.due_ms)}" if done.HasField("promise") else ""
    console.print(f"{escape(step_word(done.taken))}{follows}{when}", soft_wrap=True)


def outcome(found: NextSteps) -> str:
    if found.open:
        return f"one can be chosen until {instant(found.until_ms)}"
    if not found.HasField("taken"):
        return "not needed any more: an agent took the contact, it was moved, or is over"
    by = "the customer chose" if found.taken_by == "customer" else "nobody chose in time:"
    follows = f", {found.successor_contact_id} goes on with it" if found.successor_contact_id else ""
    return f"{by} {escape(step_word(found.taken))}{follows}"


def add_commands(contacts: typer.Typer) -> None:
    contacts.command("next")(show_next)
    contacts.command()(choose)
