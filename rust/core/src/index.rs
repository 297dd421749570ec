//! What can be derived from the state and is kept so that decisions need not search: never in a snapshot, never in a hash.

mod crew;
mod doors;
mod due;
mod numbers;
mod queueing;
mod renewal;

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;

pub(crate) use crew::Among;
use crew::{Crew, Seat};
pub(crate) use doors::{last_answer_ms, SAY_AGAIN_MS};
use due::{chances, desk_losses, each_answer_due, later_times, wrap_ups};
pub(crate) use due::{closing, turning, Chance, Later, Timer};
use queueing::Queueing;

use crate::attendance::Attendance;
use crate::booking::Counted;
use crate::census::Census;
use crate::groups::Groups;
use crate::hindrance::has_place;
use crate::promised::Promised;
use crate::rules::Rules;
use crate::state::{Agent, Contact, Phase, State};
use crate::summed::Summed;
use crate::words::{Id, Key, Name, Presence};

/// A contact or an agent: its id, and where its record stands in the state, by which the index knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who {
    pub(crate) id: Id,
    pub(crate) slot: u32,
}

impl Who {
    pub(crate) fn among<V>(table: &Summed<Id, V>, id: Id) -> Option<Self> {
        table.slot(&id).map(|slot| Self { id, slot })
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) rules: Option<Rules>,
    /// Agents as contacts ask for them.
    pub(crate) crew: Crew,
    /// Queued contacts as agents look for them.
    pub(crate) queueing: Queueing,
    /// Ready agents by queue.
    pub(crate) ready: BTreeMap<Name, BTreeSet<Id>>,
    /// Queued contacts that prefer an agent.
    pub(crate) preferring: Groups<Id, Id>,
    /// What keeps queued contacts and agents apart: until when, from when on only if somebody else is there, contact, agent.
    pub(crate) excluding: BTreeSet<(u64, u64, Id, Id)>,
    /// Queued contacts for which an agent may be reserved some time, by each of their queues.
    pub(crate) draining: Groups<Name, (Key, Id)>,
    /// Queued contacts that have a reservation, by queue: those that need the room, and those that were promised a call.
    pub(crate) reservations: Groups<Name, Id>,
    pub(crate) holds: Groups<Name, Id>,
    /// Queued contacts with ranks that open, by when the last one does.
    pub(crate) opening: BTreeSet<(u64, Id)>,
    /// Live contacts that exclude somebody for a while, by the last instant of it.
    pub(crate) exclusions: BTreeSet<(u64, Id)>,
    /// Offers, connects and wrap-ups.
    pub(crate) timers: BTreeSet<(u64, Timer)>,
    /// Long deadlines.
    pub(crate) later: BTreeSet<(u64, Later)>,
    /// Parked contacts by owner.
    pub(crate) owned: Groups<Id, Id>,
    /// Live contacts by case and channel, in the order of their arrival; without those who bear the case's id, who need no index.
    cases: Groups<(Id, Name), (u64, Id)>,
    /// Live contacts by customer.
    pub(crate) customers: Groups<Id, Id>,
    /// When doors, by number, are looked at.
    doors: BTreeMap<u16, BTreeSet<u64>>,
    /// When a queued contact looks again, or may be promoted, and a door is looked at.
    pub(crate) looks: BTreeSet<(u64, Chance)>,
    pub(crate) census: Census,
    pub(crate) attendance: Attendance,
    /// Slots of callbacks.
    pub(crate) slots: Counted,
    pub(crate) promised: Promised,
}

