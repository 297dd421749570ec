//! Events: what the engine recorded. Noun + past participle; each carries every value that was computed, so a fold needs no
//! policy. The contact, agent and channel that an event is about stand in its `Entry`, not in its body. `at_ms` is when it
//! took effect.

use super::bounds::{ATTEMPT, CAPACITY, COUNT, DURATION, FRAME_MAX, MS, PRIORITY, RANK, REQUIREMENTS_MAX, VISIT_REQUIREMENTS_MAX};
use super::fact::{CHANNELS, MEMBERSHIPS, PREFERRED, SKILLS};
use super::{AgentChannel, Author, Digest, EffectFailure, Id, Key, Membership, Name, ParkKind, Presence, Requirement, Skill};
use crate::codec::{Length, Max};

/// What a contact brings and what its queue adds.
const VISIT_REQUIREMENTS: Max = Max(VISIT_REQUIREMENTS_MAX);
/// What a contact brings.
const WISHES: Max = Max(REQUIREMENTS_MAX);
/// A policy came in a frame.
const POLICY: Length = Length(0, FRAME_MAX);

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
        Parked = "parked",
    }

    /// By what rule the agent was chosen.
    OfferCause { Routed = "routed", Preferred = "preferred" }

    /// Why an offer was withdrawn.
    RevokeReason {
        ContactGone = "contact_gone", Transferred = "transferred", AgentNotReady = "agent_not_ready",
        ChannelOff = "channel_off", NotEligible = "not_eligible",
    }

    /// Who ended an engagement.
    EndedBy { Agent = "agent", Customer = "customer", Service = "service", Transfer = "transfer", Parked = "parked" }

    /// What ended a wrap-up.
    WrapUpEndedBy { Agent = "agent", Deadline = "deadline" }

    /// What brought a parked contact back, or ended it.
    ParkEndedBy {
        Deadline = "deadline", Agent = "agent", Customer = "customer", Service = "service", Transfer = "transfer",
    }

    /// What became of an effect.
    EffectOutcome { Done = "done", Failed = "failed", Discarded = "discarded" }

    /// Why a presence changed.
    PresenceCause { Requested = "requested", LoadEnded = "load_ended", Declined = "declined", Missed = "missed" }

    /// Why a channel was switched.
    SwitchCause { Requested = "requested", Missed = "missed", Returned = "returned" }

    /// Why an agent has more load than capacity.
    OverCapacityCause { Redeclared = "redeclared" }
}

