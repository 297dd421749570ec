//! A bounded memory of ids: the newest `MEMORY_MS`, at most `MEMORY_MAX`, oldest forgotten first.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::words::Id;

/// How long a fact id or an ended contact is remembered.
pub(crate) const MEMORY_MS: u64 = 15 * 60 * 1_000;
/// And how many of them.
pub(crate) const MEMORY_MAX: usize = 1_000_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory<T> {
    /// What is remembered of an id, and since when.
    values: BTreeMap<Id, (u64, T)>,
    order: VecDeque<(u64, Id)>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<T> Memory<T> {
    /// What is remembered of `id` at `at_ms`: the window counts, not when somebody last tidied up.
    pub(crate) fn get(&self, id: &Id, at_ms: u64) -> Option<&T> {
        self.values.get(id).filter(|(then, _)| then + MEMORY_MS > at_ms).map(|(_, value)| value)
    }

    /// Remember `id` as of `at_ms`; within the window the first value of an id stays.
    pub(crate) fn remember(&mut self, id: Id, value: T, at_ms: u64) {
        if self.get(&id, at_ms).is_none() {
            self.values.insert(id, (at_ms, value));
            self.order.push_back((at_ms, id));
        }
    }

    /// Forget what is too old or too much at `at_ms`.
    pub(crate) fn forget(&mut self, at_ms: u64) {
        while self.order.len() > MEMORY_MAX || self.order.front().is_some_and(|(then, _)| then + MEMORY_MS <= at_ms) {
            let Some((then, id)) = self.order.pop_front() else { return };
            // An id that came back after its window stands in the order twice.
            if self.values.get(&id).is_some_and(|(since, _)| *since == then) {
                self.values.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Id = Id([1; 16]);

    #[test]
    fn forgets_at_the_end_of_the_window_and_not_before() {
        let mut memory = Memory::default();
        memory.remember(ID, 7, 1_000);
        assert_eq!(memory.get(&ID, 1_000 + MEMORY_MS - 1), Some(&7));
        assert_eq!(memory.get(&ID, 1_000 + MEMORY_MS), None);
        memory.forget(1_000 + MEMORY_MS);
        assert_eq!(memory, Memory::default());
    }

    #[test]
    fn the_first_value_stays_within_the_window() {
        let mut memory = Memory::default();
        memory.remember(ID, 7, 1_000);
        memory.remember(ID, 8, 2_000);
        assert_eq!(memory.get(&ID, 2_000), Some(&7));
    }

    #[test]
    fn an_id_that_came_back_is_remembered_anew() {
        let mut memory = Memory::default();
        memory.remember(ID, 7, 1_000);
        memory.remember(ID, 8, 1_000 + MEMORY_MS);
        memory.forget(1_000 + MEMORY_MS);
        assert_eq!(memory.get(&ID, 1_000 + MEMORY_MS), Some(&8));
    }
}