impl Index {
    /// The index of a restored state. Fails if the policy in it cannot be read.
    pub(crate) fn of(state: &State) -> Result<Self, String> {
        let mut index = Self::default();
        if let Some(policy) = &state.policy {
            index.rules = Some(Rules::read(&policy.bytes, &state.site).map_err(str::to_owned)?.at(&state.levels));
        }
        index.seed(state.seed());
        index.census = Census::begun(index.rules.as_ref());
        index.later.extend(state.modes.iter().filter_map(|(queue, closed)| closing(queue, *closed)));
        for (id, promise) in &state.promises {
            index.later.extend(promise.deadline_ms().map(|at_ms| (at_ms, Later::Promise(*id))));
            index.promised.add(*id, promise);
        }
        for (place, effect) in state.effects.iter().filter(|(_, effect)| !effect.failed) {
            index.promised.dial(*place, effect);
        }
        for (id, held) in &state.held {
            index.promised.hold(*id, held.returned);
        }
        index.later.extend(state.hours.iter().flat_map(|(queue, hours)| turning(queue, *hours)));
        index.later.extend(state.slas.deadlines());
        index.later.extend(state.choices.iter().map(|(id, choice)| (choice.until_ms, Later::NextStep(*id))));
        for (who, contact) in each(&state.contacts) {
            index.enter_contact(who, contact);
        }
        for (who, agent) in each(&state.agents) {
            index.declare_agent(who, agent);
        }
        index.hang_doors(state);
        index.attendance.take_touched();
        Ok(index)
    }

    /// Ids are looked for under this seed, wherever customers have a say in them.
    pub(crate) fn seed(&mut self, seed: u64) {
        for by_id in [&mut self.preferring, &mut self.owned, &mut self.customers] {
            by_id.seed(seed);
        }
        self.cases.seed(seed);
        self.promised.seed(seed);
    }

    /// A contact comes to be, or begins a visit.
    pub(crate) fn enter_contact(&mut self, who: Who, contact: &Contact) {
        let id = who.id;
        if let Some(case) = case_of(id, contact) {
            self.cases.add(case, (contact.key.seq, id));
        }
        if let Some(customer) = contact.customer {
            self.customers.add(customer, id);
        }
        self.add_contact(who, contact);
    }

    /// It is gone, or its visit is over.
    pub(crate) fn leave_contact(&mut self, who: Who, contact: &Contact) {
        let id = who.id;
        if let Some(case) = case_of(id, contact) {
            self.cases.take(&case, &(contact.key.seq, id));
        }
        if let Some(customer) = contact.customer {
            self.customers.take(&customer, &id);
        }
        self.remove_contact(who, contact);
    }

