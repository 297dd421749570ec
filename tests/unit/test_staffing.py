"""Staffing tables: what they come to, what is refused and where, and the same from a model that walks through every slot."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor
from random import Random
from zoneinfo import ZoneInfo

import msgspec
import pytest

from cordboard.events.policy import CalendarPolicy, CallbackPolicy, Policy
from cordboard.planning import StaffingPlan, example_csv, loads_staffing
from cordboard.planning.plan import ClosedLine
from cordboard.policy import PolicyErrors, loads
from tests.unit.test_policy_problems import GOOD

HEADER = "queue,from,to,agents,shrinkage,bookable_share,handle\n"
QUARTER_MS = 900_000


def policy(zone: str = "Europe/Brussels", slot_ms: int = QUARTER_MS) -> Policy:
    """GOOD with callbacks on `orders`, and queues beside it: `sales` with callbacks of half hours, `other` without."""
    good = loads(GOOD).policy
    orders = msgspec.structs.replace(good.queues[0], callbacks=CallbackPolicy(slot_ms=slot_ms))
    sales = msgspec.structs.replace(orders, name="sales", callbacks=CallbackPolicy(slot_ms=1_800_000))
    other = msgspec.structs.replace(orders, name="other", callbacks=None)
    return msgspec.structs.replace(good, timezone=zone, queues=[orders, sales, other])


def capacities(plan: StaffingPlan) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    for part in plan.publications():
        for number, capacity in enumerate(part.capacities):
            found[part.queue, part.from_ms + number * part.slot_ms] = capacity
    return found


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * 1_000


def problems(text: str, of: Policy | None = None) -> list[tuple[int, int, str, str | None]]:
    with pytest.raises(PolicyErrors) as refused:
        loads_staffing(text, policy() if of is None else of)
    return [(problem.line, problem.column, problem.message, problem.suggestion) for problem in refused.value.problems]


def test_net_staff_times_share_is_what_a_slot_holds() -> None:
    plan = loads_staffing(HEADER + "orders,2026-11-23T08:00,2026-11-23T09:00,12,30%,0.2,\n", policy())
    (run,) = plan.runs
    assert (run.from_ms, run.until_ms) == (at("2026-11-23T08:00+01:00"), at("2026-11-23T09:00+01:00"))
    assert [(slot.net, slot.capacity) for slot in run.slots] == [(Fraction("8.4"), 1)] * 4


@pytest.mark.parametrize(
    ("figures", "capacity"),
    [
        ("10,0,100%,15m", 10),
        ("10,,,", 10),
        ("10,,,10m", 15),
        ("10,,,1h", 2),
        ("0.1,0%,100%,90s", 1),  # in floats 0.1 * 10 is 1 by luck only
        ("0.7,0%,1.0,63s", 10),
        ("1.1,0%,100%,99s", 10),
        ("3,33.3333333%,100%,", 2),
        ("0,100%,100%,", 0),
    ],
)
def test_callbacks_are_rounded_down_exactly(figures: str, capacity: int) -> None:
    plan = loads_staffing(HEADER + f"orders,2026-11-23T08:00,2026-11-23T08:15,{figures}\n", policy())
    assert list(capacities(plan).values()) == [capacity]


def test_a_day_in_a_column_of_its_own_intervals_semicolons_and_any_order_of_lines() -> None:
    text = (
        "date;interval;queue;agents;from\n2026-11-23;30m;sales;4;08:30\n"
        '2026-11-23;1h30m;sales;2;7:00\n\n# late;"said Ann" x;"or so\n2026-11-23;1h;sales;3;23:00\n'
    )
    refused = problems(text)
    assert refused == [
        (
            6,
            23,
            "nothing is planned for `sales` from 09:00 to 23:00, after line 2",
            "add a line for it, with 0 agents if nobody works then",
        )
    ]
    plan = loads_staffing(text.replace("23:00\n", "09:00\n"), policy())
    assert [slot.capacity for run in plan.runs for slot in run.slots] == [2, 2, 2, 4, 3, 3]


def test_all_mistakes_at_once_each_in_its_place() -> None:
    text = HEADER + (
        "ordres,2026-11-23T08:00,2026-11-23T09:00,12,30%,20%,\n"
        "other,2026-11-23T08:00,2026-11-23T09:00,-1,130%,30,soon\n"
        'orders,23/11/2026 08:00,2026-11-23T09:00,"7,5",1,-5%,0\n'
        "orders,2026-11-23T08:05,2026-11-23T08:50,1,,,\n"
        "orders,2026-11-24T09:00,2026-11-24T08:00,1,,,\n"
        "orders,2026-11-24T09:00,,1,,,\n"
        "orders,2026-11-25T08:00,2026-11-25T09:00,100000,,,1s\n"
    )
    assert problems(text) == [
        (2, 1, "unknown queue `ordres`", "did you mean `orders`?"),
        (
            3,
            1,
            "queue `other` promises no callbacks",
            "give it `callbacks` in the policy (queues.other.callbacks), or leave its lines out",
        ),
        (3, 41, "-1 agents", "write a number from 0 to 100,000"),
        (3, 44, "130% is no part of the whole", "write a percentage from 0% to 100%"),
        (3, 49, "30 without % is 1 or more", "write `30%`"),
        (3, 52, "`soon` is no duration", "write a number with a unit, such as 500ms, 20s, 2m, 8h or 1h30m"),
        (4, 8, "`23/11/2026 08:00` is no local time", "write it as 2026-11-23T08:00, or the day into a column `date`"),
        (4, 43, "`7,5` is no number of agents", "write `7.5`"),
        (4, 48, "1 without % is 1 or more", "write `1%` or `100%`"),
        (4, 50, "-5% is no part of the whole", "write a percentage from 0% to 100%"),
        (4, 54, "`0` is too short", "write at least 1s, such as 15m"),
        (5, 8, "08:05 lies within a slot: those of `orders` last 15m", "the nearest are 08:00 and 08:15"),
        (5, 25, "08:50 lies within a slot: those of `orders` last 15m", "the nearest are 08:45 and 09:00"),
        (6, 25, "this line ends before it begins", "work over midnight takes two lines, the first to 24:00"),
        (7, 1, "this line has no end", "write `to` (a time) or `interval` (such as 15m)"),
        (8, 42, "90,000,000 callbacks in a slot of 15m", "a slot holds at most 65,535"),
    ]


def test_two_lines_for_one_time_are_refused_also_inside_a_longer_one() -> None:
    text = HEADER + (
        "orders,2026-11-23T08:00,2026-11-23T12:00,5,,,\n"
        "orders,2026-11-23T09:00,2026-11-23T10:00,6,,,\n"
        "sales,2026-11-23T09:00,2026-11-23T10:00,6,,,\n"
        "orders,2026-11-23T11:00,2026-11-23T13:00,6,,,\n"
        "orders,2026-11-23T13:00,2026-11-23T24:00,6,,,\n"
        "orders,2026-11-24T08:00,2026-11-24T09:00,6,,,\n"
    )
    said = ["`orders` is planned by line 2 until 2026-11-23 12:00 already"] * 2
    assert [(line, column, message) for line, column, message, _ in problems(text)] == [(3, 8, said[0]), (5, 8, said[1])]


def test_what_clocks_skip_or_show_twice_is_never_guessed() -> None:
    text = HEADER + ("orders,2027-03-28T02:30,2027-03-28T04:00,5,,,\norders,2026-10-25T01:00,2026-10-25T02:30,5,,,\n")
    assert problems(text) == [
        (2, 8, "clocks skip 02:30 on 2027-03-28", "the next time that there is is 03:00"),
        (3, 25, "clocks show 02:30 twice on 2026-10-25",
            "write `2026-10-25T02:30+02:00` for the first time, `2026-10-25T02:30+01:00` for the second"),
    ]  # fmt: skip
    (run,) = loads_staffing(text.split("orders,2027")[0] + "orders,2026-10-25T01:00,2026-10-25T02:30+01:00,5,,,\n", policy()).runs
    assert len(run.slots) == 10, "1:00 to 2:00, all of the hour that comes twice, and half of it again"


def test_days_of_23_and_25_hours_have_all_their_slots() -> None:
    days = ("2026-10-25", "2026-11-23", "2027-03-28")
    text = "queue,date,from,to,agents\n" + "".join(f"orders,{day},00:00,24:00,1\n" for day in days)
    plan = loads_staffing(text, policy())
    assert [(day.day, day.slots, f"{day.begins:%H:%M}", f"{day.ends:%H:%M}") for day in plan.days()] == [
        (date(2026, 10, 25), 100, "00:00", "00:00"),
        (date(2026, 11, 23), 96, "00:00", "00:00"),
        (date(2027, 3, 28), 92, "00:00", "00:00"),
    ]


def test_without_a_time_zone_times_carry_an_offset() -> None:
    line = "orders,2026-11-23T08:00,2026-11-23T09:00,1,,,\n"
    assert [found[:3] for found in problems(HEADER + line, policy(""))] == [
        (2, column, "nobody knows in which time zone this is") for column in (8, 25)
    ]
    (run,) = loads_staffing(HEADER + line.replace(":00,", ":00-03:30,"), policy("")).runs
    assert run.from_ms == at("2026-11-23T08:00-03:30")


def test_columns_are_checked_and_an_empty_table_is_none() -> None:
    assert problems("queue,from,to,agent,to\n")[1:3] == [
        (1, 12, "column `to` stands twice", "keep one of them"),
        (1, 15, "unknown column `agent`", "did you mean `agents`?"),
    ]
    assert problems(HEADER) == [(1, 1, "no line plans anything", "write a line for each time and queue")]
    assert problems("")[0][2] == "the file is empty"


def test_a_table_has_limits() -> None:
    line = "sales,2026-11-23T08:00,2026-12-25T08:00,1,,,\n"
    assert problems(HEADER + line)[0][2:] == ("this line lasts longer than 31 days", "write a line a day, or a week")
    minutes = policy(slot_ms=60_000)
    text = (
        "queue,from,interval,agents\n"
        + "".join(f"orders,{date(2027, month, 1)}T00:00,28d,1\n" for month in range(1, 13))
        + "".join(f"orders,{date(2028, month, 1)}T00:00,28d,1\n" for month in range(1, 2))
    )
    assert problems(text, minutes) == [(1, 1, "524,160 slots", "a table plans at most 500,000: plan fewer weeks at a time")]


def test_long_runs_are_published_in_parts_and_what_has_begun_is_left_out() -> None:
    plan = loads_staffing("queue,from,interval,agents\norders,2026-11-01T00:00,31d,2\norders,2026-12-02T00:00,1d,3\n", policy())
    parts = list(plan.publications())
    assert [(len(part.capacities), part.from_ms) for part in parts] == [
        (2_976, at("2026-11-01T00:00+01:00")),
        (96, at("2026-12-02T00:00+01:00")),
    ]
    now_ms = at("2026-12-02T12:00+01:00")
    (rest,) = plan.after(now_ms).publications()
    assert (rest.from_ms, set(rest.capacities)) == (now_ms + QUARTER_MS, {3})
    assert not plan.after(at("2026-12-02T23:45+01:00")).runs


def test_the_example_is_read_as_it_stands() -> None:
    plan = loads_staffing(example_csv(policy()), policy())
    assert {run.queue for run in plan.runs} == {"orders", "sales"}
    assert [(day.queue, day.slots, day.capacity) for day in plan.days()] == [("orders", 40, 40), ("sales", 20, 20)]


ZONES = [
    ("Europe/Brussels", date(2026, 10, 24)),
    ("Europe/Brussels", date(2027, 3, 27)),
    ("Australia/Lord_Howe", date(2027, 4, 3)),
    ("Asia/Beirut", date(2027, 3, 27)),
    ("Asia/Kathmandu", date(2026, 6, 1)),
]


@pytest.mark.parametrize("seed", range(15))
def test_the_same_as_whoever_asks_every_slot_what_clocks_show_then(seed: int) -> None:
    """The model never turns a local time into an instant: it walks through the instants of three days, and looks at the clock."""
    random = Random(seed)
    name, first = ZONES[seed % len(ZONES)]
    zone = ZoneInfo(name)
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=1)
    shown = [(begin + number * timedelta(minutes=15)).astimezone(zone) for number in range(6 * 96)]
    once = {wall for wall, times in Counter(moment.replace(tzinfo=None) for moment in shown).items() if times == 1}
    table: list[tuple[datetime, datetime, Fraction, int, int, int]] = []
    for ahead in range(3):
        midnight = datetime.combine(first, datetime.min.time()) + timedelta(days=ahead)
        times = sorted(wall for wall in once if midnight <= wall <= midnight + timedelta(days=1))
        cuts = sorted(random.sample(times, random.randint(2, 8)))
        for start, end in pairwise(cuts):
            figures = (
                Fraction(random.randint(0, 400), 10),
                random.randint(0, 100),
                random.randint(0, 100),
                random.randint(60, 3_000),
            )
            table.append((start, end, *figures))
    lines = [
        f"orders,{start:%Y-%m-%dT%H:%M},{end:%Y-%m-%d %H:%M},{float(agents)},{shrinkage}%,{share}%,{handle}s\n"
        for start, end, agents, shrinkage, share, handle in table
    ]
    random.shuffle(lines)
    wanted: dict[tuple[str, int], int] = {}
    for moment in shown:
        wall = moment.replace(tzinfo=None)
        for start, end, agents, shrinkage, share, handle in table:
            if start <= wall < end:
                exact = agents * Fraction(100 - shrinkage, 100) * Fraction(share, 100) * Fraction(900, handle)
                wanted["orders", round(moment.timestamp()) * 1_000] = floor(exact)
    assert capacities(loads_staffing(HEADER + "".join(lines), policy(name))) == wanted


def test_what_is_planned_for_closed_hours_is_said_with_its_line_and_counts_for_nothing() -> None:
    weekdays = CalendarPolicy(
        name="weekdays", timezone="Europe/Brussels", from_ms=at("2026-11-23T00:00+01:00"), weeks=[[540, 1020]], order=[0]
    )
    of = policy()
    of = msgspec.structs.replace(of, calendars=[weekdays], queues=[msgspec.structs.replace(of.queues[0], calendar="weekdays")])
    text = HEADER + (
        "orders,2026-11-23 08:00,2026-11-23 10:00,4,0,100%,15m\n"
        "orders,2026-11-23 10:00,2026-11-23 17:00,4,0,100%,15m\n"
        "orders,2026-11-23 17:00,2026-11-23 18:00,0,0,100%,15m\n"
    )
    plan = loads_staffing(text, of)
    assert plan.closed == (ClosedLine(2, "orders", 8, 4),), "who plans nobody after five means it"
    (day,) = plan.days()
    assert (day.slots, day.capacity) == (32, 128)
    assert plan.after(0).closed == plan.closed
    assert loads_staffing(text, policy()).closed == () and loads_staffing(text, policy()).days()[0].capacity == 144
