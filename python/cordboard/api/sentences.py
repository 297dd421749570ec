"""Explanations in words that a supervisor reads."""

from collections.abc import Callable, Mapping, Sequence

from cordboard.api.declared import Fit
from cordboard.events.bounds import Key, Requirement
from cordboard.events.terms import ParkedKind
from cordboard.router.explain import AgentExplained, ContactExplained, Due, Hindered, Hindrance, Promised, Waits
from cordboard.v1.next_step_service_pb2 import NextSteps

CLASSES = ("emergency", "live", "session", "deferrable")
Name = Callable[[bytes], str]

_ONE: dict[Hindrance, str] = {
    "none": "could be offered it now",
    "not_declared": "is not declared",
    "not_member": "is no member of its queue",
    "sender": "was the last to have it",
    "absent": "is not ready",
    "desk_lost": "has lost the desk",
    "channel_not_enabled": "does not work on its channel",
    "channel_off": "has its channel switched off",
    "skill": "lacks a skill",
    "excluded": "declined, missed or could not be connected with it a short while ago",
    "leaving": "leaves too soon",
    "over_capacity": "has more work than the limits allow",
    "no_room": "has no room for it",
    "reserved": "is reserved for another contact",
    "rank_closed": "is asked only later",
    "preference": "is not the agent it waits for",
}
_MANY: dict[Hindrance, str] = {
    "none": "could be offered it now",
    "not_declared": "are not declared",
    "not_member": "are no members of its queue",
    "sender": "were the last to have it",
    "absent": "are not ready",
    "desk_lost": "have lost their desk",
    "channel_not_enabled": "do not work on its channel",
    "channel_off": "have its channel switched off",
    "skill": "lack a skill",
    "excluded": "declined, missed or could not be connected with it a short while ago",
    "leaving": "leave too soon",
    "over_capacity": "have more work than the limits allow",
    "no_room": "have no room for it",
    "reserved": "are reserved for another contact",
    "rank_closed": "are asked only later",
    "preference": "are not the agent it waits for",
}


_OVERDUE: dict[Waits, str] = {
    "offer": "The end of an offer",
    "connect": "The end of a connect",
    "wrap_up": "The end of a wrap-up",
    "desk_lost": "What follows from a lost desk",
    "silence": "What follows from silence in the conversation",
    "return": "The return from where it was parked",
    "closing": "The end of those who wait in its closed queue",
    "step": "The next step of its plan",
    "threshold": "A threshold of its queue",
    "promise": "The next step of its promise",
    "hours": "The opening or closing of its queue",
    "sla": "A warning or the end of an SLA's clock",
    "next_step": "The end of its customer's choice",
    "look": "Another look for an agent",
}
_PARKED: dict[ParkedKind, str] = {
    "customer": "the customer is to answer",
    "third_party": "somebody else is to answer",
    "snooze": "it is for later",
    "interrupted": "its agent serves something more urgent",
    "desk_lost": "its agent's desk was lost",
}
_SOONER: dict[ParkedKind, str] = {"interrupted": "that is over, ", "desk_lost": "the desk is back, "}
"""What else brings back what the engine parked."""


def obstacle(found: Hindered, at_ms: int) -> str:
    """What stands against one offer: `lacks nl.written 5`, `has no room for it`, `is asked only later, in 0:20`; of a reservation
    what for."""
    if found.need is not None:
        return f"lacks {requirement(found.need)}"
    if found.reserved is not None:
        return f"is reserved for contact {found.reserved.hex()}"
    if found.until_ms is None or found.until_ms <= at_ms:
        return _ONE[found.hindrance]
    left = span(found.until_ms - at_ms)
    return f"{_ONE[found.hindrance]}, {f'in {left}' if found.hindrance == 'rank_closed' else f'for {left} more'}"


def of_contact(found: ContactExplained, name: Name | None, fit: Fit | None) -> list[str]:
    """Where the contact stands, what it needs, and what keeps its queue's members from it. Without `name` nobody is named, and what
    they do is not told: only who could serve it by declaration, if `fit` says so."""
    if found.state == "scheduled":
        return [_scheduled(found), *_promised(found), *_overdue(found.due, found.at_ms)]
    lines = [
        f"The contact ({found.channel}) is {found.state} in {found.queue}{_so_far(found)}; "
        f"{_class(found.key)}priority {found.priority}{_stands(found, name)}.",
        *_parked(found, name),
        *_promised(found),
        *_overdue(found.due, found.at_ms),
    ]
    if found.requirements:
        lines.append(f"It needs {', '.join(requirement(need) for need in found.requirements)}.")
    if found.preferred and found.prefer_until_ms > found.at_ms:
        people = "certain agents" if name is None else ", ".join(name(agent) for agent in found.preferred)
        lines.append(
            f"It waits for {people}, for {span(found.prefer_until_ms - found.at_ms)} more, as long as one of them is there."
        )
    if name is None:
        lines.append("What its queue's members do, and so what keeps them from it, is not shown.")
        if fit is not None:
            lines.append(_fit(fit))
        return lines
    if found.reserved is not None:
        lines.append(f"{name(found.reserved)} is reserved for it.")
    if found.hindrances or found.state == "queued":
        lines.append(_members(found.hindrances))
    return lines


