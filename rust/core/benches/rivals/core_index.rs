//! The core's own index as a contender.

use cordboard_core::bench::Matching;

use super::workload::Index;
use super::{Level, NOBODY};

impl Index for Matching {
    fn new(agents: &[Vec<Level>], contacts: usize) -> Self {
        Self::new(agents, contacts)
    }

    fn free(&mut self, agent: u32) -> u32 {
        self.free(agent).unwrap_or(NOBODY)
    }

    fn arrive(&mut self, contact: u32, needs: &[Level], order: i64) -> u32 {
        self.arrive(contact, needs, order).unwrap_or(NOBODY)
    }

    fn leave(&mut self, contact: u32) -> bool {
        self.leave(contact)
    }
}
