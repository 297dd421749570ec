"""Carrying out what the journal says is to be forgotten: CustomerErased stands there first, then the vault's follower deletes. And
wishes of which nothing came (`vain.py`), where nobody was left to forget them.

    erasure = Erasure(vault, log.site)
    feed.attach(erasure.apply)              # in a process that follows the journal from its beginning
    group.create_task(erasure.run())
    await erasure.reached(seq, timeout_s)   # a gate: everything up to `seq` is carried out

Or, in a process that only serves from the vault, once before it serves: `await catch_up(vault, log)`.

The vault itself remembers how far it is, and whom it has erased. So a vault restored from a backup repeats what it has not done
yet, and a crash at any point (before, between or after deletion, clean-up and checkpoint) is mended by doing it again.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import NoReturn, Protocol

from cordboard import codec
from cordboard.branch import NOWHERE, Branch, still_there
from cordboard.errors import JournalCorrupt, Overloaded, VaultUnavailable
from cordboard.events import Commit
from cordboard.events.event import CustomerErased
from cordboard.vault.vain import Vain, vain_in
from cordboard.vault.vault import Vault

TOGETHER_MAX = 100
"""References that are erased in one transaction."""
MARK_EVERY = 1_000
MARK_EVERY_S = 60.0
"""Without any erasure the checkpoint moves all the same after so many commits, or so long after something came."""
RETRY_S = 1.0
TAG = CustomerErased.__struct_config__.tag

logger = logging.getLogger(__name__)


class StoredCommit(Protocol):
    """One message of a journal."""

    @property
    def seq(self) -> int: ...
    @property
    def data(self) -> bytes: ...


class Journal(Protocol):
    """What is asked of a site's log."""

    @property
    def site(self) -> str: ...
    def follow_journal(self, from_seq: int) -> AsyncGenerator[Sequence[StoredCommit], None]: ...
    async def last_journal_seq(self) -> int: ...
    async def read_commit(self, seq: int) -> StoredCommit: ...


def erased_in(commit: Commit) -> list[bytes]:
    """The references that this commit says are to be forgotten."""
    found = []
    for entry in commit.entries:
        if entry.tag == TAG:
            event = codec.decode_event(entry)
            assert isinstance(event, CustomerErased)
            found.append(event.customer)
    return found


class Erasure:
    """A follower of one site's journal. `apply` notes what is to be done, `run` does it."""

    def __init__(self, vault: Vault, site: str) -> None:
        self._vault = vault
        self._site = site
        self._due: list[bytes] = []
        self._vain: list[tuple[int, Vain]] = []
        self._first = 0
        self._seen = NOWHERE
        self._done = 0
        self._news = asyncio.Event()
        self._moved = asyncio.Condition()

    def apply(self, seq: int, commit: Commit) -> None:
        """A fold: attach it to a feed that begins at position 1, or at most one after the vault's checkpoint."""
        self._first = self._first or seq
        self._due += erased_in(commit)
        self._vain += ((seq, vain) for vain in vain_in(commit))
        self._seen = Branch.of(commit)
        self._news.set()

    async def run(self) -> NoReturn:
        """Erase, for ever. While the vault does not answer it tries again. Raises JournalCorrupt if the feed began too late."""
        marked = await self._vault.erased_up_to(self._site)
        clock = asyncio.get_running_loop().time
        unmarked_s: float | None = None
        """Since when something has been seen that the checkpoint does not say."""
        while True:
            await self._something(None if unmarked_s is None else unmarked_s + MARK_EVERY_S)
            self._news.clear()
            if self._first > marked + 1:
                raise JournalCorrupt(
                    f"the vault has carried out erasures up to commit {marked}, and this process began at {self._first}: "
                    "it cannot know what lies between; if the journal was trimmed, restore a newer backup of the vault"
                )
            at, due, self._due, self._first = self._seen, self._due, [], 1
            vain, self._vain = [one for seq, one in self._vain if seq > marked], []
            if unmarked_s is None and at.seq > marked:
                unmarked_s = clock()
            if due or vain or at.seq >= marked + MARK_EVERY or (unmarked_s is not None and clock() >= unmarked_s + MARK_EVERY_S):
                await self._insist(due, vain, at)
                marked, unmarked_s = max(marked, at.seq), None
            async with self._moved:
                self._done = at.seq
                self._moved.notify_all()

    async def reached(self, seq: int, timeout_s: float) -> bool:
        """True as soon as every erasure up to `seq` is carried out; False if that takes longer than `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s), self._moved:
                await self._moved.wait_for(lambda: self._done >= seq)
        except TimeoutError:
            return self._done >= seq
        return True

    async def _something(self, until_s: float | None) -> None:
        """Returns when there is news, or at that time of the loop."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                await self._news.wait()

    async def _insist(self, due: Sequence[bytes], vain: Sequence[Vain], at: Branch) -> None:
        while True:
            try:
                return await _carry_out(self._vault, self._site, due, vain, at)
            except (VaultUnavailable, Overloaded) as error:
                logger.warning("erasures up to commit %d wait for the vault: %s", at.seq, error)
                await asyncio.sleep(RETRY_S)


async def catch_up(vault: Vault, log: Journal) -> int:
    """Carry out every erasure that the journal holds up to now and this vault has not; returns the position reached.

    Raises LogUnavailable, VaultUnavailable, Overloaded; JournalCorrupt if commits are missing that would have to be looked at.
    """
    last, (marked, known) = await log.last_journal_seq(), await vault.erased_up_to_commit(log.site)
    if marked > last or (known is not None and not await still_there(log, known)):
        logger.warning("the journal is not the one whose erasures were carried out up to commit %d: all of it is looked at", marked)
        await vault.erased_in_another_journal(log.site, marked)
        marked = 0
    start = marked + 1
    due: list[bytes] = []
    vain: list[Vain] = []
    position, at = start - 1, None
    if last > position:
        async with aclosing(log.follow_journal(start)) as journal:
            async for messages in journal:
                for message in messages:
                    if message.seq != position + 1:
                        raise JournalCorrupt(f"the journal has no commit {position + 1}: it may hold erasures")
                    commit = codec.decode_commit(message.data)
                    due += erased_in(commit)
                    vain += vain_in(commit)
                    position, at = message.seq, Branch.of(commit)
                if position >= last:
                    break
    if at is not None:
        await _carry_out(vault, log.site, due, vain, at)
    return position


async def _carry_out(vault: Vault, site: str, refs: Sequence[bytes], vain: Sequence[Vain], at: Branch) -> None:
    """Delete, clean up, and only then move the checkpoint."""
    marked = await vault.erased_up_to(site)
    if refs and at.seq > marked:
        due = list(dict.fromkeys(refs))
    else:
        # A replay of what this vault should have behind it; unless it stems from a journal that began anew.
        known: set[bytes] = set()
        for start in range(0, len(refs), TOGETHER_MAX):
            known |= await vault.known_as_erased(refs[start : start + TOGETHER_MAX])
        due = [ref for ref in dict.fromkeys(refs) if ref not in known]
    for start in range(0, len(due), TOGETHER_MAX):
        await vault.erase_exactly(due[start : start + TOGETHER_MAX])
    for start in range(0, len(vain), TOGETHER_MAX):
        await vault.forget_vain(vain[start : start + TOGETHER_MAX])
    if due:
        logger.info("erased %d references, as the journal says up to commit %d", len(due), at.seq)
    if at.seq > marked:
        await vault.mark_erased_up_to(site, at)
