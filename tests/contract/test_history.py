"""The history's tables: what a fold of the journal makes of them, however it is cut, on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from cordboard import codec
from cordboard.errors import ConfigurationError, InvalidInput, JournalCorrupt
from cordboard.events import Commit, Entry, Input
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.verdict import Accepted, Duplicate, Refused, Verdict
from cordboard.projections.history import ContactFilter, ContactKey, HistoryReader, TimelineKey, asyncapi
from cordboard.projections.history.schema import checkpoint, tables
from cordboard.projections.history.store import prepare, store
from cordboard.sql import open_engine
from tests.contract import naive_history
from tests.journal import SITE, Pen, about, an_id, commit, policy
from tests.postgres import PostgresServer
from tests.scenarios.story import STORIES, Telling, parse

Dump = dict[str, list[tuple[Any, ...]]]


class Sheet:
    """Keeps what a Pen writes."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []

    def apply(self, _seq: int, written: Commit) -> None:
        self.commits.append(written)


def given(fact: facts.Fact, verdict: Verdict, at_ms: int, *, contact: str, agent: str | None = None) -> Entry:
    body = codec.encode(Input(7, 0, at_ms, codec.encode(fact), verdict))
    return Entry(0, an_id(contact), an_id(agent) if agent else None, "chat", 0, body)


def a_day() -> list[Commit]:
    """A small journal: one contact answered, transferred and answered again; one declined and abandoned; one still waiting."""
    sheet = Sheet()
    pen = Pen(sheet)
    pen.adopt(0, policy("orders", "invoices"))
    pen.declare(10, "anna", "orders", "invoices")
    arrived = facts.ContactArrived(an_id("fact 1"), an_id("a"), "chat", "orders", customer=an_id("customer"))
    pen.write(900, given(arrived, Accepted(), 890, contact="a"))
    pen.queued(1_000, "a", "orders")
    pen.offered(1_000, "a", "anna", "orders")
    pen.accepted(2_000, "a", "anna")
    late = facts.OfferAnswered(an_id("fact 2"), an_id("a"), 1, an_id("anna"), False, "busy")
    pen.write(2_100, given(late, Refused("already_accepted"), 2_050, contact="a", agent="anna"))
    pen.write(2_200, given(late, Duplicate(7, 0), 2_150, contact="a", agent="anna"))
    pen.engaged(3_000, "a", "anna", "orders")
    pen.write(3_000, about(words.ContactAnswered(3_000, 1, 2_000), contact="a", agent="anna", channel="chat"))
    pen.visit_ended(3_000, "a", "orders", "answered", 2_000)
    pen.said(4_000, "a", 1, "customer")
    pen.said(5_000, "a", 2, "agent", "anna")
    pen.disengaged(6_000, "a", "anna", wrap_ms=30_000, by="transfer")
    pen.queued(6_000, "a", "invoices", visit=2)
    pen.queued(6_500, "b", "orders")
    pen.offered(6_500, "b", "anna", "orders")
    pen.write(7_000, about(words.OfferDeclined(7_000, 1, "busy", 67_000, 17_000, 1), contact="b", agent="anna", channel="chat"))
    pen.visit_ended(8_000, "b", "orders", "abandoned", 1_500)
    pen.ended(8_000, "b", "abandoned", "queued")
    extended = words.WrapUpExtended(8_500, 1, 50_000)
    pen.write(8_500, about(extended, contact="a", agent="anna", channel="chat"))
    done = words.WrapUpEnded(9_000, 1, "agent", "resolved", an_id("note"))
    pen.write(9_000, about(done, contact="a", agent="anna", channel="chat"))
    pen.offered(9_500, "a", "bob", "invoices", attempt=2)
    pen.accepted(9_600, "a", "bob", attempt=2)
    pen.engaged(9_700, "a", "bob", "invoices", attempt=2)
    pen.write(9_700, about(words.ContactAnswered(9_700, 2, 3_700), contact="a", agent="bob", channel="chat"))
    pen.visit_ended(9_700, "a", "invoices", "answered", 3_700, visit=2)
    pen.disengaged(10_000, "a", "bob", attempt=2)
    pen.ended(10_000, "a")
    pen.queued(11_000, "c", "orders", channel="task")
    return sheet.commits


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(url, "write", durable=False, name="test")
    try:
        await prepare(engine, SITE)
        yield engine
    finally:
        await engine.dispose()


