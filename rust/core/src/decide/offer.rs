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
use crate::words::bounds::{counted, ATTEMPT_MAX};
use crate::words::{
    AnswerMode, Direct, Id, Name, OfferAccepted, OfferAnswered, OfferCause, OfferDeclined, OfferExpired, OfferMade, OfferRevoked,
    OnMissed, OverCapacityCause, Presence, PresenceCause, ReleaseReason, RevokeReason, Role, SwitchCause, Why,
};

/// What an offer says beside whom it joins.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) rank: u8,
    pub(super) cause: OfferCause,
    pub(super) ttl_ms: u64,
    pub(super) why: Option<Why>,
    pub(super) direct: Option<Direct>,
    pub(super) role: Role,
}

impl Turn<'_> {
    /// A waiting contact looks for an agent.
    pub(crate) fn look(&mut self, contact: Id) {
        let waits = self.site.contact(&contact).is_some_and(Contact::looks);
        if waits {
            let wanted = self.wanted(contact);
            let found = self.site.best_agents(contact, self.at_ms, wanted, None);
            if found.is_empty() {
                self.note_in_vain(contact);
            }
            for found in found {
                self.offer(&found);
            }
        }
    }

    /// An agent looks for contacts, while there is room: after those that were put aside for work that is over.
    pub(crate) fn fill(&mut self, agent: Id) {
        self.return_interrupted(agent);
        while let Some(found) = self.site.best_contact(agent, self.at_ms) {
            let more = if found.cause == OfferCause::Routed { self.wanted(found.contact) - 1 } else { 0 };
            let siblings = match more {
                0 => Vec::new(),
                more => self.site.best_agents(found.contact, self.at_ms, more, Some(agent)),
            };
            self.offer(&found);
            for sibling in siblings {
                self.offer(&sibling);
            }
            if self.is_stuck() {
                return;
            }
        }
    }

    /// How many agents the contact is offered to at once.
    fn wanted(&self, id: Id) -> usize {
        let Some(contact) = self.site.contact(&id) else { return 1 };
        let broadcast = self.rules().and_then(|rules| rules.queue(&contact.queue)).map_or(1, |queue| queue.broadcast);
        let left = usize::try_from(ATTEMPT_MAX - contact.attempt.min(ATTEMPT_MAX)).unwrap_or(1);
        match broadcast {
            0 | 1 => 1,
            // One customer is dialled for one agent.
            _ if self.is_answered_at_once(&contact.channel) || self.promise(&id).is_some() => 1,
            more => usize::from(more).min(left).max(1),
        }
    }

    fn offer(&mut self, found: &Match) {
        let ttl_ms = self.offer_ttl_ms(found.contact);
        let terms = Terms { rank: found.rank, cause: found.cause, ttl_ms, why: Some(found.why), direct: None, role: Role::Primary };
        self.make_offer(found.contact, found.agent, terms);
    }

    /// The one place where offers are made.
    pub(super) fn make_offer(&mut self, id: Id, agent: Id, terms: Terms) {
        self.release(id, ReleaseReason::Offered);
        let Some(contact) = self.site.contact(&id) else { return };
        let Some(enabled) = self.site.agent(&agent).and_then(|agent| agent.channels.get(&contact.channel)) else { return };
        let (channel, attempt) = (contact.channel.clone(), contact.attempt + 1);
        let full = self.site.agent(&agent).is_some_and(|agent| !agent.has_capacity_for(enabled.cost));
        let interrupts = full && terms.direct.is_none();
        // Nobody waits for a side.
        let wait_ms = if terms.role == Role::Primary { contact.waited_ms(self.at_ms) } else { 0 };
        let event = OfferMade {
            at_ms: self.at_ms,
            attempt,
            queue: contact.queue.clone(),
            expires_ms: self.at_ms + terms.ttl_ms,
            cost: enabled.cost,
            rank: terms.rank,
            cause: terms.cause,
            wait_ms,
            key: Some(contact.key),
            why: terms.why,
            direct: terms.direct,
            role: terms.role,
            interrupts,
        };
        self.emit(Some(id), Some(agent), Some(&channel), event);
        if terms.direct.is_some() {
            self.record_over_capacity(agent, self.at_ms, OverCapacityCause::Direct);
        } else if interrupts {
            self.record_over_capacity(agent, self.at_ms, OverCapacityCause::Interrupted);
        }
        if (self.is_answered_at_once(&channel) || self.is_customer_first(&id)) && !self.is_too_late(&id) {
            self.accept((id, attempt), agent, self.at_ms);
        }
    }

    /// The one place where offers are accepted.
    pub(super) fn accept(&mut self, (id, attempt): (Id, u32), agent: Id, at_ms: u64) {
        let Some(channel) = self.site.contact(&id).map(|contact| contact.channel.clone()) else { return };
        let connect_ms = self.rules().and_then(|rules| rules.channel(&channel)).map_or(0, |profile| profile.connect_ms);
        let connect_by_ms = self.dial_by(&id).unwrap_or(self.at_ms + connect_ms);
        let event = OfferAccepted { at_ms, attempt, connect_by_ms };
        self.emit(Some(id), Some(agent), Some(&channel), event);
        self.dial((id, attempt), agent, at_ms);
        self.interrupt((id, attempt), agent);
    }

    pub(super) fn is_answered_at_once(&self, channel: &Name) -> bool {
        let profile = self.rules().and_then(|rules| rules.channel(channel));
        profile.is_some_and(|profile| profile.answer == AnswerMode::Auto)
    }

    pub(super) fn offer_ttl_ms(&self, contact: Id) -> u64 {
        let channel = self.site.contact(&contact).map(|contact| &contact.channel);
        let profile = channel.and_then(|channel| self.rules()?.channel(channel));
        profile.map_or(0, |profile| profile.offer_ttl_ms)
    }

    pub(super) fn check_answer(&self, fact: &OfferAnswered) -> Check {
        self.check_known_agent(fact.agent)?;
        self.check_live(fact.contact)?;
        let contact = self.site.contact(&fact.contact).ok_or("unknown_contact")?;
        match contact.holder(fact.attempt).filter(|holder| holder.agent == fact.agent).map(|holder| holder.stage) {
            Some(Stage::Offered) if contact.is_held(fact.attempt) => return Err("already_accepted"),
            // Nobody is dialled for a yes that was read too late.
            Some(Stage::Offered) if fact.accepted && self.is_too_late(&fact.contact) => return Err("expired"),
            Some(Stage::Offered) => return self.check_reason(fact.reason.as_ref()),
            Some(Stage::Connecting | Stage::Engaged) => return Err("already_accepted"),
            None => {}
        }
        let remembered = contact.recent.iter().find(|past| past.attempt == fact.attempt);
        Err(match remembered {
            Some(past) if past.agent == fact.agent => late(past.end),
            None if contact.holder(fact.attempt).is_none() && fact.attempt <= contact.attempt => "expired",
            Some(_) | None => "no_such_offer",
        })
    }

    pub(super) fn answer(&mut self, fact: &OfferAnswered) {
        let Some(contact) = self.site.contact(&fact.contact) else { return };
        let channel = contact.channel.clone();
        let (id, agent) = (fact.contact, fact.agent);
        if fact.accepted {
            self.accept((id, fact.attempt), agent, self.t_ms);
            return;
        }
        let Some(policy) = self.rules().map(|rules| &rules.policy) else { return };
        let limit = u64::from(policy.declines_limit);
        let declines = counted(self.site.agent(&agent).map_or(0, |agent| agent.declines));
        let event = OfferDeclined {
            at_ms: self.t_ms,
            attempt: fact.attempt,
            reason: fact.reason.clone(),
            excluded_until_ms: self.at_ms + policy.decline_cooldown_ms,
            reoffer_from_ms: self.at_ms + policy.reoffer_min_ms.min(policy.decline_cooldown_ms),
            declines,
        };
        self.emit(Some(id), Some(agent), Some(&channel), event);
        self.again = Some(id);
        if declines >= limit {
            self.set_presence(agent, Presence::NotReady, Some(super::word("declined")), PresenceCause::Declined);
        }
        self.go_on(id);
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
        let enabled = self.site.agent(&agent).and_then(|agent| agent.channels.get(&channel));
        let missed = counted(enabled.map_or(0, |enabled| enabled.missed));
        let event = OfferExpired {
            at_ms: self.t_ms,
            attempt,
            excluded_until_ms: self.at_ms + policy.decline_cooldown_ms,
            reoffer_from_ms: self.at_ms + policy.reoffer_min_ms.min(policy.decline_cooldown_ms),
            missed,
        };
        self.emit(Some(id), Some(agent), Some(&channel), event);
        self.again = Some(id);
        if missed >= limit {
            match on_missed {
                OnMissed::NotReady => {
                    self.set_presence(agent, Presence::NotReady, Some(super::word("missed")), PresenceCause::Missed);
                }
                OnMissed::SwitchOff => self.set_switch(agent, &channel, false, SwitchCause::Missed),
            }
        }
        self.go_on(id);
        self.fill(agent);
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
            let event = OfferRevoked { at_ms: self.t_ms, attempt: *attempt, reason, siblings_until_ms: None };
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
