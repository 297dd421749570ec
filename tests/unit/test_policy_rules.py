"""The classification in the policy: what rules compile to, every mistake in them, and their examples tried."""

import pytest

from cordboard.events.bounds import Requirement
from cordboard.events.policy import Rule
from cordboard.policy import PolicyErrors, diff, loads
from cordboard.policy.diff import ADDED, CHANGED, RULES_REORDERED

GOOD = """\
site: shop
skills: [nl.written, garden]
channels:
  chat: {presence: live, class: 1, answered_on: first_message}
  mail: {presence: async, class: 3, answered_on: first_message, reply: mail}
  form: {presence: async, class: 3, answered_on: first_message, reply: mail}
  fax: {presence: async, class: 3, answered_on: first_message, reply: mail}
queues: {orders: , claims: }
segments: [vip, press]
topics: {broken: claims, other: }
entry_points:
  service: {channel: mail, address: service@shop.example}
forms:
  contact:
    fields:
      email: {kind: email, as: email}
      reason: {kind: choice, choices: [broken, other]}
      message: {kind: long_text, as: text}
classification:
  rules:
    - name: press
      when: {segment: press, channel: [mail, form]}
      then: {queue: orders, priority: 9, new_case: true}
    - name: broken
      when:
        keywords: [kapot, beschadigd*]
        sender: ["@example.com", Anna@example.org]
      then: {topic: broken, requires: [garden:3 soft]}
      examples: ["Helaas kapot"]
    - name: reason
      when: {entry_point: contact, fields: {reason: broken}, automatic: false, language: nl}
      then: {topic: broken}
    - name: machine
      when: {automatic: true}
      then: {topic: other}
  default:
    topic: other
    examples: ["Goedendag"]
"""

# (what to replace, with what, where the caret stands, path, part of the message, the suggestion: exact, or None)
CASES = [
    ("segment: press", "segment: pres", "pres", "classification.rules[0].when.segment",
     "unknown segment `pres`", "did you mean `press`?"),
    ("[mail, form]", "[mail, from]", "from", "classification.rules[0].when.channel",
     "unknown channel `from`", "did you mean `form`?"),
    ("[mail, form]", "fax", "fax", "classification.rules[0].when.channel",
     "nothing comes in on `fax`: no door opens it", "add an entry point, a form or a webhook for it"),
    ("queue: orders, p", "queue: order, p", "order", "classification.rules[0].then.queue",
     "unknown queue `order`", "did you mean `orders`?"),
    ("{topic: broken, r", "{topic: brokn, r", "brokn", "classification.rules[1].then.topic",
     "unknown topic `brokn`", "did you mean `broken`?"),
    ("[garden:3 soft]", "[graden:3]", "graden:3", "classification.rules[1].then.requires",
     "unknown skill `graden`", "did you mean `garden`?"),
    ("entry_point: contact", "entry_point: contakt", "contakt", "classification.rules[2].when.entry_point",
     "unknown entry point `contakt`", "did you mean `contact`?"),
    ("entry_point: contact", "channel: mail, entry_point: contact", "contact", "classification.rules[2].when.entry_point",
     "`contact` opens channel `form`, which the rule leaves out", "add that channel, or remove the condition on channels"),
    ("{reason: broken}", "{raeson: broken}", "raeson:", "classification.rules[2].when.fields.raeson",
     "unknown field of a form or webhook", "did you mean `reason`?"),
    ("{reason: broken}", "{reason: brokn}", "brokn", "classification.rules[2].when.fields.reason",
     "unknown choice `brokn`", "did you mean `broken`?"),
    ("{reason: broken}", "{reason: 'bro*ken'}", "'bro*ken'", "classification.rules[2].when.fields.reason",
     "is no value to compare with", "at most 120 characters; `*` only at the end"),
    ("language: nl}", "language: dutch}", "dutch", "classification.rules[2].when.language",
     "`dutch` is no language", "write a code of two letters, such as nl or de"),
    ("[kapot, beschadigd*]", "[kapot, KAPÓT]", "KAPÓT", "classification.rules[1].when.keywords",
     "is the same as `kapot`", "keep one of them"),
    ("[kapot, beschadigd*]", "[kapot, kapot]", "kapot", "classification.rules[1].when.keywords[1]",
     "stands twice", "keep one of them"),
    ("[kapot, beschadigd*]", "[be*digd]", "be*digd", "classification.rules[1].when.keywords[0]",
     "`*` stands for any ending", "put it at the end of a word, such as `defekt*`"),
    ("[kapot, beschadigd*]", "{nl: kapot}", "{nl: kapot", "classification.rules[1].when.keywords",
     "expected a list, found a mapping", "write `[…]`, or each on a line that begins with `- `"),
    ('"@example.com"', "example.com", "example.com", "classification.rules[1].when.sender[0]",
     "neither a mail address nor a domain", "write `@example.com` for all of that domain"),
    ("priority: 9", "priority: 900", "900", "classification.rules[0].then.priority",
     "out of bounds", "write a whole number from 0 to 100"),
    ("name: machine", "name: broken", "broken", "classification.rules[3].name",
     "`broken` stands twice", "it is on line 24 already: choose another name"),
    ("name: machine", "name: default", "default", "classification.rules[3].name",
     "what holds when no rule does", "choose another name"),
    ("- name: machine\n      when", "- when", "when:", "classification.rules[3]", "`name` is missing", None),
    ("      then: {topic: other}", "", "name:", "classification.rules[3]", "`then` is missing", "then: What follows."),
    ("      when: {automatic: true}\n", "      whem: {automatic: true}\n", "whem:", "classification.rules[3].whem",
     "unknown setting of a rule", "did you mean `when`?"),
    ("  default:", "  defaults:", "defaults:", "classification.defaults",
     "unknown setting of a classification", "did you mean `default`?"),
    ("    topic: other\n    ex", "    topic: others\n    ex", "others", "classification.default.topic",
     "unknown topic", "did you mean `other`?"),
    ('["Helaas kapot"]', "[{text: kapot, channel: post}]", "post", "classification.rules[1].examples[0].channel",
     "unknown channel `post`", None),
    ('["Helaas kapot"]', "kapot", "kapot", "classification.rules[1].examples",
     "expected a list of examples", "begin each on a line with `- `"),
    ('["Helaas kapot"]', "[{text: kapot, entry_point: contacts}]", "contacts", "classification.rules[1].examples[0].entry_point",
     "unknown entry point `contacts`", "did you mean `contact`?"),
    ("when: {automatic: true}", "when: {keywords: [kapot], sender: '@example.com', channel: chat}", "name:",
     "classification.rules[3]", "never reached: rule `broken` on line 24 holds whenever this one does",
     "move it before that one, or narrow that one down"),
    ("when: {automatic: true}", "when: {segment: press, channel: form, keywords: x}", "name:", "classification.rules[3]",
     "never reached: rule `press` on line 21 holds whenever this one does", "move it before that one, or narrow that one down"),
    ("when: {automatic: true}", "when: {entry_point: contact, fields: {reason: broken}, automatic: false, language: nl}", "name:",
     "classification.rules[3]", "never reached: rule `reason`",
     None),
]  # fmt: skip


