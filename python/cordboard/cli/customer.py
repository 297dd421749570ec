"""`cordboard customer …`: who a customer is, everything held of them, and that it is forgotten."""

import getpass
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.markup import escape

from cordboard.cli.calls import call
from cordboard.cli.contacts import plain
from cordboard.cli.instants import instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, fail, print_json, print_table
from cordboard.client import Client, ClientError
from cordboard.client.customers import Whom
from cordboard.v1.customer_service_pb2 import CustomerCard

customer_app = typer.Typer(
    help="Customers: show, export, erase; merge and unmerge, link and unlink addresses, segment.", no_args_is_help=True
)
WHO = "A reference (32 hexadecimal digits), a mail address, a phone number that begins with +, or KIND:ADDRESS."
Who = Annotated[str, typer.Argument(help=WHO)]
By = Annotated[str, typer.Option("--by", envvar="CORDBOARD_BY", help="Who says so; unless given, the name of this account.")]
_REFERENCE = re.compile(r"[0-9a-fA-F]{32}")
_KIND = re.compile(r"([a-z0-9][a-z0-9_.-]{0,47}):(.+)", re.DOTALL)
EXPORT_MODE = 0o600


def whom(who: str) -> Whom:
    """What WHO means."""
    if _REFERENCE.fullmatch(who):
        return who.lower()
    if (given := _KIND.fullmatch(who)) is not None:
        return given[1], given[2]
    if "@" in who:
        return "email", who
    if not who.startswith("+"):
        fail("name a customer by reference, mail address, +phone number, or KIND:ADDRESS")
    return "phone", who


@customer_app.command()
def show(who: Who, target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """Who a customer is: addresses and where they come from, merges, segment."""
    _show(call(target, lambda client: client.get_customer(whom(who))), as_json)


@customer_app.command()
def export(
    who: Who,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write; `-` is standard output.")],
    target: Target = DEFAULT_TARGET,
) -> None:
    """Everything held of a customer, as one JSON document (a GDPR access file)."""

    async def work(client: Client) -> None:
        with _written(output) as file:
            async for data in client.export_customer(whom(who)):
                file.write(data)

    call(target, work)
    if output != Path("-"):
        console.print(f"written to {escape(str(output))}: keep it as you would keep what it holds")


@customer_app.command()
def erase(
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    request_id: Annotated[str, typer.Option(help="A UUID: the same one again does nothing twice.")] = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Forget a customer, with everything merged into it. It cannot be taken back."""
    customer = whom(who)

    async def look(client: Client) -> CustomerCard | None:
        try:
            return await client.get_customer(customer)
        except ClientError as error:
            if error.reason == "unknown_customer" and isinstance(customer, str):
                return None  # erased already, or a contact of whom nobody knows more
            raise

    card = call(target, look)
    if not yes:
        if card is not None:
            _show(card, as_json=False)
        typer.confirm("Erase all of this for ever?", abort=True, err=True)
    reference = customer if card is None else card.customer_id
    done = call(target, lambda client: client.erase_customer(reference, request_id=request_id or None))
    if as_json:
        print_json({"customer_ids": list(done.customer_ids), "completed": done.completed})
    else:
        console.print("erased" if done.completed else "recorded: the vault deletes as soon as it can")


@customer_app.command()
def merge(
    into: Annotated[str, typer.Argument(help=f"The customer that stays. {WHO}")],
    absorbed: Annotated[str, typer.Argument(help="The one that becomes part of it, named likewise.")],
    reason: Annotated[str, typer.Option(help="Why they are one.")] = "",
    by: By = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Two customers are one from now on; `unmerge` takes it back."""
    done = call(target, lambda client: client.merge_customers(whom(into), whom(absorbed), by=by or _account(), reason=reason))
    if as_json:
        print_json({**plain(done.customer), "changed": done.changed, "absorbed_id": done.absorbed_id})
    elif done.changed:
        console.print(f"merged; to take it back: cordboard customer unmerge {done.absorbed_id}")
    else:
        console.print("they were one already")


@customer_app.command()
def unmerge(
    reference: Annotated[str, typer.Argument(help="The reference that was absorbed; `show` lists them.")],
    by: By = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Take a merge back: both are again what they were."""
    if not _REFERENCE.fullmatch(reference):
        fail("a merge is taken back by reference, since the addresses lead to both")
    done = call(target, lambda client: client.unmerge_customers(reference.lower(), by=by or _account()))
    if as_json:
        print_json({**plain(done.customer), "changed": done.changed})
    else:
        console.print("taken back" if done.changed else "it stood alone already")


@customer_app.command()
def link(
    who: Who,
    address: Annotated[str, typer.Argument(help="The address to link: mail, +phone, or KIND:ADDRESS.")],
    source: Annotated[str, typer.Option(help="How it is known to be theirs.")] = "",
    by: By = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """One more address leads to this customer."""
    kind, spelled = _address(address)
    done = call(target, lambda client: client.link_identity(whom(who), kind, spelled, by=by or _account(), source=source))
    _show(done.customer, as_json)


@customer_app.command()
def unlink(
    who: Who,
    address: Annotated[str, typer.Argument(help="The address that leads to them no longer.")],
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """One of the customer's addresses leads to nobody any more."""
    kind, spelled = _address(address)
    done = call(target, lambda client: client.unlink_identity(whom(who), kind, spelled))
    _show(done.customer, as_json)


@customer_app.command()
def segment(
    who: Who,
    name: Annotated[str, typer.Argument(help="A segment of the policy; `none` for none.")],
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """The segment by which classification knows the customer."""
    _show(call(target, lambda client: client.set_segment(whom(who), "" if name == "none" else name)), as_json)


def _address(given: str) -> tuple[str, str]:
    found = whom(given)
    if isinstance(found, str):
        fail("an address is a mail address, a phone number that begins with +, or KIND:ADDRESS")
    return found


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


@contextmanager
def _written(output: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner may read, there only once it is whole."""
    if output == Path("-"):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if output.exists():
        fail(f"{escape(str(output))} exists already")
    partial = output.with_name(f"{output.name}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, EXPORT_MODE)
    except OSError as error:
        fail(f"{escape(str(partial))} cannot be written: {error.strerror}")
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        partial.rename(output)
    finally:
        partial.unlink(missing_ok=True)


def _show(card: CustomerCard, as_json: bool) -> None:
    if as_json:
        print_json(plain(card))
        return
    console.print(f"[bold]customer {card.customer_id}[/]  segment: {escape(card.segment or 'none')}")
    if card.erasure_requested_at_ms:
        console.print(f"[yellow]its erasure was asked for at {instant(card.erasure_requested_at_ms)}[/]")
    rows = [
        (one.kind, escape(one.address), escape(one.source), escape(one.by), instant(one.first_seen_at_ms), one.customer_id)
        for one in card.identities
    ]
    print_table("addresses", ("kind", "address", "source", "linked by", "first seen", "of"), rows, wrap=("address", "source"))
    if card.merges:
        merges = [
            (
                one.absorbed,
                one.into,
                instant(one.merged_at_ms),
                escape(one.merged_by),
                escape(one.reason),
                f"{instant(one.undone_at_ms)} {escape(one.undone_by)}".strip(),
            )
            for one in card.merges
        ]
        print_table("merges", ("absorbed", "into", "at", "by", "reason", "taken back"), merges, wrap=("reason",))
