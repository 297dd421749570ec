"""Callbacks in the document: what they compile to, and every mistake in them."""

import re

import pytest

from cordboard.events.policy import CallbackPolicy
from cordboard.policy import PolicyErrors, loads, spell_policy
from cordboard.policy.callbacks import doubts
from tests.unit.test_policy_problems import GOOD


def with_callbacks(text: str) -> str:
    return re.sub(r"  orders:\n(    .*\n)+", lambda _: f"  orders:\n    target: 45s\n    callbacks: {text}\n  other: {{}}\n", GOOD)


def test_they_compile_and_spell_back() -> None:
    policy = loads(with_callbacks("{slot: 30m, capacity: 3, late: 20m, mode: customer_first}")).policy
    assert policy.queues[0].callbacks == CallbackPolicy(
        slot_ms=1_800_000, capacity=3, late_ms=1_200_000, mode="customer_first", retry_ms=180_000, holdback_ms=60_000
    )
    assert policy.queues[1].callbacks is None
    spelled = spell_policy(policy)["queues"]
    assert spelled["orders"]["callbacks"] == {"slot": "30m", "capacity": 3, "late": "20m", "mode": "customer_first"}
    assert "callbacks" not in spelled["other"]
    assert loads(with_callbacks("")).policy.queues[0].callbacks == CallbackPolicy(retry_ms=180_000, holdback_ms=60_000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{slot: 7m}", "slots of 7m do not begin at the same minutes of every hour"),
        ("{slot: 5h}", "slots of 5h do not begin"),
        ("{slot: 10s}", "10s is too short"),
        ("{early: 0s, late: 0s}", "no promise could be kept"),
        ("{ring_min: 40s}", "nobody is dialled for 40s"),
        ("{dial: 10s}", "nobody is dialled for 20s"),
        ("{capacity: -1}", "out of bounds"),
        ("{mode: robot}", "robot"),
        ("{lates: 5m}", "lates"),
        ("often", "is a mapping"),
    ],
)
def test_mistakes_are_named_with_their_place(text: str, said: str) -> None:
    with pytest.raises(PolicyErrors) as refused:
        loads(with_callbacks(text))
    problem = next(problem for problem in refused.value.problems if said in problem.message)
    assert problem.path.startswith("queues.orders.callbacks")
    assert problem.line == next(number for number, line in enumerate(with_callbacks(text).splitlines(), 1) if "callbacks" in line)


def test_attempts_that_find_no_time_are_doubtful() -> None:
    def said(text: str) -> list[str]:
        return doubts(loads(with_callbacks(text)).policy)

    assert said("") == [] and said("{retry: 10m, attempts: 1}") == [] and said("{retry: 10m, late: 20m}") == []
    (late,) = said("{retry: 10m}")
    assert late.startswith("queues.orders.callbacks.retry: 3 attempts, 10m apart, find no time in a window of 15m")
    (often,) = said("{retry: 5s}")
    assert often.startswith("queues.orders.callbacks.retry: 5s after")


def test_a_policy_from_before_means_what_it_meant() -> None:
    before = loads(with_callbacks("{retry: 10m, holdback: 0s}")).policy
    assert before.queues[0].callbacks == CallbackPolicy()
    spelled = spell_policy(before)["queues"]["orders"]["callbacks"]
    assert spelled == {"retry": "10m", "holdback": "0s"}, "whoever writes it down again says the same"
    assert spell_policy(loads(with_callbacks("")).policy)["queues"]["orders"]["callbacks"] == {}
