"""Who waited how long: by channel and hour of arrival, of several days that differ in nothing but their order."""

from collections.abc import Mapping, Sequence

import msgspec

from tests.day.day import BEGINS_MS, Day
from tests.day.people import DAY_MS
from tests.day.site import CHANNELS, HOUR, TARGETS_MS, Order

STARVES = 2
"""Times the target: who waits longer is not served in time by any measure."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The contacts of one channel that came in one hour (None: in the day). Waits are milliseconds from being queued to the first
    engagement; whoever still waits at midnight counts with the wait so far."""

    hour: int | None
    came: int
    p50_ms: int
    p90_ms: int
    max_ms: int
    served: int
    abandoned: int
    waiting: int


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """One channel on one day. `late`: how many of those served or still waiting waited longer than the channel's target (that of
    our own order). `starved`: hours of arrival of which most left, or waited longer than twice that target."""

    channel: str
    hours: list[Row]
    whole: Row
    starved: list[int]
    late: int


class _Stay(msgspec.Struct, frozen=True):
    """One contact: when it was queued and until when it waited, since midnight."""

    from_ms: int
    to_ms: int
    end: str


def waits(day: Day) -> dict[str, Waits]:
    """By channel, of a day that is over."""
    stays: dict[str, list[_Stay]] = {channel: [] for channel in CHANNELS}
    seen = day.world.seen
    for visitor in day.visitors:
        queued_ms = seen.queued.get(visitor.number)
        if queued_ms is None:
            continue
        begun_ms, ended = seen.begun.get(visitor.number), seen.ended.get(visitor.number)
        to_ms, end = (begun_ms, "served") if begun_ms else (ended[0], "abandoned") if ended else (BEGINS_MS + DAY_MS, "waiting")
        stays[visitor.channel].append(_Stay(queued_ms - BEGINS_MS, to_ms - BEGINS_MS, end))
    return {channel: _waits(channel, found) for channel, found in stays.items()}


def _waits(channel: str, stays: Sequence[_Stay]) -> Waits:
    by_hour = {hour: [stay for stay in stays if stay.from_ms // HOUR == hour] for hour in range(24)}
    hours = [_row(hour, came) for hour, came in by_hour.items()]
    late = sum(stay.end != "abandoned" and stay.to_ms - stay.from_ms > TARGETS_MS[channel] for stay in stays)
    starved = [hour for hour, came in by_hour.items() if _starves(channel, came)]
    return Waits(channel=channel, hours=[row for row in hours if row.came], whole=_row(None, stays), starved=starved, late=late)


def _row(hour: int | None, stays: Sequence[_Stay]) -> Row:
    ends = [stay.end for stay in stays]
    waited = sorted(stay.to_ms - stay.from_ms for stay in stays if stay.end != "abandoned")
    return Row(
        hour=hour, came=len(stays), p50_ms=_share(waited, 50), p90_ms=_share(waited, 90), max_ms=waited[-1] if waited else 0,
        served=ends.count("served"), abandoned=ends.count("abandoned"), waiting=ends.count("waiting"),
    )  # fmt: skip


def _share(waited: Sequence[int], percent: int) -> int:
    """The least of them that at least so many percent do not exceed."""
    return waited[-(-len(waited) * percent // 100) - 1] if waited else 0


def _starves(channel: str, stays: Sequence[_Stay]) -> bool:
    """Most of them left, or waited longer than any measure allows."""
    failed = sum(stay.end == "abandoned" or stay.to_ms - stay.from_ms > STARVES * TARGETS_MS[channel] for stay in stays)
    return 2 * failed > len(stays)


def tables(days: Mapping[Order, Mapping[str, Waits]]) -> str:
    """Markdown: the whole day first, then each channel by the hour."""
    lines = [
        "| Channel | Order | Came | Served | Abandoned | Waiting at midnight | p50 | p90 | Longest | Over target | Starved hours |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for channel in CHANNELS:
        for order, found in days.items():
            lines.append(_whole(channel, order, found[channel]))
    for channel in CHANNELS:
        lines += ["", f"### {channel}, by hour of arrival", "", *_by_hour(channel, days)]
    return "\n".join(lines) + "\n"


def _whole(channel: str, order: str, found: Waits) -> str:
    row = found.whole
    starved = ", ".join(map(str, found.starved)) or "none"
    return (
        f"| {channel} | {order} | {row.came} | {row.served} | {row.abandoned} | {row.waiting} | {span(row.p50_ms)} | "
        f"{span(row.p90_ms)} | {span(row.max_ms)} | {found.late} | {starved} |"
    )


def _by_hour(channel: str, days: Mapping[Order, Mapping[str, Waits]]) -> list[str]:
    heads = " | ".join(f"{order}: p50 / p90 / longest | served, left" for order in days)
    lines = [f"| Hour | Came | {heads} |", "|---:|---:|" + "---:|---:|" * len(days)]
    by_hour = {order: {row.hour: row for row in found[channel].hours} for order, found in days.items()}
    for hour in sorted({hour for rows in by_hour.values() for hour in rows}, key=lambda hour: hour or 0):
        rows = [rows[hour] for rows in by_hour.values() if hour in rows]
        cells = " | ".join(
            f"{span(row.p50_ms)} / {span(row.p90_ms)} / {span(row.max_ms)} | {row.served}, {row.abandoned}" for row in rows
        )
        lines.append(f"| {hour} | {rows[0].came} | {cells} |")
    return lines


def span(ms: int) -> str:
    """`0:07`, `12:30`, `3:05:00`."""
    minutes, seconds = divmod(ms // 1_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
