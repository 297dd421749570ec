"""`cordboard slas`: which promises in time run, what is at risk, and how many were met."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from cordboard.cli.calls import call
from cordboard.cli.contacts import plain
from cordboard.cli.days import Period
from cordboard.cli.instants import instant, now_ms
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, duration, fail, print_json, print_table
from cordboard.client import Client, SlaFilter
from cordboard.v1.sla_service_pb2 import GetSlaBoardResponse, ListSlasResponse, SlaClock, SlaCount, SlaDay, SlaMeasure, SlaState

STATES = ("running", "at_risk", "paused", "met", "broken", "cancelled")
MEASURES = ("answer", "first_response", "next_response", "resolution")
COLOURS = {"at_risk": "yellow", "broken": "bold red", "met": "green", "paused": "cyan"}
COLUMNS = ("sla", "measure", "queue", "contact", "state", "due", "in", "group")
BOARD = ("day", "sla", "queue", "met", "broken", "cancelled", "met %")
COUNTED = ("sla", "queue", "at risk", "met", "broken", "cancelled", "met %")


def slas(
    queue: Annotated[str, typer.Option(help="Only this queue's.")] = "",
    sla: Annotated[str, typer.Option(help="Only of this SLA.")] = "",
    state: Annotated[str, typer.Option(help=f"Only in this state: {', '.join(STATES)}.")] = "",
    measure: Annotated[str, typer.Option(help=f"Only what promises this: {', '.join(MEASURES)}.")] = "",
    contact: Annotated[str, typer.Option(help="Only of this contact, or of the case it began.")] = "",
    group: Annotated[str, typer.Option(help="Only what this group is told of: at risk, or broken within a day.")] = "",
    ended: Annotated[bool, typer.Option("--ended", help="Those that ended within a day, too.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="A line for every change, until Ctrl-C.")] = False,
    board: Annotated[bool, typer.Option("--board", help="How many were met, by day: also of days long past.")] = False,
    begin: Annotated[str, typer.Option("--from", help="With --board: ended at or after; else since today's beginning.")] = "",
    until: Annotated[str, typer.Option(help="With --board: ended before, at most 32 days later; else one day.")] = "",
    zone: Annotated[str, typer.Option(help="By whose clock days begin: an IANA zone; else the site's.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, those due first.")] = 50,
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Promises in time (SLAs): those due first, what is at risk, and how many were met."""
    for word, known in ((state, STATES), (measure, MEASURES)):
        if word and word not in known:
            fail(f"unknown word {escape(repr(word))}: use one of {', '.join(known)}")
    if watch:
        _watch(queue, group, target, as_json)
        return
    if board:
        _board(queue, Period(begin, until, zone), zone, target, as_json)
        return
    wanted = SlaFilter(sla=sla, queue=queue, contact_id=contact, group=group)
    wanted.live = not ended and state in ("", "running", "at_risk", "paused")
    if state:
        wanted.state = SlaState.Value(f"SLA_STATE_{state.upper()}")
    if measure:
        wanted.measure = SlaMeasure.Value(f"SLA_MEASURE_{measure.upper()}")
    found, last = call(target, lambda client: _found(client, wanted, limit))
    if as_json:
        print_json({"clocks": [clock_plain(one) for one in found], "counts": [count_plain(one) for one in last.counts]})
        return
    print_table(f"{len(found)} clocks", COLUMNS, [clock_row(one, now_ms()) for one in found], right=("in",))
    print_table("SLAs", COUNTED, [count_row(one) for one in last.counts], right=COUNTED[2:])


async def _found(client: Client, wanted: SlaFilter, limit: int) -> tuple[list[SlaClock], ListSlasResponse]:
    found: list[SlaClock] = []
    page = ListSlasResponse()
    async for page in client.list_slas(wanted, page_size=min(limit, 500)):
        found.extend(page.clocks)
        if len(found) >= limit:
            break
    return found[:limit], page


