"""Every kind of mistake: where it is said to be, and what the reader is told to write instead."""

import pytest

from cordboard.policy import PolicyErrors, loads
from cordboard.policy.problems import PROBLEMS_MAX

GOOD = """\
site: shop
skills: [nl.written, garden]
channels:
  chat:
    presence: live
    class: 1
    answered_on: first_message
    wrap_up: 1m
  task: {presence: async, class: 3, answered_on: connected}
queues:
  orders:
    target: 45s
    targets: {task: 4h}
    requires: [nl.written:5]
reasons:
  lunch: meal
dispositions: [solved, spam]
routing:
  prefer: 30s
"""

# (what to replace, with what, line, column, path, part of the message, the suggestion: exact, or None)
CASES = [
    # names, keys, references
    ("site: shop", "site: Web Shop", 1, 7, "site", "no name", "write `web-shop`"),
    ("site: shop", "site: web.shop", 1, 7, "site", "no name for a site", "write `web-shop`: at most 32 characters, without dots"),
    ("site: shop", "site:", 1, 6, "site", "no value", "write a name"),
    ("site: shop", "site: ''", 1, 7, "site", "no value", "write a name"),
    ("site: shop", "sight: shop", 1, 1, "sight", "unknown key `sight`", "did you mean `site`?"),
    ("site: shop", "site: shop\ncapcity: 90", 2, 1, "capcity", "unknown key `capcity`", "did you mean `capacity`?"),
    ("site: shop", "site: shop\nprefer: 9s", 2, 1, "prefer", "does not belong here", "write it under `routing:`"),
    ("    wrap_up: 1m", "    wrapup: 1m", 8, 5, "channels.chat.wrapup", "unknown setting of a channel", "did you mean `wrap_up`?"),
    ("[nl.written:5]", "[nl.writen:5]", 14, 16, "queues.orders.requires", "unknown skill `nl.writen`",
     "did you mean `nl.written`?"),
    ("[nl.written:5]", "[quantum:5]", 14, 16, "queues.orders.requires", "unknown skill", "write one of `nl.written`, `garden`"),
    ("{task: 4h}", "{taks: 4h}", 13, 15, "queues.orders.targets.taks", "unknown channel `taks`", "did you mean `task`?"),
    ("  lunch: meal", "  lunch: meals", 16, 10, "reasons.lunch", "none of the choices", "did you mean `meal`?"),
    ("presence: live", "presence: life", 5, 15, "channels.chat.presence", "none of the choices", "did you mean `live`?"),
    # twice
    ("  task:", "  chat:", 9, 3, "channels.chat", "stands twice", "it is on line 4 already: keep one of them"),
    ("[solved, spam]", "[solved, solved]", 17, 24, "dispositions[1]", "stands twice", "it is on line 17 already: keep one of them"),
    ("[nl.written:5]", "[garden:1, garden:2]", 14, 26, "queues.orders.requires", "stands twice", "keep the higher level"),
    # values
    ("wrap_up: 1m", "wrap_up: 60", 8, 14, "channels.chat.wrap_up", "no duration",
     "write `60s` for seconds, `60m` for minutes or `60ms` for milliseconds"),
    ("wrap_up: 1m", "wrap_up: 1.5 min", 8, 14, "channels.chat.wrap_up", "no duration", "write `1m30s`"),
    ("wrap_up: 1m", "wrap_up: 1d", 8, 14, "channels.chat.wrap_up", "1d is too long", "write 0s to 8h"),
    ("wrap_up: 1m", "wrap_up: [1m]", 8, 14, "channels.chat.wrap_up", "found a list", None),
    ("wrap_up: 1m", "offer_ttl: 0s", 8, 16, "channels.chat.offer_ttl", "0s is too short", "write 1s to 1h"),
    ("wrap_up: 1m", "connect: 0", 8, 14, "channels.chat.connect", "0s is too short", "write 1s to 10m"),
    ("target: 45s", "target: 0s", 12, 13, "queues.orders.target", "0s is too short", "write 1s to 90d"),
    ("class: 1", "class: 4", 6, 12, "channels.chat.class", "out of bounds", "write a whole number from 0 to 3"),
    ("class: 1", "class: one", 6, 12, "channels.chat.class", "out of bounds", "write a whole number from 0 to 3"),
    ("class: 1", "class: 1\n    max_concurrent: 0", 7, 21, "channels.chat.max_concurrent", "out of bounds",
     "write a whole number from 1 to 1000"),
    ("target: 45s", "service_level: 0.8", 12, 20, "queues.orders.service_level", "no whole percentage", "write 80%"),
    ("target: 45s", "service_level: 110%", 12, 20, "queues.orders.service_level", "no whole percentage",
     "write a whole percentage from 0% to 100%"),
    ("[nl.written:5]", "[nl.written: 5]", 14, 16, "queues.orders.requires[0]", "a space stands after the colon",
     "write `nl.written:5`"),
    ("[nl.written:5]", "[nl.written:11]", 14, 16, "queues.orders.requires[0]", "level 11 is out of bounds",
     "levels go from 1 to 10 (best)"),
    ("[nl.written:5]", "[nl.written > 5]", 14, 16, "queues.orders.requires[0]", "no requirement",
     "write skill:level, such as `nl.written:5` or `nl.written:5 soft`"),
    ("[nl.written:5]", "nl.written:5", 14, 15, "queues.orders.requires", "expected a list", "write `[nl.written:5]`"),
    ("[nl.written, garden]", "{nl.written: {nl: x, q1: y}, garden: }", 2, 30, "skills.nl.written.label", "no language tag",
     "write a tag such as nl, de or fr-BE"),
    ("target: 45s", "label: ' '", 12, 12, "queues.orders.label", "no value", "write a text"),
    # contradictions
    ("class: 1", "class: 3", 6, 12, "channels.chat.class", "class 3 is deferrable", "write `class: 1`, or `presence: async`"),
    ("class: 3", "class: 1", 9, 34, "channels.task.class", "for customers who wait live",
     "write `class: 3` (deferrable) or `class: 2`"),
    ("class: 3", "on_missed: not_ready, class: 3", 9, 38, "channels.task.on_missed", "a missed piece of async work",
     "write `on_missed: switch_off`"),
    ("class: 1", "class: 1\n    offer_ttl: 10m", 7, 16, "channels.chat.offer_ttl", "would wait 10m",
     "write at most 5m; 20s is usual"),
    ("class: 1", "class: 1\n    cost: 101", 7, 11, "channels.chat.cost", "could never be offered",
     "write a cost of at most 100, or raise `capacity`"),
    ("site: shop", "site: shop\ncapacity: 50", 5, 3, "channels.chat.cost", "costs 100, more than",
     "write a cost of at most 50, or raise `capacity`"),
    ("wrap_up: 1m", "wrap_up: 1m\n    wrap_up_max: 30s", 9, 18, "channels.chat.wrap_up_max", "shorter than the wrap-up",
     "write 1m or more, or 0s to forbid extensions"),
    ("wrap_up: 1m", "wrap_up_max: 30s", 8, 18, "channels.chat.wrap_up_max", "no wrap-up to extend",
     "add `wrap_up: 60s`, or remove `wrap_up_max`"),
    ("  lunch: meal", "  missed: meal", 16, 11, "reasons.missed", "the engine gives `missed` itself", "write `class: system`"),
    ("  prefer: 30s", "  reoffer_min: 2m", 19, 16, "routing.reoffer_min", "longer than decline_cooldown (1m)", "write at most 1m"),
    # shape
    ("    class: 1\n", "", 4, 3, "channels.chat", "`class` is missing",
     "class: 0 emergency, 1 live, 2 session, 3 deferrable; a lower class always goes first."),
    ("  orders:\n    target: 45s\n    targets: {task: 4h}\n    requires: [nl.written:5]\n", "", 10, 1, "queues",
     "the site has no queues",
     "write at least one queue under `queues:`"),
    ("  lunch: meal", "  lunch:", 16, 9, "reasons.lunch", "no value", None),
    ("  prefer: 30s", "  - prefer", 19, 3, "routing", "a routing is a mapping", None),
    ("[solved, spam]", "solved", 17, 15, "dispositions", "a mapping or a list of names", None),
    # what YAML can do, and a policy must not
    ("site: shop", "site: &s shop", 1, 7, "site", "anchors such as `&s`", "remove it and write values out where needed"),
    ("  prefer: 30s", "  prefer: *s", 19, 11, "routing.prefer", "aliases such as `*s`", "write the value out"),
    ("class: 1", "class: !!int 1", 6, 12, "channels.chat.class", "tags such as", "remove the tag"),
    ("site: shop", "? [site]\n: shop", 1, 3, "", "a key must be one word", "put the value in quotes if it begins with [ or {"),
    ("site: shop", "<<: {site: shop}", 1, 1, "<<", "unknown key `<<`", None),
    ("reasons:", "---\nreasons:", 15, 1, "", "a second document", "keep one document a file: remove the `---`"),
    ("{task: 4h}", "{task: 4h", 14, 13, "", "not YAML", None),
    ("    class: 1", "\tclass: 1", 6, 1, "", "not YAML",
     "indent with spaces, and quote values that begin with a special character"),
    ("site: shop", "site: shop: a", 1, 11, "", "not YAML", "put the text in quotes if it contains `: `, or check the indentation"),
    ("site: shop", 'site: "\\UFFFFFFFF"', 1, 1, "", "not YAML after this place", None),
    ("site: shop", "site: a\x07b", 1, 8, "", "a character that YAML does not allow", "remove it, or save the file as UTF-8"),
    ("[solved, spam]", '["\\ud83d"]', 17, 16, "dispositions[0]", "half a character",
     "remove the escape `\\u…`, or write its other half too"),
    ("45s", "[" * 20 + "]" * 20, 12, 27, "", "nested deeper than 16 levels", None),
]  # fmt: skip


