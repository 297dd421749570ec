//! Queues: open or closed to new contacts, and what everybody who waits there is told.
//!
//! ```text
//! open --closed--> closed, and after the grace time those who still wait are moved on
//! open --emergency--> emergency, and they are moved on at once
//! ```

use super::Check;
use crate::state::{Contact, Phase};
use crate::turn::Turn;
use crate::words::{
    BroadcastMade, BroadcastRequested, DivertCause, EndReason, EndedBy, Id, Key, Missed, Name, QueueMode, QueueModeRequested,
    QueueModeSet, VisitOutcome,
};

impl Turn<'_> {
    pub(super) fn mode(&self, queue: &Name) -> QueueMode {
        self.site.state.modes.get(queue).map_or(QueueMode::Open, |closed| closed.mode)
    }

    pub(super) fn check_queue(&self, queue: &Name, reason: Option<&Name>) -> Check {
        self.rules().ok_or("no_policy")?.queue(queue).ok_or("unknown_queue")?;
        self.check_reason(reason)
    }

    pub(super) fn set_mode(&mut self, fact: QueueModeRequested) {
        if self.mode(&fact.queue) == fact.mode {
            return;
        }
        let grace_ms = self.rules().and_then(|rules| rules.queue(&fact.queue)).map_or(0, |queue| queue.closing_grace_ms);
        let close_at_ms = match fact.mode {
            QueueMode::Open => None,
            QueueMode::Closed => Some(self.at_ms + grace_ms.max(1)),
            QueueMode::Emergency => Some(self.at_ms + 1),
        };
        let event = QueueModeSet { at_ms: self.t_ms, queue: fact.queue, mode: fact.mode, close_at_ms };
        self.emit(None, None, None, event);
    }

    pub(super) fn broadcast(&mut self, fact: BroadcastRequested) {
        self.emit(None, None, None, BroadcastMade { at_ms: self.t_ms, queue: fact.queue, message: fact.message });
    }

    /// Those who still wait are moved on. If the commit is full, the deadline stands and the next commit goes on.
    pub(crate) fn close(&mut self, queue: &Name) {
        if self.move_all_on(queue) {
            let event = QueueModeSet { at_ms: self.t_ms, queue: queue.clone(), mode: self.mode(queue), close_at_ms: None };
            self.emit(None, None, None, event);
        }
    }

    /// False: the commit is full, and some of them still wait.
    pub(super) fn move_all_on(&mut self, queue: &Name) -> bool {
        for id in self.left_behind(queue) {
            if self.is_full() {
                return false;
            }
            self.move_on(id, queue);
        }
        self.book_places(queue)
    }

    /// Queued ones in key order, then offered ones: so no agent who loses an offer gets another one that is about to end.
    fn left_behind(&self, queue: &Name) -> Vec<Id> {
        let live = self.site.state.contacts.iter();
        let mut left: Vec<(bool, Key, Id)> = live
            .filter(|(_, contact)| contact.queue == *queue && is_left(contact) && self.customer_is_there(&contact.channel))
            // What was promised is tried as long as its window lasts.
            .filter(|(id, _)| self.promise(id).is_none() && !self.chooses(id))
            .map(|(id, contact)| (contact.phase != Phase::Queued, contact.key, *id))
            .collect();
        left.sort_unstable();
        left.into_iter().map(|(_, _, id)| id).collect()
    }

    fn move_on(&mut self, id: Id, queue: &Name) {
        let Some(contact) = self.site.contact(&id).filter(|contact| is_left(contact)).cloned() else { return };
        if let Some(to) = self.overflow(queue, &contact.channel) {
            self.flow_over(id, &contact, &to, DivertCause::Closing);
        } else if !self.offer_while_waiting(id, &contact, DivertCause::Closing) {
            self.end_closed(id, &contact);
        }
    }

    /// It is told that nobody comes any more.
    pub(super) fn end_closed(&mut self, id: Id, contact: &Contact) {
        self.end(id, contact, EndedBy::Service, VisitOutcome::Closed, EndReason::Cancelled);
        self.offer_callback(id, contact, Missed::Closed);
    }
}

/// Nobody has accepted it.
pub(super) fn is_left(contact: &Contact) -> bool {
    matches!(contact.phase, Phase::Queued | Phase::Offered { .. })
}