def of_steps(steps: NextSteps | None, at_ms: int) -> list[str]:
    """What the customer may choose instead of waiting, and for how long."""
    if steps is None:
        return []
    listed = ", ".join(f"{step.kind} {step.to}".strip() for step in steps.steps)
    ends = f"for {span(steps.until_ms - at_ms)} more" if steps.until_ms > at_ms else "until now"
    return [f"Its customer may choose something else ({steps.cause}), {ends}: {listed}."]


def of_agent(found: AgentExplained, agent: str) -> list[str]:
    """Where the agent stands, and what keeps the agent from what waits."""
    presence = _presence(found.effective, found.effective_reason)
    wanted = _presence(found.requested, found.requested_reason)
    pending = "" if wanted == presence else f" (asked for {wanted}, after the work in hand)"
    lines = [
        f"{agent} is {presence}{pending}, {_in_hand(found)}.",
        *_overdue(found.due, found.at_ms),
    ]
    if found.reserved is not None:
        lines.append(f"{agent} is reserved for contact {found.reserved.hex()}.")
    return [*lines, _waiting(found, agent)]


def _so_far(found: ContactExplained) -> str:
    """How long it has been in this queue and waits in all, and when it is due: that is over once it is engaged."""
    here_ms, waited_ms = found.at_ms - found.entered_ms, found.at_ms - found.queued_at_ms
    if found.state == "engaged":
        return f", where it came {span(here_ms)} ago"
    if found.state == "parked":
        return f", {_due(found.due_ms, found.at_ms)}"
    before = "" if waited_ms <= here_ms else f" ({span(waited_ms)} with its waits before)"
    return f" for {span(here_ms)}{before}, {_due(found.due_ms, found.at_ms)}"


def _stands(found: ContactExplained, name: Name | None) -> str:
    """How many come first, or who has it and how far that is; of several to whom it is offered only those who may be named."""
    if found.agent is None:
        return f"; {_ahead(found.ahead)}" if found.state == "queued" else ""
    who = "an agent" if name is None else name(found.agent)
    if found.offer is None:
        return f"; {who} has it"
    left_ms, others = found.offer.until_ms - found.at_ms, [] if name is None else [name(agent) for agent in found.offer.others]
    if found.state == "connecting":
        held = f"; if that fails, it is offered to {_listed(others)} still" if others else ""
        return f"; {who} accepted it and {'has' if left_ms > 0 else 'was'} {_left('connect', left_ms)}{held}"
    have, were = ("have", "were") if others else ("has", "was")
    return f"; it is offered to {_listed([who, *others])}, who {have if left_ms > 0 else were} {_left('answer', left_ms)}"


def _left(what: str, left_ms: int) -> str:
    return f"{span(left_ms)} more to {what}" if left_ms > 0 else f"to {what} by now"


def _parked(found: ContactExplained, name: Name | None) -> list[str]:
    """Who parked it and why, and what brings it back."""
    if found.parked is None:
        return []
    parked, at_ms = found.parked, found.at_ms
    by = "" if name is None else f" by {name(parked.owner)}"
    sooner = f"or as soon as {_SOONER.get(parked.kind, '')}its customer writes or somebody wants it back"
    back = f"returns in {span(parked.until_ms - at_ms)}, {sooner}" if parked.until_ms > at_ms else "was to return by now"
    return [f"It was parked {span(at_ms - parked.since_ms)} ago{by} ({parked.kind}: {_PARKED[parked.kind]}) and {back}."]


def _scheduled(found: ContactExplained) -> str:
    needs = f"; it needs {', '.join(requirement(need) for need in found.requirements)}" if found.requirements else ""
    return f"The contact ({found.channel}) is promised a call by {found.queue}, priority {found.priority}{needs}."


def _promised(found: ContactExplained) -> list[str]:
    """The window, and what a promise waits for."""
    promise, at_ms = found.promise, found.at_ms
    if promise is None:
        return []
    place = "It keeps its place in the line"
    if promise.slot is not None:
        begin_ms, end_ms = promise.slot
        minutes = (end_ms - begin_ms) // 60_000
        place = f"It takes a slot of {minutes} minute{'' if minutes == 1 else 's'}, which begins {_when(begin_ms, at_ms)}"
    lines = [
        f"{place}; its window begins {_when(promise.from_ms, at_ms)} and ends {_when(promise.until_ms, at_ms)}, "
        f"and it is due {_when(promise.due_ms, at_ms)}."
    ]
    if promise.attempts:
        lines.append(f"Attempts to reach the customer that count: {promise.attempts}.")
    if promise.at_risk:
        lines.append("It is at risk: more is promised for its slot than there is room for.")
    return [*lines, _waits_for(promise, at_ms)]


