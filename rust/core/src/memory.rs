//! A bounded memory of ids: the newest `MEMORY_MS`, at most `MEMORY_MAX`, oldest forgotten first.

use std::collections::VecDeque;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::places::{mixed, seed_among, Places, Spread};
use crate::state::Place;
use crate::words::Id;

/// How long a fact id or an ended contact is remembered.
pub(crate) const MEMORY_MS: u64 = 15 * 60 * 1_000;
/// And how many of them.
pub(crate) const MEMORY_MAX: usize = 1_000_000;
/// The bits of a number that make its slot.
const SLOTS: usize = 0x7fff_ffff;

/// Costs: every call is constant, however much is remembered; what was forgotten was remembered once.
#[derive(Debug, Clone)]
pub(crate) struct Memory<T> {
    /// The number of the oldest one: so many were forgotten.
    first: u64,
    /// Since when, oldest first, and what is remembered of it.
    ring: VecDeque<(u64, Id, T)>,
    places: Places,
    digest: u128,
}

/// What can be remembered of an id.
pub(crate) trait Recollection: Copy {
    /// All of it as numbers.
    fn numbers(self) -> (u64, u64);
}

impl Recollection for Place {
    fn numbers(self) -> (u64, u64) {
        (self.seq, self.entry)
    }
}

/// That it was.
impl Recollection for () {
    fn numbers(self) -> (u64, u64) {
        (0, 0)
    }
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self { first: 0, ring: VecDeque::new(), places: Places::default(), digest: 0 }
    }
}

impl<T: Recollection> Memory<T> {
    /// Look for ids under this seed from now on, unless there is one. Moves every place, if there is anything yet.
    pub(crate) fn seed(&mut self, seed: u64) {
        if self.places.seed() != 0 {
            return;
        }
        self.places = Places::seeded(seed);
        for (number, (_, id, _)) in (self.first..).zip(&self.ring) {
            self.places.insert(id.spread(seed), slot(number), |_| false);
        }
    }

    #[cfg(test)]
    pub(crate) fn farthest(&self) -> usize {
        self.places.farthest()
    }

    /// What is remembered of `id` at `at_ms`: the window counts, not when somebody last tidied up.
    pub(crate) fn get(&self, id: &Id, at_ms: u64) -> Option<&T> {
        let (_, slot) = self.find(id)?;
        self.ring.get(index(self.first, slot)).filter(|(then, ..)| then + MEMORY_MS > at_ms).map(|(_, _, value)| value)
    }

    /// Remember `id` as of `at_ms`, which never runs back; within the window the first value of an id stays.
    pub(crate) fn remember(&mut self, id: Id, value: T, at_ms: u64) {
        self.forget_old(at_ms);
        self.push((at_ms, id, value));
    }

    /// Forget what is too old or too much at `at_ms`.
    pub(crate) fn forget(&mut self, at_ms: u64) {
        self.forget_old(at_ms);
        while self.ring.len() > MEMORY_MAX {
            self.forget_first();
        }
    }

    /// The same for equal memories: the sum, over what is remembered, of a mix of its number, its id, its time and its value. Kept as
    /// entries come and go; no entry is read for it.
    pub(crate) fn digest(&self) -> [u8; 16] {
        self.digest.to_be_bytes()
    }

    /// So many were forgotten.
    pub(crate) fn forgotten(&self) -> u64 {
        self.first
    }

    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    /// Unless its id is there.
    fn push(&mut self, entry: (u64, Id, T)) {
        let (ring, first) = (&self.ring, self.first);
        let number = first + ring.len() as u64;
        let known = |found| matches!(ring.get(index(first, found)), Some((_, known, _)) if *known == entry.1);
        if self.places.insert(entry.1.spread(self.places.seed()), slot(number), known).is_none() {
            self.digest = self.digest.wrapping_add(mix(number, &entry));
            self.ring.push_back(entry);
        }
    }

    fn forget_old(&mut self, at_ms: u64) {
        while self.ring.front().is_some_and(|(then, ..)| then + MEMORY_MS <= at_ms) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((place, _)) = self.ring.front().and_then(|(_, id, _)| self.find(id)) {
            self.places.remove(place);
        }
        if let Some(entry) = self.ring.pop_front() {
            self.digest = self.digest.wrapping_sub(mix(self.first, &entry));
            self.first += 1;
        }
    }

    /// See `Places::glance`.
    pub(crate) fn glance(&self, id: &Id) -> u64 {
        self.places.glance(id.spread(self.places.seed()))
    }

    fn find(&self, id: &Id) -> Option<(usize, usize)> {
        let hash = id.spread(self.places.seed());
        self.places.find(hash, |slot| matches!(self.ring.get(index(self.first, slot)), Some((_, known, _)) if known == id))
    }
}

/// Where a slot stands in a ring that begins with this number.
fn index(first: u64, found: usize) -> usize {
    found.wrapping_sub(slot(first) as usize) & SLOTS
}

