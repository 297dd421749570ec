"""Long histories from fixed seeds: busy days that a generator of small examples does not get to."""

import random
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard._core import Router, render
from cordboard.events import event as e
from cordboard.events import fact as f
from cordboard.events.bounds import AgentChannel, Membership, Requirement, Skill
from cordboard.events.commit import INPUT_TAG
from cordboard.events.policy import CallbackPolicy
from tests.property.all_happenings import (
    AGENT_HAPPENINGS,
    CONTACT_HAPPENINGS,
    ENGAGEMENT_HAPPENINGS,
    HAPPENINGS,
    KINDS,
    QUEUE_HAPPENINGS,
)
from tests.property.happenings import Dice, Happening, new_contact
from tests.property.more_sites import START_MS
from tests.property.naive_state import Work
from tests.property.pair import AGENTS, INBOX, Pair
from tests.property.queue_happenings import CUSTOMERS
from tests.property.rules import IMPOSSIBLE, every_rule, rules_met, rules_of
from tests.property.sites import CHANNELS, QUEUES, SKILLS, TOPICS, plain, site

FACTS_A_TURN = (1, 1, 1, 1, 2, 5)
LATE_MS = (0, 0, 0, 0, 300, 1_200)
DAYS = {
    "plain": 60,
    "hours": 12,
    "strategies": 10,
    "waits": 25,
    "slas": 25,
    "cases": 30,
    "doors": 15,
    "next_steps": 40,
    "callbacks": 50,
    "comings": 40,
    "places": 40,
}
"""Of each kind."""
TURNS = {"cases": 150, "doors": 120, "next_steps": 120, "callbacks": 150, "comings": 150, "places": 150}
"""In days that last longer."""
LIVED = [(kind, seed) for kind, days in DAYS.items() for seed in range(days)]
FOUND = (
    11_001, 44_015, 46_008, 58_016, 65_002, 79_011, 85_000, 86_004, 95_013, 114_010, 121_006, 132_014, 136_005, 137_008, 147_016,
    213_015, 1_005_017, 1_013_010, 1_080_013, 1_095_005,
)  # fmt: skip
"""Days of long runs that showed something once."""
GROUPS = (AGENT_HAPPENINGS, QUEUE_HAPPENINGS, CONTACT_HAPPENINGS, ENGAGEMENT_HAPPENINGS)


