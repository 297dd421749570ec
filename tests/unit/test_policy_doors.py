"""Topics, entry points, forms, webhooks and mail in the policy: what they compile to, and every mistake."""

import json

import jsonschema
import pytest
from ruamel.yaml import YAML

from cordboard.events.policy import EntryPoint, FormField, MailTemplate, Topic
from cordboard.policy import PolicyErrors, json_schema, loads, spell_policy

GOOD = """\
site: shop
language: nl
max_parked: 7
owner: 30m
reopen: 14d
skills: [nl.written, de.written]
channels:
  chat: {presence: live, class: 1, answered_on: first_message}
  mail: {presence: async, class: 3, answered_on: first_message, reply: mail}
  form: {presence: async, class: 3, answered_on: first_message, reply: mail}
  webhook: {presence: async, class: 3, answered_on: first_message, reply: webhook}
queues: {orders: , claims: }
segments: [vip]
topics:
  broken: {queue: claims, label: Kapot}
  status: orders
entry_points:
  service: {channel: mail, address: Service@Shop.example, language: nl}
  button: {channel: chat, topic: status}
forms:
  contact:
    label: Schrijf ons
    queue: claims
    fields:
      name: {as: name}
      email: {kind: email, as: email, required: true}
      reason: {kind: choice, choices: {broken: {nl: Kapot, de-AT: Kaputt}, other: }}
      subject: {as: subject, max_length: 150}
      message: {kind: long_text, as: text, max_length: 4000, label: {nl: Bericht, de: Nachricht}}
webhooks:
  reviews: {text: /review/text, fields: {rating: /review/rating}, reply_url: "https://reviews.example/answers"}
mail:
  sender_name: De winkel
  templates:
    nl: {greeting: "Beste {customer},", signature: "Groet\\n{agent}"}
  no_action: [dank u, groet*]
"""

