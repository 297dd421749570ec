"""A document without problems to the compiled policy. The same document always gives the same bytes."""

from typing import Any

import msgspec

from cordboard import codec
from cordboard.errors import InvalidInput
from cordboard.events.bounds import FRAME_MAX
from cordboard.events.policy import (
    CalendarPolicy,
    ChannelProfile,
    EntryPoint,
    Form,
    MailPolicy,
    Monitoring,
    Policy,
    QueuePolicy,
    Reason,
    Rule,
    SlaPolicy,
    Topic,
    Webhook,
)
from cordboard.policy.calendars import with_instants
from cordboard.policy.check_doors import door_channel, doors
from cordboard.policy.check_next_steps import compiled_steps
from cordboard.policy.classify import DEFAULT_RULE
from cordboard.policy.entry import Entry
from cordboard.policy.problems import Problems
from cordboard.policy.sections import Document

COMPILED_MAX = FRAME_MAX - 128
"""Bytes: what a PolicyPublished fact can carry."""
_VERSION_LONGEST = (1 << 53) - 1
_SOME_DAY_MS = 2_000_000_000_000
_PARTS = (
    "skills",
    "channels",
    "queues",
    "reasons",
    "dispositions",
    "segments",
    "topics",
    "entry_points",
    "forms",
    "webhooks",
    "mail",
    "calendars",
    "slas",
)
"""Parts of the document that may be large, by the names they have both there and compiled."""


def compile_policy(document: Document, version: int) -> Policy:
    """The policy in the order of the file. `document` must have no problems."""
    named, blocks = document.named, document.blocks
    default: Entry | None = blocks["classification"].get("default")
    return Policy(
        version=version,
        skills=list(named["skills"]),
        channels=[ChannelProfile(name=word, **entry.fields()) for word, entry in named["channels"].items()],
        queues=[QueuePolicy(name=word, **entry.fields()) for word, entry in named["queues"].items()],
        calendars=[CalendarPolicy(name=word, **entry.fields()) for word, entry in named["calendars"].items()],
        slas=[SlaPolicy(name=word, **entry.fields()) for word, entry in named["slas"].items()],
        reasons=[Reason(name=word, klass=entry.get("class")) for word, entry in named["reasons"].items()],
        dispositions=list(named["dispositions"]),
        segments=list(named["segments"]),
        topics=[Topic(name=word, **entry.fields()) for word, entry in named["topics"].items()],
        entry_points=[_entry_point(document, group, word, entry) for group, word, entry in doors(document)],
        forms=[_form(word, entry, document.language) for word, entry in named["forms"].items()],
        webhooks=[Webhook(name=word, **entry.fields()) for word, entry in named["webhooks"].items()],
        rules=[_rule(entry) for entry in blocks["classification"].get("rules") or []],
        default=None if default is None else Rule(name=DEFAULT_RULE, **default.fields()),
        mail=MailPolicy(**blocks["mail"].fields()),
        monitoring=Monitoring(**blocks["monitoring"].fields()),
        **document.site.fields(),
        **blocks["routing"].fields(),
    )


def check_size(document: Document, policy: Policy, problems: Problems) -> None:
    """A policy travels as one fact in one frame: add a problem at the largest part if it cannot."""
    size = len(codec.encode(msgspec.structs.replace(with_instants(policy, _SOME_DAY_MS), version=_VERSION_LONGEST)))
    if size > COMPILED_MAX:
        sizes = {part: len(msgspec.msgpack.encode(getattr(policy, part))) for part in _PARTS}
        sizes["classification"] = len(msgspec.msgpack.encode(policy.rules))
        largest = max(sizes, key=lambda part: sizes[part])
        problems.add(
            document.places.get(largest, (1, 1)),
            largest,
            f"compiled, the policy has {size:,} bytes, {sizes[largest]:,} of them here",
            f"a policy fits one frame of {COMPILED_MAX:,} bytes: use fewer or shorter words",
        )


def check_compiled(policy: Policy) -> None:
    """A last guard against ourselves: the compiled bytes decode within all bounds. Raises InvalidInput if not."""
    if codec.decode_policy(codec.encode(policy)) != policy:
        raise InvalidInput("the compiled policy does not read back as it was written")


def _entry_point(document: Document, group: str, word: str, entry: Entry) -> EntryPoint:
    """A door; forms and webhooks are doors too. A webhook's `language` is a place in its payload."""
    if group == "entry_points":
        fields = entry.fields()
        fields["next_steps"] = compiled_steps(document, entry)
        for texts in ("labels", "messages"):
            fields[texts] = _labels(fields.get(texts, {}), document.language)
        return EntryPoint(name=word, **fields)
    channel = door_channel(group, entry)
    assert channel is not None, "a document without problems has a channel for every door"
    language = entry.get("language") if group == "forms" else None
    return EntryPoint(name=word, channel=channel, queue=entry.get("queue"), topic=entry.get("topic"), language=language)


def _form(word: str, entry: Entry, language: str) -> Form:
    form = Form(name=word, **entry.fields())
    fields = [
        msgspec.structs.replace(
            one,
            labels=_labels(one.labels, language),
            choices={choice: _labels(labels, language) for choice, labels in one.choices.items()},
        )
        for one in form.fields
    ]
    return msgspec.structs.replace(form, fields=fields, labels=_labels(form.labels, language))


def _labels(labels: dict[str, str], language: str) -> dict[str, str]:
    """By language, in lower case; a text without one is in the document's."""
    return {(tag or language).lower(): text for tag, text in labels.items()}


def _rule(entry: Entry) -> Rule:
    fields: dict[str, Any] = {}
    for part in ("when", "then"):
        below: Entry | None = entry.get(part)
        if below is not None:
            fields.update(below.fields())
    return Rule(name=entry.get("name"), **fields)
