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
    values: BTreeMap<Id, T>,
    order: VecDeque<(u64, Id)>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<T> Memory<T> {
    pub(crate) fn get(&self, id: &Id) -> Option<&T> {
        self.values.get(id)
    }

    pub(crate) fn contains(&self, id: &Id) -> bool {
        self.values.contains_key(id)
    }

    /// Remember `id` as of `at_ms`; the first value of an id stays.
    pub(crate) fn remember(&mut self, id: Id, value: T, at_ms: u64) {
        if let std::collections::btree_map::Entry::Vacant(slot) = self.values.entry(id) {
            slot.insert(value);
            self.order.push_back((at_ms, id));
        }
    }

    /// Forget what is too old or too much at `at_ms`.
    pub(crate) fn forget(&mut self, at_ms: u64) {
        while self.order.len() > MEMORY_MAX || self.order.front().is_some_and(|(then, _)| then + MEMORY_MS <= at_ms) {
            if let Some((_, id)) = self.order.pop_front() {
                self.values.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_after_the_window_and_not_before() {
        let mut memory = Memory::default();
        memory.remember(Id([1; 16]), 7, 1_000);
        memory.forget(1_000 + MEMORY_MS - 1);
        assert_eq!(memory.get(&Id([1; 16])), Some(&7));
        memory.forget(1_000 + MEMORY_MS);
        assert!(!memory.contains(&Id([1; 16])));
    }

    #[test]
    fn the_first_value_stays() {
        let mut memory = Memory::default();
        memory.remember(Id([1; 16]), 7, 1_000);
        memory.remember(Id([1; 16]), 8, 2_000);
        assert_eq!(memory.get(&Id([1; 16])), Some(&7));
    }
}
