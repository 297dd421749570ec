"""What must not become a fact: bytes put straight on the inbox, and facts in an order that cannot be.

Each goes out with the verdict that the journal must hold for it. The same seed gives the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec
from nats.aio.client import Client as Nats
from nats.js.errors import APIError

from cordboard import codec
from cordboard.errors import InvalidInput
from cordboard.events import fact as facts
from cordboard.events.bounds import (
    FRAME_FACTS_MAX,
    FRAME_MAX,
    ID_BYTES,
    AgentChannel,
    Membership,
    Requirement,
    Skill,
)
from cordboard.events.policy import Policy
from cordboard.events.verdict import QUARANTINES, REFUSALS, Duplicate, Quarantined, Refused
from cordboard.log.streams import HEADERS_MAX
from cordboard.log.subjects import inbox_subject, whisper_subject
from tests.golden.flaws import CASES
from tests.golden.samples import of, typical
from tests.integration.live_site import PATIENCE_S, PUPPET, PUPPET_SKILL, QUEUE, SERVANTS, SITE, Journal, LiveSite, policy

NEEDS_PUPPET = [Requirement(*PUPPET_SKILL)]
NEEDS_NOBODY = [Requirement("garden", 10)]
NEEDS_SERVANT = [Requirement("nl.written", 5)]
FRAME_REASONS = ("not_a_frame", "frame_too_large")
FACT_REASONS = tuple(QUARANTINES.keys() - set(FRAME_REASONS))
ACCEPTED = ""
"""Expected of a fact that is as it should be."""
DUPLICATE = "duplicate"


@dataclass
class Inbox:
    """Publishes to the inbox past every gateway, and remembers what must come of it: (inbox_seq, index) → reasons."""

    nc: Nats
    expected: dict[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)
    refused_by_server: int = 0

    async def put(self, frame: bytes, *expected: tuple[str, ...]) -> None:
        """One frame; for each fact in it the reasons that are right (a frame that is none counts as one fact)."""
        ack = await self.nc.jetstream().publish(inbox_subject(SITE), frame, timeout=PATIENCE_S)
        for index, reasons in enumerate(expected):
            self.expected[ack.seq, index] = reasons

    async def say(self, *told: tuple[facts.Fact, str]) -> None:
        """Well-formed facts in one frame, each with the reason for which it must be refused (ACCEPTED: none)."""
        frame = codec.encode_frame([codec.check_fact(fact) for fact, _ in told])
        await self.put(frame, *((reason,) for _, reason in told))

    async def exceed(self, size: int) -> None:
        """A frame so large that the server does not even store it."""
        try:
            await self.nc.jetstream().publish(inbox_subject(SITE), bytes(size), timeout=PATIENCE_S)
        except APIError as error:
            assert error.err_code == 10054, error
            self.refused_by_server += 1

    def malformed(self) -> int:
        """How many facts and frames must have been refused or quarantined."""
        return sum(reasons != (ACCEPTED,) for reasons in self.expected.values()) + self.refused_by_server

    def compare(self, journal: Journal) -> list[str]:
        """What the journal holds otherwise than it must: all facts are there, each with its verdict."""
        wrong = []
        for place, reasons in sorted(self.expected.items()):
            decided = journal.inputs.get(place)
            reason = "nothing at all" if decided is None else _reason(decided.verdict)
            if reason not in reasons:
                wrong.append(f"inbox {place}: {reason} instead of {' or '.join(reasons) or 'accepted'}")
        return wrong


def _reason(verdict: object) -> str:
    match verdict:
        case Refused(reason=reason):
            assert reason in REFUSALS
            return reason
        case Quarantined(reason=reason):
            assert reason in QUARANTINES
            return reason
        case Duplicate():
            return DUPLICATE
    return ACCEPTED


# Bytes


async def nonsense(site: LiveSite, inbox: Inbox, chance: random.Random, frames: int) -> None:
    """Broken frames, broken facts in sound frames, and between them good contacts in the same frames."""
    flaws = [(reason, data) for reason, _, data in CASES if len(data) < FRAME_MAX - 64]
    for number in range(frames):
        match number % 4:
            case 0 | 1:
                await inbox.put(broken_frame(chance), FRAME_REASONS)
            case 2:
                reason, data = flaws[(number // 4) % len(flaws)]
                await inbox.put(codec.encode_frame([data]), (reason,))
            case _:
                await _among_good_ones(site, inbox, chance)
        if number % 40 == 0:
            await inbox.exceed(FRAME_MAX + HEADERS_MAX + chance.randrange(1, 100_000))
            site.arrive()


async def _among_good_ones(site: LiveSite, inbox: Inbox, chance: random.Random) -> None:
    """A frame with two broken facts and, one time in six, a good contact between them."""
    frame, expected = [broken_fact(chance)], [FACT_REASONS]
    if chance.randrange(6) == 0:
        arrival = facts.ContactArrived(fresh(chance), fresh(chance), chance.choice(["chat", "task"]), QUEUE, NEEDS_SERVANT)
        site.good.expected.add(arrival.contact.hex())
        frame.append(codec.check_fact(arrival))
        expected.append((ACCEPTED,))
    await inbox.put(codec.encode_frame([*frame, broken_fact(chance)]), *expected, FACT_REASONS)


def broken_frame(chance: random.Random) -> bytes:
    """Bytes that are no frame: random, cut off, of another shape, lying about their length, empty, nested, or too large."""
    while True:
        data = _frame(chance)
        if len(data) > FRAME_MAX or not _is_frame(data):
            return data


def _is_frame(data: bytes) -> bool:
    try:
        return 0 < len(codec.decode_frame(data)) <= FRAME_FACTS_MAX
    except InvalidInput:
        return False


def _frame(chance: random.Random) -> bytes:
    good = codec.encode_frame([_a_fact(chance) for _ in range(chance.randrange(1, 4))])
    match chance.randrange(9):
        case 0:
            return chance.randbytes(chance.randrange(400))
        case 1:
            return good[: chance.randrange(len(good))]
        case 2:
            place = chance.randrange(len(good))
            return good[:place] + chance.randbytes(1) + good[place + 1 :]
        case 3:
            return good + chance.randbytes(chance.randrange(1, 9))
        case 4:
            return chance.choice([b"\x91", b"\x81\xa1a", b"\xdc\x00\x01", b"\x92\xc0"]) * chance.randrange(1, 10_000)
        case 5:
            return chance.choice(
                [b"", b"\xc1", b"\x90", b"\xdd\xff\xff\xff\xff", b"\x91\xc6\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff"]
            )
        case 6:
            return msgspec.msgpack.encode(chance.choice([None, 7, -1.5, "fact", {"fact": b""}, ["fact"], [[b"fact"]], [b"", None]]))
        case 7:
            return msgspec.msgpack.encode([b""] * chance.randrange(FRAME_FACTS_MAX + 1, 3 * FRAME_FACTS_MAX))
        case _:
            return bytes(FRAME_MAX + chance.randrange(1, HEADERS_MAX // 2))


def broken_fact(chance: random.Random) -> bytes:
    """Bytes that are no fact, small enough for a frame."""
    while True:
        data = _mutated(chance)
        try:
            codec.decode_fact(data)
        except InvalidInput:
            return data


def _mutated(chance: random.Random) -> bytes:
    good = _a_fact(chance)
    elements = msgspec.msgpack.decode(good)
    place = chance.randrange(len(elements))
    match chance.randrange(7):
        case 0:
            return good[: chance.randrange(len(good))]
        case 1:
            where = chance.randrange(len(good))
            return good[:where] + chance.randbytes(chance.randrange(1, 4)) + good[where + 1 :]
        case 2:
            elements[place] = chance.choice(
                [None, True, -1, 1 << 63, 2.5, "", "x" * 60, "Ä", "\x00", b"", b"x" * 300, [], [[]], {}]
            )
        case 3:
            del elements[place:]
        case 4:
            elements[0] = chance.choice([0, 16, 99, -7, 1 << 40, "1", None, b"\x01", [1]])
        case 5:
            return chance.randbytes(chance.randrange(1, 200))
        case _:
            elements[place] = [elements[place]] * chance.randrange(1, 200)
    return msgspec.msgpack.encode(elements)


def _a_fact(chance: random.Random) -> bytes:
    return codec.encode(of(typical, chance.choice(facts.FACTS)))


def fresh(chance: random.Random) -> bytes:
    return chance.randbytes(ID_BYTES)


# Order


Told = Iterator[tuple[facts.Fact, str]]


async def impossible_orders(site: LiveSite, inbox: Inbox, chance: random.Random, stories: int) -> None:
    """Whole lives of contacts, with everything that cannot be between any two steps. The puppet's part is played here."""
    known = site.agents

    def new() -> bytes:
        return fresh(chance)

    for number in range(stories):
        channel = ("chat", "task")[number % 2]
        for told in (nobodys(new, known), a_life(new, known, channel), unserved(new, known, channel)):
            lines = list(told)
            # Cut into frames anywhere: order is what counts, not who travels with whom.
            while lines:
                count = chance.randrange(1, 6)
                await inbox.say(*lines[:count])
                del lines[:count]
        site.arrive()


