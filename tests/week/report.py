"""The variants side by side, the marks, and benchmarks/week.json."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tests.benchmarks.rows import commit, machine
from tests.week.figures import Figures
from tests.week.run import Size
from tests.week.site import CHANNELS, Variant

KEPT_RATE_MIN = 0.99
SERVICE_LEVEL_COST_MAX = 0.02
"""How much of the service level of those who wait themselves promises may cost."""
WITHIN_P80_MIN, WITHIN_P80_CHANNEL_MIN = 0.75, 0.60
"""Of all to whom a wait was said, and of those of each channel, so many are served within the 80th percentile that was expected."""
STATED_MIN = 100
"""Fewer say nothing of a channel."""
Weeks = Mapping[Variant, Figures]
HEADS: dict[Variant, str] = {"promised": "promised", "without": "no callbacks", "naive": "naive callbacks"}


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A variant in the file."""

    service_level: float
    service_levels: dict[str, float]
    abandoned: float
    figures: Figures


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds. Rates are 0 to 1."""

    commit: str
    machine: str
    seed: int
    agents: int
    kept_rate: float
    promises: int
    contacts: int
    service_level_with: float
    service_level_without: float
    service_level_naive: float
    naive_kept_rate: float
    flips_under_dwell: int
    wait_p80_calibration: float
    wait_p80_by_channel: dict[str, float]
    weeks: dict[str, Side]


def report(size: Size, weeks: Weeks) -> Report:
    """Of all three variants."""
    with_, without, naive = weeks["promised"], weeks["without"], weeks["naive"]
    return Report(
        commit=commit(), machine=machine(), seed=size.seed, agents=size.agents, kept_rate=_round(with_.promises.rate),
        promises=with_.promises.made, contacts=with_.contacts, service_level_with=_round(with_.all_direct.service_level),
        service_level_without=_round(without.all_direct.service_level),
        service_level_naive=_round(naive.all_direct.service_level), naive_kept_rate=_round(naive.promises.rate),
        flips_under_dwell=sum(each.flips_under_dwell for each in weeks.values()),
        wait_p80_calibration=_round(with_.calibration["all"].within_p80),
        wait_p80_by_channel={channel: _round(with_.calibration[channel].within_p80) for channel in CHANNELS},
        weeks={name: _side(each) for name, each in weeks.items()},
    )  # fmt: skip


def failures(weeks: Weeks, promises_min: int = 0) -> list[str]:
    """Marks that were missed, in words; empty is good. `promises_min`: so many calls are to be promised."""
    with_, without = weeks["promised"], weeks["without"]
    cost = without.all_direct.service_level - with_.all_direct.service_level
    found = []
    if with_.promises.rate < KEPT_RATE_MIN:
        found.append(f"{with_.promises.missed} of {with_.promises.made} promises were missed: kept rate {with_.promises.rate:.4f}")
    if with_.promises.made < promises_min:
        found.append(f"{with_.promises.made} calls were promised, not {promises_min}")
    if with_.promises.still_open:
        found.append(f"{with_.promises.still_open} promises have no end")
    if cost > SERVICE_LEVEL_COST_MAX:
        found.append(f"promises cost those who wait themselves {cost:.4f} of their service level")
    for channel, least in {"all": WITHIN_P80_MIN, **dict.fromkeys(CHANNELS, WITHIN_P80_CHANNEL_MIN)}.items():
        said = with_.calibration[channel]
        if said.stated >= STATED_MIN and said.within_p80 < least:
            found.append(f"{channel}: {said.within_p80:.4f} were served within the p80 that was expected, not {least}")
    for name, each in weeks.items():
        if each.flips_under_dwell:
            found.append(f"{name}: {each.flips_under_dwell} doors turned before their least time was over")
        if each.findings:
            found.append(f"{name}: verify found {each.findings} flaws")
    return found


def show(weeks: Weeks, console: Console) -> None:
    table = Table("", *(HEADS[name] for name in weeks), box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, cell in _rows():
        table.add_row(name, *(cell(each) for each in weeks.values()))
    console.print(table)


def save(found: Report, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")


def _rows() -> list[tuple[str, Callable[[Figures], str]]]:
    def promises(of: Callable[[Figures], object]) -> Callable[[Figures], str]:
        return lambda each: str(of(each)) if each.promises.made else "–"

    rows: list[tuple[str, Callable[[Figures], str]]] = [
        ("promises made", promises(lambda each: each.promises.made)),
        ("  kept", promises(lambda each: each.promises.kept)),
        ("  honoured, not reached", promises(lambda each: each.promises.honoured_not_reached)),
        ("  missed", promises(lambda each: each.promises.missed)),
        ("  cancelled", promises(lambda each: each.promises.cancelled)),
        ("  rescheduled", promises(lambda each: each.promises.rescheduled)),
        ("  without an end", promises(lambda each: each.promises.still_open)),
        ("kept rate", promises(lambda each: _percent(each.promises.rate))),
        ("lateness p50, p95", promises(lambda each: f"{each.promises.lateness_p50_s:.0f} s, {each.promises.lateness_p95_s:.0f} s")),
        ("who would be called and spoke with an agent", lambda each: _percent(each.wishers_served)),
        ("service level of all others", lambda each: _percent(each.all_direct.service_level)),
    ]
    rows += [(f"  {channel}", _level(channel)) for channel in CHANNELS]
    rows += [(f"  {channel}: abandoned", _left(channel)) for channel in ("voice", "chat")]
    return [
        *rows,
        ("occupancy", lambda each: _percent(each.occupancy)),
        ("doors turned, too early", lambda each: f"{each.door_turns}, {each.flips_under_dwell}"),
        ("turned back at a busy door", lambda each: str(each.turned_back)),
        ("served within the stated p80", lambda each: _percent(each.calibration["all"].within_p80)),
        *((f"  {channel}", _within(channel)) for channel in CHANNELS),
        ("  as it was said, rounded up", lambda each: _percent(each.calibration["all"].within_said)),
        ("events, findings of verify", lambda each: f"{each.events:,}, {each.findings}"),
        ("processor, memory", lambda each: f"{each.cpu_s:.0f} s, {each.peak_memory_mib} MiB"),
    ]


def _level(channel: str) -> Callable[[Figures], str]:
    return lambda each: _percent(each.direct[channel].service_level)


def _within(channel: str) -> Callable[[Figures], str]:
    return lambda each: _percent(each.calibration[channel].within_p80)


def _left(channel: str) -> Callable[[Figures], str]:
    return lambda each: _percent(each.direct[channel].abandoned / max(1, each.direct[channel].came))


def _side(each: Figures) -> Side:
    whole = each.all_direct
    return Side(
        service_level=_round(whole.service_level),
        service_levels={channel: _round(direct.service_level) for channel, direct in each.direct.items()},
        abandoned=_round(whole.abandoned / max(1, whole.came)), figures=each,
    )  # fmt: skip


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def _round(rate: float) -> float:
    return round(rate, 4)
