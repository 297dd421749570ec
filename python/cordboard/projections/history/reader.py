"""Reading the history: one contact, lists of contacts, the timeline. It may lag behind the journal, and says how far it is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Row, Select, and_, case, func, or_, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncEngine

from cordboard.branch import Branch
from cordboard.errors import InvalidInput
from cordboard.projections.history.figures import (
    Lateness,
    Period,
    PromiseOutcomes,
    SlaOutcome,
    clocks_by_outcome,
    lateness,
    promises_by_outcome,
)
from cordboard.projections.history.schema import (
    broadcasts,
    checkpoint,
    contacts,
    engagements,
    shown,
    timeline,
    visits,
)
from cordboard.projections.history.store import position, prepare, read_up_to
from cordboard.sql import is_sqlite, open_engine

PAGE_MAX = 1000
POLL_MIN_S = 0.005
POLL_MAX_S = 0.1


class ContactRow(msgspec.Struct, frozen=True):
    """A contact as of commit `last_seq`. `agent`: whom it is offered to or engaged with, or parked by; once ended, who was.

    `topic_first`: at the arrival. `case`: the first contact of the matter. `owner`: who parked it last; `park_*` while it is
    parked. `disposition`: the last one given.
    """

    id: bytes
    channel: str
    queue: str
    state: str
    priority: int
    customer: bytes | None
    agent: bytes | None
    entry_point: str | None
    topic_first: str | None
    topic: str | None
    rule: str | None
    language: str | None
    case: bytes
    owner: bytes | None
    park_kind: str | None
    park_until_ms: int | None
    park_note: bytes | None
    disposition: str | None
    queued_at_ms: int
    answered_at_ms: int | None
    ended_at_ms: int | None
    end_reason: str | None
    end_state: str | None
    successor: bytes | None
    visits: int
    attempts: int
    messages: int
    last_seq: int


class VisitRow(msgspec.Struct, frozen=True):
    """One stay in a queue; `left_ms`, `wait_ms` and `outcome` are None while it lasts."""

    contact: bytes
    visit: int
    queue: str
    channel: str
    priority: int
    entered_ms: int
    queued_at_ms: int
    target_ms: int
    left_ms: int | None
    wait_ms: int | None
    outcome: str | None


class EngagementRow(msgspec.Struct, frozen=True):
    """One agent with a contact, and the wrap-up that followed."""

    contact: bytes
    attempt: int
    visit: int
    agent: bytes
    channel: str
    queue: str
    started_ms: int
    ended_ms: int | None
    ended_by: str | None
    disposition: str | None
    note: bytes | None
    wrap_until_ms: int | None
    wrap_ended_ms: int | None
    wrap_ended_by: str | None


class TimelineRow(msgspec.Struct, frozen=True):
    """One journal entry about a contact: `name` is the fact's or event's; a fact has its `fact` id and a `verdict` in `details`."""

    contact: bytes
    seq: int
    entry: int
    at_ms: int
    name: str
    agent: bytes | None
    channel: str | None
    visit: int | None
    fact: bytes | None
    details: dict[str, Any]


class DecidedAt(msgspec.Struct, frozen=True):
    """Where the journal holds what became of a fact: entry `entry` of commit `seq`."""

    seq: int
    entry: int


class TopicOutcome(msgspec.Struct, frozen=True):
    """How many contacts thought to be about `topic_first` ended with `disposition`; `changed` of them were about something else."""

    topic_first: str | None
    disposition: str | None
    contacts: int
    changed: int


class ContactFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All that are given must hold. `agents`: one of these (all that one person was called) was engaged with the contact, or has it
    now.

    `queued_from_ms` ≤ arrival < `queued_until_ms`.
    """

    queue: str | None = None
    channel: str | None = None
    state: str | None = None
    agents: tuple[bytes, ...] = ()
    customer: bytes | None = None
    topic: str | None = None
    case: bytes | None = None
    queued_from_ms: int | None = None
    queued_until_ms: int | None = None


