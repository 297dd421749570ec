//! The matching index by itself, for `make bench-core`: who waits, who is idle, who may serve whom; no words, no state, no policy. And the
//! slots of callbacks by themselves.

use std::ops::ControlFlow;

use crate::lines::{Band, Lines, Need, Staff};
use crate::pool::{Pool, RowId};
use crate::slots::SlotGrid;
use crate::words::{Id, Key};

/// A skill by number, and a level.
pub type Level = Need;

/// Levels end before this.
const LEVELS: usize = 11;

/// In no line.
const NOWHERE: u32 = u32::MAX;

/// Agents and contacts by number.
#[derive(Debug)]
pub struct Matching {
    staff: Staff,
    lines: Lines,
    /// Of each contact: the line in which it waits, and its place there.
    waits: Vec<u32>,
    orders: Vec<i64>,
    pool: Pool,
    /// Who is idle: as a row, one by one, and how many.
    idle: RowId,
    idles: Vec<bool>,
    idlers: u32,
    /// Who is able to meet a need: by skill and level.
    levels: Vec<RowId>,
    /// What nobody is able to do.
    nobody: RowId,
    /// Of a contact that looks for somebody.
    rows: Vec<RowId>,
    turn: u64,
}

impl Matching {
    /// Agents with these skills (skill and level, in the order of skills), all of them busy, and room for so many contacts.
    pub fn new(agents: &[Vec<Level>], contacts: usize) -> Self {
        let (mut pool, mut staff) = (Pool::default(), Staff::default());
        let (idle, nobody) = (pool.add_row(), pool.add_row());
        let skills = agents.iter().flatten().map(|(skill, _)| *skill as usize + 1).max().unwrap_or(0);
        // A site finds out who can do something when the first contact asks for it. Here nobody may ask before a late operation, which
        // would be measured with that in it.
        let levels: Vec<RowId> = (0..skills * LEVELS).map(|_| pool.add_row()).collect();
        for (slot, skills) in (0..).zip(agents) {
            pool.place(slot, (0, id(slot)));
            staff.declare(slot, skills);
            for (skill, level) in skills {
                for row in &levels[*skill as usize * LEVELS..][1..=usize::from(*level)] {
                    pool.set(slot, *row, true);
                }
            }
        }
        Self {
            staff,
            lines: Lines::default(),
            waits: vec![NOWHERE; contacts],
            orders: vec![0; contacts],
            pool,
            idle,
            idles: vec![false; agents.len()],
            idlers: 0,
            levels,
            nobody,
            rows: Vec::new(),
            turn: 0,
        }
    }

    /// The first in line whom the agent may serve. None: it is idle from now on.
    pub fn free(&mut self, agent: u32) -> Option<u32> {
        let mut best = [None];
        self.lines.best(self.staff.of(agent), (0, Band::ALL), |_| true, &mut best);
        self.busy(agent);
        if let [Some((_, _, contact))] = best {
            self.leave(contact);
            return Some(contact);
        }
        self.turn += 1;
        self.pool.place(agent, (self.turn, id(agent)));
        self.pool.set(agent, self.idle, true);
        self.idles[agent as usize] = true;
        self.idlers += 1;
        None
    }

    /// The longest idle agent who may serve the contact. None: it waits.
    pub fn arrive(&mut self, contact: u32, needs: &[Level], order_ms: i64) -> Option<u32> {
        let found = if self.idlers == 0 { None } else { self.longest_idle(needs) };
        if let Some(agent) = found {
            self.busy(agent);
            return Some(agent);
        }
        self.waits[contact as usize] = self.lines.join(needs, key(contact, order_ms), contact);
        self.orders[contact as usize] = order_ms;
        None
    }

    /// The contact waits no longer. False: it did not.
    pub fn leave(&mut self, contact: u32) -> bool {
        let line = std::mem::replace(&mut self.waits[contact as usize], NOWHERE);
        if line != NOWHERE {
            self.lines.part(line, key(contact, self.orders[contact as usize]));
        }
        line != NOWHERE
    }

    fn busy(&mut self, agent: u32) {
        if std::mem::take(&mut self.idles[agent as usize]) {
            self.pool.set(agent, self.idle, false);
            self.idlers -= 1;
        }
    }

    fn longest_idle(&mut self, needs: &[Need]) -> Option<u32> {
        self.rows.clear();
        self.rows.push(self.idle);
        let able = |(skill, level): &Need| self.levels.get(*skill as usize * LEVELS + usize::from(*level));
        self.rows.extend(needs.iter().map(|need| able(need).unwrap_or(&self.nobody)));
        let mut found = None;
        self.pool.search(&self.rows, |agent| {
            found = Some(agent);
            ControlFlow::Break(())
        });
        found
    }
}

fn key(contact: u32, order_ms: i64) -> Key {
    Key { klass: 1, order_ms, seq: u64::from(contact) }
}

fn id(agent: u32) -> Id {
    Id(u128::from(agent).to_be_bytes())
}

/// The slots of one queue.
#[derive(Debug)]
pub struct Booking(SlotGrid);

impl Booking {
    /// So many slots from number 0 on, with room for so many each.
    pub fn new(slots: u32, capacity: u16) -> Self {
        Self(SlotGrid::new(0, (0..slots).map(|_| capacity)))
    }

    /// Book the first slot with room, this one or a later one.
    pub fn book(&mut self, wish: u32) -> Option<u32> {
        let slot = self.0.free_from(u64::from(wish))?;
        self.0.book(slot);
        u32::try_from(slot).ok()
    }

    /// Give back one booking of the slot.
    pub fn give_back(&mut self, slot: u32) {
        self.0.give_back(u64::from(slot));
    }
}
