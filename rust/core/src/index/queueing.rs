//! Waiting contacts as agents look for them: by queue, channel and needs, in key order.

use std::collections::BTreeMap;

use super::slots::Slots;
use crate::lines::{Lines, Need};
use crate::state::{Agent, Contact};
use crate::words::{Id, Key, Name, Requirement};

#[derive(Debug, Clone, Default)]
pub(crate) struct Queueing {
    lines: Lines,
    /// Queue and channel.
    places: Slots<(Name, Name)>,
    skills: Slots<Name>,
    contacts: Slots<Id>,
    /// In which lines each contact (by slot) stands, and with what key.
    standing: BTreeMap<u32, (Key, Vec<u32>)>,
}

impl Queueing {
    /// The contact waits in its queues.
    pub(crate) fn join(&mut self, id: Id, contact: &Contact) {
        let slot = self.contacts.take(id);
        let needs = self.needs(&contact.requirements);
        let mut lines = Vec::with_capacity(1);
        for queue in contact.queues() {
            let place = self.places.take((queue.clone(), contact.channel.clone()));
            lines.push(self.lines.join(place, &needs, contact.key, slot));
        }
        self.standing.insert(slot, (contact.key, lines));
    }

    pub(crate) fn part(&mut self, id: &Id) {
        let Some((slot, (key, lines))) = self.contacts.give_back(id).and_then(|slot| Some((slot, self.standing.remove(&slot)?)))
        else {
            return;
        };
        debug_assert!(!lines.is_empty(), "contact {slot} stood in no line");
        for line in lines {
            self.lines.part(line, key);
        }
        if let Some(moved) = self.lines.tidy() {
            for line in self.standing.values_mut().flat_map(|(_, lines)| lines) {
                *line = moved[line];
            }
        }
    }

    /// The agent in `slot` is declared anew, or gone.
    pub(crate) fn forget(&mut self, slot: u32) {
        self.lines.forget(slot);
    }

    /// See which lines have come up since the agent looked last: it looks the faster for it, and finds the same.
    pub(crate) fn learn(&mut self, slot: u32, agent: &Agent) {
        let (places, skills) = (&self.places, &self.skills);
        self.lines.learn(slot, |place, needs| serves(agent, places.holder(place), needs, skills));
    }

    /// The two best contacts for the agent in `slot`, each with its place's rank: the least rank, then the least key. `rank` is None for a queue and
    /// channel that are closed to it now; `takes` says whether it may have a contact.
    pub(crate) fn two_best(
        &self,
        slot: u32,
        agent: &Agent,
        rank: impl Fn(&Name, &Name) -> Option<u8>,
        takes: impl Fn(&Id) -> bool,
    ) -> [Option<(u8, Id)>; 2] {
        let chosen = self.lines.two_best(
            slot,
            |place, needs| serves(agent, self.places.holder(place), needs, &self.skills),
            |place| {
                let (queue, channel) = self.places.holder(place);
                rank(queue, channel)
            },
            |contact, _| takes(self.contacts.holder(contact)),
        );
        chosen.map(|choice| choice.map(|(rank, _, contact)| (rank, *self.contacts.holder(contact))))
    }

    fn needs(&mut self, requirements: &[Requirement]) -> Vec<Need> {
        let mut needs: Vec<Need> = requirements.iter().map(|need| (self.skills.take(need.skill.clone()), need.level)).collect();
        needs.sort_unstable();
        needs
    }
}

fn serves(agent: &Agent, (queue, channel): &(Name, Name), needs: &[Need], skills: &Slots<Name>) -> bool {
    agent.memberships.contains_key(queue)
        && agent.channels.contains_key(channel)
        && needs.iter().all(|(skill, level)| agent.skills.get(skills.holder(*skill)).is_some_and(|held| held >= level))
}

/// The same contacts with the same keys.
impl PartialEq for Queueing {
    fn eq(&self, other: &Self) -> bool {
        let keys = |queueing: &Self| -> BTreeMap<Id, (Key, usize)> {
            let standing = queueing.standing.iter();
            standing.map(|(slot, (key, lines))| (*queueing.contacts.holder(*slot), (*key, lines.len()))).collect()
        };
        keys(self) == keys(other)
    }
}

impl Eq for Queueing {}
