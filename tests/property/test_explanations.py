"""Explanations against the rules as the naive model has them: the same agents, for each the first thing that hinders, and what is
due; at the last commit's time and at later ones."""

from collections import Counter

import msgspec
import pytest

from cordboard.router.explain import ContactExplained
from tests.property.naive_router import NaiveRouter
from tests.property.naive_state import Contact
from tests.property.naive_timers import KINDS
from tests.property.test_histories import Day

TURNS = 80
SHOWN = 100
OFTEN = {"absent", "skill", "no_room"}
"""Words that hardly any day does without."""
LATER_MS = (0, 700, 5_000, 40_000)

_DECODER = msgspec.msgpack.Decoder(ContactExplained)


@pytest.mark.parametrize("seeds", [range(300, 304), range(304, 308), range(308, 312)], ids=lambda seeds: str(seeds.start))
def test_an_explanation_names_the_first_hindrance_of_every_member_and_what_is_due(seeds: range) -> None:
    heard, due = Counter[str](), Counter[str]()
    for seed in seeds:
        day = Day(seed)
        for turn in range(TURNS):
            day.turn()
            naive = day.pair.naive
            decided_ms = naive.at_ms
            naive.at_ms = day.pair.router.position().at_ms + LATER_MS[turn % len(LATER_MS)]
            for contact in naive.contacts:
                explained = _explained(day, contact)
                heard.update(_hindrances(naive, contact, explained))
                due.update(_due(naive, contact, explained))
            naive.at_ms = decided_ms
    assert heard.keys() >= OFTEN
    assert due.keys() >= {"look", "offer"}


def _explained(day: Day, contact: Contact) -> ContactExplained:
    naive = day.pair.naive
    explained = day.pair.router.explain_contact(contact.id, SHOWN, naive.at_ms)
    assert explained is not None
    found = _DECODER.decode(explained)
    assert (found.at_ms, found.state, found.promise) == (naive.at_ms, contact.state, None)
    assert found.due_ms == naive.due_at(contact)
    return found


def _hindrances(naive: NaiveRouter, contact: Contact, explained: ContactExplained) -> list[str]:
    if contact.state != "queued":
        assert not explained.agents
        return []
    found = {each.id: each for each in explained.agents}
    wanted = {agent.id: next(naive.hindrances(contact, agent), "none") for agent in naive.agents}
    members = {agent.id: naive.rank(agent, contact) for agent in naive.agents if wanted[agent.id] != "not_member"}
    assert {agent: each.hindrance for agent, each in found.items()} == {agent: wanted[agent] for agent in members}
    assert {agent: each.rank for agent, each in found.items()} == members
    return [wanted[agent] for agent in members]


def _due(naive: NaiveRouter, contact: Contact, explained: ContactExplained) -> list[str]:
    """What is due first of each kind."""
    first: dict[str, int] = {}
    for when_ms, kind, whose, _ in naive.due():
        name = KINDS[kind]
        concerned = whose == contact.queue.encode() if name == "closing" else whose.startswith(contact.id)
        if (
            when_ms <= naive.at_ms
            and concerned
            and name not in ("wrap_up", "promote")
            and (name != "look" or contact.state == "queued")
        ):
            first[name] = min(when_ms, first.get(name, when_ms))
    found: dict[str, int] = {}
    for due in explained.due:
        found.setdefault(due.what, due.at_ms)
    assert found == first
    return list(found)
