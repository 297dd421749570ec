"""Thread keys: what other systems call a message (a Message-ID), and the case it belongs to. Only keyed hashes are kept."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from cordboard.sql import insert_into
from cordboard.vault.clock import now_ms
from cordboard.vault.schema import contacts, customers, threads
from cordboard.vault.seal import MasterKeys


@dataclass(frozen=True, slots=True)
class Thread:
    """What a key means: a case, since when (Unix ms), and whose case it is (the root; None: nobody's, or not known any more)."""

    case: bytes
    since_ms: int
    customer: bytes | None


def thread_hash(master: MasterKeys, key: str) -> bytes:
    return master.hash("thread", key)


def remember(connection: Connection, hashes: Sequence[bytes], case: bytes, contact: bytes) -> None:
    """The first meaning of a key stays. `contact`: the one with whose customer they are erased."""
    at_ms = now_ms()
    rows = [{"hash": digest, "case_ref": case, "contact": contact, "created_ms": at_ms} for digest in dict.fromkeys(hashes)]
    if rows:
        connection.execute(insert_into(threads, connection).on_conflict_do_nothing(index_elements=["hash"]), rows)


def known(connection: Connection, hashes: Sequence[bytes]) -> list[Thread]:
    """What those of `hashes` mean that are known, in the order given."""
    query = (
        select(threads.c.hash, threads.c.case_ref, threads.c.created_ms, customers.c.root)
        .outerjoin(contacts, contacts.c.contact == threads.c.case_ref)
        .outerjoin(customers, customers.c.ref == contacts.c.customer)
        .where(threads.c.hash.in_(hashes))
    )
    found = {row.hash: Thread(row.case_ref, row.created_ms, row.root) for row in connection.execute(query)}
    return [found[digest] for digest in hashes if digest in found]
