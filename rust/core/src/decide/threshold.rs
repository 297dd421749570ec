//! Thresholds: what happens when a contact has waited too long. Each once a visit.

use super::plan::PRIORITY_MAX;
use super::queue::is_left;
use crate::instants::Entry;
use crate::rules::Rules;
use crate::state::Contact;
use crate::turn::Turn;
use crate::words::{
    ContactQueued, ContactReprioritised, DivertCause, EndedBy, Id, Name, PriorityCause, RevokeReason, Threshold, ThresholdAction,
    ThresholdReached, VisitOutcome,
};

impl Turn<'_> {
    pub(crate) fn reach_threshold(&mut self, id: Id) {
        let Some(contact) = self.site.contact(&id).cloned() else { return };
        let queue = self.rules().and_then(|rules| rules.queue(&contact.queue));
        let Some(queue) = queue else { return };
        let clock = self.clock(&contact.queue, &contact.channel);
        let target_ms = clock.between(contact.queued_at_ms, contact.queued_at_ms + contact.target_ms);
        let entry = Entry { clock, at_ms: contact.entered_ms, target_ms, expected_ms: contact.course.newer.expected_ms };
        let at = |passed| queue.threshold_at(passed, &entry, self.at_ms + 1);
        let Some((_, threshold)) = at(contact.course.threshold) else { return };
        let (threshold, next_at_ms) = (threshold.clone(), at(contact.course.threshold + 1).map(|(at_ms, _)| at_ms));
        let event = ThresholdReached {
            at_ms: self.t_ms,
            name: threshold.name.clone(),
            threshold: contact.course.threshold + 1,
            next_at_ms,
            action: threshold.action,
            group: threshold.group.clone(),
        };
        self.emit(Some(id), None, Some(&contact.channel), event);
        match threshold.action {
            ThresholdAction::RaisePriority => self.raise_priority(id, &contact, &threshold),
            ThresholdAction::Overflow => {
                let new = |to: &Name| *to != contact.queue && !contact.course.been.contains(to);
                let named = threshold.queue.filter(new);
                if let Some(to) = named.and_then(|named| self.taker(&named, &contact.channel)).filter(new) {
                    self.flow_over(id, &contact, &to, DivertCause::Threshold);
                }
            }
            ThresholdAction::NextSteps if is_left(&contact) && self.promise(&id).is_none() && !self.chooses(&id) => {
                self.offer_while_waiting(id, &contact, DivertCause::Threshold);
            }
            ThresholdAction::NextSteps | ThresholdAction::OfferCallback | ThresholdAction::Notify => {}
        }
    }

    fn raise_priority(&mut self, id: Id, contact: &Contact, threshold: &Threshold) {
        let priority = contact.priority.saturating_add(threshold.raise_priority).min(PRIORITY_MAX);
        let Some(key) = self.rules().map(|rules| rules.reprioritised(contact.key, contact.priority, priority)) else { return };
        if priority != contact.priority {
            let event = ContactReprioritised { at_ms: self.t_ms, priority, key, cause: PriorityCause::Threshold };
            self.emit(Some(id), None, Some(&contact.channel), event);
        }
    }

    /// A waiting contact goes to another queue, its waits credited.
    pub(super) fn flow_over(&mut self, id: Id, contact: &Contact, to: &Name, cause: DivertCause) {
        let Some(queued) = self.moved(contact, to) else { return };
        self.let_go(id, contact, EndedBy::Service, RevokeReason::Transferred);
        self.divert(id, &contact.channel, &contact.queue, to, cause);
        self.end_visit(id, contact, VisitOutcome::FlowedOut);
        self.enter((id, None), queued, &contact.channel, Some(contact));
        self.look(id);
        self.settle_hands(contact);
    }

    /// A new visit in another queue: the class and the place among arrivals are kept.
    fn moved(&self, contact: &Contact, to: &Name) -> Option<ContactQueued> {
        let rules = self.rules()?;
        let queue = rules.queue(to)?;
        let again = self.next_visit(contact);
        let (queued_at_ms, target_ms) = self.credited(contact, to);
        Some(ContactQueued {
            queue: to.clone(),
            key: rules.key(again.key.klass, queued_at_ms, target_ms, contact.priority, contact.key.seq),
            queued_at_ms,
            target_ms,
            requirements: Rules::requirements(&contact.wishes, queue),
            ..again
        })
    }
}
