"""The history's tables: what a fold of the journal makes of them, however it is cut, on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from cordboard import codec
from cordboard.errors import ConfigurationError, InvalidInput, JournalCorrupt
from cordboard.events import Commit, Entry, Input
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.bounds import Key
from cordboard.events.verdict import Accepted, Duplicate, Refused, Verdict
from cordboard.projections.history import MESSAGES, ContactFilter, ContactKey, HistoryReader, TimelineKey, asyncapi
from cordboard.projections.history.reader import DecidedAt
from cordboard.projections.history.schema import checkpoint, tables
from cordboard.projections.history.store import prepare, store
from cordboard.sql import open_engine
from tests.contract import naive_history
from tests.journal import SITE, Pen, about, an_id, commit, policy
from tests.postgres import PostgresServer
from tests.scenarios.story import STORIES, Telling, parse
from tests.unit.test_folds import Life

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


def of_nobody(fact: facts.Fact, verdict: Verdict, at_ms: int) -> Entry:
    """An input that is about no contact."""
    return Entry(0, None, None, None, 0, codec.encode(Input(7, 0, at_ms, codec.encode(fact), verdict)))


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
            "customer": an_id("customer").hex(), "author": "customer", "reopens": True, "ticket": False,
        }  # fmt: skip
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
        assert refused == DecidedAt(7, 0), "not the repeat of it, which came later"
        assert await reader.decided(an_id("fact 9")) is None


def a_matter() -> list[Commit]:
    """A mail that is reclassified, parked and answered by its customer; a thank-you when it is over; and the matter's next mail."""
    sheet = Sheet()
    pen = Pen(sheet)
    pen.adopt(0, policy("orders"))
    pen.declare(10, "anna", "orders")
    pen.queued(1_000, "m", "orders", channel="mail")
    pen.offered(1_000, "m", "anna", "orders", channel="mail")
    pen.accepted(1_100, "m", "anna", channel="mail")
    pen.engaged(1_200, "m", "anna", "orders", channel="mail")
    boots = words.ContactReclassified(2_000, "boots", "shoes")
    pen.write(2_000, about(boots, contact="m", agent="anna", channel="mail"))
    pen.said(2_500, "m", 1, "agent", "anna", channel="mail")
    pen.disengaged(3_000, "m", "anna", by="parked", channel="mail")
    parked = words.ContactParked(3_000, "customer", 90_000, an_id("note"))
    pen.write(3_000, about(parked, contact="m", agent="anna", channel="mail"))
    pen.write(8_000, *_answered_by_customer("m", "m2", 8_000))
    pen.offered(8_000, "m", "anna", "orders", channel="mail", attempt=2)
    pen.accepted(8_100, "m", "anna", channel="mail", attempt=2)
    pen.engaged(8_200, "m", "anna", "orders", channel="mail", attempt=2)
    done = words.EngagementEnded(9_000, 2, "agent", "solved", None, None, 15)
    pen.write(9_000, about(done, contact="m", agent="anna", channel="mail"))
    pen.ended(9_000, "m", channel="mail")
    thanks = facts.ContactArrived(
        an_id("fact 4"), an_id("m3"), "mail", "orders", case=an_id("m"), message=an_id("thanks"), reopens=False
    )
    attached = about(words.MessageAttached(9_500, an_id("thanks"), "customer"), contact="m", channel="mail")
    pen.write(9_500, given(thanks, Accepted(), 9_490, contact="m3"), replace(attached, cause=0))
    next_one = words.ContactQueued(
        20_000, 1, "orders", Key(3, 20_000, 9), 20_000, 60_000, [], 0, None, [], 0, None, None, None, [], an_id("m"), "late", "nl"
    )
    pen.write(20_000, about(next_one, contact="n", channel="mail"))
    return sheet.commits


def _answered_by_customer(contact: str, arrived_as: str, at_ms: int) -> list[Entry]:
    fact = facts.ContactArrived(
        an_id(f"fact {arrived_as}"), an_id(arrived_as), "mail", "orders", case=an_id(contact), message=an_id("answer")
    )
    queued = words.ContactQueued(
        at_ms, 2, "orders", Key(3, 1_000, 4), 1_000, 60_000, [], 5, None, [an_id("anna")], at_ms + 60_000, None, "web", "boots"
    )
    events: list[words.Event] = [
        words.ParkEnded(at_ms, "customer"), queued, words.MessageRelayed(at_ms, an_id("answer"), "customer", 2)
    ]  # fmt: skip
    caused = [replace(about(event, contact=contact, channel="mail"), cause=0) for event in events]
    return [given(fact, Accepted(), at_ms - 5, contact=arrived_as), *caused]


