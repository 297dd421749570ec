//! Waiting contacts as agents look for them: by queue, channel and needs, in key order.

use std::collections::BTreeMap;

use super::slots::Slots;
use crate::lines::{Lines, Need};
use crate::state::{Agent, Contact};
use crate::words::{Id, Key, Name, Requirement};

/// Where a contact stands.
#[derive(Debug, Clone)]
struct Standing {
    key: Key,
    /// Place and line, one for each of its queues.
    lines: Vec<(u32, u32)>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Queueing {
    /// Queue and channel.
    places: Slots<(Name, Name)>,
    lines: Vec<Lines>,
    skills: Slots<Name>,
    contacts: Slots<Id>,
    standing: Vec<Option<Standing>>,
    /// How often somebody joined.
    joined: u64,
    waiting: usize,
}

impl Queueing {
    /// The contact waits in its queues.
    pub(crate) fn join(&mut self, id: Id, contact: &Contact) {
        (self.joined, self.waiting) = (self.joined + 1, self.waiting + 1);
        let slot = self.contacts.take(id);
        let needs = self.needs(&contact.requirements);
        let mut lines = Vec::with_capacity(1);
        for queue in contact.queues() {
            let place = self.places.take((queue.clone(), contact.channel.clone()));
            if self.lines.len() <= place as usize {
                self.lines.resize_with(place as usize + 1, Lines::default);
            }
            lines.push((place, self.lines[place as usize].join(&needs, contact.key, slot)));
        }
        if self.standing.len() <= slot as usize {
            self.standing.resize(slot as usize + 1, None);
        }
        self.standing[slot as usize] = Some(Standing { key: contact.key, lines });
    }

    pub(crate) fn part(&mut self, id: &Id) {
        let Some(slot) = self.contacts.give_back(id) else { return };
        let Some(standing) = self.standing[slot as usize].take() else { return };
        self.waiting -= 1;
        for (place, line) in standing.lines {
            let lines = &mut self.lines[place as usize];
            lines.part(line, standing.key);
            if let Some(moved) = lines.tidy() {
                self.renumber(place, &moved);
            }
        }
    }

    /// Nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Grows whenever somebody joins.
    pub(crate) fn joined(&self) -> u64 {
        self.joined
    }

    fn renumber(&mut self, place: u32, moved: &BTreeMap<u32, u32>) {
        let standing = self.standing.iter_mut().flatten();
        for (_, line) in standing.flat_map(|standing| &mut standing.lines).filter(|(there, _)| *there == place) {
            *line = moved[line];
        }
    }

    /// The agent in `slot` is declared anew, or gone.
    pub(crate) fn forget(&mut self, slot: u32) {
        self.lines.iter_mut().for_each(|lines| lines.forget(slot));
    }

    /// See which lines have come up since the agent looked last: it looks the faster for it, and finds the same.
    pub(crate) fn learn(&mut self, slot: u32, agent: &Agent) {
        for queue in agent.memberships.keys() {
            for channel in agent.channels.keys() {
                if let Some(place) = self.places.of(&(queue.clone(), channel.clone())) {
                    let skills = &self.skills;
                    self.lines[place as usize].learn(slot, |needs| meets(agent, needs, skills));
                }
            }
        }
    }

    /// The two best contacts for the agent in `slot`, each with the rank of its queue: the least rank, then the least key. `open`: the queues and
    /// channels the agent may be offered contacts of, with their ranks; `takes` says whether it may have a contact.
    pub(crate) fn two_best<'a>(
        &self,
        slot: u32,
        agent: &Agent,
        open: impl Iterator<Item = (&'a Name, &'a Name, u8)>,
        takes: impl Fn(&Id) -> bool,
    ) -> [Option<(u8, Id)>; 2] {
        let mut best = [None; 2];
        for (queue, channel, rank) in open {
            let Some(place) = self.places.of(&(queue.clone(), channel.clone())) else { continue };
            let lines = &self.lines[place as usize];
            if !lines.is_empty() {
                let meets = |needs: &[Need]| meets(agent, needs, &self.skills);
                lines.two_best(slot, rank, meets, |contact, _| takes(self.contacts.holder(contact)), &mut best);
            }
        }
        best.map(|choice| choice.map(|(rank, _, contact)| (rank, *self.contacts.holder(contact))))
    }

    fn needs(&mut self, requirements: &[Requirement]) -> Vec<Need> {
        let mut needs: Vec<Need> = requirements.iter().map(|need| (self.skills.take(need.skill.clone()), need.level)).collect();
        needs.sort_unstable();
        needs
    }
}

fn meets(agent: &Agent, needs: &[Need], skills: &Slots<Name>) -> bool {
    needs.iter().all(|(skill, level)| agent.skills.get(skills.holder(*skill)).is_some_and(|held| held >= level))
}

/// The same contacts with the same keys in as many queues.
impl PartialEq for Queueing {
    fn eq(&self, other: &Self) -> bool {
        let keys = |queueing: &Self| -> BTreeMap<Id, (Key, usize)> {
            let standing = (0..).zip(&queueing.standing).filter_map(|(slot, standing)| Some((slot, standing.as_ref()?)));
            standing.map(|(slot, standing)| (*queueing.contacts.holder(slot), (standing.key, standing.lines.len()))).collect()
        };
        keys(self) == keys(other)
    }
}

impl Eq for Queueing {}