def test_rules_compile_to_what_they_say() -> None:
    policy = loads(GOOD).policy
    assert policy.rules == [
        Rule(name="press", segments=["press"], channels=["mail", "form"], queue="orders", priority=9, new_case=True),
        Rule(
            name="broken",
            keywords=["kapot", "beschadigd*"],
            addresses=["@example.com", "anna@example.org"],
            topic="broken",
            requirements=[Requirement("garden", 3, False)],
        ),
        Rule(
            name="reason",
            entry_points=["contact"],
            fields={"reason": ["broken"]},
            automatic=False,
            languages=["nl"],
            topic="broken",
        ),
        Rule(name="machine", automatic=True, topic="other"),
    ]
    assert policy.default == Rule(name="default", topic="other")


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


def test_a_rule_without_conditions_catches_all_that_follows() -> None:
    problems = _problems(GOOD.replace("when: {segment: press, channel: [mail, form]}", "when:"))
    assert [(problem.path, problem.message) for problem in problems] == [
        (f"classification.rules[{index}]", "never reached: rule `press` on line 21 has no conditions") for index in (1, 2, 3)
    ]


def test_a_wider_word_hides_no_narrower_rule_that_is_only_nearly_the_same() -> None:
    """`beschadigd*` and `beschadigde` differ as written: nothing is claimed that is not certain."""
    text = GOOD.replace("when: {automatic: true}", "when: {keywords: [beschadigde], sender: '@example.com'}")
    assert loads(text).policy.rules[3].keywords == ["beschadigde"]


def test_good_examples_say_nothing() -> None:
    site = loads(GOOD)
    assert [(example.rule, example.signals.address) for example in site.examples] == [
        ("broken", "someone@example.com"),
        ("default", None),
    ]
    site.try_examples()


def test_an_example_that_another_rule_catches() -> None:
    text = GOOD.replace('["Helaas kapot"]', '["Helaas kapot", {text: kapot, segment: press}]')
    (problem,) = _tried(text)
    assert (problem.line, problem.path) == (29, "classification.rules[1].examples[1]")
    assert text.splitlines()[28][problem.column - 1 :] == "{text: kapot, segment: press}]"
    assert problem.message == "rule `press` catches this example, but `broken` should"
    assert problem.suggestion is not None
    assert problem.suggestion.startswith("narrow the conditions of `press`, or move it behind `broken`")


def test_an_example_that_no_rule_catches() -> None:
    (problem,) = _tried(GOOD.replace("Helaas kapot", "Helaas stuk"))
    assert problem.message == "no rule catches this example, but `broken` should"
    assert (problem.suggestion or "").startswith("widen the conditions of `broken`")


def test_an_example_of_the_default_that_a_rule_catches() -> None:
    (problem,) = _tried(GOOD.replace('["Goedendag"]', "[{text: kapot, sender: bo@example.com}]"))
    assert problem.message == "rule `broken` catches this example, but no rule should"


def test_rules_differ_by_name_and_by_order() -> None:
    old = loads(GOOD).policy
    changes = diff(old, loads(GOOD.replace("[kapot, beschadigd*]", "[kapot]").replace("name: machine", "name: robot")).policy)
    robot = {"when": {"automatic": True}, "then": {"topic": "other"}}
    assert [(change.path, change.old, change.new, change.effect) for change in changes if change.new is not None] == [
        ("classification.rules.broken.when.keywords", ["kapot", "beschadigd*"], ["kapot"], CHANGED["classification.rules"]),
        ("classification.rules.robot", None, robot, ADDED["classification.rules"]),
    ]
    first, rest = GOOD.index("    - name: press"), GOOD.index("    - name: broken")
    moved = GOOD[:first] + GOOD[rest : GOOD.index("  default:")] + GOOD[first:rest] + GOOD[GOOD.index("  default:") :]
    (change,) = diff(old, loads(moved).policy)
    assert (change.path, change.old[0], change.new[-1], change.effect) == (
        "classification.rules", "press", "press", RULES_REORDERED,
    )  # fmt: skip


def _tried(text: str) -> list:
    with pytest.raises(PolicyErrors) as caught:
        loads(text).try_examples()
    return list(caught.value.problems)


def _problems(text: str) -> list:
    with pytest.raises(PolicyErrors) as caught:
        loads(text)
    return list(caught.value.problems)
