//! What must hold after every commit (docs: invariants 1 to 4, and 11), asked of the state as a whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::conversation::Stage;
use crate::decide::waits_for_others;
use crate::index::Index;
use crate::router::Router;
use crate::site::Site;
use crate::state::{Agent, Contact, Phase, PromiseStage, Work, WorkPhase};
use crate::words::{Id, Name, ParkedKind, SlaMeasure};

impl Router {
    /// Violations of the invariants of the state, in words; empty is good. Looks at everything: for tests and verification.
    pub fn check(&self) -> Vec<String> {
        let site = self.site();
        let mut found = Vec::new();
        for (id, contact) in &site.state.contacts {
            found.extend(unheld(site, id, contact));
            found.extend(unclear_conversation(site, id, contact));
            if let Phase::Parked { since_ms, until_ms, .. } = contact.phase {
                if until_ms < since_ms || (is_settled(site) && until_ms <= site.state.at_ms) {
                    found.push(format!("contact {id:?} is parked from {since_ms} until {until_ms}"));
                }
            }
            found.extend(reserved_once(site, id, contact));
            if site.state.gone.get(id, site.state.at_ms).is_some() {
                found.push(format!("contact {id:?} lives and is gone"));
            }
        }
        for (id, agent) in &site.state.agents {
            found.extend(limits(id, agent));
            found.extend(reserved_for(site, id, agent));
            for ((contact, attempt), work) in &agent.work {
                found.extend(held_once(site, id, (contact, *attempt), work));
            }
        }
        found.extend(forgotten_interrupts(site));
        found.extend(unclear_effects(site));
        found.extend(unclear_clocks(site));
        found.extend(overlooked(site));
        found.extend(not_promoted(site));
        found.extend(unclear_promises(site));
        found.extend(unclear_choices(site));
        match Index::of(&site.state) {
            Ok(index) if index == site.index => {}
            Ok(_) => found.push("the index differs from the state".to_owned()),
            Err(what) => found.push(what),
        }
        found
    }
}

/// Whoever may choose a next step waits, or was turned away; and the choice ends in time.
fn unclear_choices(site: &Site) -> Vec<String> {
    let mut found = Vec::new();
    for (id, choice) in &site.state.choices {
        let phase = site.contact(id).map(|contact| contact.phase);
        if !phase.is_none_or(|phase| matches!(phase, Phase::Queued | Phase::Offered { .. })) {
            found.push(format!("contact {id:?} is {phase:?} and is offered next steps"));
        }
        if choice.steps.is_empty() || (is_settled(site) && choice.until_ms <= site.state.at_ms) {
            found.push(format!("contact {id:?} has {} next steps to choose from until {}", choice.steps.len(), choice.until_ms));
        }
    }
    found
}

/// When a turn ends, everything that may be offered is offered: nobody waits for an agent who could have the contact.
fn overlooked(site: &Site) -> Vec<String> {
    let state = &site.state;
    let ended = is_settled(site) && state.sweep.is_none();
    let found = state.agents.keys().filter(|_| ended).filter_map(|id| site.best_contact(*id, state.at_ms));
    found.map(|found| format!("contact {:?} waits and agent {:?} could have it", found.contact, found.agent)).collect()
}

/// When a turn ends, whoever may be promoted is.
fn not_promoted(site: &Site) -> Vec<String> {
    let ended = is_settled(site) && site.state.sweep.is_none();
    let queues =
        site.rules().into_iter().flat_map(|rules| &rules.policy.queues).filter(|queue| ended && queue.promote_before_ms > 0);
    let found = queues.filter_map(|queue| site.promotable(&queue.name, site.state.at_ms));
    found.map(|id| format!("contact {id:?} is near its due time and is not promoted")).collect()
}

/// A reservation is a waiting contact's and an agent's who is there, and both know of it.
fn reserved_once(site: &Site, id: &Id, contact: &Contact) -> Option<String> {
    let reserved = contact.course.reserved?;
    let stands = contact.phase == Phase::Queued
        && (site.agent(&reserved)).is_some_and(|agent| agent.ready() && agent.desk_due.is_none() && agent.reserved == Some(*id));
    (!stands).then(|| format!("contact {id:?} is {:?} and agent {reserved:?} is reserved for it", contact.phase))
}

/// What an agent is reserved for has that agent.
fn reserved_for(site: &Site, id: &Id, agent: &Agent) -> Option<String> {
    let contact = agent.reserved?;
    let stands = site.contact(&contact).is_some_and(|contact| contact.course.reserved == Some(*id));
    (!stands).then(|| format!("agent {id:?} is reserved for contact {contact:?}, which has nobody"))
}

/// The last commit ended a turn: whatever was due has happened.
fn is_settled(site: &Site) -> bool {
    site.state.turn_ms == site.state.at_ms && !site.state.continued
}