def _board(queue: str, period: Period, zone: str, target: str, as_json: bool) -> None:
    async def read(client: Client) -> GetSlaBoardResponse:
        from_ms, until_ms = await period.instants(client)
        return await client.get_sla_board([queue] if queue else [], from_ms=from_ms, until_ms=until_ms, zone=zone)

    found = call(target, read)
    if as_json:
        print_json({"zone": found.zone, "days": [day_plain(day) for day in found.days]})
        return
    print_table(f"SLAs ({escape(found.zone)})", BOARD, [day_row(day) for day in found.days], right=BOARD[3:])


def day_plain(day: SlaDay) -> dict[str, Any]:
    """The share of nothing is null."""
    said: dict[str, Any] = {field.name: getattr(day, field.name) for field in day.DESCRIPTOR.fields}
    return said | {"met_permille": day.met_permille if day.HasField("met_permille") else None}


def day_row(day: SlaDay) -> tuple[str, ...]:
    met = f"{day.met_permille / 10:.1f}" if day.HasField("met_permille") else "–"
    return day.day, day.sla, day.queue, str(day.met), f"[red]{day.broken}[/]" if day.broken else "0", str(day.cancelled), met


def _watch(queue: str, group: str, target: str, as_json: bool) -> None:
    async def work(client: Client) -> None:
        async for change in client.watch_slas([queue] if queue else (), group=group):
            for clock in change.clocks:
                if as_json:
                    print_json(clock_plain(clock))
                else:
                    console.print("  ".join(clock_row(clock, change.at_ms)), soft_wrap=True)

    try:
        call(target, work)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def clock_plain(clock: SlaClock) -> dict[str, Any]:
    """As JSON has it: numbers are numbers, states and measures words; what is empty is left out."""
    numbers = {
        field.name: getattr(clock, field.name) for field, _ in clock.ListFields() if field.name.endswith("_ms")
    }  # fmt: skip
    said: dict[str, Any] = plain(clock) | numbers
    said["state"] = _state(clock)
    said["measure"] = _measure(clock)
    return said


def count_plain(count: SlaCount) -> dict[str, Any]:
    names = ("sla", "queue", "met", "broken", "cancelled", "at_risk", "internal")
    met = None if count.met_permille < 0 else count.met_permille
    return {name: getattr(count, name) for name in names} | {"met_permille": met}


def clock_row(clock: SlaClock, now_ms: int) -> tuple[str, ...]:
    word = _state(clock)
    left = ""
    if clock.due_ms and not clock.ended_at_ms:
        left_ms = clock.due_ms - now_ms
        left = f"{'' if left_ms >= 0 else '-'}{duration(abs(left_ms))}"
    elif word == "paused":
        left = f"({duration(clock.left_ms)})"
    shown = word.replace("_", " ") + (f" ({clock.reason})" if clock.reason else "")
    return (
        clock.sla,
        _measure(clock).replace("_", " "),
        clock.queue,
        clock.contact_id,
        f"[{COLOURS[word]}]{shown}[/]" if word in COLOURS else shown,
        instant(clock.due_ms) if clock.due_ms else "",
        f"[yellow]{left}[/]" if word == "at_risk" else left,
        clock.group,
    )


def count_row(count: SlaCount) -> tuple[str, ...]:
    met = "" if count.met_permille < 0 else f"{count.met_permille / 10:.1f}"
    risk = f"[yellow]{count.at_risk}[/]" if count.at_risk else "0"
    broken = f"[red]{count.broken}[/]" if count.broken else "0"
    return count.sla, count.queue, risk, str(count.met), broken, str(count.cancelled), met


def _state(clock: SlaClock) -> str:
    return SlaState.Name(clock.state).removeprefix("SLA_STATE_").lower()


def _measure(clock: SlaClock) -> str:
    return SlaMeasure.Name(clock.measure).removeprefix("SLA_MEASURE_").lower()
