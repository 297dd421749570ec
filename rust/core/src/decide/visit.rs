//! Visits: a contact's stays in queues. How one ends, and how the next one begins.

use crate::rules::Rules;
use crate::state::{Contact, Phase};
use crate::turn::Turn;
use crate::words::bounds::ATTEMPT_MAX;
use crate::words::{ContactQueued, Id, VisitEnded, VisitOutcome};

impl Turn<'_> {
    /// The visit's outcome, unless it has one: it was answered, or parked.
    pub(super) fn end_visit(&mut self, id: Id, contact: &Contact, outcome: VisitOutcome) {
        if let Some(event) = self.visit_ended(contact, outcome) {
            self.emit(Some(id), contact.phase.agent(), Some(&contact.channel), event);
        }
    }

    pub(super) fn visit_ended(&self, contact: &Contact, outcome: VisitOutcome) -> Option<VisitEnded> {
        let open = contact.answered_ms.is_none() && !matches!(contact.phase, Phase::Parked { .. });
        open.then(|| VisitEnded {
            at_ms: self.t_ms,
            visit: contact.visit,
            queue: contact.queue.clone(),
            outcome,
            entered_ms: contact.entered_ms,
            wait_ms: contact.waited_ms(self.t_ms),
            target_ms: contact.target_ms,
        })
    }

    /// The contact waits anew in its queue, with its key: nobody is preferred, nobody excluded.
    pub(super) fn next_visit(&self, contact: &Contact) -> ContactQueued {
        let queue = self.rules().and_then(|rules| rules.queue(&contact.queue));
        ContactQueued {
            at_ms: self.t_ms,
            // Who moves about for ever counts no further.
            visit: (contact.visit + 1).min(ATTEMPT_MAX),
            queue: contact.queue.clone(),
            key: contact.own_key(),
            queued_at_ms: self.t_ms.saturating_sub(contact.waited_in_all_ms(self.t_ms)),
            target_ms: contact.target_ms,
            requirements: queue.map_or_else(|| contact.requirements.clone(), |queue| Rules::requirements(&contact.wishes, queue)),
            priority: contact.priority,
            customer: contact.customer,
            preferred: Vec::new(),
            prefer_until_ms: 0,
            excluded: None,
            entry_point: contact.entry_point.clone(),
            topic: contact.topic.clone(),
            wishes: contact.wishes.clone(),
            case: contact.case,
            rule: contact.rule.clone(),
            language: contact.language.clone(),
            accepts: contact.accepts.clone(),
            opens_ms: Vec::new(),
            step: 0,
            step_at_ms: None,
            threshold: 0,
            threshold_at_ms: None,
            promote_at_ms: None,
            drain_at_ms: None,
            transfers: contact.transfers,
            back: None,
            resumes: None,
            matter: None,
        }
    }
}
