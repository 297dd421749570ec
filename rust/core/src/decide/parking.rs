//! Parked contacts: put aside by an agent, who stays their owner, and wanted again.

use super::Check;
use crate::state::{Contact, Phase};
use crate::turn::Turn;
use crate::words::bounds::INSTANT_MAX_MS;
use crate::words::{
    ChannelPresence, ContactParked, ContactQueued, EndedBy, Id, ParkEndRequested, ParkEnded, ParkEndedBy, ParkRequested,
    ParkedKind, VisitOutcome,
};

impl Turn<'_> {
    pub(super) fn check_parking(&self, fact: &ParkRequested) -> Check {
        self.check_live(fact.contact)?;
        self.check_engaged(fact.contact, Some(fact.agent))?;
        let rules = self.rules().ok_or("no_policy")?;
        let profile = self.site.contact(&fact.contact).and_then(|contact| rules.channel(&contact.channel));
        if profile.is_some_and(|profile| profile.presence == ChannelPresence::Live) {
            return Err("no_parking");
        }
        let owned = self.site.index.owned.count(&fact.agent);
        if owned >= rules.policy.max_parked as usize {
            return Err("park_limit");
        }
        Ok(())
    }

    /// The engagement is over without wrap-up, and the agent free for other work.
    pub(super) fn park(&mut self, fact: &ParkRequested) {
        let Some(contact) = self.site.contact(&fact.contact).cloned() else { return };
        // A wish counts from when it was said, but never ends in the turn that hears it.
        let until_ms = self.t_ms.saturating_add(fact.for_ms).max(self.at_ms + 1).min(INSTANT_MAX_MS);
        self.put_aside(fact.contact, &contact, fact.kind.into(), until_ms, fact.note);
        self.settle_hands(&contact);
    }

    /// Its primary's engagement ends without wrap-up, and that agent owns it until then.
    pub(super) fn put_aside(&mut self, id: Id, contact: &Contact, kind: ParkedKind, until_ms: u64, note: Option<Id>) {
        self.end_engagement(id, contact, EndedBy::Parked);
        // Nobody asked a customer to wait whose agent was called away.
        if kind != ParkedKind::Interrupted || !self.site.state.levels.is(4) {
            self.end_visit(id, contact, VisitOutcome::Requeued);
        }
        let event = ContactParked { at_ms: self.t_ms, kind, until_ms, note };
        self.emit(Some(id), contact.phase.agent(), Some(&contact.channel), event);
    }

    pub(super) fn check_parked(&self, fact: &ParkEndRequested) -> Check {
        self.check_live(fact.contact)?;
        match self.site.contact(&fact.contact).map(|contact| contact.phase) {
            Some(Phase::Parked { owner, .. }) if fact.agent.is_none_or(|agent| agent == owner) => Ok(()),
            Some(_) | None => Err("not_parked"),
        }
    }

    pub(super) fn unpark(&mut self, fact: &ParkEndRequested) {
        let by = if fact.agent.is_some() { ParkEndedBy::Agent } else { ParkEndedBy::Service };
        self.return_parked(fact.contact, by);
    }

    /// Back to its queue with its old key. Its owner is preferred, unless nobody knows that agent any more, or a more pressing contact has kept
    /// them from it for as long as it is to wait for them.
    pub(crate) fn return_parked(&mut self, id: Id, by: ParkEndedBy) {
        let Some(contact) = self.site.contact(&id).cloned() else { return };
        let Some(owner) = contact.phase.owner() else { return };
        self.emit(Some(id), Some(owner), Some(&contact.channel), ParkEnded { at_ms: self.t_ms, by });
        self.end_visit(id, &contact, VisitOutcome::Requeued);
        let owner_ms = self.rules().map_or(0, |rules| rules.policy.owner_ms);
        let again = self.next_visit(&contact);
        let waited = matches!(contact.phase, Phase::Parked { kind: ParkedKind::Interrupted, .. }) && by == ParkEndedBy::Deadline;
        let queued = if self.site.agent(&owner).is_some() && !(waited && self.site.state.levels.is(4)) {
            ContactQueued { preferred: vec![owner], prefer_until_ms: self.at_ms + owner_ms, ..again }
        } else {
            again
        };
        self.enter((id, None), queued, &contact.channel, Some(&contact));
        self.look(id);
        if !contact.ever_answered() {
            self.lead_on(id);
        }
    }
}
