"""Callbacks and promises: the customer's hours, slots, and a promise as the API shows it."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import get_args
from zoneinfo import ZoneInfo

from cordboard.api.translate.check import Check
from cordboard.api.translate.contacts import person
from cordboard.events.bounds import INSTANT_MAX_MS
from cordboard.events.policy import DialMode
from cordboard.events.promises import HOURS_MAX, Hours, PromiseOutcome
from cordboard.numbers import CallableNumbers
from cordboard.promises import Promise, Slot, State
from cordboard.router.explain import Place
from cordboard.v1 import callback_service_pb2 as pb
from cordboard.v1 import desk_pb2 as desk_pb
from cordboard.vault import Content, Person

STATES: dict[int, State] = {
    pb.PROMISE_STATE_PROMISED: "promised",
    pb.PROMISE_STATE_WAITING: "waiting",
    pb.PROMISE_STATE_CALLING: "calling",
    pb.PROMISE_STATE_ENDED: "ended",
}
TO_STATE = {word: pb.PromiseState.ValueType(number) for number, word in STATES.items()}
MODES: dict[int, DialMode | None] = {
    pb.DIAL_MODE_UNSPECIFIED: None,
    pb.DIAL_MODE_AGENT_FIRST: "agent_first",
    pb.DIAL_MODE_CUSTOMER_FIRST: "customer_first",
}
TO_MODE: dict[DialMode, pb.DialMode.ValueType] = {
    "agent_first": pb.DIAL_MODE_AGENT_FIRST,
    "customer_first": pb.DIAL_MODE_CUSTOMER_FIRST,
}
OUTCOMES: tuple[PromiseOutcome, ...] = get_args(PromiseOutcome)
ZONE_MAX = 64
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")


def hours_from(check: Check, field: str, given: Sequence[pb.CustomerHours]) -> list[Hours]:
    """When the customer can be reached: at most HOURS_MAX stretches, none that ends before it begins."""
    check.count(field, len(given), 0, HOURS_MAX)
    hours = [
        Hours(
            check.number(f"{field}[{index}].from_ms", one.from_ms, 0, INSTANT_MAX_MS),
            check.number(f"{field}[{index}].until_ms", one.until_ms, 0, INSTANT_MAX_MS),
        )
        for index, one in enumerate(given[:HOURS_MAX])
    ]
    for index, one in enumerate(hours):
        if one.from_ms >= one.until_ms:
            check.wrong(f"{field}[{index}].until_ms", "must be after from_ms")
    return hours


def zone_from(check: Check, field: str, name: str) -> ZoneInfo:
    """An IANA zone; UTC for none."""
    if not name:
        return ZoneInfo("UTC")
    # A name becomes a path: nothing but what zones are called may reach the look-up.
    if len(name) <= ZONE_MAX and _ZONE.fullmatch(name):
        try:
            return ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            pass
    check.wrong(field, "must be an IANA time zone, for example Europe/Brussels")
    return ZoneInfo("UTC")


def number_from(check: Check, field: str, given: str, numbers: CallableNumbers) -> str:
    """A telephone number as it is dialled. What was given is not quoted: it is personal."""
    number = numbers.spelled(given)
    if number is None:
        check.wrong(field, f"must be a telephone number that can be dialled{numbers.hint}")
    return number or ""


def slot_message(slot: Slot, slot_ms: int, zone: ZoneInfo) -> pb.Slot:
    return pb.Slot(
        begin_ms=slot.begin_ms,
        end_ms=slot.begin_ms + slot_ms,
        capacity=slot.capacity,
        booked=slot.booked,
        local=datetime.fromtimestamp(slot.begin_ms / 1_000, zone).isoformat(timespec="minutes"),
    )


def place_message(place: Place, zone: ZoneInfo) -> pb.Place:
    local = datetime.fromtimestamp(place.due_ms / 1_000, zone).isoformat(timespec="minutes")
    return pb.Place(due_ms=place.due_ms, from_ms=place.from_ms, until_ms=place.until_ms, local=local)


def promise_message(promise: Promise, people: Mapping[bytes, Person], alternatives: Sequence[int]) -> pb.Promise:
    """Without content. `people` must know its agent. `alternatives`: when slots begin that its customer may have instead."""
    return pb.Promise(
        contact_id=promise.contact.hex(),
        channel=promise.channel,
        queue=promise.queue,
        state=TO_STATE[promise.state],
        mode=TO_MODE[promise.mode],
        made_at_ms=promise.made_ms,
        due_ms=promise.due_ms,
        from_ms=promise.from_ms,
        until_ms=promise.until_ms,
        slot_ms=promise.slot_ms,
        hours=[pb.CustomerHours(from_ms=one.from_ms, until_ms=one.until_ms) for one in promise.hours],
        entry_point=promise.entry_point or "",
        topic=promise.topic or "",
        language=promise.language or "",
        case_id=(promise.case or promise.contact).hex(),
        customer_id=_hex(promise.customer),
        waiting_contact_id=_hex(promise.waiting),
        replaces_contact_id=_hex(promise.replaces),
        agent=person(people, promise.agent),
        attempts=promise.attempts,
        kind=promise.kind,
        last_attempt=promise.tried or "",
        next_at_ms=promise.next_ms or 0,
        at_risk=promise.at_risk,
        alternatives_ms=alternatives,
        outcome=promise.outcome or "",
        reason=promise.reason or "",
        ended_at_ms=promise.ended_ms or 0,
        lateness_ms=promise.lateness_ms,
        successor_contact_id=_hex(promise.successor),
    )


def _hex(ref: bytes | None) -> str:
    return "" if ref is None else ref.hex()


def preview(promise: Promise, number: Content | None, missed: bytes | None) -> desk_pb.Preview:
    """What an agent is to know of a promised call; `missed`: who came in vain and is called for that."""
    return desk_pb.Preview(
        due_ms=promise.due_ms,
        until_ms=promise.until_ms,
        kind=promise.kind,
        mode=TO_MODE[promise.mode],
        attempts=promise.attempts,
        last_attempt=promise.tried or "",
        number=number.text if number is not None else "",
        waiting_contact_id=promise.waiting.hex() if promise.waiting is not None else "",
        missed_contact_id=missed.hex() if missed is not None else "",
    )
