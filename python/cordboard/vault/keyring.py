"""Data keys: one an owner (customer, contact, agent, period), kept wrapped in the vault, unwrapped in memory for a while."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from cordboard.sql import insert_into
from cordboard.vault.clock import now_ms
from cordboard.vault.schema import keys
from cordboard.vault.seal import MasterKeys, new_key

REMEMBERED_MAX = 8192


class Keyring:
    """A remembered key may have been erased by another process meanwhile: writes are then refused by the database (foreign key),
    and reads always join the key's row."""

    def __init__(self, master: MasterKeys) -> None:
        self._master = master
        self._remembered: dict[bytes, bytes] = {}

    async def find(self, connection: AsyncConnection, kind: str, owner: bytes) -> bytes | None:
        """The owner's key; None if there is none (any more)."""
        if (remembered := self._remembered.get(owner)) is not None:
            return remembered
        query = select(keys.c.wrapped).where(keys.c.owner == owner, keys.c.kind == kind)
        wrapped: bytes | None = (await connection.execute(query)).scalar_one_or_none()
        if wrapped is None:
            return None
        key = self._master.unwrap(kind, owner, wrapped)
        if len(self._remembered) >= REMEMBERED_MAX:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[owner] = key
        return key

    async def find_or_make(self, connection: AsyncConnection, kind: str, owner: bytes) -> bytes:
        """The owner's key, made if need be. A new one is not remembered: the transaction may yet fail."""
        if (known := await self.find(connection, kind, owner)) is not None:
            return known
        key = new_key()
        row = {"owner": owner, "kind": kind, "wrapped": self._master.wrap(kind, owner, key), "created_ms": now_ms()}
        made = await connection.execute(insert_into(keys, connection).values(row).on_conflict_do_nothing())
        if made.rowcount:
            return key
        other = await self.find(connection, kind, owner)
        assert other is not None, "the row that was in the way is there"
        return other

    def forget(self, owner: bytes) -> None:
        self._remembered.pop(owner, None)
