"""What the policy says about a submitted contact: which words it may use, and where it goes if it names no queue."""

import asyncio
from collections.abc import Iterable

from msgspec.structs import replace

from cordboard.api.site import Site
from cordboard.api.status import BadRequest
from cordboard.api.translate.check import Check
from cordboard.events.bounds import REQUIREMENTS_MAX
from cordboard.events.fact import ContactArrived
from cordboard.events.policy import Policy
from cordboard.policy.classify import Signals
from cordboard.policy.language import base_language

TAG_MAX = 35
SHOWN_MAX = 20


def check_words(policy: Policy | None, fact: ContactArrived) -> None:
    """Raises BadRequest for an entry point or topic that the policy does not have; the router would refuse it only after the
    content was stored."""
    if policy is None:
        return
    check = Check()
    _among(check, "entry_point", fact.entry_point, (door.name for door in policy.entry_points if door.channel == fact.channel))
    _among(check, "topic", fact.topic, (topic.name for topic in policy.topics))
    check.finish()


def _among(check: Check, field: str, word: str | None, known: Iterable[str]) -> None:
    valid = sorted(known)
    if word is None or word in valid:
        return
    shown = ", ".join(valid[:SHOWN_MAX]) + (f" and {len(valid) - SHOWN_MAX} more" if len(valid) > SHOWN_MAX else "")
    check.wrong(field, f"the policy has no {word!r} here; it has {shown}" if valid else "the policy has none here: leave it empty")


def language_of(check: Check, tag: str) -> str | None:
    """The language of a declared tag: `de` of `de-AT`."""
    if not tag:
        return None
    language = base_language(tag) if len(tag) <= TAG_MAX else None
    if language is None:
        check.wrong("language", "must be a language tag such as nl or de-AT")
    return language


async def sorted_by_policy(site: Site, fact: ContactArrived, signals: Signals) -> ContactArrived:
    """The fact as the policy's rules complete it; what it says itself stands. Raises FactRefused without a policy."""
    classifier = site.declared.classifier()
    # Detecting a language takes a second the first time, and rules may be many: not on the loop.
    found = await asyncio.to_thread(classifier.classify, signals)
    said = {requirement.skill for requirement in fact.requirements}
    requirements = [*fact.requirements, *(one for one in found.requirements if one.skill not in said)]
    if len(requirements) > REQUIREMENTS_MAX:
        raise BadRequest.of("requirements", f"are {len(requirements)} with those of rule {found.rule}; at most {REQUIREMENTS_MAX}")
    return replace(
        fact,
        queue=found.queue,
        topic=fact.topic or found.topic,
        requirements=requirements,
        priority=fact.priority or found.priority,
        rule=found.rule,
        language=found.language,
    )
