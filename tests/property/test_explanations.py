"""Explanations against the rules as the naive model has them: the same agents, for each the first thing that hinders, who has the
contact or is reserved for it, and what is due; at the last commit's time and at later ones."""

from collections import Counter

import msgspec
import pytest

from cordboard.router.explain import AgentExplained, ContactExplained, Offered
from tests.property.naive_router import NaiveRouter
from tests.property.naive_state import Agent, Contact
from tests.property.naive_timers import KINDS
from tests.property.test_histories import Day

TURNS = 80
SHOWN = 100
OFTEN = {"absent", "skill", "no_room"}
"""Words that hardly any day does without."""
HELD = {"offered", "connecting", "others", "parked", "reserved"}
LATER_MS = (0, 700, 5_000, 40_000)

_CONTACT = msgspec.msgpack.Decoder(ContactExplained)
_AGENT = msgspec.msgpack.Decoder(AgentExplained)


@pytest.mark.parametrize("seeds", [range(300, 304), range(304, 308), range(308, 312)], ids=lambda seeds: str(seeds.start))
def test_an_explanation_names_the_first_hindrance_of_every_member_and_what_is_due(seeds: range) -> None:
    heard, held, due = Counter[str](), Counter[str](), Counter[str]()
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
                held.update(_held(naive, contact, explained))
                due.update(_due(naive, contact, explained))
            for agent in naive.agents:
                _agrees_on(day, agent)
            naive.at_ms = decided_ms
    assert held.keys() >= HELD
    assert heard.keys() >= OFTEN
    assert due.keys() >= {"look", "offer"}


def _explained(day: Day, contact: Contact) -> ContactExplained:
    naive = day.pair.naive
    explained = day.pair.router.explain_contact(contact.id, SHOWN, naive.at_ms)
    assert explained is not None
    found = _CONTACT.decode(explained)
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
    kept = {other.reserved: other.id for other in naive.contacts if other.reserved is not None}
    assert all(each.reserved == (kept[each.id] if each.hindrance == "reserved" else None) for each in explained.agents)
    return [wanted[agent] for agent in members]


def _held(naive: NaiveRouter, contact: Contact, explained: ContactExplained) -> list[str]:
    """Who is offered it or connects and until when, who parked it, who is reserved for it."""
    group = [
        work
        for work in sorted(naive.works, key=lambda work: work.attempt)
        if (work.contact, work.role) == (contact.id, "primary") and work.state in ("offered", "held", "connecting")
    ]
    first = next((work for work in group if work.state == contact.state), None)
    others = [work.agent for work in group if work is not first]
    assert explained.offer == (None if first is None else Offered(first.until_ms or 0, others))
    assert explained.reserved == contact.reserved
    parked = explained.parked
    if contact.state != "parked":
        assert parked is None
    else:
        assert parked is not None and parked.since_ms <= naive.at_ms
        assert (parked.owner, parked.kind, parked.until_ms) == (contact.owner, contact.parked_kind, contact.parked_until_ms)
    return [
        *([contact.state] if first is not None or parked is not None else []),
        *(["others"] if others else []),
        *(["reserved"] if contact.reserved is not None else []),
    ]


def _agrees_on(day: Day, agent: Agent) -> None:
    """What the agent has from elsewhere, and is reserved for: that is what keeps the agent from others."""
    naive = day.pair.naive
    found = _AGENT.decode(day.pair.router.explain_agent(agent.id, SHOWN, naive.at_ms) or b"")
    reserved = next((contact.id for contact in naive.contacts if contact.reserved == agent.id), None)
    assert (found.outside, found.reserved) == (len(agent.outside), reserved)
    assert all(each.reserved == (reserved if each.hindrance == "reserved" else None) for each in found.contacts)


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
