"""The vault: who customers and agents are and what they wrote, encrypted with a key of their own, so that they can be erased.

The journal holds only references into it. It is not a read model: nothing else could rebuild it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from cordboard.branch import Branch
from cordboard.errors import ConfigurationError, InvalidInput, NotFound
from cordboard.sql import is_sqlite, open_engine, prepared, sqlite_file
from cordboard.vault import attachments, discarding, erasure_rows, intake_rows, people, republication, threads, vain
from cordboard.vault.clock import now_ms
from cordboard.vault.customers import Customers
from cordboard.vault.keyring import Keyring
from cordboard.vault.marks import Marks
from cordboard.vault.periods import Periods
from cordboard.vault.reader import PooledReader, Reader, thread_reader
from cordboard.vault.refs import content_ref
from cordboard.vault.schema import VERSION, about, contents, keys, tables
from cordboard.vault.seal import MasterKeys, agent_ref, unseal
from cordboard.vault.words import (
    EXTERNAL_ID_MAX,
    PERSON_MAX,
    READ_MAX,
    Acceptance,
    Attachment,
    AttachmentInfo,
    Content,
    Draft,
    Person,
    check_draft,
    check_ref,
    check_text,
    check_threads,
    check_word,
)
from cordboard.vault.writer import PooledWriter, Writer, group_writer, unavailable

CHUNK = 500
FILES_AT_ONCE = 4
"""Drafts with attachments that are being stored at any moment; the others wait."""
T = TypeVar("T")


class Vault:
    """Every method is safe to call at once with others. Any may raise VaultUnavailable; writes also Overloaded."""

    def __init__(self, reader: Reader, writer: Writer, master: MasterKeys) -> None:
        self._reader = reader
        self._writer = writer
        self._master = master
        self._keyring = Keyring(master)
        self.customers = Customers(reader, writer, master, self._keyring)
        self.periods = Periods(reader, writer, master, self._keyring)
        self._marks = Marks(writer)
        self._files = asyncio.Semaphore(FILES_AT_ONCE)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, kek: bytes, *, make: bool = True) -> AsyncIterator["Vault"]:
        """Open, and create if new, the vault at `url` (sqlite+aiosqlite:///FILE or postgresql+asyncpg://…). `kek`: 32 bytes.

        Raises ConfigurationError if the key is not this vault's, the vault is of another version, or there is none and not `make`.
        Leaving finishes waiting writes.
        """
        master = MasterKeys(kek)
        if not make and (file := sqlite_file(url)) is not None and not file.is_file():
            raise ConfigurationError(f"{file} is no vault: there is no such file")
        async with AsyncExitStack() as stack:
            engine = open_engine(url, "write", durable=True, name="cordboard-vault")
            stack.push_async_callback(engine.dispose)
            try:
                await _prepare(engine, master, make)
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                raise unavailable(error) from error
            reader: Reader = PooledReader(engine)
            writer: Writer = PooledWriter(engine)
            if is_sqlite(engine):
                await engine.dispose()
                reader = await stack.enter_async_context(thread_reader(url))
                writer = await stack.enter_async_context(group_writer(url))
            vault = cls(reader, writer, master)
            stack.push_async_callback(vault._marks.drain)
            yield vault

    def derive_key(self, purpose: str) -> bytes:
        """32 secret bytes for `purpose` (signing tokens …): the same for as long as the key-encryption key is."""
        return self._master.for_use(purpose)

    # Facts on their way to the log

    async def accept(self, draft: Draft) -> Acceptance:
        """Store the draft durably as pending, contents and all, in one transaction.

        A repeat of (gateway, external_id) writes nothing and returns what the first one became. Raises InvalidInput.
        """
        check_draft(draft)
        digests = intake_rows.Digests.of(self._master, draft)
        if not draft.attachments:
            return await intake_rows.accept(self._writer, self._keyring, digests, draft, ())
        async with self._files:  # what is sealed takes its room twice
            files = await asyncio.to_thread(attachments.seal_files, draft.attachments)
            return await intake_rows.accept(self._writer, self._keyring, digests, draft, files)

    async def published(self, fact_id: bytes) -> None:
        """The log has acknowledged this fact."""
        check_ref(fact_id, "fact_id")
        await self._marks.published(fact_id)

    async def pending(self, older_than_ms: int, limit: int) -> list[Acceptance]:
        """Facts that have waited for at least `older_than_ms` without the log's acknowledgement, oldest first."""
        return [acceptance for _, acceptance in await self.overdue(older_than_ms, limit)]

    async def overdue(
        self, older_than_ms: int, limit: int, gateway: str | None = None, skip: int = 0
    ) -> list[tuple[int, Acceptance]]:
        """The same with their age in ms (below 0: a clock was set back, it is not known); `gateway` asks for one gateway's only,
        `skip` leaves out so many of the oldest."""
        at_ms = now_ms()
        rows = await self._reader.read(
            lambda connection: intake_rows.pending(connection, at_ms - older_than_ms, at_ms + older_than_ms, limit, gateway, skip)
        )
        return [(at_ms - created_ms, acceptance) for created_ms, acceptance in rows]

    async def publish_again(self, since_ms: int, *, dry_run: bool = False) -> dict[str, int]:
        """Have the sweeps publish once more what came from outside since `since_ms` (Unix ms); how many facts, by gateway."""
        counts: Counter[str] = Counter()
        cursor: republication.Cursor | None = None
        while True:
            work = partial(republication.mark_pending, since_ms=since_ms, after=cursor, dry_run=dry_run)
            some, cursor = await self._writer.write(work)
            counts.update(some)
            if cursor is None:
                return dict(counts)

    async def find(self, gateway: str, external_id: str) -> Acceptance | None:
        """What was accepted under this external id, if anything."""
        check_word(gateway, "gateway")
        check_text(external_id, "external_id", EXTERNAL_ID_MAX)
        digest = intake_rows.external_hash(self._master, gateway, external_id)
        return await self._reader.read(lambda connection: intake_rows.first_of(connection, gateway, digest))

    # Contents

    async def read(self, refs: Sequence[bytes]) -> dict[bytes, Content]:
        """The contents behind `refs`; erased and unknown ones are absent."""
        found: dict[bytes, Content] = {}
        for chunk in _chunks(refs):
            found |= await self._reader.read(partial(self._open, refs=chunk))
        return found

    def _open(self, connection: Connection, refs: list[bytes]) -> dict[bytes, Content]:
        # The key's row is read each time, so that an erasure by any process holds at once.
        query = (
            select(
                contents.c.ref, contents.c.kind, contents.c.sealed, keys.c.owner, keys.c.kind.label("owner_kind"), keys.c.wrapped
            )
            .join(keys, keys.c.id == contents.c.key)
            .where(contents.c.ref.in_(refs))
        )
        found = {}
        for row in connection.execute(query):
            key = self._master.unwrap(row.owner_kind, row.owner, row.wrapped)
            found[row.ref] = Content(row.ref, row.kind, unseal(key, row.kind, row.ref, row.sealed).decode())
        return found

    async def discard(self, contact: bytes, kinds: Sequence[str], messages: Sequence[bytes] = ()) -> None:
        """Forget what was kept under these kinds, and these messages, for a contact that never came to be, and its customer, if
        nothing else is known of them. What is gone already is no error."""
        check_ref(contact, "contact")
        refs = [*(content_ref(contact, kind) for kind in kinds), *messages]
        for owner in await self._writer.write(lambda connection: discarding.discard(connection, contact, refs)):
            self._keyring.forget(owner)

    async def forget_vain(self, wishes: Sequence[vain.Vain]) -> None:
        """The same for contacts of which the journal says that nothing came."""
        for owner in await self._writer.write(lambda connection: [key for one in wishes for key in vain.forget(connection, one)]):
            self._keyring.forget(owner)

    async def withdraw(self, contact: bytes, message: bytes) -> None:
        """Forget a message that the journal did not take; its contact is what it was."""
        check_ref(contact, "contact")
        check_ref(message, "message")
        await self._writer.write(lambda connection: discarding.withdraw(connection, contact, message))

    # Threads and attachments

    async def case_of(self, keys: Sequence[str]) -> bytes | None:
        """The case that the first known key means, in the order given; None if none is known. Raises InvalidInput."""
        return next((thread.case for thread in await self.threads_of(keys)), None)

    async def threads_of(self, keys: Sequence[str]) -> list[threads.Thread]:
        """What every known key means, in the order given. Raises InvalidInput."""
        check_threads(keys)
        hashes = [threads.thread_hash(self._master, key) for key in keys]
        return await self._reader.read(lambda connection: threads.known(connection, hashes)) if hashes else []

    async def remember_threads(self, keys: Sequence[str], case: bytes) -> None:
        """From now on these keys mean `case`, unless they mean one already. Raises InvalidInput."""
        check_threads(keys)
        check_ref(case, "case")
        hashes = [threads.thread_hash(self._master, key) for key in keys]
        await self._writer.write(lambda connection: threads.remember(connection, hashes, case, case))

    async def attachments(self, messages: Sequence[bytes]) -> dict[bytes, list[AttachmentInfo]]:
        """What came with these messages, in its order; messages without attachments, and erased ones, are absent."""
        found: dict[bytes, list[AttachmentInfo]] = {}
        for chunk in _chunks(messages):
            found |= await self._reader.read(partial(attachments.of_messages, master=self._master, messages=chunk))
        return found

    async def attachment(self, ref: bytes) -> Attachment | None:
        """One attachment with its bytes; None if it is unknown or erased."""
        check_ref(ref, "attachment")
        return await self._reader.read(partial(attachments.one, master=self._master, ref=ref))

    # Customers: the rest of it is in `customers`

    async def customer(self, kind: str, address: str, source: str = "") -> bytes:
        """The 16-byte reference of whoever is at `address` (of `kind`: email, phone, account …), made at the first sight, and then
        with `source` as its provenance. Of merged customers it is the root's. Raises InvalidInput."""
        return await self.customers.at(kind, address, source)

    async def segment(self, customer: bytes) -> str | None:
        """The segment (a policy word) that the customer belongs to, if any."""
        return await self.customers.segment(customer)

    async def set_segment(self, customer: bytes, segment: str | None) -> None:
        """Raises NotFound for an unknown or erased customer."""
        await self.customers.set_segment(customer, segment)

    async def address(self, customer: bytes, kind: str | None = None) -> tuple[str, str] | None:
        """(kind, address) by which the customer was first known, or first known of that `kind`; None if there is none left."""
        try:
            known = (await self.customers.card(customer)).identities
        except NotFound:
            return None
        return next(((one.kind, one.address) for one in known if kind in (None, one.kind)), None)

    async def erase_customer(self, ref: bytes) -> bool:
        """Delete everything of the customer and of all that is one with it. False if there was nothing (any more).

        Without a word in the journal, so a restored backup brings it back: `Erasure` is what deletes in a running site.
        """
        check_ref(ref, "customer")
        return await self._erase(partial(erasure_rows.family_of, ref=ref))

    async def erase_contact(self, contact: bytes) -> bool:
        """The same for a contact of an unknown customer, whose contents have a key of their own."""
        check_ref(contact, "contact")
        return await self._erase(lambda _connection: [contact])

    async def erase_exactly(self, refs: Sequence[bytes]) -> bool:
        """Delete what belongs to these references, and to no other that is merged with them: so the journal can be carried out
        on a vault that was restored from before, or after, a merge."""
        for ref in refs:
            check_ref(ref, "customer")
        return await self._erase(lambda _connection: list(refs))

    async def _erase(self, whom: Callable[[Connection], list[bytes]]) -> bool:
        owners = await self._writer.write(lambda connection: erasure_rows.all_of(connection, whom(connection)))
        for owner in owners:
            self._keyring.forget(owner)
        # Even if nothing was there: a crash may have come between an earlier deletion and this.
        await self._writer.scrub()
        return bool(owners)

    async def known_as_erased(self, refs: Sequence[bytes]) -> set[bytes]:
        """Those of `refs` that have been erased from this very database: a restored one does not know."""
        found: set[bytes] = set()
        for chunk in _chunks(refs):
            found |= await self._reader.read(partial(erasure_rows.known_as_erased, refs=chunk))
        return found

    async def erased_up_to(self, site: str) -> int:
        """The last position of the site's journal whose erasures this vault has carried out; 0 if there is none."""
        return (await self.erased_up_to_commit(site))[0]

    async def erased_up_to_commit(self, site: str) -> tuple[int, Branch | None]:
        """The same, and what the vault knows of that commit; None: a vault of an earlier release, or no commit."""
        return await self._reader.read(partial(erasure_rows.position, site=site))

    async def mark_erased_up_to(self, site: str, at: Branch) -> None:
        """To be called once they are, up to this commit. Never goes back."""
        await self._writer.write(partial(erasure_rows.advance, site=site, at=at))

    async def erased_in_another_journal(self, site: str, seq: int) -> None:
        """What was marked up to `seq` was a journal's that is no more: everything is to be looked at again."""
        await self._writer.write(partial(erasure_rows.begin_anew, site=site, seq=seq))

    # Agents

    async def agent_ref(self, person: str, name: str | None = None, *, fresh: bool = False) -> bytes:
        """The reference under which the journal knows `person`; made, or given the new `name`, if need be. `fresh`: of the newest
        period, whatever the person was called before."""
        check_text(person, "person", PERSON_MAX)
        if name is not None:
            check_text(name, "name", PERSON_MAX)
        (ordinal, newest), *older = await self._refs(person)
        known = await self.agents([newest, *(ref for _, ref in older)])
        if not fresh:
            ordinal, newest = next(((at, ref) for at, ref in [(ordinal, newest), *older] if ref in known), (ordinal, newest))
        then = known.get(newest)
        if then is None or (name is not None and name != then.name):
            now = Person(person, name or next((who.name for who in known.values()), person))
            await self._writer.write(lambda connection: people.remember(connection, self._keyring, ordinal, newest, now))
        return newest

    async def find_agent(self, person: str) -> bytes | None:
        """The person's newest reference, if they were ever named."""
        return next(iter(await self.agent_refs(person)), None)

    async def agent_refs(self, person: str) -> list[bytes]:
        """All that the person was called in periods whose keys there are, the newest first."""
        check_text(person, "person", PERSON_MAX)
        refs = [ref for _, ref in await self._refs(person)]
        known = await self.agents(refs)
        return [ref for ref in refs if ref in known]

    async def current_agents(self, refs: Sequence[bytes]) -> dict[bytes, bytes]:
        """What those who stand behind `refs`, of whatever period, are called now; unknown and anonymous ones are absent."""
        return {
            ref: now for ref, who in (await self.agents(refs)).items() if (now := await self.find_agent(who.person)) is not None
        }

    async def agents(self, refs: Sequence[bytes]) -> dict[bytes, Person]:
        """Who these agents are; unknown ones, and those of periods whose key is gone, are absent."""
        found: dict[bytes, Person] = {}
        for chunk in _chunks(refs):
            found |= await self._reader.read(partial(people.resolve, master=self._master, refs=chunk))
        return found

    async def _refs(self, person: str) -> list[tuple[int, bytes]]:
        """(period, what the person is called in it), the newest first."""
        known = await self._reader.read(partial(people.known_periods, keyring=self._keyring))
        for _, owner, key in known:
            self._keyring.remember(owner, key)
        return [(ordinal, agent_ref(key.key, person)) for ordinal, _, key in known]


async def _prepare(engine: AsyncEngine, master: MasterKeys, make: bool) -> None:
    def look(connection: Connection) -> None:
        known: dict[str, bytes] = {row.name: row.value for row in connection.execute(select(about.c.name, about.c.value))}
        if not known and not make:  # and the tables go with the transaction
            raise ConfigurationError("this database holds no vault")
        if not known:
            rows = [{"name": "version", "value": str(VERSION).encode()}, {"name": "proof", "value": master.proof()}]
            connection.execute(about.insert(), rows)
        elif known.get("version") != str(VERSION).encode():
            raise ConfigurationError(
                f"the vault is of version {known.get('version', b'?').decode()}, this release reads version {VERSION} only: "
                "run the release that made it, or begin with an empty vault"
            )
        elif not master.proves(known.get("proof", b"")):
            raise ConfigurationError("the key-encryption key is not the one this vault was made with")
        people.begin_first_period(connection, Keyring(master))

    async with prepared(engine, tables) as connection:
        await connection.run_sync(look)


def _chunks(refs: Sequence[bytes]) -> Iterable[list[bytes]]:
    if len(refs) > READ_MAX:
        raise InvalidInput(f"{len(refs)} references at once; at most {READ_MAX}")
    unique = list(dict.fromkeys(refs))
    return (unique[start : start + CHUNK] for start in range(0, len(unique), CHUNK))
