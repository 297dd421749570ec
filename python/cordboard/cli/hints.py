"""What to do about a refusal, by its reason: the second line of an error."""

HINTS: dict[str, str] = {
    "unknown_agent": "`cordboard agents list` shows who is declared",
    "unknown_contact": "`cordboard contacts list` shows which there are",
    "unknown_queue": "`cordboard queues` shows which there are",
    "unknown_reason": "use one of the policy's reasons: `cordboard policy show`",
    "unknown_topic": "use one of the policy's topics: `cordboard policy show`",
    "contact_gone": "`cordboard timeline CONTACT` shows how it ended",
    "not_engaged": "`cordboard contacts show CONTACT` says who has it, and in which state it is",
    "not_queued": "only a waiting contact can be picked: requeue it first, or transfer it with --to",
    "already_queued": "nobody has it: pick it for an agent, or change its priority",
    "not_parked": "`cordboard contacts show CONTACT` says where it is",
    "park_limit": "bring something back first: `cordboard contacts list --state parked --agent AGENT`",
    "agent_not_ready": "`cordboard agents list` shows who is ready",
    "channel_not_enabled": "the agent must be declared for the contact's channel, and have it switched on",
    "no_room": "wait until some of that agent's work is over, or choose another agent",
    "same_queue": "name another queue, or an agent with --to",
    "same_agent": "choose another agent",
    "transfer_limit": "raise max_transfers or set supervisor_queue in the policy; or pick it for an agent after a requeue",
    "already_asked": "that agent has the question already: wait for the answer",
    "side_limit": "somebody must leave first",
    "no_side": "consult that agent first, and wait until they are connected",
    "not_connecting": "an offer is connecting after its accept only; `cordboard timeline CONTACT` shows its attempts",
    "no_policy": "publish one: `cordboard policy apply FILE`",
    "queue_full": "try again later, or raise the queue's limit in the policy",
}
"""Refusals that a person at a terminal can do something about."""