/// What was put aside for more pressing work is parked no longer than the agent has such work.
fn forgotten_interrupts(site: &Site) -> Vec<String> {
    let owners = site.state.contacts.iter().filter_map(|(id, contact)| match contact.phase {
        Phase::Parked { owner, kind: ParkedKind::Interrupted, .. } => Some((id, owner)),
        Phase::Queued | Phase::Offered { .. } | Phase::Connecting { .. } | Phase::Engaged { .. } | Phase::Parked { .. } => None,
    });
    let forgotten =
        owners.filter(|(_, owner)| site.agent(owner).is_none_or(|agent| agent.work.values().all(|work| !work.interrupts)));
    forgotten.map(|(id, owner)| format!("contact {id:?} was put aside and agent {owner:?} has nothing more pressing")).collect()
}

/// An effect was asked for by a commit that is there, and no two deliver one message of a conversation.
fn unclear_effects(site: &Site) -> Vec<String> {
    let mut found = Vec::new();
    let mut delivers = BTreeSet::new();
    for (place, effect) in &site.state.effects {
        if place.seq > site.state.seq || effect.round == 0 {
            found.push(format!("effect {}/{} of round {} comes from nowhere", place.seq, place.entry, effect.round));
        }
        if !delivers.insert((effect.contact, &effect.kind, effect.ordinal)) {
            found.push(format!("contact {:?} has message {} delivered twice", effect.contact, effect.ordinal));
        }
    }
    found
}

/// A promise that has not ended has a contact that is where it should be, and a slot that has room for it unless it is recorded otherwise.
fn unclear_promises(site: &Site) -> Vec<String> {
    let mut found = Vec::new();
    for (id, promise) in &site.state.promises {
        let phase = site.contact(id).map(|contact| contact.phase);
        let stands = match phase {
            None => promise.stage == PromiseStage::Scheduled,
            Some(Phase::Queued | Phase::Offered { .. }) => {
                promise.stage != PromiseStage::Scheduled && promise.dialling_until_ms.is_none()
            }
            Some(Phase::Connecting { connect_by_ms, .. }) => promise.dialling_until_ms == Some(connect_by_ms),
            Some(Phase::Engaged { .. } | Phase::Parked { .. }) => false,
        };
        if !stands {
            found.push(format!("contact {id:?} is {phase:?} and its promise {:?}", promise.stage));
        }
        if let Some(due_ms) = promise.deadline_ms().filter(|due_ms| is_settled(site) && *due_ms <= site.state.at_ms) {
            found.push(format!("the promise to contact {id:?} was due at {due_ms} and nothing followed"));
        }
        if promise.tried.held != site.state.held.get(id).is_some() {
            found.push(format!("the promise to contact {id:?} is held: {}", promise.tried.held));
        }
        if site.state.gone.get(id, site.state.at_ms).is_some() {
            found.push(format!("contact {id:?} is gone and its promise stands"));
        }
    }
    found.extend(overbooked(site));
    found.extend(held_for_nobody(site));
    found
}

/// A promise is held as long as its customer is here, and nobody calls meanwhile.
fn held_for_nobody(site: &Site) -> Vec<String> {
    let waits = |returned: &Id| site.contact(returned).is_some();
    let stands = |id: &Id| site.state.promises.get(id).is_some_and(|promise| promise.stage == PromiseStage::Scheduled);
    let wrong = site.state.held.iter().filter(|(id, held)| !stands(id) || !waits(&held.returned));
    wrong.map(|(id, held)| format!("the promise to contact {id:?} is held for {:?}, who is not here", held.returned)).collect()
}

/// When a turn ends, in no slot are there more promises than fit, besides those that are recorded to be at risk.
fn overbooked(site: &Site) -> Vec<String> {
    if !is_settled(site) {
        return Vec::new();
    }
    let mut slots: BTreeMap<(&Name, u64), (u64, usize)> = BTreeMap::new();
    // The plan of slots that have begun is forgotten with the next one.
    for promise in site.state.promises.values().filter(|promise| !promise.at_risk && promise.due_ms > site.state.at_ms) {
        let Some(policy) = site.callbacks(&promise.queue) else { continue };
        if let Some(slot) = promise.slot(policy.slot_ms) {
            let (places, booked) = slots.entry((&promise.queue, slot)).or_default();
            (*places, *booked) = (u64::from(site.places(&promise.queue, policy, slot)), *booked + 1);
        }
    }
    let found = slots.into_iter().filter(|(_, (places, booked))| *booked as u64 > *places);
    found
        .map(|((queue, slot), (places, booked))| {
            format!("slot {slot} of queue {queue} has {booked} promises and room for {places}")
        })
        .collect()
}

