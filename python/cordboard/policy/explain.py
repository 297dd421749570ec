"""Why a contact is classified as it is, in words of the policy document."""

from dataclasses import dataclass

from cordboard.events.policy import Policy
from cordboard.policy.classify import Classification, Classifier, Signals
from cordboard.policy.language import base_language, detect
from cordboard.policy.needles import Needles, words


@dataclass(frozen=True, slots=True)
class Explanation:
    """A classification with its reasons. `failed`: the rules before, each with its first condition that does not hold."""

    found: Classification
    keywords: tuple[str, ...]
    """Those of the rule that are in the text."""
    queue_from: str
    language_from: str
    failed: tuple[tuple[str, str], ...]


def explain(policy: Policy, signals: Signals) -> Explanation:
    """Classify once, and say why."""
    classifier = Classifier(policy)
    found = classifier.classify(signals)
    rule = classifier.rule(found.rule)
    text_words = words(signals.text)
    return Explanation(
        found=found,
        keywords=tuple(needle for needle in rule.keywords if Needles([(needle, 0)]).owners(text_words)),
        queue_from=next(who for who, queue in classifier.queues(rule, signals.entry_point) if queue is not None),
        language_from=_language_from(classifier, signals, found.language),
        failed=tuple(classifier.failed(signals)),
    )


def _language_from(classifier: Classifier, signals: Signals, language: str | None) -> str:
    if language is None:
        return "too short, or too much like several"
    if signals.language and base_language(signals.language) is not None:
        return "declared"
    return "the text" if detect(signals.text, classifier.languages) is not None else "the entry point"
