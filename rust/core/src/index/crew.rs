//! Agents as waiting contacts ask for them: by queue and rank, channel, skill and level, in idle order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::Who;
use crate::few::Few;
use crate::pool::{Pool, RowId, Since};
use crate::state::{Agent, Contact};
use crate::table::Table;
use crate::words::bounds::VISIT_REQUIREMENTS_MAX;
use crate::words::{Name, Requirement};

/// The properties that a contact can ask for: a channel, a queue, and what it requires.
const ROWS_MAX: usize = VISIT_REQUIREMENTS_MAX + 2;

/// What contacts must know of an agent: whether it is offline, since when it is idle, on which of its channels (in their order, one bit each)
/// it is there, and on which of these it could be offered a contact: the limits leave room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) idle_since_ms: u64,
    /// It is not offline.
    pub(crate) present: bool,
    /// It is ready at its desk, and the channel is on.
    pub(crate) there: u32,
    pub(crate) free: u32,
}

/// Which members of a queue are searched.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Among {
    /// Those on whose channel there is room.
    Free,
    /// Those who are there, whatever they have in hand.
    There,
}

/// What is known of a declared agent.
#[derive(Debug, Clone)]
struct Known {
    seat: Seat,
    /// The rows of each of its channels: it is there, and free.
    channels: Vec<(RowId, RowId)>,
    /// To be asked about skills that nobody has asked for before.
    skills: Few<Name, u8>,
    /// Its place in the idle order is that of an earlier time.
    late: bool,
}

/// Rows by what they say of an agent.
#[derive(Debug, Clone, Default)]
struct Rows {
    /// `None`: nobody was declared.
    present: Option<RowId>,
    there: Table<Name, RowId>,
    free: Table<Name, RowId>,
    /// By queue, those of each rank.
    members: Table<Name, Few<u8, RowId>>,
    skilled: Table<Name, Few<u8, RowId>>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Crew {
    pool: Pool,
    rows: Rows,
    /// By slot, as the pool.
    known: Vec<Option<Known>>,
    /// Agents who may be offered something again, and have not taken their place in the idle order yet: mostly they have work
    /// before anybody asks for the order.
    late: Vec<u32>,
}

impl Crew {
    /// The agent is declared, for the first time or anew.
    pub(crate) fn declare(&mut self, Who { id, slot }: Who, seat: Seat, agent: &Agent) {
        self.leave(slot);
        self.pool.place(slot, (seat.idle_since_ms, id));
        for (queue, rank) in &agent.memberships {
            let row = ranked(&mut self.rows.members, queue, *rank, &mut self.pool);
            self.pool.set(slot, row, true);
        }
        for (skill, level) in &agent.skills {
            let rows = self.rows.skilled.get(skill).into_iter().flat_map(Few::iter);
            for (_, row) in rows.filter(|(asked, _)| *asked <= level) {
                self.pool.set(slot, *row, true);
            }
        }
        let Rows { present, there, free, .. } = &mut self.rows;
        present.get_or_insert_with(|| self.pool.add_row());
        let mut rows = |channel| (row(there, channel, &mut self.pool), row(free, channel, &mut self.pool));
        let channels = agent.channels.keys().map(&mut rows).collect();
        if self.known.len() <= slot as usize {
            self.known.resize(slot as usize + 1, None);
        }
        let nowhere = Seat { idle_since_ms: seat.idle_since_ms, present: false, there: 0, free: 0 };
        self.known[slot as usize] = Some(Known { seat: nowhere, channels, skills: agent.skills.clone(), late: false });
        self.refresh(slot, seat);
    }

    /// What changes while an agent works.
    pub(crate) fn refresh(&mut self, slot: u32, seat: Seat) {
        let Some(known) = self.known.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let before = std::mem::replace(&mut known.seat, seat);
        if seat.free != 0 && !known.late && self.pool.since(slot).0 != seat.idle_since_ms {
            known.late = true;
            self.late.push(slot);
        }
        if let Some(row) = self.rows.present.filter(|_| before.present != seat.present) {
            self.pool.set(slot, row, seat.present);
        }
        let mut changed = (before.there ^ seat.there) | (before.free ^ seat.free);
        while changed != 0 {
            let channel = changed.trailing_zeros();
            changed &= changed - 1;
            let (there, free) = known.channels[channel as usize];
            self.pool.set(slot, there, seat.there & (1 << channel) != 0);
            self.pool.set(slot, free, seat.free & (1 << channel) != 0);
        }
    }

