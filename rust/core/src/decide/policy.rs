//! A new policy: adopted as a whole or refused as a whole.

use std::collections::BTreeSet;

use super::Check;
use crate::rules::Rules;
use crate::turn::{sha256, Turn};
use crate::words::{Name, PolicyAdopted, PolicyPublished};

impl Turn<'_> {
    pub(super) fn check_policy(&self, fact: &PolicyPublished) -> Check {
        let next = Rules::read(&fact.policy, &self.site.state.site).map_err(|_| "policy_invalid")?;
        let known = self.site.state.levels.is(4);
        if (known && next.check_next_steps().is_err()) || (!known && next.names_next_steps()) || !next.sets_instants(known) {
            return Err("policy_invalid");
        }
        if self.site.state.policy.as_ref().is_some_and(|current| next.policy.version <= current.version) {
            return Err("policy_stale");
        }
        let live = self.site.state.contacts.values().map(|contact| (&contact.queue, &contact.channel));
        let work = self.site.state.agents.values().flat_map(|agent| agent.work.values()).map(|work| (&work.queue, &work.channel));
        let in_use: BTreeSet<(&Name, &Name)> = live.chain(work).chain(self.promised_on()).collect();
        let dropped = in_use.into_iter().any(|(queue, channel)| next.queue(queue).is_none() || next.channel(channel).is_none());
        // What a queue has promised can be kept only by its own rules.
        let promised = |queue| next.queue(queue).is_some_and(|queue| queue.callbacks.is_some());
        if dropped || !self.promised_on().all(|(queue, _)| promised(queue)) {
            return Err("policy_in_use");
        }
        Ok(())
    }

    /// Contacts keep their keys; all that wait look for an agent under the new rules.
    pub(super) fn adopt(&mut self, fact: PolicyPublished) {
        let Ok(rules) = Rules::read(&fact.policy, &self.site.state.site) else { return };
        let event =
            PolicyAdopted { at_ms: self.t_ms, version: rules.policy.version, digest: sha256(&fact.policy), policy: fact.policy };
        self.emit(None, None, None, event);
        self.compare_hours();
        self.release_ineligible();
        self.note_all_risks();
        if self.site.state.sweep.is_some() {
            self.sweep();
        }
    }
}
