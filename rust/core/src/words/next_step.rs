//! Words of next steps: what a customer can do where nobody can help, and what they did. All instants are Unix ms.

use serde::{Deserialize, Serialize};

use super::bounds::{ACCEPTS_MAX, MS, PRIORITY};
use super::fact::{PREFERRED, REQUIREMENTS};
use super::promise::HOURS;
use super::{DivertCause, Hours, Id, Name, Requirement};
use crate::codec::Max;

/// Next steps of an entry point.
pub(crate) const NEXT_STEPS_MAX: usize = 8;
pub(super) const NEXT_STEPS: Max = Max(NEXT_STEPS_MAX);

choices! {
    /// What a next step is: a call back, a place in another queue, something left behind (spoken, in a form, by mail), or to be told.
    StepKind {
        Callback = "callback", Queue = "queue", Voicemail = "voicemail", Form = "form", Mail = "mail", Message = "message",
    }

    /// Who took a step. `Time`: nobody chose in time.
    TakenBy { Customer = "customer", Time = "time" }
}

arrays! {
    /// One next step. `to`: the queue, or the entry point, that it leads to; `channel` and `queue` are those of what follows.
    #[derive(Serialize, Deserialize)]
    NextStep {
        kind: StepKind,
        to: Option<Name> = None,
        channel: Option<Name> = None,
        queue: Option<Name> = None,
    }
}

bodies! {
    /// The customer of a contact that was offered next steps takes this one. `successor` is new, and becomes what follows, if something does.
    /// `message`: what they left, a reference into the vault. Of callbacks: from `wish_ms` on, or (`exact`) then, in these `hours` (empty: at any
    /// time), at `address`, a reference into the vault. `customer`: who they are, if that was not known.
    NextStepChosen {
        fact_id: Id,
        contact: Id,
        kind: StepKind,
        successor: Id,
        to: Option<Name> = None,
        message: Option<Id> = None,
        customer: Option<Id> = None,
        wish_ms: u64 [MS] = 0,
        exact: bool = false,
        hours: Vec<Hours> [HOURS] = Vec::new(),
        address: Option<Id> = None,
    }

    /// Nobody can help the entry's contact (because of `cause`, in `queue`): its customer may choose one of these until `until_ms`. If it was
    /// turned away it is none yet, and the rest is all that is known of it.
    NextStepOffered {
        at_ms: u64 [MS],
        queue: Name,
        cause: DivertCause,
        choices: Vec<NextStep> [NEXT_STEPS],
        until_ms: u64 [MS],
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
        segment: Option<Name>,
    }

    /// The step was taken: `successor` goes on with it, or (None) the customer was told, and that is all.
    NextStepTaken {
        at_ms: u64 [MS],
        kind: StepKind,
        to: Option<Name>,
        by: TakenBy,
        successor: Option<Id>,
    }
}
