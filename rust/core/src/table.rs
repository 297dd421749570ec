//! Values by id: found in constant time, and listed in the order of their ids, never in that of their slots.
//!
//! The maps of `std` and `hashbrown` offer an iteration whose order depends on a hash; this table has none to offer. Its values stay where
//! they are when its places grow.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::places::{seed_among, Places, Spread};

/// Costs: `get`, `get_mut`, `insert` and `remove` are constant, however many values there are (an insert may double the places, eight bytes
/// a value). `iter`, `keys` and `values` sort first: for snapshots, hashes, invariants and rare events only.
#[derive(Clone)]
pub(crate) struct Table<K, V> {
    places: Places,
    slots: Vec<Option<(K, V)>>,
    free: Vec<u32>,
    last: Last,
}

/// The slot that was found last: mostly it is asked for again at once. No part of what a table is.
#[derive(Default)]
struct Last(AtomicU32);

impl Last {
    fn slot(&self) -> usize {
        self.0.load(Ordering::Relaxed) as usize
    }

    fn remember(&self, slot: usize) {
        // A slot fits: see `insert`.
        self.0.store(u32::try_from(slot).unwrap_or(0), Ordering::Relaxed);
    }
}

impl Clone for Last {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<K: Spread, V> Table<K, V> {
    pub(crate) fn new() -> Self {
        Self { places: Places::default(), slots: Vec::new(), free: Vec::new(), last: Last::default() }
    }

    /// Look for keys under this seed from now on, unless there is one. Moves every place, if there is anything yet.
    pub(crate) fn seed(&mut self, seed: u64) {
        if self.places.seed() != 0 {
            return;
        }
        self.places = Places::seeded(seed);
        for (slot, value) in (0..).zip(&self.slots) {
            if let Some((key, _)) = value {
                self.places.insert(key.spread(seed), slot, |_| false);
            }
        }
    }

    /// Its seed.
    pub(crate) fn seeded(&self) -> u64 {
        self.places.seed()
    }

    /// The last of entries with one key counts.
    fn filled(entries: Vec<(K, V)>) -> Self {
        let mut table = Self::new();
        table.seed(seed_among(entries.iter().map(|(key, _)| key)));
        for (key, value) in entries {
            table.insert(key, value);
        }
        table
    }

    #[cfg(test)]
    pub(crate) fn farthest(&self) -> usize {
        self.places.farthest()
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    #[inline]
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        match self.slots.get(self.last.slot()) {
            Some(Some((known, value))) if known == key => Some(value),
            Some(_) => self.look_for(key),
            // There was never anything.
            None => None,
        }
    }

    #[inline(never)]
    fn look_for(&self, key: &K) -> Option<&V> {
        let (_, slot) = self.find(key)?;
        self.last.remember(slot);
        self.slots.get(slot)?.as_ref().map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let slot = self.slot(key)?;
        self.slots.get_mut(slot as usize)?.as_mut().map(|(_, value)| value)
    }

    /// Where the value of a key stands: a small number that it keeps, and nobody else has meanwhile.
    pub(crate) fn slot(&self, key: &K) -> Option<u32> {
        let last = self.last.slot();
        let slot = match self.slots.get(last) {
            Some(Some((known, _))) if known == key => last,
            Some(_) => self.find(key)?.1,
            None => return None,
        };
        self.last.remember(slot);
        u32::try_from(slot).ok()
    }

    /// The slot of a key, or of another that is looked for in the same place: the keys are not compared.
    pub(crate) fn likely_slot(&self, key: &K) -> Option<u32> {
        self.places.likely(key.spread(self.places.seed())).and_then(|slot| u32::try_from(slot).ok())
    }

    /// The value that stands there.
    pub(crate) fn at(&self, slot: u32) -> Option<&V> {
        self.slots.get(slot as usize)?.as_ref().map(|(_, value)| value)
    }

    pub(crate) fn at_mut(&mut self, slot: u32) -> Option<&mut V> {
        self.slots.get_mut(slot as usize)?.as_mut().map(|(_, value)| value)
    }

    /// The value that the key had before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let slots = &self.slots;
        let free = self.free.last().copied();
        // More than 4 thousand million values do not fit into any machine's memory.
        let next = || u32::try_from(slots.len()).unwrap_or_else(|_| unreachable!("a table of 2^32 values"));
        let slot = free.unwrap_or_else(next);
        let is = |slot: usize| matches!(slots.get(slot), Some(Some((known, _))) if *known == key);
        let known = self.places.insert(key.spread(self.places.seed()), slot, is);
        if let Some((_, value_before)) = known.and_then(|known| self.slots.get_mut(known)?.as_mut()) {
            return Some(std::mem::replace(value_before, value));
        }
        self.last.remember(slot as usize);
        if free.is_some() {
            self.free.pop();
            self.slots[slot as usize] = Some((key, value));
        } else {
            self.slots.push(Some((key, value)));
        }
        None
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let (place, slot) = self.find(key)?;
        self.places.remove(place);
        self.free.extend(u32::try_from(slot));
        self.slots.get_mut(slot)?.take().map(|(_, value)| value)
    }

