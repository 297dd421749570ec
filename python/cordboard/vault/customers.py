"""Who customers are: identities that lead to a reference, references that are one, and the segment they belong to.

ref = await customers.at("email", "jan@example.org", "mail")     # found, or made at the first sight
await customers.link(ref, "phone", "+31201234567", source="called back", by="sanne")
await customers.merge(ref, other, by="sanne", reason="same person, two addresses")
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from cordboard.errors import Conflict
from cordboard.sql import insert_into
from cordboard.vault import family, inventory
from cordboard.vault.address import spelled
from cordboard.vault.card import Card, Change, Identity
from cordboard.vault.clock import now_ms
from cordboard.vault.inventory import FileItem, Item
from cordboard.vault.keyring import Keyring
from cordboard.vault.reader import Reader
from cordboard.vault.schema import customers, identities, keys
from cordboard.vault.seal import MasterKeys, new_ref, seal, unseal
from cordboard.vault.words import BY_MAX, REASON_MAX, SOURCE_MAX, check_ref, check_text, check_word
from cordboard.vault.writer import Writer

IDENTITIES_MAX = 200
IDENTITY, SEGMENT = "identity", "segment"


class _Said(msgspec.Struct, frozen=True):
    address: str
    source: str = ""
    by: str = ""


_said = msgspec.json.Decoder(_Said)


class Customers:
    """Every method is safe to call at once with others, from several processes too. Any may raise VaultUnavailable; writes also
    Overloaded. References may be of any member of a merged customer; what they find or change is the whole."""

    def __init__(self, reader: Reader, writer: Writer, master: MasterKeys, keyring: Keyring) -> None:
        self._reader = reader
        self._writer = writer
        self._master = master
        self._keyring = keyring

    async def find(self, kind: str, address: str) -> bytes | None:
        """The (root) reference of whoever is at `address`; None if nobody is known there. Raises InvalidInput."""
        digest = self._digest(*spelled(kind, address))
        return await self._reader.read(lambda connection: _root_at(connection, digest))

    async def at(self, kind: str, address: str, source: str = "") -> bytes:
        """The same, made at the first sight, which `source` says something about. Raises InvalidInput."""
        kind, address = spelled(kind, address)
        said = _checked(address, source, "")
        digest = self._digest(kind, address)

        def make(connection: Connection) -> bytes | None:
            ref = new_ref()
            key = self._keyring.find_or_make(connection, "customer", ref).key
            if not self._insert(connection, digest, ref, kind, said, key):
                connection.execute(delete(keys).where(keys.c.owner == ref))
                return _root_at(connection, digest)
            connection.execute(customers.insert(), {"ref": ref, "root": ref, "created_ms": now_ms()})
            return ref

        known = await self._reader.read(lambda connection: _root_at(connection, digest))
        while known is None:  # again if the one in the way was erased meanwhile
            known = await self._writer.write(make)
        return known

    async def card(self, customer: bytes) -> Card:
        """Everything about who the customer is. Raises NotFound (`unknown_customer`)."""
        check_ref(customer, "customer")
        return await self._reader.read(lambda connection: self._card(connection, customer))

    async def link(self, customer: bytes, kind: str, address: str, source: str, by: str = "") -> bool:
        """From now on `address` leads to this customer. False if it did already.

        Raises InvalidInput, NotFound, Conflict (`identity_taken` by another customer: merge them; `too_many_identities`).
        """
        check_ref(customer, "customer")
        kind, address = spelled(kind, address)
        said = _checked(address, source, by)
        digest = self._digest(kind, address)

        def work(connection: Connection) -> bool:
            family.lock(connection)
            root = family.open_root(connection, customer)
            if self._insert(connection, digest, root, kind, said, self._key(connection, root)):
                if _count(connection, [member.ref for member in family.members(connection, root)]) > IDENTITIES_MAX:
                    raise Conflict(f"the customer has {IDENTITIES_MAX} identities already", reason="too_many_identities")
                return True
            if _root_at(connection, digest) != root:
                raise Conflict("another customer is known by this address: merge the two", reason="identity_taken")
            return False

        return await self._writer.write(work)

    async def unlink(self, customer: bytes, kind: str, address: str) -> bool:
        """This address leads to the customer no longer. False if it did not.

        Raises InvalidInput, NotFound, Conflict (`last_identity`: who has none can be found by nobody).
        """
        check_ref(customer, "customer")
        digest = self._digest(*spelled(kind, address))

        def work(connection: Connection) -> bool:
            family.lock(connection)
            root = family.open_root(connection, customer)
            if _root_at(connection, digest) != root:
                return False
            if _count(connection, [member.ref for member in family.members(connection, root)]) == 1:
                raise Conflict("this is the customer's only identity: erase the customer instead", reason="last_identity")
            connection.execute(delete(identities).where(identities.c.hash == digest))
            return True

        unlinked = await self._writer.write(work)
        if unlinked:
            await self._writer.scrub()  # it may have been linked by mistake, and be somebody else's
        return unlinked

    async def merge(self, into: bytes, absorbed: bytes, by: str, reason: str = "") -> Change:
        """`absorbed`, with all that was merged into it, becomes part of `into`. Nothing happens if they are one already.

        Raises InvalidInput (`merge_into_itself`), NotFound, Conflict (`erasure_pending`, `too_many_members`).
        """
        for name, ref in (("into", into), ("absorbed", absorbed)):
            check_ref(ref, name)
        check_text(by, "by", BY_MAX)
        if reason:
            check_text(reason, "reason", REASON_MAX)
        return await self._writer.write(lambda connection: family.merge(connection, self._master, into, absorbed, by, reason))

    async def unmerge(self, absorbed: bytes, by: str) -> Change:
        """Take back the merge of this very reference; nothing happens if it was not merged.

        Raises InvalidInput, NotFound, Conflict (`erasure_pending`).
        """
        check_ref(absorbed, "customer")
        check_text(by, "by", BY_MAX)
        return await self._writer.write(lambda connection: family.unmerge(connection, self._master, absorbed, by))

    async def segment(self, customer: bytes) -> str | None:
        """The segment (a policy word), if any: the root's, else that of whoever was merged first and has one."""
        check_ref(customer, "customer")
        return await self._reader.read(lambda connection: self._segment(connection, customer))

    async def set_segment(self, customer: bytes, segment: str | None) -> None:
        """None: none from now on, whatever the merged ones say. Raises InvalidInput, NotFound."""
        check_ref(customer, "customer")
        if segment is not None:
            check_word(segment, "segment")

        def work(connection: Connection) -> None:
            family.lock(connection)
            root = family.known(connection, customer)
            sealed = seal(self._key(connection, root), SEGMENT, root, (segment or "").encode())
            connection.execute(update(customers).where(customers.c.ref == root).values(segment=sealed))

        await self._writer.write(work)

    async def close(self, customer: bytes) -> list[bytes]:
        """Who belongs to this customer stays as it is from now on, since it is about to be erased. Returns all members.

        Raises NotFound.
        """
        check_ref(customer, "customer")
        members = await self._writer.write(lambda connection: family.close(connection, customer))
        return [member.ref for member in members]

    async def inventory(self, refs: Sequence[bytes]) -> tuple[list[Item], list[FileItem]]:
        """Contents and attachments that an erasure of all `refs` would delete, oldest first."""
        for ref in refs:
            check_ref(ref, "customer")
        return await self._reader.read(
            lambda connection: (inventory.contents_of(connection, refs), inventory.files_of(connection, refs))
        )

    # Inside

    def _digest(self, kind: str, address: str) -> bytes:
        return self._master.hash("address", f"{kind}\0{address}")

    def _insert(self, connection: Connection, digest: bytes, customer: bytes, kind: str, said: _Said, key: bytes) -> bool:
        sealed = seal(key, IDENTITY, digest, msgspec.json.encode(said))
        row = {"hash": digest, "customer": customer, "kind": kind, "sealed": sealed, "first_seen_ms": now_ms()}
        statement = insert_into(identities, connection).values(row).on_conflict_do_nothing(index_elements=["hash"])
        return bool(connection.execute(statement).rowcount)

    def _key(self, connection: Connection, customer: bytes) -> bytes:
        wrapped = connection.execute(select(keys.c.wrapped).where(keys.c.owner == customer)).scalar_one()
        return self._master.unwrap("customer", customer, wrapped)

    def _card(self, connection: Connection, customer: bytes) -> Card:
        root = family.known(connection, customer)
        members = family.members(connection, root)
        refs = [member.ref for member in members]
        closed = connection.execute(select(func.min(customers.c.closed_ms)).where(customers.c.root == root)).scalar_one()
        return Card(
            ref=root,
            members=tuple(members),
            identities=tuple(self._identities(connection, refs)),
            merges=tuple(family.history(connection, self._master, refs)),
            segment=self._segment(connection, root),
            closed_ms=closed,
        )

    def _identities(self, connection: Connection, refs: list[bytes]) -> list[Identity]:
        query = (
            select(identities, keys.c.wrapped)
            .join(keys, keys.c.owner == identities.c.customer)
            .where(identities.c.customer.in_(refs))
            .order_by(identities.c.first_seen_ms, identities.c.hash)
        )
        return [self._identity(row) for row in connection.execute(query)]

    def _identity(self, row: Any) -> Identity:
        key = self._master.unwrap("customer", row.customer, row.wrapped)
        said = _said.decode(unseal(key, IDENTITY, row.hash, row.sealed))
        return Identity(row.kind, said.address, said.source, said.by, row.first_seen_ms, row.customer)

    def _segment(self, connection: Connection, customer: bytes) -> str | None:
        root = select(customers.c.root).where(customers.c.ref == customer).scalar_subquery()
        query = (
            select(customers.c.ref, customers.c.root, customers.c.segment, keys.c.wrapped)
            .join(keys, keys.c.owner == customers.c.ref)
            .where(customers.c.root == root, customers.c.segment.is_not(None))
            .order_by(customers.c.parent.is_not(None), customers.c.merged_ms, customers.c.ref)
            .limit(1)
        )
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        key = self._master.unwrap("customer", row.ref, row.wrapped)
        return unseal(key, SEGMENT, row.ref, row.segment).decode() or None


def _checked(address: str, source: str, by: str) -> _Said:
    for name, value, most in (("source", source, SOURCE_MAX), ("by", by, BY_MAX)):
        if value:
            check_text(value, name, most)
    return _Said(address, source, by)


def _root_at(connection: Connection, digest: bytes) -> bytes | None:
    query = select(customers.c.root).join(identities, identities.c.customer == customers.c.ref).where(identities.c.hash == digest)
    return connection.execute(query).scalar_one_or_none()


def _count(connection: Connection, refs: list[bytes]) -> int:
    return connection.execute(select(func.count()).where(identities.c.customer.in_(refs))).scalar_one()
