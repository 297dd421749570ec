"""`cordboard promises …`: what is promised, and what becomes of it."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from cordboard.cli.calls import call
from cordboard.cli.contacts import plain
from cordboard.cli.days import Period
from cordboard.cli.instants import instant, now_ms, parse_instant
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, duration, fail, print_fields, print_json, print_table
from cordboard.client import Client, Promise, PromiseFilter
from cordboard.v1.callback_service_pb2 import DialMode, GetPromiseBoardResponse, PromiseDay, PromiseState

promises_app = typer.Typer(help="Promised calls: list, show, watch.", no_args_is_help=True)
STATES = ("promised", "waiting", "calling", "ended")
OUTCOMES = ("kept", "honoured_not_reached", "missed", "cancelled", "rescheduled")
COLOURS = {"kept": "green", "missed": "bold red", "honoured_not_reached": "yellow", "waiting": "yellow", "calling": "cyan"}
COLUMNS = ("promise", "queue", "due", "in", "state", "attempts", "agent", "risk")
BOARD_STATES = ("promised", "live", "due soon", "at risk", "kept", "not reached", "missed", "cancelled", "moved")
BOARD = ("day", "queue", *BOARD_STATES, "rate", "late p50", "p95")
SOON_MS = 15 * 60_000
"""What is due within a quarter of an hour stands out."""
Queues = Annotated[list[str] | None, typer.Option("--queue", help="Only this queue's; may be repeated.", show_default=False)]


@promises_app.command("list")
def list_promises(
    queue: Annotated[str, typer.Option(help="Only this queue's.")] = "",
    state: Annotated[str, typer.Option(help=f"Only in this state: {', '.join(STATES)}.")] = "",
    outcome: Annotated[str, typer.Option(help=f"Only those that ended so: {', '.join(OUTCOMES)}.")] = "",
    due_from: Annotated[str, typer.Option("--from", help="Due at or after.")] = "",
    due_until: Annotated[str, typer.Option("--until", help="Due before.")] = "",
    customer: Annotated[str, typer.Option(help="Only of this customer: 32 hexadecimal digits.")] = "",
    at_risk: Annotated[bool, typer.Option("--at-risk", help="Only those that may not be kept.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, those due first.")] = 50,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Promises that live, or have ended within a day, by due time."""
    for word, known in ((state, STATES), (outcome, OUTCOMES)):
        if word and word not in known:
            fail(f"unknown word {escape(repr(word))}: use one of {', '.join(known)}")
    wanted = PromiseFilter(queue=queue, outcome=outcome, customer_id=customer, at_risk=at_risk)
    if state:
        wanted.state = PromiseState.Value(f"PROMISE_STATE_{state.upper()}")
    wanted.due_from_ms = parse_instant(due_from) if due_from else 0
    wanted.due_until_ms = parse_instant(due_until) if due_until else 0

    async def work(client: Client) -> list[Promise]:
        found: list[Promise] = []
        async for promise in client.list_promises(wanted, page_size=min(limit, 500)):
            found.append(promise)
            if len(found) >= limit:
                break
        return found

    found = call(target, work)
    if as_json:
        print_json([promise_plain(promise) for promise in found])
        return
    rows = [promise_row(promise, now_ms()) for promise in found]
    print_table(f"{len(rows)} promises", COLUMNS, rows, right=("attempts", "in"))


