//! Who is there for each queue, and who waits: counted for the queues whose expected wait somebody asks for. Derived, never in a snapshot.

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::Rules;
use crate::state::{Agent, Contact, Phase};
use crate::words::{Id, Name, Presence};

/// Costs: nothing for queues that nobody asks about; else the logarithm of what is counted, a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Attendance {
    /// Members who are not offline and have the channel on, by queue and channel.
    present: BTreeMap<(Name, Name), usize>,
    /// Ready members with a channel of the class on, by queue and class.
    ready: BTreeMap<(Name, u8), usize>,
    /// Those of them with room for one more.
    free: BTreeMap<(Name, u8), usize>,
    /// Contacts for whom nobody is found yet, by queue and own class, in the order in which they came.
    waiting: BTreeMap<(Name, u8), BTreeSet<(u64, Id)>>,
    /// Queues about which something has changed since they were last looked at.
    touched: BTreeSet<Name>,
}

/// What an agent is to one queue that is asked about.
struct Share {
    present: Vec<Name>,
    ready: BTreeSet<u8>,
    free: BTreeSet<u8>,
}

impl Attendance {
    /// `since_ms`: see `Promised::waits_since`.
    pub(crate) fn add_contact(&mut self, id: Id, contact: &Contact, since_ms: Option<u64>, rules: Option<&Rules>) {
        if paces(rules, &contact.queue) {
            self.touched.insert(contact.queue.clone());
            if let (Phase::Queued, Some(since_ms)) = (contact.phase, since_ms) {
                self.waiting.entry(place(contact)).or_default().insert((since_ms, id));
            }
        }
    }

    pub(crate) fn remove_contact(&mut self, id: Id, contact: &Contact, since_ms: Option<u64>, rules: Option<&Rules>) {
        if paces(rules, &contact.queue) {
            self.touched.insert(contact.queue.clone());
            if let (Phase::Queued, Some(since_ms)) = (contact.phase, since_ms) {
                let place = place(contact);
                if let Some(line) = self.waiting.get_mut(&place) {
                    line.remove(&(since_ms, id));
                    if line.is_empty() {
                        self.waiting.remove(&place);
                    }
                }
            }
        }
    }

    /// `free`: a bit for each of the agent's channels, in their order, on which one more can be taken.
    pub(crate) fn add_agent(&mut self, agent: &Agent, free: u32, rules: &Rules) {
        for (queue, share) in shares(agent, free, rules) {
            share.present.into_iter().for_each(|channel| more(&mut self.present, (queue.clone(), channel)));
            share.ready.into_iter().for_each(|klass| more(&mut self.ready, (queue.clone(), klass)));
            share.free.into_iter().for_each(|klass| more(&mut self.free, (queue.clone(), klass)));
            self.touched.insert(queue.clone());
        }
    }

    pub(crate) fn remove_agent(&mut self, agent: &Agent, free: u32, rules: &Rules) {
        for (queue, share) in shares(agent, free, rules) {
            share.present.into_iter().for_each(|channel| less(&mut self.present, &(queue.clone(), channel)));
            share.ready.into_iter().for_each(|klass| less(&mut self.ready, &(queue.clone(), klass)));
            share.free.into_iter().for_each(|klass| less(&mut self.free, &(queue.clone(), klass)));
            self.touched.insert(queue.clone());
        }
    }

    /// Something else that concerns a queue has changed.
    pub(crate) fn touch(&mut self, queue: &Name, rules: Option<&Rules>) {
        if paces(rules, queue) {
            self.touched.insert(queue.clone());
        }
    }

    /// What has changed since the last time.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<Name> {
        std::mem::take(&mut self.touched)
    }

    pub(crate) fn is_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    pub(crate) fn present(&self, queue: &Name, channel: &Name) -> usize {
        self.present.get(&(queue.clone(), channel.clone())).copied().unwrap_or(0)
    }

    pub(crate) fn ready(&self, queue: &Name, klass: u8) -> usize {
        self.ready.get(&(queue.clone(), klass)).copied().unwrap_or(0)
    }

    pub(crate) fn free(&self, queue: &Name, klass: u8) -> usize {
        self.free.get(&(queue.clone(), klass)).copied().unwrap_or(0)
    }

    /// `but`: besides this one, since when it has waited.
    pub(crate) fn waiting(&self, queue: &Name, klass: u8, but: Option<(u64, Id)>) -> usize {
        let line = self.waiting.get(&(queue.clone(), klass));
        line.map_or(0, |line| line.len() - usize::from(but.is_some_and(|but| line.contains(&but))))
    }

    /// Of the class, those who have waited longer than this one. Costs: as many steps as there are.
    pub(crate) fn before(&self, queue: &Name, klass: u8, one: (u64, Id)) -> usize {
        self.waiting.get(&(queue.clone(), klass)).map_or(0, |line| line.range(..one).count())
    }

    /// Since when the one who has waited longest does.
    pub(crate) fn head_ms(&self, queue: &Name, klass: u8, but: Option<(u64, Id)>) -> Option<u64> {
        self.waiting.get(&(queue.clone(), klass))?.iter().find(|one| Some(**one) != but).map(|(since_ms, _)| *since_ms)
    }
}

fn paces(rules: Option<&Rules>, queue: &Name) -> bool {
    rules.is_some_and(|rules| rules.paces(queue))
}

fn place(contact: &Contact) -> (Name, u8) {
    (contact.queue.clone(), contact.own_key().klass)
}

fn shares<'a>(agent: &'a Agent, free: u32, rules: &'a Rules) -> impl Iterator<Item = (&'a Name, Share)> {
    let queues = agent.memberships.keys().filter(|queue| rules.paces(queue));
    queues.map(move |queue| (queue, share(agent, free, rules)))
}

fn share(agent: &Agent, free: u32, rules: &Rules) -> Share {
    let mut share = Share { present: Vec::new(), ready: BTreeSet::new(), free: BTreeSet::new() };
    // They are offered nothing.
    let lost = rules.asks_for_desks && agent.desk_due.is_some();
    if agent.effective == Presence::Offline || lost {
        return share;
    }
    for (bit, (channel, enabled)) in (0..).zip(&agent.channels) {
        let Some(profile) = rules.channel(channel).filter(|_| enabled.on && enabled.max_concurrent > 0) else { continue };
        share.present.push(channel.clone());
        if agent.ready() {
            share.ready.insert(profile.klass);
        }
        if free >> bit & 1 == 1 {
            share.free.insert(profile.klass);
        }
    }
    share
}

fn more<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) {
    *counts.entry(key).or_default() += 1;
}

fn less<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
