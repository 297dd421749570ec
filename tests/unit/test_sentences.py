"""Explanations in sentences: every word, for one and for several."""

from typing import get_args

import pytest

from cordboard.api import sentences
from cordboard.api.declared import Fit
from cordboard.events.bounds import Key, Requirement
from cordboard.router.explain import AgentExplained, ContactExplained, Due, Held, Hindered, Hindrance, Promised, Waits

NOW_MS = 1_750_000_000_000
ANNA, BEN = b"\x02" * 16, b"\x03" * 16
WORK = Held(bytes(16), 1, "chat", "orders", 50)
WORDS: tuple[Hindrance, ...] = get_args(Hindrance)
SAID = {
    "none": ("could be offered it now", "could be offered it now"),
    "not_declared": ("is not declared", "are not declared"),
    "not_member": ("is no member of its queue", "are no members of its queue"),
    "sender": ("was the last to have it", "were the last to have it"),
    "absent": ("is not ready", "are not ready"),
    "desk_lost": ("has lost the desk", "have lost their desk"),
    "channel_not_enabled": ("does not work on its channel", "do not work on its channel"),
    "channel_off": ("has its channel switched off", "have its channel switched off"),
    "skill": ("lacks a skill", "lack a skill"),
    "excluded": (
        "declined, missed or could not be connected with it a short while ago",
        "declined, missed or could not be connected with it a short while ago",
    ),
    "leaving": ("leaves too soon", "leave too soon"),
    "over_capacity": ("has more work than the limits allow", "have more work than the limits allow"),
    "no_room": ("has no room for it", "have no room for it"),
    "reserved": ("is reserved for another contact", "are reserved for another contact"),
    "rank_closed": ("is asked only later", "are asked only later"),
    "preference": ("is not the agent it waits for", "are not the agent it waits for"),
}


def name(agent: bytes) -> str:
    return {ANNA: "Anna", BEN: "Ben"}[agent]


def contact(**known: object) -> ContactExplained:
    fields: dict[str, object] = {
        "seq": 9, "at_ms": NOW_MS, "contact": bytes(16), "state": "queued", "channel": "chat", "queue": "orders", "visit": 1,
        "attempt": 0, "key": Key(2, 0, 1), "entered_ms": NOW_MS - 90_000, "queued_at_ms": NOW_MS - 90_000,
        "due_ms": NOW_MS + 30_000, "priority": 4, "requirements": [], "preferred": [], "prefer_until_ms": 0, "agent": None,
        "ahead": 2, "hindrances": {}, "agents": [], "promise": None, "place": None, "due": [],
    }  # fmt: skip
    return ContactExplained(**{**fields, **known})  # type: ignore[arg-type]


def agent(**known: object) -> AgentExplained:
    fields: dict[str, object] = {
        "seq": 9, "at_ms": NOW_MS, "agent": ANNA, "requested": "ready", "requested_reason": None, "effective": "ready",
        "effective_reason": None, "idle_since_ms": NOW_MS - 5_000, "load": 0, "capacity": 100, "work": [], "waiting": 0,
        "hindrances": {}, "contacts": [], "due": [],
    }  # fmt: skip
    return AgentExplained(**{**fields, **known})  # type: ignore[arg-type]


def test_every_word_has_its_sentences() -> None:
    assert set(SAID) == set(WORDS)


@pytest.mark.parametrize("word", WORDS)
def test_members_are_counted_by_what_keeps_them(word: Hindrance) -> None:
    one, many = SAID[word]
    assert sentences.of_contact(contact(hindrances={word: 1}), name, None)[-1] == f"The one member of its queue {one}."
    assert sentences.of_contact(contact(hindrances={word: 3}), name, None)[-1] == f"Of the 3 members of its queue 3 {many}."
    assert sentences.of_agent(agent(waiting=3, hindrances={word: 3}), "Anna")[-1] == (
        f"Of the 3 contacts that wait in Anna's queues 3: Anna {one}."
    )
    assert (
        sentences.of_agent(agent(waiting=1, hindrances={word: 1}), "Anna")[-1] == f"One contact waits in Anna's queues: Anna {one}."
    )


