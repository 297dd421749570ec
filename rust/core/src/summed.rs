//! A table that knows the sum of its entries' hashes, so that the hash of a large state costs what was changed since the last one.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use twox_hash::XxHash3_128;

use crate::codec::plain;
use crate::places::Spread;
use crate::table::Table;

/// The hash of an entry, or a sum of such, as four numbers that are added each for itself. The order of adding does not matter.
pub(crate) type Sum = [u64; 4];

/// How an entry is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// BLAKE3: up to level 3.
    Blake3,
    /// XXH3 in 128 bits, high half first, and zeros: the sum is to find faults, and no adversary (docs/adr/0013).
    Xxh3,
}

/// Costs: as a `Table`; `sum` and `settle` take a hash for every entry that was touched since the last `settle`, and for all of them when they are
/// hashed another way from now on.
#[derive(Clone)]
pub(crate) struct Summed<K, V> {
    table: Table<K, Entry<V>>,
    /// Of the entries as they were last hashed.
    sum: Sum,
    /// Keys of entries that may have changed since; some are gone, some stand here twice.
    touched: Vec<K>,
    /// How they were hashed.
    leaves: Leaves,
}

#[derive(Debug, Clone)]
struct Entry<V> {
    value: V,
    /// What it has added to the sum.
    leaf: Sum,
    touched: bool,
}

/// What was summed up says nothing about what an entry is.
impl<V: PartialEq> PartialEq for Entry<V> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<K: Spread + Copy, V> Default for Summed<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Spread + Copy, V> Summed<K, V> {
    pub(crate) fn new() -> Self {
        Self { table: Table::new(), sum: Sum::default(), touched: Vec::new(), leaves: Leaves::Blake3 }
    }

    /// See `Table::seed`.
    pub(crate) fn seed(&mut self, seed: u64) {
        self.table.seed(seed);
    }

    #[cfg(test)]
    pub(crate) fn farthest(&self) -> usize {
        self.table.farthest()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.table.get(key).map(|entry| &entry.value)
    }

    /// To change it.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.get_mut_with_slot(key).map(|(_, value)| value)
    }

    /// To change it, and where it stands.
    pub(crate) fn get_mut_with_slot(&mut self, key: &K) -> Option<(u32, &mut V)> {
        let slot = self.table.slot(key)?;
        let entry = self.table.at_mut(slot)?;
        if !entry.touched {
            entry.touched = true;
            self.touched.push(*key);
        }
        Some((slot, &mut entry.value))
    }

    /// See `Table::slot`.
    pub(crate) fn slot(&self, key: &K) -> Option<u32> {
        self.table.slot(key)
    }

    /// See `Table::likely_slot`.
    pub(crate) fn likely_slot(&self, key: &K) -> Option<u32> {
        self.table.likely_slot(key)
    }

    /// The value that stands there.
    pub(crate) fn at(&self, slot: u32) -> Option<&V> {
        self.table.at(slot).map(|entry| &entry.value)
    }

    /// The value that the key had before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(known) = self.get_mut(&key) {
            return Some(std::mem::replace(known, value));
        }
        self.touched.push(key);
        self.table.insert(key, Entry { value, leaf: Sum::default(), touched: true });
        None
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let entry = self.table.remove(key)?;
        self.sum = less(self.sum, entry.leaf);
        Some(entry.value)
    }

    /// In the order of the keys; so are `keys` and `values`. They sort first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.table.iter().map(|(key, entry)| (key, &entry.value))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.table.keys()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.table.values().map(|entry| &entry.value)
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }
}

impl<K: Spread + Copy + Serialize, V: Serialize> Summed<K, V> {
    /// The sum of the hashes of all entries: equal for equal tables, however they came to be.
    pub(crate) fn sum(&self, leaves: Leaves) -> Sum {
        let mut room = Vec::new();
        if leaves != self.leaves {
            let all = self.table.iter().map(|(key, entry)| leaves.hash(key, &entry.value, &mut room));
            return all.fold(Sum::default(), plus);
        }
        let mut touched = self.touched.clone();
        touched.sort_unstable();
        touched.dedup();
        let entries = touched.iter().filter_map(|key| Some((key, self.table.get(key).filter(|entry| entry.touched)?)));
        entries.fold(self.sum, |sum, (key, entry)| plus(less(sum, entry.leaf), leaves.hash(key, &entry.value, &mut room)))
    }

