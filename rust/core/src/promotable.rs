//! Waiting contacts of a queue that may be promoted some time: those whose time has come by key, the others by their time.

use std::collections::BTreeSet;

use crate::words::{Id, Key};

/// Costs: `add`, `remove` and `first` the logarithm of how many there are, after `reach` of the same instant; without it `first` looks at everybody
/// whose time has come since the last one. `reach` moves each contact once.
///
/// Where somebody stands is no part of what this is: it depends on when it was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Promotable {
    /// Their time has come, with when it was.
    due: BTreeSet<(Key, Id, u64)>,
    coming: BTreeSet<(u64, Key, Id)>,
}

impl Promotable {
    /// None: at no time.
    pub(crate) fn add(&mut self, key: Key, id: Id, at_ms: Option<u64>) {
        self.coming.extend(at_ms.map(|at_ms| (at_ms, key, id)));
    }

    pub(crate) fn remove(&mut self, key: Key, id: Id, at_ms: Option<u64>) {
        let Some(at_ms) = at_ms else { return };
        if !self.coming.remove(&(at_ms, key, id)) {
            self.due.remove(&(key, id, at_ms));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.due.is_empty() && self.coming.is_empty()
    }

    /// Those whose time has come by `now_ms` stand by key from now on.
    pub(crate) fn reach(&mut self, now_ms: u64) {
        while self.coming.first().is_some_and(|(at_ms, ..)| *at_ms <= now_ms) {
            self.due.extend(self.coming.pop_first().map(|(at_ms, key, id)| (key, id, at_ms)));
        }
    }

    /// The least by key whose time has come by `now_ms`, whatever was reached before.
    pub(crate) fn first(&self, now_ms: u64) -> Option<Id> {
        let due = self.due.iter().find(|(.., at_ms)| *at_ms <= now_ms).map(|(key, id, _)| (*key, *id));
        let come = self.coming.iter().take_while(|(at_ms, ..)| *at_ms <= now_ms).map(|(_, key, id)| (*key, *id)).min();
        due.into_iter().chain(come).min().map(|(_, id)| id)
    }
}

/// The same contacts with the same times.
impl PartialEq for Promotable {
    fn eq(&self, other: &Self) -> bool {
        let all = |promotable: &Self| -> BTreeSet<(Key, Id, u64)> {
            let coming = promotable.coming.iter().map(|(at_ms, key, id)| (*key, *id, *at_ms));
            promotable.due.iter().copied().chain(coming).collect()
        };
        all(self) == all(other)
    }
}

impl Eq for Promotable {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(number: u8) -> Key {
        // Two neighbours differ in their arrival only.
        Key { klass: 2, order_ms: i64::from(number / 2), seq: u64::from(number) }
    }

    proptest! {
        /// Whenever it is asked, also of earlier instants: what a search of all of them finds.
        #[test]
        fn the_first_is_what_a_search_finds(steps in prop::collection::vec((0..40_u8, 0..60_u64, 0..4_u8), 1..200)) {
            let (mut promotable, mut all) = (Promotable::default(), BTreeSet::<(Key, Id, u64)>::new());
            for (number, ms, what) in steps {
                let (key, id) = (key(number), Id([number; 16]));
                let known = all.iter().find(|(_, known, _)| *known == id).copied();
                match (what, known) {
                    (0, Some((.., at_ms))) => {
                        promotable.remove(key, id, Some(at_ms));
                        all.retain(|(_, known, _)| *known != id);
                    }
                    (1, None) => {
                        promotable.add(key, id, Some(ms));
                        all.insert((key, id, ms));
                    }
                    (2, _) => promotable.reach(ms),
                    _ => {}
                }
                let found = all.iter().find(|(.., at_ms)| *at_ms <= ms).map(|(_, id, _)| *id);
                prop_assert_eq!(promotable.first(ms), found);
                prop_assert_eq!(promotable.is_empty(), all.is_empty());
                let mut fresh = Promotable::default();
                for (key, id, at_ms) in &all {
                    fresh.add(*key, *id, Some(*at_ms));
                }
                prop_assert!(fresh == promotable);
            }
            promotable.reach(60);
            prop_assert!(promotable.coming.is_empty());
        }
    }
}