@pytest.mark.parametrize("word", WORDS)
def test_an_obstacle_says_for_how_long_it_lasts(word: Hindrance) -> None:
    one, _ = SAID[word]
    later = ", in 1:05" if word == "rank_closed" else ", for 1:05 more"
    for until_ms, more in ((None, ""), (NOW_MS, ""), (NOW_MS + 65_000, later)):
        assert sentences.obstacle(Hindered(ANNA, "orders", 0, None, word, until_ms, None), NOW_MS) == one + more


def test_a_missing_skill_is_named() -> None:
    hard, soft = Requirement("nl.written", 5), Requirement("fr", 3, False)
    assert sentences.obstacle(Hindered(ANNA, "orders", 0, None, "skill", None, hard), NOW_MS) == "lacks nl.written 5"
    assert sentences.obstacle(Hindered(ANNA, "orders", 0, None, "skill", None, soft), NOW_MS) == "lacks (fr 3)"


def test_what_keeps_most_members_comes_first() -> None:
    found = contact(hindrances={"absent": 1, "no_room": 4, "skill": 2})
    assert sentences.of_contact(found, name, None)[-1] == (
        "Of the 7 members of its queue 4 have no room for it, 2 lack a skill, 1 is not ready."
    )


def test_a_contact_says_where_it_stands() -> None:
    found = contact(requirements=[Requirement("nl", 2)], preferred=[ANNA, BEN], prefer_until_ms=NOW_MS + 3_700_000)
    assert sentences.of_contact(found, name, None) == [
        "The contact (chat) is queued in orders for 1:30, due in 0:30; class session, priority 4; 2 come first.",
        "It needs nl 2.",
        "It waits for Anna, Ben, for 1:01:40 more, as long as one of them is there.",
        "Its queue has no members.",
    ]
    assert sentences.of_contact(contact(ahead=1), name, None)[0].endswith("priority 4; 1 comes first.")
    assert sentences.of_contact(contact(ahead=0), name, None)[0].endswith("priority 4; it comes first.")
    taken = contact(agent=BEN, state="engaged", due_ms=NOW_MS - 1_000)
    assert sentences.of_contact(taken, name, None) == [
        "The contact (chat) is engaged in orders, where it came 1:30 ago; class session, priority 4; Ben has it."
    ]
    away = contact(state="parked", ahead=0)
    assert sentences.of_contact(away, name, None) == [
        "The contact (chat) is parked in orders, due in 0:30; class session, priority 4."
    ]


def test_a_contact_that_was_moved_says_how_long_it_is_here_and_how_long_it_waits_in_all() -> None:
    moved = contact(entered_ms=NOW_MS - 10_000, queued_at_ms=NOW_MS - 70_000)
    assert sentences.of_contact(moved, name, None)[0] == (
        "The contact (chat) is queued in orders for 0:10 (1:10 with its waits before), due in 0:30; class session, priority 4; "
        "2 come first."
    )


def promise(**known: object) -> Promised:
    fields: dict[str, object] = {
        "kind": "scheduled", "stage": "scheduled", "made_ms": NOW_MS - 60_000, "due_ms": NOW_MS + 7_200_000,
        "from_ms": NOW_MS + 6_900_000, "until_ms": NOW_MS + 8_100_000, "slot": (NOW_MS + 7_200_000, NOW_MS + 8_100_000),
        "next_ms": NOW_MS + 6_900_000, "returned": None, "attempts": 0, "dialling_until_ms": None, "at_risk": False,
    }  # fmt: skip
    return Promised(**{**fields, **known})  # type: ignore[arg-type]