def nobodys(new: Callable[[], bytes], known: dict[str, bytes]) -> Told:
    """Facts about contacts and agents that there never were, and words that the policy does not have."""
    contact, stranger, agent = new(), new(), known[PUPPET]
    yield facts.OfferAnswered(new(), contact, 1, agent, True), "unknown_contact"
    yield facts.OfferAnswered(new(), contact, 1, stranger, True), "unknown_agent"
    yield facts.ContactConnected(new(), contact, 1, agent), "unknown_contact"
    yield facts.MessagePosted(new(), contact, new(), "customer"), "unknown_contact"
    yield facts.EngagementEndRequested(new(), contact, agent), "unknown_contact"
    yield facts.WrapUpEndRequested(new(), contact, agent), "not_wrapping"
    yield facts.WrapUpEndRequested(new(), contact, stranger), "unknown_agent"
    yield facts.WrapUpExtensionRequested(new(), contact, agent, 1_000), "not_wrapping"
    yield facts.ContactAbandoned(new(), contact), "unknown_contact"
    yield facts.ContactEndRequested(new(), contact), "unknown_contact"
    yield facts.TransferRequested(new(), contact, "invoices"), "unknown_contact"
    yield facts.PresenceRequested(new(), stranger, "ready"), "unknown_agent"
    yield facts.PresenceRequested(new(), agent, "not_ready", "no-such-reason"), "unknown_reason"
    yield facts.ChannelSwitched(new(), stranger, "chat", False), "unknown_agent"
    yield facts.ChannelSwitched(new(), agent, "telegraph", False), "unknown_channel"
    yield facts.AgentRetired(new(), stranger), "unknown_agent"
    yield facts.AgentDeclared(new(), stranger, [Skill("juggling", 3)]), "unknown_skill"
    yield facts.AgentDeclared(new(), stranger, [], [Membership("nowhere")]), "unknown_queue"
    yield facts.AgentDeclared(new(), stranger, [], [], [AgentChannel("telegraph")]), "unknown_channel"
    yield facts.ContactArrived(new(), contact, "chat", "nowhere"), "unknown_queue"
    yield facts.ContactArrived(new(), contact, "telegraph", QUEUE), "unknown_channel"
    yield facts.ContactArrived(new(), contact, "chat", QUEUE, [Requirement("juggling")]), "unknown_skill"
    yield facts.PolicyPublished(new(), b"\x81\xa4site"), "policy_invalid"
    yield (
        facts.PolicyPublished(new(), codec.encode(msgspec.structs.replace(policy(), site="elsewhere", version=99))),
        "policy_invalid",
    )
    yield facts.PolicyPublished(new(), codec.encode(policy())), "policy_stale"


