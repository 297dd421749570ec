//! Engagements: connected, answered, ended; and the wrap-up after them, which may outlast the contact.

use super::Check;
use crate::conversation::Stage;
use crate::state::{Phase, WorkPhase};
use crate::turn::Turn;
use crate::words::bounds::counted;
use crate::words::{
    Author, ContactAnswered, Id, MessagePosted, MessageRelayed, Name, ParkEndedBy, Role, VisitOutcome, WrapUpEndRequested,
    WrapUpEnded, WrapUpEndedBy, WrapUpExtended, WrapUpExtensionRequested,
};

/// A wrap-up that runs.
struct WrapUp {
    attempt: u32,
    channel: Name,
    began_ms: u64,
    until_ms: u64,
}

impl Turn<'_> {
    /// The customer has an answer by the channel's definition.
    pub(super) fn answered(&mut self, id: Id, agent: Id, attempt: u32) {
        let Some(contact) = self.site.contact(&id) else { return };
        let (channel, engaged) = (contact.channel.clone(), contact.phase.agent());
        let ended = self.visit_ended(contact, VisitOutcome::Answered);
        let event = ContactAnswered { at_ms: self.t_ms, attempt, wait_ms: contact.waited_ms(self.t_ms) };
        self.emit(Some(id), Some(agent), Some(&channel), event);
        if let Some(ended) = ended {
            self.emit(Some(id), engaged, Some(&channel), ended);
        }
    }

    pub(super) fn check_message(&self, fact: &MessagePosted) -> Check {
        self.check_live(fact.contact)?;
        match fact.author {
            Author::Customer | Author::System => Ok(()),
            Author::Agent => self.speaking(fact.contact, fact.agent).map(|_| ()).ok_or("not_engaged"),
        }
    }

    pub(super) fn check_engaged(&self, contact: Id, agent: Option<Id>) -> Check {
        match self.site.contact(&contact).map(|contact| contact.phase) {
            Some(Phase::Engaged { agent: engaged, .. }) if agent == Some(engaged) => Ok(()),
            Some(_) | None => Err("not_engaged"),
        }
    }

    /// The attempt of an agent who is connected with the customer: the primary, or one in conference.
    fn speaking(&self, id: Id, agent: Option<Id>) -> Option<u32> {
        let contact = self.site.contact(&id)?;
        let mut attempts = contact.phase.attempt().into_iter().chain(contact.sides.keys().copied());
        attempts.find(|attempt| {
            contact
                .holder(*attempt)
                .is_some_and(|holder| Some(holder.agent) == agent && holder.stage == Stage::Engaged && holder.role != Role::Consult)
        })
    }

    pub(super) fn relay(&mut self, fact: &MessagePosted) {
        let id = fact.contact;
        let author = fact.agent.filter(|_| fact.author == Author::Agent);
        self.record_message(id, fact.message, fact.author, author);
        match fact.author {
            Author::Agent => {
                let Some(agent) = author else { return };
                self.request_effect(id, agent, fact.message);
                if self.site.contact(&id).is_some_and(|contact| contact.answered_ms.is_none()) {
                    if let Some(attempt) = self.speaking(id, Some(agent)) {
                        self.answered(id, agent, attempt);
                    }
                }
            }
            Author::Customer => {
                if self.is_parked(id) {
                    self.return_parked(id, ParkEndedBy::Customer);
                }
            }
            Author::System => {}
        }
    }

    /// A message takes its place in the conversation: under the agent who says it, else under the primary.
    pub(super) fn record_message(&mut self, id: Id, message: Id, author: Author, agent: Option<Id>) {
        if author != Author::System {
            self.revive(id);
        }
        let Some(contact) = self.site.contact(&id) else { return };
        let (agent, channel) = (agent.or(contact.phase.engaged()), contact.channel.clone());
        let silence = self.silence_after(contact, author);
        let event = MessageRelayed { at_ms: self.t_ms, message, author, ordinal: counted(contact.ordinal), silence };
        self.emit(Some(id), agent, Some(&channel), event);
    }

    fn wrap_up(&self, contact: Id, agent: Id) -> Option<WrapUp> {
        let work = &self.site.agent(&agent)?.work;
        work.range((contact, 0)..=(contact, u32::MAX)).find_map(|((_, attempt), work)| match work.phase {
            WorkPhase::Wrapping { began_ms, until_ms } => {
                Some(WrapUp { attempt: *attempt, channel: work.channel.clone(), began_ms, until_ms })
            }
            WorkPhase::Offered | WorkPhase::Connecting | WorkPhase::Engaged => None,
        })
    }

    pub(super) fn check_wrap_up_end(&self, fact: &WrapUpEndRequested) -> Check {
        self.check_known_agent(fact.agent)?;
        self.wrap_up(fact.contact, fact.agent).ok_or("not_wrapping")?;
        self.check_disposition(fact.disposition.as_ref())
    }

    pub(super) fn finish_wrap_up(&mut self, fact: &WrapUpEndRequested) {
        let Some(wrap_up) = self.wrap_up(fact.contact, fact.agent) else { return };
        let event = WrapUpEnded {
            at_ms: self.t_ms,
            attempt: wrap_up.attempt,
            by: WrapUpEndedBy::Agent,
            disposition: fact.disposition.clone(),
            note: fact.note,
        };
        self.emit(Some(fact.contact), Some(fact.agent), Some(&wrap_up.channel), event);
        self.settle(fact.agent);
    }

    pub(super) fn check_extension(&self, fact: &WrapUpExtensionRequested) -> Check {
        self.check_known_agent(fact.agent)?;
        let wrap_up = self.wrap_up(fact.contact, fact.agent).ok_or("not_wrapping")?;
        let limit_ms = self.rules().and_then(|rules| rules.channel(&wrap_up.channel)).map_or(0, |profile| profile.wrap_up_max_ms);
        if wrap_up.until_ms.saturating_add(fact.extra_ms) > wrap_up.began_ms + limit_ms {
            return Err("extension_limit");
        }
        Ok(())
    }

    pub(super) fn extend_wrap_up(&mut self, fact: &WrapUpExtensionRequested) {
        let Some(wrap_up) = self.wrap_up(fact.contact, fact.agent) else { return };
        let event = WrapUpExtended { at_ms: self.t_ms, attempt: wrap_up.attempt, until_ms: wrap_up.until_ms + fact.extra_ms };
        self.emit(Some(fact.contact), Some(fact.agent), Some(&wrap_up.channel), event);
    }

    pub(crate) fn expire_wrap_up(&mut self, agent: Id, contact: Id, attempt: u32) {
        let work = self.site.agent(&agent).and_then(|agent| agent.work.get(&(contact, attempt)));
        let Some(channel) = work.map(|work| work.channel.clone()) else { return };
        let event = WrapUpEnded { at_ms: self.t_ms, attempt, by: WrapUpEndedBy::Deadline, disposition: None, note: None };
        self.emit(Some(contact), Some(agent), Some(&channel), event);
        self.settle(agent);
    }
}
