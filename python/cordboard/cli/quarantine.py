"""`cordboard quarantine …`: messages and facts that could not be read: list, show, retry, discard."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, Any, Literal, cast

import typer
from rich.markup import escape

from cordboard.cli.calls import call
from cordboard.cli.contacts import plain
from cordboard.cli.instants import instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, fail, print_json, print_table
from cordboard.client import Client, ClientError
from cordboard.v1.quarantine_service_pb2 import GetQuarantinedResponse, Quarantined, QuarantineState, RetriedFact

quarantine_app = typer.Typer(
    help="Quarantine: messages and facts that could not be read: list, show, retry, discard.", no_args_is_help=True
)
STATES = ("open", "retried", "discarded", "all")
COLUMNS = ("quarantine", "state", "reason", "inbox", "stored", "size", "publisher", "decided")
DUMP_MAX = 4_096
LINE = 16
Ids = Annotated[list[str] | None, typer.Argument(help="Their ids, such as 1042.0-5f3a9c.", show_default=False)]
AllOpen = Annotated[bool, typer.Option("--all-open", help="Everything that is open now.")]
WhyOptional = Annotated[str, typer.Option("--reason", help="Why: a reason of the policy.")]
Step = Callable[[Client, str], Awaitable[dict[str, Any]]]


@quarantine_app.command("list")
def list_quarantined(
    state: Annotated[str, typer.Option(help="Only this state: open, retried, discarded; or all.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, oldest first.")] = 50,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """What was put aside, oldest first: where it stood, who sent it, why it could not be read."""
    if state not in STATES:
        fail(f"unknown state {escape(repr(state))}: use one of {', '.join(STATES)}")
    wanted = cast(Literal["open", "retried", "discarded"] | None, None if state == "all" else state)

    async def work(client: Client) -> tuple[list[Quarantined], int]:
        found: list[Quarantined] = []
        async for one in client.list_quarantined(wanted, page_size=min(limit, 200)):
            found.append(one)
            if len(found) >= limit:
                break
        return found, await client.quarantine_open()

    found, still_open = call(target, work)
    if as_json:
        print_json({"quarantined": [_plain(one) for one in found], "open": still_open})
        return
    print_table(f"quarantine: {still_open} open", COLUMNS, [_row(one) for one in found], right=("inbox", "size"))


@quarantine_app.command()
def show(
    quarantine_id: Annotated[str, typer.Argument(help="Its id, such as 1042.0-5f3a9c.")],
    everything: Annotated[bool, typer.Option("--all", help="All bytes, not the first 4,096.")] = False,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Its bytes, what can be read of them, and what is wrong with them."""
    found = call(target, lambda client: client.get_quarantined(quarantine_id))
    if as_json:
        print_json(_plain(found.quarantined) | {"data": found.data.hex(), **_said(found)})
        return
    print_table(f"quarantine {quarantine_id}", COLUMNS, [_row(found.quarantined)], right=("inbox", "size"))
    console.print(f"sha256    {found.quarantined.sha256}")
    for name, text in _said(found).items():
        if text:
            console.print(f"{name:<9} {escape(text)}", soft_wrap=True)
    if found.quarantined.state == QuarantineState.QUARANTINE_STATE_OPEN and found.quarantined.held and not found.problem:
        console.print("This release can read it: retry it.")
    if found.withheld:
        console.print("The bytes may say what a single agent did; the policy's monitoring does not show that.")
    for line in hex_dump(found.data if everything else found.data[:DUMP_MAX]):
        console.print(escape(line), soft_wrap=True)
    if not everything and len(found.data) > DUMP_MAX:
        console.print(f"… {len(found.data) - DUMP_MAX} more bytes (--all)")


