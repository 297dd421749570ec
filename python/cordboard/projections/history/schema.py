"""The history's tables: contacts, visits, engagements, timelines, broadcasts, promises, SLAs. Rebuilt from the journal at any time.

No personal data: customers, messages, notes and agents are references into the vault.
"""

from dataclasses import dataclass
from typing import Self

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.sql.elements import quoted_name

from cordboard.branch import MARK_BYTES
from cordboard.events.bounds import ID_BYTES, NAME_MAX

VERSION = 8
WORD_MAX = 32
"""Width of the words that the code itself defines: states, outcomes, reasons of ending, names of facts and events."""

Id = LargeBinary(ID_BYTES)
Name = String(NAME_MAX)
Word = String(WORD_MAX)
tables = MetaData()

checkpoint = Table(
    "history_checkpoint",
    tables,
    Column("site", Name, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("inbox", Id, nullable=False),
    Column("mark", LargeBinary(MARK_BYTES), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
"""One row: the site, and the last commit whose rows stand in the other tables. `inbox`: the id of the inbox that this commit was
written from; `mark`: what else tells it from another one at its place (`cordboard.branch`, ADR 16)."""

contacts = Table(
    "history_contacts",
    tables,
    Column("id", Id, primary_key=True),
    Column("channel", Name, nullable=False),
    Column("queue", Name, nullable=False),
    Column("state", Word, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("customer", Id),
    Column("agent", Id),
    Column("entry_point", Name),
    Column("topic_first", Name),
    Column("topic", Name),
    Column("rule", Name),
    Column("language", Name),
    Column("case", Id, nullable=False),
    Column("owner", Id),
    Column("park_kind", Word),
    Column("park_until_ms", BigInteger),
    Column("park_note", Id),
    Column("disposition", Name),
    Column("queued_at_ms", BigInteger, nullable=False),
    Column("answered_at_ms", BigInteger),
    Column("ended_at_ms", BigInteger),
    Column("end_reason", Word),
    Column("end_state", Word),
    Column("successor", Id),
    Column("visits", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("hands", Text, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
)
"""`queue`, `priority`: of the last visit. `agent`: whom it is offered to, connecting to or engaged with, or parked by; once ended,
who was. `topic_first`: at the arrival; `topic`: now. `case`: the first contact of the matter. `owner`: who parked it last; `park_*`
while it is parked. `disposition`: the last one given. `queued_at_ms`: the arrival. `answered_at_ms`: the first answer. `last_seq`:
the last commit that changed the row. `hands`: who has it in hand, by attempt (JSON: agent, role, stage)."""

shown = tuple(column for column in contacts.c if column.name != "hands")
"""What readers see of a contact; the rest is for whoever goes on writing."""

# Lists are ordered by arrival, newest first, then id; each filter that narrows much has an index in that order.
for name, columns in {
    "queued": (),
    "queue": (contacts.c.queue,),
    "channel": (contacts.c.channel,),
    "state": (contacts.c.state,),
    "customer": (contacts.c.customer,),
    "topic": (contacts.c.topic,),
    "case": (contacts.c.case,),
}.items():
    Index(f"history_contacts_by_{name}", *columns, contacts.c.queued_at_ms.desc(), contacts.c.id)

visits = Table(
    "history_visits",
    tables,
    Column("contact", Id, primary_key=True),
    Column("visit", Integer, primary_key=True, autoincrement=False),
    Column("queue", Name, nullable=False),
    Column("channel", Name, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("entered_ms", BigInteger, nullable=False),
    Column("queued_at_ms", BigInteger, nullable=False),
    Column("target_ms", BigInteger, nullable=False),
    Column("left_ms", BigInteger),
    Column("wait_ms", BigInteger),
    Column("outcome", Word),
    Index("history_visits_by_queue", "queue", "entered_ms"),
    sqlite_with_rowid=False,
)
"""`queued_at_ms` counts the earlier waits of the contact in; `wait_ms` is this visit's real wait. A promised contact waits from
when it is due: then `entered_ms` and `queued_at_ms` are set anew, and `target_ms` when the visit ends."""

engagements = Table(
    "history_engagements",
    tables,
    Column("contact", Id, primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("visit", Integer, nullable=False),
    Column("agent", Id, nullable=False),
    Column("channel", Name, nullable=False),
    Column("queue", Name, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("ended_by", Word),
    Column("disposition", Name),
    Column("note", Id),
    Column("wrap_until_ms", BigInteger),
    Column("wrap_ended_ms", BigInteger),
    Column("wrap_ended_by", Word),
    Index("history_engagements_by_agent", "agent", "started_ms"),
    sqlite_with_rowid=False,
)
"""`disposition` and `note`: the last ones given, at the end of the conversation or of the wrap-up."""

timeline = Table(
    "history_timeline",
    tables,
    Column("contact", Id, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", Integer, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("name", Word, nullable=False),
    Column("agent", Id),
    Column("channel", Name),
    Column("visit", Integer),
    Column("fact", Id),
    Column("details", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Every entry of the journal about a contact. `fact` is the fact id of an input; `details` a JSON object of the other fields."""

Index(
    "history_timeline_by_fact",
    timeline.c.fact,
    sqlite_where=timeline.c.fact.isnot(None),
    postgresql_where=timeline.c.fact.isnot(None),
)

broadcasts = Table(
    "history_broadcasts",
    tables,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", Integer, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("fact", Id, nullable=False, index=True),
    Column("queue", Name, nullable=False),
    Column("message", Id, nullable=False),
    Column("by", Id),
    Column("reason", Name),
    Column("verdict", Word, nullable=False),
    sqlite_with_rowid=False,
)
"""What was to be told to everybody in a queue. The one fact that belongs to no contact and yet comes by way of the vault, which
asks for its verdict long after the router has forgotten it."""


promises = Table(
    "history_promises",
    tables,
    Column("contact", Id, primary_key=True),
    Column("queue", Name, nullable=False),
    Column("channel", Name, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("at_risk", Boolean, nullable=False),
    Column("outcome", Word),
    Column("reason", Word),
    Column("ended_ms", BigInteger),
    Column("lateness_ms", BigInteger),
    Index("history_promises_by_due", "due_ms"),
    sqlite_with_rowid=False,
)
"""Calls that were promised, each moved one its own. `at_risk`: it was, at some time. `outcome`: none while it lives."""


slas = Table(
    "history_slas",
    tables,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", Integer, primary_key=True, autoincrement=False),
    Column("contact", Id, nullable=False),
    Column("case", Id),
    Column("sla", Name, nullable=False),
    Column("queue", Name, nullable=False),
    Column("channel", Name),
    Column("internal", Boolean, nullable=False),
    Column("outcome", Word, nullable=False),
    Column("ended_ms", BigInteger, nullable=False),
    Column("spare_ms", BigInteger, nullable=False),
    Index("history_slas_by_end", "ended_ms"),
    sqlite_with_rowid=False,
)
"""How clocks of SLA promises ended, with what was to spare; a case that is reopened and ends again has a row for each end."""


@dataclass(frozen=True, slots=True)
class History:
    """One set of the tables: the live ones, or others beside them in the same database."""

    tables: MetaData
    checkpoint: Table
    contacts: Table
    visits: Table
    engagements: Table
    timeline: Table
    broadcasts: Table
    promises: Table
    slas: Table

    @classmethod
    def named(cls, tables: MetaData, prefix: str) -> Self:
        """Those of `tables` whose names begin with `prefix`."""
        names = ("checkpoint", "contacts", "visits", "engagements", "timeline", "broadcasts", "promises", "slas")
        return cls(tables, *(tables.tables[prefix + name] for name in names))


PREFIX = "history_"
LIVE = History.named(tables, PREFIX)
"""What readers read."""


def beside(prefix: str, indexes_taken: frozenset[str]) -> History:
    """The same tables under names with another prefix. Their indexes get names that nobody has: renamed tables keep theirs."""
    copies = MetaData()
    for table in tables.sorted_tables:
        copy = table.to_metadata(copies, name=table.name.replace(PREFIX, prefix, 1))
        for mine, plain in zip(_by_columns(copy), _by_columns(table), strict=True):
            assert plain.name is not None
            mine.name = quoted_name(f"{plain.name}_b", None) if plain.name in indexes_taken else plain.name
    return History.named(copies, prefix)


def _by_columns(table: Table) -> list[Index]:
    """Its indexes, each at the same place whatever they are called."""
    return sorted(table.indexes, key=lambda index: [str(column.name) for column in index.columns])