# (what to replace, with what, where the caret stands, path, part of the message, the suggestion: exact, or None)
CASES = [
    ("status: orders", "status: order", "order", "topics.status.queue", "unknown queue `order`", "did you mean `orders`?"),
    ("channel: chat,", "channel: chats,", "chats", "entry_points.button.channel",
     "unknown channel `chats`", "did you mean `chat`?"),
    ("topic: status", "topic: state", "state", "entry_points.button.topic", "unknown topic `state`", None),
    ("queue: claims\n", "queue: claim\n", "claim", "forms.contact.queue", "unknown queue `claim`", "did you mean `claims`?"),
    ("{text: /review/text", "{topic: x, text: /review/text", "x", "webhooks.reviews.topic", "unknown topic `x`", None),
    ("topic: status}\nforms", "queue: orders, availability: {keep_free: 0}}\nforms", "0",
     "entry_points.button.availability.keep_free", "`0` is outside its limits", "write a percentage from 1% to 99%"),
    ("topic: status}\nforms", "queue: orders, availability: {keep_free: 100%}}\nforms", "100%",
     "entry_points.button.availability.keep_free", "`100%` is outside its limits", "write a percentage from 1% to 99%"),
    ("topic: status}\nforms", "queue: orders, availability: {keep_free: 0.2}}\nforms", "0.2",
     "entry_points.button.availability.keep_free", "is no whole percentage", "write 20%"),
    ("  button:", "  contact:", "contact:", "forms.contact",
     "`contact` stands twice", "`entry_points` has it on line 19: entry points, forms and webhooks share their names"),
    ("  button: {channel: chat, topic: status}", "  b: {channel: mail, address: SERVICE@shop.example}", "SERVICE@shop.example",
     "entry_points.b.address", "`service@shop.example` stands twice",
     "it is on line 18 already: an address opens one door"),
    ("address: Service@Shop.example, ", "", "service:", "entry_points.service",
     "no mail comes in without an address", "add `address: service@webshop.example`"),
    ("Service@Shop.example", "Service <a@b.example>", "Service <a@b.example>", "entry_points.service.address",
     "is no mail address", "write it bare, such as service@webshop.example"),
    ("channel: chat,", "channel: chat, address: a@b.example,", "a@b.example", "entry_points.button.address",
     "nobody writes mail to `chat`", "remove it, or write a mail channel"),
    ("language: nl}", "language: nl-BE}", "nl-BE", "entry_points.service.language", "is no language", "write `nl`"),
    ("first_message, reply: mail}\n  form", "first_message}\n  form", "mail:", "channels.mail.reply",
     "nobody is connected", "write `reply: mail`"),
    ("reply: webhook}", "reply: live}", "live", "channels.webhook.reply",
     "webhook `reviews` leads here", "write `reply: webhook`"),
    ("answered_on: first_message}\n  mail", "answered_on: first_message, reply: mail}\n  mail", "mail", "channels.chat.reply",
     "customers who are there would get their answers by mail", "write `reply: live`, or `presence: async`"),
    ("{presence: live, class: 1", "{presence: async, class: 3", "async", "channels.chat.presence",
     "a chat that is async", "write `presence: live`, or give the channel another name"),
    ("answered_on: first_message}\n  mail", "answered_on: first_message, join_waiting: true}\n  mail", "true",
     "channels.chat.join_waiting", "second chat window", "remove it, or give the channel another name"),
    ("reply: webhook}", "reply: post}", "post", "channels.webhook.reply", "none of the choices", None),
    ("{kind: email, as: email, required: true}", "{kind: email}", "name:", "forms.contact.fields",
     "no field is the customer's address", "add `email: {kind: email, required: true, as: email}`"),
    ("kind: long_text, as: text, ", "kind: long_text, ", "name:", "forms.contact.fields",
     "no field is the text", "write `as: text` at the one for the message"),
    ("{as: name}", "{as: email, kind: email}", "email", "forms.contact.fields.email.as",
     "`name` is the email already", "keep one of them"),
    ("{kind: email,", "{kind: number,", "email", "forms.contact.fields.email.as",
     "in a field of kind number", "write `kind: email`"),
    ("max_length: 150", "max_length: 1500", "1500", "forms.contact.fields.subject.max_length", "one line", "write at most 998"),
    ("{kind: choice, choices: {broken: {nl: Kapot, de-AT: Kaputt}, other: }}", "choice", "reason:", "forms.contact.fields.reason",
     "there is nothing to choose", "add `choices: [one, two]`"),
    ("kind: choice,", "kind: text,", "{broken: {", "forms.contact.fields.reason.choices",
     "choices in a field of kind text", "write `kind: choice`"),
    ("required: true", "required: maybe", "maybe", "forms.contact.fields.email.required",
     "neither true nor false", "write true or false"),
    ("as: subject", "as: topic", "topic", "forms.contact.fields.subject.as", "none of the choices", None),
    ("max_length: 4000", "max_length: 99999", "99999", "forms.contact.fields.message.max_length",
     "out of bounds", "write a whole number from 1 to 16000"),
    ("{as: name}", "{ass: name}", "ass:", "forms.contact.fields.name.ass",
     "unknown setting of a form field", "did you mean `as`?"),
    (', reply_url: "https://reviews.example/answers"', "", "reviews:", "webhooks.reviews",
     "it is not said where", "add `reply_url: https://…`"),
    ('"https://reviews.example/answers"', "reviews.example", "reviews.example", "webhooks.reviews.reply_url",
     "is no web address", "write https://… in at most 500 characters"),
    ("reply: webhook}", "reply: mail}", '"https://', "webhooks.reviews.reply_url",
     "no answer is posted: `webhook` has reply mail", "write `reply: webhook` there, or remove this"),
    ("/review/text", "$.review.text", "$.review.text", "webhooks.reviews.text",
     "no place in a JSON document", "write `/review/text`"),
    ("{rating: /review/rating}", "rating", "rating", "webhooks.reviews.fields",
     "expected a place in the JSON for each field", "write `rating: /review/rating` on a line of its own"),
    ("text: /review/text, ", "", "reviews:", "webhooks.reviews",
     "`text` is missing", "text: Where the text stands in the JSON: `/review/text`."),
    ("Beste {customer},", "Beste {klant},", '"Beste', "mail.templates.nl.greeting",
     "`{klant}` stands for nothing", "write one of `{agent}`, `{customer}`"),
    ("    nl: {greeting", "    dutch: {greeting", "dutch:", "mail.templates.dutch",
     "`dutch` is no language", "write a code of two letters, such as nl or de"),
    ("[dank u, groet*]", "[dank u, '*']", "'*'", "mail.no_action[1]",
     "`*` stands for any ending of a word", "put it at the end of a word, such as `defekt*`"),
    ("[dank u, groet*]", "[dank u, '!!']", "'!!'", "mail.no_action[1]",
     "no word is in `!!`", "write a word of letters or digits"),
    ("max_parked: 7", "max_parked: 7000", "7000", "max_parked", "out of bounds", "write a whole number from 0 to 1000"),
    ("owner: 30m", "owner: 30", "30", "owner",
     "no duration", "write `30s` for seconds, `30m` for minutes or `30ms` for milliseconds"),
    ("reopen: 14d", "reopen: 400d", "400d", "reopen", "is no duration", "the longest is 366d"),
]  # fmt: skip


def test_no_door_at_which_calls_are_booked_hides_the_way_to_booked_calls() -> None:
    voice = GOOD.replace("  mail: {presence", "  voice: {presence: live, class: 1, answered_on: connected}\n  mail: {presence", 1)
    (problem,) = _problems(voice.replace("  button: {channel: chat", "  manage: {channel: voice"))
    assert (problem.path, problem.suggestion) == ("entry_points.manage", "give it another name")
    assert "look after them at `/callbacks/manage`" in problem.message
    assert "manage" in {door.name for door in loads(GOOD.replace("  button:", "  manage:")).policy.entry_points}, (
        "nobody books by chat"
    )


