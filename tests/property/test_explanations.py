"""Explanations against the rules as the naive model has them: the same agents, and for each the first thing that hinders."""

from collections import Counter

import msgspec
import pytest

from cordboard.router.explain import ContactExplained
from tests.property.test_histories import Day

TURNS = 80
SHOWN = 100
OFTEN = {"absent", "skill", "no_room"}
"""Words that hardly any day does without."""

_DECODER = msgspec.msgpack.Decoder(ContactExplained)


@pytest.mark.parametrize("seeds", [range(300, 304), range(304, 308), range(308, 312)], ids=lambda seeds: str(seeds.start))
def test_an_explanation_names_the_first_hindrance_of_every_member(seeds: range) -> None:
    heard = Counter[str]()
    for seed in seeds:
        day = Day(seed)
        for _ in range(TURNS):
            day.turn()
            heard.update(_compared(day))
    assert heard.keys() >= OFTEN


def _compared(day: Day) -> list[str]:
    naive, heard = day.pair.naive, []
    for contact in naive.contacts:
        if contact.state != "queued":
            continue
        explained = day.pair.router.explain_contact(contact.id, SHOWN)
        assert explained is not None
        found = {each.id: each for each in _DECODER.decode(explained).agents}
        wanted = {agent.id: next(naive.hindrances(contact, agent), "none") for agent in naive.agents}
        members = {agent.id: naive.rank(agent, contact) for agent in naive.agents if wanted[agent.id] != "not_member"}
        assert {agent: each.hindrance for agent, each in found.items()} == {agent: wanted[agent] for agent in members}
        assert {agent: each.rank for agent, each in found.items()} == members
        heard += [wanted[agent] for agent in members]
    return heard