    /// The agent is gone.
    pub(crate) fn leave(&mut self, slot: u32) {
        let known = self.known.get_mut(slot as usize).and_then(Option::take);
        if known.is_some_and(|known| known.late) {
            self.late.retain(|late| *late != slot);
        }
        self.pool.leave(slot);
    }

    /// Whoever may be offered something takes the place in the idle order: to be called before `search`.
    pub(crate) fn arrange(&mut self) {
        for slot in self.late.drain(..) {
            let Some(known) = self.known.get_mut(slot as usize).and_then(Option::as_mut) else { continue };
            known.late = false;
            if known.seat.free != 0 {
                self.pool.place(slot, (known.seat.idle_since_ms, self.pool.since(slot).1));
            }
        }
    }

    /// How many names of channels, queues and skills have rows, whether anybody has to do with them or not.
    pub(crate) fn names(&self) -> usize {
        self.rows.free.len() + self.rows.members.len() + self.rows.skilled.len()
    }

    /// On which channels the agent could be offered a contact: one bit each, in their order.
    pub(crate) fn free_on(&self, slot: u32) -> u32 {
        let known = self.known.get(slot as usize).and_then(Option::as_ref);
        known.map_or(0, |known| known.seat.free)
    }

    /// Since when it was idle when it took its place in the order.
    pub(crate) fn since(&self, slot: u32) -> u64 {
        self.pool.since(slot).0
    }

    /// From now on somebody asks for this skill and level.
    pub(crate) fn ask(&mut self, need: &Requirement) {
        if self.rows.skilled.get(&need.skill).is_some_and(|levels| levels.contains_key(&need.level)) {
            return;
        }
        let row = ranked(&mut self.rows.skilled, &need.skill, need.level, &mut self.pool);
        for (slot, known) in (0..).zip(&self.known) {
            let held = known.as_ref().and_then(|known| known.skills.get(&need.skill));
            self.pool.set(slot, row, held.is_some_and(|held| *held >= need.level));
        }
    }

    /// The ranks that members of a queue have, least first.
    pub(crate) fn ranks(&self, queue: &Name) -> impl Iterator<Item = u8> + '_ {
        self.rows.members.get(queue).into_iter().flat_map(|ranks| ranks.keys().copied())
    }

    /// Some member of the queue is not offline.
    pub(crate) fn any_present(&self, queue: &Name) -> bool {
        let mut members = self.rows.members.get(queue).into_iter().flat_map(Few::values);
        self.rows.present.is_some_and(|present| members.any(|members| self.pool.count(&[present, *members], 1) > 0))
    }

    /// Visit the members of `rank` in `queue` who have the skills of a queued contact, the longest idle first (since the last `arrange`).
    pub(crate) fn search(
        &self,
        among: Among,
        contact: &Contact,
        (queue, rank): (&Name, u8),
        mut visit: impl FnMut(Who) -> ControlFlow<()>,
    ) {
        if let Some(rows) = self.rows_for(among, contact, (queue, rank), &mut [0; ROWS_MAX]) {
            self.pool.search(rows, |slot| visit(Who { id: self.pool.since(slot).1, slot }));
        }
    }

    /// Some member of the queue who is there for a queued contact.
    pub(crate) fn any_there(&self, contact: &Contact, queue: &Name, rank: u8) -> bool {
        let rows = &mut [0; ROWS_MAX];
        self.rows_for(Among::There, contact, (queue, rank), rows).is_some_and(|rows| self.pool.count(rows, 1) > 0)
    }

