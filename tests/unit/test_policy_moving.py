"""Offers and transfers in the document: what they compile to, and every mistake in them."""

import re
from pathlib import Path

import pytest

from cordboard.policy import PolicyErrors, loads, spell_policy

DOCS = Path(__file__).parents[2] / "docs/policy.md"
BASE = """\
site: shop
channels:
  chat: {presence: session, class: 2, answered_on: first_message}
  voice: {presence: live, class: 1, answered_on: connected, answer: auto}
queues:
  orders: {targets: {chat: 45s}, broadcast: 3}
  desk: {targets: {voice: 20s}}
routing: {max_transfers: 3, supervisor_queue: desk, transfer: 20s}
"""


def test_it_compiles_and_spells_back() -> None:
    policy = loads(BASE).policy
    assert [channel.answer for channel in policy.channels] == ["manual", "auto"]
    assert [queue.broadcast for queue in policy.queues] == [3, 1]
    assert (policy.max_transfers, policy.supervisor_queue, policy.transfer_ms) == (3, "desk", 20_000)
    assert loads(BASE).policy == policy
    assert spell_policy(policy)["queues"]["orders"]["broadcast"] == 3


def test_the_manuals_example_is_a_policy() -> None:
    example = re.search(r"## Offers and transfers\n.*?```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert example is not None
    text = example[1].replace("voice: {", "voice: {presence: live, class: 1, answered_on: connected, ")
    assert loads(f"site: shop\n{text}").policy.max_transfers == 3


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("answer: auto", "answer: never", "channels.voice.answer", "`never`"),
        ("broadcast: 3", "broadcast: 9", "queues.orders.broadcast", "out of bounds"),
        ("{chat: 45s}", "{voice: 45s}", "queues.orders.broadcast", "`voice` comes here and is answered by itself"),
        ("supervisor_queue: desk", "supervisor_queue: dsk", "routing.supervisor_queue", "unknown queue `dsk`"),
        ("transfer: 20s", "transfer: 0s", "routing.transfer", "too short"),
    ],
)
def test_a_mistake_is_said_at_its_place(old: str, new: str, path: str, message: str) -> None:
    assert old in BASE
    with pytest.raises(PolicyErrors) as raised:
        loads(BASE.replace(old, new, 1))
    assert [problem for problem in raised.value.problems if problem.path == path and message in problem.message]
