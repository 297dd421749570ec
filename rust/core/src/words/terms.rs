//! What stands in the fields of events: choices that are no policy words, and small words inside others.

use serde::{Deserialize, Serialize};

use super::bounds::{COUNT, MS, STEP};
use super::{Id, Name, ParkKind, Strategy};

choices! {
    /// How a stay in a queue came out.
    VisitOutcome {
        Answered = "answered", Abandoned = "abandoned", AbandonedAfterTransfer = "abandoned_after_transfer",
        FlowedOut = "flowed_out", Requeued = "requeued", Closed = "closed",
    }

    /// Why a contact's life is over.
    EndReason {
        Completed = "completed", Abandoned = "abandoned", FlowedOut = "flowed_out", CustomerSilent = "customer_silent",
        Cancelled = "cancelled", Failed = "failed",
    }

    /// Where a contact stands.
    ContactState {
        Queued = "queued", Offered = "offered", Connecting = "connecting", Engaged = "engaged", Ended = "ended",
        Parked = "parked", Scheduled = "scheduled",
    }

    /// By what rule the agent was chosen.
    OfferCause { Routed = "routed", Preferred = "preferred", Direct = "direct" }

    /// Why an offer was withdrawn.
    RevokeReason {
        ContactGone = "contact_gone", Transferred = "transferred", AgentNotReady = "agent_not_ready",
        ChannelOff = "channel_off", NotEligible = "not_eligible", Taken = "taken", Requeued = "requeued",
        DeskLost = "desk_lost", SideOver = "side_over",
    }

    /// Who ended an engagement.
    EndedBy {
        Agent = "agent", Customer = "customer", Service = "service", Transfer = "transfer", Parked = "parked",
        Requeued = "requeued", DeskLost = "desk_lost", AgentSilent = "agent_silent", SideOver = "side_over",
    }

    /// What a parked contact waits for.
    ParkedKind {
        Customer = "customer", ThirdParty = "third_party", Snooze = "snooze", Interrupted = "interrupted", DeskLost = "desk_lost",
    }

    /// What ended a wrap-up.
    WrapUpEndedBy { Agent = "agent", Deadline = "deadline", Forced = "forced" }

    /// What brought a parked contact back, or ended it.
    ParkEndedBy {
        Deadline = "deadline", Agent = "agent", Customer = "customer", Service = "service", Transfer = "transfer",
        InterrupterOver = "interrupter_over", DeskReturned = "desk_returned",
    }

    /// What became of an effect.
    EffectOutcome { Done = "done", Failed = "failed", Discarded = "discarded" }

    /// What became of bytes that were put aside.
    QuarantineOutcome { Retried = "retried", Discarded = "discarded" }

    /// Why a presence changed.
    PresenceCause {
        Requested = "requested", LoadEnded = "load_ended", Declined = "declined", Missed = "missed", Technical = "technical",
        Forced = "forced",
    }

    /// Why a channel was switched.
    SwitchCause { Requested = "requested", Missed = "missed", Returned = "returned" }

    /// Why an agent has more load than capacity.
    OverCapacityCause {
        Redeclared = "redeclared", Direct = "direct", Revived = "revived", OutsideWork = "outside_work", Role = "role",
        Interrupted = "interrupted",
    }

    /// What customers are shown of an entry point. `Busy`: the wait is long, and nobody is promised a place. `ListenOnly`: messages are taken,
    /// and answered later.
    DoorState { Open = "open", Busy = "busy", ListenOnly = "listen_only", Closed = "closed" }

    /// Why an entry point is not open.
    DoorCause {
        Emergency = "emergency", Closed = "closed", ClosedHours = "closed_hours", Unstaffed = "unstaffed", Full = "full",
        ExpectedWait = "expected_wait",
    }

    /// Who looked for whom.
    Looked { Contact = "contact", Agent = "agent" }

    /// In what an offer and the next best differ first.
    Decided {
        Only = "only", Preferred = "preferred", Floor = "floor", Reserved = "reserved", Rank = "rank", Load = "load",
        Strategy = "strategy", Idle = "idle", AgentId = "agent_id", Class = "class", Due = "due", Arrival = "arrival",
    }

    /// As what a contact was given directly to an agent.
    DirectReason {
        Pick = "pick", Transfer = "transfer", Returned = "returned", Consult = "consult", Conference = "conference",
    }

    /// Why a contact has another priority.
    PriorityCause { Requested = "requested", Threshold = "threshold" }

    /// Why a reservation is over.
    ReleaseReason {
        Offered = "offered", ContactGone = "contact_gone", AgentGone = "agent_gone", NotEligible = "not_eligible",
    }

    /// What a silence leads to next.
    SilenceStep { Dormant = "dormant", End = "end", Alert = "alert", Requeue = "requeue" }

    /// Why two contacts belong together.
    LinkCause { Waiting = "waiting", Resumed = "resumed", Promised = "promised" }

    /// Why a contact went to another queue than it asked for.
    DivertCause {
        Emergency = "emergency", Closed = "closed", Unstaffed = "unstaffed", Full = "full", Closing = "closing",
        Threshold = "threshold", ClosedHours = "closed_hours", ExpectedWait = "expected_wait",
    }
}

arrays! {
    /// What decided an offer. `looked`: the contact looked for an agent, or the agent for a contact. `able`: agents with the
    /// membership, presence, channel, skills and room for the contact at that moment. `step`: steps of its plan taken.
    /// `runner_up`: the agent (contact) that would have been next; `decided`: the first thing in which the two differ.
    #[derive(Copy)]
    Why {
        looked: Looked,
        strategy: Strategy,
        able: u64 [COUNT],
        step: u8 [STEP],
        runner_up: Option<Id>,
        decided: Decided,
    }

    /// Who gave the contact directly to an agent, and as what.
    #[derive(Copy)]
    Direct {
        by: Option<Id>,
        reason: DirectReason,
    }

    /// How often the customer came about one topic of late, this time included; until when that is remembered.
    #[derive(Copy)]
    Matter {
        count: u64 [COUNT],
        until_ms: u64 [MS],
    }

    /// When the silence of the one who owes a word leads to `step`.
    #[derive(Copy, Serialize, Deserialize)]
    SilenceDue {
        at_ms: u64 [MS],
        step: SilenceStep,
    }

    /// When the engagements of a channel have waited long enough for a lost desk.
    DeskDue {
        channel: Name,
        at_ms: u64 [MS],
    }
}

impl From<ParkKind> for ParkedKind {
    fn from(kind: ParkKind) -> Self {
        match kind {
            ParkKind::Customer => Self::Customer,
            ParkKind::ThirdParty => Self::ThirdParty,
            ParkKind::Snooze => Self::Snooze,
        }
    }
}
