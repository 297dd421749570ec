//! Where to look for a key: the hash part of a table, which knows slots and no keys.

use crate::state::Place;
use crate::words::{Id, Name};

/// The fewest places of a table that holds anything.
const PLACES_MIN: usize = 16;

/// A key that can say where to look for it: the same on every machine. Nothing ever depends on it but speed.
///
/// Ids come from outside. Without a `seed` that nobody there knows, somebody could think up a million ids that all are looked for in one
/// place.
pub(crate) trait Spread: Ord {
    fn spread(&self, seed: u64) -> u64;
}

/// The seed of a site's tables: its inbox has an id that no customer and no gateway is told.
pub(crate) fn seed_of(inbox_id: Id) -> u64 {
    mixed(u128::from_le_bytes(inbox_id.0)).max(1)
}

/// The seed of a table that is filled at once: all its keys together. What collides under it cannot be thought up before it is there.
pub(crate) fn seed_among<'a, K: Spread + 'a>(keys: impl Iterator<Item = &'a K>) -> u64 {
    keys.fold(0, |seed, key| mixed(u128::from(seed) << 64 | u128::from(key.spread(seed))))
}

/// Both halves of a value are moved.
fn moved(value: u128, seed: u64) -> u64 {
    mixed(value ^ (u128::from(seed.rotate_left(32)) << 64 | u128::from(seed)))
}

impl Spread for Id {
    #[inline]
    fn spread(&self, seed: u64) -> u64 {
        moved(u128::from_le_bytes(self.0), seed)
    }
}

impl Spread for u32 {
    fn spread(&self, seed: u64) -> u64 {
        moved(u128::from(*self), seed)
    }
}

impl Spread for Name {
    fn spread(&self, seed: u64) -> u64 {
        let (first, last) = self.weight();
        moved(first ^ u128::from(last).rotate_left(64), seed)
    }
}

impl Spread for Place {
    fn spread(&self, seed: u64) -> u64 {
        moved(u128::from(self.seq) << 64 | u128::from(self.entry), seed)
    }
}

impl<A: Spread, B: Spread> Spread for (A, B) {
    fn spread(&self, seed: u64) -> u64 {
        mixed(u128::from(self.0.spread(seed)) << 64 | u128::from(self.1.spread(seed)))
    }
}

/// Both halves of the product are used, so that every bit of the value reaches every bit of the hash.
#[allow(clippy::cast_possible_truncation)] // halves
pub(crate) fn mixed(value: u128) -> u64 {
    let (low, high) = (value as u64, (value >> 64) as u64);
    let product = u128::from(low ^ 0x9e37_79b9_7f4a_7c15) * u128::from(high ^ 0xd6e8_feb8_6659_fd93);
    product as u64 ^ (product >> 64) as u64
}

/// Open addressing with linear probing, at most half full. A place holds the upper half of a key's hash and its slot plus one; 0 is empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    all: Vec<u64>,
    used: usize,
    /// That of the hashes; 0: none yet.
    seed: u64,
}

impl Places {
    /// Where keys with hashes of this seed stand.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// How far from home somebody stands.
    #[cfg(test)]
    pub(crate) fn farthest(&self) -> usize {
        let standing = self.all.iter().enumerate().filter(|(_, found)| **found != 0);
        standing.filter_map(|(place, found)| Some(self.distance(self.home(found >> 32)?, place))).max().unwrap_or(0)
    }

