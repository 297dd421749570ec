"""Whatever stands in a file: a policy comes out, or PolicyErrors; never anything else."""

import contextlib
import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard import codec
from cordboard.policy import PolicyErrors, loads, loads_agents, spell_policy
from tests.unit.test_policy_doors import GOOD as DOORS
from tests.unit.test_policy_problems import GOOD
from tests.unit.test_policy_rules import GOOD as RULES

EXAMPLES = Path(__file__).parents[2] / "examples"
POLICY = loads(GOOD).policy
AGENTS = (EXAMPLES / "agents.csv").read_text()[:1_500]

PLAIN = "site shop skills channels chat queues orders targets requires nl.written:5 20s 0 -1 1e99 no ~ null"
MARKS = '&a *a !!int ! | > |9 --- ... << [ ] { } , ; " "" \' \\ # @ ` \x00 \ud800 \U0001f600 "\\UFFFFFFFF" "\\xZZ"'
SPACE = ["? ", ": ", "- ", "%YAML 1.9", "\t", "\n", "\n  ", "\n    ", "\r", "\x85", "\u2028", "\ufeff"]
WORDS = st.sampled_from([*PLAIN.split(), *MARKS.split(), *SPACE])
SOUP = st.lists(WORDS, max_size=40).map("".join)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | WORDS,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=12) | WORDS, children, max_size=4),
    max_leaves=12,
)


@given(st.text() | SOUP)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_text(text: str) -> None:
    _try(text)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 12), st.text(max_size=4) | WORDS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_good_text_with_one_wound(at: int, cut: int, put: str) -> None:
    _try(GOOD[:at] + put + GOOD[at + cut :])


@given(st.sampled_from(["", "channels.chat", "queues", "skills", "routing", "reasons", "dispositions"]), TREES)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_tree_in_any_place(place: str, tree: object) -> None:
    """JSON is YAML: so a document of any shape."""
    document: dict[str, object] = dict(spell_policy(POLICY))
    inner = document
    for key in place.split(".")[:-1]:
        inner = inner[key]  # type: ignore[assignment]
    inner[place.split(".")[-1] or "site"] = tree
    _try(json.dumps(document))


WRITTEN = {"doors": spell_policy(loads(DOORS).policy), "rules": spell_policy(loads(RULES).policy)}
PLACES = {
    "doors": [
        "topics", "entry_points", "entry_points.service.address", "forms", "forms.contact.fields", "webhooks",
        "webhooks.reviews.fields", "forms.contact.fields.reason.choices",
        "mail", "mail.templates", "mail.no_action", "owner", "channels.mail.reply",
    ],
    "rules": [
        "segments", "classification", "classification.rules", "classification.default", "classification.rules.0.name",
        "classification.rules.1.when", "classification.rules.1.when.keywords", "classification.rules.2.when.fields",
        "classification.rules.1.then", "classification.rules.1.examples",
    ],
}  # fmt: skip


@given(st.sampled_from([(document, place) for document, places in PLACES.items() for place in places]), TREES)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_tree_in_any_place_of_doors_and_rules(chosen: tuple[str, str], tree: object) -> None:
    name, place = chosen
    document = json.loads(json.dumps(WRITTEN[name]))
    inner, keys = document, [int(key) if key.isdigit() else key for key in place.split(".")]
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = tree
    _try(json.dumps(document))


@given(st.sampled_from([DOORS, RULES]), st.floats(0, 1), st.integers(0, 12), st.text(max_size=4) | WORDS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_good_doors_and_rules_with_one_wound(good: str, where: float, cut: int, put: str) -> None:
    at = int(where * (len(good) - 1))
    _try(good[:at] + put + good[at + cut :])


@given(st.text() | SOUP | st.builds(lambda at, put: AGENTS[:at] + put + AGENTS[at:], st.integers(0, len(AGENTS)), WORDS))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_agents_file(text: str) -> None:
    for form in ("csv", "yaml"):
        with contextlib.suppress(PolicyErrors):
            loads_agents(text, form, POLICY)


def _try(text: str) -> None:
    try:
        site = loads(text)
    except PolicyErrors as errors:
        assert errors.problems
        for problem in errors.problems:
            assert problem.line >= 1
            assert problem.column >= 1
            assert problem.message
    else:
        assert codec.decode_policy(site.compiled(1)) == site.policy
        assert loads(json.dumps(spell_policy(site.policy))).policy == site.policy