    /// The live contacts of a case on a channel, the last arrival first, besides the one who bears the case's id.
    pub(crate) fn in_case(&self, case: Id, channel: &Name) -> impl Iterator<Item = (u64, Id)> + '_ {
        self.cases.of(&(case, channel.clone())).rev().copied()
    }

    /// Live contacts of a case on a channel, besides the one who bears the case's id.
    pub(crate) fn others_in_case(&self, case: Id, channel: &Name) -> impl Iterator<Item = Id> + '_ {
        self.cases.of(&(case, channel.clone())).map(|(_, id)| *id)
    }

    /// What follows from a contact's phase.
    pub(crate) fn add_contact(&mut self, who: Who, contact: &Contact) {
        let id = who.id;
        let since_ms = self.promised.waits_since(&id, contact);
        self.census.add_contact(id, contact, since_ms);
        self.attendance.add_contact(id, contact, since_ms, self.rules.as_ref());
        if contact.has_instants() {
            self.exclusions.extend(last_exclusion(contact).map(|until_ms| (until_ms, id)));
            self.later.extend(later_times(id, contact));
        }
        if contact.phase == Phase::Queued {
            contact.requirements.iter().for_each(|need| self.crew.ask(need));
        }
        match contact.phase {
            Phase::Queued if !contact.looks() => {}
            Phase::Queued => {
                self.queueing.join(who, contact);
                for agent in &contact.preferred {
                    self.preferring.add(*agent, id);
                }
                if contact.has_instants() {
                    self.excluding.extend(excluded(id, contact));
                    self.add_drain(id, contact);
                    self.opening.extend(contact.course.opens_ms.iter().max().map(|opens_ms| (*opens_ms, id)));
                    self.looks.extend(chances(id, contact));
                }
            }
            Phase::Offered { .. } | Phase::Connecting { .. } | Phase::Engaged { .. } => {
                each_answer_due(id, contact, |due_ms, timer| {
                    self.timers.insert((due_ms, timer));
                });
            }
            Phase::Parked { owner, .. } => self.owned.add(owner, id),
        }
    }

    pub(crate) fn remove_contact(&mut self, who: Who, contact: &Contact) {
        let id = who.id;
        let since_ms = self.promised.waits_since(&id, contact);
        self.census.remove_contact(id, contact, since_ms);
        self.attendance.remove_contact(id, contact, since_ms, self.rules.as_ref());
        if contact.has_instants() {
            if let Some(until_ms) = last_exclusion(contact) {
                self.exclusions.remove(&(until_ms, id));
            }
            for later in later_times(id, contact) {
                self.later.remove(&later);
            }
        }
        match contact.phase {
            Phase::Queued if !contact.looks() => {}
            Phase::Queued => {
                self.queueing.part(who.slot);
                for agent in &contact.preferred {
                    self.preferring.take(agent, &id);
                }
                if contact.has_instants() {
                    self.remove_drain(id, contact);
                    for excluded in excluded(id, contact) {
                        self.excluding.remove(&excluded);
                    }
                    if let Some(opens_ms) = contact.course.opens_ms.iter().max() {
                        self.opening.remove(&(*opens_ms, id));
                    }
                    for chance in chances(id, contact) {
                        self.looks.remove(&chance);
                    }
                }
            }
            Phase::Offered { .. } | Phase::Connecting { .. } | Phase::Engaged { .. } => {
                each_answer_due(id, contact, |due_ms, timer| {
                    self.timers.remove(&(due_ms, timer));
                });
            }
            Phase::Parked { owner, .. } => self.owned.take(&owner, &id),
        }
    }

    fn add_drain(&mut self, id: Id, contact: &Contact) {
        if contact.course.reserved.is_some() {
            let promised = self.promised.is_called(&id);
            let reserved = if promised { &mut self.holds } else { &mut self.reservations };
            reserved.add(contact.queue.clone(), id);
        } else if contact.course.drain_at_ms.is_some() {
            for queue in contact.queues() {
                self.draining.add(queue.clone(), (contact.key, id));
            }
        }
    }

    fn remove_drain(&mut self, id: Id, contact: &Contact) {
        self.reservations.take(&contact.queue, &id);
        self.holds.take(&contact.queue, &id);
        for queue in contact.queues() {
            self.draining.take(queue, &(contact.key, id));
        }
    }

    /// Whose short deadlines silence moves: contacts with an offer, a connect or an exclusion that ran when it began, and agents who wrap up.
    pub(crate) fn held_up_by_silence(&self, silent_since_ms: u64) -> (BTreeSet<Id>, BTreeSet<Id>) {
        let excluding = self.exclusions.range((silent_since_ms, Id([0; 16]))..).map(|(_, contact)| *contact);
        let (mut contacts, mut agents): (BTreeSet<Id>, BTreeSet<Id>) = (excluding.collect(), BTreeSet::new());
        for (_, timer) in &self.timers {
            match timer {
                Timer::Offer { contact, .. } | Timer::Connect { contact, .. } => contacts.insert(*contact),
                Timer::WrapUp { agent, .. } | Timer::DeskLost(agent) => agents.insert(*agent),
            };
        }
        (contacts, agents)
    }

    /// Queued contacts that may get somebody now that this agent serves less: who prefer the agent, who keep apart from another as long as
    /// somebody else is there, or with ranks that are closed as long as somebody of a lower one is.
    pub(crate) fn concerned(&self, lost: &Id, now_ms: u64) -> BTreeSet<Id> {
        let after = now_ms + 1;
        let running = self.excluding.range((after, 0, Id([0; 16]), Id([0; 16]))..);
        let excluding = running.filter(|(_, reoffer_from_ms, _, agent)| *reoffer_from_ms <= now_ms && agent != lost);
        let opening = self.opening.range((after, Id([0; 16]))..).map(|(_, contact)| *contact);
        self.preferring.of(lost).copied().chain(excluding.map(|(_, _, contact, _)| *contact)).chain(opening).collect()
    }

    /// An agent comes to be, or is declared anew.
    pub(crate) fn declare_agent(&mut self, who: Who, agent: &Agent) {
        self.crew.declare(who, seat(agent, self.rules.as_ref()), agent);
        self.queueing.declare(who.slot, agent);
        self.add_agent(who, agent);
    }

    /// An agent is no longer part of the site.
    pub(crate) fn retire_agent(&mut self, who: Who, agent: &Agent) {
        self.remove_agent(who, agent);
        self.crew.leave(who.slot);
        self.queueing.forget(who.slot);
    }

    /// With a new policy other work gives way.
    pub(crate) fn refresh_room(&mut self, agents: &Summed<Id, Agent>) {
        for (who, agent) in each(agents) {
            self.crew.refresh(who.slot, seat(agent, self.rules.as_ref()));
        }
    }

    fn add_agent(&mut self, who: Who, agent: &Agent) {
        self.add_ready(who.id, agent);
        self.add_work(who, agent);
    }

    pub(crate) fn remove_agent(&mut self, who: Who, agent: &Agent) {
        self.remove_ready(who.id, agent);
        self.remove_work(who, agent);
    }

    /// Look at what is known of an agent.
    pub(crate) fn glance(&self, slot: u32) {
        black_box((self.crew.free_on(slot), self.crew.since(slot), self.queueing.glance(slot)));
    }

    pub(crate) fn add_ready(&mut self, id: Id, agent: &Agent) {
        if agent.ready() {
            for queue in agent.memberships.keys() {
                self.ready.entry(queue.clone()).or_default().insert(id);
            }
        }
    }

    /// It is ready no more, or leaves.
    pub(crate) fn remove_ready(&mut self, id: Id, agent: &Agent) {
        for queue in agent.memberships.keys() {
            take(&mut self.ready, queue, &id);
        }
    }

    /// What follows from an agent's presence and work.
    pub(crate) fn add_work(&mut self, who: Who, agent: &Agent) {
        let id = who.id;
        self.census.add_agent(id, agent);
        let seat = seat(agent, self.rules.as_ref());
        if let Some(rules) = self.rules.as_ref().filter(|rules| rules.paces_any()) {
            self.attendance.add_agent(agent, seat.free, rules);
        }
        self.crew.refresh(who.slot, seat);
        if agent.has_deadlines() {
            self.timers.extend(wrap_ups(id, agent).chain(desk_losses(id, agent)));
        }
    }

    pub(crate) fn remove_work(&mut self, who: Who, agent: &Agent) {
        let id = who.id;
        self.census.remove_agent(id, agent);
        if let Some(rules) = self.rules.as_ref().filter(|rules| rules.paces_any()) {
            self.attendance.remove_agent(agent, seat(agent, Some(rules)).free, rules);
        }
        if agent.has_deadlines() {
            for timer in wrap_ups(id, agent).chain(desk_losses(id, agent)) {
                self.timers.remove(&timer);
            }
        }
    }
}

