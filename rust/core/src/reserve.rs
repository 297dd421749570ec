//! Who may be reserved for a contact that nobody has room for. Pure questions on a site, as in `matching`.

use std::ops::ControlFlow;

use crate::hindrance::Asked;
use crate::index::{Among, Who};
use crate::site::Site;
use crate::state::{Agent, Contact};
use crate::words::{Id, Name};

impl Site {
    /// The agent to be reserved for a contact that drains: of those who have room once they finish, the one with least in hand.
    pub(crate) fn best_reserve(&self, id: Id, now_ms: u64) -> Option<Id> {
        let contact = self.contact(&id).filter(|contact| contact.looks() && contact.course.drains(now_ms))?;
        let asked = Asked::at(self, now_ms);
        let mut best: Option<(u64, Id)> = None;
        for group in self.groups(contact) {
            self.index.crew.search(Among::There, contact, group, |Who { id, slot }| {
                let Some(agent) = self.state.agents.at(slot).filter(|agent| agent.reserved.is_none()) else {
                    return ControlFlow::Continue(());
                };
                let found = (agent.load(), id);
                if best.is_none_or(|best| found < best) && self.may_reserve(contact, &id, agent, &asked) {
                    best = Some(found);
                }
                ControlFlow::Continue(())
            });
        }
        best.map(|(_, id)| id)
    }

    /// Nothing but room stands against the offer, and an agent with nothing else in hand would have it.
    pub(crate) fn may_reserve<'a>(&'a self, contact: &'a Contact, id: &Id, agent: &Agent, asked: &Asked<'a>) -> bool {
        let fits = |(cost, max_concurrent): (u32, u32)| cost <= agent.capacity && max_concurrent > 0;
        let enabled = agent.channels.get(&contact.channel).map(|enabled| (enabled.cost, enabled.max_concurrent));
        enabled.is_some_and(fits) && self.hindrance_but_room(contact, id, agent, asked).is_none()
    }

    /// The queue's policy has agents reserved at all.
    fn reserves(&self, queue: &Name) -> bool {
        self.rules().and_then(|rules| rules.queue(queue)).is_some_and(|queue| queue.drain_after_ms > 0)
    }

    /// The contact may have somebody reserved: it needs more room than anybody has, or was promised a call and is nearly late.
    pub(crate) fn may_reserve_for(&self, id: &Id, queue: &Name) -> bool {
        match self.state.promises.get(id) {
            Some(_) => self.may_hold_another(queue),
            None => self.may_reserve_another(queue),
        }
    }

    /// Somebody may be reserved for the contact at all.
    pub(crate) fn reserves_for(&self, id: &Id, queue: &Name) -> bool {
        if self.state.promises.get(id).is_some() {
            return self.callbacks(queue).is_some_and(|policy| policy.holdback_ms > 0 && policy.holdback_percent > 0);
        }
        self.reserves(queue)
    }

    /// How long it takes on average until one of the queue's ready members is done with a contact of the class. None: nobody is ready, or how
    /// long they take is not known.
    pub(crate) fn free_in_ms(&self, queue: &Name, klass: u8) -> Option<u64> {
        let ready = self.index.ready.get(queue).map(|ready| ready.len() as u64).filter(|ready| *ready > 0)?;
        Some(self.state.pace.of(queue, klass)?.handled_ms()?.div_ceil(ready))
    }

    /// Fewer agents are held for promises of the queue than its share of those who are ready.
    fn may_hold_another(&self, queue: &Name) -> bool {
        let Some(policy) = self.callbacks(queue).filter(|policy| policy.holdback_ms > 0) else { return false };
        let ready = self.index.ready.get(queue).map_or(0, std::collections::BTreeSet::len);
        self.index.holds.count(queue) < (usize::from(policy.holdback_percent) * ready).div_ceil(100)
    }

    /// Fewer agents are reserved in the queue than its share of those who are ready.
    fn may_reserve_another(&self, queue: &Name) -> bool {
        let Some(rules) = self.rules().and_then(|rules| rules.queue(queue)).filter(|queue| queue.drain_after_ms > 0) else {
            return false;
        };
        let ready = self.index.ready.get(queue).map_or(0, std::collections::BTreeSet::len);
        self.index.reservations.count(queue) < (usize::from(rules.drain_percent) * ready).div_ceil(100)
    }
}
