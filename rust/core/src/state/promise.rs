//! What is promised to a customer: a contact that is scheduled, or waits and is dialled because it was.

use serde::{Deserialize, Serialize};

use crate::words::{DialMode, Hours, Id, Key, Name, PromiseKind, PromiseMade, Requirement};

/// A promise that has not ended. While its contact waits for an agent or is dialled, that stands among the live contacts, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Promise {
    pub(crate) channel: Name,
    pub(crate) queue: Name,
    pub(crate) kind: PromiseKind,
    pub(crate) mode: DialMode,
    pub(crate) made_ms: u64,
    pub(crate) due_ms: u64,
    /// Connected from here …
    pub(crate) from_ms: u64,
    /// … to here, it is kept.
    pub(crate) until_ms: u64,
    pub(crate) slot_ms: u64,
    /// The place in the line that it keeps.
    pub(crate) key: Option<Key>,
    pub(crate) wishes: Vec<Requirement>,
    pub(crate) priority: u8,
    pub(crate) customer: Option<Id>,
    pub(crate) preferred: Vec<Id>,
    pub(crate) entry_point: Option<Name>,
    pub(crate) topic: Option<Name>,
    pub(crate) case: Option<Id>,
    pub(crate) rule: Option<Name>,
    pub(crate) language: Option<Name>,
    pub(crate) accepts: Vec<Name>,
    pub(crate) hours: Vec<Hours>,
    pub(crate) address: Option<Id>,
    /// The last visit of its contact, and the last offer: the next ones count on.
    pub(crate) visit: u32,
    pub(crate) attempt: u32,
    /// Attempts to reach the customer that count.
    pub(crate) attempts: u64,
    /// When its contact waits for an agent next.
    pub(crate) next_ms: u64,
    pub(crate) stage: PromiseStage,
    /// The customer is being dialled, until then at most.
    pub(crate) dialling_until_ms: Option<u64>,
    /// It is recorded that it may not be kept.
    pub(crate) at_risk: bool,
    #[serde(default, skip_serializing_if = "Tried::is_nothing")] // up to level 3 it is not known
    pub(crate) tried: Tried,
}

/// What is known of attempts besides how many there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tried {
    /// The customer is being dialled since then, whatever the deadline became.
    pub(crate) since_ms: Option<u64>,
    /// Messages up to the end of the last attempt: the next ones count on.
    pub(crate) ordinal: u64,
    /// How often the customer was dialled.
    pub(crate) dials: u64,
    /// The last dial came to nothing, no visit has begun since, and neither the customer nor an agent is why.
    pub(crate) failed: bool,
    /// Its customer is here: nothing happens to it by itself.
    pub(crate) held: bool,
    /// While the customer was being dialled last, they came in about the same, and were answered as this contact.
    #[serde(default)]
    pub(crate) served: Option<Id>,
}

impl Tried {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Its customer is here as the contact `returned`, so that nobody calls; else the promise's contact would have waited for an agent from
/// `next_ms` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) returned: Id,
    pub(crate) next_ms: u64,
}

/// How far a promise is.
///
/// ```text
/// Scheduled --ContactQueued--> Early --CallbackDue--> Due        (Due at once, if the time has come)
/// Early, Due --AttemptRecorded, PromiseHeld--> Scheduled
/// any --PromiseEnded--> (gone)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PromiseStage {
    /// Its contact is not among the live ones.
    Scheduled,
    /// Its contact waits for agents whom nobody else wants.
    Early,
    Due,
}

impl Promise {
    pub(crate) fn made(channel: Name, event: PromiseMade) -> Self {
        Self {
            channel,
            queue: event.queue,
            kind: event.kind,
            mode: event.mode,
            made_ms: event.at_ms,
            due_ms: event.due_ms,
            from_ms: event.from_ms,
            until_ms: event.until_ms,
            slot_ms: event.slot_ms,
            key: event.key,
            wishes: event.requirements,
            priority: event.priority,
            customer: event.customer,
            preferred: event.preferred,
            entry_point: event.entry_point,
            topic: event.topic,
            case: event.case,
            rule: event.rule,
            language: event.language,
            accepts: event.accepts,
            hours: event.hours,
            address: event.address,
            visit: 0,
            attempt: 0,
            attempts: 0,
            next_ms: event.from_ms,
            stage: PromiseStage::Scheduled,
            dialling_until_ms: None,
            at_risk: false,
            tried: Tried::default(),
        }
    }

    /// When something happens to it by itself, if anything does.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        let deadline_ms = match self.stage {
            PromiseStage::Scheduled => self.next_ms.min(self.until_ms),
            PromiseStage::Early => self.due_ms,
            // Whoever is being dialled is not hung up on.
            PromiseStage::Due => self.until_ms.max(self.dialling_until_ms.unwrap_or(0)),
        };
        (!self.tried.held).then_some(deadline_ms)
    }

    /// The case its contact belongs to.
    pub(crate) fn case_of(&self, own: Id) -> Id {
        self.case.unwrap_or(own)
    }

    /// The slot it takes, of this length. None: it has a place in the line.
    pub(crate) fn slot(&self, slot_ms: u64) -> Option<u64> {
        (self.kind == PromiseKind::Scheduled).then(|| self.due_ms / slot_ms)
    }
}
