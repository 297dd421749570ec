//! Agents as waiting contacts ask for them: by queue and rank, channel, skill and level, in idle order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use crate::hindrance::without_room;
use crate::pool::{Pool, RowId, Since};
use crate::state::{Agent, Contact};
use crate::words::{Id, Name, Requirement};

/// What a row says of an agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Property {
    /// Ready, and the channel is on.
    Serves(Name),
    /// And has room for one more.
    Free(Name),
    Member(Name, u8),
    Skilled(Name, u8),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Crew {
    pool: Pool,
    rows: BTreeMap<Property, RowId>,
    /// Who sits where: for comparison only.
    slots: BTreeSet<u32>,
}

impl Crew {
    /// The agent is declared, for the first time or anew.
    pub(crate) fn declare(&mut self, slot: u32, id: Id, agent: &Agent) {
        self.leave(slot);
        self.slots.insert(slot);
        self.pool.place(slot, since(id, agent));
        for (queue, rank) in agent.memberships.iter() {
            let row = self.row(Property::Member(queue.clone(), *rank));
            self.pool.set(slot, row, true);
        }
        for (property, row) in &self.rows {
            if let Property::Skilled(skill, level) = property {
                self.pool.set(slot, *row, agent.skills.get(skill).is_some_and(|held| held >= level));
            }
        }
        self.refresh(slot, id, agent);
    }

    /// What changes while the agent works: idleness, readiness, room.
    pub(crate) fn refresh(&mut self, slot: u32, id: Id, agent: &Agent) {
        self.pool.place(slot, since(id, agent));
        for (channel, enabled) in agent.channels.iter() {
            let serves = agent.ready() && enabled.on;
            let free = serves && without_room(agent, channel).is_none();
            for (property, on) in [(Property::Serves(channel.clone()), serves), (Property::Free(channel.clone()), free)] {
                let row = self.row(property);
                self.pool.set(slot, row, on);
            }
        }
    }

    pub(crate) fn leave(&mut self, slot: u32) {
        self.slots.remove(&slot);
        self.pool.leave(slot);
    }

    /// Somebody asks for this skill and level from now on. `agents` are all there are, by slot.
    pub(crate) fn ask<'a>(&mut self, need: &Requirement, agents: impl Iterator<Item = (u32, &'a Agent)>) {
        let property = Property::Skilled(need.skill.clone(), need.level);
        if self.rows.contains_key(&property) {
            return;
        }
        let row = self.row(property);
        for (slot, agent) in agents {
            self.pool.set(slot, row, agent.meets(need));
        }
    }

    /// The ranks that members of a queue have, least first.
    pub(crate) fn ranks(&self, queue: &Name) -> impl Iterator<Item = u8> + '_ {
        let all = Property::Member(queue.clone(), 0)..=Property::Member(queue.clone(), u8::MAX);
        self.rows.range(all).filter_map(|(property, _)| match property {
            Property::Member(_, rank) => Some(*rank),
            Property::Serves(_) | Property::Free(_) | Property::Skilled(..) => None,
        })
    }

    /// Visit the members of `rank` who serve the contact's channel with all its skills and have room, the longest idle first.
    pub(crate) fn search_free(&self, contact: &Contact, queue: &Name, rank: u8, visit: impl FnMut(u32) -> ControlFlow<()>) {
        if let Some(rows) = self.rows_for(contact, Property::Free(contact.channel.clone()), queue, rank) {
            self.pool.search(&rows, visit);
        }
    }

    /// How many of them there are, up to `limit`.
    pub(crate) fn count_free(&self, contact: &Contact, queue: &Name, rank: u8, limit: u32) -> u32 {
        let rows = self.rows_for(contact, Property::Free(contact.channel.clone()), queue, rank);
        rows.map_or(0, |rows| self.pool.count(&rows, limit))
    }

    /// The same with room or without.
    pub(crate) fn search_present(&self, contact: &Contact, queue: &Name, rank: u8, visit: impl FnMut(u32) -> ControlFlow<()>) {
        if let Some(rows) = self.rows_for(contact, Property::Serves(contact.channel.clone()), queue, rank) {
            self.pool.search(&rows, visit);
        }
    }

    /// None if nobody has one of the properties.
    fn rows_for(&self, contact: &Contact, first: Property, queue: &Name, rank: u8) -> Option<Vec<RowId>> {
        let skills = contact.requirements.iter().map(|need| Property::Skilled(need.skill.clone(), need.level));
        let all = [first, Property::Member(queue.clone(), rank)].into_iter().chain(skills);
        all.map(|property| self.rows.get(&property).copied()).collect()
    }

    fn row(&mut self, property: Property) -> RowId {
        *self.rows.entry(property).or_insert_with(|| self.pool.add_row())
    }
}

/// The same agents with the same properties in the same order, as far as both were asked.
impl PartialEq for Crew {
    fn eq(&self, other: &Self) -> bool {
        let listed = |crew: &Self, row: RowId| {
            let mut slots = Vec::new();
            crew.pool.search(&[row], |slot| {
                slots.push(slot);
                ControlFlow::Continue(())
            });
            slots
        };
        let shared = self.rows.iter().filter_map(|(property, row)| Some((row, other.rows.get(property)?)));
        self.slots == other.slots
            && self.slots.iter().all(|slot| self.pool.since(*slot) == other.pool.since(*slot))
            && shared.into_iter().all(|(row, theirs)| listed(self, *row) == listed(other, *theirs))
    }
}

impl Eq for Crew {}

fn since(id: Id, agent: &Agent) -> Since {
    (agent.idle_since_ms, id)
}
