"""Why an agent was offered a contact, in words that a supervisor reads: what `OfferMade` says of it in a timeline."""

from collections.abc import Callable, Mapping
from typing import Any

Name = Callable[[str], str]

_BY_STRATEGY = {
    "longest_idle": "was idle longest",
    "least_loaded": "had the least in hand",
    "best_skilled": "was the best skilled",
    "least_skilled_fit": "had the least skill to spare",
    "round_robin": "had the next turn",
    "fewest_today": "had the fewest today for the time at work",
}
_OF_AGENTS = {
    "rank": "is asked before {other}",
    "load": "had nothing in hand, and {other} had",
    "idle": "was idle longer than {other}",
    "agent_id": "was equal to {other}: the lower id decides",
}
_OF_CONTACTS = {
    "rank": "{agent} is asked for it before the next one",
    "class": "its class goes before that of the next one",
    "due": "it was due before the next one",
    "arrival": "it came before the next one",
    "floor": "its class was owed a share of the work",
    "reserved": "{agent} was reserved for it",
}
_DIRECT = {
    "pick": "{agent} was to have it: it was picked from the line{by}.",
    "transfer": "{agent} was to have it: it was transferred to {agent}{by}.",
    "returned": "{agent} transferred it, and nobody took it: so it is offered to {agent} again.",
    "consult": "{agent} was asked to help{by}.",
    "conference": "{agent} was asked to join{by}.",
}


def why_chosen(details: Mapping[str, Any], agent: str, name: Name) -> str:
    """`details` are the fields of an OfferMade as plain data, as far as they may be shown; `name` tells who an agent is by its
    hexadecimal id. Empty where nothing is left to say."""
    if direct := details.get("direct"):
        by = direct.get("by")
        return _DIRECT[direct["reason"]].format(agent=agent, by=f" by {name(by)}" if by else "")
    why = details.get("why")
    if why is None or "decided" not in why:
        return ""
    parts = [_because(why, agent, name)]
    if (able := why.get("able")) is not None:
        parts.append("no agent had room for it" if not able else f"{able if able < 100 else '100 or more'} had room and the skills")
    if steps := why.get("step"):
        parts.append(f"{steps} {'step' if steps == 1 else 'steps'} of its plan had been taken")
    return f"{'; '.join(parts)}."


def _because(why: Mapping[str, Any], agent: str, name: Name) -> str:
    decided = why["decided"]
    if decided == "preferred":
        return f"{agent} is whom it waited for"
    if why["looked"] == "agent":
        said = "nothing else waited that could be" if decided == "only" else _OF_CONTACTS[decided].format(agent=agent)
        return f"{agent} had room and took what is first for {agent}: {said}"
    if decided == "only":
        return f"{agent} was the only one to be offered it"
    runner_up = why.get("runner_up")
    other = name(runner_up) if runner_up else "the next one"
    if decided == "strategy":
        return f"{agent} {_BY_STRATEGY[why['strategy']]}, before {other}"
    return f"{agent} {_OF_AGENTS[decided].format(other=other)}"
