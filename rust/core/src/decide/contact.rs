//! A contact's arrival, end and way between queues.

use super::{Check, Refusal};
use crate::rules::Rules;
use crate::state::{Contact, Phase};
use crate::turn::Turn;
use crate::words::{
    ChannelPresence, ContactArrived, ContactEndRequested, ContactEnded, ContactQueued, EndReason, EndedBy, Id, Name, OfferRevoked,
    RequestedEnd, RevokeReason, TransferRequested, VisitEnded, VisitOutcome,
};

impl Turn<'_> {
    pub(super) fn check_arrival(&self, fact: &ContactArrived) -> Check {
        let rules = self.rules().ok_or("no_policy")?;
        rules.queue(&fact.queue).ok_or("unknown_queue")?;
        rules.channel(&fact.channel).ok_or("unknown_channel")?;
        if !rules.knows_skills(&fact.requirements) {
            return Err("unknown_skill");
        }
        match self.check_live(fact.contact) {
            Err("unknown_contact") => Ok(()),
            Ok(()) | Err(_) => Err("contact_exists"),
        }
    }

    pub(super) fn arrive(&mut self, fact: ContactArrived) {
        let Some(rules) = self.rules() else { return };
        let (Some(queue), Some(channel)) = (rules.queue(&fact.queue), rules.channel(&fact.channel)) else { return };
        let target_ms = Rules::target_ms(queue, &fact.channel);
        let seq = self.site.state.arrivals + 1;
        let prefer_until_ms = if fact.preferred.is_empty() { 0 } else { self.at_ms + rules.policy.prefer_ms };
        let queued = ContactQueued {
            at_ms: self.t_ms,
            visit: 1,
            key: rules.key(channel.klass, self.t_ms, target_ms, fact.priority, seq),
            queued_at_ms: self.t_ms,
            target_ms,
            requirements: Rules::requirements(&fact.requirements, queue),
            wishes: fact.requirements,
            queue: fact.queue,
            priority: fact.priority,
            customer: fact.customer,
            preferred: fact.preferred,
            prefer_until_ms,
            excluded: None,
            entry_point: fact.entry_point,
            topic: fact.topic,
        };
        self.emit(Some(fact.contact), None, Some(&fact.channel), queued);
        self.look(fact.contact);
    }

    pub(super) fn check_abandon(&self, id: Id) -> Check {
        self.check_live(id)?;
        let channel = self.site.contact(&id).and_then(|contact| self.rules()?.channel(&contact.channel));
        match channel.map(|profile| profile.presence) {
            Some(ChannelPresence::Async) => Err("no_abandon"),
            Some(ChannelPresence::Live | ChannelPresence::Session) | None => Ok(()),
        }
    }

    /// The customer left. Before the answer that is an abandon, after it the end of a completed contact.
    pub(super) fn abandon(&mut self, id: Id) {
        let Some(contact) = self.site.contact(&id).cloned() else { return };
        let outcome = if contact.answered_before { VisitOutcome::AbandonedAfterTransfer } else { VisitOutcome::Abandoned };
        let reason = if contact.answered_ms.is_some() { EndReason::Completed } else { EndReason::Abandoned };
        self.end(id, &contact, EndedBy::Customer, outcome, reason);
    }

    pub(super) fn end_on_request(&mut self, fact: &ContactEndRequested) {
        let Some(contact) = self.site.contact(&fact.contact).cloned() else { return };
        let reason = match fact.reason {
            RequestedEnd::Cancelled => EndReason::Cancelled,
            RequestedEnd::Failed => EndReason::Failed,
        };
        self.end(fact.contact, &contact, EndedBy::Service, VisitOutcome::Closed, reason);
    }

    /// End a contact in whatever phase it is: its agent is released, its visit gets an outcome, then it is gone.
    fn end(&mut self, id: Id, contact: &Contact, by: EndedBy, unanswered: VisitOutcome, reason: EndReason) {
        self.let_go(id, contact, by, RevokeReason::ContactGone);
        self.end_visit(id, contact, unanswered);
        self.end_contact(id, contact, reason);
        if let Some(agent) = contact.phase.agent() {
            self.settle(agent);
        }
    }

    /// Take the contact out of its agent's hands.
    fn let_go(&mut self, id: Id, contact: &Contact, by: EndedBy, revoked: RevokeReason) {
        match contact.phase {
            Phase::Queued => {}
            Phase::Offered { agent, .. } | Phase::Connecting { agent, .. } => {
                let event = OfferRevoked { at_ms: self.t_ms, attempt: contact.attempt, reason: revoked };
                self.emit(Some(id), Some(agent), Some(&contact.channel), event);
            }
            Phase::Engaged { agent } => self.end_engagement(id, contact, agent, by, None, None),
        }
    }

    /// The visit's outcome, unless it was answered (then it has one).
    pub(super) fn end_visit(&mut self, id: Id, contact: &Contact, outcome: VisitOutcome) {
        if contact.answered_ms.is_some() {
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

    pub(super) fn end_contact(&mut self, id: Id, contact: &Contact, reason: EndReason) {
        let event = ContactEnded { at_ms: self.t_ms, reason, state: contact.phase.word(), successor: None };
        self.emit(Some(id), contact.phase.agent(), Some(&contact.channel), event);
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
            (Phase::Engaged { agent }, Some(sender)) if agent == sender => Ok(()),
            (_, Some(_)) => Err("not_engaged"),
            (Phase::Engaged { .. }, None) => Ok(()),
            (_, None) => differs(&contact.queue, &fact.queue),
        }
    }

    /// A new visit: the class and the place among arrivals are kept, earlier waits are credited, the sender is excluded.
    pub(super) fn transfer(&mut self, fact: &TransferRequested) {
        let Some(contact) = self.site.contact(&fact.contact).cloned() else { return };
        let sender = match contact.phase {
            Phase::Engaged { agent } => Some(agent),
            Phase::Queued | Phase::Offered { .. } | Phase::Connecting { .. } => None,
        };
        self.let_go(fact.contact, &contact, EndedBy::Transfer, RevokeReason::Transferred);
        self.end_visit(fact.contact, &contact, VisitOutcome::Requeued);
        let Some(queued) = self.next_visit(fact, &contact, sender) else { return };
        self.emit(Some(fact.contact), sender, Some(&contact.channel), queued);
        self.look(fact.contact);
        if let Some(agent) = contact.phase.agent() {
            self.settle(agent);
        }
    }

    fn next_visit(&self, fact: &TransferRequested, contact: &Contact, sender: Option<Id>) -> Option<ContactQueued> {
        let rules = self.rules()?;
        let queue = rules.queue(&fact.queue)?;
        let waited_before_ms = contact.entered_ms - contact.queued_at_ms.min(contact.entered_ms);
        let waited_now_ms = contact.answered_ms.unwrap_or(self.t_ms).saturating_sub(contact.entered_ms);
        let queued_at_ms = self.t_ms.saturating_sub(waited_before_ms + waited_now_ms);
        let target_ms = Rules::target_ms(queue, &contact.channel);
        let wishes = fact.requirements.as_ref().unwrap_or(&contact.wishes);
        Some(ContactQueued {
            at_ms: self.t_ms,
            visit: contact.visit + 1,
            queue: fact.queue.clone(),
            key: rules.key(contact.key.klass, queued_at_ms, target_ms, contact.priority, contact.key.seq),
            queued_at_ms,
            target_ms,
            requirements: Rules::requirements(wishes, queue),
            wishes: wishes.clone(),
            priority: contact.priority,
            customer: contact.customer,
            preferred: Vec::new(),
            prefer_until_ms: 0,
            excluded: sender,
            entry_point: contact.entry_point.clone(),
            topic: contact.topic.clone(),
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
