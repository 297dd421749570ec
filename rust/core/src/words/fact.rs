//! Facts: what the outside says. A gateway or the API puts them in the inbox; the router gives each one a verdict.
//!
//! Every fact begins `[tag, fact_id, …]`. No personal data: references into the vault only.

use super::bounds::{
    ACCEPTS_MAX, ATTEMPT, CAPACITY, CHANNELS_MAX, COUNT, DURATION, FRAME_MAX, MEMBERSHIPS_MAX, MS, PREFERRED_MAX, PRIORITY,
};
use super::bounds::{REQUIREMENTS_MAX, SKILLS_MAX, VISIT_REQUIREMENTS_MAX};
use super::{
    AgentChannel, AttemptReported, CallbackCancelled, CallbackRequested, CallbackRescheduled, CapacityPlanned, DoorState, Id,
    Membership, Name, NextStepChosen, QuarantineOutcome, Requirement, Skill,
};
use crate::codec::{Length, Max, Span};

pub(super) const REQUIREMENTS: Max = Max(REQUIREMENTS_MAX);
/// What a contact brings and what its queue adds.
pub(super) const VISIT_REQUIREMENTS: Max = Max(VISIT_REQUIREMENTS_MAX);
pub(super) const PREFERRED: Max = Max(PREFERRED_MAX);
pub(super) const SKILLS: Max = Max(SKILLS_MAX);
pub(super) const MEMBERSHIPS: Max = Max(MEMBERSHIPS_MAX);
pub(super) const CHANNELS: Max = Max(CHANNELS_MAX);
/// Less than a frame, so that its fact fits into one.
const POLICY: Length = Length(1, FRAME_MAX - 128);
/// Visitors counted in one fact.
const VISITORS: Span = Span(1, 1_000_000);

choices! {
    /// Whether an agent can be offered work.
    Presence { Offline = "offline", Ready = "ready", NotReady = "not_ready" }

    /// Who wrote a message. `System` speaks for the engine: a bounced answer, for example.
    Author { Customer = "customer", Agent = "agent", System = "system" }

    /// Who wrote the message that a contact arrives with.
    ArrivalAuthor { Customer = "customer", System = "system" }

    /// How a service or supervisor ends a contact.
    RequestedEnd { Cancelled = "cancelled", Failed = "failed", Completed = "completed" }

    /// What a parked contact waits for.
    ParkKind { Customer = "customer", ThirdParty = "third_party", Snooze = "snooze" }

    /// Whose side of a connection failed.
    Leg { AgentLeg = "agent_leg", CustomerLeg = "customer_leg", Platform = "platform" }

    /// What an agent is to a contact. It has one primary; the others are sides.
    Role { Primary = "primary", Consult = "consult", Conference = "conference", Supervisor = "supervisor" }

    /// As what another agent is asked in.
    SideRole { Consult = "consult", Conference = "conference" }

    /// What a side becomes.
    RequestedRole { Conference = "conference", Primary = "primary" }

    /// What a supervisor can make of an agent's presence.
    ForcedPresence { Offline = "offline", NotReady = "not_ready" }

    /// Whether a queue takes new contacts.
    QueueMode { Open = "open", Closed = "closed", Emergency = "emergency" }

    /// Why an effect failed. `Rejected`: refused for good; `Unreachable`: every attempt failed; `ContentGone`: erased before it
    /// could be sent.
    EffectFailure {
        Rejected = "rejected", Unreachable = "unreachable", NoRecipient = "no_recipient", ContentGone = "content_gone",
        NotConfigured = "not_configured",
    }
}