@promises_app.command()
def show(
    contact_id: Annotated[str, typer.Argument(help="The promise's contact id: 32 hexadecimal digits.")],
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """One promise, with its number and what it is about."""
    promise = call(target, lambda client: client.get_promise(contact_id))
    said = promise_plain(promise)
    if as_json:
        print_json(said)
        return
    print_fields({name.removesuffix("_ms"): _shown(name, value) for name, value in said.items()})


@promises_app.command()
def watch(queues: Queues = None, target: Target = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """First those that live, then a line for every change, until Ctrl-C."""

    async def work(client: Client) -> None:
        async for change in client.watch_promises(queues or ()):
            for promise in change.promises:
                if as_json:
                    print_json(promise_plain(promise))
                else:
                    console.print("  ".join(promise_row(promise, change.at_ms)), soft_wrap=True)

    try:
        call(target, work)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@promises_app.command()
def board(
    queues: Queues = None,
    due_from: Annotated[str, typer.Option("--from", help="Due at or after; else since today's beginning.")] = "",
    due_until: Annotated[str, typer.Option("--until", help="Due before, at most 32 days later; else one day.")] = "",
    zone: Annotated[str, typer.Option(help="By whose clock days begin: an IANA zone; else the site's.")] = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """How many calls were promised for each day and queue, and how it went; also of days long past."""
    period = Period(due_from, due_until, zone)

    async def read(client: Client) -> GetPromiseBoardResponse:
        from_ms, until_ms = await period.instants(client)
        return await client.get_promise_board(queues or (), due_from_ms=from_ms, due_until_ms=until_ms, zone=zone)

    found = call(target, read)
    if as_json:
        print_json({"zone": found.zone, "days": [_day_plain(day) for day in found.days], "total": _day_plain(found.total)})
        return
    rows = [_day_row(day) for day in found.days]
    if len(rows) > 1:
        rows.append(tuple(f"[bold]{cell}[/]" if cell else "" for cell in ("all", *_day_row(found.total)[1:])))
    print_table(f"promises ({escape(found.zone)})", BOARD, rows, right=BOARD[2:])


def _shown(name: str, value: Any) -> object:
    match name:
        case "slot_ms" | "lateness_ms":
            return duration(value)
        case "alternatives_ms":
            return ", ".join(map(instant, value))
        case "hours":
            return ", ".join(f"{instant(one['from_ms'])} to {instant(one['until_ms'])}" for one in value)
    return instant(value) if name.endswith("_ms") else value


def _day_plain(day: PromiseDay) -> dict[str, Any]:
    """Rates and percentiles of nothing are null."""
    said: dict[str, Any] = {field.name: getattr(day, field.name) for field in day.DESCRIPTOR.fields}
    for name in ("kept_permille", "lateness_p50_ms", "lateness_p95_ms"):
        if not day.HasField(name):
            said[name] = None
    return said


def _day_row(day: PromiseDay) -> tuple[str, ...]:
    judged = day.HasField("kept_permille")
    alarms = [f"[bold red]{count}[/]" if count else "0" for count in (day.at_risk, day.missed)]
    return (
        day.day,
        escape(day.queue),
        *map(str, (day.promised, day.live, day.due_soon)),
        alarms[0],
        *map(str, (day.kept, day.honoured_not_reached)),
        alarms[1],
        *map(str, (day.cancelled, day.rescheduled)),
        f"{day.kept_permille / 10:.1f} %" if judged else "–",
        duration(day.lateness_p50_ms) if judged else "–",
        duration(day.lateness_p95_ms) if judged else "–",
    )


def promise_plain(promise: Promise) -> dict[str, Any]:
    """As JSON has it: numbers are numbers, states and modes words; what is empty is left out."""
    numbers = {
        name: value for name, value in ((field.name, getattr(promise, field.name)) for field, _ in promise.ListFields())
        if isinstance(value, int) and not isinstance(value, bool)
    }  # fmt: skip
    said: dict[str, Any] = plain(promise) | numbers
    said["state"] = PromiseState.Name(promise.state).removeprefix("PROMISE_STATE_").lower()
    said["mode"] = DialMode.Name(promise.mode).removeprefix("DIAL_MODE_").lower()
    if promise.alternatives_ms:
        said["alternatives_ms"] = list(promise.alternatives_ms)
    if promise.hours:
        said["hours"] = [{"from_ms": one.from_ms, "until_ms": one.until_ms} for one in promise.hours]
    return said


def promise_row(promise: Promise, as_of_ms: int) -> tuple[str, ...]:
    state = PromiseState.Name(promise.state).removeprefix("PROMISE_STATE_").lower()
    word = promise.outcome or state
    said = f"{word} ({promise.reason})" if promise.reason else word
    left_ms = promise.due_ms - as_of_ms
    left = f"{'' if left_ms >= 0 else '-'}{duration(abs(left_ms))}" if not promise.outcome else ""
    if left and left_ms <= SOON_MS:
        left = f"[{'yellow' if left_ms >= 0 else 'red'}]{left}[/]"
    return (
        promise.contact_id,
        promise.queue,
        instant(promise.due_ms),
        left,
        f"[{COLOURS[word]}]{said}[/]" if word in COLOURS else said,
        str(promise.attempts or ""),
        escape(promise.agent),
        "[bold red]at risk[/]" if promise.at_risk and not promise.outcome else "",
    )
