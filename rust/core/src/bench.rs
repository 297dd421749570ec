//! The matching index by itself, for `make bench-core`: who waits, who is idle, who may serve whom; no words, no state, no policy.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::lines::{Lines, Need};
use crate::pool::{Pool, RowId};
use crate::words::{Id, Key};

/// A skill by number, and a level.
pub type Level = Need;

/// So often (in contacts) lines in which nobody waits are looked for.
const TIDY_EVERY: u32 = 4_096;

/// What waits where.
#[derive(Debug, Clone, Copy)]
struct Waits {
    line: u32,
    key: Key,
}

/// Agents and contacts by number.
#[derive(Debug)]
pub struct Matching {
    skills: Vec<Vec<Need>>,
    lines: Lines,
    waits: Vec<Option<Waits>>,
    needs: Vec<Box<[Need]>>,
    pool: Pool,
    /// Who is idle: as a row, one by one, and how many.
    idle: RowId,
    idles: Vec<bool>,
    idlers: u32,
    /// Who is able to meet a need.
    levels: BTreeMap<Need, RowId>,
    turn: u64,
}

impl Matching {
    /// Agents with these skills (skill and level, in the order of skills), all of them busy, and room for so many contacts.
    pub fn new(agents: Vec<Vec<Level>>, contacts: usize) -> Self {
        let mut pool = Pool::default();
        let idle = pool.add_row();
        let count = agents.len();
        (0..).zip(&agents).for_each(|(slot, _)| pool.place(slot, (0, id(slot))));
        Self {
            skills: agents,
            lines: Lines::default(),
            waits: vec![None; contacts],
            needs: vec![Box::default(); contacts],
            pool,
            idle,
            idles: vec![false; count],
            idlers: 0,
            levels: BTreeMap::new(),
            turn: 0,
        }
    }

    /// The first in line whom the agent may serve. None: it is idle from now on.
    pub fn free(&mut self, agent: u32) -> Option<u32> {
        let slot = agent as usize;
        let skills = &self.skills[slot];
        let serves = |needs: &[Need]| meets(skills, needs);
        self.lines.learn(agent, serves);
        let mut best = [None; 2];
        let takes = |contact: u32, shared: bool| !shared || meets(skills, &self.needs[contact as usize]);
        self.lines.two_best(agent, 0, serves, takes, &mut best);
        let [first, _] = best;
        self.busy(agent);
        if let Some((_, _, contact)) = first {
            self.leave(contact);
            return Some(contact);
        }
        self.turn += 1;
        self.pool.place(agent, (self.turn, id(agent)));
        self.pool.set(agent, self.idle, true);
        self.idles[slot] = true;
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
        let key = Key { klass: 1, order_ms, seq: u64::from(contact) };
        let line = self.lines.join(needs, key, contact);
        self.waits[contact as usize] = Some(Waits { line, key });
        self.needs[contact as usize] = needs.into();
        if contact.is_multiple_of(TIDY_EVERY) {
            self.tidy();
        }
        None
    }

    /// The contact waits no longer. False: it did not.
    pub fn leave(&mut self, contact: u32) -> bool {
        let Some(waits) = self.waits[contact as usize].take() else { return false };
        self.lines.part(waits.line, waits.key);
        true
    }

    fn busy(&mut self, agent: u32) {
        if std::mem::take(&mut self.idles[agent as usize]) {
            self.pool.set(agent, self.idle, false);
            self.idlers -= 1;
        }
    }

    fn longest_idle(&mut self, needs: &[Need]) -> Option<u32> {
        let mut rows = vec![self.idle];
        for need in needs {
            rows.push(self.row(*need));
        }
        let mut found = None;
        self.pool.search(&rows, |agent| {
            found = Some(agent);
            ControlFlow::Break(())
        });
        found
    }

    /// The agents who can do this at this level: found out when first asked.
    fn row(&mut self, need: Need) -> RowId {
        if let Some(row) = self.levels.get(&need) {
            return *row;
        }
        let row = self.pool.add_row();
        for (agent, skills) in (0..).zip(&self.skills) {
            if meets(skills, &[need]) {
                self.pool.set(agent, row, true);
            }
        }
        self.levels.insert(need, row);
        row
    }

    fn tidy(&mut self) {
        if let Some(moved) = self.lines.tidy() {
            for waits in self.waits.iter_mut().flatten() {
                waits.line = moved[&waits.line];
            }
        }
    }
}

fn meets(skills: &[Need], needs: &[Need]) -> bool {
    needs.iter().all(|(skill, level)| skills.iter().any(|(held, at)| held == skill && at >= level))
}

fn id(agent: u32) -> Id {
    Id(u128::from(agent).to_be_bytes())
}
