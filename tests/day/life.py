"""One contact as the outside knows it."""

import random
from dataclasses import dataclass

from tests.day.people import Visitor


@dataclass(slots=True)
class Life:
    """A visitor who has come. `agent` and `attempt`: who is engaged with it as primary, if anybody is."""

    visitor: Visitor
    contact: bytes
    chance: random.Random
    """Behaviour beyond what was drawn before the day: its own, so that contacts do not disturb each other."""
    agent: bytes | None = None
    attempt: int = 0
    engagements: int = 0
    gone: bool = False
    visit: int = 1

    def with_agent(self, agent: bytes, attempt: int) -> bool:
        """The engagement that something was planned for still runs."""
        return not self.gone and (self.agent, self.attempt) == (agent, attempt)
