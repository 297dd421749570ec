//! Agents: what they can do, whether they are there, and what happens when that changes.
//!
//! ```text
//! requested --no accepted work--> effective          (otherwise pending until that work is over)
//! ready --declines or misses in a row--> not_ready   (requested by the engine)
//! ```

use std::collections::BTreeSet;

use super::Check;
use crate::state::{Agent, Phase};
use crate::turn::Turn;
use crate::words::{
    AgentChannel, AgentDeclared, AgentRegistered, AgentRemoved, ChannelSwitchSet, ChannelSwitched, Id, Key, Name,
    OverCapacityCause, OverCapacityRecorded, Presence, PresenceCause, PresenceChanged, PresenceRequested, ReleaseReason,
    RevokeReason, SwitchCause,
};

impl Turn<'_> {
    pub(super) fn check_declaration(&self, fact: &AgentDeclared) -> Check {
        let rules = self.rules().ok_or("no_policy")?;
        if fact.memberships.iter().any(|member| rules.queue(&member.queue).is_none()) {
            return Err("unknown_queue");
        }
        if fact.channels.iter().any(|channel| rules.channel(&channel.channel).is_none()) {
            return Err("unknown_channel");
        }
        if fact.skills.iter().any(|skill| !rules.knows_skill(&skill.skill)) {
            return Err("unknown_skill");
        }
        Ok(())
    }

    /// Everything routing may know of an agent, anew. Offers that it may no longer have are withdrawn.
    pub(super) fn declare(&mut self, fact: &AgentDeclared) {
        let Some(rules) = self.rules() else { return };
        let channels = fact.channels.iter().filter_map(|channel| {
            let profile = rules.channel(&channel.channel)?;
            Some(AgentChannel {
                channel: channel.channel.clone(),
                cost: Some(channel.cost.unwrap_or(profile.cost)),
                max_concurrent: Some(channel.max_concurrent.unwrap_or(profile.max_concurrent)),
            })
        });
        let event = AgentRegistered {
            at_ms: self.t_ms,
            channels: channels.collect(),
            skills: fact.skills.clone(),
            memberships: fact.memberships.clone(),
            capacity: fact.capacity.unwrap_or(rules.policy.capacity),
        };
        self.emit(None, Some(fact.agent), None, event);
        self.release_unless_eligible(fact.agent);
        self.note_gain(fact.agent);
        let freed = self.revoke_offers(fact.agent, RevokeReason::NotEligible, None);
        self.record_over_capacity(fact.agent, self.t_ms, OverCapacityCause::Redeclared);
        self.look_after_loss(fact.agent, freed);
        self.fill(fact.agent);
    }

    /// The agent has more than the limits allow, and why: once until it is within them again.
    pub(super) fn record_over_capacity(&mut self, id: Id, at_ms: u64, cause: OverCapacityCause) {
        let Some(agent) = self.site.agent(&id).filter(|agent| agent.over_capacity() && !agent.over_recorded) else { return };
        let event = OverCapacityRecorded { at_ms, cause, load: agent.load(), capacity: u64::from(agent.capacity) };
        self.emit(None, Some(id), None, event);
    }

    pub(super) fn check_retirement(&self, agent: Id) -> Check {
        match self.site.agent(&agent) {
            None => Err("unknown_agent"),
            Some(agent) if !agent.work.is_empty() || !agent.outside.is_empty() => Err("agent_busy"),
            Some(_) => Ok(()),
        }
    }

    pub(super) fn retire(&mut self, agent: Id) {
        self.release_agent(agent, ReleaseReason::AgentGone);
        self.emit(None, Some(agent), None, AgentRemoved { at_ms: self.t_ms });
        self.look_after_loss(agent, Vec::new());
    }

    pub(super) fn check_presence(&self, fact: &PresenceRequested) -> Check {
        self.check_known_agent(fact.agent)?;
        self.check_reason(fact.reason.as_ref())
    }

    pub(super) fn request_presence(&mut self, fact: &PresenceRequested) {
        let reason = fact.reason.clone().filter(|_| fact.presence == Presence::NotReady);
        self.set_presence(fact.agent, fact.presence, reason, PresenceCause::Requested);
        if fact.presence == Presence::Ready {
            self.switch_on_missed(fact.agent);
            self.fill(fact.agent);
        }
    }

    /// The agent wants, or is given, another presence. What is in hand is finished first; open offers are withdrawn at once.
    pub(super) fn set_presence(&mut self, id: Id, requested: Presence, reason: Option<Name>, cause: PresenceCause) {
        let Some(agent) = self.site.agent(&id) else { return };
        let same = agent.requested == requested && agent.requested_reason == reason;
        if same {
            return;
        }
        let delayed = requested != Presence::Ready && agent.has_accepted_work();
        let (effective, effective_reason) =
            if delayed { (agent.effective, agent.effective_reason.clone()) } else { (requested, reason.clone()) };
        let event = PresenceChanged {
            at_ms: self.t_ms,
            requested,
            requested_reason: reason,
            effective,
            effective_reason,
            idle_since_ms: self.idle_since(agent, effective),
            cause,
        };
        self.emit(None, Some(id), None, event);
        if requested == Presence::Ready {
            self.note_gain(id);
        } else {
            self.release_agent(id, ReleaseReason::AgentGone);
            let freed = self.revoke_offers(id, RevokeReason::AgentNotReady, None);
            self.look_after_loss(id, freed);
        }
    }

    /// Idle since then, once ready: a short absence keeps the place, a longer one or a first log-in goes to the back.
    fn idle_since(&self, agent: &Agent, effective: Presence) -> u64 {
        if effective != Presence::Ready || agent.effective == Presence::Ready {
            return agent.idle_since_ms;
        }
        let grace_ms = self.rules().map_or(0, |rules| rules.policy.toggle_grace_ms);
        let toggled = agent.left_ready_ms > 0 && self.t_ms.saturating_sub(agent.left_ready_ms) <= grace_ms;
        if toggled {
            agent.idle_since_ms
        } else {
            self.t_ms
        }
    }

    fn switch_on_missed(&mut self, id: Id) {
        let Some(agent) = self.site.agent(&id) else { return };
        let off: Vec<Name> =
            agent.channels.iter().filter(|(_, enabled)| enabled.off_by_missed).map(|(name, _)| name.clone()).collect();
        for channel in off {
            self.set_switch(id, &channel, true, SwitchCause::Returned);
        }
    }

    pub(super) fn check_switch(&self, fact: &ChannelSwitched) -> Check {
        let rules = self.rules().ok_or("no_policy")?;
        rules.channel(&fact.channel).ok_or("unknown_channel")?;
        let agent = self.site.agent(&fact.agent).ok_or("unknown_agent")?;
        agent.channels.get(&fact.channel).map(|_| ()).ok_or("channel_not_enabled")
    }

    pub(super) fn switch_channel(&mut self, fact: &ChannelSwitched) {
        let enabled = self.site.agent(&fact.agent).and_then(|agent| agent.channels.get(&fact.channel));
        // An agent who confirms "off" takes it over from the engine: coming back must not switch it on again.
        if enabled.is_some_and(|enabled| enabled.on == fact.on && !enabled.off_by_missed) {
            return;
        }
        self.set_switch(fact.agent, &fact.channel, fact.on, SwitchCause::Requested);
        self.fill(fact.agent);
    }

    pub(super) fn set_switch(&mut self, agent: Id, channel: &Name, on: bool, cause: SwitchCause) {
        self.emit(None, Some(agent), Some(channel), ChannelSwitchSet { at_ms: self.t_ms, on, cause });
        self.release_unless_eligible(agent);
        if on {
            self.note_gain(agent);
        }
        if !on {
            let freed = self.revoke_offers(agent, RevokeReason::ChannelOff, Some(channel));
            self.look_after_loss(agent, freed);
        }
    }

    /// Work of the agent is over: a pending presence takes effect when it was the last, else there may be room for more.
    pub(super) fn settle(&mut self, id: Id) {
        let Some(agent) = self.site.agent(&id) else { return };
        let pending = (agent.requested, &agent.requested_reason) != (agent.effective, &agent.effective_reason);
        if pending && !agent.has_accepted_work() {
            let event = PresenceChanged {
                at_ms: self.t_ms,
                requested: agent.requested,
                requested_reason: agent.requested_reason.clone(),
                effective: agent.requested,
                effective_reason: agent.requested_reason.clone(),
                idle_since_ms: agent.idle_since_ms,
                cause: PresenceCause::LoadEnded,
            };
            self.emit(None, Some(id), None, event);
            self.look_after_loss(id, Vec::new());
        } else {
            self.fill(id);
        }
    }

    /// An agent serves less than before. With room for other work the agent chooses first; then look, in key order, the contact whose offer
    /// ended so, those whose offers were withdrawn, and those that may get somebody now that this one is gone.
    pub(super) fn look_after_loss(&mut self, agent: Id, freed: Vec<Id>) {
        self.fill(agent);
        let freed: BTreeSet<Id> = freed.into_iter().chain(self.again.take()).collect();
        let mut contacts: BTreeSet<Id> = self.site.index.concerned(&agent, self.at_ms);
        contacts.extend(&freed);
        let mut line: Vec<(Key, Id)> = contacts
            .into_iter()
            .filter_map(|id| {
                self.site.contact(&id).filter(|contact| contact.phase == Phase::Queued).map(|contact| (contact.key, id))
            })
            .collect();
        line.sort_unstable();
        for (_, id) in line {
            if self.is_full() {
                self.begin_sweep();
                return;
            }
            if freed.contains(&id) {
                self.go_on(id);
            } else {
                self.look(id);
            }
        }
    }
}
