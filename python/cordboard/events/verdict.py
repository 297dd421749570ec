"""Verdicts: what became of a fact. Refusals are recorded, so that they too can be checked again."""

import msgspec

from cordboard.events.bounds import Count, Digest, Name


class Accepted(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """The fact stands; its events follow in the same commit."""


class Refused(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The fact came too late or contradicts the state. `reason` is one of docs/glossary.md's refusal reasons."""

    reason: Name


class Duplicate(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The same fact id was decided before, at entry `first_entry` of commit `first_seq`."""

    first_seq: Count
    first_entry: Count


class Quarantined(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The bytes are not a fact (or not a frame). `sha256` finds them again in the inbox; they are not copied into the journal."""

    reason: Name
    sha256: Digest


Verdict = Accepted | Refused | Duplicate | Quarantined

REFUSALS: dict[str, str] = {
    "no_policy": "the site has no policy yet",
    "unknown_contact": "no such contact, now or within the site's memory",
    "contact_exists": "a contact with this id exists already",
    "contact_gone": "the contact has ended",
    "unknown_agent": "no such agent has been declared",
    "unknown_queue": "the policy has no such queue",
    "unknown_channel": "the policy has no such channel",
    "unknown_skill": "the policy has no such skill",
    "unknown_reason": "the policy has no such reason",
    "unknown_disposition": "the policy has no such disposition",
    "unknown_topic": "the policy has no such topic",
    "unknown_entry_point": "the policy has no such entry point",
    "queue_emergency": "the queue takes nobody: an emergency closed it",
    "queue_closed": "the queue is closed",
    "queue_closed_hours": "the queue is closed at this hour",
    "queue_unstaffed": "nobody who serves the queue is there",
    "queue_full": "as many wait in the queue as the policy allows",
    "queue_expected_wait": "the wait in the queue would be longer than the policy allows",
    "no_such_offer": "no offer with this attempt was made to this agent",
    "already_accepted": "the offer was accepted before",
    "declined": "the offer was declined before",
    "expired": "the offer's deadline has passed",
    "revoked": "the offer was withdrawn",
    "not_connecting": "the offer is not waiting for a connection",
    "not_engaged": "this agent is not engaged with the contact",
    "not_wrapping": "there is no wrap-up to finish",
    "extension_limit": "the wrap-up cannot be extended further",
    "no_abandon": "contacts of this channel cannot be abandoned",
    "contact_scheduled": "the contact is promised a call, and nobody is to make it yet",
    "contact_promised": "the contact is promised a call: reschedule or cancel it instead",
    "not_promised": "nothing is promised to the contact, or not any more",
    "not_waiting": "the contact that is to flow out does not wait any more, or none was named",
    "callback_in_progress": "the customer is being dialled",
    "hours_invalid": "hours in which the customer can be reached end before they begin",
    "no_callbacks": "the queue has no callbacks",
    "no_next_step": "the contact is offered no next steps, or not any more",
    "next_step_not_offered": "this next step was not offered",
    "next_step_unavailable": "this next step cannot be taken at this moment: choose another one",
    "too_many_promises": "the customer is promised as many calls as one may be: cancel some first",
    "plan_too_far": "the plan begins more than 400 days from now",
    "slot_mismatch": "the plan's slots are not those of the queue's policy: other length, or not at a slot's beginning, or none",
    "no_parking": "contacts of this channel cannot be parked: their customer is there and waits",
    "not_parked": "the contact is not parked, or not by this agent",
    "park_limit": "the agent has as many parked contacts as the policy allows",
    "unknown_effect": "no such effect, or it is over",
    "unknown_work": "no such work from elsewhere, or it is over",
    "effect_open": "the effect is still being tried",
    "agent_busy": "the agent still has work",
    "same_queue": "the contact waits in this queue already",
    "same_agent": "this agent has the contact already",
    "transfer_limit": "the contact was transferred as often as the policy allows",
    "not_queued": "the contact is not waiting",
    "already_queued": "the contact is waiting already",
    "agent_not_ready": "the agent is not ready, or has no desk",
    "no_room": "the agent has as much work as anybody can have",
    "already_asked": "this agent was asked in already",
    "side_limit": "the contact has as many others beside its primary as there can be",
    "no_side": "this agent is not beside the primary",
    "channel_not_enabled": "the agent does not work on this channel",
    "policy_invalid": "the compiled policy cannot be read or contradicts itself",
    "policy_in_use": "the policy drops a queue or channel that waiting or running contacts need",
    "level_in_force": "the site is decided at this level already, or at a newer one",
    "level_unknown": "the router that leads does not decide this level",
    "policy_stale": "the policy's version is not newer than the one in force",
}
"""Every refusal reason with what it means; the API turns it into a google.rpc.Status, docs/glossary.md lists it."""

OF_ONE_AGENT = frozenset(("agent_not_ready", "channel_not_enabled", "no_room", "same_agent"))
"""Refusals that say of the agent whom somebody else names where they are and what they have."""
AGENT_UNAVAILABLE = "agent_unavailable"
"""Stands for those where single agents are not shown; never in the journal."""

QUARANTINES: dict[str, str] = {
    "not_a_frame": "the message is not a msgpack array of byte strings",
    "frame_too_large": "the frame exceeds its limits",
    "not_msgpack": "the fact is not valid msgpack",
    "unknown_tag": "the fact's tag is unknown to the router that leads, or to the level in force",
    "bad_shape": "a field is missing or of the wrong type",
    "out_of_bounds": "a field exceeds its limits",
}
"""Every quarantine reason with what it means."""
FRAME_QUARANTINES = frozenset(("not_a_frame", "frame_too_large"))
"""Those of a whole message of the inbox; the others are of one fact."""
