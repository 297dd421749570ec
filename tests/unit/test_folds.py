"""Boards, desks and ledger on what the real core decides about a random life: they must agree with each other and find no fault."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard._core import Router, commit_hash
from cordboard.events import INPUT_TAG, Commit
from cordboard.events import event as words
from cordboard.events import fact as facts
from cordboard.events.bounds import AgentChannel, Membership
from cordboard.events.policy import ChannelProfile, Policy, QueuePolicy, Topic
from cordboard.log.memory import MemoryLog
from cordboard.projections.boards import Boards
from cordboard.projections.desks import Desks
from cordboard.projections.rows import QueueRow
from cordboard.router.ledger import Ledger
from cordboard.router.verify import verify

VISIT_ENDED = 12
QUEUES = ["orders", "invoices", "complaints"]
POLICY = Policy(
    version=1,
    site="default",
    skills=[],
    channels=[
        ChannelProfile(
            name="chat",
            presence="live",
            klass=1,
            answered_on="first_message",
            cost=30,
            max_concurrent=3,
            wrap_up_ms=9_000,
            wrap_up_max_ms=60_000,
        ),
        ChannelProfile(name="voice", presence="live", klass=1, answered_on="connected", wrap_up_ms=5_000, on_missed="not_ready"),
        ChannelProfile(name="task", presence="async", klass=3, answered_on="connected", cost=60),
        ChannelProfile(
            name="mail", presence="async", klass=3, answered_on="first_message", cost=20, max_concurrent=4, reply="mail"
        ),
    ],
    queues=[QueuePolicy(name=queue, target_ms=8_000) for queue in QUEUES],
    dispositions=["solved"],
    topics=[Topic(name="boots"), Topic(name="shoes")],
    max_parked=3,
    owner_ms=2_000,
)


class Life:
    """Random facts, most of them sensible, some late or impossible, and the commits that the core makes of them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.router = Router("default")
        self.boards = Boards()
        self.desks = Desks()
        self.found: list[str] = []
        self.ledger = Ledger(1, lambda seq, what: self.found.append(f"{seq}: {what}"))
        self.now_ms = 1_700_000_000_000
        self.frame = 0
        self.hash = bytes(32)
        self.commits: list[bytes] = []
        self.agents = [self.random.randbytes(16) for _ in range(6)]
        self.contacts: list[bytes] = []
        self.effects: dict[tuple[int, int], str] = {}
        self.told: set[str] = set()
        self._fold([self.router.take_over(bytes(16), self.now_ms)])
        self.feed([facts.PolicyPublished(self.random.randbytes(16), codec.encode(POLICY))])

    def feed(self, said: list[facts.Fact]) -> None:
        self.frame += 1
        frame = codec.encode_frame([codec.check_fact(fact) for fact in said])
        self._fold(self.router.step([(self.frame, self.now_ms, frame)], self.now_ms))

    def pass_time(self) -> None:
        self.now_ms += self.random.choice([1, 50, 300, 700, 6_000])
        if self.random.random() < 0.5:
            self._fold(self.router.step([], self.now_ms))

    def _fold(self, commits: list[bytes]) -> None:
        for data in commits:
            commit = codec.decode_commit(data)
            self.ledger.check(commit.seq, commit, self.hash)
            self.hash = commit_hash(data)
            self.commits.append(data)
            self.boards.apply(commit.seq, commit)
            self.desks.apply(commit.seq, commit)
            self._note_effects(commit)

    def _note_effects(self, commit: Commit) -> None:
        for index, entry in enumerate(commit.entries):
            if entry.tag == INPUT_TAG:
                continue
            event = codec.decode_event(entry)
            self.told.add(type(event).__name__)
            match event:
                case words.EffectRequested():
                    self.effects[commit.seq, index] = "open"
                case words.EffectEnded(effect_seq=seq, effect_entry=at, outcome=outcome):
                    self.effects[seq, at] = outcome
                case words.EffectRetried(effect_seq=seq, effect_entry=at):
                    self.effects[seq, at] = "open"

    def fact(self) -> facts.Fact:
        pick, fact_id = self.random, self.random.randbytes(16)
        agent = pick.choice(self.agents)
        if not self.contacts or pick.random() < 0.12:
            return self._arrival(fact_id)
        if pick.random() < 0.08:
            return pick.choice(self._of_agents(fact_id, agent))
        if self.effects and pick.random() < 0.2:
            return self._of_effects(fact_id)
        held = [live.contact for live in self.desks.contacts() if live.agent]
        contact = pick.choice(held if held and pick.random() < 0.7 else self.contacts[-12:])
        live = self.desks.contact(contact)
        holder = live.agent if live and live.agent and pick.random() < 0.95 else agent
        attempt = live.attempt if live and live.attempt else 1
        steps = {
            "offered": facts.OfferAnswered(fact_id, contact, attempt, holder, pick.random() < 0.8),
            "connecting": facts.ContactConnected(fact_id, contact, attempt, holder),
            "engaged": pick.choice(
                [
                    facts.EngagementEndRequested(fact_id, contact, holder, "solved"),
                    facts.MessagePosted(fact_id, contact, pick.randbytes(16), "agent", holder),
                    facts.ParkRequested(fact_id, contact, holder, "customer", pick.choice([100, 5_000, 60_000])),
                ]
            ),
        }
        if live is not None and live.state in steps and pick.random() < 0.85:
            return steps[live.state]
        return pick.choice(self._of_contacts(fact_id, contact, holder))

    def _arrival(self, fact_id: bytes) -> facts.ContactArrived:
        """A new contact, or a letter that goes on with one."""
        pick = self.random
        channel = pick.choice(["chat", "voice", "task", "mail", "mail"])
        arrived = facts.ContactArrived(
            fact_id, pick.randbytes(16), channel, pick.choice(QUEUES), priority=pick.randrange(4), topic="boots"
        )
        if channel == "mail":
            case = pick.choice(self.contacts[-8:]) if self.contacts and pick.random() < 0.5 else None
            arrived = replace(arrived, case=case, message=pick.randbytes(16), reopens=pick.random() < 0.8)
        self.contacts.append(arrived.contact)
        return arrived

    def _of_effects(self, fact_id: bytes) -> facts.Fact:
        pick = self.random
        unsettled = [effect for effect, state in self.effects.items() if state in ("open", "failed")]
        seq, entry = pick.choice(unsettled if unsettled and pick.random() < 0.9 else list(self.effects))
        return pick.choice(
            [
                facts.EffectDone(fact_id, seq, entry),
                facts.EffectFailed(fact_id, seq, entry, "unreachable"),
                facts.EffectRetryRequested(fact_id, seq, entry),
                facts.EffectRetryRequested(fact_id, seq, entry),
                facts.EffectDiscardRequested(fact_id, seq, entry),
            ]
        )

    def _of_agents(self, fact_id: bytes, agent: bytes) -> list[facts.Fact]:
        pick = self.random
        channels = [
            AgentChannel("chat"),
            AgentChannel("voice"),
            AgentChannel("task", None, pick.randrange(3)),
            AgentChannel("mail"),
        ]
        memberships = [Membership(queue, pick.randrange(2)) for queue in pick.sample(QUEUES, pick.randint(1, 3))]
        declared = facts.AgentDeclared(fact_id, agent, [], memberships, channels, pick.choice([60, 100, None]))
        ready = facts.PresenceRequested(fact_id, agent, "ready")
        return [
            declared,
            ready,
            ready,
            facts.PresenceRequested(fact_id, agent, pick.choice(["offline", "not_ready"])),
            facts.ChannelSwitched(fact_id, agent, "chat", pick.random() < 0.7),
            facts.AgentRetired(fact_id, agent),
        ]

    def _of_contacts(self, fact_id: bytes, contact: bytes, agent: bytes) -> list[facts.Fact]:
        pick = self.random
        return [
            facts.ContactAbandoned(fact_id, contact),
            facts.ContactEndRequested(fact_id, contact, pick.choice(["cancelled", "failed"])),
            facts.TransferRequested(fact_id, contact, pick.choice(QUEUES), agent if pick.random() < 0.8 else None),
            facts.MessagePosted(fact_id, contact, pick.randbytes(16), "customer"),
            facts.MessagePosted(fact_id, contact, pick.randbytes(16), "agent", agent),
            facts.ParkEndRequested(fact_id, contact, pick.choice([agent, None])),
            facts.ReclassificationRequested(fact_id, contact, pick.choice(["boots", "shoes"])),
            facts.WrapUpExtensionRequested(fact_id, contact, agent, 5_000),
            facts.WrapUpEndRequested(fact_id, contact, agent),
        ]


