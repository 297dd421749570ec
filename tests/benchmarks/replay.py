"""Recovery of a journal without a snapshot, beside the same events as an event store keeps them.

There each is a message of its own, pulled, decoded, acknowledged. Commits of about 2 events (a fact a frame) and of about 200
(a hundred), stored as the router stores them: each with the position that it expects.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import nats
from nats.js import JetStreamContext
from nats.js.api import Header

from cordboard import codec
from cordboard._core import Router
from cordboard.events.commit import INPUT_TAG
from cordboard.events.event import Event
from cordboard.log import connect, subjects
from cordboard.log.embedded import EmbeddedServer
from cordboard.log.jetstream import JetStreamLog
from cordboard.router.core import CoreThread
from cordboard.router.recovery import recover
from tests.benchmarks.report import spread
from tests.benchmarks.rows import QUICK, ROUNDS, Row
from tests.benchmarks.steps import SITE, START_MS, record
from tests.benchmarks.workload import Size

INBOX = bytes(range(16))
KINDS = {"replay_vs_pull_small": (1, 500 if QUICK else 2_500), "replay_vs_pull_large": (100, 10_000 if QUICK else 50_000)}
"""Facts a frame, and operations of four facts."""
EVENTS_MAX = 4_000 if QUICK else 20_000
"""The peer reads so many at most: its pace does not depend on how many there are."""
FETCH = 256
UNANSWERED = 1_000
EVENT: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


async def rows(directory: Path) -> list[Row]:
    return [await row(name, directory / name, *kind) for name, kind in KINDS.items()]


async def row(name: str, directory: Path, facts: int, operations: int) -> Row:
    commits = journal(facts, operations)
    events = [entry.body for commit in commits for entry in codec.decode_commit(commit).entries if entry.tag != INPUT_TAG]
    ours: list[float] = []
    peers: list[float] = []
    async with EmbeddedServer(directory) as server, connect(server.url, SITE, create=True) as log, store(server.url) as peer:
        await fill(peer, subjects.journal_subject(SITE), commits, fenced=True)
        await fill(peer, "peer.events", events[:EVENTS_MAX])
        for _ in range(ROUNDS + 1):
            ours.append(len(events) / await recovered(log, len(commits)))
            peers.append(min(len(events), EVENTS_MAX) / await pulled(peer, min(len(events), EVENTS_MAX)))
    ratios = tuple(own / other for own, other in zip(ours[1:], peers[1:], strict=True))
    said = (
        f"{len(commits):,} commits of {len(events) / len(commits):.1f} events: {spread(ours[1:])} events/s; "
        f"pulled by {FETCH}, decoded, acknowledged: {spread(peers[1:])}"
    )
    return Row(name, "replay", ratios, said)


def journal(facts: int, operations: int) -> list[bytes]:
    taken_over = Router(SITE).take_over(INBOX, START_MS)
    recording = record(Size(500, 500, operations), taken_over, facts)
    router = Router(SITE)
    commits = [router.take_over(INBOX, START_MS)]
    for frame, at_ms in [*recording.setup, *recording.measured]:
        commits += router.step([frame], at_ms)
    return commits


@contextlib.asynccontextmanager
async def store(url: str) -> AsyncIterator[JetStreamContext]:
    """A plain stream on the same server."""
    client = await nats.connect(url)
    peer = client.jetstream()
    await peer.add_stream(name="PEER", subjects=["peer.events"])
    try:
        yield peer
    finally:
        await client.close()


async def fill(stream: JetStreamContext, subject: str, messages: Sequence[bytes], *, fenced: bool = False) -> None:
    for begin in range(0, len(messages), UNANSWERED):
        answers = []
        for last, message in enumerate(messages[begin : begin + UNANSWERED], begin):
            headers = {Header.EXPECTED_LAST_SEQUENCE.value: str(last)} if fenced else None
            answers.append(await stream.publish_async(subject, message, headers=headers))
        await asyncio.gather(*answers)


async def recovered(log: JetStreamLog, commits: int) -> float:
    """Seconds of a recovery."""
    async with CoreThread() as core:
        begin = time.perf_counter()
        recovered = await recover(log, core)
        seconds = time.perf_counter() - begin
    assert recovered.router.position().seq == commits
    return seconds


async def pulled(stream: JetStreamContext, events: int) -> float:
    """Seconds that the peer takes for as many events."""
    subscription = await stream.pull_subscribe("peer.events", durable=f"pull-{secrets.token_hex(4)}")
    begin = time.perf_counter()
    count = 0
    while count < events:
        for message in await subscription.fetch(FETCH):
            EVENT.decode(message.data)
            await message.ack()
            count += 1
    seconds = time.perf_counter() - begin
    await subscription.unsubscribe()
    return seconds
