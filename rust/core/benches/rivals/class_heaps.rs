//! The Python peer's class heaps again, in Rust and without what a router needs besides: how far this machine lets an index go.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::workload::Index;
use super::{Level, NOBODY};

/// Place in the line and number in one, in the order of the line.
type Entry = Reverse<u128>;

pub(crate) struct ClassHeaps {
    agents: Vec<Vec<Level>>,
    numbers: HashMap<Vec<Level>, u32>,
    heaps: Vec<BinaryHeap<Entry>>,
    heads: Vec<u128>,
    /// By agent: the classes it may serve.
    served: Vec<Vec<u32>>,
    /// By contact: it waits.
    waits: Vec<bool>,
    of: Vec<u32>,
    /// By class: idle agents that may serve it, longest first; stale entries are dropped when met.
    pools: Vec<BinaryHeap<Reverse<(u64, u32)>>>,
    since: Vec<u64>,
    turn: u64,
}

impl Index for ClassHeaps {
    fn new(agents: &[Vec<Level>], contacts: usize) -> Self {
        Self {
            agents: agents.to_vec(),
            numbers: HashMap::new(),
            heaps: Vec::new(),
            heads: Vec::new(),
            served: vec![Vec::new(); agents.len()],
            waits: vec![false; contacts],
            of: vec![0; contacts],
            pools: Vec::new(),
            since: vec![0; agents.len()],
            turn: 0,
        }
    }

    fn free(&mut self, agent: u32) -> u32 {
        self.since[agent as usize] = 0;
        let served = &self.served[agent as usize];
        let best = served.iter().map(|number| (self.heads[*number as usize], *number)).min();
        if let Some((head, number)) = best.filter(|(head, _)| *head != u128::MAX) {
            let contact = contact_of(head);
            self.waits[contact as usize] = false;
            self.next_head(number);
            return contact;
        }
        self.turn += 1;
        self.since[agent as usize] = self.turn;
        for number in served {
            self.pools[*number as usize].push(Reverse((self.turn, agent)));
        }
        NOBODY
    }

    fn arrive(&mut self, contact: u32, needs: &[Level], order: i64) -> u32 {
        let number = match self.numbers.get(needs) {
            Some(number) => *number,
            None => self.add_class(needs),
        };
        while let Some(Reverse((turn, agent))) = self.pools[number as usize].pop() {
            if self.since[agent as usize] == turn {
                self.since[agent as usize] = 0;
                return agent;
            }
        }
        let entry = (u128::from(order.cast_unsigned() ^ (1 << 63)) << 32) | u128::from(contact);
        self.heaps[number as usize].push(Reverse(entry));
        self.heads[number as usize] = self.heads[number as usize].min(entry);
        self.waits[contact as usize] = true;
        self.of[contact as usize] = number;
        NOBODY
    }

    fn leave(&mut self, contact: u32) -> bool {
        if !std::mem::take(&mut self.waits[contact as usize]) {
            return false;
        }
        let number = self.of[contact as usize];
        if contact_of(self.heads[number as usize]) == contact {
            self.next_head(number);
        }
        true
    }
}

impl ClassHeaps {
    /// The head is gone: the next one who still waits stands there.
    fn next_head(&mut self, number: u32) {
        let heap = &mut self.heaps[number as usize];
        heap.pop();
        while heap.peek().is_some_and(|Reverse(entry)| !self.waits[contact_of(*entry) as usize]) {
            heap.pop();
        }
        self.heads[number as usize] = heap.peek().map_or(u128::MAX, |Reverse(entry)| *entry);
    }

    fn add_class(&mut self, needs: &[Level]) -> u32 {
        let number = u32::try_from(self.heaps.len()).unwrap();
        self.numbers.insert(needs.to_vec(), number);
        self.heaps.push(BinaryHeap::new());
        self.heads.push(u128::MAX);
        let mut pool = BinaryHeap::new();
        for (agent, skills) in (0..).zip(&self.agents) {
            if needs.iter().all(|(skill, level)| skills.iter().any(|(held, at)| held == skill && at >= level)) {
                self.served[agent as usize].push(number);
                if self.since[agent as usize] != 0 {
                    pool.push(Reverse((self.since[agent as usize], agent)));
                }
            }
        }
        self.pools.push(pool);
        number
    }
}

fn contact_of(entry: u128) -> u32 {
    (entry & u128::from(u32::MAX)).try_into().unwrap()
}
