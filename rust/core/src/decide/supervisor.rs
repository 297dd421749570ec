//! What supervisors, and services in their name, may do to contacts and agents. Who asked, and why, stands in the fact.

use super::Check;
use crate::state::{Phase, WorkPhase};
use crate::turn::Turn;
use crate::words::{
    ContactReprioritised, EndedBy, ForcedPresence, Id, Name, Presence, PresenceCause, PresenceForced, PriorityCause,
    PriorityRequested, RequeueRequested, RevokeReason, VisitOutcome, WrapUpEnded, WrapUpEndedBy,
};

impl Turn<'_> {
    pub(super) fn check_requeue(&self, fact: &RequeueRequested) -> Check {
        self.check_live(fact.contact)?;
        self.check_not_promised(fact.contact)?;
        let contact = self.site.contact(&fact.contact).ok_or("unknown_contact")?;
        if contact.phase == Phase::Queued {
            return Err("already_queued");
        }
        // While the queue is closing, those who wait there are served, and moved on in the end.
        if self.is_shut(&contact.queue) {
            self.check_put(&contact.queue, contact)?;
        }
        self.check_reason(fact.reason.as_ref())
    }

    /// Out of its agents' hands and back into its queue, with its key. It looks before they do.
    pub(super) fn requeue(&mut self, fact: &RequeueRequested) {
        let id = fact.contact;
        let Some(contact) = self.site.contact(&id).cloned() else { return };
        self.let_go(id, &contact, EndedBy::Requeued, RevokeReason::Requeued);
        self.end_visit(id, &contact, VisitOutcome::Requeued);
        self.enter((id, None), self.next_visit(&contact), &contact.channel, Some(&contact));
        self.look(id);
        self.lead_on(id);
        self.settle_hands(&contact);
    }

    pub(super) fn check_priority(&self, fact: &PriorityRequested) -> Check {
        self.check_live(fact.contact)?;
        self.check_reason(fact.reason.as_ref())
    }

    /// Another place in the order. Nobody looks: who could have it would have it.
    pub(super) fn set_priority(&mut self, fact: &PriorityRequested) {
        let (Some(contact), Some(rules)) = (self.site.contact(&fact.contact), self.rules()) else { return };
        if contact.priority == fact.priority {
            return;
        }
        let event = ContactReprioritised {
            at_ms: self.t_ms,
            priority: fact.priority,
            key: rules.reprioritised(contact.key, contact.priority, fact.priority),
            cause: PriorityCause::Requested,
        };
        let channel = contact.channel.clone();
        self.emit(Some(fact.contact), None, Some(&channel), event);
    }

    pub(super) fn check_forced(&self, fact: &PresenceForced) -> Check {
        self.check_known_agent(fact.agent)?;
        self.check_reason(fact.reason.as_ref())
    }

    /// Not ready is as if the agent had asked for it. Offline takes away what needs no live customer, at once.
    pub(super) fn force_presence(&mut self, fact: &PresenceForced) {
        match fact.presence {
            ForcedPresence::NotReady => {
                self.set_presence(fact.agent, Presence::NotReady, fact.reason.clone(), PresenceCause::Forced);
            }
            ForcedPresence::Offline => {
                self.set_presence(fact.agent, Presence::Offline, None, PresenceCause::Forced);
                self.end_wrap_ups(fact.agent);
                let channels = self.needing_desk(fact.agent);
                self.lose(fact.agent, &channels);
            }
        }
    }

    fn end_wrap_ups(&mut self, agent: Id) {
        let work = self.site.agent(&agent).into_iter().flat_map(|agent| agent.work.iter());
        let wrapping = work.filter(|(_, work)| matches!(work.phase, WorkPhase::Wrapping { .. }));
        let ended: Vec<(Id, u32, Name)> =
            wrapping.map(|((contact, attempt), work)| (*contact, *attempt, work.channel.clone())).collect();
        for (contact, attempt, channel) in ended {
            let event = WrapUpEnded { at_ms: self.t_ms, attempt, by: WrapUpEndedBy::Forced, disposition: None, note: None };
            self.emit(Some(contact), Some(agent), Some(&channel), event);
        }
    }
}
