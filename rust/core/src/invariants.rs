//! What must hold after every commit (docs: invariants 1 to 4), asked of the state as a whole.

use std::collections::BTreeSet;

use crate::index::Index;
use crate::router::Router;
use crate::site::Site;
use crate::state::{Agent, Phase, Work, WorkPhase};
use crate::words::Id;

impl Router {
    /// Violations of the invariants of the state, in words; empty is good. Looks at everything: for tests and verification.
    pub fn check(&self) -> Vec<String> {
        let site = self.site();
        let mut found = Vec::new();
        for (id, contact) in &site.state.contacts {
            let held =
                contact.phase.agent().map(|agent| site.agent(&agent).and_then(|agent| agent.work.get(&(*id, contact.attempt))));
            match held {
                Some(None) => found.push(format!("contact {id:?} is {:?} but the agent does not have it", contact.phase)),
                Some(Some(work)) if !same_phase(contact.phase, work.phase) => {
                    found.push(format!("contact {id:?} is {:?} but the agent's work is {:?}", contact.phase, work.phase));
                }
                Some(Some(_)) | None => {}
            }
            if let Phase::Parked { since_ms, until_ms, .. } = contact.phase {
                if until_ms < since_ms || (is_settled(site) && until_ms <= site.state.at_ms) {
                    found.push(format!("contact {id:?} is parked from {since_ms} until {until_ms}"));
                }
            }
            if site.state.gone.get(id, site.state.at_ms).is_some() {
                found.push(format!("contact {id:?} lives and is gone"));
            }
        }
        for (id, agent) in &site.state.agents {
            found.extend(limits(id, agent));
            for ((contact, attempt), work) in &agent.work {
                found.extend(held_once(site, id, (contact, *attempt), work));
            }
        }
        found.extend(unclear_effects(site));
        found.extend(overlooked(site));
        match Index::of(&site.state) {
            Ok(index) if index == site.index => {}
            Ok(_) => found.push("the index differs from the state".to_owned()),
            Err(what) => found.push(what),
        }
        found
    }
}

/// When a turn ends, everything that may be offered is offered: nobody waits for an agent who could have the contact.
fn overlooked(site: &Site) -> Vec<String> {
    let state = &site.state;
    let ended = is_settled(site) && state.sweep.is_none();
    let found = state.agents.keys().filter(|_| ended).filter_map(|id| site.best_contact(*id, state.at_ms));
    found.map(|found| format!("contact {:?} waits and agent {:?} could have it", found.contact, found.agent)).collect()
}

/// The last commit ended a turn: whatever was due has happened.
fn is_settled(site: &Site) -> bool {
    site.state.turn_ms == site.state.at_ms && !site.state.continued
}

/// An effect was asked for by a commit that is there, and no two deliver one message of a conversation.
fn unclear_effects(site: &Site) -> Vec<String> {
    let mut found = Vec::new();
    let mut delivers = BTreeSet::new();
    for (place, effect) in &site.state.effects {
        if place.seq > site.state.seq || effect.round == 0 {
            found.push(format!("effect {}/{} of round {} comes from nowhere", place.seq, place.entry, effect.round));
        }
        if !delivers.insert((effect.contact, effect.ordinal)) {
            found.push(format!("contact {:?} has message {} delivered twice", effect.contact, effect.ordinal));
        }
    }
    found
}

fn limits(id: &Id, agent: &Agent) -> Option<String> {
    let recorded = if agent.over_recorded { "it is recorded as too much" } else { "nothing recorded why" };
    (agent.over_capacity() != agent.over_recorded)
        .then(|| format!("agent {id:?} has load {} of {} and {recorded}", agent.load(), agent.capacity))
}

/// The work is the contact's own, and an open offer is one that may still be accepted.
fn held_once(site: &Site, id: &Id, (contact_id, attempt): (&Id, u32), work: &Work) -> Option<String> {
    if matches!(work.phase, WorkPhase::Wrapping { .. }) {
        return None;
    }
    let Some(contact) = site.contact(contact_id) else {
        return Some(format!("agent {id:?} has contact {contact_id:?}, which does not live"));
    };
    if contact.phase.agent() != Some(*id) || contact.attempt != attempt {
        return Some(format!("agent {id:?} has contact {contact_id:?}, attempt {attempt}, which is {:?}", contact.phase));
    }
    (work.phase == WorkPhase::Offered && !site.may_keep_offer(contact, id))
        .then(|| format!("agent {id:?} is offered contact {contact_id:?} and may not have it"))
}

fn same_phase(contact: Phase, work: WorkPhase) -> bool {
    matches!(
        (contact, work),
        (Phase::Offered { .. }, WorkPhase::Offered)
            | (Phase::Connecting { .. }, WorkPhase::Connecting)
            | (Phase::Engaged { .. }, WorkPhase::Engaged)
    )
}
