"""The examples of the rules, tried: each must be caught by its own rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cordboard.events.policy import Policy, Rule
from cordboard.policy.classify import DEFAULT_RULE, Classifier, Signals
from cordboard.policy.entry import Entry
from cordboard.policy.problems import Problem
from cordboard.policy.sections import Document

USUAL_CHANNEL = "mail"
"""Where an example comes in if neither it nor its rule says so, and there is such a channel."""


@dataclass(frozen=True, slots=True)
class Example:
    """What comes in, the rule that must catch it, and where it stands in the file."""

    rule: str
    signals: Signals
    at: tuple[int, int]
    path: str


def collect_examples(document: Document, policy: Policy) -> tuple[Example, ...]:
    """The examples of a document without problems, in the order of the file."""
    classification, found = document.blocks["classification"], list[Example]()
    for index, entry in enumerate(classification.get("rules") or []):
        found += _examples_of(entry, policy.rules[index], f"classification.rules[{index}]", policy)
    default: Entry | None = classification.get("default")
    if default is not None:
        found += _examples_of(default, policy.default or Rule(name=DEFAULT_RULE), "classification.default", policy)
    return tuple(found)


def try_examples(examples: Iterable[Example], policy: Policy) -> list[Problem]:
    """Classify each; a problem for every one that another rule catches. The first text loads the models of the languages."""
    classifier, problems = Classifier(policy), list[Problem]()
    order = [rule.name for rule in policy.rules]
    for example in examples:
        found = classifier.classify(example.signals)
        if found.rule != example.rule:
            line, column = example.at
            caught = "no rule catches" if found.rule == DEFAULT_RULE else f"rule `{found.rule}` catches"
            wanted = "no rule should" if example.rule == DEFAULT_RULE else f"`{example.rule}` should"
            advice = _advice(example, found.rule, order, found.language)
            problems.append(Problem(line, column, example.path, f"{caught} this example, but {wanted}", advice))
    return problems


def _advice(example: Example, caught: str, order: list[str], language: str | None) -> str:
    where = f"it came in on {example.signals.channel}, language {language or 'unknown'}"
    if example.rule == DEFAULT_RULE:
        return f"narrow the conditions of `{caught}` ({where})"
    if caught == DEFAULT_RULE or order.index(caught) > order.index(example.rule):
        return f"widen the conditions of `{example.rule}` ({where})"
    return f"narrow the conditions of `{caught}`, or move it behind `{example.rule}` ({where})"


def _examples_of(entry: Entry, rule: Rule, path: str, policy: Policy) -> list[Example]:
    return [
        Example(rule.name, _signals(one, rule, policy), one.at, f"{path}.examples[{index}]")
        for index, one in enumerate(entry.get("examples") or [])
    ]


def _signals(example: Entry, rule: Rule, policy: Policy) -> Signals:
    """What the example does not say, it takes from the rule's conditions: the first value of each."""
    door = example.get("entry_point") or _first(rule.entry_points)
    channels = {entry_point.name: entry_point.channel for entry_point in policy.entry_points}
    given: Mapping[str, Any] = example.get("fields") or {}
    assumed = {name: values[0].removesuffix("*") or "x" for name, values in rule.fields.items() if values and name not in given}
    sender = _first(rule.addresses)
    automatic = example.get("automatic")
    return Signals(
        channel=example.get("channel") or channels.get(door or "") or _first(rule.channels) or _usual_channel(policy),
        entry_point=door,
        address=example.get("sender") or (f"someone{sender}" if sender and sender.startswith("@") else sender),
        text=example.get("text") or "",
        language=example.get("language") or _first(rule.languages),
        fields={**assumed, **{name: placed.value for name, placed in given.items()}},
        segment=example.get("segment") or _first(rule.segments),
        automatic=bool(rule.automatic) if automatic is None else automatic,
    )


def _usual_channel(policy: Policy) -> str:
    names = [channel.name for channel in policy.channels]
    return USUAL_CHANNEL if USUAL_CHANNEL in names else names[0]


def _first(values: list[str]) -> str | None:
    return values[0] if values else None
