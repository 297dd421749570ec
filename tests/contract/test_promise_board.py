"""The board of promises: a day's figures, by the clock of the zone asked for, as each database counts them."""

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from cordboard.api.promise_board import SOON_MS, board
from cordboard.projections.history import HistoryReader
from cordboard.projections.history.figures import Period
from cordboard.projections.history.schema import promises
from cordboard.sql import open_engine
from cordboard.v1.callback_service_pb2 import PromiseDay

HOUR = 3_600_000
MIDNIGHT = 1_795_302_000_000
"""2026-11-22T00:00 in Brussels, which is 23:00 the day before in UTC."""
BRUSSELS, UTC = ZoneInfo("Europe/Brussels"), ZoneInfo("UTC")
Row = tuple[str, int, bool, str | None, int | None]
"""Queue, due, was at risk, outcome, lateness."""


@dataclass
class Board:
    url: str
    history: HistoryReader

    async def holds(self, rows: Sequence[Row]) -> None:
        names = ("queue", "due_ms", "at_risk", "outcome", "lateness_ms")
        stored = [
            {"contact": number.to_bytes(16), "channel": "voice", "made_ms": 0, **dict(zip(names, row, strict=True))}
            for number, row in enumerate(rows, 1)
        ]
        engine = open_engine(self.url, "write", durable=False, name="test")
        async with engine.begin() as connection:
            await connection.execute(insert(promises), stored)
        await engine.dispose()

    async def says(self, zone: ZoneInfo, at_ms: int, queues: Sequence[str] = ()) -> tuple[list[PromiseDay], PromiseDay]:
        return await board(self.history, Period(MIDNIGHT - 24 * HOUR, MIDNIGHT + 24 * HOUR, queues), zone, at_ms)


@pytest.fixture
async def kept_by(database_url: str) -> AsyncIterator[Board]:
    async with HistoryReader.open(database_url) as history:
        yield Board(database_url, history)


def kept(count: int) -> list[Row]:
    return [("orders", MIDNIGHT + HOUR, False, "kept", 1_000 * number) for number in range(count)]


async def test_a_day_is_that_of_the_zone_and_rates_are_of_those_who_could_be_reached(kept_by: Board) -> None:
    rows: list[Row] = [
        *kept(19),
        ("orders", MIDNIGHT + HOUR, True, "missed", 600_000),
        ("orders", MIDNIGHT, False, "honoured_not_reached", 700_000),
        ("orders", MIDNIGHT, False, "cancelled", 0),
        ("orders", MIDNIGHT - 1, False, "rescheduled", 0),
        ("invoices", MIDNIGHT + 2 * HOUR, True, None, None),
        ("invoices", MIDNIGHT + 2 * HOUR + SOON_MS + 1, False, None, None),
    ]
    await kept_by.holds(rows)
    (before, invoices, orders), total = await kept_by.says(BRUSSELS, MIDNIGHT + 2 * HOUR)
    assert (before.day, before.rescheduled, before.HasField("kept_permille")) == ("2026-11-21", 1, False)
    assert not before.HasField("lateness_p50_ms") and not before.HasField("lateness_p95_ms")
    assert (orders.day, orders.promised, orders.live, orders.kept, orders.missed) == ("2026-11-22", 22, 0, 19, 1)
    assert (orders.honoured_not_reached, orders.cancelled, orders.at_risk) == (1, 1, 0), "who ended is at risk no more"
    assert (orders.kept_permille, orders.lateness_p50_ms, orders.lateness_p95_ms) == (950, 9_000, 18_000)
    assert (invoices.live, invoices.due_soon, invoices.at_risk) == (2, 1, 1)
    assert (total.promised, total.live, total.due_soon, total.kept_permille, total.lateness_p95_ms) == (25, 2, 1, 950, 18_000)
    days, _ = await kept_by.says(UTC, MIDNIGHT)
    assert [day.day for day in days] == ["2026-11-21", "2026-11-22", "2026-11-22"]
    only, total = await kept_by.says(BRUSSELS, MIDNIGHT, ["invoices"])
    assert [day.queue for day in only] == ["invoices"] and (total.promised, total.HasField("lateness_p50_ms")) == (2, False)


@pytest.mark.parametrize(("count", "p50_ms", "p95_ms"), [(1, 0, 0), (2, 0, 1_000), (100, 49_000, 94_000), (101, 50_000, 95_000)])
async def test_percentiles_are_values_that_were_seen(kept_by: Board, count: int, p50_ms: int, p95_ms: int) -> None:
    await kept_by.holds(kept(count))
    (one,), total = await kept_by.says(BRUSSELS, MIDNIGHT)
    assert (one.lateness_p50_ms, one.lateness_p95_ms) == (total.lateness_p50_ms, total.lateness_p95_ms) == (p50_ms, p95_ms)


async def test_whatever_is_promised_the_database_counts_as_one_would_by_hand(kept_by: Board) -> None:
    draw = random.Random(5)
    outcomes = (None, "kept", "kept", "missed", "honoured_not_reached", "cancelled", "rescheduled")
    rows: list[Row] = [
        (
            draw.choice(("orders", "invoices", "returns")),
            MIDNIGHT + draw.randrange(-24 * HOUR, 24 * HOUR),
            draw.random() < 0.2,
            outcome,
            None if outcome is None else draw.choice((0, 1, draw.randrange(600_000))),
        )
        for outcome in draw.choices(outcomes, k=1_000)
    ]
    await kept_by.holds(rows)
    days, total = await kept_by.says(BRUSSELS, MIDNIGHT)
    assert [(day.day, day.queue) for day in days] == [
        (day, queue) for day in ("2026-11-21", "2026-11-22") for queue in ("invoices", "orders", "returns")
    ]
    for day in days:
        first = MIDNIGHT - (24 * HOUR if day.day == "2026-11-21" else 0)
        by_hand([row for row in rows if row[0] == day.queue and first <= row[1] < first + 24 * HOUR], day)
    by_hand(rows, total)


def by_hand(rows: Sequence[Row], said: PromiseDay) -> None:
    judged = sorted(row[4] or 0 for row in rows if row[3] in ("kept", "missed"))
    live = [row for row in rows if row[3] is None]
    assert (said.promised, said.live, said.at_risk) == (len(rows), len(live), sum(row[2] for row in live))
    assert said.due_soon == sum(row[1] <= MIDNIGHT + SOON_MS for row in live)
    for outcome in ("kept", "honoured_not_reached", "missed", "cancelled", "rescheduled"):
        assert getattr(said, outcome) == sum(row[3] == outcome for row in rows)
    for percent, value in ((50, said.lateness_p50_ms), (95, said.lateness_p95_ms)):
        assert value == next(late for place, late in enumerate(judged, 1) if place * 100 >= len(judged) * percent)
