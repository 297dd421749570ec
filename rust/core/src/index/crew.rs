//! Agents as waiting contacts ask for them: by queue and rank, channel, skill and level, in idle order.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::slots::Slots;
use crate::few::Few;
use crate::pool::{Pool, RowId, Since};
use crate::state::Contact;
use crate::words::{Id, Name, Requirement};

/// What a row says of an agent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Property {
    /// Could be offered a contact of the channel: there, switched on, within the limits and with room.
    Free(Name),
    Member(Name, u8),
    Skilled(Name, u8),
}

/// What the crew knows of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) id: Id,
    pub(crate) idle_since_ms: u64,
    pub(crate) free: Few<Name, bool>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Crew {
    pool: Pool,
    rows: BTreeMap<Property, RowId>,
    slots: Slots<Id>,
    /// What each agent declared, to be asked about skills that nobody has asked for before.
    skills: BTreeMap<u32, Few<Name, u8>>,
}

impl Crew {
    /// The agent is declared, for the first time or anew. Returns its slot.
    pub(crate) fn declare(&mut self, seat: &Seat, memberships: &Few<Name, u8>, skills: &Few<Name, u8>) -> u32 {
        let slot = self.slots.take(seat.id);
        self.pool.leave(slot);
        self.pool.place(slot, since(seat));
        for (queue, rank) in memberships {
            let row = self.row(Property::Member(queue.clone(), *rank));
            self.pool.set(slot, row, true);
        }
        for (property, row) in &self.rows {
            if let Property::Skilled(skill, level) = property {
                self.pool.set(slot, *row, skills.get(skill).is_some_and(|held| held >= level));
            }
        }
        self.skills.insert(slot, skills.clone());
        self.refresh(seat);
        slot
    }

    /// What changes while an agent works: idleness, presence, room.
    pub(crate) fn refresh(&mut self, seat: &Seat) {
        let Some(slot) = self.slots.of(&seat.id) else { return };
        self.pool.place(slot, since(seat));
        for (channel, free) in &seat.free {
            let row = self.row(Property::Free(channel.clone()));
            self.pool.set(slot, row, *free);
        }
    }

    /// The agent is gone. Returns the slot it had.
    pub(crate) fn leave(&mut self, id: &Id) -> Option<u32> {
        let slot = self.slots.give_back(id)?;
        self.skills.remove(&slot);
        self.pool.leave(slot);
        Some(slot)
    }

    pub(crate) fn slot(&self, id: &Id) -> Option<u32> {
        self.slots.of(id)
    }

    /// From now on somebody asks for this skill and level.
    pub(crate) fn ask(&mut self, need: &Requirement) {
        let property = Property::Skilled(need.skill.clone(), need.level);
        if self.rows.contains_key(&property) {
            return;
        }
        let row = self.row(property);
        for (slot, skills) in &self.skills {
            self.pool.set(*slot, row, skills.get(&need.skill).is_some_and(|held| *held >= need.level));
        }
    }

    /// The ranks that members of a queue have, least first.
    pub(crate) fn ranks(&self, queue: &Name) -> impl Iterator<Item = u8> + '_ {
        let all = Property::Member(queue.clone(), 0)..=Property::Member(queue.clone(), u8::MAX);
        self.rows.range(all).filter_map(|(property, _)| match property {
            Property::Member(_, rank) => Some(*rank),
            Property::Free(_) | Property::Skilled(..) => None,
        })
    }

    /// Visit the members of `rank` in `queue` who are free for the contact's channel and have its skills, the longest idle first.
    pub(crate) fn search(&self, contact: &Contact, queue: &Name, rank: u8, mut visit: impl FnMut(Id) -> ControlFlow<()>) {
        if let Some(rows) = self.rows_for(contact, queue, rank) {
            self.pool.search(&rows, |slot| visit(*self.slots.holder(slot)));
        }
    }

    /// How many of them there are, up to `limit`.
    pub(crate) fn count(&self, contact: &Contact, queue: &Name, rank: u8, limit: u32) -> u32 {
        self.rows_for(contact, queue, rank).map_or(0, |rows| self.pool.count(&rows, limit))
    }

    /// None if nobody has one of the properties.
    fn rows_for(&self, contact: &Contact, queue: &Name, rank: u8) -> Option<Vec<RowId>> {
        let skills = contact.requirements.iter().map(|need| Property::Skilled(need.skill.clone(), need.level));
        let all = [Property::Free(contact.channel.clone()), Property::Member(queue.clone(), rank)].into_iter().chain(skills);
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
            let mut agents = Vec::new();
            crew.pool.search(&[row], |slot| {
                agents.push((crew.pool.since(slot), *crew.slots.holder(slot)));
                ControlFlow::Continue(())
            });
            agents
        };
        let shared = self.rows.iter().filter_map(|(property, row)| Some((*row, *other.rows.get(property)?)));
        self.skills.len() == other.skills.len()
            && shared.into_iter().all(|(row, theirs)| listed(self, row) == listed(other, theirs))
    }
}

impl Eq for Crew {}

fn since(seat: &Seat) -> Since {
    (seat.idle_since_ms, seat.id)
}
