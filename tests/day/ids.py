"""Ids of facts and references, the same in every run with the same seed."""

import itertools

from tests.day.people import an_id


class Ids:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._facts = itertools.count()
        self._refs = itertools.count()

    def fact(self) -> bytes:
        return an_id(self._seed, "fact", next(self._facts))

    def ref(self) -> bytes:
        """A message, a piece of outside work: nothing that the core would look into."""
        return an_id(self._seed, "ref", next(self._refs))

    def contact(self, number: int) -> bytes:
        return an_id(self._seed, "contact", number)
