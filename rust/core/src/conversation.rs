//! What the state knows of a contact in agents' hands: whose turn it is to speak, and who is with it beside the primary.

use serde::{Deserialize, Serialize};

use crate::words::{Author, Id, Role, SilenceDue};

/// Who owes a word, and what follows if it does not come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Conversation {
    /// The customer is on hold since then.
    pub(crate) held_ms: Option<u64>,
    /// The customer's last message has no answer: an agent owes a word, else the customer does.
    pub(crate) unanswered: bool,
    /// The customer has been silent for long: it costs its agent less.
    pub(crate) dormant: bool,
    /// Since when it is owed.
    pub(crate) owed_since_ms: u64,
    /// None: nothing follows, or nobody is engaged.
    pub(crate) silence: Option<SilenceDue>,
}

impl Conversation {
    /// Somebody said something.
    pub(crate) fn say(&mut self, author: Author, at_ms: u64, silence: Option<SilenceDue>) {
        match author {
            Author::Customer if self.unanswered => {}
            Author::Customer | Author::Agent => {
                self.unanswered = author == Author::Customer;
                self.owed_since_ms = at_ms;
            }
            Author::System => {}
        }
        self.silence = silence;
    }

    /// From here on the word is owed anew: another agent has the contact.
    pub(crate) fn begin(&mut self, at_ms: u64, silence: Option<SilenceDue>) {
        *self = Self { unanswered: self.unanswered, owed_since_ms: at_ms, silence, ..Self::default() };
    }

    pub(crate) fn hold(&mut self, at_ms: u64) {
        self.held_ms = Some(at_ms);
        self.silence = None;
    }

    /// Off hold, the word is owed anew.
    pub(crate) fn resume(&mut self, at_ms: u64, silence: Option<SilenceDue>) {
        self.held_ms = None;
        self.owed_since_ms = at_ms;
        self.silence = silence;
    }

    /// Nobody is engaged any more.
    pub(crate) fn rest(&mut self) {
        *self = Self { unanswered: self.unanswered, ..Self::default() };
    }
}

/// How far an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Offered,
    Connecting,
    Engaged,
}

/// Who has an attempt in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) agent: Id,
    pub(crate) role: Role,
    pub(crate) stage: Stage,
}

/// Another agent to whom the contact is offered, too: until then, or (while one of them connects) held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sibling {
    pub(crate) agent: Id,
    pub(crate) expires_ms: u64,
}

/// An agent whom the primary asked for help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Side {
    pub(crate) agent: Id,
    pub(crate) role: Role,
    pub(crate) phase: SidePhase,
}

/// ```text
/// Offered    --OfferAccepted-->                  Connecting
/// Connecting --EngagementStarted-->              Engaged
/// Engaged    --RoleChanged(primary)-->           (the contact's primary)
/// any        --declined, expired, revoked, ended--> (gone)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SidePhase {
    Offered { expires_ms: u64 },
    Connecting { connect_by_ms: u64 },
    Engaged,
}

impl Side {
    /// Connected with the customer.
    pub(crate) fn in_conference(&self) -> bool {
        self.role == Role::Conference && self.phase == SidePhase::Engaged
    }

    pub(crate) fn holder(&self) -> Holder {
        let stage = match self.phase {
            SidePhase::Offered { .. } => Stage::Offered,
            SidePhase::Connecting { .. } => Stage::Connecting,
            SidePhase::Engaged => Stage::Engaged,
        };
        Holder { agent: self.agent, role: self.role, stage }
    }
}
