"""`cordboard callbacks …`: find a slot, promise a call, move it, cancel it. (Plans of slots: staffing.py.)"""

from datetime import datetime, timedelta
from typing import Annotated, Literal, cast

import typer
from rich.markup import escape

from cordboard.cli.calls import call
from cordboard.cli.contacts import plain
from cordboard.cli.instants import instant, parse_promised
from cordboard.cli.output import DEFAULT_TARGET, AsJson, Target, console, print_json, print_table
from cordboard.cli.promises import promise_plain
from cordboard.client import Customer, Promise
from cordboard.client.callbacks import NewCallback

callbacks_app = typer.Typer(help="Callbacks: find a slot, book, reschedule, cancel; plan how many fit.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="The promise's contact id: 32 hexadecimal digits.")]
Queue = Annotated[str, typer.Argument(help="A queue of the policy that promises calls.")]
At = Annotated[str, typer.Option(help="At or after: 2026-11-23T14:00+01:00, by that clock; else as soon as possible.")]
Exact = Annotated[bool, typer.Option("--exact", help="In the slot that holds --at, or not at all.")]
Within = Annotated[
    list[str] | None,
    typer.Option("--hours", help="When the customer can be reached, FROM..UNTIL; may be repeated.", show_default=False),
]
By = Annotated[str, typer.Option(help="Who does so for the customer: a person id.")]
RequestId = Annotated[str, typer.Option(help="A UUID: the same one again does nothing twice.")]
COLUMNS = ("begins", "ends", "room", "booked", "capacity")


@callbacks_app.command()
def slots(
    queue: Queue,
    at: At = "",
    within: Within = None,
    zone: Annotated[str, typer.Option(help="Whose clock is shown: an IANA zone such as Europe/Brussels.")] = "",
    count: Annotated[int, typer.Option(min=1, max=3_000, help="At most so many.")] = 8,
    full: Annotated[bool, typer.Option("--full", help="Those without room, too.")] = False,
    waiting: Annotated[
        str, typer.Option(help="A contact that waits there: when its place is likely to be reached, if its customer kept it.")
    ] = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Slots with room, the next ones first."""
    wish_ms, hours = instant_given(at), hours_given(within)
    found = call(
        target,
        lambda client: client.find_slots(
            queue, wish_ms=wish_ms, hours=hours, zone=zone, count=count, include_full=full, waiting_contact_id=waiting
        ),
    )
    place = found.place if found.HasField("place") else None
    if as_json:
        slots = [
            {"begin_ms": one.begin_ms, "end_ms": one.end_ms, "local": one.local, "capacity": one.capacity, "booked": one.booked}
            for one in found.slots
        ]
        kept = place and {"due_ms": place.due_ms, "from_ms": place.from_ms, "until_ms": place.until_ms, "local": place.local}
        print_json({"slots": slots, "place": kept} if waiting else slots)
        return
    if waiting:
        until_s = 0 if place is None else (place.until_ms - place.due_ms) // 1_000
        said = "no place can be kept now" if place is None else f"{place.local}, and within {until_s // 60} minutes from then"
        console.print(f"the place in the line: {said}")
    rows = []
    for one in found.slots:
        room = max(0, one.capacity - one.booked)
        ends = datetime.fromisoformat(one.local) + timedelta(milliseconds=one.end_ms - one.begin_ms)
        rows.append(
            (one.local, ends.isoformat(timespec="minutes"), f"[{'green' if room else 'red'}]{room}[/]", one.booked, one.capacity)
        )
    print_table(f"slots of {escape(queue)}", COLUMNS, rows, right=("room", "booked", "capacity"))


@callbacks_app.command()
def book(
    queue: Queue,
    number: Annotated[str, typer.Option(help="The telephone number to call.")],
    at: At = "",
    exact: Exact = False,
    within: Within = None,
    name: Annotated[str, typer.Option(help="The customer's name; the number is then the customer's own.")] = "",
    text: Annotated[str, typer.Option(help="What it is about, for the agent who calls.")] = "",
    topic: Annotated[str, typer.Option(help="A topic of the policy.")] = "",
    channel: Annotated[str, typer.Option(help="A channel of the policy; else voice.")] = "",
    priority: Annotated[int, typer.Option(min=0, max=100)] = 0,
    agent: Annotated[list[str] | None, typer.Option(help="To be tried first; may be repeated.", show_default=False)] = None,
    waiting: Annotated[str, typer.Option(help="The customer's contact that waits now and is left for the promise.")] = "",
    hold_place: Annotated[
        bool, typer.Option("--hold-place", help="Keep the place of --waiting in its line, and call when it is reached.")
    ] = False,
    mode: Annotated[str, typer.Option(help="agent_first or customer_first; else as the policy says.")] = "",
    request_id: RequestId = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Promise a call. If there is no room then, says what could be had."""
    wanted = NewCallback(
        queue=queue,
        number=number,
        wish_ms=instant_given(at),
        exact=exact,
        hours=hours_given(within),
        text=text,
        topic=topic,
        channel=channel,
        priority=priority,
        preferred_agents=agent or [],
        waiting_contact_id=waiting,
        hold_place=hold_place,
    )
    if name:
        wanted["customer"] = Customer(kind="phone", address=number, name=name)
    if mode:
        if mode not in ("agent_first", "customer_first"):
            raise typer.BadParameter("use agent_first or customer_first")
        wanted["mode"] = cast(Literal["agent_first", "customer_first"], mode)
    if request_id:
        wanted["request_id"] = request_id
    say_promise(call(target, lambda client: client.book_callback(**wanted)).promise, as_json)


@callbacks_app.command()
def reschedule(
    contact_id: Id,
    at: At = "",
    exact: Exact = False,
    within: Within = None,
    by: By = "",
    request_id: RequestId = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Promise another time instead. If there is no room then, the old promise stands."""
    wish_ms, hours = instant_given(at), hours_given(within) if within else None
    done = call(
        target,
        lambda client: client.reschedule_callback(
            contact_id, wish_ms=wish_ms, exact=exact, hours=hours, by=by, request_id=request_id or None
        ),
    )
    say_promise(done.promise, as_json)


@callbacks_app.command()
def cancel(
    contact_id: Id,
    by: By = "",
    reason: Annotated[str, typer.Option(help="Why: a reason of the policy.")] = "",
    request_id: RequestId = "",
    target: Target = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Nobody is called any more."""
    done = call(target, lambda client: client.cancel_callback(contact_id, by=by, reason=reason, request_id=request_id or None))
    print_json(plain(done)) if as_json else console.print("cancelled")


def say_promise(promise: Promise, as_json: bool) -> None:
    if as_json:
        print_json(promise_plain(promise))
        return
    window = f"between {instant(promise.from_ms)} and {instant(promise.until_ms)}"
    console.print(f"{promise.contact_id}  promised for [bold]{instant(promise.due_ms)}[/], {window}", soft_wrap=True)


def instant_given(text: str) -> int:
    return parse_promised(text) if text else 0


def hours_given(stretches: list[str] | None) -> list[tuple[int, int]]:
    hours = []
    for text in stretches or ():
        begin, dots, end = text.partition("..")
        if not dots:
            raise typer.BadParameter(f"{text!r} is no stretch of time: write 2026-11-23T09:00+01:00..2026-11-23T12:00+01:00")
        hours.append((parse_promised(begin), parse_promised(end)))
    return hours
