//! Visits: a contact's stays in queues. How one ends, and how the next one begins.

use super::{Check, Refusal};
use crate::rules::Rules;
use crate::state::{Contact, Phase};
use crate::turn::Turn;
use crate::words::bounds::ATTEMPT_MAX;
use crate::words::{ContactQueued, EndedBy, Id, Name, RevokeReason, TransferRequested, VisitEnded, VisitOutcome};

impl Turn<'_> {
    /// The visit's outcome, unless it has one: it was answered, or parked.
    pub(super) fn end_visit(&mut self, id: Id, contact: &Contact, outcome: VisitOutcome) {
        if contact.answered_ms.is_some() || matches!(contact.phase, Phase::Parked { .. }) {
            return;
        }
        let event = VisitEnded {
            at_ms: self.t_ms,
            visit: contact.visit,
            queue: contact.queue.clone(),
            outcome,
            entered_ms: contact.entered_ms,
            wait_ms: contact.waited_ms(self.t_ms),
            target_ms: contact.target_ms,
        };
        self.emit(Some(id), contact.phase.agent(), Some(&contact.channel), event);
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
            transfers: 0,
            back: None,
            resumes: None,
            matter: None,
        }
    }

    pub(super) fn check_transfer(&self, fact: &TransferRequested) -> Check {
        let rules = self.rules().ok_or("no_policy")?;
        rules.queue(&fact.queue).ok_or("unknown_queue")?;
        if fact.requirements.as_ref().is_some_and(|needs| !rules.knows_skills(needs)) {
            return Err("unknown_skill");
        }
        self.check_live(fact.contact)?;
        let contact = self.site.contact(&fact.contact).ok_or("unknown_contact")?;
        match (contact.phase, fact.agent) {
            (Phase::Engaged { agent, .. }, Some(sender)) if agent == sender => Ok(()),
            (_, Some(_)) => Err("not_engaged"),
            (Phase::Engaged { .. } | Phase::Parked { .. }, None) => Ok(()),
            (Phase::Queued | Phase::Offered { .. } | Phase::Connecting { .. }, None) => differs(&contact.queue, &fact.queue),
        }
    }

    /// A new visit: the class and the place among arrivals are kept, earlier waits are credited, the sender is excluded.
    pub(super) fn transfer(&mut self, fact: &TransferRequested) {
        let Some(contact) = self.site.contact(&fact.contact).cloned() else { return };
        let sender = contact.phase.engaged();
        let Some(queued) = self.transferred(fact, &contact, sender) else { return };
        self.let_go(fact.contact, &contact, EndedBy::Transfer, RevokeReason::Transferred);
        self.end_visit(fact.contact, &contact, VisitOutcome::Requeued);
        let queued = self.timed(queued, Some(&contact));
        self.emit(Some(fact.contact), sender, Some(&contact.channel), queued);
        self.look(fact.contact);
        self.settle_hands(&contact);
    }

    fn transferred(&self, fact: &TransferRequested, contact: &Contact, sender: Option<Id>) -> Option<ContactQueued> {
        let rules = self.rules()?;
        let queue = rules.queue(&fact.queue)?;
        let target_ms = Rules::target_ms(queue, &contact.channel);
        let wishes = fact.requirements.as_ref().unwrap_or(&contact.wishes);
        let again = self.next_visit(contact);
        Some(ContactQueued {
            queue: fact.queue.clone(),
            key: rules.key(again.key.klass, again.queued_at_ms, target_ms, contact.priority, contact.key.seq),
            target_ms,
            requirements: Rules::requirements(wishes, queue),
            wishes: wishes.clone(),
            excluded: sender,
            ..again
        })
    }
}

fn differs(queue: &Name, other: &Name) -> Result<(), Refusal> {
    if queue == other {
        Err("same_queue")
    } else {
        Ok(())
    }
}