def a_life(new: Callable[[], bytes], known: dict[str, bytes], channel: str) -> Told:
    """A contact from arrival to wrap-up, served by the puppet. What cannot be stands before, between and after the steps."""
    contact, agent, other = new(), known[PUPPET], known[SERVANTS[0]]
    arrival = facts.ContactArrived(new(), contact, channel, QUEUE, NEEDS_PUPPET)
    yield arrival, ACCEPTED
    yield arrival, DUPLICATE
    yield facts.ContactArrived(new(), contact, channel, QUEUE), "contact_exists"
    yield facts.ContactConnected(new(), contact, 1, agent), "not_connecting"
    yield facts.MessagePosted(new(), contact, new(), "agent", agent), "not_engaged"
    yield facts.MessagePosted(new(), contact, new(), "agent"), "not_engaged"
    yield facts.EngagementEndRequested(new(), contact, agent), "not_engaged"
    yield facts.WrapUpEndRequested(new(), contact, agent), "not_wrapping"
    yield facts.TransferRequested(new(), contact, "invoices", agent), "not_engaged"
    yield facts.TransferRequested(new(), contact, QUEUE), "same_queue"
    yield facts.OfferAnswered(new(), contact, 2, agent, True), "no_such_offer"
    yield facts.OfferAnswered(new(), contact, 1, other, True), "no_such_offer"
    yield facts.AgentRetired(new(), agent), "agent_busy"
    accept = facts.OfferAnswered(new(), contact, 1, agent, True)
    yield accept, ACCEPTED
    yield accept, DUPLICATE
    yield facts.OfferAnswered(new(), contact, 1, agent, True), "already_accepted"
    yield facts.OfferAnswered(new(), contact, 1, agent, False), "already_accepted"
    yield facts.EngagementEndRequested(new(), contact, agent), "not_engaged"
    yield facts.ContactConnected(new(), contact, 2, agent), "not_connecting"
    yield facts.ContactConnected(new(), contact, 1, other), "not_connecting"
    yield facts.ContactConnected(new(), contact, 1, agent), ACCEPTED
    yield facts.ContactConnected(new(), contact, 1, agent), "not_connecting"
    yield facts.MessagePosted(new(), contact, new(), "agent", other), "not_engaged"
    yield facts.TransferRequested(new(), contact, "invoices", other), "not_engaged"
    yield facts.TransferRequested(new(), contact, "nowhere", agent), "unknown_queue"
    yield facts.EngagementEndRequested(new(), contact, other), "not_engaged"
    yield facts.EngagementEndRequested(new(), contact, agent, "no-such-word"), "unknown_disposition"
    yield facts.WrapUpEndRequested(new(), contact, agent), "not_wrapping"
    yield facts.AgentRetired(new(), agent), "agent_busy"
    if channel == "task":
        yield facts.ContactAbandoned(new(), contact), "no_abandon"
    yield facts.EngagementEndRequested(new(), contact, agent, "solved"), ACCEPTED
    yield from gone(new, contact, agent, arrival)
    yield facts.WrapUpEndRequested(new(), contact, other), "not_wrapping"
    yield facts.WrapUpEndRequested(new(), contact, agent, "no-such-word"), "unknown_disposition"
    yield facts.WrapUpExtensionRequested(new(), contact, agent, 3_600_000), "extension_limit"
    yield facts.AgentRetired(new(), agent), "agent_busy"
    yield facts.WrapUpEndRequested(new(), contact, agent), ACCEPTED
    yield facts.WrapUpEndRequested(new(), contact, agent), "not_wrapping"
    yield facts.WrapUpExtensionRequested(new(), contact, agent, 1_000), "not_wrapping"


