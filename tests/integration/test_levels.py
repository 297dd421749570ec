"""A rolling update over a level: routers of two builds beside each other on one journal."""

from __future__ import annotations

import asyncio
import secrets

import msgspec
import pytest

from cordboard import codec
from cordboard._core import FIRST_DECIDED, LEVEL, Router, commit_hash
from cordboard.errors import LevelUnsupported
from cordboard.events import event as words
from cordboard.events.commit import INPUT_TAG
from cordboard.events.fact import LevelRequested
from cordboard.log.memory import MemoryLog
from cordboard.router.verify import verify
from tests.golden.journals import goldens
from tests.integration.test_standby import SITE, Served
from tests.logs import SILENCE_S
from tests.postgres import eventually

OLD = FIRST_DECIDED


async def commits(log: MemoryLog) -> list[bytes]:
    return [(await log.read_commit(seq)).data for seq in range(1, await log.last_journal_seq() + 1)]


async def append(log: MemoryLog, *journal: bytes) -> None:
    async with log.appender() as appender:
        for seq, commit in enumerate(journal, await log.last_journal_seq() + 1):
            await appender.append(seq, commit)


def told(commit: bytes) -> set[type]:
    """The words of its events."""
    return {type(codec.decode_event(entry)) for entry in codec.decode_commit(commit).entries if entry.tag != INPUT_TAG}


async def test_newer_builds_lead_at_the_old_level_until_the_next_is_adopted() -> None:
    """All routers are of this build, the journal is one that a build of the level before has written."""
    log = MemoryLog(SITE)
    await append(log, *[golden for golden in goldens() if golden.level == OLD][-1].read()["first_contact"])
    epoch = codec.decode_commit((await commits(log))[-1]).epoch
    async with log.publisher("test") as publisher:

        async def adopted() -> bool:
            return any(words.LevelAdopted in told(commit) for commit in await commits(log))

        first = Served(log, b"a", at_once=True)
        await first.is_("leading", epoch + 1)
        second = Served(log, b"b")
        await second.is_("standby", epoch + 1)
        await first.halt()
        await second.is_("leading", epoch + 2)
        third = Served(log, b"c")
        await third.is_("standby", epoch + 2)
        levels = {codec.decode_commit(commit).level for commit in await commits(log)}
        assert levels == {OLD}, "nobody adopts by leading"
        await publisher.publish(codec.encode(LevelRequested(secrets.token_bytes(16), LEVEL)))
        await eventually(adopted, "the newer level")
        await second.halt()
        await third.is_("leading", epoch + 3)
        await third.halt()
    newest = [codec.decode_commit(commit) for commit in await commits(log)]
    assert newest[-1].level == LEVEL and {commit.level for commit in newest} == {OLD, LEVEL}
    report = await verify(log)
    assert report.clean and report.folded_only == 0


async def test_an_older_build_never_leads_a_journal_that_has_adopted_a_newer_level() -> None:
    """Seen from the older one, which this build is here: a newer one takes over, and adopts what only it knows."""
    log = MemoryLog(SITE)
    first = Served(log, b"a", at_once=True)
    await first.is_("leading", 1)
    second = Served(log, b"b")
    await second.is_("standby", 1)
    newer = Router(SITE)
    for commit in await commits(log):
        newer.apply(commit)
    at_ms = newer.position().at_ms
    took_over = newer.take_over(log.inbox_id, at_ms, b"n" * 16)
    header = codec.decode_commit(took_over)
    adopted = codec.encode(words.LevelAdopted(at_ms, LEVEL + 1))
    entry = msgspec.structs.replace(header.entries[0], tag=words.LevelAdopted.__struct_config__.tag, body=adopted)
    adopting = msgspec.structs.replace(header, seq=header.seq + 1, prev_hash=commit_hash(took_over), entries=[entry])
    await append(log, took_over, codec.encode(adopting))
    end = await log.last_journal_seq()
    async with log.publisher("test") as publisher:
        # The old leader has something to decide, and finds that the journal went on without it.
        await publisher.publish(codec.encode(LevelRequested(secrets.token_bytes(16), LEVEL)))
        late = Served(log, b"c")
        for router in (first, second, late):
            with pytest.raises(LevelUnsupported, match=f"level {LEVEL + 1}"):
                await asyncio.wait_for(router.task, SILENCE_S)
    assert await log.last_journal_seq() == end, "nobody wrote behind it"
