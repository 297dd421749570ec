//! Waiting contacts as agents look for them: by queue, channel and needs, in key order.

use std::collections::BTreeMap;

use crate::lines::{Choice, Lines, Need};
use crate::places::Spread;
use crate::state::{Agent, Contact};
use crate::table::Table;
use crate::words::{Key, Name, Requirement};

/// What a number stands for, and the other way round.
#[derive(Debug, Clone)]
struct Numbered<T: Spread + Clone> {
    numbers: Table<T, u32>,
    names: Vec<T>,
}

impl<T: Spread + Clone> Default for Numbered<T> {
    fn default() -> Self {
        Self { numbers: Table::new(), names: Vec::new() }
    }
}

impl<T: Spread + Clone> Numbered<T> {
    fn number(&mut self, name: &T) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or_else(|_| unreachable!("a policy has few words"));
        self.numbers.insert(name.clone(), number);
        self.names.push(name.clone());
        number
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Queueing {
    lines: Lines,
    places: Numbered<(Name, Name)>,
    skills: Numbered<Name>,
    /// Where each waiting contact (by slot) stands: line and key.
    standing: BTreeMap<u32, Vec<(u32, Key)>>,
}

impl Queueing {
    /// The contact waits in its queues.
    pub(crate) fn join(&mut self, slot: u32, contact: &Contact) {
        let needs = self.needs(&contact.requirements);
        let place = self.places.number(&(contact.queue.clone(), contact.channel.clone()));
        let line = self.lines.join(place, &needs, contact.key, slot);
        self.standing.insert(slot, vec![(line, contact.key)]);
    }

    pub(crate) fn part(&mut self, slot: u32) {
        for (line, key) in self.standing.remove(&slot).into_iter().flatten() {
            self.lines.part(line, key);
        }
        if let Some(moved) = self.lines.tidy() {
            for (line, _) in self.standing.values_mut().flatten() {
                *line = moved[line];
            }
        }
    }

    /// The agent in `slot` is declared anew, or gone.
    pub(crate) fn forget(&mut self, slot: u32) {
        self.lines.forget(slot);
    }

    /// See which lines have come up since the agent looked last.
    pub(crate) fn learn(&mut self, slot: u32, agent: &Agent) {
        let (places, skills) = (&self.places, &self.skills);
        self.lines.learn(slot, |place, needs| serves(agent, &places.names[place as usize], needs, skills));
    }

    /// The two best for an agent that has learnt: the least rank its membership gives (0 if the key alone counts), then the least key.
    pub(crate) fn two_best(
        &self,
        slot: u32,
        rank: impl Fn(&Name, &Name) -> Option<u8>,
        mut takes: impl FnMut(u32, bool) -> bool,
    ) -> [Option<Choice>; 2] {
        let place = |place: u32| {
            let (queue, channel) = &self.places.names[place as usize];
            rank(queue, channel)
        };
        self.lines.two_best(slot, place, &mut takes)
    }

    fn needs(&mut self, requirements: &[Requirement]) -> Vec<Need> {
        let mut needs: Vec<Need> = requirements.iter().map(|need| (self.skills.number(&need.skill), need.level)).collect();
        needs.sort_unstable();
        needs
    }
}

fn serves(agent: &Agent, (queue, channel): &(Name, Name), needs: &[Need], skills: &Numbered<Name>) -> bool {
    agent.memberships.contains_key(queue)
        && agent.channels.contains_key(channel)
        && needs.iter().all(|(skill, level)| agent.skills.get(&skills.names[*skill as usize]).is_some_and(|held| held >= level))
}

/// The same contacts with the same keys.
impl PartialEq for Queueing {
    fn eq(&self, other: &Self) -> bool {
        let keys = |queueing: &Self| -> Vec<(u32, Vec<Key>)> {
            queueing.standing.iter().map(|(slot, lines)| (*slot, lines.iter().map(|(_, key)| *key).collect())).collect()
        };
        keys(self) == keys(other)
    }
}

impl Eq for Queueing {}
