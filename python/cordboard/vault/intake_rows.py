"""The intake's rows: one for every draft that was ever accepted, found again by (gateway, external id)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, Row, Select, bindparam, false, select, update
from sqlalchemy.exc import IntegrityError

from cordboard.errors import InvalidInput
from cordboard.sql import insert_into
from cordboard.vault import threads
from cordboard.vault.attachments import SealedFile
from cordboard.vault.attachments import store as store_files
from cordboard.vault.clock import now_ms
from cordboard.vault.keyring import DataKey, Keyring
from cordboard.vault.schema import contacts, contents, intake
from cordboard.vault.seal import MasterKeys, seal
from cordboard.vault.words import Acceptance, Draft
from cordboard.vault.writer import Writer


@dataclass(frozen=True, slots=True)
class Digests:
    """The keyed hashes of a draft's names in the outside world."""

    external: bytes
    threads: tuple[bytes, ...]

    @classmethod
    def of(cls, master: MasterKeys, draft: Draft) -> Self:
        return cls(
            external_hash(master, draft.gateway, draft.external_id),
            tuple(threads.thread_hash(master, key) for key in draft.threads),
        )


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose key the contents are sealed with."""

    owner: bytes
    key: DataKey


def external_hash(master: MasterKeys, gateway: str, external_id: str) -> bytes:
    return master.hash("external", f"{gateway}\0{external_id}")


async def accept(writer: Writer, keyring: Keyring, digests: Digests, draft: Draft, files: Sequence[SealedFile]) -> Acceptance:
    """Store the draft as pending, contents and all, or find the first one of its kind.

    Raises InvalidInput if a fact, content or attachment id is used by another draft, or the customer is unknown or erased.
    """

    def work(connection: Connection) -> tuple[Acceptance, Owned | None]:
        row = {
            "gateway": draft.gateway,
            "external_hash": digests.external,
            "contact": draft.contact,
            "fact_id": draft.fact_id,
            "fact": draft.fact,
            "published": False,
            "created_ms": now_ms(),
        }
        statement = insert_into(intake, connection).on_conflict_do_nothing(index_elements=["gateway", "external_hash"])
        if not connection.execute(statement, row).rowcount:
            first = first_of(connection, draft.gateway, digests.external)
            assert first is not None, "the row that was in the way is there"
            return first, None
        owned = _store(connection, keyring, draft, files)
        threads.remember(connection, digests.threads, draft.case or draft.contact, draft.contact)
        return Acceptance(draft.contact, draft.fact_id, draft.fact, published=False, fresh=True), owned

    try:
        acceptance, owned = await writer.write(work)
    except IntegrityError:
        # Perhaps another process erased a key that we still remembered: look again, once.
        keyring.forget_all()
        try:
            acceptance, owned = await writer.write(work)
        except IntegrityError as error:
            raise InvalidInput("an id or reference of this draft is used already", reason="id_in_use") from error
    if owned is not None:
        keyring.remember(owned.owner, owned.key)
    return acceptance


def _store(connection: Connection, keyring: Keyring, draft: Draft, files: Sequence[SealedFile]) -> Owned | None:
    """Contents and attachments, under the key of whoever the contact belongs to."""
    customer = _customer(connection, keyring, draft)
    if customer is not None:
        link = insert_into(contacts, connection).values(contact=draft.contact, customer=customer)
        connection.execute(link.on_conflict_do_nothing(index_elements=["contact"]))
    if not draft.contents and not files:
        return None
    owned = _owned(connection, keyring, draft.contact, customer)
    if draft.contents:
        connection.execute(contents.insert(), _sealed(owned.key, draft))
    store_files(connection, owned.key, draft.contact, files)
    return owned


def first_of(connection: Connection, gateway: str, digest: bytes) -> Acceptance | None:
    query = _acceptances().where(intake.c.gateway == gateway, intake.c.external_hash == digest)
    row = connection.execute(query).one_or_none()
    return None if row is None else _acceptance(row)


def pending(
    connection: Connection, before_ms: int, after_ms: int, limit: int, gateway: str | None, skip: int = 0
) -> list[tuple[int, Acceptance]]:
    """(created_ms, acceptance) of unpublished rows made at or before `before_ms`, oldest first; of one gateway, or of all.

    And of those made after `after_ms`, which lies ahead: a clock was set back since, and they would wait for it."""
    query = (
        _acceptances()
        .where(intake.c.published == false(), (intake.c.created_ms <= before_ms) | (intake.c.created_ms > after_ms))
        .order_by(intake.c.created_ms, intake.c.fact_id)
        .limit(limit)
        .offset(skip)
    )
    if gateway is not None:
        query = query.where(intake.c.gateway == gateway)
    return [(row.created_ms, _acceptance(row)) for row in connection.execute(query)]


def mark_published(connection: Connection, fact_ids: Sequence[bytes]) -> None:
    statement = update(intake).where(intake.c.fact_id == bindparam("of")).values(published=True)
    connection.execute(statement, [{"of": fact_id} for fact_id in fact_ids])


def _customer(connection: Connection, keyring: Keyring, draft: Draft) -> bytes | None:
    """A caller may not know whose contact it is: a message on one that ended long ago, an answer that bounced. The vault does."""
    if draft.customer is not None or keyring.remembers(draft.contact):
        return draft.customer
    matters = [matter for matter in (draft.contact, draft.case, draft.about) if matter is not None]
    rows = connection.execute(select(contacts.c.contact, contacts.c.customer).where(contacts.c.contact.in_(matters)))
    known: dict[bytes, bytes] = {row.contact: row.customer for row in rows}
    return next((known[matter] for matter in matters if matter in known), None)


def _owned(connection: Connection, keyring: Keyring, contact: bytes, customer: bytes | None) -> Owned:
    if customer is None:
        return Owned(contact, keyring.find_or_make(connection, "contact", contact))
    key = keyring.find(connection, "customer", customer)
    if key is None:
        raise InvalidInput("the customer is unknown or has been erased", reason="unknown_customer")
    return Owned(customer, key)


def _sealed(key: DataKey, draft: Draft) -> list[dict[str, Any]]:
    at_ms = now_ms()
    return [
        {
            "ref": content.ref,
            "key": key.id,
            "contact": draft.contact,
            "kind": content.kind,
            "created_ms": at_ms,
            "sealed": seal(key.key, content.kind, content.ref, content.text.encode()),
        }
        for content in draft.contents
    ]


def _acceptances() -> Select[Any]:
    return select(intake.c.contact, intake.c.fact_id, intake.c.fact, intake.c.published, intake.c.created_ms)


def _acceptance(row: Row[Any]) -> Acceptance:
    return Acceptance(row.contact, row.fact_id, row.fact, published=row.published, fresh=False)
