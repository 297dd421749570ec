//! Words of callbacks: what is wished for, what is promised, and what becomes of it. All instants are Unix ms.

use serde::{Deserialize, Serialize};

use super::bounds::{ACCEPTS_MAX, ATTEMPT, COUNT, DURATION, MS, PRIORITY};
use super::fact::{PREFERRED, REQUIREMENTS};
use super::policy::SLOT;
use super::{DialMode, Id, Key, Name, Requirement};
use crate::codec::{Max, Span};

/// Stretches of time in which a customer can be reached.
pub(crate) const HOURS_MAX: usize = 16;
/// Slots that one plan sets: a month of quarter hours.
pub(crate) const PLANNED_MAX: usize = 2_976;
/// Slots that are proposed at once.
pub(crate) const ALTERNATIVES_MAX: usize = 8;
/// Places of a slot.
pub(crate) const PLACES: Span = Span(0, 65_535);

pub(super) const HOURS: Max = Max(HOURS_MAX);
const ALTERNATIVES: (Max, Span) = (Max(ALTERNATIVES_MAX), MS);
const CAPACITIES: (Max, Span) = (Max(PLANNED_MAX), PLACES);

choices! {
    /// What is promised: a call in a slot, or when the place in the line is reached.
    PromiseKind { Scheduled = "scheduled", HoldPlace = "hold_place" }

    /// Why a wish cannot be met.
    DeclineReason {
        Past = "past", Closed = "closed", Full = "full", OutsideHours = "outside_hours", BeyondHorizon = "beyond_horizon",
        NoCallbacks = "no_callbacks",
    }

    /// What became of an attempt to reach the customer. `Unknown`: nobody said.
    AttemptOutcome {
        NoAnswer = "no_answer", Busy = "busy", Voicemail = "voicemail", WrongPerson = "wrong_person",
        InvalidNumber = "invalid_number", Refused = "refused", Unknown = "unknown",
    }

    /// How a promise ends. `HonouredNotReached`: it was tried as promised, and nobody was there.
    PromiseOutcome {
        Kept = "kept", HonouredNotReached = "honoured_not_reached", Missed = "missed", Cancelled = "cancelled",
        Rescheduled = "rescheduled",
    }

    /// Why a promise was missed.
    MissReason { NoAgent = "no_agent", NotStaffed = "not_staffed", Closed = "closed", System = "system" }

    /// How a customer came in vain. `Abandoned`: they left before anybody answered. `Closed`: they still waited when the queue closed for good.
    Missed { Abandoned = "abandoned", Closed = "closed" }

    /// Why nobody can be called back who came in vain. `NoReturnAddress`: nobody knows who it was.
    NoOffer { NoReturnAddress = "no_return_address" }

    /// Why a promise may not be kept.
    RiskCause { Capacity = "capacity" }
}

arrays! {
    /// From then until then the customer can be reached.
    #[derive(Copy, Serialize, Deserialize)]
    Hours {
        from_ms: u64 [MS],
        until_ms: u64 [MS],
    }
}

