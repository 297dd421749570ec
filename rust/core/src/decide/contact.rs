//! A contact's end, and what it is about.

use super::Check;
use crate::state::{Contact, Phase};
use crate::turn::Turn;
use crate::words::{
    ChannelPresence, ContactEndRequested, ContactEnded, ContactReclassified, EndReason, EndedBy, Id, Missed, OfferRevoked,
    ParkEnded, ParkEndedBy, ReclassificationRequested, ReleaseReason, RequestedEnd, RevokeReason, VisitOutcome,
};

impl Turn<'_> {
    pub(super) fn check_abandon(&self, id: Id) -> Check {
        self.check_live(id)?;
        // Who was promised a call does not wait on the line.
        if self.promise(&id).is_some() {
            return Err("no_abandon");
        }
        let channel = self.site.contact(&id).and_then(|contact| self.rules()?.channel(&contact.channel));
        match channel.map(|profile| profile.presence) {
            Some(ChannelPresence::Async) => Err("no_abandon"),
            Some(ChannelPresence::Live | ChannelPresence::Session) | None => Ok(()),
        }
    }

    /// The customer left. Before the answer that is an abandon, after it the end of a completed contact. Whoever leaves while
    /// parked waits for no answer in particular: any that was given counts.
    pub(super) fn abandon(&mut self, id: Id) {
        let Some(contact) = self.site.contact(&id).cloned() else { return };
        let answered = match contact.phase {
            Phase::Parked { .. } => contact.ever_answered(),
            Phase::Queued | Phase::Offered { .. } | Phase::Connecting { .. } | Phase::Engaged { .. } => {
                contact.answered_ms.is_some()
            }
        };
        let reason = if answered { EndReason::Completed } else { EndReason::Abandoned };
        self.end(id, &contact, EndedBy::Customer, contact.abandoned(), reason);
    }

    pub(super) fn end_on_request(&mut self, fact: &ContactEndRequested) {
        let Some(contact) = self.site.contact(&fact.contact).cloned() else { return };
        let reason = match fact.reason {
            RequestedEnd::Cancelled => EndReason::Cancelled,
            RequestedEnd::Failed => EndReason::Failed,
            RequestedEnd::Completed => EndReason::Completed,
        };
        self.end(fact.contact, &contact, EndedBy::Service, VisitOutcome::Closed, reason);
    }

    /// End a contact in whatever phase it is: its agent is released, its visit gets an outcome, then it is gone.
    pub(super) fn end(&mut self, id: Id, contact: &Contact, by: EndedBy, unanswered: VisitOutcome, reason: EndReason) {
        self.let_go(id, contact, by, RevokeReason::ContactGone);
        self.end_visit(id, contact, unanswered);
        self.end_contact(id, contact, reason);
        self.settle_hands(contact);
    }

    /// What follows for those who had the contact in hand, now that everything else has happened.
    pub(super) fn settle_hands(&mut self, before: &Contact) {
        for (_, agent) in before.group() {
            self.settle(agent);
        }
        if let Some(agent) = before.phase.engaged() {
            self.settle(agent);
        }
        for side in before.sides.values() {
            self.settle(side.agent);
        }
    }

    /// Take the contact out of its agent's hands.
    pub(super) fn let_go(&mut self, id: Id, contact: &Contact, by: EndedBy, revoked: RevokeReason) {
        match contact.phase {
            Phase::Queued => self.release(id, ReleaseReason::ContactGone),
            Phase::Offered { .. } | Phase::Connecting { .. } => {
                for (attempt, agent) in contact.group() {
                    let event = OfferRevoked { at_ms: self.t_ms, attempt, reason: revoked, siblings_until_ms: None };
                    self.emit(Some(id), Some(agent), Some(&contact.channel), event);
                }
            }
            Phase::Engaged { .. } => self.end_engagement(id, contact, by),
            Phase::Parked { owner, .. } => {
                let event = ParkEnded { at_ms: self.t_ms, by: wanted_by(by) };
                self.emit(Some(id), Some(owner), Some(&contact.channel), event);
            }
        }
    }

    pub(super) fn end_contact(&mut self, id: Id, contact: &Contact, reason: EndReason) {
        let event = self.contact_ended(contact, reason);
        // Who is called has no place to come back to.
        let called = self.site.state.levels.is(4) && self.promise(&id).is_some();
        let event = ContactEnded { kept_until_ms: event.kept_until_ms.filter(|_| !called), ..event };
        self.emit(Some(id), contact.phase.agent(), Some(&contact.channel), event);
        if reason == EndReason::Abandoned {
            self.offer_callback(id, contact, Missed::Abandoned);
        }
        self.end_promise_of(id);
    }

    pub(super) fn contact_ended(&self, contact: &Contact, reason: EndReason) -> ContactEnded {
        let kept_until_ms = self.kept_until(contact, reason);
        ContactEnded { at_ms: self.t_ms, reason, state: contact.phase.word(), successor: None, kept_until_ms }
    }

    /// Who lost the connection, or the patience, and comes back soon finds the old place again.
    fn kept_until(&self, contact: &Contact, reason: EndReason) -> Option<u64> {
        let resume_ms = self.rules().and_then(|rules| rules.channel(&contact.channel)).map_or(0, |profile| profile.resume_ms);
        let lost = matches!(reason, EndReason::Abandoned | EndReason::Failed);
        (lost && contact.customer.is_some() && resume_ms > 0).then(|| self.at_ms + resume_ms)
    }

    pub(super) fn check_reclassification(&self, fact: &ReclassificationRequested) -> Check {
        self.check_live(fact.contact)?;
        if fact.agent.is_some() {
            self.check_engaged(fact.contact, fact.agent)?;
        }
        self.check_topic(Some(&fact.topic))
    }

    pub(super) fn reclassify(&mut self, fact: &ReclassificationRequested) {
        let Some(contact) = self.site.contact(&fact.contact) else { return };
        if contact.topic.as_ref() == Some(&fact.topic) {
            return;
        }
        let (engaged, channel) = (contact.phase.engaged(), contact.channel.clone());
        let event = ContactReclassified { at_ms: self.t_ms, topic: fact.topic.clone(), previous: (*contact.topic).clone() };
        self.emit(Some(fact.contact), engaged, Some(&channel), event);
    }
}

/// Who wants a parked contact that ends or is moved.
fn wanted_by(by: EndedBy) -> ParkEndedBy {
    match by {
        EndedBy::Customer => ParkEndedBy::Customer,
        EndedBy::Service | EndedBy::Requeued => ParkEndedBy::Service,
        EndedBy::Transfer => ParkEndedBy::Transfer,
        EndedBy::Agent | EndedBy::Parked | EndedBy::DeskLost | EndedBy::AgentSilent | EndedBy::SideOver => ParkEndedBy::Agent,
    }
}
