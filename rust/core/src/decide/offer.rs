//! Offers: made, answered, expired, withdrawn.
//!
//! ```text
//! made --accept--> accepted --connected--> (engagement)
//!      --decline--> declined             --connect deadline--> expired
//!      --deadline--> expired
//!      --contact gone, transfer, agent not ready, channel off, not eligible--> revoked
//! ```
//! The first of them in the journal wins; whoever comes later gets a typed refusal.

use super::{Check, Refusal};
use crate::conversation::{Holder, Stage};
use crate::matching::Match;
use crate::state::{Contact, OfferEnd};
use crate::turn::Turn;
use crate::words::{
    ConnectExpired, Id, Name, OfferAccepted, OfferAnswered, OfferDeclined, OfferExpired, OfferMade, OfferRevoked, OnMissed,
    Presence, PresenceCause, RevokeReason, Role, SwitchCause,
};

impl Turn<'_> {
    /// A waiting contact looks for an agent.
    pub(crate) fn look(&mut self, contact: Id) {
        let waits = self.site.contact(&contact).is_some_and(Contact::looks);
        if waits {
            for found in self.site.best_agents(contact, self.at_ms, 1, None) {
                self.offer(found);
            }
        }
    }

    /// An agent looks for contacts, while there is room.
    pub(crate) fn fill(&mut self, agent: Id) {
        self.site.prepare(&agent);
        while let Some(found) = self.site.best_contact(agent, self.at_ms) {
            self.offer(found);
        }
    }

    fn offer(&mut self, found: Match) {
        let Some(contact) = self.site.contact(&found.contact) else { return };
        let Some(profile) = self.rules().and_then(|rules| rules.channel(&contact.channel)) else { return };
        let Some(enabled) = self.site.agent(&found.agent).and_then(|agent| agent.channels.get(&contact.channel)) else { return };
        let event = OfferMade {
            at_ms: self.at_ms,
            attempt: contact.attempt + 1,
            queue: contact.queue.clone(),
            expires_ms: self.at_ms + profile.offer_ttl_ms,
            cost: enabled.cost,
            rank: found.rank,
            cause: found.cause,
            wait_ms: contact.waited_ms(self.at_ms),
            key: Some(contact.key),
            why: Some(found.why),
            direct: None,
            role: Role::Primary,
            interrupts: false,
        };
        let channel = contact.channel.clone();
        self.emit(Some(found.contact), Some(found.agent), Some(&channel), event);
    }

    pub(super) fn check_answer(&self, fact: &OfferAnswered) -> Check {
        self.check_known_agent(fact.agent)?;
        self.check_live(fact.contact)?;
        let contact = self.site.contact(&fact.contact).ok_or("unknown_contact")?;
        match contact.holder(fact.attempt).filter(|holder| holder.agent == fact.agent).map(|holder| holder.stage) {
            Some(Stage::Offered) => return self.check_reason(fact.reason.as_ref()),
            Some(Stage::Connecting | Stage::Engaged) => return Err("already_accepted"),
            None => {}
        }
        let remembered = contact.recent.iter().find(|past| past.attempt == fact.attempt);
        Err(match remembered {
            Some(past) if past.agent == fact.agent => late(past.end),
            None if contact.recent.front().is_some_and(|oldest| fact.attempt < oldest.attempt) => "expired",
            Some(_) | None => "no_such_offer",
        })
    }

    pub(super) fn answer(&mut self, fact: &OfferAnswered) {
        let Some(contact) = self.site.contact(&fact.contact) else { return };
        let channel = contact.channel.clone();
        let (id, agent) = (fact.contact, fact.agent);
        if fact.accepted {
            let Some(profile) = self.rules().and_then(|rules| rules.channel(&channel)) else { return };
            let connect_by_ms = self.at_ms + profile.connect_ms;
            let event = OfferAccepted { at_ms: self.t_ms, attempt: fact.attempt, connect_by_ms };
            self.emit(Some(id), Some(agent), Some(&channel), event);
            return;
        }
        let Some(policy) = self.rules().map(|rules| &rules.policy) else { return };
        let limit = u64::from(policy.declines_limit);
        let declines = self.site.agent(&agent).map_or(0, |agent| agent.declines) + 1;
        let event = OfferDeclined {
            at_ms: self.t_ms,
            attempt: fact.attempt,
            reason: fact.reason.clone(),
            excluded_until_ms: self.at_ms + policy.decline_cooldown_ms,
            reoffer_from_ms: self.at_ms + policy.reoffer_min_ms.min(policy.decline_cooldown_ms),
            declines,
        };
        self.emit(Some(id), Some(agent), Some(&channel), event);
        if declines >= limit {
            self.set_presence(agent, Presence::NotReady, Some(super::word("declined")), PresenceCause::Declined);
        }
        self.look(id);
        self.fill(agent);
    }

    /// The offer's deadline has passed: the pair is excluded, and too many misses in a row have consequences.
    pub(crate) fn expire_offer(&mut self, id: Id, attempt: u32) {
        let Some(contact) = self.site.contact(&id) else { return };
        let Some(Holder { agent, .. }) = contact.holder(attempt) else { return };
        let channel = contact.channel.clone();
        let Some(rules) = self.rules() else { return };
        let Some(profile) = rules.channel(&channel) else { return };
        let (policy, on_missed, limit) = (&rules.policy, profile.on_missed, u64::from(profile.missed_limit));
        let missed = self.site.agent(&agent).and_then(|agent| agent.channels.get(&channel)).map_or(0, |enabled| enabled.missed) + 1;
        let event = OfferExpired {
            at_ms: self.t_ms,
            attempt,
            excluded_until_ms: self.at_ms + policy.decline_cooldown_ms,
            reoffer_from_ms: self.at_ms + policy.reoffer_min_ms.min(policy.decline_cooldown_ms),
            missed,
        };
        self.emit(Some(id), Some(agent), Some(&channel), event);
        if missed >= limit {
            match on_missed {
                OnMissed::NotReady => {
                    self.set_presence(agent, Presence::NotReady, Some(super::word("missed")), PresenceCause::Missed);
                }
                OnMissed::SwitchOff => self.set_switch(agent, &channel, false, SwitchCause::Missed),
            }
        }
        self.look(id);
        self.fill(agent);
    }

    /// Accepted, but never connected: the contact waits again with its key.
    pub(crate) fn expire_connect(&mut self, id: Id, attempt: u32) {
        let Some(contact) = self.site.contact(&id) else { return };
        let Some(Holder { agent, .. }) = contact.holder(attempt) else { return };
        let channel = contact.channel.clone();
        let Some(retry_ms) = self.rules().map(|rules| rules.policy.connect_retry_ms) else { return };
        let until_ms = self.at_ms + retry_ms;
        let event = ConnectExpired { at_ms: self.t_ms, attempt, excluded_until_ms: until_ms, reoffer_from_ms: until_ms };
        self.emit(Some(id), Some(agent), Some(&channel), event);
        self.look(id);
        self.settle(agent);
    }

    /// Withdraw the agent's open offers (all, or one channel's, or those it may no longer have); the contacts wait again.
    pub(super) fn revoke_offers(&mut self, agent: Id, reason: RevokeReason, channel: Option<&Name>) -> Vec<Id> {
        let offered: Vec<(Id, u32, Name)> = self.site.agent(&agent).map_or_else(Vec::new, |holder| {
            let open = holder.work.iter().filter(|((id, _), work)| {
                work.phase == crate::state::WorkPhase::Offered
                    && channel.is_none_or(|channel| work.channel == *channel)
                    && (reason != RevokeReason::NotEligible
                        || !self.site.contact(id).is_some_and(|contact| self.site.may_keep_offer(contact, &agent, work)))
            });
            open.map(|((id, attempt), work)| (*id, *attempt, work.channel.clone())).collect()
        });
        for (id, attempt, channel) in &offered {
            let event = OfferRevoked { at_ms: self.t_ms, attempt: *attempt, reason };
            self.emit(Some(*id), Some(agent), Some(channel), event);
        }
        offered.into_iter().map(|(id, _, _)| id).collect()
    }
}

fn late(end: OfferEnd) -> Refusal {
    match end {
        OfferEnd::Accepted => "already_accepted",
        OfferEnd::Declined => "declined",
        OfferEnd::Expired => "expired",
        OfferEnd::Revoked => "revoked",
    }
}
