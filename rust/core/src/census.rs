//! Who waits and who works in each queue, counted for the settings that ask: `max_waiting`, `admit_unstaffed`, promotion, floors.

use std::collections::{BTreeMap, BTreeSet};

use crate::promised::Promised;
use crate::promotable::Promotable;
use crate::rules::Rules;
use crate::state::{Agent, Contact, Phase, State};
use crate::words::{Id, Name, Presence, QueuePolicy};

/// Costs: nothing if no queue has such a setting; else the logarithm of the number of queues a change, and of those who may be promoted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Census {
    /// Some queue asks.
    taken: bool,
    /// Contacts queued, offered or connecting, by queue and channel; not those who were promised a call and are not due.
    waiting: BTreeMap<(Name, Name), usize>,
    /// Contacts that wait for an agent, by queue and class.
    looking: BTreeMap<(Name, u8), usize>,
    /// Promoted contacts that are not parked, by queue.
    promoted: BTreeMap<Name, usize>,
    /// Queued contacts that may be promoted now or later, by queue.
    promotable: BTreeMap<Name, Promotable>,
    /// Members that are not offline, by queue.
    staff: BTreeMap<Name, usize>,
    /// Members that are ready, by queue.
    ready: BTreeMap<Name, usize>,
    /// Members with work of a class from a queue.
    working: BTreeMap<(Name, u8), BTreeSet<Id>>,
}

impl Census {
    /// Nobody is counted yet.
    pub(crate) fn begun(rules: Option<&Rules>) -> Self {
        let taken = rules.is_some_and(|rules| rules.policy.queues.iter().any(asks));
        Self { taken, ..Self::default() }
    }

    pub(crate) fn of(state: &State, promised: &Promised, rules: Option<&Rules>) -> Self {
        let mut census = Self::begun(rules);
        if census.taken {
            for (id, contact) in &state.contacts {
                census.add_contact(*id, contact, promised.waits_since(id, contact));
            }
            for (id, agent) in &state.agents {
                census.add_agent(*id, agent);
            }
        }
        census
    }

    /// `since_ms`: see `Promised::waits_since`.
    pub(crate) fn add_contact(&mut self, id: Id, contact: &Contact, since_ms: Option<u64>) {
        if !self.taken {
            return;
        }
        if contact.phase.waits() && since_ms.is_some() {
            *self.waiting.entry((contact.queue.clone(), contact.channel.clone())).or_default() += 1;
        }
        if contact.looks() {
            *self.looking.entry((contact.queue.clone(), contact.key.klass)).or_default() += 1;
        }
        if counts_as_promoted(contact) {
            *self.promoted.entry(contact.queue.clone()).or_default() += 1;
        }
        if is_promotable(contact) {
            let promotable = self.promotable.entry(contact.queue.clone()).or_default();
            promotable.add(contact.key, id, contact.course.promote_at_ms);
        }
    }

    pub(crate) fn remove_contact(&mut self, id: Id, contact: &Contact, since_ms: Option<u64>) {
        if !self.taken {
            return;
        }
        if contact.phase.waits() && since_ms.is_some() {
            less(&mut self.waiting, &(contact.queue.clone(), contact.channel.clone()));
        }
        if contact.looks() {
            less(&mut self.looking, &(contact.queue.clone(), contact.key.klass));
        }
        if counts_as_promoted(contact) {
            less(&mut self.promoted, &contact.queue);
        }
        if is_promotable(contact) {
            if let Some(promotable) = self.promotable.get_mut(&contact.queue) {
                promotable.remove(contact.key, id, contact.course.promote_at_ms);
                if promotable.is_empty() {
                    self.promotable.remove(&contact.queue);
                }
            }
        }
    }

    pub(crate) fn add_agent(&mut self, id: Id, agent: &Agent) {
        if !self.taken {
            return;
        }
        for queue in agent.memberships.keys() {
            if agent.effective != Presence::Offline {
                *self.staff.entry(queue.clone()).or_default() += 1;
            }
            if agent.ready() {
                *self.ready.entry(queue.clone()).or_default() += 1;
            }
        }
        for place in places_of_work(agent) {
            self.working.entry(place).or_default().insert(id);
        }
    }

    pub(crate) fn remove_agent(&mut self, id: Id, agent: &Agent) {
        if !self.taken {
            return;
        }
        for queue in agent.memberships.keys() {
            if agent.effective != Presence::Offline {
                less(&mut self.staff, queue);
            }
            if agent.ready() {
                less(&mut self.ready, queue);
            }
        }
        for place in places_of_work(agent) {
            take(&mut self.working, &place, &id);
        }
    }

    /// Contacts of a channel that are queued, offered or connecting in a queue.
    pub(crate) fn waiting(&self, queue: &Name, channel: &Name) -> usize {
        self.waiting.get(&(queue.clone(), channel.clone())).copied().unwrap_or(0)
    }

    /// Some contact of the class waits in the queue for an agent.
    pub(crate) fn any_looks(&self, queue: &Name, klass: u8) -> bool {
        self.looking.contains_key(&(queue.clone(), klass))
    }

    pub(crate) fn promoted(&self, queue: &Name) -> usize {
        self.promoted.get(queue).copied().unwrap_or(0)
    }

    /// The least by key of a queue's contacts whose time to be promoted has come by `now_ms`.
    pub(crate) fn promotable(&self, queue: &Name, now_ms: u64) -> Option<Id> {
        self.promotable.get(queue)?.first(now_ms)
    }

    /// It is `now_ms`, and will hardly be earlier again: so that asking is cheap.
    pub(crate) fn reach(&mut self, queue: &Name, now_ms: u64) {
        if let Some(promotable) = self.promotable.get_mut(queue) {
            promotable.reach(now_ms);
        }
    }

    pub(crate) fn staff(&self, queue: &Name) -> usize {
        self.staff.get(queue).copied().unwrap_or(0)
    }

    pub(crate) fn ready(&self, queue: &Name) -> usize {
        self.ready.get(queue).copied().unwrap_or(0)
    }

    /// Members of a queue with work of a class from it.
    pub(crate) fn working(&self, queue: &Name, klass: u8) -> usize {
        self.working.get(&(queue.clone(), klass)).map_or(0, BTreeSet::len)
    }
}

fn asks(queue: &QueuePolicy) -> bool {
    queue.max_waiting > 0 || !queue.admit_unstaffed || queue.promote_before_ms > 0 || !queue.floors.is_empty()
}

fn counts_as_promoted(contact: &Contact) -> bool {
    contact.course.promoted_from.is_some() && !matches!(contact.phase, Phase::Parked { .. })
}

fn is_promotable(contact: &Contact) -> bool {
    let course = &contact.course;
    contact.phase == Phase::Queued && course.promote_at_ms.is_some() && course.promoted_from.is_none()
}

/// Where a member works on what: queues it is a member of, and classes.
fn places_of_work(agent: &Agent) -> BTreeSet<(Name, u8)> {
    let work = agent.work.values().filter(|work| agent.memberships.contains_key(&work.queue));
    work.map(|work| (work.queue.clone(), work.klass)).collect()
}

fn less<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

fn take<K: Ord, V: Ord>(sets: &mut BTreeMap<K, BTreeSet<V>>, key: &K, member: &V) {
    if let Some(set) = sets.get_mut(key) {
        set.remove(member);
        if set.is_empty() {
            sets.remove(key);
        }
    }
}