async def test_the_rows_of_a_matter(database_url: str) -> None:
    commits = a_matter()
    parked_at = next(at for at, one in enumerate(commits, 1) if any(entry.tag == 25 for entry in one.entries))
    async with opened(database_url) as engine, HistoryReader.open(database_url) as reader:
        await store(engine, commits[:parked_at])
        m = await reader.get_contact(an_id("m"))
        assert m is not None
        assert (m.state, m.agent, m.owner, m.park_kind, m.park_until_ms) == (
            "parked", an_id("anna"), an_id("anna"), "customer", 90_000,
        )  # fmt: skip
        assert (m.park_note, m.topic_first, m.topic, m.case) == (an_id("note"), "shoes", "boots", an_id("m"))
        assert [row.id for row in (await reader.list_contacts(ContactFilter(state="parked", topic="boots")))[0]] == [an_id("m")]
        await store(engine, commits)
        m, n = await reader.get_contact(an_id("m")), await reader.get_contact(an_id("n"))
        assert m is not None and n is not None
        assert (m.state, m.visits, m.messages, m.owner, m.park_kind, m.park_note) == ("ended", 2, 2, an_id("anna"), None, None)
        assert (m.disposition, m.topic_first, m.topic) == ("solved", "shoes", "boots")
        assert (n.case, n.rule, n.language, n.topic, n.disposition) == (an_id("m"), "late", "nl", None, None)
        case, _ = await reader.list_contacts(ContactFilter(case=an_id("m")))
        assert [row.id for row in case] == [an_id("n"), an_id("m")]


async def test_what_joined_a_contact_is_told_of_that_one(database_url: str) -> None:
    await stored(database_url, a_matter(), 3)
    async with HistoryReader.open(database_url) as reader:
        for never in ("m2", "m3"):
            assert await reader.get_contact(an_id(never)) is None
            assert await reader.timeline(an_id(never)) == ([], None)
        rows, _ = await reader.timeline(an_id("m"))
        joined = [row for row in rows if row.name == "ContactArrived"]
        assert [(row.details["arrived_as"], row.visit) for row in joined] == [(an_id("m2").hex(), 1), (an_id("m3").hex(), 2)]
        decided = await reader.decided(an_id("fact m2"))
        assert decided is not None and decided.seq == joined[0].seq, "the fact is found, so it is not lost"
        said, _ = await reader.timeline(an_id("m"), names=MESSAGES)
        assert [(row.name, row.details.get("ordinal")) for row in said] == [
            ("MessageRelayed", 1), ("MessageRelayed", 2), ("MessageAttached", None),
        ]  # fmt: skip
        assert len((await reader.list_contacts())[0]) == 2


async def test_a_broadcast_is_known_though_it_belongs_to_no_contact(new_database: Callable[[], str]) -> None:
    """The vault asks for it when its process died before it could note that the log had the fact, and came back late."""
    sheet = Sheet()
    pen = Pen(sheet)
    said = facts.BroadcastRequested(an_id("said"), "orders", an_id("text"), by=an_id("boss"), reason="late")
    unheard = facts.BroadcastRequested(an_id("unheard"), "nowhere", an_id("text 2"))
    pen.write(1_000, of_nobody(facts.PresenceRequested(an_id("coming"), an_id("anna"), "ready"), Accepted(), 990))
    pen.write(2_000, of_nobody(said, Accepted(), 1_900), of_nobody(unheard, Refused("unknown_queue"), 1_950))
    pen.write(3_000, of_nobody(said, Duplicate(2, 0), 2_900))
    url = new_database()
    whole = await stored(url, sheet.commits, 100)
    assert whole == await stored(new_database(), sheet.commits, 1)
    assert [row[:3] + row[-1:] for row in whole["history_broadcasts"]] == [
        (2, 0, 1_900, "accepted"), (2, 1, 1_950, "refused"), (3, 0, 2_900, "duplicate"),
    ]  # fmt: skip
    async with HistoryReader.open(url) as reader:
        assert await reader.decided(an_id("said")) == DecidedAt(2, 0)
        assert await reader.decided(an_id("unheard")) == DecidedAt(2, 1)
        assert await reader.decided(an_id("coming")) is None