def test_a_promise_says_its_window_and_what_it_waits_for() -> None:
    waits = contact(state="scheduled", key=None, channel="voice", requirements=[Requirement("nl", 2)], promise=promise())
    assert sentences.of_contact(waits, name, None) == [
        "The contact (voice) is promised a call by orders, priority 4; it needs nl 2.",
        "It takes a slot of 15 minutes, which begins in 2:00:00; its window begins in 1:55:00 and ends in 2:15:00, and it is due "
        "in 2:00:00.",
        "It begins to wait for an agent in 1:55:00.",
    ]
    tried = contact(state="scheduled", promise=promise(slot=None, kind="hold_place", attempts=2, at_risk=True, next_ms=None))
    assert sentences.of_contact(tried, name, None)[1:] == [
        "It keeps its place in the line; its window begins in 1:55:00 and ends in 2:15:00, and it is due in 2:00:00.",
        "Attempts to reach the customer that count: 2.",
        "It is at risk: more is promised for its slot than there is room for.",
        "Nothing more is tried; it ends with its window.",
    ]


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"returned": ANNA}, f"Nobody calls: its customer is here as contact {ANNA.hex()}, and that comes first."),
        ({"next_ms": NOW_MS - 1}, "It was to wait for an agent by now."),
        ({"stage": "early", "next_ms": None}, "Until it is due it is offered only to agents whom nobody else wants."),
        ({"stage": "due", "next_ms": None}, "It is due: it waits for an agent as live contacts do."),
        ({"stage": "due", "next_ms": None, "dialling_until_ms": NOW_MS + 9}, "The customer is being dialled."),
    ],
)
def test_a_promise_waits_for_something(known: dict[str, object], said: str) -> None:
    assert said in sentences.of_contact(contact(promise=promise(**known)), name, None)


@pytest.mark.parametrize("what", get_args(Waits))
def test_what_is_due_and_not_done_is_said(what: Waits) -> None:
    due = [Due(what, NOW_MS - 65_000)]
    for said in (
        sentences.of_contact(contact(due=due), name, None),
        sentences.of_contact(contact(due=due, state="scheduled", promise=promise()), None, None),
        sentences.of_agent(agent(due=due), "Anna"),
    ):
        assert any(line.endswith("is due since 1:05, and nothing has come of it yet.") for line in said)


def test_nobody_is_named_where_nobody_may_be() -> None:
    found = contact(agent=BEN, preferred=[ANNA], prefer_until_ms=NOW_MS + 1_000, hindrances={"absent": 2})
    said = " ".join(sentences.of_contact(found, None, Fit(5, 2)))
    assert "an agent has it" in said and "certain agents" in said
    assert said.endswith("Of the 5 declared for its queue 2 work on its channel and have the skills it needs.")
    assert "Anna" not in said and "Ben" not in said and "not ready" not in said


@pytest.mark.parametrize(
    ("fit", "said"),
    [
        (Fit(0, 0), "Nobody is declared for its queue."),
        (Fit(1, 1), "The one who is declared for its queue works on its channel and has the skills it needs."),
        (Fit(1, 0), "The one who is declared for its queue does not work on its channel, or lacks a skill it needs."),
        (Fit(5, 0), "Of the 5 declared for its queue none works on its channel and has the skills it needs."),
        (Fit(5, 1), "Of the 5 declared for its queue 1 works on its channel and has the skills it needs."),
        (Fit(5, 5), "Of the 5 declared for its queue 5 work on its channel and have the skills it needs."),
    ],
)
def test_who_could_serve_it_is_counted_in_words(fit: Fit, said: str) -> None:
    assert sentences.of_contact(contact(), None, fit)[-1] == said


def test_an_agent_says_what_was_asked_for() -> None:
    found = agent(requested="not_ready", requested_reason="lunch", load=50, work=[WORK])
    assert sentences.of_agent(found, "Anna") == [
        "Anna is ready (asked for not ready (lunch), after the work in hand), with a load of 50 of 100 in 1 contact.",
        "Nothing waits in Anna's queues.",
    ]


def test_only_who_is_ready_and_has_nothing_in_hand_is_idle() -> None:
    assert sentences.of_agent(agent(work=[]), "Anna")[0] == "Anna is ready, idle for 0:05."
    assert sentences.of_agent(agent(work=[], requested="offline", effective="offline"), "Anna")[0] == (
        "Anna is offline, with nothing in hand."
    )
    for known, said in (
        ({"load": 100, "work": [WORK, WORK]}, "with a load of 100 of 100 in 2 contacts"),
        ({"load": 60}, "with a load of 60 of 100 in work from elsewhere"),
        ({"load": 80, "work": [WORK]}, "with a load of 80 of 100 in 1 contact and work from elsewhere"),
    ):
        assert sentences.of_agent(agent(**known), "Anna")[0] == f"Anna is ready, {said}."
