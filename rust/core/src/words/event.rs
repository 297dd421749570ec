//! Events: what the engine recorded. Noun + past participle; each carries every value that was computed, so a fold needs no
//! policy. The contact, agent and channel that an event is about stand in its `Entry`, not in its body. `at_ms` is when it
//! took effect.

use super::bounds::{
    ACCEPTS_MAX, ATTEMPT, CAPACITY, COUNT, DURATION, FRAME_MAX, MS, PRIORITY, QUEUES_ADDED_MAX, RANK, RANKS_MAX, STEP,
};
use super::fact::{CHANNELS, MEMBERSHIPS, PREFERRED, REQUIREMENTS, SKILLS, VISIT_REQUIREMENTS};
use super::{
    AgentChannel, AttemptRecorded, Author, CallbackDeclined, CallbackDue, CallbackOffered, CapacitySet, ContactSegmented,
    ContactState, DeskDue, Digest, Direct, DivertCause, DoorTurned, EffectEnded, EffectRequested, EffectRetried, EndReason,
    EndedBy, Id, Key, Leg, LinkCause, Matter, Membership, Name, NextStepOffered, NextStepTaken, OfferCause, OverCapacityCause,
    ParkEndedBy, ParkedKind, Presence, PresenceCause, PriorityCause, PromiseAtRisk, PromiseEnded, PromiseHeld, PromiseMade,
    PromiseReleased, QuarantineOutcome, QueueMode, ReleaseReason, Requirement, RevokeReason, Role, SilenceDue, Skill, SlaAtRisk,
    SlaBroken, SlaCancelled, SlaMet, SlaPaused, SlaResumed, SlaStarted, SwitchCause, ThresholdAction, VisitOutcome, WaitExpected,
    Why, WrapUpEndedBy,
};
use crate::codec::{Length, Max};

/// A policy came in a frame.
const POLICY: Length = Length(0, FRAME_MAX);

