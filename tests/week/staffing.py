"""Who is rostered, and who then does not come: the planner knows the first, and promises by it."""

import random
from dataclasses import replace

from cordboard.events.bounds import AgentChannel, Membership, Skill
from tests.day.people import DAY_MS, Shift, Worker, an_id
from tests.day.site import EXPERTS, HOUR, MINUTE, PRODUCTS
from tests.week.people import HOURS, WEEKDAYS
from tests.week.site import INTERVAL_MS, OPEN_DAYS, QUEUE_OF, is_open, opening

LENGTHS = ((4, 25), (6, 30), (8, 45))
"""Hours of a shift, and how common it is."""
KINDS: dict[str, tuple[str, ...]] = {
    "phone": ("voice", "mail"), "written": ("chat", "whatsapp", "mail"), "blended": ("voice", "chat", "whatsapp", "mail"),
}  # fmt: skip
SICK_PERCENT = (3, 14, 3, 3, 3, 3)
"""By day: of those who are rostered. Tuesday is bad."""
MEETING = (2, 14 * HOUR, 90 * MINUTE, 70)
"""On which day (0 is Monday), from when, for how long, and how many percent of those who chat: nobody told the planner."""


def rostered(seed: int, agents: int) -> list[Worker]:
    """As the planner knows it. Shifts begin when they are needed most, by what comes in an average week."""
    chance = random.Random(f"{seed}/workers")
    need = _Need()
    return [_worker(seed, chance, number, need) for number in range(agents)]


class _Need:
    """How much of each live channel's work comes in each half hour, and how many are there for it already."""

    def __init__(self) -> None:
        self._work = {channel: _average(channel) for channel in ("voice", "chat")}
        self._there = {channel: [1.0] * len(work) for channel, work in self._work.items()}

    def best(self, begins: list[int], long_ms: int, channels: tuple[str, ...]) -> int:
        """Of these beginnings the one at which a shift on those channels helps most; it is taken from then on."""
        live = [channel for channel in channels if channel in self._work]

        def helps(begins_ms: int) -> float:
            slots = range(begins_ms // INTERVAL_MS, (begins_ms + long_ms) // INTERVAL_MS)
            return sum(self._work[channel][slot] / self._there[channel][slot] for channel in live for slot in slots)

        chosen = max(begins, key=helps)
        for slot in range(chosen // INTERVAL_MS, (chosen + long_ms) // INTERVAL_MS):
            for channel in live:
                self._there[channel][slot] += 1 / len(live)
        return chosen


def _average(channel: str) -> list[float]:
    """By the half hours of the week."""
    slots = range(0, OPEN_DAYS * DAY_MS, INTERVAL_MS)
    share = [WEEKDAYS[at_ms // DAY_MS] * HOURS[channel][at_ms % DAY_MS // HOUR] if is_open(at_ms) else 0 for at_ms in slots]
    return [each / sum(share) for each in share]


def at_work(seed: int, workers: list[Worker]) -> list[Worker]:
    """As it comes to be: some are ill, some are called to a meeting."""
    chance = random.Random(f"{seed}/absences")
    return [replace(worker, shifts=tuple(_kept(chance, worker))) for worker in workers]


def staffed_ms(workers: list[Worker]) -> int:
    """The time that they are there, without breaks."""
    return sum(
        shift.ends_ms - shift.begins_ms - sum(to_ms - from_ms for _, from_ms, to_ms in shift.breaks)
        for worker in workers
        for shift in worker.shifts
    )


def _kept(chance: random.Random, worker: Worker) -> list[Shift]:
    kept = []
    day, from_ms, long_ms, percent = MEETING
    from_ms += day * DAY_MS
    for shift in worker.shifts:
        if chance.random() < SICK_PERCENT[shift.begins_ms // DAY_MS] / 100:
            continue
        meets = any(each.channel == "chat" for each in worker.channels) and chance.random() < percent / 100
        alone = not any(begins < from_ms + long_ms and from_ms < ends for _, begins, ends in shift.breaks)
        if meets and alone and shift.at_work(from_ms) and shift.ends_ms > from_ms + long_ms:
            shift = replace(shift, breaks=(*shift.breaks, ("meeting", from_ms, from_ms + long_ms)))
        kept.append(shift)
    return kept


def _worker(seed: int, chance: random.Random, number: int, need: _Need) -> Worker:
    kind = chance.choices(("phone", "blended", "written"), (48, 26, 26))[0]
    channels = KINDS[kind]
    expert = chance.random() < 0.15
    memberships = [Membership(QUEUE_OF[channel]) for channel in channels]
    if kind != "written":
        memberships.append(Membership(EXPERTS, 0 if expert else 1))
    skills = [Skill("nl", chance.randint(5, 10)), Skill("en", chance.randint(4, 9))]
    if chance.random() < 0.75:
        skills.append(Skill("fr", chance.randint(5, 9)))
    skills += [Skill(product, chance.randint(1, 8)) for product in PRODUCTS if chance.random() < 0.8]
    skills.append(Skill("expert", 8 if expert else 3))
    return Worker(
        agent=an_id(seed, "agent", number), shifts=_shifts(chance, channels, need), skills=tuple(skills),
        memberships=tuple(memberships), channels=tuple(AgentChannel(channel) for channel in channels),
    )  # fmt: skip


def _shifts(chance: random.Random, channels: tuple[str, ...], need: _Need) -> tuple[Shift, ...]:
    """Two days in three on weekdays, every third Saturday; the length is a matter of the contract."""
    hours = chance.choices([length for length, _ in LENGTHS], [share for _, share in LENGTHS])[0]
    days = [day for day in range(OPEN_DAYS) if chance.random() < (0.3 if day == 5 else 0.66)]
    return tuple(_shift(chance, day, hours * HOUR, channels, need) for day in days)


def _shift(chance: random.Random, day: int, long_ms: int, channels: tuple[str, ...], need: _Need) -> Shift:
    opens_ms, closes_ms = opening(day) or (0, 0)
    begins_ms = need.best(list(range(opens_ms, closes_ms - long_ms + 1, INTERVAL_MS)), long_ms, channels)
    ends_ms = begins_ms + long_ms
    breaks = [("break", begins_ms + long_ms // 4 + chance.randrange(30 * MINUTE), 15 * MINUTE)]
    if long_ms > 4 * HOUR:
        breaks.append(("lunch", begins_ms + long_ms // 2 + chance.randrange(HOUR // 2), 30 * MINUTE))
    if long_ms > 6 * HOUR:
        breaks.append(("break", ends_ms - 2 * HOUR + chance.randrange(30 * MINUTE), 15 * MINUTE))
    # A few stay for the last who came before closing.
    return Shift(begins_ms, ends_ms + chance.choice((0, 5, 10)) * MINUTE, tuple((why, at, at + long) for why, at, long in breaks))
