"""Periods of agents' references: how one follows the other, and how an old one is forgotten.

A new period's key makes new references. An agent keeps the old one until somebody has declared them anew under the new one
(`api/periods.py`); once nobody is declared under a period's references any more it is over, and after the policy's
`agent_detail_days` its key and those of its agents are destroyed. What stands in journal and history is then about nobody known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from cordboard.sql import insert_into
from cordboard.vault import people
from cordboard.vault.clock import quarter
from cordboard.vault.keyring import Keyring
from cordboard.vault.reader import Reader
from cordboard.vault.schema import about, agents, keys, periods
from cordboard.vault.seal import MasterKeys, agent_ref, new_ref
from cordboard.vault.words import Person
from cordboard.vault.writer import Writer


@dataclass(frozen=True, slots=True)
class Period:
    """One period; `refs` are the references made in it, `left_ms` is when the last of them was given up, as far as anybody saw."""

    ordinal: int
    name: str
    began_ms: int
    refs: frozenset[bytes]
    left_ms: int | None


class Periods:
    """Every method may raise VaultUnavailable; writes also Overloaded."""

    def __init__(self, reader: Reader, writer: Writer, master: MasterKeys, keyring: Keyring) -> None:
        self._reader = reader
        self._writer = writer
        self._master = master
        self._keyring = keyring

    async def all(self) -> list[Period]:
        """Those whose keys there are, the newest first."""
        return await self._reader.read(_all)

    async def begin(self, at_ms: int) -> bool:
        """Begin a period if the calendar quarter of `at_ms` is another than the newest's. True if it did."""

        def work(connection: Connection) -> bool:
            newest = connection.execute(select(periods).order_by(periods.c.ordinal.desc()).limit(1)).one()
            if quarter(at_ms) == newest.name or at_ms <= newest.began_ms:
                return False
            owner = new_ref()
            self._keyring.find_or_make(connection, "period", owner)
            row = {"ordinal": newest.ordinal + 1, "name": quarter(at_ms), "owner": owner, "began_ms": at_ms}
            statement = insert_into(periods, connection).on_conflict_do_nothing(index_elements=["ordinal"])
            return bool(connection.execute(statement, row).rowcount)

        return await self._writer.write(work)

    async def fresh_ref(self, person: str) -> bytes:
        """What `person` is called in the newest period, whether or not anybody is told so yet."""

        def work(connection: Connection) -> bytes:
            (_, _, key), *_ = people.known_periods(connection, self._keyring)
            return agent_ref(key.key, person)

        return await self._reader.read(work)

    async def take(self, ref: bytes, person: Person) -> None:
        """From now on `person` is called `ref`, a reference of the newest period."""

        def work(connection: Connection) -> None:
            (ordinal, _, _), *_ = people.known_periods(connection, self._keyring)
            people.remember(connection, self._keyring, ordinal, ref, person)

        await self._writer.write(work)

    async def give_back(self, ref: bytes) -> None:
        """The reference means nobody again."""
        await self._forget([ref], None)

    async def left(self, ordinal: int, at_ms: int) -> int:
        """Nobody is declared in the period any more: since when, which is `at_ms` if nobody had seen it before."""

        def work(connection: Connection) -> int:
            row = {"name": _mark(ordinal), "value": str(at_ms).encode()}
            connection.execute(insert_into(about, connection).on_conflict_do_nothing(index_elements=["name"]), row)
            return int(connection.execute(select(about.c.value).where(about.c.name == _mark(ordinal))).scalar_one())

        return await self._writer.write(work)

    async def not_left(self, ordinal: int) -> None:
        """Somebody is declared in the period after all."""
        await self._writer.write(lambda connection: _unmark(connection, ordinal))

    async def destroy(self, ordinal: int) -> bool:
        """Destroy the keys of a period and of its agents. False if it is the newest, or not there (any more)."""

        def known(connection: Connection) -> list[bytes] | None:
            newest = connection.execute(select(func.max(periods.c.ordinal))).scalar_one()
            there = connection.execute(select(periods.c.ordinal).where(periods.c.ordinal == ordinal)).one_or_none()
            if there is None or ordinal == newest:
                return None
            return list(connection.execute(select(agents.c.ref).where(agents.c.period == ordinal)).scalars())

        refs = await self._reader.read(known)
        if refs is None:
            return False
        await self._forget(refs, ordinal)
        return True

    async def _forget(self, refs: Sequence[bytes], ordinal: int | None) -> None:
        def work(connection: Connection) -> list[bytes]:
            owners = list(refs)
            chosen = agents.c.ref.in_(owners) if ordinal is None else agents.c.period == ordinal
            owners = list(connection.execute(select(agents.c.ref).where(chosen)).scalars())
            connection.execute(delete(agents).where(chosen))
            if ordinal is not None:
                owners += connection.execute(select(periods.c.owner).where(periods.c.ordinal == ordinal)).scalars()
                connection.execute(delete(periods).where(periods.c.ordinal == ordinal))
                _unmark(connection, ordinal)
            for start in range(0, len(owners), _CHUNK):
                connection.execute(delete(keys).where(keys.c.owner.in_(owners[start : start + _CHUNK])))
            return owners

        for owner in await self._writer.write(work):
            self._keyring.forget(owner)
        await self._writer.scrub()


_CHUNK = 500


def _all(connection: Connection) -> list[Period]:
    marks = {row.name: int(row.value) for row in connection.execute(select(about)) if row.name.startswith(_MARK)}
    made: dict[int, set[bytes]] = {}
    for row in connection.execute(select(agents.c.ref, agents.c.period)):
        made.setdefault(row.period, set()).add(row.ref)
    query = select(periods).join(keys, keys.c.owner == periods.c.owner).order_by(periods.c.ordinal.desc())
    return [
        Period(row.ordinal, row.name, row.began_ms, frozenset(made.get(row.ordinal, ())), marks.get(_mark(row.ordinal)))
        for row in connection.execute(query)
    ]


_MARK = "period_left_"


def _mark(ordinal: int) -> str:
    return f"{_MARK}{ordinal}"


def _unmark(connection: Connection, ordinal: int) -> None:
    connection.execute(delete(about).where(about.c.name == _mark(ordinal)))