tagged! {
    /// What the engine recorded.
    Event {
        /// A router leads from here on. Alone in its commit. `incarnation`: which one, so that no two take-overs are the same bytes.
        /// `level_max`: the newest level it decides.
        1 => RouterTookOver {
            at_ms: u64 [MS],
            epoch: u64 [COUNT],
            inbox_id: Id,
            incarnation: Option<Id> = None,
            level_max: u64 [COUNT] = 0,
        }

        /// The router of this epoch decides nothing more: whoever stands by takes over at once. Alone in its commit.
        2 => RouterSteppedDown {
            at_ms: u64 [MS],
            epoch: u64 [COUNT],
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
        6 => SweepAdvanced { at_ms: u64 [MS], after: Option<Key> }

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
            wishes: Vec<Requirement> [REQUIREMENTS] = Vec::new(),
            case: Option<Id> = None,
            rule: Option<Name> = None,
            language: Option<Name> = None,
            accepts: Vec<Name> [Max(ACCEPTS_MAX)] = Vec::new(),
            opens_ms: Vec<u64> [(Max(RANKS_MAX), MS)] = Vec::new(),
            step: u8 [STEP] = 0,
            step_at_ms: Option<u64> [MS] = None,
            threshold: u8 [STEP] = 0,
            threshold_at_ms: Option<u64> [MS] = None,
            promote_at_ms: Option<u64> [MS] = None,
            drain_at_ms: Option<u64> [MS] = None,
            transfers: u64 [COUNT] = 0,
            back: Option<Id> = None,
            resumes: Option<Id> = None,
            matter: Option<Matter> = None,
        }

        /// The contact's life is over. `state` is the one it ended in; `successor` names what it flowed out to. Whoever comes back before
        /// `kept_until_ms` takes up the place again.
        11 => ContactEnded {
            at_ms: u64 [MS],
            reason: EndReason,
            state: ContactState,
            successor: Option<Id>,
            kept_until_ms: Option<u64> [MS] = None,
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
        /// `interrupts`: there is room only if other work gives way when it is accepted.
        13 => OfferMade {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            queue: Name,
            expires_ms: u64 [MS],
            cost: u32 [CAPACITY],
            rank: u8 [RANK],
            cause: OfferCause,
            wait_ms: u64 [DURATION],
            key: Option<Key> = None,
            why: Option<Why> = None,
            direct: Option<Direct> = None,
            role: Role = Role::Primary,
            interrupts: bool = false,
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
            siblings_until_ms: Option<u64> [MS] = None,
        }

        /// Accepted, but never connected. The contact waits again, with its key; the agent is not punished.
        18 => ConnectExpired {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            excluded_until_ms: u64 [MS],
            reoffer_from_ms: u64 [MS],
            siblings_until_ms: Option<u64> [MS] = None,
        }

        /// Agent and customer are connected.
        19 => EngagementStarted {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            queue: Name,
            role: Role = Role::Primary,
            silence: Option<SilenceDue> = None,
        }

        /// The customer has an answer by the channel's definition (connection, or the agent's first message).
        20 => ContactAnswered {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            wait_ms: u64 [DURATION],
        }

        /// A message takes its place in the conversation: `ordinal` counts from 1 within the contact. `silence`: what follows, and
        /// when, if the one who owes a word now says none.
        21 => MessageRelayed {
            at_ms: u64 [MS],
            message: Id,
            author: Author,
            ordinal: u64 [COUNT],
            silence: Option<SilenceDue> = None,
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
            role: Role = Role::Primary,
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
            kind: ParkedKind,
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
        31 => AgentRemoved { at_ms: u64 [MS] }

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

        /// The customer is to be forgotten. Who keeps personal data follows the journal and deletes it.
        45 => CustomerErased { at_ms: u64 [MS], customer: Id }

        /// An accepted offer could not be connected. `failures`: of this agent's leg in a row.
        46 => ConnectFailed {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            leg: Leg,
            excluded_until_ms: u64 [MS],
            reoffer_from_ms: u64 [MS],
            failures: u64 [COUNT],
            siblings_until_ms: Option<u64> [MS] = None,
        }

        /// The contact has another priority and place in the order.
        47 => ContactReprioritised {
            at_ms: u64 [MS],
            priority: u8 [PRIORITY],
            key: Key,
            cause: PriorityCause,
        }

        /// A day of the site began: what agents did today counts from zero.
        48 => DayTurned { at_ms: u64 [MS] }

        /// The agent leaves at `leaves_ms`: no offer that would run over.
        49 => AgentScheduleSet {
            at_ms: u64 [MS],
            leaves_ms: Option<u64> [MS],
        }

        /// Work from elsewhere takes `cost` of the agent's capacity on the entry's channel, or is over.
        50 => OutsideWorkChanged {
            at_ms: u64 [MS],
            work: Id,
            busy: bool,
            cost: u32 [CAPACITY],
        }

        /// The agent's desk went away: no offers. What needs a desk goes to somebody else, channel by channel.
        51 => DeskLossRecorded {
            at_ms: u64 [MS],
            due: Vec<DeskDue> [CHANNELS],
        }

        /// The agent's desk is back, in time for what is still there.
        52 => DeskReturnRecorded { at_ms: u64 [MS] }

        /// The agent gets no other offer until the entry's contact, which needs more room than anybody has, is served or gone.
        53 => AgentReserved { at_ms: u64 [MS] }

        /// The reservation is over.
        54 => AgentReleased { at_ms: u64 [MS], reason: ReleaseReason }

        /// A step of the plan is taken: what the contact needs from now on. `queues`: those it waits in besides its own.
        55 => ContactRelaxed {
            at_ms: u64 [MS],
            step: u8 [STEP],
            wishes: Vec<Requirement> [REQUIREMENTS],
            requirements: Vec<Requirement> [VISIT_REQUIREMENTS],
            queues: Vec<Name> [Max(QUEUES_ADDED_MAX)],
            priority: u8 [PRIORITY],
            key: Key,
            prefer_until_ms: u64 [MS],
            next_at_ms: Option<u64> [MS],
            skipped: bool,
        }

        /// The contact waits longer than the queue's threshold `name` allows: once. What follows stands in the next events.
        56 => ThresholdReached {
            at_ms: u64 [MS],
            name: Name,
            threshold: u8 [STEP],
            next_at_ms: Option<u64> [MS],
            action: ThresholdAction,
            group: Option<Name>,
        }

        /// The queue takes new contacts, or not. From `close_at_ms` those who still wait for a person now are moved on or ended.
        57 => QueueModeSet { at_ms: u64 [MS], queue: Name, mode: QueueMode, close_at_ms: Option<u64> [MS] }

        /// Every customer who waits in the queue is to be told `message`.
        58 => BroadcastMade {
            at_ms: u64 [MS],
            queue: Name,
            message: Id,
        }

        /// Deferrable work comes near its due time: it is queued among live contacts from now on.
        59 => ContactPromoted { at_ms: u64 [MS], key: Key }

        /// The contact belongs with `other`: the same customer waits there too, came back to the place kept, or is promised a
        /// call there.
        60 => ContactLinked { at_ms: u64 [MS], other: Id, cause: LinkCause }

        /// The queue it asked for does not take it: it goes to `to` instead (`ContactQueued` follows).
        61 => ContactDiverted {
            at_ms: u64 [MS],
            queue: Name,
            to: Name,
            cause: DivertCause,
        }

        /// The customer comes for the `count`th time about one topic: owner first, a step of priority, and somebody should know.
        62 => MatterRepeated { at_ms: u64 [MS], count: u64 [COUNT], topic: Name }

        /// The customer is on hold.
        63 => EngagementHeld { at_ms: u64 [MS], attempt: u32 [ATTEMPT] }

        /// The customer is off hold after `held_ms`.
        64 => EngagementResumed {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            held_ms: u64 [DURATION],
            silence: Option<SilenceDue> = None,
        }

        /// The entry's agent is something else to the contact now.
        65 => RoleChanged {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            role: Role,
            silence: Option<SilenceDue> = None,
        }

        /// The customer has been silent: the engagement costs less and stands outside the channel's maximum.
        66 => ContactDormant {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            cost: u32 [CAPACITY],
            end_at_ms: Option<u64> [MS],
        }

        /// The conversation goes on with the same agent, at its full cost.
        67 => ContactRevived { at_ms: u64 [MS], attempt: u32 [ATTEMPT], cost: u32 [CAPACITY] }

        /// The customer has been waiting for the engaged agent's next message since `since_ms`.
        68 => AgentSilenceNoticed {
            at_ms: u64 [MS],
            attempt: u32 [ATTEMPT],
            since_ms: u64 [MS],
            requeue_at_ms: Option<u64> [MS],
        }

        /// What became of the bytes that entry `input_entry` of commit `input_seq` put aside. Who and why stand in the fact.
        69 => QuarantineEnded {
            at_ms: u64 [MS],
            input_seq: u64 [COUNT],
            input_entry: u64 [COUNT],
            outcome: QuarantineOutcome,
        }

        /// What is decided from the next commit on.
        70 => LevelAdopted { at_ms: u64 [MS], level: u64 [COUNT] }

        /// The queue's calendar opened or closed it, or another one counts from here on; `next_ms` is when it turns next (None: never). Until
        /// `close_at_ms` those who were admitted before it closed are served; None behind a closing: they were, or were moved on.
        71 => QueueHoursTurned { at_ms: u64 [MS], queue: Name, open: bool, close_at_ms: Option<u64> [MS], next_ms: Option<u64> [MS] }
    }
    and {
        40 => EffectRequested,
        41 => EffectEnded,
        42 => EffectRetried,
        72 => PromiseMade,
        73 => CallbackDeclined,
        74 => CallbackDue,
        75 => AttemptRecorded,
        76 => PromiseEnded,
        77 => PromiseAtRisk,
        78 => CapacitySet,
        79 => CallbackOffered,
        80 => PromiseHeld,
        88 => PromiseReleased,
        86 => DoorTurned,
        87 => WaitExpected,
        81 => SlaStarted,
        82 => SlaAtRisk,
        83 => SlaMet,
        84 => SlaBroken,
        85 => SlaPaused,
        90 => SlaResumed,
        91 => SlaCancelled,
        92 => ContactSegmented,
        96 => NextStepOffered,
        97 => NextStepTaken,
    }
}