def unserved(new: Callable[[], bytes], known: dict[str, bytes], channel: str) -> Told:
    """A contact that waits for nobody, is answered without an offer, and is cancelled."""
    contact, agent = new(), known[PUPPET]
    arrival = facts.ContactArrived(new(), contact, channel, QUEUE, NEEDS_NOBODY)
    yield arrival, ACCEPTED
    yield facts.OfferAnswered(new(), contact, 1, agent, True), "no_such_offer"
    yield facts.OfferAnswered(new(), contact, 1, agent, False), "no_such_offer"
    yield facts.ContactConnected(new(), contact, 1, agent), "not_connecting"
    yield facts.EngagementEndRequested(new(), contact, agent), "not_engaged"
    yield facts.PolicyPublished(new(), codec.encode(_without_queue())), "policy_in_use"
    yield facts.ContactEndRequested(new(), contact), ACCEPTED
    yield from gone(new, contact, agent, arrival)


def gone(new: Callable[[], bytes], contact: bytes, agent: bytes, arrival: facts.ContactArrived) -> Told:
    """Everything that comes after the end."""
    yield arrival, DUPLICATE
    yield facts.ContactArrived(new(), contact, "chat", QUEUE), "contact_exists"
    yield facts.OfferAnswered(new(), contact, 1, agent, True), "contact_gone"
    yield facts.ContactConnected(new(), contact, 1, agent), "contact_gone"
    yield facts.MessagePosted(new(), contact, new(), "customer"), "contact_gone"
    yield facts.MessagePosted(new(), contact, new(), "agent", agent), "contact_gone"
    yield facts.EngagementEndRequested(new(), contact, agent), "contact_gone"
    yield facts.ContactAbandoned(new(), contact), "contact_gone"
    yield facts.ContactEndRequested(new(), contact), "contact_gone"
    yield facts.TransferRequested(new(), contact, "invoices"), "contact_gone"


def _without_queue() -> Policy:
    """A newer policy that has forgotten the queue in which somebody waits."""
    now = policy()
    return msgspec.structs.replace(now, version=99, queues=[queue for queue in now.queues if queue.name != QUEUE])


# Whispers


async def whispers(site: LiveSite, inbox: Inbox, chance: random.Random, count: int) -> None:
    """Whispers that mean nothing. Nobody answers a whisper; that everybody still listens afterwards is all that can be seen."""
    contact = fresh(chance).hex()
    bodies = [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b"[" * 9_000,
        b'{"author":7}',
        b'{"author":"agent","message":"zz","state":"read"}',
    ]
    topics = [
        f"typing.{contact}",
        f"receipt.{contact}",
        "typing.zz",
        "receipt.x",
        "typing.a.b.c",
        "nothing.at-all",
        f"receipt.{'9' * 60}",
    ]
    for _ in range(count):
        await inbox.nc.publish(whisper_subject(SITE, chance.choice(topics)), chance.choice([*bodies, chance.randbytes(40)]))
