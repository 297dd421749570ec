//! Drain: a contact that needs more room than anybody has free gets an agent who takes nothing else, else smaller ones would fill every gap.
//!
//! ```text
//! (nobody) --AgentReserved--> reserved --offered, gone, not eligible any more: AgentReleased--> (nobody)
//! ```

use std::collections::BTreeSet;

use crate::hindrance::Asked;
use crate::turn::Turn;
use crate::words::{AgentReleased, AgentReserved, Id, Key, Name, ReleaseReason};

/// What happened in a fact or timer that reservations depend on: they are made when it is done with everything else.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    /// Whose reservations ended, in that order.
    released: Vec<Id>,
    /// Contacts that looked and got nobody.
    contacts: BTreeSet<Id>,
    /// Queues with another agent to reserve, or room for another reservation.
    queues: BTreeSet<Name>,
}

impl Drain {
    fn is_empty(&self) -> bool {
        self.released.is_empty() && self.contacts.is_empty() && self.queues.is_empty()
    }
}

impl Turn<'_> {
    /// The contact looked, and there is nobody for it.
    pub(super) fn note_in_vain(&mut self, id: Id) {
        if self.site.contact(&id).is_some_and(|contact| contact.course.drains(self.at_ms)) {
            self.drain.contacts.insert(id);
        }
    }

    /// The agent may be reserved where it could not before.
    pub(super) fn note_gain(&mut self, id: Id) {
        let queues = self.site.agent(&id).into_iter().flat_map(|agent| agent.memberships.keys());
        self.drain.queues.extend(queues.filter(|queue| self.site.index.draining.count(queue) > 0).cloned());
    }

    /// The contact needs its agent no more, or cannot have it.
    pub(super) fn release(&mut self, id: Id, reason: ReleaseReason) {
        let Some(contact) = self.site.contact(&id) else { return };
        let Some(agent) = contact.course.reserved else { return };
        let (queue, channel) = (contact.queue.clone(), contact.channel.clone());
        let at_ms = if reason == ReleaseReason::Offered { self.at_ms } else { self.t_ms };
        self.emit(Some(id), Some(agent), Some(&channel), AgentReleased { at_ms, reason });
        self.drain.released.push(agent);
        self.drain.queues.insert(queue);
        self.note_gain(agent);
    }

    pub(super) fn release_agent(&mut self, agent: Id, reason: ReleaseReason) {
        if let Some(contact) = self.site.agent(&agent).and_then(|agent| agent.reserved) {
            self.release(contact, reason);
        }
    }

    /// What the agent serves has changed: perhaps not this contact any more.
    pub(super) fn release_unless_eligible(&mut self, agent: Id) {
        let reserved = self.site.agent(&agent).and_then(|agent| Some((agent.reserved?, agent)));
        let Some((id, contact, holder)) = reserved.and_then(|(id, agent)| Some((id, self.site.contact(&id)?, agent))) else {
            return;
        };
        if !self.site.may_reserve(contact, &agent, holder, &Asked::at(self.site, self.at_ms))
            || !self.site.reserves_for(&id, &contact.queue)
        {
            self.release(id, ReleaseReason::NotEligible);
        }
    }

    /// The same of all agents, under a new policy.
    pub(super) fn release_ineligible(&mut self) {
        let agents = self.site.state.agents.iter().filter(|(_, agent)| agent.reserved.is_some());
        let agents: Vec<Id> = agents.map(|(id, _)| *id).collect();
        for agent in agents {
            self.release_unless_eligible(agent);
        }
    }

    /// The last thing of a fact or timer: who was released looks, then who may is reserved.
    pub(crate) fn reserve(&mut self) {
        if self.drain.is_empty() {
            return;
        }
        let mut next = 0;
        while let Some(agent) = self.drain.released.get(next).copied() {
            if self.is_full() {
                if self.site.state.sweep.is_none() {
                    self.begin_sweep();
                }
                break;
            }
            self.fill(agent);
            next += 1;
        }
        let Drain { contacts, queues, .. } = std::mem::take(&mut self.drain);
        let draining = &self.site.index.draining;
        let marked: BTreeSet<Id> = queues.iter().flat_map(|queue| draining.of(queue).map(|(_, id)| *id)).chain(contacts).collect();
        let placed = |id| self.site.contact(&id).map(|contact| (contact.queue.clone(), contact.key, id));
        let line: BTreeSet<(Name, Key, Id)> = marked.into_iter().filter_map(placed).collect();
        for (queue, _, id) in line {
            if self.site.may_reserve_for(&id, &queue) {
                self.reserve_for(id);
            }
        }
    }

    fn reserve_for(&mut self, id: Id) {
        let Some(agent) = self.site.best_reserve(id, self.at_ms) else { return };
        let Some(channel) = self.site.contact(&id).map(|contact| contact.channel.clone()) else { return };
        self.emit(Some(id), Some(agent), Some(&channel), AgentReserved { at_ms: self.t_ms });
    }
}
