"""Silence, interrupts, absence, reservations and repeats in the document: what they compile to, and every mistake in them."""

import pytest

from cordboard.policy import PolicyErrors, loads, spell_policy

BASE = """\
site: shop
timezone: Europe/Amsterdam
channels:
  voice: {presence: live, class: 1, answered_on: connected, last_offer_before: 10m}
  chat:
    presence: session
    class: 2
    answered_on: first_message
    idle: 5m
    idle_end: 30m
    dormant_cost: 25%
    silence_alert: 2m
    silence_requeue: 6m
    desk_lost: 90s
    interruptible_by: [voice]
    resume: 2m
queues:
  orders: {rank_delays: [0s, 30s, 2m], drain_after: 3m, drain_share: 15%, strategy: fewest_today}
routing: {repeat_count: 3, repeat_within: 7d, repeat_priority: 2, connect_retry: 4s}
"""


def test_it_compiles_and_spells_back() -> None:
    policy = loads(BASE).policy
    voice, chat = policy.channels
    assert voice.last_offer_before_ms == 600_000
    assert (chat.idle_ms, chat.idle_end_ms, chat.dormant_percent) == (300_000, 1_800_000, 25)
    assert (chat.silence_alert_ms, chat.silence_requeue_ms, chat.desk_lost_ms) == (120_000, 360_000, 90_000)
    assert (chat.interruptible_by, chat.resume_ms) == (["voice"], 120_000)
    (orders,) = policy.queues
    assert (orders.rank_delays_ms, orders.drain_after_ms, orders.drain_percent) == ([0, 30_000, 120_000], 180_000, 15)
    assert (policy.repeat_count, policy.repeat_ms, policy.repeat_priority, policy.connect_retry_ms) == (3, 604_800_000, 2, 4_000)
    spelled = spell_policy(policy)
    assert spelled["channels"]["chat"]["interruptible_by"] == ["voice"]
    assert spelled["queues"]["orders"]["rank_delays"] == ["0s", "30s", "2m"]


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("idle_end: 30m", "idle_end: 5m", "channels.chat.idle_end", "comes before `idle`"),
        ("silence_requeue: 6m", "silence_requeue: 1m", "channels.chat.silence_requeue", "comes before `silence_alert`"),
        ("interruptible_by: [voice]", "interruptible_by: [phone]", "channels.chat.interruptible_by", "unknown channel `phone`"),
        ("interruptible_by: [voice]", "interruptible_by: [chat]", "channels.chat.interruptible_by", "does not interrupt itself"),
        ("last_offer_before: 10m", "idle: 1m", "channels.voice.idle", "neither silent nor put aside"),
        ("last_offer_before: 10m", "idle_end: 1m", "channels.voice.idle_end", "neither silent nor put aside"),
        ("last_offer_before: 10m", "silence_alert: 1m", "channels.voice.silence_alert", "neither silent nor put aside"),
        ("last_offer_before: 10m", "silence_requeue: 1m", "channels.voice.silence_requeue", "neither silent nor put aside"),
        ("last_offer_before: 10m", "interruptible_by: [chat]", "channels.voice.interruptible_by", "neither silent nor put aside"),
        ("last_offer_before: 10m", "last_offer_before: 9h", "channels.voice.last_offer_before", "too long"),
        ("desk_lost: 90s", "desk_lost: 0s", "channels.chat.desk_lost", "too short"),
        ("desk_lost: 90s", "desk_lost: 2d", "channels.chat.desk_lost", "too long"),
        ("dormant_cost: 25%", "dormant_cost: 125%", "channels.chat.dormant_cost", "no whole percentage"),
        ("idle: 5m", "idle: 5", "channels.chat.idle", "no duration"),
        ("drain_after: 3m", "drain_after: 91d", "queues.orders.drain_after", "too long"),
        ("drain_share: 15%", "drain_share: 0.15", "queues.orders.drain_share", "no whole percentage"),
        ("[0s, 30s, 2m]", "[0s, soon]", "queues.orders.rank_delays", "no duration"),
        ("[0s, 30s, 2m]", "[" + ", ".join(["1s"] * 17) + "]", "queues.orders.rank_delays", "17"),
        ("timezone: Europe/Amsterdam\n", "", "queues.orders.strategy", "no day begins without a time zone"),
        ("strategy: fewest_today", "strategy: fewest", "queues.orders.strategy", "`fewest`"),
        ("repeat_count: 3", "repeat_count: 101", "routing.repeat_count", "out of bounds"),
        ("repeat_priority: 2", "repeat_priority: 101", "routing.repeat_priority", "out of bounds"),
        ("repeat_within: 7d", "repeat_within: 91d", "routing.repeat_within", "too long"),
        ("connect_retry: 4s", "connect_retry: 2h", "routing.connect_retry", "too long"),
        ("resume: 2m", "resume: 2d", "channels.chat.resume", "too long"),
    ],
)
def test_a_mistake_is_said_at_its_place(old: str, new: str, path: str, message: str) -> None:
    assert old in BASE
    with pytest.raises(PolicyErrors) as raised:
        loads(BASE.replace(old, new, 1))
    found = [(problem.path, problem.message) for problem in raised.value.problems]
    assert [said for at, said in found if at.startswith(path) and message in said], found