def test_what_customers_see_of_a_door_is_compiled_by_language() -> None:
    for written, labels in (
        ("{fr-BE: Bouton, de: Knopf}", {"fr-be": "Bouton", "de": "Knopf"}),
        ("Knop", {"nl": "Knop"}),  # in the document's language
    ):
        policy = loads(GOOD.replace("button: {", f"button: {{label: {written}, ")).policy
        assert [door.labels for door in policy.entry_points if door.labels] == [labels]


def test_it_compiles_to_what_it_says() -> None:
    policy = loads(GOOD).policy
    assert (policy.max_parked, policy.owner_ms, policy.reopen_ms) == (7, 1_800_000, 14 * 86_400_000)
    assert policy.topics == [Topic(name="broken", queue="claims"), Topic(name="status", queue="orders")]
    assert policy.entry_points == [
        EntryPoint(name="service", channel="mail", address="service@shop.example", language="nl"),
        EntryPoint(name="button", channel="chat", topic="status"),
        EntryPoint(name="contact", channel="form", queue="claims"),
        EntryPoint(name="reviews", channel="webhook"),
    ]
    (form,) = policy.forms
    assert form.labels == {"nl": "Schrijf ons"}
    assert [(field.name, field.role) for field in form.fields if field.role] == [
        ("name", "name"), ("email", "email"), ("subject", "subject"), ("message", "text"),
    ]  # fmt: skip
    assert form.fields[2] == FormField(
        name="reason", kind="choice", choices={"broken": {"nl": "Kapot", "de-at": "Kaputt"}, "other": {}}
    )
    assert policy.webhooks[0].fields == {"rating": "/review/rating"}
    assert policy.mail.templates == {"nl": MailTemplate(greeting="Beste {customer},", signature="Groet\n{agent}")}
    assert policy.mail.no_action == ["dank u", "groet*"]


def test_it_spells_back_to_itself_and_fits_the_schema() -> None:
    policy = loads(GOOD).policy
    document = spell_policy(policy)
    assert loads(json.dumps(document)).policy == policy
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.validate(document)
    validator.validate(YAML(typ="safe", pure=True).load(GOOD))


@pytest.mark.parametrize("case", CASES, ids=[f"{case[1][:24]!r}-{case[4][:24]}" for case in CASES])
def test_problem(case: tuple[str, str, str, str, str, str | None]) -> None:
    old, new, caret, path, message, suggestion = case
    assert GOOD.count(old) >= 1
    text = GOOD.replace(old, new, 1)
    (problem,) = _problems(text)
    assert message in problem.message
    assert problem.path == path
    assert text.splitlines()[problem.line - 1][problem.column - 1 :].startswith(caret)
    assert suggestion in (None, problem.suggestion)


def test_a_webhook_answered_by_mail_needs_an_address() -> None:
    text = GOOD.replace("reply: webhook}", "reply: mail}").replace(', reply_url: "https://reviews.example/answers"', "")
    (problem,) = _problems(text)
    assert problem.message == "answers on `webhook` go by mail, but no mail address is in the payload"
    assert (
        loads(text.replace("/review/text,", "/review/text, customer: /author/mail,")).policy.webhooks[0].customer == "/author/mail"
    )


def test_a_form_whose_channel_is_not_there() -> None:
    without = "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith("  form:"))
    (problem,) = _problems(without)
    assert (problem.path, problem.line) == ("forms.contact", 20)
    assert problem.suggestion == "add `form:` under `channels:`, or write another `channel:` here"


def test_a_policy_too_large_names_its_largest_part() -> None:
    domain = f"{'b' * 60}.{'c' * 60}.{'d' * 60}.example"
    doors = "".join(f"  {'door' * 10}{number}: {{channel: mail, address: {'a' * 30}{number}@{domain}}}\n" for number in range(250))
    (problem,) = _problems(GOOD.replace("entry_points:\n", "entry_points:\n" + doors))
    assert problem.path == "entry_points"
    assert "bytes" in problem.message


def _problems(text: str) -> list:
    with pytest.raises(PolicyErrors) as caught:
        loads(text)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("share", "valid"), [("1%", True), ("99 %", True), (99, True), ("0%", False), ("00 %", False), ("100%", False), (0, False)]
)
def test_the_schema_knows_the_limits_of_shares(share: str | int, valid: bool) -> None:
    document = YAML(typ="safe").load(GOOD)
    document["entry_points"]["service"]["availability"] = {"keep_free": share}
    document["entry_points"]["service"].pop("address")
    found = list(jsonschema.Draft202012Validator(json_schema()).iter_errors(document))
    assert (not found) == valid