bodies! {
    /// A customer wishes to be called back: `contact` is new, and becomes the promise. It gets the first free slot at or after `wish_ms`, or
    /// (`exact`) the one that holds it; else a `CallbackDeclined` with the nearest ones. `hours`: only then (empty: at any time).
    /// `waiting`: the customer's live contact, which flows out. `address`: where to call, a reference into the vault.
    CallbackRequested {
        fact_id: Id,
        contact: Id,
        channel: Name,
        queue: Name,
        wish_ms: u64 [MS],
        requirements: Vec<Requirement> [REQUIREMENTS] = Vec::new(),
        priority: u8 [PRIORITY] = 0,
        customer: Option<Id> = None,
        preferred: Vec<Id> [PREFERRED] = Vec::new(),
        entry_point: Option<Name> = None,
        topic: Option<Name> = None,
        case: Option<Id> = None,
        rule: Option<Name> = None,
        language: Option<Name> = None,
        accepts: Vec<Name> [Max(ACCEPTS_MAX)] = Vec::new(),
        kind: PromiseKind = PromiseKind::Scheduled,
        exact: bool = false,
        hours: Vec<Hours> [HOURS] = Vec::new(),
        waiting: Option<Id> = None,
        address: Option<Id> = None,
        mode: Option<DialMode> = None,
    }

    /// The promise is to be another one, at another time: `successor` is its new contact. `hours` None: as they were.
    CallbackRescheduled {
        fact_id: Id,
        contact: Id,
        successor: Id,
        wish_ms: u64 [MS],
        exact: bool = false,
        hours: Option<Vec<Hours>> [HOURS] = None,
        by: Option<Id> = None,
    }

    /// Nobody is to be called any more.
    CallbackCancelled {
        fact_id: Id,
        contact: Id,
        by: Option<Id> = None,
        reason: Option<Name> = None,
    }

    /// What the dialler, or the agent, heard instead of the customer after ringing for `ring_ms`.
    AttemptReported {
        fact_id: Id,
        contact: Id,
        attempt: u32 [ATTEMPT],
        agent: Id,
        outcome: AttemptOutcome,
        ring_ms: u64 [DURATION] = 0,
    }

    /// How many promises fit into the slots from `from_ms` on, by plan. 0: none.
    CapacityPlanned {
        fact_id: Id,
        queue: Name,
        from_ms: u64 [MS],
        slot_ms: u64 [SLOT],
        capacities: Vec<u32> [CAPACITIES],
    }

    /// The customer is to be connected between `from_ms` and `until_ms`; `due_ms` is what was said. The entry's contact is scheduled from
    /// here on. `key`: the place in the line that it keeps. `waiting`: who flowed out into it. `replaces`: the promise before it.
    PromiseMade {
        at_ms: u64 [MS],
        queue: Name,
        kind: PromiseKind,
        mode: DialMode,
        due_ms: u64 [MS],
        from_ms: u64 [MS],
        until_ms: u64 [MS],
        slot_ms: u64 [SLOT],
        key: Option<Key>,
        requirements: Vec<Requirement> [REQUIREMENTS],
        priority: u8 [PRIORITY],
        customer: Option<Id>,
        preferred: Vec<Id> [PREFERRED],
        entry_point: Option<Name>,
        topic: Option<Name>,
        case: Option<Id>,
        rule: Option<Name>,
        language: Option<Name>,
        accepts: Vec<Name> [Max(ACCEPTS_MAX)],
        hours: Vec<Hours> [HOURS],
        address: Option<Id>,
        waiting: Option<Id>,
        replaces: Option<Id>,
    }

    /// The wish cannot be met; these slots could be had.
    CallbackDeclined {
        at_ms: u64 [MS],
        queue: Name,
        wish_ms: u64 [MS],
        reason: DeclineReason,
        alternatives: Vec<u64> [ALTERNATIVES],
    }

    /// The promised time has come: from here on the contact stands among live ones, at `key`.
    CallbackDue { at_ms: u64 [MS], key: Key }

    /// The customer was dialled and not reached: the contact is scheduled again, for `next_ms` (None: its end follows). `counted`: it was an
    /// attempt as promised, the `number`th.
    AttemptRecorded {
        at_ms: u64 [MS],
        attempt: u32 [ATTEMPT],
        outcome: AttemptOutcome,
        ring_ms: u64 [DURATION],
        counted: bool,
        number: u64 [COUNT],
        next_ms: Option<u64> [MS],
    }

    /// What became of the promise, `lateness_ms` after what was said. After a missed one `alternatives` are proposed.
    PromiseEnded {
        at_ms: u64 [MS],
        outcome: PromiseOutcome,
        reason: Option<MissReason>,
        due_ms: u64 [MS],
        lateness_ms: u64 [DURATION],
        attempts: u64 [COUNT],
        successor: Option<Id>,
        alternatives: Vec<u64> [ALTERNATIVES],
    }

    /// The entry's contact came in vain: its customer is to be offered a callback from `queue`, or (`reason`) nobody can. The rest is why they
    /// came, so that who calls them knows.
    CallbackOffered {
        at_ms: u64 [MS],
        queue: Name,
        missed: Missed,
        reason: Option<NoOffer>,
        customer: Option<Id>,
        entry_point: Option<Name>,
        topic: Option<Name>,
        case: Option<Id>,
        language: Option<Name>,
        requirements: Vec<Requirement> [REQUIREMENTS],
        priority: u8 [PRIORITY],
    }

    /// The customer is here as the contact `returned`: nobody is called as long as that one waits. If the entry's contact waited for an agent, it
    /// is scheduled again.
    PromiseHeld {
        at_ms: u64 [MS],
        returned: Id,
    }

    /// Who had returned is gone without an answer: the promise stands as before, and its contact waits for an agent from `next_ms` on.
    PromiseReleased { at_ms: u64 [MS], next_ms: u64 [MS] }

    /// The promise may not be kept; these slots could be had instead.
    PromiseAtRisk {
        at_ms: u64 [MS],
        cause: RiskCause,
        due_ms: u64 [MS],
        alternatives: Vec<u64> [ALTERNATIVES],
    }

    /// The plan in force for the queue's slots from `from_ms` on.
    CapacitySet {
        at_ms: u64 [MS],
        queue: Name,
        from_ms: u64 [MS],
        slot_ms: u64 [SLOT],
        capacities: Vec<u32> [CAPACITIES],
    }
}