async def stored(url: str, commits: Sequence[Commit], at_once: int) -> Dump:
    """Store `commits` so many at a time; everything that then stands in the tables."""
    async with opened(url) as engine:
        for start in range(0, len(commits), at_once):
            await store(engine, commits[start : start + at_once])
        return await dump(engine)


async def dump(engine: AsyncEngine) -> Dump:
    found: Dump = {}
    async with engine.connect() as connection:
        for table in tables.sorted_tables:
            rows = await connection.execute(select(table).order_by(*table.primary_key))
            found[table.name] = [tuple(row) for row in rows]
    return found


async def test_the_rows_of_a_day(database_url: str) -> None:
    commits = a_day()
    await stored(database_url, commits, 5)
    async with HistoryReader.open(database_url) as reader:
        assert await reader.checkpoint() == len(commits)
        assert await reader.at_ms() == 11_000
        a = await reader.get_contact(an_id("a"))
        assert a is not None
        assert (a.state, a.queue, a.visits, a.attempts, a.messages) == ("ended", "invoices", 2, 2, 2)
        assert (a.queued_at_ms, a.answered_at_ms, a.ended_at_ms, a.end_reason) == (1_000, 3_000, 10_000, "completed")
        assert (a.customer, a.agent, a.entry_point, a.topic) == (an_id("customer"), an_id("bob"), "web", "shoes")
        b = await reader.get_contact(an_id("b"))
        assert b is not None
        assert (b.state, b.agent, b.end_reason, b.end_state, b.answered_at_ms) == ("ended", None, "abandoned", "queued", None)
        assert await reader.get_contact(an_id("nobody")) is None
        first, second = await reader.visits(an_id("a"))
        assert (first.queue, first.outcome, first.wait_ms, first.left_ms) == ("orders", "answered", 2_000, 3_000)
        assert (second.queue, second.outcome, second.wait_ms) == ("invoices", "answered", 3_700)
        one, two = await reader.engagements(an_id("a"))
        assert (one.agent, one.visit, one.started_ms, one.ended_ms, one.ended_by) == (an_id("anna"), 1, 3_000, 6_000, "transfer")
        assert (one.wrap_until_ms, one.wrap_ended_ms, one.disposition, one.note) == (50_000, 9_000, "resolved", an_id("note"))
        assert (two.visit, two.wrap_until_ms, two.ended_by) == (2, None, "agent")


async def test_the_timeline_tells_everything_in_order(database_url: str) -> None:
    await stored(database_url, a_day(), 100)
    async with HistoryReader.open(database_url) as reader:
        rows, more = await reader.timeline(an_id("a"))
        assert more is None
        assert [row.name for row in rows[:6]] == [
            "ContactArrived", "ContactQueued", "OfferMade", "OfferAccepted", "OfferAnswered", "OfferAnswered",
        ]  # fmt: skip
        assert [row.visit for row in rows[:2]] == [None, 1]
        assert rows[0].details == {"verdict": "accepted", "channel": "chat", "queue": "orders", "priority": 0} | {
            "customer": an_id("customer").hex()
        }
        assert (rows[0].fact, rows[0].at_ms, rows[0].channel) == (an_id("fact 1"), 890, "chat")
        assert rows[4].details["verdict"] == "refused" and rows[4].details["refusal"] == "already_accepted"
        assert rows[5].details["verdict"] == "duplicate" and rows[5].details["first_seq"] == 7
        assert rows[1].details["requirements"] == [{"skill": "nl", "level": 1, "hard": True}]
        assert rows[1].details["key"] == {"klass": 1, "order_ms": 1_000, "seq": 3}
        assert (rows[2].agent, rows[2].at_ms, rows[2].details["expires_ms"]) == (an_id("anna"), 1_000, 21_000)
        assert {row.visit for row in rows if row.name == "WrapUpEnded"} == {2}, "it was in its second queue when the wrap-up ended"
        paged, after = [], None
        while True:
            page, after = await reader.timeline(an_id("a"), after, limit=4)
            paged += page
            if after is None:
                break
        assert paged == rows
        assert await reader.timeline(an_id("a"), TimelineKey(10_000, 0)) == ([], None)
        refused = await reader.decided(an_id("fact 2"))
        assert refused is not None and refused.details["verdict"] == "refused"
        assert await reader.decided(an_id("fact 9")) is None