/// In the order of their ids.
fn each<V>(table: &Summed<Id, V>) -> impl Iterator<Item = (Who, &V)> {
    table.iter().filter_map(|(id, value)| Some((Who::among(table, *id)?, value)))
}

/// What contacts must know of an agent.
fn seat(agent: &Agent, rules: Option<&Rules>) -> Seat {
    let (mut there, mut free) = (0, 0);
    if agent.ready() && agent.desk_due.is_none() {
        let over_capacity = agent.over_capacity();
        // An agent has 16 channels at most.
        for (bit, (channel, enabled)) in (0..).zip(&agent.channels) {
            there |= u32::from(enabled.on) << bit;
            free |= u32::from(enabled.on && !over_capacity && has_place(agent, channel, *enabled, rules)) << bit;
        }
    }
    Seat { idle_since_ms: agent.idle_since_ms, present: agent.effective != Presence::Offline, there, free }
}

/// The case of an earlier contact that this one belongs to, on its channel.
fn case_of(id: Id, contact: &Contact) -> Option<(Id, Name)> {
    contact.case.filter(|case| *case != id).map(|case| (case, contact.channel.clone()))
}

/// Take one member out of a set; an empty set does not stay.
fn take<K: Ord, V: Ord>(sets: &mut BTreeMap<K, BTreeSet<V>>, key: &K, member: &V) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(member);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}

fn last_exclusion(contact: &Contact) -> Option<u64> {
    contact.exclusions.values().map(|exclusion| exclusion.until_ms.max(exclusion.reoffer_from_ms)).max()
}

fn excluded(id: Id, contact: &Contact) -> impl Iterator<Item = (u64, u64, Id, Id)> + '_ {
    contact.exclusions.iter().map(move |(agent, exclusion)| (exclusion.until_ms, exclusion.reoffer_from_ms, id, *agent))
}