@quarantine_app.command()
def retry(
    quarantined: Ids = None,
    all_open: AllOpen = False,
    by: Annotated[str, typer.Option(help="Who decided so: a person id.")] = "",
    reason: WhyOptional = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Publish what the bytes say again, under the facts' own ids, and say what became of it."""

    async def step(client: Client, quarantine_id: str) -> dict[str, Any]:
        done = await client.retry_quarantined(quarantine_id, by=by, reason=reason)
        return {
            "outcome": _state(done.state),
            "facts": [plain(fact) for fact in done.facts],
            "told": [_told(f) for f in done.facts],
        }

    _decide(quarantined or [], all_open, target, as_json, step)


@quarantine_app.command()
def discard(
    by: Annotated[str, typer.Option(help="Who decides so: a person id.")],
    reason: Annotated[str, typer.Option("--reason", help="Why: a reason of the policy.")],
    quarantined: Ids = None,
    all_open: AllOpen = False,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Give the bytes up: a decision with a name and a reason that stays in the journal."""

    async def step(client: Client, quarantine_id: str) -> dict[str, Any]:
        await client.discard_quarantined(quarantine_id, by=by, reason=reason)
        return {"outcome": "discarded"}

    _decide(quarantined or [], all_open, target, as_json, step)


def _decide(quarantined: list[str], all_open: bool, target: str, as_json: bool, step: Step) -> None:
    """One after another; what one refuses stops none of the others, and the exit code tells."""
    if bool(quarantined) == all_open:
        fail("name what to decide of, or give --all-open")

    results: list[dict[str, Any]] = []

    async def work(client: Client) -> None:
        chosen = [one.quarantine_id async for one in client.list_quarantined("open")] if all_open else quarantined
        for quarantine_id in chosen:
            try:
                results.append({"quarantine_id": quarantine_id} | await step(client, quarantine_id))
            except ClientError as error:
                if not error.reason and not error.violations:
                    if results:  # what was decided before the connection broke stands
                        _print_decisions(results, as_json)
                    raise
                details = "; ".join(error.violations.values()) or error.message
                refusal = {"outcome": "refused", "reason": error.reason, "message": details}
                results.append({"quarantine_id": quarantine_id} | refusal)

    call(target, work)
    _print_decisions(results, as_json)
    if any(result["outcome"] in ("refused", "open") for result in results):
        raise typer.Exit(1)


def _print_decisions(results: list[dict[str, Any]], as_json: bool) -> None:
    for result in results:
        told = result.pop("told", [])
        if not as_json:
            colour = "green" if result["outcome"] in ("retried", "discarded") else "red"
            console.print(f"[bold]{escape(result['quarantine_id'])}[/]  [{colour}]{result['outcome']}[/]", end="")
            console.print(f"  {escape(result['message'])} ({result['reason']})" if "message" in result else "", soft_wrap=True)
            for line in told:
                console.print(f"  {escape(line)}", soft_wrap=True)
    if as_json:
        print_json(results)


def hex_dump(data: bytes) -> Iterator[str]:
    """Offset, sixteen bytes, and what of them is ASCII, a line."""
    for at in range(0, len(data), LINE):
        part = data[at : at + LINE]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        yield f"{at:06x}  {part.hex(' '):<{3 * LINE - 1}}  {shown}"


def _state(number: "QuarantineState.ValueType") -> str:
    return QuarantineState.Name(number).removeprefix("QUARANTINE_STATE_").lower()


def _said(found: GetQuarantinedResponse) -> dict[str, str]:
    return {"word": found.word, "readable": found.readable, "problem": found.problem}


def _told(fact: RetriedFact) -> str:
    what = f"{fact.word} {fact.fact_id} {fact.verdict}" + (f" ({fact.reason})" if fact.reason else "")
    return f"{what}, commit {fact.seq}" if fact.seq else what


def _row(one: Quarantined) -> tuple[object, ...]:
    state = _state(one.state)
    decided = " ".join(part for part in (instant(one.ended_at_ms), one.by, one.decided_for) if part) if one.ended_at_ms else ""
    return (
        one.quarantine_id,
        f"[yellow]{state}[/]" if state == "open" else state,
        one.reason,
        f"{one.inbox_seq}/{one.index}",
        instant(one.stored_at_ms),
        one.size_bytes if one.held else "[red]gone[/]",
        escape(one.publisher),
        escape(decided),
    )


def _plain(one: Quarantined) -> dict[str, Any]:
    return plain(one) | {"state": _state(one.state)}
