//! A workload as tests/benchmarks/workload.py wrote it: 64-bit integers, each list after its length.

use super::{Level, NOBODY};

/// Agents and contacts by number.
pub(crate) struct Workload {
    pub(crate) agents: Vec<Vec<Level>>,
    pub(crate) sets: Vec<Vec<Level>>,
    /// Contacts that wait at the start; the others arrive one by one.
    pub(crate) waiting: usize,
    /// Of each contact: the number of its requirement set.
    pub(crate) needs: Vec<usize>,
    /// Of each contact: its place in the line.
    pub(crate) orders: Vec<i64>,
    /// Who frees, one an operation.
    pub(crate) freed: Vec<u32>,
    /// Who leaves, one an operation: so many arrivals ago it came (0: nobody).
    pub(crate) leaving: Vec<u32>,
    /// Who is idle at the start of the idle pool, longest first.
    pub(crate) idle: Vec<u32>,
}

impl Workload {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut numbers = bytes.chunks_exact(8).map(|number| i64::from_le_bytes(number.try_into().unwrap()));
        let numbers = &mut numbers;
        let agents = levels(numbers);
        let sets = levels(numbers);
        let waiting = numbers.next().unwrap().try_into().unwrap();
        Self {
            agents,
            sets,
            waiting,
            needs: list(numbers),
            orders: list(numbers),
            freed: list(numbers),
            leaving: list(numbers),
            idle: list(numbers),
        }
    }
}

fn list<T: TryFrom<i64, Error: std::fmt::Debug>>(numbers: &mut impl Iterator<Item = i64>) -> Vec<T> {
    let length = numbers.next().unwrap();
    (0..length).map(|_| numbers.next().unwrap().try_into().unwrap()).collect()
}

fn levels(numbers: &mut impl Iterator<Item = i64>) -> Vec<Vec<Level>> {
    let length = numbers.next().unwrap();
    let one = |numbers: &mut dyn Iterator<Item = i64>| -> Level {
        (numbers.next().unwrap().try_into().unwrap(), numbers.next().unwrap().try_into().unwrap())
    };
    (0..length)
        .map(|_| {
            let skills = numbers.next().unwrap();
            (0..skills).map(|_| one(numbers)).collect()
        })
        .collect()
}

/// FNV-1a over 32-bit numbers, as tests/benchmarks/workload.py has it.
pub(crate) fn fnv(found: &[u32]) -> u64 {
    let bytes = found.iter().flat_map(|number| number.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |digest, byte| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// An index that is measured: who waits, who is idle, who may serve whom.
pub(crate) trait Index {
    fn new(agents: &[Vec<Level>], contacts: usize) -> Self;
    /// The first in line whom the agent may serve. `NOBODY`: it is idle from now on.
    fn free(&mut self, agent: u32) -> u32;
    /// The longest idle agent who may serve the contact. `NOBODY`: it waits.
    fn arrive(&mut self, contact: u32, needs: &[Level], order: i64) -> u32;
    /// The contact waits no longer. False: it did not.
    fn leave(&mut self, contact: u32) -> bool;
}

/// A workload in progress: one operation after the other.
pub(crate) trait Course {
    /// Who was found.
    fn step(&mut self, work: &Workload) -> u32;
}

/// All agents are busy. One frees and takes a contact, another contact arrives; now and then one leaves.
pub(crate) struct Backlog<I> {
    index: I,
    operation: usize,
    arrived: usize,
}

impl<I: Index> Backlog<I> {
    pub(crate) fn new(work: &Workload) -> Self {
        let mut course = Self { index: I::new(&work.agents, work.needs.len()), operation: 0, arrived: 0 };
        for _ in 0..work.waiting {
            course.arrive(work);
        }
        course
    }

    fn arrive(&mut self, work: &Workload) {
        let contact = self.arrived;
        self.index.arrive(u32::try_from(contact).unwrap(), &work.sets[work.needs[contact]], work.orders[contact]);
        self.arrived += 1;
    }
}

impl<I: Index> Course for Backlog<I> {
    fn step(&mut self, work: &Workload) -> u32 {
        let found = self.index.free(work.freed[self.operation]);
        if found != NOBODY {
            self.arrive(work);
        }
        let leaving = work.leaving[self.operation];
        if leaving != 0 && self.index.leave(u32::try_from(self.arrived).unwrap() - leaving) {
            self.arrive(work);
        }
        self.operation += 1;
        found
    }
}

/// Half of the agents are idle, nobody waits. A contact arrives; the longest busy agent frees if it finds one, else it leaves.
pub(crate) struct IdlePool<I> {
    index: I,
    arrived: usize,
    busy: Vec<u32>,
    longest: usize,
}

impl<I: Index> IdlePool<I> {
    pub(crate) fn new(work: &Workload) -> Self {
        let mut index = I::new(&work.agents, work.needs.len());
        let mut idle = vec![false; work.agents.len()];
        for agent in &work.idle {
            index.free(*agent);
            idle[*agent as usize] = true;
        }
        let busy = (0..).zip(idle).filter(|(_, idle)| !idle).map(|(agent, _)| agent).collect();
        Self { index, arrived: 0, busy, longest: 0 }
    }
}

impl<I: Index> Course for IdlePool<I> {
    fn step(&mut self, work: &Workload) -> u32 {
        let contact = u32::try_from(self.arrived).unwrap();
        let found = self.index.arrive(contact, &work.sets[work.needs[self.arrived]], work.orders[self.arrived]);
        self.arrived += 1;
        if found == NOBODY {
            self.index.leave(contact);
        } else {
            self.busy.push(found);
            self.index.free(self.busy[self.longest]);
            self.longest += 1;
        }
        found
    }
}