tagged! {
    /// What the outside says.
    Fact {
        /// A customer reached a channel, or a service submitted work. `contact` is new and chosen by the gateway.
        ///
        /// `case` names the matter this goes on with (the id of its first contact; None begins one): if a contact of that case
        /// lives on this channel, `message` joins it and no new contact comes to be. `reopens` false never makes one of a case
        /// that is at rest: the message is attached to the case. `rule` and `language` say how it was classified. `ticket`: its customer
        /// was promised a place when the door was open. `segment`: what kind of customer
        /// it is.
        1 => ContactArrived {
            fact_id: Id,
            contact: Id,
            channel: Name,
            queue: Name,
            requirements: Vec<Requirement> [REQUIREMENTS] = Vec::new(),
            priority: u8 [PRIORITY] = 0,
            customer: Option<Id> = None,
            preferred: Vec<Id> [PREFERRED] = Vec::new(),
            entry_point: Option<Name> = None,
            topic: Option<Name> = None,
            case: Option<Id> = None,
            message: Option<Id> = None,
            author: ArrivalAuthor = ArrivalAuthor::Customer,
            reopens: bool = true,
            rule: Option<Name> = None,
            language: Option<Name> = None,
            accepts: Vec<Name> [Max(ACCEPTS_MAX)] = Vec::new(),
            ticket: bool = false,
            segment: Option<Name> = None,
        }

        /// The customer left: closed the chat, hung up, or stayed away longer than the grace time.
        2 => ContactAbandoned {
            fact_id: Id,
            contact: Id,
        }

        /// A service or supervisor ends the contact.
        3 => ContactEndRequested {
            fact_id: Id,
            contact: Id,
            reason: RequestedEnd = RequestedEnd::Cancelled,
        }

        /// Move the contact to another queue. `agent` is the sender if an agent asked; `requirements` None keeps today's.
        4 => TransferRequested {
            fact_id: Id,
            contact: Id,
            queue: Name,
            agent: Option<Id> = None,
            requirements: Option<Vec<Requirement>> [REQUIREMENTS] = None,
            to_agent: Option<Id> = None,
            by: Option<Id> = None,
            reason: Option<Name> = None,
        }

        /// The agent accepted or declined offer (contact, attempt).
        5 => OfferAnswered {
            fact_id: Id,
            contact: Id,
            attempt: u32 [ATTEMPT],
            agent: Id,
            accepted: bool,
            reason: Option<Name> = None,
        }

        /// Agent and customer are really connected (an accept alone is not a connection).
        6 => ContactConnected {
            fact_id: Id,
            contact: Id,
            attempt: u32 [ATTEMPT],
            agent: Id,
        }

        /// A message by the customer, the engaged agent or the engine; its content stands in the vault under `message`.
        7 => MessagePosted {
            fact_id: Id,
            contact: Id,
            message: Id,
            author: Author,
            agent: Option<Id> = None,
        }

        /// The agent ends the engagement. `disposition` is a policy word, `note` a vault reference.
        8 => EngagementEndRequested {
            fact_id: Id,
            contact: Id,
            agent: Id,
            disposition: Option<Name> = None,
            note: Option<Id> = None,
        }

        /// The agent has finished the after-contact work.
        9 => WrapUpEndRequested {
            fact_id: Id,
            contact: Id,
            agent: Id,
            disposition: Option<Name> = None,
            note: Option<Id> = None,
        }

        /// The agent needs `extra_ms` more for the after-contact work (the policy sets the limit).
        10 => WrapUpExtensionRequested {
            fact_id: Id,
            contact: Id,
            agent: Id,
            extra_ms: u64 [DURATION],
        }

        /// Everything routing may know of an agent; replaces what was declared before.
        11 => AgentDeclared {
            fact_id: Id,
            agent: Id,
            skills: Vec<Skill> [SKILLS] = Vec::new(),
            memberships: Vec<Membership> [MEMBERSHIPS] = Vec::new(),
            channels: Vec<AgentChannel> [CHANNELS] = Vec::new(),
            capacity: Option<u32> [CAPACITY] = None,
        }

        /// The agent is no longer part of the site. Refused while the agent has work.
        12 => AgentRetired {
            fact_id: Id,
            agent: Id,
        }

        /// The agent asks for a presence; `reason` (a policy word) only with `NotReady`.
        13 => PresenceRequested {
            fact_id: Id,
            agent: Id,
            presence: Presence,
            reason: Option<Name> = None,
        }

        /// The agent switches one channel on or off for themselves.
        14 => ChannelSwitched {
            fact_id: Id,
            agent: Id,
            channel: Name,
            on: bool,
        }

        /// A compiled site policy (msgpack map), to be in force from now on.
        15 => PolicyPublished {
            fact_id: Id,
            policy: Vec<u8> [POLICY],
        }

        /// The engaged agent puts the contact aside for `for_ms`, and stays its owner. `kind` says what it waits for.
        16 => ParkRequested {
            fact_id: Id,
            contact: Id,
            agent: Id,
            kind: ParkKind,
            for_ms: u64 [DURATION],
            note: Option<Id> = None,
        }

        /// The parked contact is wanted back now: by its owner (`agent`), or by a service (None).
        17 => ParkEndRequested {
            fact_id: Id,
            contact: Id,
            agent: Option<Id> = None,
        }

        /// The contact is about something else: by the engaged agent, or by a service (None).
        18 => ReclassificationRequested {
            fact_id: Id,
            contact: Id,
            topic: Name,
            agent: Option<Id> = None,
        }

        /// What the event at entry `entry` of commit `seq` asked for has happened outside.
        19 => EffectDone {
            fact_id: Id,
            seq: u64 [COUNT],
            entry: u64 [COUNT],
        }

        /// It was refused for good, or every attempt failed: a dead letter until somebody retries or discards it.
        20 => EffectFailed {
            fact_id: Id,
            seq: u64 [COUNT],
            entry: u64 [COUNT],
            reason: EffectFailure,
        }

        /// Try a failed effect again, under its old id.
        21 => EffectRetryRequested {
            fact_id: Id,
            seq: u64 [COUNT],
            entry: u64 [COUNT],
        }

        /// Give a failed effect up.
        22 => EffectDiscardRequested {
            fact_id: Id,
            seq: u64 [COUNT],
            entry: u64 [COUNT],
        }

        /// Forget this customer: the vault deletes the key and everything sealed with it once the journal says so.
        23 => CustomerErasureRequested {
            fact_id: Id,
            customer: Id,
        }

        /// An accepted offer could not be connected; `leg` says on whose side.
        24 => ConnectionFailed {
            fact_id: Id,
            contact: Id,
            attempt: u32 [ATTEMPT],
            agent: Id,
            leg: Leg,
        }

        /// Give this waiting contact to this agent, whatever order and limits say: the agent's own wish (`by` None), or a
        /// supervisor's.
        25 => PickRequested {
            fact_id: Id,
            contact: Id,
            agent: Id,
            by: Option<Id> = None,
            reason: Option<Name> = None,
        }

        /// A supervisor takes the contact out of its agent's hands; it waits again with its key.
        26 => RequeueRequested {
            fact_id: Id,
            contact: Id,
            by: Option<Id> = None,
            reason: Option<Name> = None,
        }

        /// A supervisor or service gives the contact another priority.
        27 => PriorityRequested {
            fact_id: Id,
            contact: Id,
            priority: u8 [PRIORITY],
            by: Option<Id> = None,
            reason: Option<Name> = None,
        }

        /// A supervisor makes the agent not ready or offline. Live media are never cut.
        28 => PresenceForced {
            fact_id: Id,
            agent: Id,
            presence: ForcedPresence,
            by: Option<Id> = None,
            reason: Option<Name> = None,
        }

        /// The agent is known to leave (break, end of shift) at `leaves_ms`; None: not any more.
        29 => AgentScheduled {
            fact_id: Id,
            agent: Id,
            leaves_ms: Option<u64> [MS] = None,
        }

        /// Work from elsewhere (an outbound or internal call), known there as `work`, begins or ends: it takes the channel's cost.
        30 => AgentBusyReported {
            fact_id: Id,
            agent: Id,
            channel: Name,
            work: Id,
            busy: bool,
        }

        /// The agent's desk went away. The media may be there still.
        31 => DeskLost {
            fact_id: Id,
            agent: Id,
        }

        /// The agent's desk is back.
        32 => DeskReturned {
            fact_id: Id,
            agent: Id,
        }

        /// Open or close a queue for new contacts.
        33 => QueueModeRequested {
            fact_id: Id,
            queue: Name,
            mode: QueueMode,
            by: Option<Id> = None,
            reason: Option<Name> = None,
        }

        /// Tell every customer who waits in the queue something; the text stands in the vault under `message`.
        34 => BroadcastRequested {
            fact_id: Id,
            queue: Name,
            message: Id,
            by: Option<Id> = None,
            reason: Option<Name> = None,
        }

        /// The engaged agent puts the customer on hold, or takes them off.
        35 => HoldRequested {
            fact_id: Id,
            contact: Id,
            agent: Id,
            held: bool,
        }

        /// The primary agent asks another agent for help; `conference`: with the customer in it.
        36 => ConsultRequested {
            fact_id: Id,
            contact: Id,
            agent: Id,
            to_agent: Id,
            role: SideRole = SideRole::Consult,
        }

        /// The primary agent brings a consulted agent into the conference, or hands the contact over (`primary`).
        37 => RoleRequested {
            fact_id: Id,
            contact: Id,
            agent: Id,
            other: Id,
            role: RequestedRole,
        }

        /// What is to become of bytes that were put aside: entry `entry` of commit `seq` is the input that quarantined them.
        38 => QuarantineEndRequested {
            fact_id: Id,
            seq: u64 [COUNT],
            entry: u64 [COUNT],
            outcome: QuarantineOutcome,
            by: Option<Id> = None,
            reason: Option<Name> = None,
        }

        /// The site is to be decided at `level` from now on.
        39 => LevelRequested { fact_id: Id, level: u64 [COUNT] }

        /// So many customers came to an entry point that was not open (`state`), and did not come in. Counted by who reads; it causes nothing.
        46 => DemandTurnedAway {
            fact_id: Id,
            entry_point: Name,
            channel: Name,
            state: DoorState,
            count: u64 [VISITORS],
        }
    }
    and {
        40 => CallbackRequested,
        41 => CallbackRescheduled,
        42 => CallbackCancelled,
        43 => AttemptReported,
        44 => CapacityPlanned,
        50 => NextStepChosen,
    }
}

impl From<ArrivalAuthor> for Author {
    fn from(author: ArrivalAuthor) -> Self {
        match author {
            ArrivalAuthor::Customer => Self::Customer,
            ArrivalAuthor::System => Self::System,
        }
    }
}
