"""Customers that are one: merged, and taken apart again. References stay; a merge only says that one is part of another.

A merge joins the roots of two trees, so there are no cycles; undoing one cuts that edge, and both sides are what they were: each
member kept its own identities, contents and keys all along. What came in meanwhile belongs to the root it was stored under.
"""

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, case, func, or_, select, text, update

from cordboard.errors import Conflict, InvalidInput, NotFound
from cordboard.vault.card import Change, Member, Merge
from cordboard.vault.clock import now_ms
from cordboard.vault.schema import customers, keys, merges
from cordboard.vault.seal import MasterKeys, new_ref, seal, unseal

MEMBERS_MAX = 200
LOCK = 0x63757374
"""Key of the PostgreSQL advisory lock under which trees change: rare, so one at a time is enough. SQLite has one writer anyway."""
MERGE, UNDONE = "merge", "merge undone"


class _Note(msgspec.Struct, frozen=True):
    by: str
    reason: str = ""


_note = msgspec.json.Decoder(_Note)


def lock(connection: Connection) -> None:
    """Nobody else changes who belongs together until this transaction is over."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def root_of(connection: Connection, customer: bytes) -> bytes | None:
    """None if it is unknown or erased."""
    return connection.execute(select(customers.c.root).where(customers.c.ref == customer)).scalar_one_or_none()


def known(connection: Connection, customer: bytes) -> bytes:
    """Its root. Raises NotFound."""
    root = root_of(connection, customer)
    if root is None:
        raise NotFound("the customer is unknown or has been erased", reason="unknown_customer")
    return root


def members(connection: Connection, root: bytes) -> list[Member]:
    """The root first, then in the order in which they were merged."""
    query = (
        select(customers.c.ref, customers.c.parent, customers.c.created_ms, customers.c.merged_ms)
        .where(customers.c.root == root)
        .order_by(case((customers.c.ref == root, 0), else_=1), customers.c.merged_ms, customers.c.ref)
    )
    return [Member(row.ref, row.parent, row.created_ms, row.merged_ms) for row in connection.execute(query)]


def open_root(connection: Connection, customer: bytes) -> bytes:
    """The root, if its tree may still change. Raises NotFound, Conflict."""
    root = known(connection, customer)
    query = select(func.count()).where(customers.c.root == root, customers.c.closed_ms.is_not(None))
    if connection.execute(query).scalar_one():
        raise Conflict("the customer is about to be erased", reason="erasure_pending")
    return root


def close(connection: Connection, customer: bytes) -> list[Member]:
    """Freeze the tree that `customer` is part of; returns its members. Raises NotFound."""
    lock(connection)
    root = known(connection, customer)
    statement = update(customers).where(customers.c.root == root, customers.c.closed_ms.is_(None)).values(closed_ms=now_ms())
    connection.execute(statement)
    return members(connection, root)


def merge(connection: Connection, master: MasterKeys, into: bytes, absorbed: bytes, by: str, reason: str) -> Change:
    """Raises NotFound, InvalidInput (`merge_into_itself`), Conflict (`erasure_pending`, `too_many_members`)."""
    if into == absorbed:
        raise InvalidInput("a customer cannot be merged into itself", reason="merge_into_itself")
    lock(connection)
    upper, lower = open_root(connection, into), open_root(connection, absorbed)
    if upper == lower:
        return Change(upper, lower, changed=False)
    size = connection.execute(select(func.count()).where(customers.c.root.in_((upper, lower)))).scalar_one()
    if size > MEMBERS_MAX:
        raise Conflict(f"{size} references would be one customer; at most {MEMBERS_MAX}", reason="too_many_members")
    at_ms = _after(connection, upper)
    connection.execute(update(customers).where(customers.c.root == lower).values(root=upper))
    connection.execute(update(customers).where(customers.c.ref == lower).values(parent=upper, merged_ms=at_ms))
    merge_id = new_ref()
    row = {
        "id": merge_id,
        "into": upper,
        "absorbed": lower,
        "at_ms": at_ms,
        "sealed": seal(_key(connection, master, lower), MERGE, merge_id, msgspec.json.encode(_Note(by, reason))),
    }
    connection.execute(merges.insert(), row)
    return Change(upper, lower, changed=True)


def unmerge(connection: Connection, master: MasterKeys, absorbed: bytes, by: str) -> Change:
    """Cut `absorbed`, with what was merged into it before, from what it was merged into; nothing if it stands alone.

    Raises NotFound, Conflict (`erasure_pending`).
    """
    lock(connection)
    root = open_root(connection, absorbed)
    parents = {member.ref: member.parent for member in members(connection, root)}
    parent = parents[absorbed]
    if parent is None:
        return Change(absorbed, absorbed, changed=False)
    connection.execute(update(customers).where(customers.c.ref == absorbed).values(parent=None, merged_ms=None))
    replant(connection, absorbed, {ref: above for ref, above in parents.items() if ref != absorbed})
    standing = (merges.c.absorbed == absorbed, merges.c.undone_ms.is_(None))
    merge_id = connection.execute(select(merges.c.id).where(*standing)).scalar_one_or_none()
    if merge_id is not None:
        undone = seal(_key(connection, master, absorbed), UNDONE, merge_id, msgspec.json.encode(_Note(by)))
        connection.execute(update(merges).where(merges.c.id == merge_id).values(undone_ms=now_ms(), undone=undone))
    return Change(parent, absorbed, changed=True)


def replant(connection: Connection, root: bytes, parents: dict[bytes, bytes | None]) -> None:
    """`root` becomes the root of itself and of all below it, by `parents` (reference → what it was merged into)."""
    below: set[bytes] = {root}
    while more := {ref for ref, parent in parents.items() if parent in below} - below:
        below |= more
    connection.execute(update(customers).where(customers.c.ref.in_(below)).values(root=root))


def history(connection: Connection, master: MasterKeys, refs: list[bytes]) -> list[Merge]:
    """Merges that any of `refs` took part in, oldest first; those whose absorbed side is erased are gone."""
    query = (
        select(merges, keys.c.wrapped)
        .join(keys, keys.c.owner == merges.c.absorbed)
        .where(or_(merges.c.into.in_(refs), merges.c.absorbed.in_(refs)))
        .order_by(merges.c.at_ms, merges.c.id)
    )
    return [_merge(master, row) for row in connection.execute(query)]


def _merge(master: MasterKeys, row: Row[Any]) -> Merge:
    key = master.unwrap("customer", row.absorbed, row.wrapped)
    said = _note.decode(unseal(key, MERGE, row.id, row.sealed))
    undone_by = "" if row.undone is None else _note.decode(unseal(key, UNDONE, row.id, row.undone)).by
    return Merge(row.into, row.absorbed, row.at_ms, said.by, said.reason, row.undone_ms, undone_by)


def _after(connection: Connection, root: bytes) -> int:
    """Now, but later than all merges of this tree: their order decides whose segment counts."""
    newest = connection.execute(select(func.max(customers.c.merged_ms)).where(customers.c.root == root)).scalar_one()
    return max(now_ms(), (newest or 0) + 1)


def _key(connection: Connection, master: MasterKeys, customer: bytes) -> bytes:
    wrapped = connection.execute(select(keys.c.wrapped).where(keys.c.owner == customer)).scalar_one()
    return master.unwrap("customer", customer, wrapped)