def test_the_base_is_good() -> None:
    assert loads(GOOD).policy.skills == ["nl.written", "garden"]


@pytest.mark.parametrize("case", CASES, ids=[f"{case[1][:24]!r}-{case[5][:24]}" for case in CASES])
def test_problem(case: tuple[str, str, int, int, str, str, str | None]) -> None:
    old, new, line, column, path, message, suggestion = case
    assert GOOD.count(old) >= 1
    problems = _problems(GOOD.replace(old, new, 1))
    found = [problem for problem in problems if (problem.line, problem.column, problem.path) == (line, column, path)]
    assert found, problems
    assert message in found[0].message
    if suggestion is not None:
        assert found[0].suggestion == suggestion


def test_one_mistake_is_said_once() -> None:
    """A wrong value must not cause a second problem through its default."""
    for old, new in (
        ("class: 1", "class: 1\n    cost: lots"),
        ("wrap_up: 1m", "wrap_up_max: 9m\n    wrap_up: 1"),
        ("prefer: 30s", "reoffer_min: x"),
    ):
        assert len(_problems(GOOD.replace(old, new, 1))) == 1


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    text = GOOD
    for old, new in (("live", "life"), ("45s", "45"), ("[nl.written:5]", "[nl:5]"), ("meal", "meel"), ("30s", "30x")):
        text = text.replace(old, new, 1)
    assert [problem.line for problem in _problems(text)] == [5, 12, 14, 16, 19]


