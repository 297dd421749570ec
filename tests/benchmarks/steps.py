"""The workload as facts: frames for the whole step, recorded once, given to every contender.

One operation is what one free agent means to the engine: an agent ends (and is offered the first in line), an agent accepts
an earlier offer and is connected, a contact arrives. One fact in fifty is a repeat, one in fifty comes too late. Offers are
answered in the frame after they were made.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from cordboard import codec
from cordboard.events import fact as facts
from cordboard.events.bounds import AgentChannel, Membership, Requirement, Skill
from cordboard.events.policy import ChannelProfile, Policy, QueuePolicy
from tests.benchmarks.peers.twin import Frame, Twin
from tests.benchmarks.workload import SKILLS, Drawing, Needs, Size

SITE, QUEUE, CHANNEL = "bench", "care", "voice"
START_MS = 1_800_000_000_000
HOUR_MS = 3_600_000
OPERATION_FACTS = 4
ODD_EVERY = 50
SETUP_FACTS = 64
LATE_MEMORY = 64

POLICY = Policy(
    version=1,
    site=SITE,
    skills=[f"skill-{number}" for number in range(SKILLS)],
    # Nobody's patience ends while we measure.
    channels=[
        ChannelProfile(name=CHANNEL, presence="live", klass=1, answered_on="connected", offer_ttl_ms=HOUR_MS, connect_ms=HOUR_MS)
    ],
    queues=[QueuePolicy(name=QUEUE)],
    # However long a durable round lasts, the order of the line is that of the recording: priority, then arrival.
    age_credit_ms=24 * HOUR_MS,
)


@dataclass(frozen=True)
class Waiting:
    """A contact in line: its number (in the order of arrival), requirement set and place."""

    contact: int
    needs: int
    place: int


@dataclass(frozen=True)
class Call:
    """An agent frees and is given `found` (None: nobody); `arrived` comes."""

    agent: int
    arrived: Waiting
    found: int | None


@dataclass
class Recording:
    """Frames with the time of their turn: first those that set the site up, then those to measure."""

    size: Size
    setup: list[tuple[Frame, int]] = field(default_factory=list)
    measured: list[tuple[Frame, int]] = field(default_factory=list)
    facts: int = 0
    """In the measured frames."""
    offers: int = 0
    ends: int = 0
    agents: list[dict[int, int]] = field(default_factory=list)
    sets: list[Needs] = field(default_factory=list)
    numbers: dict[bytes, int] = field(default_factory=dict)
    """Contacts by id."""
    calls: list["Call"] = field(default_factory=list)
    """The measured operations as they look from above."""
    line: list["Waiting"] = field(default_factory=list)
    """Who waits when they begin."""

    def save(self, path: Path) -> None:
        """As the contenders in Rust read it: see rust/core/benches/rivals/steps.rs."""
        with path.open("wb") as file:
            file.write(struct.pack("<Q", len(self.setup)))
            for (inbox_seq, stored_ms, data), at_ms in [*self.setup, *self.measured]:
                file.write(struct.pack("<4Q", at_ms, inbox_seq, stored_ms, len(data)))
                file.write(data)


class Roll:
    """Who there is, and the facts that say so."""

    def __init__(self, size: Size) -> None:
        self.random = Random(f"crowd {size.seed}")
        self.drawing = Drawing(Random(f"cordboard {size.seed}"), size)
        self.agents, self.sets = self.drawing.agents, self.drawing.sets
        self.ids = [self.random.randbytes(16) for _ in range(size.agents)]
        self.needs = [self.drawing.contact()[0] for _ in range(size.waiting)]
        """Of those who come at first."""

    def id(self) -> bytes:
        return self.random.randbytes(16)

    def policy(self) -> bytes:
        return codec.encode(facts.PolicyPublished(self.id(), codec.encode(POLICY)))

    def declared(self) -> list[bytes]:
        """The policy, and all agents."""
        declared = [
            facts.AgentDeclared(
                self.id(),
                agent,
                [Skill(f"skill-{skill}", level) for skill, level in skills.items()],
                [Membership(QUEUE)],
                [AgentChannel(CHANNEL)],
            )
            for agent, skills in zip(self.ids, self.agents, strict=True)
        ]
        return [self.policy(), *map(codec.encode, declared)]

    def ready(self) -> list[bytes]:
        return [codec.encode(facts.PresenceRequested(self.id(), agent, "ready")) for agent in self.ids]

    def arrivals(self) -> list[bytes]:
        return [self.arrival(number)[1] for number in self.needs]

    def arrival(self, number: int, priority: int = 0) -> tuple[bytes, bytes]:
        """A contact of this requirement set: its id, and the fact."""
        requirements = [Requirement(f"skill-{skill}", level) for skill, level in self.sets[number]]
        fact = facts.ContactArrived(self.id(), self.id(), CHANNEL, QUEUE, requirements, priority)
        return fact.contact, codec.encode(fact)


class Crowd:
    """Everybody outside of the engine: writes the facts, and reads from the twin who was offered whom."""

    def __init__(self, size: Size, taken_over: bytes) -> None:
        self.recording = Recording(size)
        self._roll = Roll(Size(size.agents, 0, 0, size.profile, size.seed))
        self._random, self._drawing, self._agents = self._roll.random, self._roll.drawing, self._roll.ids
        self.recording.agents, self.recording.sets = self._roll.agents, self._roll.sets
        self._twin = Twin(taken_over)
        self._with: dict[bytes, bytes] = {}
        """Whom an engaged agent talks to."""
        self._offers: list[tuple[bytes, bytes]] = []
        self._late: list[bytes] = []
        self._repeats: list[bytes] = []
        self._inbox_seq = 0
        self._at_ms = START_MS
        self._numbers = {agent: number for number, agent in enumerate(self._agents)}
        self._came: dict[bytes, Waiting] = {}

    def set_up(self) -> None:
        """All agents declared, all contacts there, all agents busy."""
        size, into = self.recording.size, self.recording.setup
        self._send(self._roll.declared(), into)
        self._send([self._arrival() for _ in range(size.agents + size.waiting)], into)
        self._send(self._roll.ready(), into)
        self._send([fact for pair in self._answers() for fact in pair], into)
        taken = set(self._with.values())
        self.recording.line = [waiting for contact, waiting in self._came.items() if contact not in taken]

    def work(self, operations: int, facts_a_frame: int) -> None:
        """`operations` of them, in frames of about that many facts, at the end of the recording."""
        recording = self.recording
        for _ in range(max(1, operations * OPERATION_FACTS // facts_a_frame)):
            frame: list[bytes] = []
            answers = self._answers()
            ended = []
            for _ in range(max(1, facts_a_frame // OPERATION_FACTS)):
                agent, end = self._end()
                frame.append(end)
                frame.extend(next(answers, ()))
                frame.append(self._arrival())
                ended.append((agent, self._last))
            for rest in answers:
                frame.extend(rest)
            if facts_a_frame == 1:
                for fact in frame:
                    self._send([fact], recording.measured)
            else:
                self._send(frame, recording.measured, size=len(frame))
            recording.facts += len(frame)
            given = {agent: self._came[contact].contact for agent, contact in self._offers}
            recording.calls.extend(Call(self._numbers[agent], arrived, given.get(agent)) for agent, arrived in ended)

    def _send(self, encoded: list[bytes], into: list[tuple[Frame, int]], size: int = SETUP_FACTS) -> None:
        for begin in range(0, len(encoded), size):
            self._inbox_seq += 1
            self._at_ms += 1
            frame = (self._inbox_seq, self._at_ms, codec.encode_frame(encoded[begin : begin + size]))
            into.append((frame, self._at_ms))
            self._twin.step([frame], self._at_ms)
            self._offers.extend(self._twin.made)
            self.recording.offers += len(self._twin.made)

    def _answers(self) -> Iterator[tuple[bytes, ...]]:
        offers, self._offers = self._offers, []
        for agent, contact in offers:
            self._with[agent] = contact
            yield (
                codec.encode(facts.OfferAnswered(self._id(), contact, 1, agent, accepted=True)),
                codec.encode(facts.ContactConnected(self._id(), contact, 1, agent)),
                *self._oddities(),
            )

    def _oddities(self) -> Iterator[bytes]:
        """Now and then a repeat of an earlier fact, or an end that comes too late."""
        if self._repeats and self._random.randrange(ODD_EVERY // OPERATION_FACTS) == 0:
            yield self._random.choice(self._repeats)
        if self._late and self._random.randrange(ODD_EVERY // OPERATION_FACTS) == 0:
            agent = self._random.choice(self._agents)
            yield codec.encode(facts.EngagementEndRequested(self._id(), self._random.choice(self._late), agent))

    def _end(self) -> tuple[bytes, bytes]:
        """Of one who could serve what might arrive, so that work is done in proportion to demand."""
        while True:
            agent = self._agents[self._drawing.contact(new=False)[1]]
            if agent in self._with:
                contact = self._with.pop(agent)
                break
        self._late = [*self._late[-LATE_MEMORY:], contact]
        self.recording.ends += 1
        fact = codec.encode(facts.EngagementEndRequested(self._id(), contact, agent))
        self._repeats = [*self._repeats[-LATE_MEMORY:], fact]
        return agent, fact

    def _arrival(self) -> bytes:
        number, priority = self._drawing.contact()[0], self._random.randint(1, 10)
        contact, fact = self._roll.arrival(number, priority)
        self._last = Waiting(len(self._came), number, (len(self._came)) - (priority << 32))
        self._came[contact] = self._last
        self.recording.numbers[contact] = self._last.contact
        return fact

    def _id(self) -> bytes:
        return self._roll.id()


def record(size: Size, taken_over: bytes, facts_a_frame: int = 64) -> Recording:
    """The site of `size`, and its operations."""
    crowd = Crowd(size, taken_over)
    crowd.set_up()
    crowd.recording.offers = crowd.recording.ends = 0
    crowd.work(size.operations, facts_a_frame)
    return crowd.recording