tagged! {
    /// What the engine recorded.
    Event {
        /// A router leads from here on. Alone in its commit.
        1 => RouterTookOver {
            at_ms: u64 [MS],
            epoch: u64 [COUNT],
            inbox_id: Id,
        }

        /// The engine was silent for `gap_ms`: deadlines of offers, connects and wrap-ups move by it; promises and targets do not.
        4 => DeadlinesShifted {
            at_ms: u64 [MS],
            gap_ms: u64 [COUNT],
        }

        /// The policy in force from here on. `digest` is the SHA-256 of `policy`.
        5 => PolicyAdopted {
            at_ms: u64 [MS],
            version: u64 [COUNT],
            digest: Digest,
            policy: Vec<u8> [POLICY],
        }

        /// A re-match of all waiting contacts got as far as key `after` (None: finished).
        6 => SweepAdvanced {
            at_ms: u64 [MS],
            after: Option<Key>,
        }

        /// The contact entered a queue: its `visit` began. `queued_at_ms` counts earlier waits of the contact in.
        10 => ContactQueued {
            at_ms: u64 [MS],
            visit: u32 [ATTEMPT],
            queue: Name,
            key: Key,
            queued_at_ms: u64 [MS],
            target_ms: u64 [DURATION],
            requirements: Vec<Requirement> [VISIT_REQUIREMENTS],
            priority: u8 [PRIORITY],
            customer: Option<Id>,
            preferred: Vec<Id> [PREFERRED],
            prefer_until_ms: u64 [MS],
            excluded: Option<Id>,
            entry_point: Option<Name>,
            topic: Option<Name>,
            wishes: Vec<Requirement> [WISHES] = Vec::new(),
            case: Option<Id> = None,
            rule: Option<Name> = None,
            language: Option<Name> = None,
        }

        /// The contact's life is over. `state` is the one it ended in; `successor` names what it flowed out to.
        11 => ContactEnded {
            at_ms: u64 [MS],
            reason: EndReason,
            state: ContactState,
            successor: Option<Id>,
        }

        /// A stay in a queue has its outcome. `wait_ms` is the real wait: from entering to answer, or to leaving.
        12 => VisitEnded {
            at_ms: u64 [MS],
            visit: u32 [ATTEMPT],
            queue: Name,
            outcome: VisitOutcome,
            entered_ms: u64 [MS],
            wait_ms: u64 [DURATION],
            target_ms: u64 [DURATION],
        }

        /// The agent is reserved for the contact until `expires_ms`. `wait_ms` is the contact's real wait so far in this visit.
        13 => OfferMade {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            queue: Name,
            expires_ms: u64 [MS],
            cost: u32 [CAPACITY],
            rank: u8 [RANK],
            cause: OfferCause,
            wait_ms: u64 [DURATION],
        }

        /// Accepted is not connected: that must happen before `connect_by_ms`.
        14 => OfferAccepted {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            connect_by_ms: u64 [MS],
        }

        /// The pair is excluded until `excluded_until_ms`, or from `reoffer_from_ms` on if nobody else eligible is present.
        15 => OfferDeclined {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            reason: Option<Name>,
            excluded_until_ms: u64 [MS],
            reoffer_from_ms: u64 [MS],
            declines: u64 [COUNT],
        }

        /// Nobody answered in time. `at_ms` is the deadline itself; `missed` counts this agent's misses in a row on the channel.
        16 => OfferExpired {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            excluded_until_ms: u64 [MS],
            reoffer_from_ms: u64 [MS],
            missed: u64 [COUNT],
        }

        /// The offer was withdrawn; late answers are refused with `revoked` or `contact_gone`.
        17 => OfferRevoked {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            reason: RevokeReason,
        }

        /// Accepted, but never connected. The contact waits again, with its key; the agent is not punished.
        18 => ConnectExpired {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            excluded_until_ms: u64 [MS],
            reoffer_from_ms: u64 [MS],
        }

        /// Agent and customer are connected.
        19 => EngagementStarted {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            queue: Name,
        }

        /// The customer has an answer by the channel's definition (connection, or the agent's first message).
        20 => ContactAnswered {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            wait_ms: u64 [DURATION],
        }

        /// A message takes its place in the conversation: `ordinal` counts from 1 within the contact.
        21 => MessageRelayed {
            at_ms: u64 [MS],
            message: Id,
            author: Author,
            ordinal: u64 [COUNT],
        }

        /// The conversation is over; wrap-up runs until `wrap_until_ms` at `wrap_cost` (None: there is none).
        22 => EngagementEnded {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            by: EndedBy,
            disposition: Option<Name>,
            note: Option<Id>,
            wrap_until_ms: Option<u64> [MS],
            wrap_cost: u32 [CAPACITY],
        }

        /// The after-contact work is done: by the agent, or by its deadline (`at_ms` is then the deadline).
        23 => WrapUpEnded {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            by: WrapUpEndedBy,
            disposition: Option<Name>,
            note: Option<Id>,
        }

        /// The after-contact work may last until `until_ms`.
        24 => WrapUpExtended {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            until_ms: u64 [MS],
        }

        /// The contact is put aside until `until_ms`, at no cost; the entry's agent is its owner. Its engagement ended just before.
        25 => ContactParked {
            at_ms: u64 [MS],
            kind: ParkKind,
            until_ms: u64 [MS],
            note: Option<Id>,
        }

        /// The contact is wanted again: a new visit (`ContactQueued`, its owner preferred) or its end follows in the same commit.
        26 => ParkEnded {
            at_ms: u64 [MS],
            by: ParkEndedBy,
        }

        /// The contact is about `topic`, and was thought to be about `previous`.
        27 => ContactReclassified {
            at_ms: u64 [MS],
            topic: Name,
            previous: Option<Name>,
        }

        /// A message that asks for nothing ("thank you", an automatic reply) belongs to this contact, parked or over.
        28 => MessageAttached {
            at_ms: u64 [MS],
            message: Id,
            author: Author,
        }

        /// The agent's declaration in force, every default filled in from the policy.
        30 => AgentRegistered {
            at_ms: u64 [MS],
            skills: Vec<Skill> [SKILLS],
            memberships: Vec<Membership> [MEMBERSHIPS],
            channels: Vec<AgentChannel> [CHANNELS],
            capacity: u32 [CAPACITY],
        }

        /// The agent is no longer part of the site.
        31 => AgentRemoved {
            at_ms: u64 [MS],
        }

        /// Requested and effective presence. They differ while `not_ready` or `offline` is pending: the agent finishes the work first.
        32 => PresenceChanged {
            at_ms: u64 [MS],
            requested: Presence,
            requested_reason: Option<Name>,
            effective: Presence,
            effective_reason: Option<Name>,
            idle_since_ms: u64 [MS],
            cause: PresenceCause,
        }

        /// One channel of the agent is on or off.
        33 => ChannelSwitchSet {
            at_ms: u64 [MS],
            on: bool,
            cause: SwitchCause,
        }

        /// The agent's load exceeds the capacity or a channel's maximum, and why. No offers until it is within again.
        34 => OverCapacityRecorded {
            at_ms: u64 [MS],
            cause: OverCapacityCause,
            load: u64 [COUNT],
            capacity: u64 [COUNT],
        }

        /// Something is to happen outside. Its id is this entry's place in the journal: (site, seq, entry). `kind` is how: `mail`,
        /// `webhook`. `message` is the agent's message to deliver; it is the contact's `ordinal`th.
        40 => EffectRequested {
            at_ms: u64 [MS],
            kind: Name,
            message: Id,
            ordinal: u64 [COUNT],
        }

        /// What became of entry `effect_entry` of commit `effect_seq`. A failed one is kept until it is retried or discarded.
        41 => EffectEnded {
            at_ms: u64 [MS],
            effect_seq: u64 [COUNT],
            effect_entry: u64 [COUNT],
            outcome: EffectOutcome,
            reason: Option<EffectFailure>,
        }

        /// A failed effect is tried again; `round` counts from 2.
        42 => EffectRetried {
            at_ms: u64 [MS],
            effect_seq: u64 [COUNT],
            effect_entry: u64 [COUNT],
            round: u64 [COUNT],
        }

        /// The customer is to be forgotten. Who keeps personal data follows the journal and deletes it.
        45 => CustomerErased {
            at_ms: u64 [MS],
            customer: Id,
        }
    }
}
