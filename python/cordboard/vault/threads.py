"""Thread keys: what other systems call a message (a Message-ID), and the case it belongs to. Only keyed hashes are kept."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from cordboard.sql import insert_into
from cordboard.vault.clock import now_ms
from cordboard.vault.schema import threads
from cordboard.vault.seal import MasterKeys


def thread_hash(master: MasterKeys, key: str) -> bytes:
    return master.hash("thread", key)


def remember(connection: Connection, hashes: Sequence[bytes], case: bytes, contact: bytes) -> None:
    """The first meaning of a key stays. `contact`: the one with whose customer they are erased."""
    at_ms = now_ms()
    rows = [{"hash": digest, "case_ref": case, "contact": contact, "created_ms": at_ms} for digest in dict.fromkeys(hashes)]
    if rows:
        connection.execute(insert_into(threads, connection).on_conflict_do_nothing(index_elements=["hash"]), rows)


def case_of(connection: Connection, hashes: Sequence[bytes]) -> bytes | None:
    """The case of the first of `hashes` that is known."""
    query = select(threads.c.hash, threads.c.case_ref).where(threads.c.hash.in_(hashes))
    known: dict[bytes, bytes] = {row.hash: row.case_ref for row in connection.execute(query)}
    return next((known[digest] for digest in hashes if digest in known), None)