async def test_however_it_is_cut_the_tables_are_the_same(new_database: Callable[[], str]) -> None:
    commits = a_day()
    whole = await stored(new_database(), commits, len(commits))
    assert whole["history_timeline"]
    for at_once in (1, 2, 7):
        assert await stored(new_database(), commits, at_once) == whole


async def test_both_dialects_store_the_same(tmp_path: Path, postgres: PostgresServer) -> None:
    commits = a_day()
    assert await stored(f"sqlite+aiosqlite:///{tmp_path / 'views.db'}", commits, 3) == await stored(postgres.database(), commits, 4)


async def test_an_id_used_again_takes_the_rows_over(new_database: Callable[[], str]) -> None:
    sheet = Sheet()
    pen = Pen(sheet)
    for life in (1_000, 5_000_000):
        pen.queued(life, "a", "orders")
        if life == 1_000:
            pen.offered(life, "a", "anna", "orders")
            pen.engaged(life, "a", "anna", "orders")
            pen.write(life, about(words.ContactAnswered(life, 1, 0), contact="a", agent="anna", channel="chat"))
            pen.disengaged(life, "a", "anna")
            pen.queued(life, "a", "invoices", visit=2)
            pen.ended(life, "a")
    whole = await stored(new_database(), sheet.commits, 100)
    assert whole == await stored(new_database(), sheet.commits, 1) == await stored(new_database(), sheet.commits, 7)
    assert [len(whole[f"history_{name}"]) for name in ("contacts", "visits", "engagements")] == [1, 1, 0]
    assert len(whole["history_timeline"]) == len(sheet.commits)


async def test_redelivery_changes_nothing(database_url: str) -> None:
    commits = a_day()
    expected = await stored(database_url, commits, 10)
    async with opened(database_url) as engine:
        assert await store(engine, commits[:5]) == len(commits)
        assert await store(engine, commits) == len(commits)
        assert await dump(engine) == expected


async def test_a_gap_is_refused_and_writes_nothing(database_url: str) -> None:
    commits = a_day()
    expected = await stored(database_url, commits[:6], 10)
    async with opened(database_url) as engine:
        for wrong in (commits[7:], commits[6:8] + commits[9:], commits[4:7] + commits[8:]):
            with pytest.raises(JournalCorrupt):
                await store(engine, wrong)
        assert await dump(engine) == expected


async def test_an_unreadable_event_stops_the_fold(database_url: str) -> None:
    strange = Entry(9_999, an_id("a"), None, None, -1, codec.encode(commit(1, 0)))
    async with opened(database_url) as engine:
        with pytest.raises(JournalCorrupt):
            await store(engine, [commit(1, 0, strange)])
        async with engine.connect() as connection:
            assert (await connection.execute(select(checkpoint.c.seq))).scalar_one() == 0


async def test_a_database_belongs_to_one_site_and_version(database_url: str) -> None:
    async with opened(database_url) as engine:
        with pytest.raises(ConfigurationError, match="belongs to site"):
            await prepare(engine, "elsewhere")
        async with engine.begin() as connection:
            await connection.execute(checkpoint.update().values(version=99))
        with pytest.raises(ConfigurationError, match="version 99"):
            await prepare(engine)


