"""Data keys: one an owner (customer, contact, agent, period), kept wrapped in the vault, unwrapped in memory for a while."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from cordboard.sql import insert_into
from cordboard.vault.clock import now_ms
from cordboard.vault.schema import keys
from cordboard.vault.seal import MasterKeys, new_key, new_ref

REMEMBERED_MAX = 8192


@dataclass(frozen=True, slots=True)
class DataKey:
    """`id` names this very key: an owner may get another one after an erasure."""

    id: bytes
    key: bytes


class Keyring:
    """Looks into its memory first, then into the database. A remembered key may have been erased by another process: whoever stores
    something stores the key's id with it, which the database checks (foreign key); whoever reads joins the key's row."""

    def __init__(self, master: MasterKeys) -> None:
        self._master = master
        self._remembered: dict[bytes, DataKey] = {}

    def find(self, connection: Connection, kind: str, owner: bytes) -> DataKey | None:
        """The owner's key; None if there is none (any more)."""
        if (remembered := self._remembered.get(owner)) is not None:
            return remembered
        query = select(keys.c.id, keys.c.wrapped).where(keys.c.owner == owner, keys.c.kind == kind)
        row = connection.execute(query).one_or_none()
        return None if row is None else DataKey(row.id, self._master.unwrap(kind, owner, row.wrapped))

    def find_or_make(self, connection: Connection, kind: str, owner: bytes) -> DataKey:
        """The owner's key, made if need be."""
        if (remembered := self._remembered.get(owner)) is not None:
            return remembered
        made = DataKey(new_ref(), new_key())
        wrapped = self._master.wrap(kind, owner, made.key)
        row = {"id": made.id, "owner": owner, "kind": kind, "wrapped": wrapped, "created_ms": now_ms()}
        statement = insert_into(keys, connection).on_conflict_do_nothing(index_elements=["owner"])
        if connection.execute(statement, row).rowcount:
            return made
        other = self.find(connection, kind, owner)
        assert other is not None, "the row that was in the way is there"
        return other

    def remembers(self, owner: bytes) -> bool:
        return owner in self._remembered

    def forget(self, owner: bytes) -> None:
        self._remembered.pop(owner, None)

    def forget_all(self) -> None:
        self._remembered.clear()

    def remember(self, owner: bytes, key: DataKey) -> None:
        """To be called only once the transaction in which the key was seen or made is over, and well."""
        if len(self._remembered) >= REMEMBERED_MAX:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[owner] = key
