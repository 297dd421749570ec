"""Who comes, who wishes to be called: drawn from a seed before the week begins, so that every variant meets the same."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cordboard.events.bounds import Requirement
from cordboard.events.promises import AttemptOutcome, PromiseKind
from tests.day.people import DAY_MS, Visitor, an_id
from tests.day.site import HOUR, MINUTE, PRODUCTS, SECOND
from tests.week.site import CHANNELS, OPEN_DAYS, QUEUE_OF, is_open, opening

SHARES = {"voice": 45, "chat": 25, "whatsapp": 12, "mail": 18}
"""Percent of the contacts."""
WEEKDAYS = (125, 108, 100, 98, 92, 48)
HOURS = {
    #           0  1  2  3  4  5  6   7   8   9   10   11  12  13  14  15  16  17  18  19  20  21  22 23
    "voice":    [0, 0, 0, 0, 0, 0, 0, 0, 60, 90, 100, 92, 75, 78, 92, 85, 75, 65, 48, 32, 0, 0, 0, 0],
    "chat":     [0, 0, 0, 0, 0, 0, 0, 0, 45, 72, 88, 88, 80, 78, 80, 76, 70, 66, 58, 48, 0, 0, 0, 0],
    "whatsapp": [0, 0, 0, 0, 0, 0, 5, 15, 40, 60, 70, 75, 80, 70, 60, 60, 65, 70, 70, 60, 40, 25, 10, 4],
    "mail":     [8, 5, 4, 3, 3, 4, 10, 30, 80, 90, 85, 75, 60, 60, 65, 60, 55, 45, 35, 35, 35, 30, 22, 14],
}  # fmt: skip
"""How the contacts of a channel spread over the hours of a day."""
HANDLE_S = {"voice": 430, "chat": 960, "whatsapp": 360, "mail": 420}
PATIENCE_S = {"voice": 240, "chat": 300}
ASKERS_PERCENT = 24
"""Of the callers: those who would rather choose a time."""
WILLING_PERCENT = 40
"""Of the other callers: those who hang up and keep their place, if a long wait is expected."""
LANGUAGES = ("nl", "fr", "en")
LAST_MS = 5 * MINUTE
"""The last who call or chat come so long before closing."""


@dataclass(frozen=True, slots=True)
class Try:
    """What the dialler would hear, after ringing for `after_ms`."""

    outcome: AttemptOutcome | Literal["reached"]
    after_ms: int


@dataclass(frozen=True, slots=True)
class Wish:
    """A caller who would be called. `at_ms`: wished for, in ms of the week. `until_ms`: reachable no later (None: whenever)."""

    kind: PromiseKind
    at_ms: int
    until_ms: int | None
    customer_first: bool
    tries: tuple[Try, ...]
    changes: Literal["cancels", "moves"] | None
    """What they do half way to the promised time."""


def visitors(seed: int, contacts: int) -> list[Visitor]:
    """In the order in which they come."""
    chance = random.Random(f"{seed}/visitors")
    times = sorted((at_ms, channel) for channel in CHANNELS for at_ms in _arrivals(chance, channel, contacts))
    return [_visitor(seed, chance, number, at_ms, channel) for number, (at_ms, channel) in enumerate(times)]


def wishes(seed: int, visitors: list[Visitor]) -> dict[int, Wish]:
    """By the number of the visitor."""
    found = {}
    for visitor in visitors:
        chance = random.Random(f"{seed}/wish/{visitor.number}")
        if visitor.channel == "voice":
            if chance.random() < ASKERS_PERCENT / 100:
                if (wished_ms := _wished_ms(chance, visitor.at_ms)) is not None:
                    found[visitor.number] = _wish(chance, "scheduled", wished_ms)
            elif chance.random() < WILLING_PERCENT / 100:
                found[visitor.number] = _wish(chance, "hold_place", visitor.at_ms)
    return found


def _wish(chance: random.Random, kind: PromiseKind, at_ms: int) -> Wish:
    hours = chance.random() < 0.4
    fate = chance.random()
    return Wish(
        kind=kind, at_ms=at_ms, until_ms=at_ms + chance.choice((2, 3, 4)) * HOUR if hours and kind == "scheduled" else None,
        customer_first=chance.random() < 0.35, tries=tuple(_try(chance) for _ in range(12)),
        changes="cancels" if fate < 0.04 else "moves" if fate < 0.08 else None,
    )  # fmt: skip


def _try(chance: random.Random) -> Try:
    outcome: AttemptOutcome | Literal["reached"] = chance.choices(
        ("reached", "no_answer", "busy", "voicemail", "wrong_person", "refused"), (78, 12, 5, 3, 1, 1)
    )[0]
    rings = {"reached": (4, 18), "no_answer": (25, 29), "busy": (2, 4), "voicemail": (18, 24), "wrong_person": (8, 16)}
    return Try(outcome, chance.randrange(*rings.get(outcome, (4, 12))) * SECOND)


def _wished_ms(chance: random.Random, asked_ms: int) -> int | None:
    """Half of them soon; the others at a half hour that suits them, most at noon or after work; when the site is closed then, some
    time on the next morning. None: nothing is left of the week."""
    if chance.random() < 0.5:
        wished_ms = asked_ms + chance.randrange(30 * MINUTE, 3 * HOUR)
    else:
        day = asked_ms // DAY_MS + chance.choices((0, 1, 2), (45, 40, 15))[0]
        hour = chance.choices(range(8, 20), (3, 4, 6, 6, 16, 8, 5, 5, 7, 16, 14, 4))[0]
        wished_ms = day * DAY_MS + hour * HOUR + chance.choice((0, 30 * MINUTE))
    wished_ms -= wished_ms % (5 * MINUTE)
    if wished_ms > asked_ms and is_open(wished_ms):
        return wished_ms
    mornings = [hours[0] for day in range(OPEN_DAYS) if (hours := opening(day)) and hours[0] > max(asked_ms, wished_ms)]
    return mornings[0] + chance.randrange(0, 3 * HOUR, 5 * MINUTE) if mornings else None


def _arrivals(chance: random.Random, channel: str, contacts: int) -> Iterator[int]:
    for day in chance.choices(range(OPEN_DAYS), WEEKDAYS, k=contacts * SHARES[channel] // 100):
        hours = opening(day)
        assert hours is not None
        while True:
            at_ms = day * DAY_MS + chance.choices(range(24), HOURS[channel])[0] * HOUR + chance.randrange(HOUR)
            if channel not in PATIENCE_S or hours[0] <= at_ms < hours[1] - LAST_MS:
                break
        yield at_ms


def _visitor(seed: int, chance: random.Random, number: int, at_ms: int, channel: str) -> Visitor:
    language, product = chance.choices(LANGUAGES, (60, 30, 10))[0], chance.choice(PRODUCTS)
    wants = [Requirement(language, chance.choice((3, 4)))]
    if chance.random() < 0.5:
        wants.append(Requirement(product, chance.choice((2, 4, 6)), hard=False))
    return Visitor(
        number=number, at_ms=at_ms, channel=channel, queue=QUEUE_OF[channel], customer=an_id(seed, "customer", number),
        requirements=tuple(wants), accepts=(), topic=product, priority=5 if chance.random() < 0.1 else 0,
        patience_ms=round(SECOND * max(8.0, chance.expovariate(1 / PATIENCE_S.get(channel, 1)))),
        # Of a log-normal distribution with this median and spread the mean is an eighth above it.
        handle_ms=round(SECOND * min(3_000.0, HANDLE_S[channel] / 1.13 * chance.lognormvariate(0, 0.5))),
        wrap_ms=round(SECOND * chance.uniform(5, 50)),
    )  # fmt: skip
