//! Connects: an accepted offer becomes an engagement, or comes to nothing.
//!
//! ```text
//! accepted --connected--> (engagement)
//!          --deadline--> expired                      nobody is punished
//!          --failed: agent_leg--> failed              twice in a row: not_ready(technical)
//!          --failed: platform--> failed               nobody is punished
//!          --failed: customer_leg, live--> failed     the contact is abandoned; on other channels like platform
//! ```

use super::Check;
use crate::conversation::{Holder, Sibling, Stage};
use crate::few::Few;
use crate::state::{Contact, Phase};
use crate::turn::Turn;
use crate::words::bounds::counted;
use crate::words::{
    AnsweredOn, AttemptOutcome, ChannelPresence, ConnectExpired, ConnectFailed, ConnectionFailed, ContactConnected, EndReason,
    EngagementStarted, Id, Leg, Name, OfferRevoked, Presence, PresenceCause, RevokeReason, Role,
};

/// So many failures of an agent's own leg in a row are no accident.
const FAILURES_LIMIT: u64 = 2;

impl Turn<'_> {
    pub(super) fn check_connecting(&self, id: Id, attempt: u32, agent: Id) -> Check {
        self.check_known_agent(agent)?;
        self.check_live(id)?;
        match self.site.contact(&id).and_then(|contact| contact.holder(attempt)) {
            Some(Holder { agent: connecting, stage: Stage::Connecting, .. }) if connecting == agent => Ok(()),
            Some(_) | None => Err("not_connecting"),
        }
    }

    pub(super) fn connect(&mut self, fact: &ContactConnected) {
        let Some(contact) = self.site.contact(&fact.contact) else { return };
        let (channel, queue, siblings) = (contact.channel.clone(), contact.queue.clone(), contact.siblings.clone());
        let role = contact.holder(fact.attempt).map_or(Role::Primary, |holder| holder.role);
        let speaks = role == Role::Primary;
        let silence = if speaks { self.silence_due(contact, contact.conversation.unanswered, self.heard_ms()) } else { None };
        let event = EngagementStarted { at_ms: self.t_ms, attempt: fact.attempt, queue, role, silence };
        self.emit(Some(fact.contact), Some(fact.agent), Some(&channel), event);
        self.revoke_siblings(fact.contact, &channel, &siblings, RevokeReason::Taken);
        let answered_on = self.rules().and_then(|rules| rules.channel(&channel)).map(|profile| profile.answered_on);
        if speaks && answered_on == Some(AnsweredOn::Connected) {
            self.answered(fact.contact, fact.agent, fact.attempt);
        }
        if speaks {
            self.keep_promise(fact.contact);
        }
        for sibling in siblings.values() {
            self.fill(sibling.agent);
        }
        // What is engaged may give way to others from now on.
        let interruptible =
            self.rules().and_then(|rules| rules.channel(&channel)).is_some_and(|profile| !profile.interruptible_by.is_empty());
        if interruptible {
            self.fill(fact.agent);
        }
    }

    /// Accepted, but never connected: the contact waits again with its key.
    pub(crate) fn expire_connect(&mut self, id: Id, attempt: u32) {
        let Some(contact) = self.site.contact(&id) else { return };
        let Some(Holder { agent, .. }) = contact.holder(attempt) else { return };
        if self.promise(&id).is_some() {
            return self.record_attempt(&(id, attempt, agent), AttemptOutcome::Unknown, 0);
        }
        let channel = contact.channel.clone();
        let (until_ms, siblings_until_ms) = (self.retry_ms(), self.siblings_until_ms(contact, attempt));
        let event =
            ConnectExpired { at_ms: self.t_ms, attempt, excluded_until_ms: until_ms, reoffer_from_ms: until_ms, siblings_until_ms };
        self.emit(Some(id), Some(agent), Some(&channel), event);
        self.go_on(id);
        self.settle(agent);
    }

    /// The connect failed on somebody's side.
    pub(super) fn fail_connect(&mut self, fact: &ConnectionFailed) {
        let (id, agent) = (fact.contact, fact.agent);
        if fact.leg == Leg::CustomerLeg && self.promise(&id).is_some() {
            // Whoever does not answer a callback has not abandoned it.
            let ring_ms = self.rang_ms(&id);
            return self.record_attempt(&(id, fact.attempt, agent), AttemptOutcome::NoAnswer, ring_ms);
        }
        if fact.leg == Leg::Platform && self.promise(&id).is_some() && self.site.state.levels.is(4) {
            return self.record_failed_dial(&(id, fact.attempt, agent));
        }
        let Some(contact) = self.site.contact(&id).cloned() else { return };
        let primary = contact.holder(fact.attempt).is_some_and(|holder| holder.role == Role::Primary);
        let live = self.rules().and_then(|rules| rules.channel(&contact.channel)).map(|profile| profile.presence)
            == Some(ChannelPresence::Live);
        let gone = primary && live && fact.leg == Leg::CustomerLeg;
        let until_ms = self.retry_ms();
        let before = self.site.agent(&agent).map_or(0, |agent| agent.failures);
        let failures = if fact.leg == Leg::AgentLeg { counted(before) } else { before };
        let event = ConnectFailed {
            at_ms: self.t_ms,
            attempt: fact.attempt,
            leg: fact.leg,
            excluded_until_ms: until_ms,
            reoffer_from_ms: until_ms,
            failures,
            siblings_until_ms: self.siblings_until_ms(&contact, fact.attempt).filter(|_| !gone),
        };
        if gone {
            self.revoke_siblings(id, &contact.channel, &contact.siblings, RevokeReason::ContactGone);
        }
        self.emit(Some(id), Some(agent), Some(&contact.channel), event);
        if gone {
            self.end_visit(id, &contact, contact.abandoned());
            self.end_contact(id, &contact, EndReason::Abandoned);
        } else {
            self.hold_after_dial(id);
            self.again = Some(id);
            if fact.leg == Leg::AgentLeg && failures >= FAILURES_LIMIT {
                self.set_presence(agent, Presence::NotReady, Some(super::word("technical")), PresenceCause::Technical);
            }
            self.go_on(id);
        }
        self.settle(agent);
        for sibling in contact.siblings.values().filter(|_| gone) {
            self.fill(sibling.agent);
        }
    }

    /// An accepted offer comes to nothing: until when the siblings that it held may answer.
    fn siblings_until_ms(&self, contact: &Contact, attempt: u32) -> Option<u64> {
        let held = contact.phase.attempt() == Some(attempt) && !contact.siblings.is_empty();
        let profile = self.rules().and_then(|rules| rules.channel(&contact.channel)).filter(|_| held);
        profile.map(|profile| self.at_ms + profile.offer_ttl_ms)
    }

    /// The accepted offer is withdrawn for its agent's sake: its siblings may answer again.
    pub(super) fn revoke_accepted(&mut self, id: Id, contact: &Contact, reason: RevokeReason) {
        let Phase::Connecting { agent, attempt, .. } = contact.phase else { return };
        let siblings_until_ms = self.siblings_until_ms(contact, attempt);
        let event = OfferRevoked { at_ms: self.t_ms, attempt, reason, siblings_until_ms };
        self.emit(Some(id), Some(agent), Some(&contact.channel), event);
    }

    /// The other agents who were offered it do not get it.
    fn revoke_siblings(&mut self, id: Id, channel: &Name, siblings: &Few<u32, Sibling>, reason: RevokeReason) {
        for (attempt, sibling) in siblings {
            let event = OfferRevoked { at_ms: self.t_ms, attempt: *attempt, reason, siblings_until_ms: None };
            self.emit(Some(id), Some(sibling.agent), Some(channel), event);
        }
    }

    /// Until when a pair is kept apart that could not be connected.
    fn retry_ms(&self) -> u64 {
        self.at_ms + self.rules().map_or(0, |rules| rules.policy.connect_retry_ms)
    }
}
