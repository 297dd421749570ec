"""`monitoring` in the document: what it compiles to, what differs, and every mistake in it."""

import re
from pathlib import Path

import pytest

from cordboard import codec
from cordboard.events.policy import Monitoring
from cordboard.policy import PolicyErrors, diff, loads, spell_policy

DOCS = Path(__file__).parents[2] / "docs/monitoring.md"
SHOP = """\
site: shop
channels:
  chat: {presence: session, class: 2, answered_on: first_message}
queues:
  orders: {}
"""
BASE = f"{SHOP}monitoring: {{individual_live: no, individual_history: yes, group_min: 7, agent_detail_days: 90}}\n"


def test_it_compiles_and_spells_back() -> None:
    policy = loads(BASE).policy
    assert policy.monitoring == Monitoring(individual_live=False, individual_history=True, group_min=7, agent_detail_days=90)
    assert spell_policy(policy)["monitoring"] == {
        "individual_live": False,
        "individual_history": True,
        "group_min": 7,
        "agent_detail_days": 90,
    }
    assert codec.decode_policy(codec.encode(policy)) == policy


def test_without_it_single_agents_are_shown() -> None:
    assert loads(SHOP).policy.monitoring == Monitoring(individual_live=True, individual_history=True, group_min=5)


def test_the_manuals_example_is_a_policy() -> None:
    example = re.search(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert example is not None
    assert loads(SHOP + example[1]).policy.monitoring == Monitoring(
        individual_live=False, individual_history=False, group_min=5, agent_detail_days=90
    )


def test_a_difference_says_that_it_reaches_back() -> None:
    (change,) = diff(loads(BASE).policy, loads(BASE.replace("individual_live: no", "individual_live: yes")).policy)
    assert change.path == "monitoring.individual_live"
    assert "what was before included" in change.effect


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("individual_live: no", "individual_live: maybe", "monitoring.individual_live", "neither true nor false"),
        ("group_min: 7", "group_min: 1", "monitoring.group_min", "out of bounds"),
        ("group_min: 7", "group_min: 1001", "monitoring.group_min", "out of bounds"),
        ("agent_detail_days: 90", "agent_detail_days: 90d", "monitoring.agent_detail_days", "out of bounds"),
        ("group_min: 7", "groups: 7", "monitoring.groups", "unknown setting"),
        ("{individual_live: no, individual_history: yes, group_min: 7, agent_detail_days: 90}", "no", "monitoring", "is a mapping"),
    ],
)
def test_a_mistake_is_said_at_its_place(old: str, new: str, path: str, message: str) -> None:
    assert old in BASE
    with pytest.raises(PolicyErrors) as raised:
        loads(BASE.replace(old, new, 1))
    assert [problem for problem in raised.value.problems if problem.path == path and message in problem.message]
