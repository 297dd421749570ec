"""What a contact is about, and where it goes: the policy's rules, the first that holds.

    classifier = Classifier(policy)             # compiles every keyword once
    found = classifier.classify(Signals(channel="mail", entry_point="service", text="Mijn pakket is kapot aangekomen"))

Deterministic: the same signals under the same policy always give the same answer. What a rule leaves open, its topic says, then the
entry point, then the default.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cordboard.events.bounds import REQUIREMENTS_MAX, Requirement
from cordboard.events.policy import Policy, Rule
from cordboard.policy.language import base_language, detect, known_language
from cordboard.policy.needles import Needles, fold, words

DEFAULT_RULE = "default"
"""The name of the classification where no rule held."""
WRITTEN = ".written"
WRITTEN_LEVEL = 5
"""Of the skill `nl.written` a contact in Dutch needs this level."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of a contact as it comes in."""

    channel: str
    entry_point: str | None = None
    address: str | None = None
    """The sender's mail address, in lower case."""
    text: str = ""
    """Subject, newline, text; without what is quoted."""
    language: str | None = None
    """As declared by the page, form or payload; None: found out from the text."""
    fields: Mapping[str, str] = field(default_factory=dict)
    segment: str | None = None
    automatic: bool = False
    """A machine wrote it."""


@dataclass(frozen=True, slots=True)
class Classification:
    """Where a contact goes, and which rule says so. `language` is None if nobody knows."""

    rule: str
    queue: str
    topic: str | None
    requirements: list[Requirement]
    priority: int
    language: str | None
    new_case: bool


class Classifier:
    """A policy's rules, ready to be asked. Immutable; may be asked from several threads."""

    def __init__(self, policy: Policy) -> None:
        self._rules = policy.rules
        self._default = policy.default or Rule(name=DEFAULT_RULE)
        self._entry_points = {entry_point.name: entry_point for entry_point in policy.entry_points}
        self._topic_queues = {topic.name: topic.queue for topic in policy.topics}
        self._first_queue = policy.queues[0].name
        self._written = frozenset(skill for skill in policy.skills if skill.endswith(WRITTEN))
        self._needles = Needles((needle, number) for number, rule in enumerate(policy.rules) for needle in rule.keywords)
        self._languages = site_languages(policy)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages a text may be found to be in."""
        return self._languages

    def classify(self, signals: Signals) -> Classification:
        """The first rule that holds, else the default. Unknown entry points count as none."""
        language = self.language_of(signals)
        hit = self._needles.owners(words(signals.text))
        for number, rule in enumerate(self._rules):
            if _failing(rule, signals, language, spoken=number in hit) is None:
                return self._classification(rule, signals, language)
        return self._classification(self._default, signals, language)

    def failed(self, signals: Signals) -> list[tuple[str, str]]:
        """Why the rules before the one that holds do not: name, and first condition that fails as the document calls it."""
        language, failed = self.language_of(signals), list[tuple[str, str]]()
        hit = self._needles.owners(words(signals.text))
        for number, rule in enumerate(self._rules):
            condition = _failing(rule, signals, language, spoken=number in hit)
            if condition is None:
                break
            failed.append((rule.name, condition))
        return failed

    def queues(self, rule: Rule, entry_point: str | None) -> list[tuple[str, str | None]]:
        """Who has a say about the queue under `rule`, and says what, in this order: the first that says something is heard."""
        default, door = self._default, self._entry_points.get(entry_point or "")
        own = rule if rule is not default else Rule(name=rule.name)
        return [
            ("rule", own.queue),
            ("topic of the rule", self._queue_of(own.topic)),
            ("entry point", door.queue if door is not None else None),
            ("topic of the entry point", self._queue_of(door.topic) if door is not None else None),
            ("default", default.queue),
            ("topic of the default", self._queue_of(default.topic)),
            ("first queue", self._first_queue),
        ]

    def rule(self, name: str) -> Rule:
        """A rule of the policy, or the default. Raises KeyError."""
        return {rule.name: rule for rule in (self._default, *self._rules)}[name]

    def language_of(self, signals: Signals) -> str | None:
        """As declared, else as the text says, else the entry point's."""
        declared = base_language(signals.language) if signals.language else None
        # No language at all is what a wrong pointer of a webhook finds, perhaps a name: that must not get into the journal.
        if declared is not None and (declared in self._languages or known_language(declared) is not None):
            return declared
        found = detect(signals.text, self._languages)
        if found is not None:
            return found
        entry_point = self._entry_points.get(signals.entry_point or "")
        return base_language(entry_point.language) if entry_point is not None and entry_point.language else None

    def _classification(self, rule: Rule, signals: Signals, language: str | None) -> Classification:
        default, door = self._default, self._entry_points.get(signals.entry_point or "")
        own_topic = rule.topic if rule is not default else None
        queue = next(queue for _, queue in self.queues(rule, signals.entry_point) if queue is not None)
        priority = rule.priority if rule.priority is not None else default.priority
        return Classification(
            rule=rule.name,
            queue=queue,
            topic=own_topic or (door.topic if door is not None else None) or default.topic,
            requirements=self._requirements(rule, language),
            priority=priority or 0,
            language=language,
            new_case=rule.new_case,
        )

    def _queue_of(self, topic: str | None) -> str | None:
        return None if topic is None else self._topic_queues.get(topic)

    def _requirements(self, rule: Rule, language: str | None) -> list[Requirement]:
        """The rule's, and the language's unless the rule asks for that skill itself."""
        requirements = list(rule.requirements)
        skill = f"{language}{WRITTEN}"
        if skill in self._written and all(requirement.skill != skill for requirement in requirements):
            requirements.append(Requirement(skill, WRITTEN_LEVEL, True))
        return requirements[:REQUIREMENTS_MAX]


