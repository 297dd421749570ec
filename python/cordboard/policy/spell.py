"""A compiled policy back to the words of the document: for `policy show`, and for saying what differs."""

from typing import Any

import msgspec

from cordboard.events.policy import EntryPoint, Policy, Rule
from cordboard.policy.calendars import CALENDAR
from cordboard.policy.document import CHANNEL, QUEUE, ROUTING, SITE
from cordboard.policy.doors import ENTRY_POINT, FORM, TOPIC, WEBHOOK
from cordboard.policy.mail import MAIL
from cordboard.policy.monitoring import MONITORING
from cordboard.policy.rules import DEFAULT, THEN, WHEN
from cordboard.policy.setting import Section
from cordboard.policy.slas import SLA


def spell_policy(policy: Policy) -> dict[str, Any]:
    """The document that compiles to `policy`, every default written out; doors, rules and mail leave out what they do not say.
    Labels (but those of forms) and examples do not travel with a policy and are not there."""
    doors = {entry_point.name: entry_point for entry_point in policy.entry_points}
    composed = {form.name for form in policy.forms} | {webhook.name for webhook in policy.webhooks}
    document = SITE.spell(policy)
    document["skills"] = list(policy.skills)
    document["channels"] = {channel.name: CHANNEL.spell(channel) for channel in policy.channels}
    document["queues"] = {queue.name: QUEUE.spell(queue) for queue in policy.queues}
    document["calendars"] = {calendar.name: CALENDAR.spell(calendar, sparse=True) for calendar in policy.calendars}
    document["slas"] = {sla.name: SLA.spell(sla, sparse=True) for sla in policy.slas}
    document["reasons"] = {reason.name: {"class": reason.klass} for reason in policy.reasons}
    document["dispositions"] = list(policy.dispositions)
    document["segments"] = list(policy.segments)
    document["topics"] = {topic.name: TOPIC.spell(topic, sparse=True) for topic in policy.topics}
    document["entry_points"] = {name: ENTRY_POINT.spell(door, sparse=True) for name, door in doors.items() if name not in composed}
    document["forms"] = {form.name: _door(FORM, form, doors.get(form.name)) for form in policy.forms}
    document["webhooks"] = {webhook.name: _door(WEBHOOK, webhook, doors.get(webhook.name)) for webhook in policy.webhooks}
    document["classification"] = {
        "rules": [{"name": rule.name, **_rule(rule)} for rule in policy.rules],
        **({} if policy.default is None else {"default": DEFAULT.spell(policy.default, sparse=True)}),
    }
    document["mail"] = MAIL.spell(policy.mail, sparse=True)
    document["monitoring"] = MONITORING.spell(policy.monitoring)
    document["routing"] = ROUTING.spell(policy)
    if policy.supervisor_queue is None:
        del document["routing"]["supervisor_queue"]
    return document


def _door(section: Section, struct: msgspec.Struct, door: EntryPoint | None) -> dict[str, Any]:
    """A form or webhook with what its entry point says."""
    words = {} if door is None else ENTRY_POINT.spell(door, sparse=True)
    return {**words, **section.spell(struct, sparse=True)}


def _rule(rule: Rule) -> dict[str, Any]:
    return {"when": WHEN.spell(rule, sparse=True), "then": THEN.spell(rule, sparse=True)}
