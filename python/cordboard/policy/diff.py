"""What differs between two policies, in the words of the document, and what that means for contacts and agents."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cordboard.events.policy import Policy
from cordboard.policy.spell import spell_policy

_KEPT = "waiting contacts keep their place; it counts for contacts that arrive from now on"
_OPEN_KEPT = "what is open already keeps its deadline; it counts from the next one on"
_ARRIVALS = "contacts that are here keep their queue and topic; it counts for contacts that arrive from now on"
_NEXT = "it counts from the next time on"
_INSTANTS = "waiting contacts keep the instants they were given; what happens then is what the new policy says"
_ADMITTED = "whoever waits stays; it counts for contacts that arrive from now on"
_DECLARED = "agents keep what they were declared with; `cordboard agents apply` declares those again who differ"

ADDED = {
    "skills": "contacts may ask for it and agents may be declared with it from now on",
    "channels": "contacts may arrive on it; agents work on it only once declared for it",
    "queues": "contacts may be sent there; nobody serves it until agents are declared for it",
    "calendars": "queues may open by it from now on",
    "slas": "it is promised to contacts that arrive from now on",
    "reasons": "agents may choose it from now on",
    "dispositions": "agents may choose it from now on",
    "segments": "customers may be put into it, and rules may ask for it",
    "topics": "contacts may be about it from now on",
    "entry_points": "contacts may come in through it from now on",
    "forms": "customers may fill it in from now on",
    "webhooks": "payloads for it are taken from now on, once it has secrets",
    "classification.rules": "it classifies contacts that arrive from now on",
}
REMOVED = {
    "skills": "arrivals that ask for it and agents declared with it are refused from now on",
    "channels": "new contacts on it are refused; the policy itself is refused while contacts of it wait or run",
    "queues": "new contacts for it are refused; the policy itself is refused while contacts of it wait or run",
    "calendars": "no queue opens by it any more",
    "slas": "promises that were made keep their time; nothing more is promised",
    "reasons": "agents can no longer choose it; who is not ready for it stays so",
    "dispositions": "agents can no longer choose it; contacts closed with it stay as they are",
    "segments": "customers keep it, but no rule asks for it",
    "topics": "no new contact is about it; those that are stay so",
    "entry_points": "what comes in through it is refused; contacts that came stay",
    "forms": "the form is gone; contacts that came through it stay",
    "webhooks": "its payloads are refused; contacts that came through it stay",
    "classification.rules": "contacts that arrive from now on are classified without it",
}
CHANGED = {
    "site": "a policy of another site: it would be refused",
    "timezone": "today's engagements count until the next day begins there",
    "capacity": _DECLARED,
    "max_parked": "what is parked stays so; it counts for the next contact that an agent parks",
    "owner": "contacts that wait for their owner keep their time; it counts for the next that returns",
    "reopen": "it counts for the next reply, also to contacts that ended before",
    "channels.presence": "from now on waiting contacts, too, are abandoned by the new rule (async ones never)",
    "channels.class": _KEPT,
    "channels.answered_on": "contacts not answered yet are answered by the new rule",
    "channels.offer_ttl": _OPEN_KEPT,
    "channels.connect": _OPEN_KEPT,
    "channels.wrap_up": _OPEN_KEPT,
    "channels.wrap_up_max": "it counts for the next extension",
    "channels.wrap_up_cost": _OPEN_KEPT,
    "channels.cost": _DECLARED,
    "channels.max_concurrent": _DECLARED,
    "channels.on_missed": _NEXT,
    "channels.missed_limit": _NEXT,
    "channels.last_offer_before": _NEXT,
    "channels.desk_lost": _OPEN_KEPT,
    "channels.reply": "answers that are on their way go out as they began; it counts for the next answer",
    "queues.target": _KEPT,
    "queues.targets": _KEPT,
    "channels.interruptible_by": "for offers from now on",
    "channels.idle": "from the next word of a conversation on",
    "channels.idle_end": "from the next word of a conversation on",
    "channels.dormant_cost": "for contacts that become dormant from now on",
    "channels.silence_alert": "from the next word of a conversation on",
    "channels.silence_requeue": "from the next word of a conversation on",
    "channels.join_waiting": "it counts for contacts that arrive from now on",
    "channels.resume": "places that are kept stay so long; it counts for contacts that end from now on",
    "channels.answer": "offers that are open stay as they are; it counts for the next offer",
    "queues.broadcast": "offers that are open stay as they are; it counts for the next offer",
    "routing.max_transfers": "transfers so far count; it counts for the next one",
    "routing.supervisor_queue": "it counts for the next transfer beyond the limit",
    "routing.transfer": "offers that are open keep their time; it counts for the next transfer to an agent",
    "queues.plan": _INSTANTS,
    "queues.thresholds": _INSTANTS,
    "queues.promote_before": _INSTANTS,
    "queues.promoted": "it counts for the next promotion",
    "queues.floors": "it counts for the next agent who is freed",
    "queues.max_waiting": _ADMITTED,
    "queues.max_expected_wait": _ADMITTED,
    "queues.admit_unstaffed": _ADMITTED,
    "queues.overflow": _ADMITTED,
    "queues.closing_grace": "a closing that is under way keeps its time; it counts for the next one",
    "queues.callbacks": "what was promised keeps its time; what its slots have no room for any more is at risk",
    "queues.calendar": "the queue opens and closes by it at once; waiting contacts keep when they are due",
    "queues.requires": "waiting contacts keep what they needed on arrival; it counts for contacts that arrive from now on",
    "queues.strategy": "it counts for the next offer",
    "queues.rank_delays": _KEPT,
    "queues.drain_after": _KEPT,
    "queues.drain_share": _NEXT,
    "queues.short_abandon": "reports and boards count differently; who hangs up sooner is offered no callback",
    "queues.service_level": "only reports and boards count differently",
    "calendars": "queues open and close by it at once; waiting contacts keep when they are due",
    "slas": "clocks that run keep their time and group, in the new calendar; it counts for those that start from now on",
    "topics.queue": _ARRIVALS,
    "entry_points": _ARRIVALS,
    "forms": "customers see it so from now on",
    "webhooks": "payloads are read so from now on",
    "classification.rules": _ARRIVALS,
    "classification.default": _ARRIVALS,
    "mail": "mail that is read or written from now on",
    "monitoring": "boards, histories and explanations show it so from now on, what was before included",
    "reasons.class": "only reports and boards count differently",
    "routing.order": _KEPT,
    "routing.age_credit": _KEPT,
    "routing.freed_agent": "it counts for the next agent who is freed",
    "routing.prefer": "contacts that wait for a preferred agent keep their time; it counts for contacts that arrive from now on",
    "routing.decline_cooldown": _OPEN_KEPT,
    "routing.reoffer_min": _OPEN_KEPT,
    "routing.declines_limit": _NEXT,
    "routing.connect_retry": _OPEN_KEPT,
    "routing.toggle_grace": _NEXT,
    "routing.repeat_count": _ADMITTED,
    "routing.repeat_within": _ADMITTED,
    "routing.repeat_priority": _ADMITTED,
}
"""By setting, else by the group it is in."""
REORDERED = "only the order in which people see them"
RULES_REORDERED = "the first rule that holds decides: contacts that arrive from now on may be classified by another"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `path` and the values are in the document's words (`queues.orders.target`, `45s`); the values are
    JSON-able, None where there was or is nothing. `effect` says what it means for contacts and agents."""

    path: str
    old: Any
    new: Any
    effect: str

    def __str__(self) -> str:
        return f"{self.path}: {_plain(self.old)} → {_plain(self.new)} ({self.effect})"


