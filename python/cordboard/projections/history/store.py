"""Writing the history: the rows of a run of commits and the checkpoint, in one transaction."""

from collections.abc import Iterator, Sequence
from typing import get_args

from sqlalchemy import Table, Update, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cordboard import metrics
from cordboard.branch import NOWHERE, Branch
from cordboard.errors import ConfigurationError, JournalCorrupt
from cordboard.events import Commit
from cordboard.events.promises import PromiseOutcome
from cordboard.projections.history.fold import Changes, Row, Rows, touched
from cordboard.projections.history.schema import LIVE, VERSION, History, checkpoint, tables
from cordboard.sql import insert_into, prepared

CHUNK = 500
for _word in ("made", "at_risk", *get_args(PromiseOutcome)):
    metrics.HISTORY_PROMISES.labels(_word)  # a count that begins at 1 is no increase to Prometheus
FIRST_ONLY = {"answered_at_ms"}


class OldTables(ConfigurationError):
    """They were written by an older release, and want to be rebuilt."""


async def prepare(engine: AsyncEngine, site: str | None = None) -> None:
    """Make the tables, and claim them for `site` if one is given.

    Raises ConfigurationError if they are another site's or a newer release's, OldTables if they are an older one's.
    """
    async with prepared(engine, tables) as connection:
        row = (await connection.execute(select(checkpoint.c.version, checkpoint.c.site))).one_or_none()
        if row is not None and row.version != VERSION:
            kind = OldTables if row.version < VERSION else ConfigurationError
            raise kind(
                f"the history's tables are of version {row.version}, this release writes {VERSION}: a projector of this release "
                "rebuilds older ones beside them; `cordboard history rebuild` does it in any case"
            )
        if site is None:
            return
        if row is None:
            first = insert_into(checkpoint, connection).values(empty(site))
            await connection.execute(first.on_conflict_do_nothing())
        elif row.site != site:
            raise ConfigurationError(f"the history database belongs to site {row.site!r}, not {site!r}: give each site its own")


def empty(site: str) -> Row:
    """The checkpoint of a history that has read nothing."""
    return {"site": site, "version": VERSION, "seq": NOWHERE.seq, "inbox": NOWHERE.inbox, "mark": NOWHERE.mark, "at_ms": 0}


async def position(connection: AsyncConnection, history: History = LIVE) -> int:
    """The last commit whose rows are stored, of whatever version they are; 0 if none."""
    return (await connection.execute(select(history.checkpoint.c.seq))).scalar_one_or_none() or 0


async def read_up_to(connection: AsyncConnection, history: History = LIVE) -> Branch:
    """The same with the inbox that this commit was written from; nowhere if there is none."""
    row = (await connection.execute(select(*(history.checkpoint.c[name] for name in ("seq", "inbox", "mark"))))).one_or_none()
    return NOWHERE if row is None else Branch(row.seq, row.inbox, row.mark)


async def store(engine: AsyncEngine, commits: Sequence[Commit], history: History = LIVE) -> int:
    """Fold `commits` (in order, no gaps) into the tables. Returns the new checkpoint.

    Commits that are stored already are left out, so a redelivery changes nothing. Raises JournalCorrupt if one is missing before
    the first, or among them: nothing is written then.
    """
    async with engine.begin() as connection:
        # The row stays locked until the end: of two projectors one waits, and then finds its commits stored.
        last = (await connection.execute(select(history.checkpoint.c.seq).with_for_update())).scalar_one()
        new = [commit for commit in commits if commit.seq > last]
        if not new:
            return int(last)
        for expected, commit in enumerate(new, last + 1):
            if commit.seq != expected:
                raise JournalCorrupt(f"the history stands at {last} and was given commit {commit.seq} where {expected} belongs")
        changes = Changes(*await _known(connection, history, sorted(touched(new))))
        for commit in new:
            changes.apply(commit)
        await _write(connection, history, changes)
        at = Branch.of(new[-1])
        values = {"seq": at.seq, "inbox": at.inbox, "mark": at.mark, "at_ms": new[-1].at_ms}
        moved = await connection.execute(update(history.checkpoint).where(history.checkpoint.c.seq == last).values(values))
        assert moved.rowcount == 1, "the checkpoint is locked"
    metrics.HISTORY_COMMITS.inc(len(new))
    for verdict, count in changes.verdicts.items():
        metrics.HISTORY_FACTS.labels(verdict).inc(count)
    # Whoever writes the tables anew reads of old promises, and nobody is to be alarmed for these.
    for word, count in changes.promised.items() if history is LIVE else ():
        metrics.HISTORY_PROMISES.labels(word).inc(count)
    return new[-1].seq


async def _known(connection: AsyncConnection, history: History, ids: Sequence[bytes]) -> tuple[dict[bytes, int], dict[bytes, str]]:
    """The visit that each contact is in, and who has it in hand."""
    contacts = history.contacts
    visits_of: dict[bytes, int] = {}
    hands: dict[bytes, str] = {}
    for start in range(0, len(ids), CHUNK):
        query = select(contacts.c.id, contacts.c.visits, contacts.c.hands).where(contacts.c.id.in_(ids[start : start + CHUNK]))
        for row in await connection.execute(query):
            visits_of[row.id], hands[row.id] = row.visits, row.hands
    return visits_of, hands


async def _write(connection: AsyncConnection, history: History, changes: Changes) -> None:
    contacts, visits, engagements, promises = history.contacts, history.visits, history.engagements, history.promises
    of = (contacts.c.id, visits.c.contact, engagements.c.contact, promises.c.contact)
    for column in of if changes.reborn else ():
        await connection.execute(
            delete(column.table).where(column == bindparam("of")), [{"of": contact} for contact in changes.reborn]
        )
    for table, rows in (
        (contacts, changes.contacts),
        (visits, changes.visits),
        (engagements, changes.engagements),
        (promises, changes.promises),
    ):
        if rows.inserts:
            await connection.execute(insert(table), list(rows.inserts.values()))
        for names, group in _alike(table, rows):
            await connection.execute(_updating(table, names), group)
    if changes.timeline:
        await connection.execute(insert(history.timeline), changes.timeline)
    if changes.broadcasts:
        await connection.execute(insert(history.broadcasts), changes.broadcasts)
    if changes.slas:
        await connection.execute(insert(history.slas), changes.slas)


def _alike(table: Table, rows: Rows) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    """Updates grouped by the columns they set, so that each group is one statement."""
    keys = [f"key_{column.name}" for column in table.primary_key]
    groups: dict[tuple[str, ...], list[Row]] = {}
    for key, values in rows.updates.items():
        row = {f"new_{name}": value for name, value in values.items()} | dict(zip(keys, key, strict=True))
        groups.setdefault(tuple(sorted(values)), []).append(row)
    yield from groups.items()


def _updating(table: Table, names: tuple[str, ...]) -> Update:
    new = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    values = {name: func.coalesce(table.c[name], value) if name in FIRST_ONLY else value for name, value in new.items()}
    return update(table).where(and_(*(column == bindparam(f"key_{column.name}") for column in table.primary_key))).values(values)
