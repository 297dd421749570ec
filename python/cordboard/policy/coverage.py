"""What leads to each topic on each channel, and what nobody could serve."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cordboard.events.bounds import Requirement
from cordboard.events.policy import EntryPoint, Policy, QueuePolicy, Rule
from cordboard.policy.agents_sheet import AgentSheet
from cordboard.policy.classify import DEFAULT_RULE, WRITTEN, WRITTEN_LEVEL, Classifier


@dataclass(frozen=True, slots=True)
class Cell:
    """One topic on one channel. A gap: no rule, door or default leads there. `unserved`: (queue, language) that no agent can serve
    here; the language is empty where the site has no written ones."""

    topic: str
    channel: str
    rules: tuple[str, ...]
    entry_points: tuple[str, ...]
    default: bool
    queues: tuple[str, ...]
    unserved: tuple[tuple[str, str], ...] = ()

    @property
    def gap(self) -> bool:
        """Whether nothing leads here."""
        return not (self.rules or self.entry_points or self.default)


def coverage(policy: Policy, agents: Sequence[AgentSheet] | None = None) -> list[Cell]:
    """Every topic on every channel, in the order of the policy. With `agents` also who could not be served."""
    map_ = _Map(policy)
    return [map_.cell(topic.name, channel.name, agents) for topic in policy.topics for channel in policy.channels]


class _Map:
    """The policy, from topics backwards."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._classifier = Classifier(policy)
        self._queues = {queue.name: queue for queue in policy.queues}
        self._default = policy.default or Rule(name=DEFAULT_RULE)
        self._fields = {form.name: {one.name for one in form.fields} for form in policy.forms}
        self._fields |= {webhook.name: set(webhook.fields) for webhook in policy.webhooks}
        self._written = [skill for skill in policy.skills if skill.endswith(WRITTEN)]

    def cell(self, topic: str, channel: str, agents: Sequence[AgentSheet] | None) -> Cell:
        doors = [door for door in self._policy.entry_points if door.channel == channel]
        rules = [rule for rule in self._policy.rules if rule.topic == topic and self._reaches(rule, channel, doors)]
        own = [door for door in doors if door.topic == topic]
        fallback = self._default.topic == topic
        ways = [(rule, door) for rule in rules for door in self._doors_of(rule, doors)]
        ways += [(self._default, door) for door in own]
        ways += [(self._default, None)] if fallback else []
        queues = dict.fromkeys(self._queue(rule, door) for rule, door in ways)
        unserved: dict[tuple[str, str], None] = {}
        for rule, door in ways if agents is not None else ():
            queue = self._queue(rule, door)
            for language in self._unserved(rule, queue, channel, agents or ()):
                unserved[queue, language] = None
        return Cell(
            topic,
            channel,
            tuple(rule.name for rule in rules),
            tuple(door.name for door in own),
            fallback,
            tuple(queues),
            tuple(unserved),
        )

    def _reaches(self, rule: Rule, channel: str, doors: list[EntryPoint]) -> bool:
        return (not rule.channels or channel in rule.channels) and bool(self._doors_of(rule, doors))

    def _doors_of(self, rule: Rule, doors: list[EntryPoint]) -> list[EntryPoint | None]:
        """The doors through which a rule can hold; None: without one."""
        if rule.entry_points or rule.fields:
            fitting = (door for door in doors if not rule.entry_points or door.name in rule.entry_points)
            return [door for door in fitting if rule.fields.keys() <= self._fields.get(door.name, set())]
        return [None, *doors]

    def _queue(self, rule: Rule, door: EntryPoint | None) -> str:
        said = self._classifier.queues(rule, door.name if door is not None else None)
        return next(queue for _, queue in said if queue is not None)

    def _unserved(self, rule: Rule, queue: str, channel: str, agents: Iterable[AgentSheet]) -> list[str]:
        """The languages that nobody can serve there."""
        languages = [skill.removesuffix(WRITTEN) for skill in self._written] or [""]
        asked = [language for language in languages if not rule.languages or language in rule.languages]
        wanted = {language: _needed(rule, self._queues.get(queue), language) for language in asked}
        able = [agent for agent in agents if _works_on(agent, queue, channel)]
        return [language for language in asked if not any(_skilled(agent, wanted[language]) for agent in able)]


def _needed(rule: Rule, queue: QueuePolicy | None, language: str) -> list[Requirement]:
    needed = [*rule.requirements, *(queue.requirements if queue is not None else ())]
    if language:
        needed.append(Requirement(f"{language}{WRITTEN}", WRITTEN_LEVEL, True))
    return [requirement for requirement in needed if requirement.hard]


def _works_on(agent: AgentSheet, queue: str, channel: str) -> bool:
    return any(one.queue == queue for one in agent.queues) and any(
        one.channel == channel and one.max_concurrent != 0 for one in agent.channels
    )


def _skilled(agent: AgentSheet, needed: list[Requirement]) -> bool:
    levels = {skill.skill: skill.level for skill in agent.skills}
    return all(levels.get(requirement.skill, 0) >= requirement.level for requirement in needed)
