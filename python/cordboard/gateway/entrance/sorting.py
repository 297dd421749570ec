"""Classification as gateways use it: whatever goes wrong with a rule, the letter still gets a place."""

import logging
from collections.abc import Iterator

from cordboard.gateway.entrance.letter import Letter
from cordboard.gateway.policy_view import PolicyView
from cordboard.policy.classify import DEFAULT_RULE, Classification, Signals

logger = logging.getLogger(__name__)

TEXT_MAX = 16_000
"""Characters of a text that the rules look at: a few milliseconds."""


def signals_of(letter: Letter, segment: str | None) -> Signals:
    sender = letter.sender
    text = letter.text if letter.classified_text is None else letter.classified_text
    return Signals(
        channel=letter.channel,
        entry_point=letter.entry_point,
        address=sender.address.lower() if sender is not None and sender.kind == "email" else None,
        text=f"{letter.subject}\n{text}"[:TEXT_MAX],
        language=letter.language,
        fields=letter.fields,
        segment=segment,
        automatic=letter.automatic,
    )


def classify(policy: PolicyView, signals: Signals) -> Classification:
    """As the policy's rules say; a failing rule is logged, and the default holds. Raises NotFound (`no_policy`), nothing else."""
    classifier = policy.classifier()
    try:
        found = classifier.classify(signals)
    except Exception as error:  # noqa: BLE001  no rule may lose a letter; the error's text may quote it, so only its kind is told
        logger.error("classification failed with %s; the default holds", type(error).__name__)
        return plain(policy, signals.entry_point)
    return found if policy.has_queue(found.queue) else plain(policy, signals.entry_point)


def plain(policy: PolicyView, entry_point: str | None) -> Classification:
    """The place that needs no rule: the entry point's queue, the default's, the first one."""
    queue = next(name for name in _queues(policy, entry_point) if policy.has_queue(name))
    return Classification(DEFAULT_RULE, queue, None, [], 0, None, False)


def _queues(policy: PolicyView, entry_point: str | None) -> Iterator[str]:
    in_force = policy.in_force()
    door = policy.door(entry_point) if entry_point is not None else None
    topics = {topic.name: topic.queue for topic in in_force.topics}
    for named in (door, in_force.default):
        if named is not None:
            yield named.queue or topics.get(named.topic or "") or ""
    for queue in in_force.queues:
        yield queue.name
