"""Next steps in the document: what they compile to, and every mistake in them."""

import json

import jsonschema
import pytest

from cordboard.events.policy import EntryPoint, NextStep
from cordboard.policy import PolicyErrors, json_schema, loads, spell_policy

DOCUMENT = """\
site: shop
language: nl
channels:
  chat: {presence: session, class: 2, answered_on: first_message}
  voice: {presence: live, class: 1, answered_on: connected}
  voicemail: {presence: async, class: 3, answered_on: first_message}
  mail: {presence: async, class: 3, answered_on: first_message, reply: mail}
  form: {presence: async, class: 3, answered_on: first_message, reply: mail}
queues:
  orders: {callbacks: {capacity: 2}}
  service:
entry_points:
  widget: {channel: chat, queue: orders, WIDGET}
  mailbox: {channel: voicemail, queue: service}
  inbox: {channel: mail, queue: service, address: service@shop.example}
  anywhere: {channel: mail, address: any@shop.example}
forms:
  contact: {queue: service, fields: {message: {as: text}, email: {kind: email, required: true, as: email}}}
"""
ALL = (
    "next_steps: [callback, queue service, voicemail mailbox, form contact, mail inbox], choose_within: 1m, "
    "told: {en: We are closed., nl-BE: Gesloten.}"
)


def widget(text: str) -> EntryPoint:
    return next(door for door in loads(DOCUMENT.replace("WIDGET", text)).policy.entry_points if door.name == "widget")


def test_they_compile_to_what_follows_each_and_spell_back() -> None:
    door = widget(ALL)
    assert door.next_steps == [
        NextStep("callback", "orders", "voice", "orders"),
        NextStep("queue", "service", None, "service"),
        NextStep("voicemail", "mailbox", "voicemail", "service"),
        NextStep("form", "contact", "form", "service"),
        NextStep("mail", "inbox", "mail", "service"),
        NextStep("message"),
    ]
    assert (door.choose_ms, door.messages) == (60_000, {"en": "We are closed.", "nl-be": "Gesloten."})
    spelled = spell_policy(loads(DOCUMENT.replace("WIDGET", ALL)).policy)["entry_points"]["widget"]
    assert spelled["next_steps"] == ["callback orders", "queue service", "voicemail mailbox", "form contact", "mail inbox"]
    assert (spelled["choose_within"], spelled["told"]) == ("1m", {"en": "We are closed.", "nl-be": "Gesloten."})
    again = json.dumps({key: spelled[key] for key in ("next_steps", "choose_within", "told")})[1:-1]
    assert widget(again) == door


def test_a_message_is_always_the_last_one_and_can_be_all() -> None:
    assert widget("told: Gesloten.").next_steps == [NextStep("message")]
    assert widget("told: Gesloten.").messages == {"nl": "Gesloten."}
    assert widget("next_steps: []").next_steps == [NextStep("message")]
    assert widget("label: Chat").next_steps == []


def test_editors_know_them() -> None:
    schema = json_schema()["properties"]["entry_points"]
    door = {"channel": "chat", "next_steps": ["callback", "queue service"], "told": "Closed."}
    jsonschema.validate({"widget": door}, schema)
    for wrong in (["hop"], ["queue"], ["queue a b"], ["message"]):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"widget": {**door, "next_steps": wrong}}, schema)


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("next_steps: [callback service]", "next_steps[0]", "queue `service` promises no calls"),
        ("next_steps: [callback ordrs]", "next_steps[0]", "`ordrs` is no queue"),
        ("next_steps: [callback, callback orders]", "next_steps[1]", "its own queue calls back already"),
        ("next_steps: [callback, callback]", "next_steps[1]", "stands twice"),
        ("next_steps: [queue orders]", "next_steps[0]", "is the queue that does not take them"),
        ("next_steps: [queue]", "next_steps[0]", "needs a name behind it"),
        ("next_steps: [queue a b]", "next_steps[0]", "needs one name behind it"),
        ("next_steps: [mail mailbox]", "next_steps[0]", "`mailbox` takes no mail"),
        ("next_steps: [voicemail inbox]", "next_steps[0]", "`inbox` takes no voicemail"),
        ("next_steps: [form widget]", "next_steps[0]", "`widget` is no other entry point or form"),
        ("next_steps: [form inbox]", "next_steps[0]", "`inbox` takes no form"),
        ("next_steps: [mail anywhere]", "next_steps[0]", "it is not said which queue of `anywhere` it goes to"),
        ("next_steps: [message]", "next_steps[0]", "a message is always the last step"),
        ("next_steps: [hop]", "next_steps[0]", "`hop` is no next step"),
        ("next_steps: {queue: service}", "next_steps", "expected a list"),
        ("next_steps: [queue Ser!]", "next_steps[0]", "is no name"),
        ("choose_within: 1s", "choose_within", "1s is too short"),
        (f"told: {'x' * 501}", "told", "the text has 501 characters"),
    ],
)
def test_mistakes_are_named_with_their_place(text: str, path: str, said: str) -> None:
    document = DOCUMENT.replace("WIDGET", text)
    with pytest.raises(PolicyErrors) as refused:
        loads(document)
    problem = next(problem for problem in refused.value.problems if said in problem.message)
    assert problem.path == f"entry_points.widget.{path}"
    assert problem.line == next(number for number, line in enumerate(document.splitlines(), 1) if "  widget:" in line)


def test_nobody_is_turned_away_where_nobody_waits() -> None:
    document = DOCUMENT.replace("WIDGET", "topic: ").replace(
        "{channel: voicemail, queue", "{channel: voicemail, told: Later, queue"
    )
    with pytest.raises(PolicyErrors) as refused:
        loads(document)
    assert "nobody is turned away here" in str(refused.value)


def test_callbacks_need_the_channel_on_which_they_are_made() -> None:
    document = DOCUMENT.replace("WIDGET", "next_steps: [callback]").replace("  voice: ", "  telephone: ")
    with pytest.raises(PolicyErrors) as refused:
        loads(document)
    assert "callbacks are made on channel `voice`" in str(refused.value)