class Day:
    """A seeded day: customers come and go, agents mostly do what they should, now and then anything at all."""

    def __init__(self, seed: int, kind: str = "plain") -> None:
        self.random = random.Random(seed)
        self.dice = Dice(self.random)
        self.of = KINDS[kind]
        self.pair = Pair(self.of.more(self.dice, site(self.dice)), self.of.more, self.of.talents)
        self.said: list[f.Fact] = []
        self.happenings = self.kind()

    def kind(self) -> Sequence[Happening]:
        """A day on which few things happen goes deeper into them than one on which everything does."""
        some = self.random.choice([2, 4])
        mixed = self.random.sample(HAPPENINGS, len(HAPPENINGS) // some)
        common = self.random.choice([HAPPENINGS, mixed, *GROUPS, ENGAGEMENT_HAPPENINGS])
        own = self.of.happenings
        return [*common[:10], *own, *own] if own else common

    def go(self, turns: int) -> None:
        for _ in range(turns):
            self.turn()
        self.pair.verify()

    def turn(self) -> None:
        if self.random.random() < 0.25:
            self.pass_time()
        else:
            facts = [self.fact() for _ in range(self.random.choice(FACTS_A_TURN))]
            self.said += facts
            self.pair.happen(*facts, late_ms=self.random.choice(LATE_MS))

    def pass_time(self) -> None:
        if self.random.random() < 0.1:
            self.pair.sleep(self.random.choice([1_999, 2_001, 5_000, 60_000]))
        else:
            self.pair.wait(self.random.choice([1, 50, 400, 1_000, 2_000, 5_000]))

    def fact(self) -> f.Fact:
        """What happens next; work in hand goes on more often than not."""
        dice = self.random.random()
        works = self.pair.naive.works
        if works and dice < self.of.at_hand:
            return self.goes_on(self.random.choice(works))
        if self.random.random() < self.of.special and (special := self.special()) is not None:
            return special
        if dice < 0.72:
            return self.arrives()
        if dice < 0.82 and self.pair.contacts:
            return self.interferes(self.random.choice(self.pair.contacts[-8:]))
        if dice < 0.88 and self.pair.contacts:
            return self.writes(self.random.choice(self.pair.contacts[-8:]))
        if dice < 0.97:
            return self.agent_does(self.random.choice(AGENTS))
        return self.random.choice(self.said) if self.said else self.arrives()

    def special(self) -> f.Fact | None:
        """What the rules of agents, queues and engagements are about."""
        happening = self.random.choice(self.happenings)
        return happening(self.pair, self.dice)

    def goes_on(self, work: Work) -> f.Fact:
        ids = (self.pair.fact_id(), work.contact)
        good = self.random.random() < 0.8
        if work.state == "offered":
            return f.OfferAnswered(*ids, work.attempt, work.agent, good)
        if work.state == "connecting":
            return f.ContactConnected(*ids, work.attempt, work.agent)
        if work.state == "wrapping":
            if good:
                return f.WrapUpEndRequested(*ids, work.agent, self.random.choice([None, "solved", "unheard_of"]))
            return f.WrapUpExtensionRequested(*ids, work.agent, self.random.choice([500, 1_500, 4_000]))
        dice = self.random.random()
        if dice < 0.75:
            return f.MessagePosted(*ids, bytes(16), self.random.choice(["agent", "customer"]), work.agent)
        if dice < 0.83:
            return f.ParkRequested(*ids, work.agent, "snooze", self.random.choice([0, 700, 8_000]))
        if dice < 0.92:
            return f.EngagementEndRequested(*ids, work.agent, "solved")
        return f.TransferRequested(*ids, self.random.choice(QUEUES), self.random.choice([None, work.agent]), self.needs())

    def needs(self) -> list[Requirement] | None:
        if self.random.random() < 0.4:
            return None
        levels, hard = [1, 2, 5, 9], [True, False]
        skills = self.random.sample(SKILLS, self.random.randrange(3))
        return [Requirement(skill, self.random.choice(levels), self.random.choice(hard)) for skill in skills]

    def arrives(self) -> f.Fact:
        contact = new_contact(self.pair)
        preferred = self.random.sample(AGENTS, self.random.choice([0, 0, 0, 1, 2]))
        channel, queue = self.random.choice(CHANNELS), self.random.choice(QUEUES)
        return f.ContactArrived(
            self.pair.fact_id(), contact, channel, queue, self.needs() or [], self.random.randrange(4), None, preferred
        )

    def interferes(self, contact: bytes) -> f.Fact:
        """The customer leaves, a service ends or moves the contact, or an agent answers what is no longer offered."""
        ids = (self.pair.fact_id(), contact)
        dice = self.random.random()
        if dice < 0.4:
            return f.ContactAbandoned(*ids)
        if dice < 0.6:
            return f.ContactEndRequested(*ids, self.random.choice(["cancelled", "failed", "completed"]))
        if dice < 0.8:
            return f.TransferRequested(*ids, self.random.choice(QUEUES), None, self.needs())
        return f.OfferAnswered(*ids, self.random.randrange(1, 4), self.random.choice(AGENTS), dice < 0.9)

    def writes(self, before: bytes) -> f.Fact:
        """A case goes on, a parked contact is wanted, a topic turns out to be another, an answer goes out or does not."""
        fact_id = self.pair.fact_id()
        effects = [effect.place for effect in self.pair.naive.effects if effect.place is not None]
        dice = self.random.random()
        if effects and dice < 0.4:
            place = self.random.choice(effects)
            if dice < 0.2:
                return f.EffectFailed(fact_id, *place, self.random.choice(["unreachable", "rejected"]))
            over: Any = self.random.choice([f.EffectDone, f.EffectRetryRequested, f.EffectDiscardRequested])
            fact: f.Fact = over(fact_id, *place)
            return fact
        if dice < 0.5:
            return f.ParkEndRequested(fact_id, before, self.random.choice([None, *AGENTS]))
        if dice < 0.6:
            return f.ReclassificationRequested(fact_id, before, self.random.choice(TOPICS), self.random.choice([None, *AGENTS]))
        contact = new_contact(self.pair)
        author: Any = self.random.choice(["customer", "customer", "system"])
        living = self.pair.naive.contact(before)
        case = before if living is None else living.case
        return f.ContactArrived(
            fact_id, contact, "mail", self.random.choice(QUEUES), case=case, author=author, reopens=dice < 0.9,
            message=self.random.choice([None, bytes(16), bytes(16)]),
        )  # fmt: skip

    def agent_does(self, agent: bytes) -> f.Fact:
        dice = self.random.random()
        if dice < 0.5:
            return f.PresenceRequested(self.pair.fact_id(), agent, "ready")
        if dice < 0.7:
            presence: Any = self.random.choice(["not_ready", "offline"])
            return f.PresenceRequested(self.pair.fact_id(), agent, presence, "lunch" if presence == "not_ready" else None)
        if dice < 0.8:
            return f.ChannelSwitched(self.pair.fact_id(), agent, self.random.choice(CHANNELS), self.random.random() < 0.6)
        if dice < 0.83:
            return f.AgentRetired(self.pair.fact_id(), agent)
        skills = [Skill(skill, self.random.choice([2, 5, 9])) for skill in SKILLS]
        members = [
            Membership(queue.name, self.random.randrange(3))
            for queue in self.pair.naive.policy.queues
            if self.random.random() < 0.75
        ]
        own = [AgentChannel(channel, *self.random.choice([(None, None), (20, 4), (60, 1)])) for channel in CHANNELS]
        own = self.random.sample(own, self.random.choice([1, 2, 3, 3]))
        return f.AgentDeclared(self.pair.fact_id(), agent, skills, members, own, self.random.choice([None, 60, 150]))


@pytest.mark.parametrize(("kind", "seed"), [*LIVED, *(("plain", seed) for seed in FOUND)])
def test_busy_day(kind: str, seed: int) -> None:
    assert lived(kind, seed) <= every_rule()


def test_busy_days_meet_every_rule() -> None:
    """Every event, whatever it may say by choice, and every refusal, but for those that are known to be out of reach."""
    met = frozenset().union(*(lived(kind, seed) for kind, seed in LIVED))
    assert every_rule() - met == set(IMPOSSIBLE)


def test_an_agent_is_swamped() -> None:
    """A hundred pieces of work from elsewhere, and no more; one that is known is none more."""
    pair = Pair(plain("urgency", "key", "switch_off"))
    for number in range(102):
        work = bytes([7, number]).ljust(16, b"\0")
        pair.happen(f.AgentBusyReported(pair.fact_id(), AGENTS[0], "chat", work, True))
    again = bytes([7]).ljust(16, b"\0")
    pair.happen(f.AgentBusyReported(pair.fact_id(), AGENTS[0], "chat", again, True))
    refused = [rule for commit in pair.commits for entry in codec.decode_commit(commit).entries for rule in rules_of(entry)]
    assert refused.count("refused no_room") == 2
    pair.verify()


def test_a_customer_is_promised_too_much() -> None:
    """Fifty calls, and no more; nor as somebody who waits, and leaves for the call."""
    policy = plain("urgency", "key", "switch_off")
    pair = Pair(replace(policy, queues=[replace(policy.queues[0], callbacks=CallbackPolicy(slot_ms=60_000, capacity=60))]))
    customer, wish_ms = CUSTOMERS[0], pair.now + 60_000
    waits = new_contact(pair)
    pair.happen(f.ContactArrived(pair.fact_id(), waits, "task", "orders", [Requirement("plants", 9)], customer=customer))
    for _ in range(51):
        pair.happen(f.CallbackRequested(pair.fact_id(), new_contact(pair), "voice", "orders", wish_ms, customer=customer))
    pair.happen(f.CallbackRequested(pair.fact_id(), new_contact(pair), "voice", "orders", wish_ms, waiting=waits))
    refused = [rule for commit in pair.commits for entry in codec.decode_commit(commit).entries for rule in rules_of(entry)]
    assert refused.count("refused too_many_promises") == 2
    pair.happen(f.CustomerErasureRequested(pair.fact_id(), customer))
    pair.verify()


def test_a_line_fails_whose_agent_is_to_leave_already() -> None:
    """Twice is too often; after that the row goes on, while the agent's other contacts are still to be connected."""
    pair = Pair(plain("urgency", "key", "switch_off"))
    for agent in AGENTS[1:3]:
        pair.happen(f.PresenceRequested(pair.fact_id(), agent, "offline"))
    contacts = [new_contact(pair) for _ in range(5)]
    for contact in contacts:
        pair.happen(f.ContactArrived(pair.fact_id(), contact, "mail", "orders"))
        pair.happen(f.TransferRequested(pair.fact_id(), contact, "orders", to_agent=AGENTS[0]))
        pair.happen(f.OfferAnswered(pair.fact_id(), contact, len(pair.naive.live(contact).attempts), AGENTS[0], True))
    for contact in contacts:
        attempt = len(pair.naive.live(contact).attempts)
        pair.happen(f.ConnectionFailed(pair.fact_id(), contact, attempt, AGENTS[0], "agent_leg"))
    entries = [entry for commit in pair.commits for entry in codec.decode_commit(commit).entries]
    events = [codec.decode_event(entry) for entry in entries if entry.tag != INPUT_TAG]
    assert [event.failures for event in events if isinstance(event, e.ConnectFailed)] == [1, 2, 1, 2, 3]
    assert [event.cause for event in events if isinstance(event, e.PresenceChanged)][-2:] == ["technical", "load_ended"]
    pair.verify()


@cache
def lived(kind: str, seed: int) -> frozenset[str]:
    """The rules that a day met."""
    day = Day(seed, kind)
    day.go(turns=TURNS.get(kind, 250))
    return frozenset(rules_met(day.pair))


@pytest.mark.parametrize("seed", range(5))
def test_frames_make_no_difference(seed: int) -> None:
    """n facts in one frame are the same as n frames of one fact, at the same time."""
    day = Day(1_000 + seed)
    apart = Router("default")
    apart.take_over(INBOX, START_MS)
    for frames, at_ms in day.pair.turns:
        apart.step(frames, at_ms)
    seq = day.pair.frames
    for _ in range(60):
        day.pair.now += day.random.choice([0, 300, 1_500])
        facts = [day.fact() for _ in range(8)]
        before = len(day.pair.commits)
        day.pair.happen(*facts)
        frames = [(seq + place + 1, day.pair.now, codec.encode_frame([codec.encode(fact)])) for place, fact in enumerate(facts)]
        seq += len(facts)
        assert told(apart.step(frames, day.pair.now)) == told(day.pair.commits[before:])


def told(commits: list[bytes]) -> list[str]:
    return [line for commit in commits for line in render(commit).splitlines() if not line.startswith("commit ")]
