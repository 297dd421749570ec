//! The course of a visit: what happens to a contact by itself while it waits, and when.

use serde::{Deserialize, Serialize};

use crate::rare::Seldom;
use crate::state::Contact;
use crate::words::{ContactQueued, ContactRelaxed, Id, Name};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Course {
    /// Steps of the queue's plan taken.
    pub(crate) step: u8,
    /// When the next one is due, once the contact is queued.
    pub(crate) step_at_ms: Option<u64>,
    /// Queues that it waits in besides its own.
    pub(crate) added: Vec<Name>,
    /// Thresholds of the queue passed in this visit.
    pub(crate) threshold: u8,
    /// When the next one is, unless the contact is answered before.
    pub(crate) threshold_at_ms: Option<u64>,
    /// From when on it may be promoted.
    pub(crate) promote_at_ms: Option<u64>,
    /// It is promoted in this visit, and was of this class.
    pub(crate) promoted_from: Option<u8>,
    /// Other queues that it was in before.
    pub(crate) been: Vec<Name>,
    /// When agents of each rank may have it though somebody of a lower one is there; the last counts for all beyond.
    pub(crate) opens_ms: Vec<u64>,
    /// From when on an agent may be reserved for it.
    pub(crate) drain_at_ms: Option<u64>,
    /// Who takes nothing else before it.
    pub(crate) reserved: Option<Id>,
    #[serde(default, skip_serializing_if = "Newer::is_nothing")] // up to level 3 it is not known
    pub(crate) newer: Newer,
}

/// What is known of a visit from level 4 on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Newer {
    /// The wait that was expected when the visit began, if a threshold of the queue asks for it.
    pub(crate) expected_ms: Option<u64>,
    /// It came back from being parked, to whoever parked it.
    pub(crate) returned: bool,
    /// It gave way before anybody had answered it: the visit goes on while it is parked, since its customer waits.
    pub(crate) waits_parked: bool,
}

impl Newer {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Seldom for Course {
    const NOTHING: &'static Self = &Self {
        step: 0,
        step_at_ms: None,
        added: Vec::new(),
        threshold: 0,
        threshold_at_ms: None,
        promote_at_ms: None,
        promoted_from: None,
        been: Vec::new(),
        opens_ms: Vec::new(),
        drain_at_ms: None,
        reserved: None,
        newer: Newer { expected_ms: None, returned: false, waits_parked: false },
    };
}

impl Course {
    /// Of a visit that begins. `before` is the contact as it was in its last one.
    pub(crate) fn begun(event: &ContactQueued, before: Option<&Contact>) -> Self {
        let same = before.filter(|before| before.queue == event.queue);
        let mut been = before.map_or_else(Vec::new, |before| before.course.been.clone());
        match before {
            Some(before) if before.queue != event.queue && !been.contains(&before.queue) => been.push(before.queue.clone()),
            Some(_) | None => {}
        }
        been.retain(|queue| *queue != event.queue);
        Self {
            step: event.step,
            step_at_ms: event.step_at_ms,
            added: same.map_or_else(Vec::new, |before| before.course.added.clone()),
            threshold: event.threshold,
            threshold_at_ms: event.threshold_at_ms,
            promote_at_ms: event.promote_at_ms,
            promoted_from: None,
            been,
            opens_ms: event.opens_ms.clone(),
            drain_at_ms: event.drain_at_ms,
            reserved: None,
            newer: Newer::default(),
        }
    }

    /// Something is due some time, or somebody is reserved.
    pub(crate) fn has_instants(&self) -> bool {
        self.step_at_ms.is_some()
            || self.threshold_at_ms.is_some()
            || self.promote_at_ms.is_some()
            || self.drain_at_ms.is_some()
            || self.reserved.is_some()
            || !self.opens_ms.is_empty()
    }

    /// When a rank opens. None: it is open.
    pub(crate) fn opens_at(&self, rank: u8) -> Option<u64> {
        self.opens_ms.get(usize::from(rank)).or(self.opens_ms.last()).copied()
    }

    /// It has waited long for more room than anybody has.
    pub(crate) fn drains(&self, now_ms: u64) -> bool {
        self.reserved.is_none() && self.drain_at_ms.is_some_and(|drain_at_ms| drain_at_ms <= now_ms)
    }

    /// A step of the plan is taken.
    pub(crate) fn relax(&mut self, event: &ContactRelaxed) {
        (self.step, self.step_at_ms) = (event.step, event.next_at_ms);
        self.added.clone_from(&event.queues);
    }

    /// The contact is queued again: a step that fell due meanwhile is due after this turn.
    pub(crate) fn resume(&mut self, turn_ms: u64) {
        self.step_at_ms = self.step_at_ms.map(|due_ms| due_ms.max(turn_ms + 1));
    }
}
