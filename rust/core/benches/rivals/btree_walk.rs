//! The best of the simple routers: one ordered line of contacts and one of agents, walked from the head to the first that suits.

use std::collections::BTreeMap;

use super::workload::Index;
use super::{Level, NOBODY};

const SKILLS: usize = 64;
const REQUIREMENTS: usize = 3;

/// What a contact needs, side by side with its place so that the walk follows no pointer.
#[derive(Clone, Copy)]
struct Needs {
    count: u8,
    levels: [Level; REQUIREMENTS],
}

pub(crate) struct BtreeWalk {
    agents: Vec<[u8; SKILLS]>,
    line: BTreeMap<(i64, u32), Needs>,
    /// Of each contact: its place while it waits.
    orders: Vec<Option<i64>>,
    idle: BTreeMap<u64, u32>,
    /// Of each agent: the turn in which it became idle.
    since: Vec<Option<u64>>,
    turn: u64,
}

impl Index for BtreeWalk {
    fn new(agents: &[Vec<Level>], contacts: usize) -> Self {
        let table = |skills: &Vec<Level>| {
            let mut levels = [0; SKILLS];
            for (skill, level) in skills {
                levels[*skill as usize] = *level;
            }
            levels
        };
        Self {
            agents: agents.iter().map(table).collect(),
            line: BTreeMap::new(),
            orders: vec![None; contacts],
            idle: BTreeMap::new(),
            since: vec![None; agents.len()],
            turn: 0,
        }
    }

    fn free(&mut self, agent: u32) -> u32 {
        if let Some(turn) = self.since[agent as usize].take() {
            self.idle.remove(&turn);
        }
        let levels = &self.agents[agent as usize];
        let first = self.line.iter().find(|(_, needs)| suits(levels, **needs)).map(|(place, _)| *place);
        if let Some(place) = first {
            self.line.remove(&place);
            self.orders[place.1 as usize] = None;
            return place.1;
        }
        self.turn += 1;
        self.idle.insert(self.turn, agent);
        self.since[agent as usize] = Some(self.turn);
        NOBODY
    }

    fn arrive(&mut self, contact: u32, levels: &[Level], order: i64) -> u32 {
        let mut needs = Needs { count: u8::try_from(levels.len()).unwrap(), levels: [(0, 0); REQUIREMENTS] };
        needs.levels[..levels.len()].copy_from_slice(levels);
        let longest =
            self.idle.iter().find(|(_, agent)| suits(&self.agents[**agent as usize], needs)).map(|(turn, agent)| (*turn, *agent));
        if let Some((turn, agent)) = longest {
            self.idle.remove(&turn);
            self.since[agent as usize] = None;
            return agent;
        }
        self.line.insert((order, contact), needs);
        self.orders[contact as usize] = Some(order);
        NOBODY
    }

    fn leave(&mut self, contact: u32) -> bool {
        self.orders[contact as usize].take().is_some_and(|order| self.line.remove(&(order, contact)).is_some())
    }
}

fn suits(levels: &[u8; SKILLS], needs: Needs) -> bool {
    needs.levels[..usize::from(needs.count)].iter().all(|(skill, level)| levels[*skill as usize] >= *level)
}