    /// Its place, and its slot.
    fn find(&self, key: &K) -> Option<(usize, usize)> {
        self.places
            .find(key.spread(self.places.seed()), |slot| matches!(self.slots.get(slot), Some(Some((known, _))) if known == key))
    }

    /// In no order that matters: to fill another table.
    pub(crate) fn into_entries(self) -> impl Iterator<Item = (K, V)> {
        self.slots.into_iter().flatten()
    }

    /// In the order of the keys.
    pub(crate) fn iter(&self) -> std::vec::IntoIter<(&K, &V)> {
        let mut entries: Vec<(&K, &V)> = self.slots.iter().flatten().map(|(key, value)| (key, value)).collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries.into_iter()
    }

    /// In their order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// In the order of their keys.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

impl<'a, K: Spread, V> IntoIterator for &'a Table<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = std::vec::IntoIter<(&'a K, &'a V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The last of entries with one key counts.
impl<K: Spread, V> FromIterator<(K, V)> for Table<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self::filled(entries.into_iter().collect())
    }
}

impl<K: Spread, V> Default for Table<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// Equal keys with equal values, wherever they stand.
impl<K: Spread, V: PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.slots.iter().flatten().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl<K: Spread, V: Eq> Eq for Table<K, V> {}

impl<K: Spread + fmt::Debug, V: fmt::Debug> fmt::Debug for Table<K, V> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.iter()).finish()
    }
}

/// A map in the order of its keys: equal tables have equal bytes.
impl<K: Spread + Serialize, V: Serialize> Serialize for Table<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de, K: Spread + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Table<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

struct Entries<K, V>(PhantomData<(K, V)>);

impl<'de, K: Spread + Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
    type Value = Table<K, V>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Table::filled(entries))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::words::Id;

    /// Few ids, some of which differ in one byte only.
    fn id(number: u8) -> Id {
        let mut bytes = [0; 16];
        bytes[usize::from(number % 16)] = number;
        Id(bytes)
    }

    proptest! {
        #[test]
        fn a_table_is_a_map(steps in prop::collection::vec((any::<u8>(), any::<u32>(), any::<bool>()), 0..600)) {
            let (mut table, mut map) = (Table::new(), BTreeMap::new());
            for (number, value, comes) in steps {
                let key = id(number);
                if comes {
                    prop_assert_eq!(table.insert(key, value), map.insert(key, value));
                } else {
                    prop_assert_eq!(table.remove(&key), map.remove(&key));
                }
                if let Some(known) = table.get_mut(&id(number / 2)) {
                    *known = known.wrapping_add(1);
                }
                if let Some(known) = map.get_mut(&id(number / 2)) {
                    *known = known.wrapping_add(1);
                }
                prop_assert_eq!(table.len(), map.len());
                prop_assert_eq!(table.get(&key), map.get(&key));
                let slot = table.slot(&key);
                prop_assert_eq!(slot.and_then(|slot| table.at(slot)), map.get(&key));
                prop_assert!(slot.is_none() || table.likely_slot(&key).is_some());
            }
            prop_assert!(table.iter().eq(map.iter()));
            prop_assert!(table.keys().eq(map.keys()) && table.values().eq(map.values()));
            let bytes = rmp_serde::to_vec(&table).unwrap();
            prop_assert_eq!(&bytes, &rmp_serde::to_vec(&map).unwrap());
            prop_assert_eq!(rmp_serde::from_slice::<Table<Id, u32>>(&bytes).unwrap(), table);
        }

        /// However it was reached: the slots differ, the table does not.
        #[test]
        fn equal_tables_are_equal(numbers in prop::collection::vec(any::<u8>(), 1..200)) {
            let (mut one, mut other) = (Table::new(), Table::new());
            for number in &numbers {
                one.insert(id(*number), *number);
            }
            for number in numbers.iter().rev() {
                other.insert(id(*number), 0);
                other.remove(&id(*number));
                other.insert(id(*number), *number);
            }
            prop_assert_eq!(&one, &other);
            other.insert(id(numbers[0]), numbers[0].wrapping_add(1));
            prop_assert_ne!(&one, &other);
        }
    }
}
