//! Direct offers: a contact for a certain agent, whatever order and rules of matching say.

use super::offer::Terms;
use super::Check;
use crate::hindrance::Hindrance;
use crate::site::Site;
use crate::state::{Contact, WORK_MAX};
use crate::turn::Turn;
use crate::words::{Direct, DirectReason, Id, OfferCause, PickRequested, Role};

impl Turn<'_> {
    /// May this agent be given the contact directly?
    #[allow(clippy::wildcard_enum_match_arm)] // what routing asks is not asked here
    pub(super) fn check_direct(&self, contact: &Contact, agent: Id) -> Check {
        let agent = self.site.agent(&agent).ok_or("unknown_agent")?;
        match Site::unreachable(contact, agent) {
            None if agent.work.len() >= WORK_MAX => Err("no_room"),
            None => Ok(()),
            Some(Hindrance::ChannelNotEnabled | Hindrance::ChannelOff) => Err("channel_not_enabled"),
            Some(_) => Err("agent_not_ready"),
        }
    }

    pub(super) fn check_pick(&self, fact: &PickRequested) -> Check {
        self.check_known_agent(fact.agent)?;
        self.check_live(fact.contact)?;
        let contact = self.site.contact(&fact.contact).filter(|contact| contact.looks()).ok_or("not_queued")?;
        self.check_direct(contact, fact.agent)?;
        self.check_reason(fact.reason.as_ref())
    }

    /// A waiting contact for this agent: the agent's own wish, or a supervisor's.
    pub(super) fn pick(&mut self, fact: &PickRequested) {
        let ttl_ms = self.offer_ttl_ms(fact.contact);
        self.give(fact.contact, fact.agent, Direct { by: fact.by, reason: DirectReason::Pick }, ttl_ms);
    }

    /// A direct offer of a queued contact.
    pub(super) fn give(&mut self, id: Id, agent: Id, direct: Direct, ttl_ms: u64) {
        let Some(contact) = self.site.contact(&id).filter(|contact| contact.looks()) else { return };
        let rank = self.site.agent(&agent).and_then(|agent| agent.rank(contact)).unwrap_or(0);
        let terms = Terms { rank, cause: OfferCause::Direct, ttl_ms, why: None, direct: Some(direct), role: Role::Primary };
        self.make_offer(id, agent, terms);
    }

    /// An offer has ended without acceptance. What was transferred to an agent goes back to the one who sent it, if that is possible at
    /// once; else the contact looks like any other.
    pub(super) fn go_on(&mut self, id: Id) {
        let Some(contact) = self.site.contact(&id).filter(|contact| contact.looks()) else { return self.lead_on(id) };
        if let Some(back) = contact.back.filter(|back| self.check_direct(contact, *back).is_ok()) {
            let ttl_ms = self.transfer_ms();
            self.give(id, back, Direct { by: None, reason: DirectReason::Returned }, ttl_ms);
        } else {
            self.look(id);
            self.lead_on(id);
        }
    }

    pub(super) fn transfer_ms(&self) -> u64 {
        self.rules().map_or(0, |rules| rules.policy.transfer_ms)
    }
}
