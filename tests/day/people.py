"""Who comes and who works: drawn from a seed before the day begins, so that every order meets the same day."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

from cordboard.events.bounds import AgentChannel, Membership, Requirement, Skill
from tests.day.site import CHANNELS, EXPERTS, HOUR, LANGUAGES, MINUTE, PRODUCTS, QUEUE_OF, SECOND

DAY_MS = 24 * HOUR
SHARES = {"voice": 36, "chat": 38, "mail": 18, "task": 8}
"""Percent of the contacts."""
HOURS = {
    #        0  1  2  3  4  5  6  7   8   9   10  11  12 13 14  15 16 17 18 19 20 21 22 23
    "voice": [0, 0, 0, 0, 0, 0, 0, 20, 60, 90, 90, 85, 70, 75, 90, 80, 70, 60, 45, 35, 25, 10, 0, 0],
    "chat": [0, 0, 0, 0, 0, 0, 0, 15, 40, 70, 85, 85, 70, 70, 75, 70, 65, 60, 50, 45, 40, 20, 0, 0],
    "mail": [8, 5, 4, 3, 3, 4, 10, 30, 80, 90, 85, 75, 60, 60, 65, 60, 55, 45, 35, 35, 35, 30, 22, 14],
    "task": [0, 0, 60, 0, 0, 0, 10, 20, 40, 40, 40, 40, 40, 40, 40, 40, 40, 20, 10, 5, 5, 0, 0, 0],
}
"""How the contacts of a channel spread over the hours of the day."""
HANDLE_S = {"voice": 240, "chat": 420, "mail": 230, "task": 160}
PATIENCE_S = {"voice": 210, "chat": 300}
OFFER_MARGIN_MS = 5 * MINUTE
"""The last contacts of live channels come so long before closing."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A contact before it comes. Instants count from the day's beginning."""

    number: int
    at_ms: int
    channel: str
    queue: str
    customer: bytes
    requirements: tuple[Requirement, ...]
    accepts: tuple[str, ...]
    topic: str
    priority: int
    patience_ms: int
    """How long the customer waits on a channel on which one can leave."""
    handle_ms: int
    wrap_ms: int


@dataclass(frozen=True, slots=True)
class Shift:
    """On duty from `begins_ms` to `ends_ms`, away in each of `breaks` (reason, from, to)."""

    begins_ms: int
    ends_ms: int
    breaks: tuple[tuple[str, int, int], ...]

    def at_work(self, at_ms: int) -> bool:
        return self.begins_ms <= at_ms < self.ends_ms and not any(from_ms <= at_ms < to_ms for _, from_ms, to_ms in self.breaks)


@dataclass(frozen=True, slots=True)
class Worker:
    """An agent, and when they work."""

    agent: bytes
    shifts: tuple[Shift, ...]
    skills: tuple[Skill, ...]
    memberships: tuple[Membership, ...]
    channels: tuple[AgentChannel, ...]


def an_id(seed: int, kind: str, number: int) -> bytes:
    """16 bytes without an order of their own."""
    return hashlib.blake2b(f"{seed}/{kind}/{number}".encode(), digest_size=16).digest()


def visitors(seed: int, contacts: int) -> list[Visitor]:
    """In the order in which they come."""
    chance = random.Random(f"{seed}/visitors")
    times = sorted((at_ms, channel) for channel in CHANNELS for at_ms in _arrivals(chance, channel, contacts))
    return [_visitor(seed, chance, number, at_ms, channel) for number, (at_ms, channel) in enumerate(times)]


def workers(seed: int, agents: int) -> list[Worker]:
    chance = random.Random(f"{seed}/workers")
    return [_worker(seed, chance, number) for number in range(agents)]


def _arrivals(chance: random.Random, channel: str, contacts: int) -> Iterator[int]:
    count = contacts * SHARES[channel] // 100
    for hour in chance.choices(range(24), HOURS[channel], k=count):
        last = channel in PATIENCE_S and HOURS[channel][(hour + 1) % 24] == 0
        yield hour * HOUR + chance.randrange(HOUR - (OFFER_MARGIN_MS if last else 0))