@pytest.mark.parametrize("seed", range(5))
def test_the_folds_agree(seed: int) -> None:
    life = Life(seed)
    for _ in range(400):
        life.pass_time()
        life.feed([life.fact() for _ in range(life.random.randint(1, 3))])
        _agree(life)
    assert life.found == []
    assert life.router.check() == []
    assert life.boards.site().contacts > 50
    assert {"ContactParked", "ParkEnded", "ContactReclassified", "EffectRequested", "EffectEnded"} <= life.told
    _totals(life.boards)


async def test_verify_names_the_commit_that_was_tampered_with() -> None:
    life = Life(seed=1)
    for _ in range(150):
        life.pass_time()
        life.feed([life.fact()])
    commits = [codec.decode_commit(data) for data in life.commits]
    place, index = next(
        (place, index)
        for place, commit in enumerate(commits)
        for index, entry in enumerate(commit.entries)
        if entry.tag == VISIT_ENDED
    )
    entry = commits[place].entries[index]
    event = codec.decode_event(entry)
    assert isinstance(event, words.VisitEnded)
    entries = list(commits[place].entries)
    entries[index] = replace(entry, body=codec.encode(replace(event, wait_ms=event.wait_ms + 1)))
    commits[place] = replace(commits[place], entries=entries)
    log = MemoryLog("default")
    before = bytes(32)
    async with log.appender() as appender:
        for commit in commits:
            data = codec.encode(replace(commit, prev_hash=before))
            before = commit_hash(data)
            await appender.append(commit.seq, data)
    report = await verify(log, inbox=False)
    assert [finding.seq for finding in report.divergences] == [place + 1]
    assert report.divergences[0].what == f"entry {index}: tag {VISIT_ENDED} with other values"
    assert (report.violations, report.commits, report.lost) == ([], len(commits), None)


