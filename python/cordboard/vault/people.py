"""Agents as people: the reference that the journal knows ↔ the person, within a period.

A reference is keyed by its period's key, so that destroying the key leaves figures without names. Periods are named after the
calendar quarter in which they began; `periods` says how one follows the other.
"""

from typing import Any

import msgspec
from sqlalchemy import Connection, select

from cordboard.errors import ConfigurationError
from cordboard.sql import insert_into
from cordboard.vault.clock import now_ms, quarter
from cordboard.vault.keyring import DataKey, Keyring
from cordboard.vault.schema import agents, keys, periods
from cordboard.vault.seal import MasterKeys, new_ref, seal, unseal
from cordboard.vault.words import Person

FIRST = 1
_person = msgspec.json.Decoder(Person)


def known_periods(connection: Connection, keyring: Keyring) -> list[tuple[int, bytes, DataKey]]:
    """(ordinal, owner of the key, key) of every period, the newest first. Raises ConfigurationError if the newest has no key."""
    rows = connection.execute(select(periods.c.ordinal, periods.c.owner).order_by(periods.c.ordinal.desc())).all()
    found = [(row.ordinal, row.owner, key) for row in rows if (key := keyring.find(connection, "period", row.owner)) is not None]
    if not found or found[0][0] != rows[0].ordinal:
        raise ConfigurationError("the key of the current period of agents' references is destroyed")
    return found


def begin_first_period(connection: Connection, keyring: Keyring) -> None:
    """On an empty vault; harmless on any other. To be called where nobody else does the same."""
    if connection.execute(select(periods.c.ordinal).limit(1)).one_or_none() is not None:
        return
    owner, at_ms = new_ref(), now_ms()
    keyring.find_or_make(connection, "period", owner)
    connection.execute(periods.insert(), {"ordinal": FIRST, "name": quarter(at_ms), "owner": owner, "began_ms": at_ms})


def resolve(connection: Connection, master: MasterKeys, refs: list[bytes]) -> dict[bytes, Person]:
    """The people behind `refs`; unknown and anonymous ones are absent."""
    query = (
        select(agents.c.ref, agents.c.sealed, keys.c.wrapped).join(keys, keys.c.owner == agents.c.ref).where(agents.c.ref.in_(refs))
    )
    found = {}
    for row in connection.execute(query):
        key = master.unwrap("agent", row.ref, row.wrapped)
        found[row.ref] = _person.decode(unseal(key, "agent", row.ref, row.sealed))
    return found


def remember(connection: Connection, keyring: Keyring, ordinal: int, ref: bytes, person: Person) -> None:
    """Store who `ref` is, or the new name."""
    key = keyring.find_or_make(connection, "agent", ref)
    sealed = seal(key.key, "agent", ref, msgspec.json.encode(person))
    row: dict[str, Any] = {"ref": ref, "period": ordinal, "sealed": sealed, "changed_ms": now_ms()}
    changes = {"sealed": sealed, "changed_ms": row["changed_ms"]}
    connection.execute(insert_into(agents, connection).values(row).on_conflict_do_update(index_elements=["ref"], set_=changes))