def site_languages(policy: Policy) -> tuple[str, ...]:
    """Languages somebody writes, a template exists for, an entry point has, or a rule asks for; sorted."""
    tags = [skill.removesuffix(WRITTEN) for skill in policy.skills if skill.endswith(WRITTEN)]
    tags += policy.mail.templates
    tags += [entry_point.language for entry_point in policy.entry_points if entry_point.language is not None]
    tags += [tag for rule in policy.rules for tag in rule.languages]
    return tuple(sorted({code for tag in tags if (code := base_language(tag)) is not None}))


def _failing(rule: Rule, signals: Signals, language: str | None, *, spoken: bool) -> str | None:
    """The first condition that does not hold; `spoken`: one of the keywords is in the text."""
    conditions = (
        ("channel", not rule.channels or signals.channel in rule.channels),
        ("entry_point", not rule.entry_points or signals.entry_point in rule.entry_points),
        ("keywords", not rule.keywords or spoken),
        ("language", not rule.languages or language in rule.languages),
        ("segment", not rule.segments or signals.segment in rule.segments),
        ("automatic", rule.automatic is None or rule.automatic is signals.automatic),
        ("sender", not rule.addresses or _is_from(signals.address, rule.addresses)),
        ("fields", not rule.fields or all(_has(signals.fields.get(name), needles) for name, needles in rule.fields.items())),
    )
    return next((name for name, holds in conditions if not holds), None)


def _is_from(address: str | None, addresses: Sequence[str]) -> bool:
    if not address:
        return False
    lower = address.strip().lower()
    return lower in addresses or f"@{lower.rpartition('@')[2]}" in addresses


def _has(value: str | None, needles: Sequence[str]) -> bool:
    """A field is compared as a whole: `damaged` is not `damaged-box`; `damaged*` is both, and `*` is any value but none."""
    folded = fold(value or "").strip()
    if not folded:
        return False
    return any(folded.startswith(fold(needle[:-1])) if needle.endswith("*") else folded == fold(needle) for needle in needles)
