"""Which rules random histories meet: every event, what it may say by choice, and every refusal. A rule never met is not tested."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin, get_type_hints

from cordboard import codec
from cordboard.events import event as e
from cordboard.events import fact as f
from cordboard.events.commit import INPUT_TAG, Entry
from cordboard.events.event import EVENTS
from cordboard.events.verdict import REFUSALS, Refused
from tests.property.naive_places import instead_of
from tests.property.pair import Pair

IMPOSSIBLE = {
    "ContactEnded.state=ended": "no contact ends twice",
    "MessageAttached.author=agent": "arrivals are the customer's or the system's",
    "OfferMade.role=supervisor": "a word for listening in",
    "EngagementStarted.role=supervisor": "a word for listening in",
    "EngagementEnded.role=supervisor": "a word for listening in",
    "RoleChanged.role=supervisor": "a word for listening in",
    "RoleChanged.role=consult": "no role becomes less",
    "OverCapacityRecorded.cause=role": "no role costs more",
    "EffectEnded.reason=content_gone": "like the other reasons to the core",
    "EffectEnded.reason=no_recipient": "like the other reasons to the core",
    "EffectEnded.reason=not_configured": "like the other reasons to the core",
    "refused no_policy": "the harness begins with one: story first_contact",
    "refused no_room": "needs 100 pieces of work from elsewhere: test_an_agent_is_swamped",
    "refused side_limit": "needs six agents: story consult",
    "refused too_many_promises": "needs 50 promises to one customer: test_a_customer_is_promised_too_much",
    "LevelAdopted": "a new site begins with the newest level: tests/golden/test_journals.py",
    "refused level_in_force": "the same",
    "refused level_unknown": "the same",
    "QuarantineEnded": "the state knows nothing of what was put aside: story quarantine",
    "QuarantineEnded.outcome=retried": "the same",
    "QuarantineEnded.outcome=discarded": "the same",
    "RouterSteppedDown": "no fact leads to it: test_metamorphic hands over anywhere",
}
"""What facts of these histories cannot lead to, or what makes no difference to routing, and why."""


OF_PLACES = (
    "is moved", "is booked as its queue closes", "CallbackDeclined.reason=no_callbacks", "CallbackDeclined.reason=closed",
    "CallbackDeclined.reason=outside_hours", "PromiseHeld", "PromiseReleased", "ContactRelaxed", "AgentReserved", "OfferExpired",
    "ContactReprioritised.cause=requested", "ConnectFailed.leg=agent_leg", "AttemptRecorded.outcome=busy",
    "AttemptRecorded.outcome=unknown", "PromiseEnded.outcome=kept", "PromiseEnded.outcome=honoured_not_reached",
    "PromiseEnded.outcome=missed", "PromiseEnded.outcome=cancelled", "PromiseEnded.outcome=rescheduled",
    "PromiseEnded.reason=system", "PromiseEnded.reason=closed", "PromiseEnded.reason=not_staffed", "PromiseEnded.reason=no_agent",
)  # fmt: skip
"""What may become of a place in the line that is kept, or of a wish for one."""


def choices_of(word: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The fields of a word that hold one of a few choices."""
    for name, hint in get_type_hints(word).items():
        for part in (hint, *get_args(hint)):
            if get_origin(part) is Literal:
                yield name, get_args(part)


def every_rule() -> set[str]:
    rules = {f"refused {reason}" for reason in REFUSALS}
    for event in EVENTS:
        rules.add(event.__name__)
        rules |= {f"{event.__name__}.{name}={value}" for name, values in choices_of(event) for value in values}
    rules |= {f"Why.{name}={value}" for name, values in choices_of(e.Why) for value in values}
    rules |= {f"decided by {strategy}" for strategy in dict(choices_of(e.Why))["strategy"]}
    rules |= {f"place: {rule}" for rule in OF_PLACES}
    return rules | {f"Direct.{name}={value}" for name, values in choices_of(e.Direct) for value in values}


def rules_of(entry: Entry) -> Iterator[str]:
    if entry.tag == INPUT_TAG:
        verdict = codec.decode_input(entry).verdict
        if isinstance(verdict, Refused):
            yield f"refused {verdict.reason}"
        return
    event = codec.decode_event(entry)
    yield type(event).__name__
    yield from said(event)
    if isinstance(event, e.OfferMade):
        for part in (event.why, event.direct):
            yield from said(part) if part is not None else ()
        if event.why is not None and event.why.decided == ("idle" if event.why.strategy == "longest_idle" else "strategy"):
            yield f"decided by {event.why.strategy}"


def said(word: Any) -> Iterator[str]:
    for name, _ in choices_of(type(word)):
        if (value := getattr(word, name)) is not None:
            yield f"{type(word).__name__}.{name}={value}"


def rules_met(pair: Pair) -> set[str]:
    """Everything that the history met, by itself or as a part."""
    entries = [entry for commit in pair.commits for entry in codec.decode_commit(commit).entries]
    return {rule for entry in entries for rule in rules_of(entry)} | set(rules_of_places(entries))


def rules_of_places(entries: list[Entry]) -> Iterator[str]:
    """What became of places in the line, and of wishes for one."""
    wished: set[bytes] = set()
    kept: set[bytes] = set()
    for entry in entries:
        if entry.tag == INPUT_TAG:
            fact = codec.decode_fact(codec.decode_input(entry).fact)
            if isinstance(fact, f.CallbackRequested) and fact.kind == "hold_place":
                wished.add(fact.contact)
            continue
        event = codec.decode_event(entry)
        if isinstance(event, e.PromiseMade) and event.kind == "hold_place" and entry.contact is not None:
            kept.add(entry.contact)
        if isinstance(event, e.PromiseMade) and event.replaces in kept:
            booked = entry.contact == instead_of(event.replaces)
            yield f"place: {'is booked as its queue closes' if booked else 'is moved'}"
        if entry.contact in wished | kept:
            yield from (f"place: {rule}" for rule in rules_of(entry) if rule in OF_PLACES)


@dataclass
class Tally:
    """Histories that were compared, and in how many of them each rule was met."""

    histories: int = 0
    facts: int = 0
    met: Counter[str] = field(default_factory=Counter)

    def add(self, pair: Pair) -> None:
        self.histories += 1
        self.facts += pair.facts
        self.met.update(rules_met(pair))

    def shares(self) -> list[tuple[str, float]]:
        """Of every rule, the percentage of histories that met it; the rarest first."""
        of = max(self.histories, 1)
        return sorted(((rule, 100 * self.met[rule] / of) for rule in every_rule() | set(self.met)), key=lambda each: each[::-1])
