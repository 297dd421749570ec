"""Desks on random histories with everything in them: they show what the naive router has in its plain lists."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cordboard import codec
from cordboard.events import fact as f
from cordboard.projections.boards import Boards
from cordboard.projections.desks import Desks
from cordboard.projections.live import DeskChange
from tests.property.contact_happenings import (
    connection_fails,
    contact_is_given,
    contact_is_picked,
    contact_is_requeued,
    priority_changes,
    sibling_answers,
)
from tests.property.engagement_happenings import customer_is_held, help_comes, help_is_asked, role_changes, word_is_said
from tests.property.naive_state import Contact, Work
from tests.property.pair import AGENTS, Pair
from tests.property.sites import site
from tests.property.test_histories import Day

TURNS = 150
FURTHEST = ("engaged", "connecting", "offered")
TEAMWORK = (
    connection_fails,
    contact_is_given,
    contact_is_picked,
    contact_is_requeued,
    customer_is_held,
    help_is_asked,
    help_is_asked,
    help_comes,
    help_comes,
    priority_changes,
    role_changes,
    sibling_answers,
    word_is_said,
)


class TeamDay(Day):
    """Agents are offered contacts together, ask each other, hand over; supervisors interfere."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        policy = site(self.dice)
        self.pair = Pair(replace(policy, queues=[replace(policy.queues[0], broadcast=3), *policy.queues[1:]]))

    def fact(self) -> f.Fact:
        if self.dice.chance(45) and (special := self.dice.pick(TEAMWORK)(self.pair, self.dice)) is not None:
            return special
        return super().fact()


class Watched:
    """A day whose journal is folded as it is written, with somebody at every desk."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.desks, self.boards = Desks(), Boards()
        self.told: list[DeskChange] = []
        for agent in AGENTS:
            self.desks.subscribe(agent, self.told.append)

    def turn(self) -> None:
        self.day.turn()
        for data in self.day.pair.commits[self.desks.position :]:
            commit = codec.decode_commit(data)
            self.desks.apply(commit.seq, commit)
            self.boards.apply(commit.seq, commit)

    def check(self) -> None:
        naive = self.day.pair.naive
        shown = [
            (agent, work.contact, work.attempt, work.state, work.role, work.cost, work.deadline_ms, work.dormant)
            for agent in AGENTS
            for work in self.desks.desk(agent).work
        ]
        assert sorted(shown, key=repr) == sorted(map(expected, naive.works), key=repr)
        live = {each.contact: (each.state, each.agent, each.priority, each.key) for each in self.desks.contacts()}
        assert live == {each.id: (each.state, self.holder(each), each.priority, each.key) for each in naive.contacts}
        assert self.desks._hands.keys() <= live.keys()
        for contact in naive.contacts:
            self.check_hands(contact)
        assert self.boards.site().open == len(live)

    def check_hands(self, contact: Contact) -> None:
        mine = sorted(
            (work.attempt, work.agent)
            for work in self.day.pair.naive.works
            if work.contact == contact.id and work.state != "wrapping"
        )
        hands = self.desks.in_hand(contact.id)
        assert [(work.attempt, agent) for agent, work in hands] == mine
        held = [work.held_since_ms for _, work in hands if (work.role, work.state) == ("primary", "engaged")]
        assert held in ([contact.held_since_ms], []) or contact.state == "parked"

    def holder(self, contact: Contact) -> bytes | None:
        """Whoever is furthest with it, and was asked first; of a parked one its owner."""
        if contact.state == "parked":
            return contact.owner
        for state in FURTHEST:
            found = [
                (work.attempt, work.agent)
                for work in self.day.pair.naive.works
                if (work.contact, work.role, work.state) == (contact.id, "primary", state)
            ]
            if found:
                return min(found)[1]
        return None


def expected(work: Work) -> tuple[Any, ...]:
    state = "offered" if work.state == "held" else work.state
    return (work.agent, work.contact, work.attempt, state, work.role, work.cost, work.until_ms, work.dormant)


def spend(day: Day) -> set[str]:
    """Turn by turn; the events that desks were told of."""
    watched = Watched(day)
    for _ in range(TURNS):
        watched.turn()
        watched.check()
    return {type(change.event).__name__ for change in watched.told}


@pytest.mark.parametrize("seed", range(2_000, 2_006))
def test_desks_show_what_there_is(seed: int) -> None:
    assert "OfferMade" in spend(Day(seed))


def test_desks_show_what_agents_do_together() -> None:
    told: set[str] = set()
    for seed in range(3_000, 3_008):
        told |= spend(TeamDay(seed))
    assert {"EngagementHeld", "EngagementResumed", "RoleChanged", "ConnectFailed", "ContactReprioritised", "ContactDormant"} <= told