    /// How many are free for it and have its skills, up to `limit`.
    pub(crate) fn count(&self, contact: &Contact, queue: &Name, rank: u8, limit: u32) -> u32 {
        let rows = &mut [0; ROWS_MAX];
        self.rows_for(Among::Free, contact, (queue, rank), rows).map_or(0, |rows| self.pool.count(rows, limit))
    }

    /// The rows of all that a contact asks for, in `room`. None if nobody has one of the properties.
    fn rows_for<'a>(
        &self,
        among: Among,
        contact: &Contact,
        (queue, rank): (&Name, u8),
        room: &'a mut [RowId; ROWS_MAX],
    ) -> Option<&'a [RowId]> {
        let channels = match among {
            Among::Free => &self.rows.free,
            Among::There => &self.rows.there,
        };
        room[0] = *channels.get(&contact.channel)?;
        room[1] = *self.rows.members.get(queue)?.get(&rank)?;
        for (row, need) in room[2..].iter_mut().zip(&contact.requirements) {
            *row = *self.rows.skilled.get(&need.skill)?.get(&need.level)?;
        }
        room.get(..contact.requirements.len() + 2)
    }

    /// Every row with its name, and who has the property in which order: for comparison. Nobody is late.
    fn listed(&self) -> BTreeMap<(u8, Name, u8), Vec<Since>> {
        let free = self.rows.free.iter().map(|(channel, row)| ((0, channel.clone(), 0), *row));
        let ranked = |kind: u8, rows: &Table<Name, Few<u8, RowId>>| {
            let rows = rows
                .iter()
                .flat_map(move |(name, levels)| levels.iter().map(move |(level, row)| ((kind, name.clone(), *level), *row)));
            rows.collect::<Vec<_>>()
        };
        let there = self.rows.there.iter().map(|(channel, row)| ((3, channel.clone(), 0), *row));
        let all = free.chain(there).chain(ranked(1, &self.rows.members)).chain(ranked(2, &self.rows.skilled));
        all.map(|(name, row)| (name, self.holders(row))).collect()
    }

    /// The same with everybody in the place of now, also those who may be offered nothing.
    fn settled(&self) -> Self {
        let mut settled = self.clone();
        settled.late.clear();
        for (slot, known) in (0..).zip(&self.known) {
            if let Some(known) = known {
                settled.pool.place(slot, (known.seat.idle_since_ms, self.pool.since(slot).1));
            }
        }
        settled
    }

    /// Who is not offline, as `listed`.
    fn present(&self) -> Vec<Since> {
        self.rows.present.map_or_else(Vec::new, |row| self.holders(row))
    }

    fn holders(&self, row: RowId) -> Vec<Since> {
        let mut agents = Vec::new();
        self.pool.search(&[row], |slot| {
            agents.push(self.pool.since(slot));
            ControlFlow::Continue(())
        });
        agents
    }
}

/// The same agents with the same properties in the same order, as far as both were asked.
impl PartialEq for Crew {
    fn eq(&self, other: &Self) -> bool {
        let (one, two) = (self.settled(), other.settled());
        let (ours, theirs) = (one.listed(), two.listed());
        let names: BTreeSet<_> = ours.keys().filter(|name| theirs.contains_key(name)).collect();
        let agents = |crew: &Self| crew.known.iter().flatten().count();
        agents(self) == agents(other) && one.present() == two.present() && names.into_iter().all(|name| ours[name] == theirs[name])
    }
}

impl Eq for Crew {}

fn row(rows: &mut Table<Name, RowId>, name: &Name, pool: &mut Pool) -> RowId {
    if let Some(row) = rows.get(name) {
        return *row;
    }
    let row = pool.add_row();
    rows.insert(name.clone(), row);
    row
}

fn ranked(rows: &mut Table<Name, Few<u8, RowId>>, name: &Name, level: u8, pool: &mut Pool) -> RowId {
    if rows.get(name).is_none() {
        rows.insert(name.clone(), Few::new());
    }
    let Some(levels) = rows.get_mut(name) else { unreachable!("just put there") };
    if let Some(row) = levels.get(&level) {
        return *row;
    }
    let row = pool.add_row();
    levels.insert(level, row);
    row
}