class ContactKey(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of contacts ended; the next one begins after it, whatever has arrived meanwhile."""

    queued_at_ms: int
    id: bytes


class TimelineKey(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of a timeline ended."""

    seq: int
    entry: int


T = TypeVar("T", ContactRow, VisitRow, EngagementRow, TopicOutcome, PromiseOutcomes, Lateness, SlaOutcome)
MESSAGES = ("MessageRelayed", "MessageAttached")
"""The events that are a conversation."""


class HistoryReader:
    """Queries over one site's history. Safe to use at once by many."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator["HistoryReader"]:
        """`url`: the views database (sqlite+aiosqlite:///FILE or postgresql+asyncpg://…). Missing tables are made."""
        async with AsyncExitStack() as stack:
            engine = open_engine(url, "write", durable=False, name="cordboard-history")
            stack.push_async_callback(engine.dispose)
            await prepare(engine)
            if is_sqlite(engine):
                engine = open_engine(url, "read", durable=False, name="cordboard-history")
                stack.push_async_callback(engine.dispose)
            yield cls(engine)

    async def checkpoint(self) -> int:
        """The last commit that the answers contain."""
        async with self._engine.connect() as connection:
            return await position(connection)

    async def read_up_to(self) -> Branch:
        """The same, named for ever: so whoever opens a history can see whether the journal is the one that it was read from."""
        async with self._engine.connect() as connection:
            return await read_up_to(connection)

    async def at_ms(self) -> int:
        """The time of that commit (Unix ms); 0 if there is none."""
        async with self._engine.connect() as connection:
            return (await connection.execute(select(checkpoint.c.at_ms))).scalar_one_or_none() or 0

    async def reached(self, seq: int, timeout_s: float) -> bool:
        """Wait until the answers contain commit `seq`; False if they do not after `timeout_s`."""
        pause_s = POLL_MIN_S
        try:
            async with asyncio.timeout(timeout_s):
                while await self.checkpoint() < seq:
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, POLL_MAX_S)
        except TimeoutError:
            return False
        return True

    async def get_contact(self, contact: bytes) -> ContactRow | None:
        """None if the journal (as far as it is folded) queued no such contact."""
        found = await self._rows(ContactRow, select(*shown).where(contacts.c.id == contact))
        return found[0] if found else None

    async def list_contacts(
        self, wanted: ContactFilter | None = None, after: ContactKey | None = None, limit: int = 50
    ) -> tuple[list[ContactRow], ContactKey | None]:
        """A page of contacts, the last to arrive first, then by id; and the key of the next page, None if there is none.

        Raises InvalidInput unless 1 ≤ limit ≤ 1000.
        """
        _check_limit(limit)
        query = _filtered(wanted or ContactFilter()).order_by(contacts.c.queued_at_ms.desc(), contacts.c.id).limit(limit + 1)
        if after is not None:
            at, later = contacts.c.queued_at_ms, contacts.c.id > after.id
            # The first condition follows from the second; it lets the index be entered at the right place.
            query = query.where(at <= after.queued_at_ms, or_(at < after.queued_at_ms, and_(at == after.queued_at_ms, later)))
        found = await self._rows(ContactRow, query)
        page = found[:limit]
        return page, ContactKey(page[-1].queued_at_ms, page[-1].id) if len(found) > limit else None

    async def visits(self, contact: bytes) -> list[VisitRow]:
        """In order; a contact has at most 1,000,000, and the first 1,000 are returned."""
        return await self._rows(
            VisitRow, select(visits).where(visits.c.contact == contact).order_by(visits.c.visit).limit(PAGE_MAX)
        )

    async def engagements(self, contact: bytes) -> list[EngagementRow]:
        """In order, at most 1,000."""
        query = select(engagements).where(engagements.c.contact == contact).order_by(engagements.c.attempt).limit(PAGE_MAX)
        return await self._rows(EngagementRow, query)

    async def timeline(
        self, contact: bytes, after: TimelineKey | None = None, limit: int = 200, names: Sequence[str] = ()
    ) -> tuple[list[TimelineRow], TimelineKey | None]:
        """A page of what happened to the contact, in the journal's order; and the key of the next page. `names`: only these facts
        and events. Raises InvalidInput."""
        _check_limit(limit)
        query = select(timeline).where(timeline.c.contact == contact).order_by(timeline.c.seq, timeline.c.entry).limit(limit + 1)
        if names:
            query = query.where(timeline.c.name.in_(names))
        if after is not None:
            query = query.where(tuple_(timeline.c.seq, timeline.c.entry) > (after.seq, after.entry))
        async with self._engine.connect() as connection:
            found = [_timeline_row(row) for row in await connection.execute(query)]
        page = found[:limit]
        return page, TimelineKey(page[-1].seq, page[-1].entry) if len(found) > limit else None

    async def topic_outcomes(self, from_ms: int | None = None, until_ms: int | None = None) -> list[TopicOutcome]:
        """What became of ended contacts that arrived in the period (`from_ms` ≤ arrival < `until_ms`), by first topic and
        disposition, in the order of these words."""
        changed = case((contacts.c.topic.is_distinct_from(contacts.c.topic_first), 1), else_=0)
        by = (contacts.c.topic_first, contacts.c.disposition)
        query = select(*by, func.count().label("contacts"), func.sum(changed).label("changed"))
        query = _arrived(query.where(contacts.c.state == "ended"), from_ms, until_ms).group_by(*by)
        found = await self._rows(TopicOutcome, query)
        # The dialects sort words, and none, each in their own way.
        return sorted(found, key=lambda row: (row.topic_first or "", row.disposition or ""))

    async def promise_outcomes(self, of: Period, due_ms: int = 0) -> list[PromiseOutcomes]:
        """Of the calls due in the period, in no order; `due_ms`: how many of them were due by then is counted, too."""
        return await self._rows(PromiseOutcomes, promises_by_outcome(of, due_ms))

    async def lateness(self, of: Period, outcomes: Sequence[str], *, by_queue: bool) -> list[Lateness]:
        """The same calls, as far as they ended in `outcomes`; nothing of none."""
        return await self._rows(Lateness, lateness(of, outcomes, by_queue=by_queue))

    async def sla_outcomes(self, of: Period) -> list[SlaOutcome]:
        """Of the clocks that ended in the period; in no order."""
        return await self._rows(SlaOutcome, clocks_by_outcome(of))

    async def decided(self, fact_id: bytes) -> DecidedAt | None:
        """The first verdict on this fact, if it was about a contact or a broadcast and the history has come that far."""
        of_contacts = select(timeline.c.seq, timeline.c.entry).where(timeline.c.fact == fact_id)
        of_queues = select(broadcasts.c.seq, broadcasts.c.entry).where(broadcasts.c.fact == fact_id)
        async with self._engine.connect() as connection:
            found = [tuple(row) for row in await connection.execute(union_all(of_contacts, of_queues))]
        return DecidedAt(*min(found)) if found else None

    async def _rows(self, kind: type[T], query: Select[Any]) -> list[T]:
        async with self._engine.connect() as connection:
            return [kind(**row._mapping) for row in await connection.execute(query)]


def _filtered(wanted: ContactFilter) -> Select[Any]:
    query = select(*shown)
    for column, value in (
        (contacts.c.queue, wanted.queue),
        (contacts.c.channel, wanted.channel),
        (contacts.c.state, wanted.state),
        (contacts.c.customer, wanted.customer),
        (contacts.c.topic, wanted.topic),
        (contacts.c.case, wanted.case),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.agents:
        engaged = select(engagements.c.contact).where(engagements.c.agent.in_(wanted.agents))
        query = query.where(or_(contacts.c.agent.in_(wanted.agents), contacts.c.id.in_(engaged)))
    return _arrived(query, wanted.queued_from_ms, wanted.queued_until_ms)


def _arrived(query: Select[Any], from_ms: int | None, until_ms: int | None) -> Select[Any]:
    if from_ms is not None:
        query = query.where(contacts.c.queued_at_ms >= from_ms)
    if until_ms is not None:
        query = query.where(contacts.c.queued_at_ms < until_ms)
    return query


def _timeline_row(row: Row[Any]) -> TimelineRow:
    values = dict(row._mapping)
    values["details"] = msgspec.json.decode(values["details"])
    return TimelineRow(**values)


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= PAGE_MAX:
        raise InvalidInput(f"a page holds 1 to {PAGE_MAX} rows, not {limit}")
