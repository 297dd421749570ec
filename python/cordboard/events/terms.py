"""What stands in the fields of events: choices and bounded counts that are no policy words."""

from typing import Annotated, Literal

import msgspec

from cordboard.events.bounds import PLAN_MAX

Visit = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Cost = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
VisitOutcome = Literal["answered", "abandoned", "abandoned_after_transfer", "flowed_out", "requeued", "closed"]
EndReason = Literal["completed", "abandoned", "flowed_out", "customer_silent", "cancelled", "failed"]
Step = Annotated[int, msgspec.Meta(ge=0, le=PLAN_MAX)]
Strategy = Literal["longest_idle", "least_loaded", "best_skilled", "least_skilled_fit", "round_robin", "fewest_today"]
"""By what a queue chooses among its agents."""
SlaMeasure = Literal["answer", "first_response", "next_response", "resolution"]
"""What an SLA promises."""
ParkedKind = Literal["customer", "third_party", "snooze", "interrupted", "desk_lost"]
RevokeReason = Literal[
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
SilenceStep = Literal["dormant", "end", "alert", "requeue"]
"""What a silence leads to next."""
ThresholdAction = Literal["raise_priority", "overflow", "offer_callback", "notify", "next_steps"]
DivertCause = Literal["emergency", "closed", "unstaffed", "full", "closing", "threshold", "closed_hours", "expected_wait"]
"""Why a contact goes elsewhere than where it was to go."""
ContactState = Literal["queued", "offered", "connecting", "engaged", "ended", "parked", "scheduled"]
