//! Visits: a contact's stays in queues. How one ends, and how the next one begins.

use crate::clock::Clock;
use crate::rules::Rules;
use crate::state::{Contact, Phase};
use crate::turn::Turn;
use crate::words::bounds::ATTEMPT_MAX;
use crate::words::{ContactQueued, Id, Name, VisitEnded, VisitOutcome};

impl Turn<'_> {
    /// The visit's outcome, unless it has one: it was answered, or put aside for some reason of its own.
    pub(super) fn end_visit(&mut self, id: Id, contact: &Contact, outcome: VisitOutcome) {
        if let Some(event) = self.visit_ended(contact, outcome) {
            self.emit(Some(id), contact.phase.agent(), Some(&contact.channel), event);
        }
    }

    pub(super) fn visit_ended(&self, contact: &Contact, outcome: VisitOutcome) -> Option<VisitEnded> {
        let parked = matches!(contact.phase, Phase::Parked { .. }) && !contact.course.newer.waits_parked;
        let open = contact.answered_ms.is_none() && !parked;
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

    /// The time that counts for contacts of the channel in the queue.
    pub(super) fn clock(&self, queue: &Name, channel: &Name) -> Clock<'_> {
        let rules = self.rules().filter(|rules| rules.has_calendars());
        rules.and_then(|rules| Some(rules.clock(rules.queue(queue)?, channel))).unwrap_or(Clock(None))
    }

    /// Since when the contact would wait in this queue if it had waited there all along, and in which time it should be answered: the time that
    /// counted in its own queue counts here, too.
    pub(super) fn credited(&self, contact: &Contact, queue: &Name) -> (u64, u64) {
        let waited_ms = contact.waited_in_all_ms(self.t_ms, self.clock(&contact.queue, &contact.channel));
        let target_ms = self.rules().and_then(|rules| Some(Rules::target_ms(rules.queue(queue)?, &contact.channel)));
        let clock = self.clock(queue, &contact.channel);
        let queued_at_ms = clock.before(self.t_ms, waited_ms);
        (queued_at_ms, clock.lasts(queued_at_ms, target_ms.unwrap_or(contact.target_ms)))
    }

    /// The contact waits anew in its queue, with its key: nobody is preferred, nobody excluded.
    pub(super) fn next_visit(&self, contact: &Contact) -> ContactQueued {
        let queue = self.rules().and_then(|rules| rules.queue(&contact.queue));
        let clock = self.clock(&contact.queue, &contact.channel);
        let queued_at_ms = clock.before(self.t_ms, contact.waited_in_all_ms(self.t_ms, clock));
        let target_ms = clock.between(contact.queued_at_ms, contact.queued_at_ms + contact.target_ms);
        ContactQueued {
            at_ms: self.t_ms,
            // Who moves about for ever counts no further.
            visit: (contact.visit + 1).min(ATTEMPT_MAX),
            queue: contact.queue.clone(),
            key: contact.own_key(),
            queued_at_ms,
            target_ms: clock.lasts(queued_at_ms, target_ms),
            requirements: queue.map_or_else(|| contact.requirements.clone(), |queue| Rules::requirements(&contact.wishes, queue)),
            priority: contact.priority,
            customer: contact.customer,
            preferred: Vec::new(),
            prefer_until_ms: 0,
            excluded: None,
            entry_point: (*contact.entry_point).clone(),
            topic: (*contact.topic).clone(),
            wishes: contact.wishes.clone(),
            case: contact.case,
            rule: (*contact.rule).clone(),
            language: (*contact.language).clone(),
            accepts: (*contact.accepts).clone(),
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
