"""Classification: the first rule that holds, what it leaves open, keywords in all their spellings, replies that ask for nothing."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.events.bounds import Requirement
from cordboard.events.policy import ChannelProfile, EntryPoint, MailPolicy, Policy, QueuePolicy, Rule, Topic
from cordboard.policy.classify import Classifier, Signals
from cordboard.policy.explain import explain
from cordboard.policy.needles import TEXT_MAX, Needles, fold, words
from cordboard.policy.no_action import NoAction

BASE: Mapping[str, Any] = {
    "version": 1,
    "site": "shop",
    "skills": ["nl.written", "de.written", "garden"],
    "channels": [
        ChannelProfile(name=name, presence="async", klass=3, answered_on="first_message") for name in ("mail", "form", "chat")
    ],
    "queues": [QueuePolicy(name=name) for name in ("first", "a", "b", "c", "d", "e", "f")],
    "topics": [
        Topic(name="to-a", queue="a"), Topic(name="to-b", queue="b"), Topic(name="to-c", queue="c"), Topic(name="nowhere")
    ],
}  # fmt: skip
DUTCH = "Goedemorgen, waar blijft mijn bestelling van vorige week?"


def policy(**parts: Any) -> Policy:
    return Policy(**{**BASE, **parts})


def classifier(*rules: Rule, **parts: Any) -> Classifier:
    return Classifier(policy(rules=list(rules), **parts))


def test_without_any_rule_everything_goes_to_the_first_queue() -> None:
    found = classifier().classify(Signals(channel="mail", text=DUTCH))
    assert (found.rule, found.queue, found.topic, found.priority, found.new_case) == ("default", "first", None, 0, False)
    assert found.requirements == [Requirement("nl.written", 5, True)]


def test_the_first_rule_that_holds_decides() -> None:
    asked = classifier(
        Rule(name="one", keywords=["kapot"], topic="to-a"),
        Rule(name="two", channels=["mail"], topic="to-b"),
        Rule(name="three", topic="to-c"),
    )
    assert asked.classify(Signals(channel="mail", text="kapot")).rule == "one"
    assert asked.classify(Signals(channel="mail", text="heel")).rule == "two"
    assert asked.classify(Signals(channel="form", text="heel")).rule == "three"


# (the rule, the door, the default, the queue): each line leaves open what the one before said
QUEUES = [
    (Rule(name="r", queue="f", topic="to-a"), EntryPoint(name="door", channel="mail", queue="e"), None, "f", "to-a"),
    (Rule(name="r", topic="to-a"), EntryPoint(name="door", channel="mail", queue="e", topic="to-b"), None, "a", "to-a"),
    (Rule(name="r", topic="nowhere"), EntryPoint(name="door", channel="mail", queue="e", topic="to-b"), None, "e", "nowhere"),
    (Rule(name="r"), EntryPoint(name="door", channel="mail", topic="to-b"), None, "b", "to-b"),
    (Rule(name="r"), EntryPoint(name="door", channel="mail"), Rule(name="default", queue="d", topic="to-c"), "d", "to-c"),
    (Rule(name="r"), EntryPoint(name="door", channel="mail"), Rule(name="default", topic="to-c"), "c", "to-c"),
    (Rule(name="r"), EntryPoint(name="door", channel="mail"), None, "first", None),
    (None, EntryPoint(name="door", channel="mail", queue="e"), Rule(name="default", queue="d", topic="to-c"), "e", "to-c"),
    (None, None, Rule(name="default", queue="d", topic="to-c"), "d", "to-c"),
]  # fmt: skip


@pytest.mark.parametrize("case", QUEUES)
def test_who_has_a_say_about_the_queue(case: tuple[Rule | None, EntryPoint | None, Rule | None, str, str | None]) -> None:
    rule, door, default, queue, topic = case
    asked = classifier(*([rule] if rule else []), entry_points=[door] if door else [], default=default)
    found = asked.classify(Signals(channel="mail", entry_point="door"))
    assert (found.queue, found.topic) == (queue, topic)


# (the condition, signals for which it holds, signals for which it does not)
CONDITIONS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"channels": ["mail", "form"]}, {"channel": "form"}, {"channel": "chat"}),
    ({"entry_points": ["door"]}, {"entry_point": "door"}, {"entry_point": None}),
    ({"addresses": ["anna@example.org"]}, {"address": "anna@example.org"}, {"address": "bo@example.org"}),
    ({"addresses": ["@example.org"]}, {"address": "Bo@Example.org"}, {"address": "bo@mail.example.org"}),
    ({"addresses": ["@example.org"]}, {"address": "a@example.org"}, {"address": None}),
    ({"languages": ["nl"]}, {"text": DUTCH}, {"text": "Guten Morgen, wo bleibt meine Bestellung von letzter Woche?"}),
    ({"languages": ["nl"]}, {"language": "nl-BE"}, {"language": "de"}),
    ({"languages": ["nl"]}, {"language": "NL"}, {"text": "ok"}),
    ({"segments": ["vip"]}, {"segment": "vip"}, {"segment": None}),
    ({"automatic": True}, {"automatic": True}, {"automatic": False}),
    ({"automatic": False}, {"automatic": False}, {"automatic": True}),
    ({"fields": {"reason": ["broken", "late"]}}, {"fields": {"reason": "Late "}}, {"fields": {"reason": "latest"}}),
    ({"fields": {"order": ["*"]}}, {"fields": {"order": "7"}}, {"fields": {"order": " "}}),
    ({"fields": {"order": ["nl-*"]}}, {"fields": {"order": "NL-7"}}, {"fields": {}}),
    ({"fields": {"a": ["1"], "b": ["2"]}}, {"fields": {"a": "1", "b": "2"}}, {"fields": {"a": "1", "b": "3"}}),
    ({"keywords": ["geld terug"], "channels": ["mail"]}, {"text": "Ik wil mijn geld terug"}, {"text": "terug, geld"}),
]  # fmt: skip


@pytest.mark.parametrize("case", CONDITIONS, ids=[str(case[0]) for case in CONDITIONS])
def test_condition(case: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]) -> None:
    condition, holds, fails = case
    asked = classifier(Rule(name="rule", **condition))
    assert asked.classify(Signals(**{"channel": "mail", **holds})).rule == "rule"
    assert asked.classify(Signals(**{"channel": "mail", **fails})).rule == "default"


def test_a_language_is_a_skill_unless_the_rule_asks_for_more() -> None:
    asked = classifier(
        Rule(
            name="expert",
            keywords=["grafrecht"],
            requirements=[Requirement("nl.written", 9, True), Requirement("garden", 2, False)],
        ),
        Rule(name="plain", requirements=[Requirement("garden", 2, False)]),
    )
    found = asked.classify(Signals(channel="mail", text="grafrecht", language="nl"))
    assert found.requirements == [Requirement("nl.written", 9, True), Requirement("garden", 2, False)]
    found = asked.classify(Signals(channel="mail", language="de-AT"))
    assert found.requirements == [Requirement("garden", 2, False), Requirement("de.written", 5, True)]
    assert asked.classify(Signals(channel="mail", language="pt")).requirements == [Requirement("garden", 2, False)]


def test_the_language_is_declared_else_found_else_the_doors() -> None:
    asked = classifier(entry_points=[EntryPoint(name="door", channel="mail", language="de")])
    assert asked.classify(Signals(channel="mail", entry_point="door", text=DUTCH, language="fr")).language == "fr"
    assert asked.classify(Signals(channel="mail", entry_point="door", text=DUTCH)).language == "nl"
    assert asked.classify(Signals(channel="mail", entry_point="door", text="ok")).language == "de"
    assert asked.classify(Signals(channel="mail", text="ok")).language is None
    assert asked.classify(Signals(channel="mail", entry_point="door", text="ok", language="????")).language == "de"


def test_what_is_no_language_is_not_taken_for_one() -> None:
    asked = classifier(skills=["nl.written", "fy.written"])
    assert asked.classify(Signals(channel="mail", language="Jan-Willem", text=DUTCH)).language == "nl"
    assert asked.classify(Signals(channel="mail", language="jan")).language is None
    assert [asked.classify(Signals(channel="mail", language=tag)).language for tag in ("fy", "pt-BR")] == ["fy", "pt"]


def test_priority_and_a_new_case() -> None:
    asked = classifier(
        Rule(name="loud", keywords=["nu"], priority=7, new_case=True),
        Rule(name="calm", keywords=["ooit"], priority=0),
        Rule(name="silent", keywords=["soms"]),
        default=Rule(name="default", priority=2),
    )
    found = {text: asked.classify(Signals(channel="mail", text=text)) for text in ("nu", "ooit", "soms", "nooit")}
    assert {text: one.priority for text, one in found.items()} == {"nu": 7, "ooit": 0, "soms": 2, "nooit": 2}
    assert [text for text, one in found.items() if one.new_case] == ["nu"]


# (needle, texts it is in, texts it is not in)
NEEDLES = [
    ("kapot", ["KAPOT!", "is hij kapot?", "kápöt"], ["kapotte", "kap ot"]),
    ("beschadig*", ["Beschadigde doos", "beschadig"], ["onbeschadigd"]),
    ("größe", ["GRÖSSE", "grosse", "Größe"], ["groesse"]),
    ("n'est pas arrivé", ["Le colis n\u2019est pas arrive.", "n'est pas\narrivé"], ["n'est arrivé pas"]),
    ("track & trace", ["track&trace", "Track-Trace?"], ["track and trace"]),
    ("retour* zend*", ["Retouren zenden", "retour zending"], ["retour en zending"]),
    ("e-mail", ["E-mail", "e mail"], ["email"]),
    ("2x", ["2x betaald"], ["12x"]),
    ("a b c", ["a b a b c"], ["a b a c"]),
]


@pytest.mark.parametrize("case", NEEDLES, ids=[case[0] for case in NEEDLES])
def test_needle(case: tuple[str, list[str], list[str]]) -> None:
    needle, inside, outside = case
    needles = Needles([(needle, 3)])
    for text in inside:
        assert needles.owners(words(text)) == {3}, text
    for text in outside:
        assert needles.owners(words(text)) == set(), text


def test_a_text_is_read_up_to_its_limit() -> None:
    needles = Needles([("einde", 0)])
    assert needles.owners(words("x " * ((TEXT_MAX - 6) // 2) + "einde"))
    assert not needles.owners(words("x " * TEXT_MAX + "einde"))
    assert len(fold("ﷺ" * TEXT_MAX)) <= TEXT_MAX


def test_the_longest_text_under_the_most_keywords_takes_steps_in_proportion_to_the_text() -> None:
    """Counted, not timed: phrases that begin alike are walked together."""
    needles = Needles((" ".join(["ha*"] * length), length) for length in range(1, 60))
    assert needles.owners(words("haha " * 3_000)) == set(range(1, 60))


def test_replies_that_ask_for_nothing() -> None:
    asked = NoAction(MailPolicy(no_action=["dank u", "dank u wel", "bedankt*", "groet*", "ok"]))
    for text in ("Dank u wel!", "OK, bedankt.\n\nGroeten", "ok ok"):
        assert asked.holds(text), text
    for text in ("", "\n", "Dank u, maar waar is mijn pakket?", "dank", "groeten Anna", "ok " * 25):
        assert not asked.holds(text), text
    assert not NoAction(MailPolicy()).holds("dank u")


def test_an_explanation_names_reasons() -> None:
    rules = [
        Rule(name="form-only", channels=["form"], topic="to-a"),
        Rule(name="other-words", keywords=["factuur"], topic="to-a"),
        Rule(name="broken", keywords=["kapot", "stuk*"], topic="to-b"),
        Rule(name="late", topic="to-c"),
    ]
    explained = explain(policy(rules=rules), Signals(channel="mail", text="Helemaal stukgevallen, mijn nieuwe tuintafel"))
    assert explained.found.rule == "broken"
    assert explained.keywords == ("stuk*",)
    assert explained.queue_from == "topic of the rule"
    assert explained.language_from == "the text"
    assert explained.failed == (("form-only", "channel"), ("other-words", "keywords"))


ANY_TEXT = st.text(max_size=200) | st.lists(st.sampled_from(["kapot", "Größe", " ", "\n", "*", "İ", "ﬁ", "\ud800", "0"])).map(
    "".join
)


@given(text=ANY_TEXT, needle=ANY_TEXT, channel=st.sampled_from(["mail", "chat", "nowhere"]), language=st.none() | ANY_TEXT)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_text_is_classified_and_always_the_same(text: str, needle: str, channel: str, language: str | None) -> None:
    rule = Rule(name="rule", keywords=[needle[:120] or "x"], fields={"field": [needle[:120] or "x"]})
    signals = Signals(channel=channel, text=text, language=language, fields={"field": text})
    found = classifier(rule, Rule(name="words", keywords=[needle[:120] or "x"])).classify(signals)
    assert found == classifier(rule, Rule(name="words", keywords=[needle[:120] or "x"])).classify(signals)
    assert found.queue == "first"


@given(text=ANY_TEXT)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_text_contains_its_own_words(text: str) -> None:
    for word in words(text)[:5]:
        assert Needles([(word, 0), (word[:1] + "*", 1)]).owners(words(text)) == {0, 1}