def _agree(life: Life) -> None:
    live = life.desks.contacts()
    assert life.boards.site().open == len(live)
    waiting = Counter(contact.queue for contact in live if contact.state not in ("engaged", "parked"))
    parked = [contact for contact in live if contact.state == "parked"]
    piles = Counter(contact.queue for contact in parked)
    offering = Counter(contact.queue for contact in live if contact.state in ("offered", "connecting"))
    for row in life.boards.queues():
        assert row.queue is not None
        assert (row.waiting, row.offering, row.parked) == (waiting[row.queue], offering[row.queue], piles[row.queue])
    assert [row.agent for row in life.boards.agents()] == life.desks.agents()
    for agent in life.boards.agents():
        desk = life.desks.desk(agent.agent)
        assert (agent.load, agent.effective, agent.requested) == (
            sum(work.cost for work in desk.work),
            desk.effective,
            desk.requested,
        )
        held = {contact.contact for contact in live if contact.agent == agent.agent and contact.state != "parked"}
        assert held == {work.contact for work in desk.work if work.state != "wrapping"}
        deadlines = {work.contact: work.deadline_ms for work in desk.work if work.state != "wrapping"}
        assert deadlines == {contact.contact: contact.deadline_ms for contact in live if contact.contact in held}
        piled = {contact.contact for contact in parked if contact.agent == agent.agent}
        assert {contact.contact for contact in desk.parked} == piled and agent.parked == len(piled)
    states, site = Counter(life.effects.values()), life.boards.site()
    assert (site.effects_open, site.effects_failed, site.parked) == (states["open"], states["failed"], len(parked))


def _totals(boards: Boards) -> None:
    """Queues, cells and channels count the same visits."""

    def count(rows: list[QueueRow]) -> list[int]:
        return [
            sum(row.visits for row in rows),
            sum(row.answered for row in rows),
            sum(row.offered for row in rows),
            sum(row.handled for row in rows),
            sum(row.answered_in_target for row in rows),
        ]

    assert count(boards.queues()) == count(boards.cells()) == count(boards.channels())
    occupancy = boards.site().occupancy_permille
    assert occupancy is not None and occupancy > 0
    assert sum(row.handled for row in boards.queues()) > 0
