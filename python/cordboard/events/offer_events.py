"""Events of offers and engagements: an agent and a contact, from the choice to the end of the wrap-up.

See `events.event` for what holds of all events.
"""

from typing import Annotated, Literal

import msgspec

from cordboard.events.bounds import AgentId, Count, DurationMs, Id, Key, Ms, Name, Ref
from cordboard.events.fact import Attempt, Author, Leg, Role
from cordboard.events.terms import Cost, SilenceStep, Step, Strategy


class Why(msgspec.Struct, frozen=True, array_like=True):
    """What decided an offer (docs/routing.md: explanations).

    `looked`: the contact looked for an agent, or the agent for a contact. `able`: agents with the membership, presence, channel,
    skills and room for the contact at that moment. `step`: steps of its plan taken. `runner_up`: the agent (contact) that would
    have been next; `decided`: the first thing in which the two differ.
    """

    looked: Literal["contact", "agent"]
    strategy: Strategy
    able: Count
    step: Step
    runner_up: Id | None
    decided: Literal[
        "only", "preferred", "floor", "reserved", "rank", "load", "strategy", "idle", "agent_id", "class", "due", "arrival"
    ]


class Direct(msgspec.Struct, frozen=True, array_like=True):
    """Who gave the contact directly to an agent, and as what."""

    by: AgentId | None
    reason: Literal["pick", "transfer", "returned", "consult", "conference"]


class OfferMade(msgspec.Struct, frozen=True, array_like=True, tag=13):
    """The agent is reserved for the contact until `expires_ms`. `wait_ms` is the contact's real wait so far in this visit."""

    at_ms: Ms
    attempt: Attempt
    queue: Name
    expires_ms: Ms
    cost: Cost
    rank: Annotated[int, msgspec.Meta(ge=0, le=99)]
    cause: Literal["routed", "preferred", "direct"]
    wait_ms: DurationMs
    key: Key | None = None
    why: Why | None = None
    """None: nobody chose, see `direct`."""
    direct: Direct | None = None
    role: Role = "primary"
    interrupts: bool = False
    """There is room only if other work gives way when it is accepted."""


class OfferAccepted(msgspec.Struct, frozen=True, array_like=True, tag=14):
    """Accepted is not connected: that must happen before `connect_by_ms`."""

    at_ms: Ms
    attempt: Attempt
    connect_by_ms: Ms


class OfferDeclined(msgspec.Struct, frozen=True, array_like=True, tag=15):
    """The pair is excluded until `excluded_until_ms`, or from `reoffer_from_ms` on if nobody else eligible is present."""

    at_ms: Ms
    attempt: Attempt
    reason: Name | None
    excluded_until_ms: Ms
    reoffer_from_ms: Ms
    declines: Count


class OfferExpired(msgspec.Struct, frozen=True, array_like=True, tag=16):
    """Nobody answered in time. `at_ms` is the deadline itself; `missed` counts this agent's misses in a row on the channel."""

    at_ms: Ms
    attempt: Attempt
    excluded_until_ms: Ms
    reoffer_from_ms: Ms
    missed: Count


class OfferRevoked(msgspec.Struct, frozen=True, array_like=True, tag=17):
    """The offer was withdrawn; late answers are refused with `revoked` or `contact_gone`."""

    at_ms: Ms
    attempt: Attempt
    reason: Literal[
        "contact_gone",
        "transferred",
        "agent_not_ready",
        "channel_off",
        "not_eligible",
        "taken",
        "requeued",
        "desk_lost",
        "side_over",
    ]
    siblings_until_ms: Ms | None = None
    """An accepted one was withdrawn: other agents were offered the contact, too, and may accept until then."""


class ConnectExpired(msgspec.Struct, frozen=True, array_like=True, tag=18):
    """Accepted, but never connected. The contact waits again, with its key; the agent is not punished.

    `siblings_until_ms`: other agents were offered it, too, and may accept until then.
    """

    at_ms: Ms
    attempt: Attempt
    excluded_until_ms: Ms
    reoffer_from_ms: Ms
    siblings_until_ms: Ms | None = None