def test_an_empty_document() -> None:
    for text in ("", "\n", "# nothing\n", "~\n", "---\n"):
        messages = [problem.message for problem in _problems(text)]
        assert "the document is empty" in messages
        assert "`site` is missing" in messages


def test_too_large_for_a_frame() -> None:
    queues = "".join(f"  {'q' * 44}-{number:03}: \n" for number in range(512))
    problems = _problems(GOOD[: GOOD.index("queues:")] + "queues:\n" + queues)
    assert len(problems) == 1
    assert problems[0].path == "queues"
    assert "bytes" in problems[0].message


def test_too_many_of_everything() -> None:
    queues = "".join(f"  q{number}: \n" for number in range(513))
    problems = _problems(GOOD[: GOOD.index("queues:")] + "queues:\n" + queues)
    assert ("513 queues", "at most 512") in [(problem.message, problem.suggestion) for problem in problems]


def test_the_text_is_bounded() -> None:
    problems = _problems("# " + "x" * (1 << 20))
    assert "characters" in problems[0].message


def test_a_hopeless_file_does_not_drown_the_reader() -> None:
    assert len(_problems("".join(f"key{number}: 1\n" for number in range(2_000)))) == PROBLEMS_MAX


def test_the_error_reads_like_a_compilers() -> None:
    with pytest.raises(PolicyErrors) as caught:
        loads(GOOD.replace("class: 1", "class: 4"), source="shop.yaml")
    assert str(caught.value) == "shop.yaml:6:12: channels.chat.class: `4` is out of bounds (write a whole number from 0 to 3)"
    assert caught.value.reason == "invalid_policy"


def _problems(text: str) -> list:
    with pytest.raises(PolicyErrors) as caught:
        loads(text)
    return list(caught.value.problems)