def _waits_for(promise: Promised, at_ms: int) -> str:
    if promise.returned is not None:
        return f"Nobody calls: its customer is here as contact {promise.returned.hex()}, and that comes first."
    if promise.dialling_until_ms is not None:
        return "The customer is being dialled."
    if promise.stage == "early":
        return "Until it is due it is offered only to agents whom nobody else wants."
    if promise.stage == "due":
        return "It is due: it waits for an agent as live contacts do."
    if promise.next_ms is None:
        return "Nothing more is tried; it ends with its window."
    if promise.next_ms <= at_ms:
        return "It was to wait for an agent by now."
    return f"It begins to wait for an agent {_when(promise.next_ms, at_ms)}."


def _overdue(due: Sequence[Due], at_ms: int) -> list[str]:
    """What time was to bring, and no engine did."""
    return [f"{_OVERDUE[each.what]} is due since {span(at_ms - each.at_ms)}, and nothing has come of it yet." for each in due]


def requirement(need: Requirement) -> str:
    """`nl.written 5`, a soft one in brackets."""
    text = f"{need.skill} {need.level}"
    return text if need.hard else f"({text})"


def span(ms: int) -> str:
    """`0:07`, `12:30`, `3:05:00`."""
    seconds = ms // 1_000
    hours, minutes = seconds // 3_600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def _when(then_ms: int, at_ms: int) -> str:
    return f"in {span(then_ms - at_ms)}" if then_ms >= at_ms else f"{span(at_ms - then_ms)} ago"


def _listed(names: Sequence[str]) -> str:
    """`Anna`, `Anna and Ben`, `Anna, Ben and Cid`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _class(key: Key | None) -> str:
    return "" if key is None else f"class {CLASSES[key.klass]}, "


def _due(due_ms: int, at_ms: int) -> str:
    return f"due in {span(due_ms - at_ms)}" if due_ms >= at_ms else f"due {span(at_ms - due_ms)} ago"


def _in_hand(found: AgentExplained) -> str:
    """Whoever has something in hand is not idle, and who is not ready is not waiting for anything."""
    contacts = len(found.work)
    if contacts or found.outside:
        things = [f"{contacts} contact{'' if contacts == 1 else 's'}"] if contacts else []
        things += ["work from elsewhere"] if found.outside else []
        return f"with a load of {found.load} of {found.capacity} in {' and '.join(things)}"
    if found.effective != "ready":
        return "with nothing in hand"
    return f"idle for {span(max(0, found.at_ms - found.idle_since_ms))}"


def _presence(presence: str, reason: str | None) -> str:
    said = presence.replace("_", " ")
    return f"{said} ({reason})" if reason else said


def _ahead(count: int) -> str:
    if count == 0:
        return "it comes first"
    return f"{count} {'comes' if count == 1 else 'come'} first"


def _fit(fit: Fit) -> str:
    able, unable = "works on its channel and has the skills it needs", "does not work on its channel, or lacks a skill it needs"
    if fit.members == 0:
        return "Nobody is declared for its queue."
    if fit.members == 1:
        return f"The one who is declared for its queue {able if fit.fit else unable}."
    if fit.fit <= 1:
        return f"Of the {fit.members} declared for its queue {fit.fit or 'none'} {able}."
    return f"Of the {fit.members} declared for its queue {fit.fit} work on its channel and have the skills it needs."


def _members(hindrances: Mapping[Hindrance, int]) -> str:
    members = sum(hindrances.values())
    if members == 0:
        return "Its queue has no members."
    if members == 1:
        return f"The one member of its queue {_ONE[next(iter(hindrances))]}."
    parts = [f"{count} {(_ONE if count == 1 else _MANY)[word]}" for word, count in _most(hindrances)]
    return f"Of the {members} members of its queue {', '.join(parts)}."


def _waiting(found: AgentExplained, agent: str) -> str:
    if found.waiting == 0:
        return f"Nothing waits in {agent}'s queues."
    if found.waiting == 1:
        return f"One contact waits in {agent}'s queues: {agent} {_ONE[next(iter(found.hindrances))]}."
    parts = [f"{count}: {agent} {_ONE[word]}" for word, count in _most(found.hindrances)]
    return f"Of the {found.waiting} contacts that wait in {agent}'s queues {', '.join(parts)}."


def _most(hindrances: Mapping[Hindrance, int]) -> list[tuple[Hindrance, int]]:
    return sorted(hindrances.items(), key=lambda item: (-item[1], item[0]))