class ConnectFailed(msgspec.Struct, frozen=True, array_like=True, tag=46):
    """An accepted offer could not be connected. `failures`: of this agent's leg in a row."""

    at_ms: Ms
    attempt: Attempt
    leg: Leg
    excluded_until_ms: Ms
    reoffer_from_ms: Ms
    failures: Count
    siblings_until_ms: Ms | None = None


class SilenceDue(msgspec.Struct, frozen=True, array_like=True):
    """When the silence of the one who owes a word leads to `step`."""

    at_ms: Ms
    step: SilenceStep


class EngagementStarted(msgspec.Struct, frozen=True, array_like=True, tag=19):
    """Agent and customer are connected; of a consult, agent and agent."""

    at_ms: Ms
    attempt: Attempt
    queue: Name
    role: Role = "primary"
    silence: SilenceDue | None = None


class ContactAnswered(msgspec.Struct, frozen=True, array_like=True, tag=20):
    """The customer has an answer by the channel's definition (connection, or the agent's first message)."""

    at_ms: Ms
    attempt: Attempt
    wait_ms: DurationMs


class MessageRelayed(msgspec.Struct, frozen=True, array_like=True, tag=21):
    """A message takes its place in the conversation: `ordinal` counts from 1 within the contact."""

    at_ms: Ms
    message: Ref
    author: Author
    ordinal: Count
    silence: SilenceDue | None = None
    """What follows, and when, if the one who owes a word now says none."""


class EngagementHeld(msgspec.Struct, frozen=True, array_like=True, tag=63):
    """The customer is on hold."""

    at_ms: Ms
    attempt: Attempt


class EngagementResumed(msgspec.Struct, frozen=True, array_like=True, tag=64):
    """The customer is off hold after `held_ms`."""

    at_ms: Ms
    attempt: Attempt
    held_ms: DurationMs
    silence: SilenceDue | None = None


class RoleChanged(msgspec.Struct, frozen=True, array_like=True, tag=65):
    """The entry's agent is something else to the contact now."""

    at_ms: Ms
    attempt: Attempt
    role: Role
    silence: SilenceDue | None = None


class ContactDormant(msgspec.Struct, frozen=True, array_like=True, tag=66):
    """The customer has been silent: the engagement costs less and stands outside the channel's maximum."""

    at_ms: Ms
    attempt: Attempt
    cost: Cost
    end_at_ms: Ms | None


class ContactRevived(msgspec.Struct, frozen=True, array_like=True, tag=67):
    """The conversation goes on with the same agent, at its full cost."""

    at_ms: Ms
    attempt: Attempt
    cost: Cost


class AgentSilenceNoticed(msgspec.Struct, frozen=True, array_like=True, tag=68):
    """The customer has been waiting for the engaged agent's next message since `since_ms`."""

    at_ms: Ms
    attempt: Attempt
    since_ms: Ms
    requeue_at_ms: Ms | None


class EngagementEnded(msgspec.Struct, frozen=True, array_like=True, tag=22):
    """The conversation is over; wrap-up runs until `wrap_until_ms` at `wrap_cost` (None: there is none)."""

    at_ms: Ms
    attempt: Attempt
    by: Literal["agent", "customer", "service", "transfer", "parked", "requeued", "desk_lost", "agent_silent", "side_over"]
    disposition: Name | None
    note: Ref | None
    wrap_until_ms: Ms | None
    wrap_cost: Cost
    role: Role = "primary"


class WrapUpEnded(msgspec.Struct, frozen=True, array_like=True, tag=23):
    """The after-contact work is done: by the agent, or by its deadline (`at_ms` is then the deadline)."""

    at_ms: Ms
    attempt: Attempt
    by: Literal["agent", "deadline", "forced"]
    disposition: Name | None
    note: Ref | None


class WrapUpExtended(msgspec.Struct, frozen=True, array_like=True, tag=24):
    """The after-contact work may last until `until_ms`."""

    at_ms: Ms
    attempt: Attempt
    until_ms: Ms
