"""The board of promises: a day's figures, by the clock of the zone asked for."""

from zoneinfo import ZoneInfo

from cordboard.api.promise_board import SOON_MS, by_day
from cordboard.projections.history.reader import PromiseRow

HOUR = 3_600_000
MIDNIGHT = 1_795_302_000_000
"""2026-11-22T00:00 in Brussels, which is 23:00 the day before in UTC."""


def kept(count: int) -> list[PromiseRow]:
    return [PromiseRow("orders", MIDNIGHT + HOUR, False, "kept", 1_000 * number) for number in range(count)]


def test_a_day_is_that_of_the_zone_and_rates_are_of_those_who_could_be_reached() -> None:
    rows = [
        *kept(19),
        PromiseRow("orders", MIDNIGHT + HOUR, True, "missed", 600_000),
        PromiseRow("orders", MIDNIGHT, False, "honoured_not_reached", 700_000),
        PromiseRow("orders", MIDNIGHT, False, "cancelled", 0),
        PromiseRow("orders", MIDNIGHT - 1, False, "rescheduled", 0),
        PromiseRow("invoices", MIDNIGHT + 2 * HOUR, True, None, None),
        PromiseRow("invoices", MIDNIGHT + 2 * HOUR + SOON_MS + 1, False, None, None),
    ]
    before, invoices, orders = by_day(rows, ZoneInfo("Europe/Brussels"), MIDNIGHT + 2 * HOUR)
    assert (before.day, before.rescheduled, before.HasField("kept_permille")) == ("2026-11-21", 1, False)
    assert not before.HasField("lateness_p50_ms") and not before.HasField("lateness_p95_ms")
    assert (orders.day, orders.promised, orders.live, orders.kept, orders.missed) == ("2026-11-22", 22, 0, 19, 1)
    assert (orders.honoured_not_reached, orders.cancelled, orders.at_risk) == (1, 1, 0), "who ended is at risk no more"
    assert (orders.kept_permille, orders.lateness_p50_ms, orders.lateness_p95_ms) == (950, 9_000, 18_000)
    assert (invoices.live, invoices.due_soon, invoices.at_risk) == (2, 1, 1)
    assert [day.day for day in by_day(rows, ZoneInfo("UTC"), MIDNIGHT)] == ["2026-11-21", "2026-11-22", "2026-11-22"]


def test_percentiles_are_values_that_were_seen() -> None:
    (one,) = by_day(kept(1), ZoneInfo("UTC"), MIDNIGHT)
    assert (one.lateness_p50_ms, one.lateness_p95_ms, one.kept_permille) == (0, 0, 1_000)
    (hundred,) = by_day(kept(100), ZoneInfo("UTC"), MIDNIGHT)
    assert (hundred.lateness_p50_ms, hundred.lateness_p95_ms) == (49_000, 94_000)
