"""What differs between two policies."""

from pathlib import Path

import pytest

from cordboard.policy import Change, diff, load, loads
from cordboard.policy.diff import ADDED, CHANGED, REMOVED, REORDERED
from cordboard.policy.document import CHANNEL, NAMED, QUEUE, REASON, ROUTING, SITE

EXAMPLE = Path(__file__).parents[2] / "examples" / "webshop.yaml"
TEXT = EXAMPLE.read_text()
OLD = loads(TEXT).policy

QUOTES = {
    "target": "1m",
    "targets": dict.fromkeys(("form", "mail", "task", "webhook"), "1d"),
    "requires": [],
    "strategy": "longest_idle",
    "rank_delays": [],
    "drain_after": "0s",
    "drain_share": "10%",
    "short_abandon": "5s",
    "service_level": "85%",
    "broadcast": 1,
}
CASES = [
    ("target: 45s", "target: 50s", [("queues.orders.target", "45s", "50s", CHANGED["queues.target"])]),
    ("{task: 4h, mail: 4h, ", "{chat: 1m, mail: 4h, ", [
        ("queues.orders.targets.task", "4h", None, CHANGED["queues.targets"]),
        ("queues.orders.targets.chat", None, "1m", CHANGED["queues.targets"]),
    ]),
    ("cost: 33", "cost: 25", [("channels.chat.cost", 33, 25, CHANGED["channels.cost"])]),
    ("wrap_up_cost: 50%", "wrap_up_cost: 0%", [("channels.task.wrap_up_cost", "50%", "0%", CHANGED["channels.wrap_up_cost"])]),
    ("[finance:3]", "[finance:4 soft]", [
        ("queues.invoices.requires", ["finance:3"], ["finance:4 soft"], CHANGED["queues.requires"]),
    ]),
    ("capacity: 100", "capacity: 120", [("capacity", 100, 120, CHANGED["capacity"])]),
    ("site: webshop", "site: other", [("site", "webshop", "other", CHANGED["site"])]),
    ("order: urgency", "order: strict", [("routing.order", "urgency", "strict", CHANGED["routing.order"])]),
    ("  garden:", "  garten:", [
        ("skills.garden", "garden", None, REMOVED["skills"]),
        ("skills.garten", None, "garten", ADDED["skills"]),
    ]),
    ("max_parked: 50 ", "max_parked: 20 ", [("max_parked", 50, 20, CHANGED["max_parked"])]),
    ("reopen: 7d", "reopen: 30d", [("reopen", "7d", "30d", CHANGED["reopen"])]),
    ("  vip: {", "  gold: {", [
        ("segments.vip", "vip", None, REMOVED["segments"]),
        ("segments.gold", None, "gold", ADDED["segments"]),
    ]),
    ("address: billing@webshop.example", "address: invoices@webshop.example", [
        ("entry_points.billing.address", "billing@webshop.example", "invoices@webshop.example", CHANGED["entry_points"]),
    ]),
    ("max_length: 8000", "max_length: 4000", [
        ("forms.contact.fields.message.max_length", 8000, 4000, CHANGED["forms"]),
    ]),
    ("text: /review/text", "text: /text", [("webhooks.reviews.text", "/review/text", "/text", CHANGED["webhooks"])]),
    ("sender_name: Webshop", "sender_name: The shop", [("mail.sender_name", "Webshop", "The shop", CHANGED["mail"])]),
    ('greeting: "Beste {customer},"', 'greeting: "Dag {customer},"', [
        ("mail.templates.nl.greeting", "Beste {customer},", "Dag {customer},", CHANGED["mail"]),
    ]),
    ("class: meal", "class: break", [("reasons.lunch.class", "meal", "break", CHANGED["reasons.class"])]),
    ("  quotes:", "  quotes.target:", [
        ("queues.quotes", QUOTES, None, REMOVED["queues"]),
        ("queues.quotes.target", None, QUOTES, ADDED["queues"]),
        ("topics.quote-request.queue", "quotes", "quotes.target", CHANGED["topics.queue"]),
    ]),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case[1] for case in CASES])
def test_change(case: tuple[str, str, list[tuple[str, object, object, str]]]) -> None:
    old, new, changes = case
    assert TEXT.count(old) >= 1
    changed = TEXT.replace(old, new, 1)
    if old == "  quotes:":
        changed = changed.replace("queue: quotes,", "queue: quotes.target,")
    assert diff(OLD, loads(changed).policy) == [Change(*change) for change in changes]


def test_nothing_differs_but_the_version() -> None:
    assert diff(OLD, load(EXAMPLE, version=9).policy) == []


def test_another_order_is_a_change_of_its_own() -> None:
    lines = TEXT.splitlines()
    spam = next(line for line in lines if line.startswith("  spam: {en: Spam,"))
    solved = next(line for line in lines if line.startswith("  solved:"))
    text = TEXT.replace(spam, "<here>").replace(solved, spam).replace("<here>", solved)
    changes = diff(OLD, loads(text).policy)
    assert [(change.path, change.effect) for change in changes] == [("dispositions", REORDERED)]


def test_every_setting_says_what_its_change_means() -> None:
    for group, section in (("", SITE), ("channels.", CHANNEL), ("queues.", QUEUE), ("reasons.", REASON), ("routing.", ROUTING)):
        for setting in section.settings:
            if setting.field is not None:
                assert CHANGED[f"{group}{setting.key}"]
    for names in NAMED:
        assert ADDED[names.key]
        assert REMOVED[names.key]
    for group in ("entry_points", "forms", "webhooks", "classification.rules", "classification.default", "mail"):
        assert CHANGED[group]
