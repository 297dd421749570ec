"""Deleting what the vault holds of customers: keys first of all, since what is sealed with them is gone wherever a copy lies."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from cordboard.branch import Branch
from cordboard.sql import insert_into
from cordboard.vault import attachments, family
from cordboard.vault.clock import now_ms
from cordboard.vault.inventory import belonging_to
from cordboard.vault.schema import (
    branch_marks,
    branches,
    contacts,
    contents,
    customers,
    erased,
    followers,
    identities,
    keys,
    merges,
    threads,
)


def erase(connection: Connection, ref: bytes) -> list[bytes]:
    """Delete key, identities, segment, merges, contents, attachments and thread keys of exactly this reference, and what stands
    under keys of its contacts. `ref`: a customer, or a contact whose customer nobody knows.

    What was merged into it stands alone from now on. Returns the owners whose keys are gone: none if there was nothing (any more).
    """
    family.lock(connection)
    own = select(contacts.c.contact).where(contacts.c.customer == ref)
    doomed = belonging_to([ref])
    # Locked first: whoever is just sealing something with such a key either is done, and deleted below, or fails.
    rows = connection.execute(select(keys.c.id, keys.c.owner).where(doomed).order_by(keys.c.id).with_for_update()).all()
    owners = [row.owner for row in rows]
    key_ids = select(keys.c.id).where(doomed)
    attachments.delete_sealed_with(connection, key_ids)
    connection.execute(delete(contents).where(contents.c.key.in_(key_ids)))
    connection.execute(delete(threads).where(or_(threads.c.contact == ref, threads.c.contact.in_(own))))
    connection.execute(delete(identities).where(identities.c.customer == ref))
    connection.execute(delete(merges).where(or_(merges.c.into == ref, merges.c.absorbed == ref)))
    _release(connection, ref)
    connection.execute(delete(customers).where(customers.c.ref == ref))
    connection.execute(delete(keys).where(doomed))
    statement = insert_into(erased, connection).values(customer=ref, erased_ms=now_ms())
    connection.execute(statement.on_conflict_do_nothing(index_elements=["customer"]))
    return owners


def _release(connection: Connection, ref: bytes) -> None:
    """Cut off everything that hangs below `ref`."""
    root = family.root_of(connection, ref)
    if root is None:
        return
    parents = {member.ref: member.parent for member in family.members(connection, root)}
    for child in [child for child, parent in parents.items() if parent == ref]:
        connection.execute(update(customers).where(customers.c.ref == child).values(parent=None, merged_ms=None))
        family.replant(connection, child, {other: parent for other, parent in parents.items() if other != child})


def family_of(connection: Connection, ref: bytes) -> list[bytes]:
    """`ref` and everything that is one customer with it."""
    root = family.root_of(connection, ref)
    return [ref] if root is None else [member.ref for member in family.members(connection, root)]


def known_as_erased(connection: Connection, refs: Sequence[bytes]) -> set[bytes]:
    """Those of `refs` that have been erased from this very database."""
    return set(connection.execute(select(erased.c.customer).where(erased.c.customer.in_(refs))).scalars())


def position(connection: Connection, site: str) -> tuple[int, Branch | None]:
    """The last position of the site's journal whose erasures have been carried out (0 if none ever was), and what is known of the
    commit there, if anything is."""
    marked = and_(branch_marks.c.site == followers.c.site, branch_marks.c.seq == followers.c.seq)
    known = followers.outerjoin(branches, branches.c.site == followers.c.site).outerjoin(branch_marks, marked)
    query = select(followers.c.seq, branches.c.inbox, branch_marks.c.mark).select_from(known).where(followers.c.site == site)
    row = connection.execute(query).one_or_none()
    if row is None:
        return 0, None
    return row.seq, None if row.inbox is None else Branch(row.seq, row.inbox, row.mark)


def advance(connection: Connection, site: str, at: Branch) -> None:
    """Never back: several processes may follow the same journal."""
    row = insert_into(followers, connection).values(site=site, seq=at.seq)
    forward = row.on_conflict_do_update(index_elements=["site"], set_={"seq": at.seq}, where=followers.c.seq < at.seq)
    if not connection.execute(forward).rowcount:
        return
    named = insert_into(branches, connection).values(site=site, inbox=at.inbox)
    connection.execute(named.on_conflict_do_update(index_elements=["site"], set_={"inbox": at.inbox}))
    connection.execute(delete(branch_marks).where(branch_marks.c.site == site))
    if at.mark is not None:
        connection.execute(insert(branch_marks).values(site=site, seq=at.seq, mark=at.mark))


def begin_anew(connection: Connection, site: str, seq: int) -> None:
    """What was carried out up to `seq` was another journal's. Does nothing if somebody else has found that out already."""
    if connection.execute(delete(followers).where(followers.c.site == site, followers.c.seq == seq)).rowcount:
        connection.execute(delete(branches).where(branches.c.site == site))
        connection.execute(delete(branch_marks).where(branch_marks.c.site == site))


def all_of(connection: Connection, refs: Sequence[bytes]) -> list[bytes]:
    """Erase each of `refs`; the owners whose keys are gone."""
    return [owner for ref in refs for owner in erase(connection, ref)]
