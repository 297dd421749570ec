"""Plans, thresholds, floors and admission in the document: what they compile to, and every mistake in them."""

import re
from pathlib import Path

import pytest

from cordboard.events.bounds import Requirement
from cordboard.policy import PolicyErrors, loads, spell_policy
from tests.unit.test_policy_problems import GOOD

DOCS = Path(__file__).parents[2] / "docs/policy.md"
WAITING = """\
  orders:
    target: 45s
    plan:
      - {after: 30s, lower: [nl.written:4], drop: [garden]}
      - {after: 1m, replace: [{skill: nl.written, by: garden:3, language: en}], queues: [other], release_preference: yes}
    thresholds:
      - {name: late, target_percent: 150, group: leads}
      - {name: over, wait: 5m, action: overflow, queue: other}
      - {name: long, expected_wait: 10m}
    floors: [{class: 3, members: 2}]
    overflow: other
    max_waiting: 9
    max_expected_wait: 20m
    admit_unstaffed: no
  other: {}
"""
BASE = re.sub(r"  orders:\n(    .*\n)+", lambda _: WAITING, GOOD)


def test_it_compiles_and_spells_back() -> None:
    policy = loads(BASE).policy
    orders = policy.queues[0]
    assert [step.after_ms for step in orders.plan] == [30_000, 60_000]
    assert orders.plan[1].replace[0].by == Requirement(skill="garden", level=3)
    instants = [(threshold.wait_ms, threshold.target_percent, threshold.expected_wait_ms) for threshold in orders.thresholds]
    assert instants == [(None, 150, None), (300_000, None, None), (None, None, 600_000)]
    assert (orders.overflow, orders.max_waiting, orders.admit_unstaffed) == ("other", 9, False)
    assert orders.max_expected_wait_ms == 1_200_000
    spelled = spell_policy(policy)
    assert spelled["queues"]["orders"]["plan"][0] == {"after": "30s", "lower": ["nl.written:4"], "drop": ["garden"]}
    assert "plan" not in spelled["queues"]["other"]


def test_the_manuals_example_is_a_policy() -> None:
    example = re.search(r"## Waiting\n.*?```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert example is not None
    text = example[1].replace("chat: {", "chat: {presence: session, class: 2, answered_on: first_message, ")
    assert loads(f"site: shop\nskills: [nl.written, en.written]\n{text}").policy.repeat_count == 3


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("after: 1m", "after: 30s", "queues.orders.plan[1].after", "the step before is taken after 30s"),
        ("{after: 30s, ", "{", "queues.orders.plan[0]", "`after` is missing"),
        ("nl.written:4", "nl.spoken:4", "queues.orders.plan[0].lower", "unknown skill `nl.spoken`"),
        ("drop: [garden]", "drop: [gardn]", "queues.orders.plan[0].drop", "unknown skill `gardn`"),
        ("by: garden:3", "by: gardn:3", "queues.orders.plan[1].replace[0].by", "unknown skill `gardn`"),
        ("skill: nl.written", "skill: nl", "queues.orders.plan[1].replace[0].skill", "unknown skill `nl`"),
        ("queues: [other]", "queues: [orders]", "queues.orders.plan[1].queues", "that is the queue itself"),
        ("target_percent: 150", "target_percent: 150, wait: 1m", "queues.orders.thresholds[0]", "a threshold is one instant"),
        ("wait: 5m, ", "", "queues.orders.thresholds[1]", "a threshold is one instant"),
        ("name: long,", "name: long, wait: 1m,", "queues.orders.thresholds[2]", "a threshold is one instant"),
        ("queue: other", "queue: nowhere", "queues.orders.thresholds[1].queue", "unknown queue `nowhere`"),
        (", queue: other", "", "queues.orders.thresholds[1]", "`queue` is missing"),
        ("action: overflow, queue: other", "action: raise_priority", "queues.orders.thresholds[1]", "`raise_priority` is missing"),
        ("queue: other}", "queue: orders}", "queues.orders.thresholds[1].queue", "that is the queue itself"),
        ("queues: [other]", "queues: [nowhere]", "queues.orders.plan[1].queues", "unknown queue `nowhere`"),
        ("overflow: other", "overflow: nowhere", "queues.orders.overflow", "unknown queue `nowhere`"),
        ("max_waiting: 9", "max_waiting: 1000001", "queues.orders.max_waiting", "out of bounds"),
        ("name: over", "name: late", "queues.orders.thresholds[1].name", "`late` stands twice"),
        ("members: 2}", "members: 2}, {class: 3, members: 1}", "queues.orders.floors[1].class", "class 3 stands twice"),
        ("overflow: other", "overflow: orders", "queues.orders.overflow", "that is the queue itself"),
        ("admit_unstaffed: no", "admit_unstaffed: never", "queues.orders.admit_unstaffed", "neither true nor false"),
    ],
)
def test_a_mistake_is_said_at_its_place(old: str, new: str, path: str, message: str) -> None:
    assert old in BASE
    with pytest.raises(PolicyErrors) as raised:
        loads(BASE.replace(old, new, 1))
    assert [problem for problem in raised.value.problems if problem.path == path and message in problem.message]
