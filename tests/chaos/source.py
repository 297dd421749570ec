"""A publisher in a process of its own, for chaos to kill: contacts from a seed, by the log's own publisher.

`python -m tests.chaos.source source|desk …`: a source lets contacts arrive, repeats itself now and then, as networks do, and lets
some customers leave; the desk follows the journal and accepts, connects and ends every contact. Both write a ledger, and after a
kill begin with what they said and have no acknowledgement for.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import random
from pathlib import Path

import uvloop

from cordboard import codec
from cordboard.errors import LogUnavailable, Overloaded
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.commit import INPUT_TAG, Entry
from cordboard.log import SiteLog, connect
from cordboard.log.port import Publisher
from tests.chaos.ledger import Ledger
from tests.chaos.site import QUEUES, SITE, an_id, opening

OPEN_MAX = 2_000
"""Facts on their way at once; a source waits for room, as a gateway that sheds would."""
REPEATED = 0.01
ABANDONED = 0.05


class Voice:
    """Says facts until each is acknowledged, and writes down both."""

    def __init__(self, ledger: Ledger, publisher: Publisher, group: asyncio.TaskGroup) -> None:
        self._ledger, self._publisher, self._group = ledger, publisher, group
        self._room = asyncio.Semaphore(OPEN_MAX)

    def resume(self) -> None:
        for fact_id, fact in self._ledger.account.open().items():
            self._group.create_task(self._until_acked(fact_id, fact))

    async def say(self, fact: facts.Fact, repeats: int = 1) -> None:
        """Returns when it is on its way. A fact that was said before is not said again."""
        if fact.fact_id in self._ledger.account.said:
            return
        await self._room.acquire()
        data = codec.check_fact(fact)
        self._ledger.say(fact.fact_id, data)
        task = self._group.create_task(self._until_acked(fact.fact_id, data, repeats))
        task.add_done_callback(lambda _: self._room.release())

    async def _until_acked(self, fact_id: bytes, data: bytes, repeats: int = 1) -> None:
        while repeats:
            try:
                position = await self._publisher.publish(data)
            except LogUnavailable:
                continue
            except Overloaded:
                await asyncio.sleep(0.1)
                continue
            self._ledger.acked(fact_id, position)
            repeats -= 1


async def arrivals(voice: Voice, chance: random.Random, rate: float) -> None:
    """`rate` contacts a second, for ever."""
    while True:
        contact = chance.randbytes(16)
        channel = chance.choice(["chat", "task"])
        repeats = 2 if chance.random() < REPEATED else 1
        arrived = facts.ContactArrived(
            an_id("arrived", contact), contact, channel, chance.choice(QUEUES), priority=chance.randrange(3)
        )
        await voice.say(arrived, repeats)
        if channel == "chat" and chance.random() < ABANDONED:
            await voice.say(facts.ContactAbandoned(an_id("abandoned", contact), contact))
        await asyncio.sleep(chance.expovariate(rate))


async def desk(voice: Voice, log: SiteLog) -> None:
    """Serve everybody, for ever."""
    for fact in opening():
        await voice.say(fact)
    async with contextlib.aclosing(log.follow_journal(1)) as batches:
        async for batch in batches:
            for stored in batch:
                commit = codec.decode_commit(stored.data)
                for index, entry in enumerate(commit.entries):
                    if entry.tag != INPUT_TAG and (answer := _answer(stored.seq, index, entry)) is not None:
                        await voice.say(answer)


def _answer(seq: int, index: int, entry: Entry) -> facts.Fact | None:
    contact, agent = entry.contact or b"", entry.agent or b""
    match codec.decode_event(entry):
        case words.OfferMade(attempt=attempt):
            return facts.OfferAnswered(an_id("answered", contact, attempt), contact, attempt, agent, True)
        case words.OfferAccepted(attempt=attempt):
            return facts.ContactConnected(an_id("connected", contact, attempt), contact, attempt, agent)
        case words.EngagementStarted(attempt=attempt):
            return facts.EngagementEndRequested(an_id("ended", contact, attempt), contact, agent)
        case words.PresenceChanged(effective=effective) if effective != "ready":
            # Whoever missed offers while the log was away is taken out; back to work.
            return facts.PresenceRequested(an_id("ready again", seq, index), agent, "ready")
    return None


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["source", "desk"])
    parser.add_argument("--name", required=True)
    parser.add_argument("--nats-url", required=True)
    parser.add_argument("--monitor-url", required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rate", type=float, default=10.0)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ledger = Ledger(options.ledger)
    # A new life draws other contacts than the lives before.
    chance = random.Random(f"{options.seed} {options.name} {len(ledger.account.said)}")
    async with (
        connect(options.nats_url, SITE, monitor_url=options.monitor_url, name=options.name) as log,
        log.publisher(options.name) as publisher,
        asyncio.TaskGroup() as group,
    ):
        voice = Voice(ledger, publisher, group)
        voice.resume()
        if options.kind == "desk":
            await desk(voice, log)
        else:
            await arrivals(voice, chance, options.rate)


if __name__ == "__main__":
    uvloop.run(main())