def diff(old: Policy, new: Policy) -> list[Change]:
    """All differences but the version, in the order of the document. Empty: nothing to publish."""
    return list(_changes(_flat(old), _flat(new)))


def _flat(policy: Policy) -> dict[str, Any]:
    """The document with the rules by name."""
    document: dict[str, Any] = {}
    for key, value in spell_policy(policy).items():
        if key == "classification":
            document["classification.rules"] = {
                rule["name"]: {part: rule[part] for part in ("when", "then")} for rule in value["rules"]
            }
            document["classification.default"] = value.get("default", {})
        else:
            document[key] = value
    return document


def _changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for key in old:
        if key in ADDED:
            yield from _named_changes(key, _by_name(old[key]), _by_name(new[key]))
        elif isinstance(old[key], dict):
            yield from _setting_changes(key, key, old[key], new[key])
        elif old[key] != new[key]:
            yield Change(key, old[key], new[key], CHANGED[key])


def _named_changes(group: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """What came, went and changed of `queues`, `skills` …"""
    for name in _union(old, new):
        path = f"{group}.{name}"
        if name not in new:
            yield Change(path, old[name], None, REMOVED[group])
        elif name not in old:
            yield Change(path, None, new[name], ADDED[group])
        elif isinstance(old[name], dict):
            yield from _setting_changes(group, path, old[name], new[name])
    kept_old, kept_new = [name for name in old if name in new], [name for name in new if name in old]
    if kept_old != kept_new:
        yield Change(group, kept_old, kept_new, RULES_REORDERED if group == "classification.rules" else REORDERED)


def _setting_changes(group: str, path: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """Settings one by one, those below a setting too."""
    for key in _union(old, new):
        effect = CHANGED.get(f"{group}.{key}") or CHANGED[group]
        yield from _differences(f"{path}.{key}", old.get(key), new.get(key), effect)


def _differences(path: str, old: Any, new: Any, effect: str) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in _union(old, new):
            yield from _differences(f"{path}.{name}", old.get(name), new.get(name), effect)
        if list(old) != list(new) and set(old) == set(new):
            yield Change(path, list(old), list(new), effect)
    elif old != new:
        yield Change(path, old, new, effect)


def _union(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [*old, *(name for name in new if name not in old)]


def _by_name(entries: Any) -> dict[str, Any]:
    """A list of bare names stands for itself."""
    return {name: name for name in entries} if isinstance(entries, list) else dict(entries)


def _plain(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_plain(item) for item in value) + "]"
    return str(value)