async def test_topics_and_what_became_of_them(database_url: str) -> None:
    sheet = Sheet()
    pen = Pen(sheet)
    for number in range(6):
        name, at_ms = f"c{number}", 1_000 * number
        pen.queued(at_ms, name, "orders")
        pen.engaged(at_ms, name, "anna", "orders")
        if number % 3 == 0:
            other = words.ContactReclassified(at_ms, "boots", "shoes")
            pen.write(at_ms, about(other, contact=name, agent="anna", channel="chat"))
        word = "solved" if number < 4 else None
        pen.write(at_ms, about(words.EngagementEnded(at_ms, 1, "agent", word, None, None, 0), contact=name, agent="anna"))
        if number < 5:
            pen.ended(at_ms, name)
    await stored(database_url, sheet.commits, 100)
    async with HistoryReader.open(database_url) as reader:
        told = await reader.topic_outcomes()
        assert [(row.topic_first, row.disposition, row.contacts, row.changed) for row in told] == [
            ("shoes", None, 1, 0), ("shoes", "solved", 4, 2),
        ]  # fmt: skip
        told = await reader.topic_outcomes(1_000, 3_000)
        assert [(row.disposition, row.contacts, row.changed) for row in told] == [("solved", 2, 0)]
        assert await reader.topic_outcomes(90_000) == []


async def test_however_it_is_cut_the_tables_are_the_same(new_database: Callable[[], str]) -> None:
    for commits in (a_day(), a_matter()):
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
            ContactFilter(agents=(an_id("anna"),)): 7,
            ContactFilter(agents=(an_id("bob"),)): 0,
            ContactFilter(agents=(an_id("bob"), an_id("anna"))): 7,
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


@pytest.mark.parametrize("seed", range(3))
async def test_rows_of_random_lives_are_the_slow_fold(tmp_path: Path, seed: int) -> None:
    life = Life(seed)
    for _ in range(250):
        life.pass_time()
        life.feed([life.fact() for _ in range(life.random.randint(1, 3))])
    await _compare(f"sqlite+aiosqlite:///{tmp_path / 'views.db'}", [codec.decode_commit(data) for data in life.commits])


async def test_a_matter_is_the_slow_fold_too(database_url: str) -> None:
    await _compare(database_url, a_matter())


async def _compare(url: str, commits: list[Commit]) -> None:
    found = await stored(url, commits, 3)
    expected = naive_history.contacts(commits)
    rows = {row[0]: dict(zip(tables.tables["history_contacts"].c.keys(), row, strict=True)) for row in found["history_contacts"]}
    for contact, entries in expected.items():
        row = rows.get(contact)
        if row is not None:
            del row["last_seq"], row["hands"]
        assert row == naive_history.contact_row(contact, entries)
        for table, naive in (
            ("visits", naive_history.visit_rows),
            ("engagements", naive_history.engagement_rows),
            ("promises", naive_history.promise_rows),
        ):
            names = tables.tables[f"history_{table}"].c.keys()
            there = [dict(zip(names, row, strict=True)) for row in found[f"history_{table}"] if row[0] == contact]
            assert there == naive(contact, entries)
        names = tables.tables["history_slas"].c.keys()
        ended = [dict(zip(names, row, strict=True)) for row in found["history_slas"] if row[2] == contact]
        assert ended == naive_history.sla_rows(contact, entries)
    told = [(row[1], row[2], row[0]) for row in found["history_timeline"]]
    assert sorted(told) == sorted((seq, index, contact) for contact, entries in expected.items() for seq, index, _ in entries)


def test_the_journal_describes_itself() -> None:
    document = asyncapi("shop")
    assert document["asyncapi"].startswith("3.")
    assert document["channels"]["journal"]["address"] == "cordboard.shop.journal"
    assert {"Commit", "OfferMade", "ContactArrived"} <= set(document["components"]["schemas"])
    (message,) = document["components"]["messages"].values()
    assert message["contentType"] == "application/msgpack"
