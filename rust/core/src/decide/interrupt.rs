//! Interrupts: what gives way to accepted work is put aside, and comes back when that is over.

use crate::state::Contact;
use crate::turn::Turn;
use crate::words::bounds::INSTANT_MAX_MS;
use crate::words::{Id, ParkEndedBy, ParkedKind};

impl Turn<'_> {
    /// An offer is accepted that there was room for only if other work gives way. It does, if there is too much now.
    pub(super) fn interrupt(&mut self, (id, attempt): (Id, u32), agent: Id) {
        let (Some(holder), Some(rules)) = (self.site.agent(&agent), self.rules()) else { return };
        let Some(work) = holder.work.get(&(id, attempt)).filter(|work| work.interrupts && holder.over_capacity()) else { return };
        let giving: Vec<Id> = holder.giving_way(&work.channel, rules).map(|(contact, _)| contact).collect();
        let until_ms = (self.at_ms + rules.policy.owner_ms).max(self.at_ms + 1).min(INSTANT_MAX_MS);
        let before: Vec<(Id, Contact)> = giving.into_iter().filter_map(|id| Some((id, self.site.contact(&id)?.clone()))).collect();
        for (id, contact) in &before {
            self.put_aside(*id, contact, ParkedKind::Interrupted, until_ms, None);
        }
        for side in before.iter().flat_map(|(_, contact)| contact.sides.values()) {
            self.settle(side.agent);
        }
        self.fill(agent);
    }

    /// Nothing interrupts the agent's work any more: what was put aside for that comes back.
    pub(super) fn return_interrupted(&mut self, agent: Id) {
        if self.site.agent(&agent).is_some_and(|agent| agent.work.values().any(|work| work.interrupts)) {
            return;
        }
        for id in self.parked_by(agent, ParkedKind::Interrupted) {
            self.return_parked(id, ParkEndedBy::InterrupterOver);
        }
    }
}
