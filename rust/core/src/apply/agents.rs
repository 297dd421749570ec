//! Agents in the state: what they declared, whether they are there, and what follows when work of theirs is over.

use crate::apply::About;
use crate::few::Few;
use crate::index::Who;
use crate::site::Site;
use crate::state::{Agent, Enabled, Outside, Today};
use crate::words::{
    AgentRegistered, ChannelSwitchSet, Id, OutsideWorkChanged, Presence, PresenceCause, PresenceChanged, SwitchCause,
};

impl Site {
    pub(super) fn register_agent(&mut self, id: Id, event: &AgentRegistered) {
        match Who::among(&self.state.agents, id).and_then(|who| Some((who, self.state.agents.at(who.slot)?))) {
            Some((who, before)) => self.index.remove_agent(who, before),
            None => drop(self.state.agents.insert(id, new_agent())),
        }
        let Some((slot, agent)) = self.state.agents.get_mut_with_slot(&id) else { return };
        let channels = event.channels.iter().map(|channel| {
            let old = agent.channels.get(&channel.channel);
            let enabled = Enabled {
                cost: channel.cost.unwrap_or(0),
                max_concurrent: channel.max_concurrent.unwrap_or(0),
                on: old.is_none_or(|old| old.on),
                off_by_missed: old.is_some_and(|old| old.off_by_missed),
                missed: old.map_or(0, |old| old.missed),
            };
            (channel.channel.clone(), enabled)
        });
        agent.channels = channels.collect();
        agent.skills = event.skills.iter().map(|skill| (skill.skill.clone(), skill.level)).collect();
        agent.memberships = event.memberships.iter().map(|member| (member.queue.clone(), member.rank)).collect();
        agent.capacity = event.capacity;
        settle_limits(agent);
        self.index.declare_agent(Who { id, slot }, agent);
    }

    pub(super) fn change_presence(&mut self, id: Id, event: &PresenceChanged) -> Result<(), String> {
        self.change_agent(id, |agent| {
            agent.count_ready(event.effective, event.at_ms);
            if agent.effective == Presence::Ready && event.effective != Presence::Ready {
                agent.left_ready_ms = event.at_ms;
                agent.leaves_ms = None;
            }
            if agent.effective != Presence::Ready && event.effective == Presence::Ready {
                // Whoever comes after the end of the shift has no end that is known.
                agent.leaves_ms = agent.leaves_ms.filter(|leaves_ms| *leaves_ms > event.at_ms);
            }
            if event.requested == Presence::Ready && agent.requested != Presence::Ready {
                agent.failures = 0;
            }
            agent.requested = event.requested;
            agent.requested_reason.clone_from(&event.requested_reason);
            agent.effective = event.effective;
            agent.effective_reason.clone_from(&event.effective_reason);
            agent.idle_since_ms = event.idle_since_ms;
            match event.cause {
                PresenceCause::Declined => agent.declines = 0,
                PresenceCause::Missed => agent.channels.values_mut().for_each(|enabled| enabled.missed = 0),
                PresenceCause::Technical => agent.failures = 0,
                PresenceCause::Requested | PresenceCause::LoadEnded | PresenceCause::Forced => {}
            }
        })
    }

    /// The agent takes this contact before anything else, or no more.
    pub(super) fn reserve(&mut self, about: &About, reserved: bool) -> Result<(), String> {
        let (contact, agent) = (about.contact()?, about.agent()?);
        self.change_agent(agent, |agent| agent.reserved = reserved.then_some(contact))?;
        self.change_contact(contact, |contact| contact.course.reserved = reserved.then_some(agent))
    }

    pub(super) fn change_outside(&mut self, about: &About, event: &OutsideWorkChanged) -> Result<(), String> {
        let work = Outside { channel: about.channel()?.clone(), cost: event.cost };
        self.change_agent(about.agent()?, |agent| {
            if event.busy {
                agent.outside.insert(event.work, work);
            } else {
                agent.outside.remove(&event.work);
                settle_idle(agent, event.at_ms);
            }
        })
    }

    pub(super) fn set_switch(&mut self, about: &About, event: &ChannelSwitchSet) -> Result<(), String> {
        let channel = about.channel()?.clone();
        self.change_agent(about.agent()?, |agent| {
            if let Some(enabled) = agent.channels.get_mut(&channel) {
                enabled.on = event.on;
                enabled.off_by_missed = event.cause == SwitchCause::Missed;
                enabled.missed = 0;
            }
        })
    }
}

impl Site {
    /// What agents did today counts from zero.
    pub(super) fn turn_day(&mut self, at_ms: u64) -> Result<(), String> {
        self.state.day_ms = at_ms;
        let agents: Vec<Id> = self.state.agents.keys().copied().collect();
        for id in agents {
            self.change_agent(id, |agent| agent.today = Today { ready_since_ms: at_ms, ..Today::default() })?;
        }
        Ok(())
    }
}

fn new_agent() -> Agent {
    Agent {
        skills: Few::new(),
        memberships: Few::new(),
        channels: Few::new(),
        capacity: 0,
        requested: Presence::Offline,
        requested_reason: None,
        effective: Presence::Offline,
        effective_reason: None,
        idle_since_ms: 0,
        left_ready_ms: 0,
        declines: 0,
        failures: 0,
        over_recorded: false,
        today: Today::default(),
        work: Few::new(),
        outside: Few::new(),
        leaves_ms: None,
        desk_due: None,
        reserved: None,
    }
}

/// Connected work is over: idle from now on. Offers and failed connects never come here.
pub(super) fn settle_idle(agent: &mut Agent, at_ms: u64) {
    if !agent.has_connected_work() {
        agent.idle_since_ms = at_ms;
    }
    settle_limits(agent);
}

/// Within the limits again: a later excess needs a record of its own.
pub(super) fn settle_limits(agent: &mut Agent) {
    if !agent.over_capacity() {
        agent.over_recorded = false;
    }
}
