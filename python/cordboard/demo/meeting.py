"""A staffing dip: in the middle of the run most agents are called to a meeting that nobody had planned."""

import asyncio
import random
from collections.abc import Callable, Sequence

from cordboard.demo.agents import Person
from cordboard.events.policy import Policy

BEGINS, LASTS = 0.3, 0.25
"""Shares of the run."""
SHORTEST_S, LONGEST_S = 3.0, 12.0


async def meeting(
    seconds: float, percent: int, people: Sequence[Person], policy: Policy, dice: random.Random, say: Callable[[str], None]
) -> None:
    """`percent` of the people are away for a while, and come back one after the other."""
    called = dice.sample(people, len(people) * percent // 100)
    if not called:
        return
    reason = next((reason.name for reason in policy.reasons if reason.klass == "meeting"), "")
    await asyncio.sleep(BEGINS * seconds)
    say(f"{len(called)} of {len(people)} agents are called to a meeting")
    await asyncio.gather(*(person.leave(reason) for person in called))
    await asyncio.sleep(min(LONGEST_S, max(SHORTEST_S, LASTS * seconds)))
    say("the meeting is over")
    await asyncio.gather(*(person.be_back() for person in called))
