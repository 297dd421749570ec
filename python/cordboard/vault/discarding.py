"""Forgetting what was kept for a contact that never came to be, and who is known by nothing else; and what nobody was told."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, exists, select

from cordboard.vault import family
from cordboard.vault.attachments import delete_of
from cordboard.vault.schema import attachments, contacts, contents, customers, identities, keys


def discard(connection: Connection, contact: bytes, refs: Sequence[bytes]) -> list[bytes]:
    """Delete these contents of `contact`, its link to a customer, and the customer if nothing but one identity is left of them.
    Returns the owners whose keys are gone."""
    customer = connection.execute(select(contacts.c.customer).where(contacts.c.contact == contact)).scalar_one_or_none()
    connection.execute(delete(contents).where(contents.c.ref.in_(refs), contents.c.contact == contact))
    connection.execute(delete(contacts).where(contacts.c.contact == contact))
    if customer is None:
        return [contact] if _drop_key(connection, contact) else []
    family.lock(connection)
    if not _is_known_by_one_identity(connection, customer):
        return []
    # Locked first, as an erasure does: whoever is just sealing something with this key either is done, and seen here, or fails.
    key = connection.execute(select(keys.c.id).where(keys.c.owner == customer).with_for_update()).scalar_one_or_none()
    if key is None or connection.execute(select(_uses(key) | exists().where(contacts.c.customer == customer))).scalar_one():
        return []
    connection.execute(delete(identities).where(identities.c.customer == customer))
    connection.execute(delete(customers).where(customers.c.ref == customer))
    connection.execute(delete(keys).where(keys.c.id == key))
    return [customer]


def withdraw(connection: Connection, contact: bytes, message: bytes) -> None:
    """Delete one content of a contact that stays, and the files that came with it."""
    connection.execute(delete(contents).where(contents.c.ref == message, contents.c.contact == contact))
    delete_of(connection, contact, message)


def _is_known_by_one_identity(connection: Connection, customer: bytes) -> bool:
    """Nobody said anything else of them: no second address, no segment, no merge, no erasure that is under way."""
    row = connection.execute(
        select(customers.c.parent, customers.c.segment, customers.c.closed_ms).where(customers.c.ref == customer)
    ).one_or_none()
    if row is None or (row.parent, row.segment, row.closed_ms) != (None, None, None):
        return False
    known = connection.execute(select(identities.c.hash).where(identities.c.customer == customer).limit(2)).all()
    return len(known) == 1 and [member.ref for member in family.members(connection, customer)] == [customer]


def _drop_key(connection: Connection, owner: bytes) -> bool:
    """Unless something stands under it."""
    key = connection.execute(select(keys.c.id).where(keys.c.owner == owner).with_for_update()).scalar_one_or_none()
    if key is None or connection.execute(select(_uses(key))).scalar_one():
        return False
    connection.execute(delete(keys).where(keys.c.id == key))
    return True


def _uses(key: bytes) -> ColumnElement[bool]:
    return exists().where(contents.c.key == key) | exists().where(attachments.c.key == key)