/// A number as a slot: more slots than are ever remembered at once.
#[allow(clippy::cast_possible_truncation)] // masked
fn slot(number: u64) -> u32 {
    number as u32 & SLOTS as u32
}

/// Everything of an entry, so that no other is likely to have the same.
fn mix<T: Recollection>(number: u64, (at_ms, id, value): &(u64, Id, T)) -> u128 {
    let (one, other) = value.numbers();
    // Without any seed: it stands in the hash of the state.
    let what = mixed(u128::from(id.spread(0)) << 64 | u128::from(number));
    let when = mixed(u128::from(mixed(u128::from(one) << 64 | u128::from(other))) << 64 | u128::from(*at_ms));
    let both = u128::from(what) << 64 | u128::from(when);
    u128::from(mixed(both)) << 64 | u128::from(mixed(both.rotate_left(32)))
}

/// Equal if the same is remembered since the same times.
impl<T: PartialEq> PartialEq for Memory<T> {
    fn eq(&self, other: &Self) -> bool {
        self.first == other.first && self.ring == other.ring
    }
}

impl<T: Eq> Eq for Memory<T> {}

impl<T: Serialize> Serialize for Memory<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.first, &self.ring).serialize(serializer)
    }
}

impl<'de, T: Recollection + Deserialize<'de>> Deserialize<'de> for Memory<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (first, entries) = <(u64, Vec<(u64, Id, T)>)>::deserialize(deserializer)?;
        let mut memory = Self { first, ..Self::default() };
        memory.seed(seed_among(entries.iter().map(|(_, id, _)| id)));
        for entry in entries {
            memory.push(entry);
        }
        Ok(memory)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const ID: Id = Id([1; 16]);

    fn place(seq: u64) -> Place {
        Place { seq, entry: 0 }
    }

    #[test]
    fn forgets_at_the_end_of_the_window_and_not_before() {
        let mut memory = Memory::default();
        memory.remember(ID, place(7), 1_000);
        assert_eq!(memory.get(&ID, 1_000 + MEMORY_MS - 1), Some(&place(7)));
        assert_eq!(memory.get(&ID, 1_000 + MEMORY_MS), None);
        memory.forget(1_000 + MEMORY_MS);
        assert_eq!((memory.len(), memory.forgotten(), memory.digest()), (0, 1, [0; 16]));
    }

    #[test]
    fn the_first_value_stays_within_the_window() {
        let mut memory = Memory::default();
        memory.remember(ID, place(7), 1_000);
        memory.remember(ID, place(8), 2_000);
        assert_eq!(memory.get(&ID, 2_000), Some(&place(7)));
    }

    #[test]
    fn an_id_that_came_back_is_remembered_anew() {
        let mut memory = Memory::default();
        memory.remember(ID, place(7), 1_000);
        memory.remember(ID, place(8), 1_000 + MEMORY_MS);
        memory.forget(1_000 + MEMORY_MS);
        assert_eq!(memory.get(&ID, 1_000 + MEMORY_MS), Some(&place(8)));
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let id = |number: u32| Id(u128::from(number).to_be_bytes());
        let count = u32::try_from(MEMORY_MAX).unwrap() + 3;
        let mut memory = Memory::default();
        (0..count).for_each(|number| memory.remember(id(number), (), 5));
        memory.forget(5);
        let known: Vec<bool> = [0, 2, 3, count - 1].iter().map(|number| memory.get(&id(*number), 5).is_some()).collect();
        assert_eq!((memory.len(), known), (MEMORY_MAX, vec![false, false, true, true]));
    }

    proptest! {
        /// Against a map that forgets nothing: what it knows of the window is what the memory knows.
        #[test]
        fn a_memory_is_a_map_with_a_window(steps in prop::collection::vec((any::<u8>(), 0..MEMORY_MS / 20, any::<bool>()), 0..300)) {
            let (mut memory, mut since) = (Memory::default(), BTreeMap::<Id, (u64, Place)>::new());
            let mut at_ms = 0;
            for (seq, (number, passed_ms, tidies)) in (0..).zip(steps) {
                at_ms += passed_ms;
                let id = Id([number; 16]);
                let known = since.get(&id).filter(|(then, _)| then + MEMORY_MS > at_ms).map(|(_, value)| *value);
                prop_assert_eq!(memory.get(&id, at_ms).copied(), known);
                memory.remember(id, place(seq), at_ms);
                if known.is_none() {
                    since.insert(id, (at_ms, place(seq)));
                }
                if tidies {
                    memory.forget(at_ms);
                }
            }
            memory.forget(at_ms);
            since.retain(|_, (then, _)| *then + MEMORY_MS > at_ms);
            prop_assert_eq!(memory.len(), since.len());
            let bytes = rmp_serde::to_vec(&memory).unwrap();
            let again: Memory<Place> = rmp_serde::from_slice(&bytes).unwrap();
            prop_assert_eq!((&again, again.digest()), (&memory, memory.digest()));
            prop_assert!(since.iter().all(|(id, (_, value))| again.get(id, at_ms) == Some(value)));
        }
    }
}
