"""The week in figures, from what the engine recorded and from nothing else."""

from collections.abc import Iterable

import msgspec

from tests.benchmarks.report import rank
from tests.week.site import BEGINS_MS, CHANNELS, LASTS_MS
from tests.week.tally import Promised, Stay, Tally
from tests.week.week import Week

LIVE = ("voice", "chat")


class Direct(msgspec.Struct, frozen=True, kw_only=True):
    """Of those who never wished for a call, so the same people in every variant.

    `service_level`: answered within the target, of all who came; whoever saw a busy door and wrote a mail instead was not. Left
    out is who was not answered, and need not be before the week is over.
    """

    came: int
    in_time: int
    abandoned: int

    @property
    def service_level(self) -> float:
        return share(self.in_time, self.came)


class Promises(msgspec.Struct, frozen=True, kw_only=True):
    """By how they ended; a promise that was moved is one, with its successor. `rate`: kept, of those kept or missed; lateness is of
    those who were connected, in seconds (early: 0)."""

    made: int
    kept: int
    honoured_not_reached: int
    missed: int
    cancelled: int
    rescheduled: int
    still_open: int
    at_risk: int
    declined: int
    attempts: int
    rate: float
    lateness_p50_s: float
    lateness_p95_s: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Of contacts to whom a wait was stated (not: right away), served within the 80th percentile that was expected, and within that
    as it was said (rounded up). Who left sooner is not known to have waited too long, and is left out."""

    stated: int
    within_p80: float
    within_said: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One variant. `wishers_served`: of those who would be called and did not cancel, who spoke with an agent in the end."""

    variant: str
    contacts: int
    promises: Promises
    direct: dict[str, Direct]
    wishers_served: float
    occupancy: float
    door_turns: int
    turned_back: int
    flips_under_dwell: int
    calibration: dict[str, Calibration]
    commits: int
    events: int
    findings: int
    """Divergences, violations and lost facts that `verify` found."""
    peak_memory_mib: int
    """Of the process that simulated and verified it."""
    cpu_s: float

    @property
    def all_direct(self) -> Direct:
        parts = self.direct.values()
        return Direct(
            came=sum(part.came for part in parts), in_time=sum(part.in_time for part in parts),
            abandoned=sum(part.abandoned for part in parts),
        )  # fmt: skip


def figures(week: Week, *, findings: int, peak_memory_mib: int, cpu_s: float) -> Figures:
    """Of a week that is over."""
    tally = week.outside.tally
    return Figures(
        variant=week.variant,
        contacts=len(week.visitors),
        promises=_promises(tally),
        direct={channel: _direct(week, channel) for channel in CHANNELS},
        wishers_served=_wishers_served(week),
        occupancy=sum(tally.work.values()) / 100 / week.staffed_ms if week.staffed_ms else 0.0,
        door_turns=tally.doors.total(),
        turned_back=tally.turned_back.total(),
        flips_under_dwell=tally.under_dwell,
        calibration={
            "all": _calibration(tally.stays.values()),
            **{channel: _calibration(stay for stay in tally.stays.values() if stay.channel == channel) for channel in CHANNELS},
        },
        commits=week.commits,
        events=week.outside.seen.events,
        findings=findings,
        peak_memory_mib=peak_memory_mib,
        cpu_s=round(cpu_s, 1),
    )


def share(part: float, whole: float) -> float:
    """1 of nothing: nobody was disappointed."""
    return part / whole if whole else 1.0


def _direct(week: Week, channel: str) -> Direct:
    came = in_time = abandoned = 0
    ends_ms = BEGINS_MS + LASTS_MS
    for visitor in week.visitors:
        if visitor.channel != channel or visitor.number in week.wishes:
            continue
        stay = week.outside.stay(visitor)
        if stay is None or stay.channel != channel:
            came += 1
            continue
        if stay.wait_ms is None and stay.left_ms is None and stay.due_ms >= ends_ms:
            continue
        came += 1
        in_time += stay.wait_ms is not None and stay.queued_ms + stay.wait_ms <= stay.due_ms
        abandoned += stay.left_ms is not None
    return Direct(came=came, in_time=in_time, abandoned=abandoned)


def _promises(tally: Tally) -> Promises:
    found = list(tally.promises.values())
    ends = [promise.outcome for promise in found]
    late = [_late_s(promise) for promise in found if promise.connected_ms is not None] or [0.0]
    return Promises(
        made=len(found) - ends.count("rescheduled"), kept=ends.count("kept"),
        honoured_not_reached=ends.count("honoured_not_reached"),
        missed=ends.count("missed"), cancelled=ends.count("cancelled"), rescheduled=ends.count("rescheduled"),
        still_open=ends.count(None), at_risk=tally.at_risk, declined=tally.declined.total(), attempts=tally.attempts.total(),
        rate=share(ends.count("kept"), ends.count("kept") + ends.count("missed")),
        lateness_p50_s=rank(late, 50), lateness_p95_s=rank(late, 95),
    )  # fmt: skip


def _late_s(promise: Promised) -> float:
    assert promise.connected_ms is not None
    return max(0, promise.connected_ms - promise.due_ms) / 1_000


def _wishers_served(week: Week) -> float:
    wishers = [number for number, wish in week.wishes.items() if wish.changes != "cancels"]
    return share(sum(number in week.outside.seen.begun for number in wishers), len(wishers))


def _calibration(stays: Iterable[Stay]) -> Calibration:
    stated = [stay for stay in stays if stay.expected_ms]
    return Calibration(
        stated=len(stated),
        within_p80=_within((stay, stay.expected_ms or 0) for stay in stated),
        within_said=_within((stay, stay.said_ms or 0) for stay in stated),
    )


def _within(stays: Iterable[tuple[Stay, int]]) -> float:
    known = [
        stay.wait_ms is not None and stay.wait_ms <= within_ms
        for stay, within_ms in stays
        if stay.wait_ms is not None or (stay.left_ms or 0) > within_ms
    ]
    return share(sum(known), len(known))
