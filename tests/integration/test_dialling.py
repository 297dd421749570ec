"""The dialler on a real site: who was promised a call is rung, once an attempt, and the journal knows the end."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from cordboard import codec
from cordboard.client import AgentDeclaration, Client, Customer
from cordboard.dialler import Answered, Call, Customers, Limits, NotReached, SimulatedVoice, run_dialler
from cordboard.dialler.dialler import DEFAULT_LIMITS
from cordboard.dialler.dials import KIND
from cordboard.effects import Effects
from cordboard.events import Commit
from cordboard.events.contact_events import ContactEnded
from cordboard.events.offer_events import EngagementStarted, OfferAccepted
from cordboard.events.policy import CallbackPolicy, ChannelProfile, Policy, QueuePolicy
from cordboard.events.promises import AttemptRecorded, CallbackRequested, PromiseEnded
from cordboard.log.feed import Feed
from cordboard.v1.types_pb2 import AgentChannel, Membership
from tests.api_site import PATIENCE_S, POLICY, SITE, ApiSite, api_site, cancelled

MINUTE = 60_000
VOICE = ChannelProfile(name="voice", presence="live", klass=1, answered_on="connected", offer_ttl_ms=60_000, wrap_up_ms=0)
JAN = Customer(kind="phone", address="+32 470 12 34 56", name="Jan")
ANSWERS, BUSY, SLOW, AWAY = "+3225550100", "+3225550101", "+3225550102", "+3225550103"
BEHAVIOUR = "simulated:?ring_ms=20&3225550101=busy&3225550102=no_answer&3225550103=away,answered"


def policy(dial_ms: int = MINUTE, retry_ms: int = MINUTE, attempts: int = 1) -> Policy:
    """What is promised for the next minute is called at once, as soon as an agent is reserved."""
    promising = CallbackPolicy(
        slot_ms=MINUTE,
        capacity=20,
        early_ms=10 * MINUTE,
        attempts=attempts,
        retry_ms=retry_ms,
        ring_min_ms=0,
        dial_ms=dial_ms,
        mode="customer_first",
    )
    return replace(
        POLICY,
        channels=[*POLICY.channels, VOICE],
        queues=[QueuePolicy(name="orders", callbacks=promising), *POLICY.queues[1:]],
        connect_retry_ms=100,
    )


class Telephone(SimulatedVoice):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(Customers.from_url(BEHAVIOUR))
        self.dialled: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.rings = asyncio.Condition()

    async def dial(self, call: Call) -> Answered | NotReached:
        self.dialled[call.number] += 1
        self.calls[call.call_id] += 1
        async with self.rings:
            self.rings.notify_all()
        return await super().dial(call)


@dataclass
class Journal:
    """What the journal says of calls, as it comes."""

    effects: Effects = field(default_factory=Effects)
    ended: dict[str, str] = field(default_factory=dict)
    attempts: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)
    agents: dict[str, bytes] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    feed: Feed | None = None

    def apply(self, seq: int, commit: Commit) -> None:
        self.effects.apply(seq, commit)
        for entry in commit.entries:
            contact = (entry.contact or b"").hex()
            match codec.decode_event(entry) if entry.tag in (11, 14, 19, 75, 76) else None:
                case PromiseEnded(outcome=outcome):
                    self.ended[contact] = outcome
                case AttemptRecorded(outcome=outcome, counted=counted):
                    self.attempts.setdefault(contact, []).append((outcome, counted))
                case OfferAccepted() | EngagementStarted() if entry.agent is not None:
                    self.agents[contact] = entry.agent
                case ContactEnded():
                    self.gone.add(contact)

    async def until(self, holds) -> None:  # type: ignore[no-untyped-def]
        assert self.feed is not None
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await self.feed.reached(self.feed.position + 1, 0.2)

    @property
    def open(self) -> int:
        return sum(effect.kind == KIND for effect in self.effects.open())


@contextlib.asynccontextmanager
async def dialling(
    site: ApiSite, voice: Telephone, journal: Journal | None = None, limits: Limits = DEFAULT_LIMITS
) -> AsyncIterator[None]:
    """A dialler, until the block ends."""
    feed, ready = Feed(site.log), asyncio.Event()
    if journal is not None:
        feed.attach(journal.apply)
        journal.feed = feed
    run = run_dialler(site.log, site.vault, feed, site.nats_url, SITE, voice, limits=limits, sweep_s=0.2, ready=ready.set)
    roles = [asyncio.create_task(run), asyncio.create_task(feed.run())]
    try:
        async with asyncio.timeout(PATIENCE_S):
            await ready.wait()
        yield
    finally:
        await cancelled(*roles)


async def staffed(client: Client, *persons: str) -> None:
    declared = [
        AgentDeclaration(
            person=person, name=person.title(), memberships=[Membership(queue="orders")], channels=[AgentChannel(channel="voice")]
        )
        for person in persons
    ]
    await client.declare_agents(declared)
    for person in persons:
        await client.set_presence(person, "ready")


async def booked(client: Client, number: str) -> str:
    return (await client.book_callback(queue="orders", number=number)).promise.contact_id


async def test_who_was_promised_a_call_is_rung_once_and_the_journal_knows_the_end(tmp_path: Path) -> None:
    voice, other, journal = Telephone(), Telephone(), Journal()
    async with (
        api_site(tmp_path, policy(retry_ms=100, attempts=2)) as site,
        Client(site.target) as client,
        dialling(site, voice, journal),
        dialling(site, other),  # who comes first rings
    ):
        await staffed(client, "anna")
        kept = await booked(client, ANSWERS)
        await journal.until(lambda: kept in journal.ended)
        assert journal.ended[kept] == "kept"
        assert len(voice.talking | other.talking) == 1
        await client.end_engagement("anna", kept)
        await journal.until(lambda: kept in journal.gone)

        busy = await booked(client, BUSY)
        await journal.until(lambda: busy in journal.ended)
        assert (journal.ended[busy], journal.attempts[busy]) == ("honoured_not_reached", [("busy", True)] * 2)

        # The platform's failure does not count, and is dialled anew: by the other dialler perhaps, for which it fails once, too.
        again = await booked(client, AWAY)
        await journal.until(lambda: again in journal.ended)
        assert (journal.ended[again], set(journal.attempts[again])) == ("kept", {("unknown", False)})
        await client.end_engagement("anna", again)

        await _without_a_number(site, client, journal)
        await journal.until(lambda: not journal.open)
        assert (voice.calls + other.calls).keys() and set((voice.calls + other.calls).values()) == {1}
        assert voice.dialled[ANSWERS] + other.dialled[ANSWERS] == 1
        async with asyncio.timeout(PATIENCE_S):
            while voice.talking | other.talking:  # noqa: ASYNC110 - a telephone tells nobody
                await asyncio.sleep(0.02)


async def _without_a_number(site: ApiSite, client: Client, journal: Journal) -> None:
    """Whose number is nowhere is not rung, and somebody is told."""
    contact = secrets.token_bytes(16)
    wish_ms = (await client.find_slots("orders")).slots[0].begin_ms
    fact = CallbackRequested(secrets.token_bytes(16), contact, "voice", "orders", wish_ms)
    async with site.log.publisher("test") as publisher:
        await publisher.publish(codec.check_fact(fact))
    await journal.until(lambda: contact.hex() in journal.attempts)
    assert journal.attempts[contact.hex()] == [("unknown", False)]
    await journal.until(lambda: not journal.open)
    failed = journal.effects.page(["failed"], None, 10, contact=contact)
    assert [effect.failed for effect in failed] == ["no_recipient"]
    await client.cancel_callback(contact.hex())


async def test_a_ring_ends_with_its_reason_and_with_its_process(tmp_path: Path) -> None:
    voice, journal = Telephone(), Journal()
    async with (
        api_site(tmp_path, policy(retry_ms=100)) as site,
        Client(site.target) as client,
    ):
        async with dialling(site, voice, journal, Limits(ringing=1)):
            await staffed(client, "anna", "bram")
            slow, waiting = await booked(client, SLOW), await booked(client, ANSWERS)
            async with asyncio.timeout(PATIENCE_S), voice.rings:
                await voice.rings.wait_for(lambda: voice.dialled[SLOW])
            await journal.until(lambda: len(journal.agents) == 2)
            assert (len(voice.ringing), voice.dialled[ANSWERS]) == (1, 0), "one rings at a time"
            # Somebody ends it: nobody shall answer into the void.
            await client.end_contact(slow)
            await journal.until(lambda: {slow, waiting} <= journal.ended.keys())
            assert (journal.ended[slow], journal.ended[waiting]) == ("cancelled", "kept")
            assert (voice.dialled[ANSWERS], len(voice.ringing)) == (1, 0)
            again = await booked(client, SLOW)
            async with asyncio.timeout(PATIENCE_S), voice.rings:
                await voice.rings.wait_for(lambda: voice.dialled[SLOW] == 2)
        # The process stopped: it hung up, and the journal did not wait for the end of the attempt's time.
        assert not voice.ringing
        async with dialling(site, voice, fresh := Journal()):
            await fresh.until(lambda: voice.dialled[SLOW] == 3)
            assert (fresh.attempts[again], set(voice.calls.values())) == ([("unknown", False)], {1})


async def test_a_dialler_that_is_killed_while_it_rings_is_not_repeated(tmp_path: Path) -> None:
    voice, journal = Telephone(), Journal()
    async with (
        api_site(tmp_path, policy(dial_ms=3_000, retry_ms=100)) as site,
        Client(site.target) as client,
    ):
        await staffed(client, "anna")
        command = (sys.executable, "-m", "tests.integration.dialler_process", site.nats_url, SITE, site.vault_url)
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            assert (await process.stdout.readline()) == b"ready\n"
            contact = (await client.book_callback(queue="orders", customer=JAN)).promise.contact_id
            assert (await process.stdout.readline()).decode().split() == ["ringing", "+32470123456"]
        process.kill()
        await process.wait()
        async with dialling(site, voice, journal):
            # Nobody knows what became of it, so it is no attempt; the next one is another's.
            await journal.until(lambda: contact in journal.ended)
            assert journal.attempts[contact] == [("unknown", False)]
            assert (journal.ended[contact], voice.dialled["+32470123456"]) == ("kept", 1)
            await journal.until(lambda: not journal.open)


async def test_a_dialler_that_starts_anew_ends_the_talks_of_the_one_before(tmp_path: Path) -> None:
    voice = Telephone()
    async with (
        api_site(tmp_path, policy()) as site,
        Client(site.target) as client,
    ):
        await staffed(client, "anna", "bram")
        async with dialling(site, voice, journal := Journal()):
            first, second = await booked(client, ANSWERS), await booked(client, "+3225550199")
            await journal.until(lambda: {first, second} <= journal.ended.keys())
        assert len(voice.talking) == 2, "who talks goes on talking, whatever becomes of the dialler"
        await client.end_contact(first)
        async with dialling(site, voice, again := Journal()):
            async with asyncio.timeout(PATIENCE_S):
                while len(voice.talking) != 1:  # noqa: ASYNC110 - a telephone tells nobody
                    await asyncio.sleep(0.02)
            await client.end_contact(second)
            await again.until(lambda: second in again.gone)
            async with asyncio.timeout(PATIENCE_S):
                while voice.talking:  # noqa: ASYNC110 - the same
                    await asyncio.sleep(0.02)