async def test_lists_are_filtered_and_paged(database_url: str) -> None:
    sheet = Sheet()
    pen = Pen(sheet)
    for number in range(25):
        at_ms = 1_000 + number // 3  # several arrive at once
        pen.queued(at_ms, f"c{number:02}", "orders" if number % 2 else "invoices", channel="chat" if number % 5 else "task")
        if number % 4 == 0:
            pen.offered(at_ms, f"c{number:02}", "anna", "orders")
            pen.engaged(at_ms, f"c{number:02}", "anna", "orders")
    pen.disengaged(5_000, "c00", "anna")
    pen.queued(5_000, "c00", "orders", visit=2)
    await stored(database_url, sheet.commits, 100)
    async with HistoryReader.open(database_url) as reader:
        everything, more = await reader.list_contacts()
        assert len(everything) == 25 and more is None
        assert [(-row.queued_at_ms, row.id) for row in everything] == sorted((-row.queued_at_ms, row.id) for row in everything)
        paged, after = [], None
        while True:
            page, after = await reader.list_contacts(None, after, 4)
            paged += page
            if after is None:
                break
        assert paged == everything
        for wanted, count in {
            ContactFilter(queue="orders"): 13,
            ContactFilter(channel="task"): 5,
            ContactFilter(queue="orders", channel="task"): 3,
            ContactFilter(state="engaged"): 6,
            ContactFilter(agent=an_id("anna")): 7,
            ContactFilter(agent=an_id("bob")): 0,
            ContactFilter(customer=an_id("customer")): 25,
            ContactFilter(customer=an_id("other")): 0,
            ContactFilter(queued_from_ms=1_001, queued_until_ms=1_003): 6,
        }.items():
            assert len((await reader.list_contacts(wanted))[0]) == count, wanted
        assert await reader.list_contacts(None, ContactKey(0, b"")) == ([], None)
        for limit in (0, 1_001):
            with pytest.raises(InvalidInput):
                await reader.list_contacts(limit=limit)
            with pytest.raises(InvalidInput):
                await reader.timeline(an_id("c00"), limit=limit)


async def test_a_reader_may_come_before_the_projector_and_wait(database_url: str) -> None:
    async with HistoryReader.open(database_url) as reader:
        assert await reader.checkpoint() == 0
        assert not await reader.reached(1, 0.05)
        await stored(database_url, a_day(), 100)
        assert await reader.reached(len(a_day()), 10)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.stem)
async def test_rows_of_real_journals_are_the_slow_fold(tmp_path: Path, story: Path) -> None:
    await _compare(f"sqlite+aiosqlite:///{tmp_path / 'views.db'}", _journal(story))


async def test_rows_of_real_journals_are_the_slow_fold_on_postgresql(postgres: PostgresServer) -> None:
    for story in STORIES[::6]:
        await _compare(postgres.database(), _journal(story))


def _journal(story: Path) -> list[Commit]:
    telling = Telling()
    for block in parse(story.read_text()):
        if block.commands:
            telling.tell(block.commands)
    return [codec.decode_commit(data) for data in telling.commits]


async def _compare(url: str, commits: list[Commit]) -> None:
    found = await stored(url, commits, 3)
    expected = naive_history.contacts(commits)
    rows = {row[0]: dict(zip(tables.tables["history_contacts"].c.keys(), row, strict=True)) for row in found["history_contacts"]}
    for contact, entries in expected.items():
        row = rows.get(contact)
        if row is not None:
            del row["last_seq"]
        assert row == naive_history.contact_row(contact, entries)
        for table, naive in (("visits", naive_history.visit_rows), ("engagements", naive_history.engagement_rows)):
            names = tables.tables[f"history_{table}"].c.keys()
            there = [dict(zip(names, row, strict=True)) for row in found[f"history_{table}"] if row[0] == contact]
            assert there == naive(contact, entries)
    told = [(row[1], row[2], row[0]) for row in found["history_timeline"]]
    assert sorted(told) == sorted((seq, index, contact) for contact, entries in expected.items() for seq, index, _ in entries)


def test_the_journal_describes_itself() -> None:
    document = asyncapi("shop")
    assert document["asyncapi"].startswith("3.")
    assert document["channels"]["journal"]["address"] == "cordboard.shop.journal"
    assert {"Commit", "OfferMade", "ContactArrived"} <= set(document["components"]["schemas"])
    (message,) = document["components"]["messages"].values()
    assert message["contentType"] == "application/msgpack"
