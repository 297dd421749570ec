"""Explanations in sentences: every word, for one and for several."""

from typing import get_args

import pytest
from msgspec.structs import replace

from cordboard.api import sentences
from cordboard.api.declared import Fit
from cordboard.events.bounds import Key, Requirement
from cordboard.events.terms import ParkedKind
from cordboard.router.explain import (
    AgentExplained,
    ContactExplained,
    Due,
    Held,
    Hindered,
    Hindrance,
    Offered,
    Parked,
    Promised,
    Waits,
)

NOW_MS = 1_750_000_000_000
ANNA, BEN, CID = b"\x02" * 16, b"\x03" * 16, b"\x04" * 16
OTHER = b"\x09" * 16
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
    return {ANNA: "Anna", BEN: "Ben", CID: "Cid"}[agent]


def contact(**known: object) -> ContactExplained:
    fields: dict[str, object] = {
        "seq": 9, "at_ms": NOW_MS, "contact": bytes(16), "state": "queued", "channel": "chat", "queue": "orders", "visit": 1,
        "attempt": 0, "key": Key(2, 0, 1), "entered_ms": NOW_MS - 90_000, "queued_at_ms": NOW_MS - 90_000,
        "due_ms": NOW_MS + 30_000, "priority": 4, "requirements": [], "preferred": [], "prefer_until_ms": 0, "agent": None,
        "ahead": 2, "hindrances": {}, "agents": [], "promise": None, "place": None, "due": [],
        "offer": None, "parked": None, "reserved": None,
    }  # fmt: skip
    return ContactExplained(**{**fields, **known})  # type: ignore[arg-type]


def agent(**known: object) -> AgentExplained:
    fields: dict[str, object] = {
        "seq": 9, "at_ms": NOW_MS, "agent": ANNA, "requested": "ready", "requested_reason": None, "effective": "ready",
        "effective_reason": None, "idle_since_ms": NOW_MS - 5_000, "load": 0, "capacity": 100, "work": [], "waiting": 0,
        "hindrances": {}, "contacts": [], "due": [], "outside": 0, "reserved": None,
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
        assert sentences.obstacle(Hindered(ANNA, "orders", 0, None, word, until_ms, None, None), NOW_MS) == one + more


def test_a_missing_skill_is_named() -> None:
    hard, soft = Requirement("nl.written", 5), Requirement("fr", 3, False)
    assert sentences.obstacle(Hindered(ANNA, "orders", 0, None, "skill", None, hard, None), NOW_MS) == "lacks nl.written 5"
    assert sentences.obstacle(Hindered(ANNA, "orders", 0, None, "skill", None, soft, None), NOW_MS) == "lacks (fr 3)"


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


@pytest.mark.parametrize(
    ("state", "left_ms", "others", "said"),
    [
        ("offered", 12_000, [], "it is offered to Anna, who has 0:12 more to answer"),
        ("offered", 12_000, [BEN], "it is offered to Anna and Ben, who have 0:12 more to answer"),
        ("offered", 12_000, [BEN, CID], "it is offered to Anna, Ben and Cid, who have 0:12 more to answer"),
        ("offered", 0, [], "it is offered to Anna, who was to answer by now"),
        ("offered", 0, [BEN], "it is offered to Anna and Ben, who were to answer by now"),
        ("connecting", 12_000, [], "Anna accepted it and has 0:12 more to connect"),
        ("connecting", 12_000, [BEN], "Anna accepted it and has 0:12 more to connect; if that fails, it is offered to Ben still"),
        ("connecting", -1, [], "Anna accepted it and was to connect by now"),
    ],
)
def test_who_is_offered_it_and_who_connects_has_so_much_time(state: str, left_ms: int, others: list[bytes], said: str) -> None:
    found = contact(state=state, agent=ANNA, offer=Offered(NOW_MS + left_ms, others))
    assert sentences.of_contact(found, name, None) == [
        f"The contact (chat) is {state} in orders for 1:30, due in 0:30; class session, priority 4; {said}."
    ]


@pytest.mark.parametrize(
    ("kind", "why", "sooner"),
    [
        ("customer", "the customer is to answer", ""),
        ("third_party", "somebody else is to answer", ""),
        ("snooze", "it is for later", ""),
        ("interrupted", "its agent serves something more urgent", "that is over, "),
        ("desk_lost", "its agent's desk was lost", "the desk is back, "),
    ],
)
def test_what_is_parked_says_by_whom_and_why_and_when_it_returns(kind: ParkedKind, why: str, sooner: str) -> None:
    parked = Parked(ANNA, kind, NOW_MS - 10_000, NOW_MS + 3_590_000)
    back = f"or as soon as {sooner}its customer writes or somebody wants it back."
    said = sentences.of_contact(contact(state="parked", parked=parked), name, None)
    assert said[1:] == [f"It was parked 0:10 ago by Anna ({kind}: {why}) and returns in 59:50, {back}"]
    hidden = sentences.of_contact(contact(state="parked", parked=parked), None, None)
    assert hidden[1] == f"It was parked 0:10 ago ({kind}: {why}) and returns in 59:50, {back}"
    late = sentences.of_contact(contact(state="parked", parked=replace(parked, until_ms=NOW_MS)), name, None)
    assert late[1] == f"It was parked 0:10 ago by Anna ({kind}: {why}) and was to return by now."


def test_every_kind_of_parking_is_told() -> None:
    assert set(get_args(ParkedKind)) == {"customer", "third_party", "snooze", "interrupted", "desk_lost"}


def test_a_reservation_says_who_and_for_what() -> None:
    waits = contact(reserved=ANNA, hindrances={"no_room": 1})
    assert sentences.of_contact(waits, name, None)[1:] == [
        "Anna is reserved for it.",
        "The one member of its queue has no room for it.",
    ]
    assert not any("reserved" in line for line in sentences.of_contact(waits, None, Fit(1, 1)))
    busy = agent(reserved=OTHER, waiting=1, hindrances={"reserved": 1})
    assert sentences.of_agent(busy, "Anna")[1:] == [
        f"Anna is reserved for contact {OTHER.hex()}.",
        "One contact waits in Anna's queues: Anna is reserved for another contact.",
    ]
    kept = Hindered(ANNA, "orders", 0, None, "reserved", None, None, OTHER)
    assert sentences.obstacle(kept, NOW_MS) == f"is reserved for contact {OTHER.hex()}"


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
    found = contact(
        state="offered",
        offer=Offered(NOW_MS + 9_000, [CID]),
        agent=BEN,
        preferred=[ANNA],
        prefer_until_ms=NOW_MS + 1_000,
        hindrances={"absent": 2},
    )
    said = " ".join(sentences.of_contact(found, None, Fit(5, 2)))
    assert "it is offered to an agent, who has 0:09 more to answer" in said and "certain agents" in said
    assert said.endswith("Of the 5 declared for its queue 2 work on its channel and have the skills it needs.")
    assert not any(hidden in said for hidden in ("Anna", "Ben", "Cid", "not ready"))
    assert "; an agent has it." in sentences.of_contact(contact(agent=BEN, state="engaged"), None, None)[0]


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
        ({"load": 60, "outside": 2}, "with a load of 60 of 100 in work from elsewhere"),
        ({"outside": 1}, "with a load of 0 of 100 in work from elsewhere"),
        ({"load": 80, "work": [WORK], "outside": 1}, "with a load of 80 of 100 in 1 contact and work from elsewhere"),
    ):
        assert sentences.of_agent(agent(**known), "Anna")[0] == f"Anna is ready, {said}."