/// A clock is of a contact or case that lives, stands only where it may, and its instant is still to come.
fn unclear_clocks(site: &Site) -> Vec<String> {
    let mut found = Vec::new();
    let all = site.state.slas.running.iter().flat_map(|(subject, few)| few.iter().map(move |clock| (subject, clock)));
    for (subject, (name, clock)) in all {
        let lives = match clock.measure {
            SlaMeasure::Resolution => !site.live_of_case(*subject).is_empty(),
            SlaMeasure::Answer | SlaMeasure::FirstResponse | SlaMeasure::NextResponse => site.contact(subject).is_some(),
        };
        let late = clock.next(*subject, name).is_some_and(|(next_ms, _)| is_settled(site) && next_ms <= site.state.at_ms);
        let stands = match clock.measure {
            SlaMeasure::Resolution => site.live_of_case(*subject).iter().all(|id| waits_for_others(site, id)),
            SlaMeasure::NextResponse => waits_for_others(site, subject),
            SlaMeasure::Answer | SlaMeasure::FirstResponse => false,
        };
        let where_it_may = clock.is_broken() || clock.is_paused() == stands;
        if !lives || late || !where_it_may {
            found.push(format!("clock {name} of {subject:?} is {:?} and its subject lives: {lives}", clock.run));
        }
    }
    let gone = site.state.slas.segments.keys().filter(|id| site.contact(id).is_none());
    found.extend(gone.map(|id| format!("contact {id:?} has a segment and does not live")));
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
    let held = contact.holder(attempt).filter(|holder| holder.agent == *id && holder.role == work.role);
    if held.is_none_or(|holder| !same_stage(holder.stage, work.phase)) {
        return Some(format!("agent {id:?} has {:?} of contact {contact_id:?}, attempt {attempt}, which is {held:?}", work.phase));
    }
    (work.phase == WorkPhase::Offered && !site.may_keep_offer(contact, id, work))
        .then(|| format!("agent {id:?} is offered contact {contact_id:?} and may not have it"))
}

fn same_stage(stage: Stage, work: WorkPhase) -> bool {
    matches!(
        (stage, work),
        (Stage::Offered, WorkPhase::Offered) | (Stage::Connecting, WorkPhase::Connecting) | (Stage::Engaged, WorkPhase::Engaged)
    )
}

/// Whoever has the contact, has it in hand.
fn unheld(site: &Site, id: &Id, contact: &Contact) -> Vec<String> {
    let attempts = contact.phase.attempt().into_iter().chain(contact.siblings.keys().copied()).chain(contact.sides.keys().copied());
    let unheld = attempts.filter(|attempt| {
        let holder = contact.holder(*attempt).and_then(|holder| site.agent(&holder.agent));
        holder.is_none_or(|agent| !agent.work.contains_key(&(*id, *attempt)))
    });
    unheld.map(|attempt| format!("attempt {attempt} of contact {id:?} is in nobody's hands")).collect()
}

/// One primary, and others only beside it; what follows a silence, while somebody is engaged and nobody on hold.
fn unclear_conversation(site: &Site, id: &Id, contact: &Contact) -> Vec<String> {
    let mut found = Vec::new();
    let engaged = contact.phase.engaged();
    let agents: BTreeSet<Id> = contact.sides.values().map(|side| side.agent).chain(engaged).collect();
    if !contact.sides.is_empty() && agents.len() != contact.sides.len() + 1 {
        found.push(format!("contact {id:?} is {:?} with sides {:?}", contact.phase, contact.sides));
    }
    let offered: BTreeSet<Id> = contact.group().into_iter().map(|(_, agent)| agent).collect();
    let grouped = matches!(contact.phase, Phase::Offered { .. } | Phase::Connecting { .. });
    if offered.len() != contact.group().len() || (!grouped && !contact.siblings.is_empty()) {
        found.push(format!("contact {id:?} is {:?} with siblings {:?}", contact.phase, contact.siblings));
    }
    let conversation = contact.conversation;
    let rests = engaged.is_none() || conversation.held_ms.is_some();
    if rests && conversation.silence.is_some() || (engaged.is_none() && conversation.held_ms.is_some()) {
        found.push(format!("contact {id:?} is {:?} in {conversation:?}", contact.phase));
    }
    let work = engaged.zip(contact.phase.attempt()).and_then(|(agent, attempt)| site.agent(&agent)?.work.get(&(*id, attempt)));
    if conversation.dormant != work.is_some_and(|work| work.full_cost.is_some()) {
        found.push(format!("contact {id:?} is {:?} in {conversation:?} and its work is {work:?}", contact.phase));
    }
    if is_settled(site) && conversation.silence.is_some_and(|due| due.at_ms <= site.state.at_ms) {
        found.push(format!("contact {id:?} was silent for long and nothing followed"));
    }
    found
}