def _visitor(seed: int, chance: random.Random, number: int, at_ms: int, channel: str) -> Visitor:
    language = chance.choices(LANGUAGES, (70, 20, 10))[0]
    product = chance.choice(PRODUCTS)
    wants = [Requirement(language, chance.choice((3, 5)))]
    if chance.random() < 0.6:
        wants.append(Requirement(product, chance.choice((2, 4, 6)), hard=False))
    patience_ms = round(SECOND * max(8.0, chance.expovariate(1 / PATIENCE_S.get(channel, 1))))
    # Of a log-normal distribution with this median and spread the mean is a fifth above it.
    handle_ms = round(SECOND * min(3_000.0, HANDLE_S[channel] / 1.2 * chance.lognormvariate(0, 0.6)))
    return Visitor(
        number=number, at_ms=at_ms, channel=channel, queue=QUEUE_OF[channel],
        # A third of the customers come more than once.
        customer=an_id(seed, "customer", chance.randrange(number + 1) if chance.random() < 0.2 else number),
        requirements=tuple(wants), accepts=("en",) if language == "de" and chance.random() < 0.7 else (), topic=product,
        priority=5 if chance.random() < 0.1 else 0, patience_ms=patience_ms, handle_ms=handle_ms,
        wrap_ms=round(SECOND * chance.uniform(5, 50)),
    )  # fmt: skip


def _worker(seed: int, chance: random.Random, number: int) -> Worker:
    begins_ms = _shift(chance, number)
    ends_ms = begins_ms + 8 * HOUR + 30 * MINUTE
    lunch_ms = begins_ms + 4 * HOUR + chance.randrange(-HOUR, HOUR)
    breaks = (
        ("break", begins_ms + 90 * MINUTE + chance.randrange(30 * MINUTE), 15 * MINUTE),
        ("lunch", lunch_ms, 30 * MINUTE),
        ("break", lunch_ms + 2 * HOUR, 15 * MINUTE),
    )
    kind = chance.choices(("blended", "phone", "written"), (70, 15, 15))[0]
    channels = {"blended": CHANNELS, "phone": ("voice", "mail"), "written": ("chat", "mail", "task")}[kind]
    expert = chance.random() < 0.15
    memberships = [Membership(QUEUE_OF[channel]) for channel in channels]
    if kind != "written":
        memberships.append(Membership(EXPERTS, 0 if expert else 1))
    skills = [Skill("nl", chance.randint(5, 10)), Skill("en", chance.randint(4, 9))]
    if chance.random() < 0.4:
        skills.append(Skill("de", chance.randint(5, 9)))
    skills += [Skill(product, chance.randint(1, 8)) for product in PRODUCTS if chance.random() < 0.8]
    skills.append(Skill("expert", 8 if expert else 3))
    return Worker(
        agent=an_id(seed, "agent", number),
        shifts=(Shift(begins_ms, ends_ms, tuple((reason, at_ms, at_ms + long_ms) for reason, at_ms, long_ms in breaks)),),
        skills=tuple(skills), memberships=tuple(memberships), channels=tuple(AgentChannel(channel) for channel in channels),
    )  # fmt: skip


def _shift(chance: random.Random, number: int) -> int:
    """Early, middle, late; one in twenty-five works in the small hours, one in twenty-five begins late in the evening."""
    if number % 25 == 11:
        return chance.randrange(0, 30 * MINUTE)
    if number % 25 == 12:
        return 22 * HOUR + chance.randrange(0, 30 * MINUTE)
    first, last = chance.choices(((6 * HOUR + 30 * MINUTE, 8 * HOUR), (8 * HOUR, 10 * HOUR), (12 * HOUR, 14 * HOUR)), (36, 31, 33))[
        0
    ]
    return chance.randrange(first, last)