    /// The place of a key with this hash whose slot `is` the one, and the slot.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(usize) -> bool) -> Option<(usize, usize)> {
        let tag = tag(hash);
        let mut place = self.home(tag)?;
        loop {
            match *self.all.get(place)? {
                0 => return None,
                found if found >> 32 == tag && is(slot_in(found)) => return Some((place, slot_in(found))),
                _ => place = self.next(place),
            }
        }
    }

    /// What stands where a key with this hash would like to stand: so that it is near when it is asked for.
    pub(crate) fn glance(&self, hash: u64) -> u64 {
        self.home(tag(hash)).and_then(|home| self.all.get(home)).copied().unwrap_or(0)
    }

    /// The slot of a key with this hash, or of another whose hash begins in the same way.
    pub(crate) fn likely(&self, hash: u64) -> Option<usize> {
        self.find(hash, |_| true).map(|(_, slot)| slot)
    }

    /// Note the slot of a key, unless a slot of those noted `is` its own already: that one.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64, slot: u32, is: impl Fn(usize) -> bool) -> Option<usize> {
        if self.used * 2 >= self.all.len() {
            self.grow();
        }
        let tag = tag(hash);
        let mut place = self.home(tag)?;
        loop {
            match self.all[place] {
                0 => {
                    self.all[place] = tag << 32 | (u64::from(slot) + 1);
                    self.used += 1;
                    return None;
                }
                found if found >> 32 == tag && is(slot_in(found)) => return Some(slot_in(found)),
                _ => place = self.next(place),
            }
        }
    }

    /// Empty a place. Those behind it that stand away from home move up, so that no gap hides them.
    pub(crate) fn remove(&mut self, place: usize) {
        let mut gap = place;
        let mut look = self.next(place);
        while let Some(home) = Some(self.all[look]).filter(|found| *found != 0).and_then(|found| self.home(found >> 32)) {
            let (from_home, from_gap) = (self.distance(home, look), self.distance(gap, look));
            if from_home >= from_gap {
                self.all[gap] = self.all[look];
                gap = look;
            }
            look = self.next(look);
        }
        self.all[gap] = 0;
        self.used -= 1;
    }

    fn put(&mut self, found: u64) {
        let Some(mut place) = self.home(found >> 32) else { return };
        while self.all[place] != 0 {
            place = self.next(place);
        }
        self.all[place] = found;
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.all.len() * 2).max(PLACES_MIN);
        let before = std::mem::replace(&mut self.all, vec![0; size]);
        before.into_iter().filter(|found| *found != 0).for_each(|found| self.put(found));
    }

    /// Where a hash would like to stand; None if there are no places at all.
    #[allow(clippy::cast_possible_truncation)] // masked
    fn home(&self, tag: u64) -> Option<usize> {
        Some(tag as usize & self.all.len().checked_sub(1)?)
    }

    fn next(&self, place: usize) -> usize {
        (place + 1) & (self.all.len() - 1)
    }

    /// Steps from one place on to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.all.len() - 1)
    }
}

fn tag(hash: u64) -> u64 {
    hash >> 32
}

#[allow(clippy::cast_possible_truncation)] // 32 bits
fn slot_in(found: u64) -> usize {
    (found as u32 - 1) as usize
}

#[cfg(test)]
mod tests {
    use crate::codec;
    use crate::router::{FrameRef, Router};
    use crate::words::{ContactAbandoned, Fact};

    use super::*;

    /// Without a seed all of them are looked for at one place.
    fn colliding(number: u64) -> Id {
        let low = 0x9e37_79b9_7f4a_7c15_u64;
        Id((u128::from(number) << 64 | u128::from(low)).to_le_bytes())
    }

    /// Farther from home nobody stands by chance.
    const FAR: usize = 64;

    #[test]
    fn ids_that_were_thought_up_to_collide_do_not() {
        assert!((0..100).all(|number| colliding(number).spread(0) == 0));
        let mut router = Router::new("default").unwrap();
        router.take_over([7; 16], 1_000).unwrap();
        for frame in 1..=10 {
            let fact = |number| Fact::from(ContactAbandoned { fact_id: colliding(number), contact: colliding(number) });
            let facts: Vec<Vec<u8>> = (frame * 400..).take(400).map(|number| codec::encode_fact(&fact(number))).collect();
            let data = rmp_serde::to_vec(&facts.iter().map(|fact| serde_bytes::Bytes::new(fact)).collect::<Vec<_>>()).unwrap();
            router.step(&[FrameRef { inbox_seq: frame, stored_ms: 1_000, data: &data }], 1_000).unwrap();
        }
        let restored = Router::restore(&router.snapshot()).unwrap();
        for facts in [&router, &restored].map(|router| &router.site().state.facts) {
            assert_eq!(facts.len(), 4_000);
            assert!(facts.farthest() < FAR, "{}", facts.farthest());
        }
    }

    #[test]
    fn a_table_that_is_read_from_a_snapshot_has_a_seed_of_its_own() {
        let ids: std::collections::BTreeMap<Id, u32> = (0..4_000).map(|number| (colliding(u64::from(number)), number)).collect();
        let bytes = rmp_serde::to_vec(&ids).unwrap();
        let summed: crate::summed::Summed<Id, u32> = rmp_serde::from_slice(&bytes).unwrap();
        assert!(summed.farthest() < FAR, "{}", summed.farthest());
        assert!(summed.iter().eq(ids.iter()), "in the order of the ids, whatever the seed");
        assert_eq!(rmp_serde::to_vec(&summed).unwrap(), bytes);
    }
}
