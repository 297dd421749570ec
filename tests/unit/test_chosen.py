"""Why somebody was offered a contact: each reason that the core gives has its words, and nobody is named who may not be shown."""

from typing import Any, get_args, get_type_hints

import pytest

from cordboard.api.chosen import why_chosen
from cordboard.api.translate.contacts import timeline_entry
from cordboard.events.agents_named import without_agents
from cordboard.events.event import OfferMade
from cordboard.events.offer_events import Direct, Why
from cordboard.projections.history.details import fields_of
from cordboard.projections.history.reader import TimelineRow
from cordboard.vault import Person

ANNA, BEN = b"\x0a" * 16, b"\x0b" * 16
PEOPLE = {ANNA: Person(person="p-anna", name="Anna"), BEN: Person(person="p-ben", name="")}
HINTS = get_type_hints(Why)
OF_AGENTS = {
    "only": "Anna was the only one to be offered it",
    "preferred": "Anna is whom it waited for",
    "rank": "Anna is asked before p-ben",
    "load": "Anna had nothing in hand, and p-ben had",
    "strategy": "Anna was idle longest, before p-ben",
    "idle": "Anna was idle longer than p-ben",
    "agent_id": "Anna was equal to p-ben: the lower id decides",
}
OF_CONTACTS = {
    "only": "nothing else waited that could be",
    "reserved": "Anna was reserved for it",
    "floor": "its class was owed a share of the work",
    "rank": "Anna is asked for it before the next one",
    "class": "its class goes before that of the next one",
    "due": "it was due before the next one",
    "arrival": "it came before the next one",
}


def offer(**known: Any) -> OfferMade:
    given = {"at_ms": 9, "attempt": 1, "queue": "orders", "expires_ms": 99, "cost": 1, "rank": 0, "cause": "routed", "wait_ms": 5}
    return OfferMade(**{**given, **known})


def why(**known: Any) -> Why:
    given = {"looked": "contact", "strategy": "longest_idle", "able": 3, "step": 0, "runner_up": BEN, "decided": "strategy"}
    return Why(**{**given, **known})


def said(event: OfferMade, shown: bool = True) -> str:
    details = fields_of(event)
    row = TimelineRow(
        bytes(16), 3, 1, 9, "OfferMade", ANNA if shown else None, "chat", 1, None,
        details if shown else without_agents("OfferMade", details),
    )  # fmt: skip
    return timeline_entry(row, PEOPLE).sentence


def test_each_reason_of_a_choice_among_agents_has_its_words() -> None:
    for decided, words in OF_AGENTS.items():
        assert said(offer(why=why(decided=decided))) == f"{words}; 3 had room and the skills."


def test_each_reason_of_an_agents_choice_has_its_words() -> None:
    for decided, words in OF_CONTACTS.items():
        found = said(offer(why=why(looked="agent", decided=decided, runner_up=b"\x0c" * 16)))
        assert found == f"Anna had room and took what is first for Anna: {words}; 3 had room and the skills."


def test_the_core_gives_no_other_reason() -> None:
    assert set(get_args(HINTS["decided"])) == OF_AGENTS.keys() | OF_CONTACTS.keys()


@pytest.mark.parametrize("strategy", get_args(HINTS["strategy"]))
def test_each_strategy_has_its_words(strategy: str) -> None:
    words = said(offer(why=why(strategy=strategy)))
    assert words.startswith("Anna ") and words.endswith(", before p-ben; 3 had room and the skills.")
    assert (words.split(",")[0] == "Anna was idle longest") == (strategy == "longest_idle")


def test_steps_of_the_plan_and_how_many_were_able_are_said() -> None:
    assert said(offer(why=why(step=1, able=100))).endswith(
        "; 100 or more had room and the skills; 1 step of its plan had been taken."
    )
    assert said(offer(why=why(step=2, able=0))).endswith("; no agent had room for it; 2 steps of its plan had been taken.")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("pick", "Anna was to have it: it was picked from the line by p-ben."),
        ("transfer", "Anna was to have it: it was transferred to Anna by p-ben."),
        ("returned", "Anna transferred it, and nobody took it: so it is offered to Anna again."),
        ("consult", "Anna was asked to help by p-ben."),
        ("conference", "Anna was asked to join by p-ben."),
    ],
)
def test_what_was_given_directly_says_by_whom(reason: str, words: str) -> None:
    assert said(offer(cause="direct", direct=Direct(by=BEN, reason=reason))) == words  # type: ignore[arg-type]


def test_every_way_of_giving_directly_is_among_them() -> None:
    for reason in get_args(get_type_hints(Direct)["reason"]):
        assert why_chosen({"direct": {"by": None, "reason": reason}}, "Anna", str) != ""


def test_who_may_not_be_shown_is_not_named() -> None:
    for decided in (*OF_AGENTS, *OF_CONTACTS):
        assert said(offer(why=why(decided=decided)), shown=False) == ""
