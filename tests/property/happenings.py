"""What may happen to a site at random, each happening told once: a seeded day rolls dice for it, Hypothesis draws it."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from hypothesis import strategies as st

from cordboard.events import fact as f
from tests.property.pair import Pair

T = TypeVar("T")


class Choices(Protocol):
    """Where chance comes from."""

    def pick(self, options: Sequence[T]) -> T: ...

    def chance(self, percent: int) -> bool: ...


@dataclass
class Dice:
    """Chance from a seed."""

    random: random.Random

    def pick(self, options: Sequence[T]) -> T:
        return self.random.choice(options)

    def chance(self, percent: int) -> bool:
        return self.random.random() * 100 < percent


@dataclass
class Drawn:
    """Chance that Hypothesis can make smaller: towards the first option, and towards no."""

    data: st.DataObject

    def pick(self, options: Sequence[T]) -> T:
        return self.data.draw(st.sampled_from(options))

    def chance(self, percent: int) -> bool:
        return self.data.draw(st.integers(0, 99)) >= 100 - percent


Happening = Callable[[Pair, Choices], f.Fact | None]
"""A fact that fits the moment, or None if this cannot happen now."""


def new_contact(pair: Pair) -> bytes:
    pair.contacts.append((len(pair.contacts) + 1).to_bytes(16, "big"))
    return pair.contacts[-1]


def recent_contact(pair: Pair, choices: Choices) -> bytes | None:
    """One of the last contacts, living or not."""
    return choices.pick(pair.contacts[-8:]) if pair.contacts else None