    /// Hash what was touched, so that it need not be hashed again.
    pub(crate) fn settle(&mut self, leaves: Leaves) {
        if leaves != self.leaves {
            self.begin_again(leaves);
        }
        let mut room = Vec::new();
        for key in std::mem::take(&mut self.touched) {
            if let Some(entry) = self.table.get_mut(&key).filter(|entry| entry.touched) {
                let now = leaves.hash(&key, &entry.value, &mut room);
                self.sum = plus(less(self.sum, entry.leaf), now);
                (entry.leaf, entry.touched) = (now, false);
            }
        }
    }

    /// Nothing was hashed this way yet.
    fn begin_again(&mut self, leaves: Leaves) {
        (self.leaves, self.sum) = (leaves, Sum::default());
        self.touched = self.table.keys().copied().collect();
        for key in &self.touched {
            if let Some(entry) = self.table.get_mut(key) {
                (entry.leaf, entry.touched) = (Sum::default(), true);
            }
        }
    }
}

impl Leaves {
    /// Of the key and the value as they stand in a snapshot.
    fn hash<K: Serialize, V: Serialize>(self, key: &K, value: &V, room: &mut Vec<u8>) -> Sum {
        let bytes = plain(&(key, value), room);
        match self {
            Self::Blake3 => {
                let hash = blake3::hash(bytes);
                let mut numbers = hash.as_bytes().chunks_exact(8).map(|chunk| chunk.try_into().map_or(0, u64::from_be_bytes));
                std::array::from_fn(|_| numbers.next().unwrap_or_default())
            }
            Self::Xxh3 => {
                let hash = XxHash3_128::oneshot(bytes);
                [half(hash >> 64), half(hash), 0, 0]
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // a half
fn half(hash: u128) -> u64 {
    hash as u64
}

fn plus(one: Sum, other: Sum) -> Sum {
    std::array::from_fn(|lane| one[lane].wrapping_add(other[lane]))
}

fn less(one: Sum, other: Sum) -> Sum {
    std::array::from_fn(|lane| one[lane].wrapping_sub(other[lane]))
}

impl<'a, K: Spread + Copy, V> IntoIterator for &'a Summed<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = std::vec::IntoIter<(&'a K, &'a V)>;

    fn into_iter(self) -> Self::IntoIter {
        let entries: Vec<(&K, &V)> = self.iter().collect();
        entries.into_iter()
    }
}

impl<K: Spread, V: PartialEq> PartialEq for Summed<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.table == other.table
    }
}

impl<K: Spread, V: Eq> Eq for Summed<K, V> {}

impl<K: Spread + Copy + fmt::Debug, V: fmt::Debug> fmt::Debug for Summed<K, V> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.iter()).finish()
    }
}

/// As a map: what was summed up is no part of it.
impl<K: Spread + Copy + Serialize, V: Serialize> Serialize for Summed<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de, K: Spread + Copy + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Summed<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Table::deserialize(deserializer)?;
        let mut summed = Self::new();
        summed.seed(entries.seeded());
        for (key, value) in entries.into_entries() {
            summed.insert(key, value);
        }
        Ok(summed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::words::Id;

    proptest! {
        /// Whatever was done, and whenever and however it was hashed: the sum is that of a table that was filled just now.
        #[test]
        fn the_sum_is_a_function_of_the_entries(
            steps in prop::collection::vec((0..12_u8, any::<u8>(), 0..4_u8), 0..120),
            adopted in 0..160_usize,
        ) {
            let mut summed = Summed::<Id, u8>::new();
            let leaves = |step| if step < adopted { Leaves::Blake3 } else { Leaves::Xxh3 };
            let now = leaves(steps.len());
            for (step, (key, value, what)) in steps.into_iter().enumerate() {
                let key = Id([key; 16]);
                match what {
                    0 => drop(summed.insert(key, value)),
                    1 => drop(summed.remove(&key)),
                    2 => summed.get_mut(&key).into_iter().for_each(|known| *known = value),
                    _ => summed.settle(leaves(step)),
                }
            }
            let bytes = rmp_serde::to_vec(&summed).unwrap();
            let fresh: Summed<Id, u8> = rmp_serde::from_slice(&bytes).unwrap();
            prop_assert_eq!(&fresh, &summed);
            prop_assert_eq!(fresh.sum(now), summed.sum(now));
            summed.settle(now);
            prop_assert_eq!(fresh.sum(now), summed.sum(now));
            summed.insert(Id([99; 16]), 1);
            prop_assert_ne!(fresh.sum(now), summed.sum(now));
        }
    }
}
