//! Names that were once in use have numbers, rows and lines in the index. A policy that renames what it has must not make it grow for ever.

use super::{each, seat, Crew, Index};
use crate::attendance::Attendance;
use crate::state::{Phase, State};
use crate::words::Policy;

/// Fewer stale names than this are not worth the work.
const STALE_MAX: usize = 64;

impl Index {
    /// After a new policy: who is there for the queues that it asks about, and all of them are looked at.
    pub(crate) fn count_attendance(&mut self, state: &State) {
        self.attendance = Attendance::default();
        let Some(rules) = self.rules.as_ref().filter(|rules| rules.paces_any()) else { return };
        for (id, contact) in &state.contacts {
            self.attendance.add_contact(*id, contact, self.promised.waits_since(id, contact), Some(rules));
        }
        for agent in state.agents.values() {
            self.attendance.add_agent(agent, seat(agent, Some(rules)).free, rules);
        }
        for door in rules.doors() {
            self.attendance.touch(&door.queue, Some(rules));
        }
    }

    /// A newer level is in force, which asks more of the policy.
    pub(crate) fn rise(&mut self, state: &State) {
        self.rules = self.rules.take().map(|rules| rules.at(&state.levels));
        self.count_attendance(state);
        self.hang_doors(state);
    }

    /// After a new policy: if the index knows more than twice the names that the policy has, it learns anew who is there. The order of nothing
    /// depends on it.
    ///
    /// Costs: that of a restored snapshot; every policy that renames less than half of all names makes room for the next ones.
    pub(crate) fn forget_names(&mut self, state: &State) {
        let Some(policy) = self.rules.as_ref().map(|rules| &rules.policy) else { return };
        // Those who wait and those who work each know every name once.
        let known = self.queueing.names() + self.crew.names();
        if known <= 2 * (2 * names(policy)) + STALE_MAX {
            return;
        }
        self.queueing = self.queueing.emptied();
        self.crew = Crew::default();
        for (who, contact) in each(&state.contacts).filter(|(_, contact)| contact.phase == Phase::Queued) {
            for need in &contact.requirements {
                self.crew.ask(need);
            }
            if contact.looks() {
                self.queueing.join(who, contact);
            }
        }
        for (who, agent) in each(&state.agents) {
            self.crew.declare(who, seat(agent, self.rules.as_ref()), agent);
            self.queueing.declare(who.slot, agent);
        }
    }
}

fn names(policy: &Policy) -> usize {
    policy.queues.len() + policy.channels.len() + policy.skills.len()
}
