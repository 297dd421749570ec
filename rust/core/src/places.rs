//! Where to look for a key: the hash part of a table, which knows slots and no keys.

use crate::state::Place;
use crate::words::{Id, Name};

/// The fewest places of a table that holds anything.
const PLACES_MIN: usize = 16;

/// A key that can say where to look for it: the same on every machine. Nothing ever depends on it but speed.
pub(crate) trait Spread: Ord {
    fn spread(&self) -> u64;
}

impl Spread for Id {
    fn spread(&self) -> u64 {
        mixed(u128::from_le_bytes(self.0))
    }
}

impl Spread for u32 {
    fn spread(&self) -> u64 {
        mixed(u128::from(*self))
    }
}

impl Spread for Name {
    fn spread(&self) -> u64 {
        let (first, last) = self.weight();
        mixed(first ^ u128::from(last).rotate_left(64))
    }
}

impl Spread for Place {
    fn spread(&self) -> u64 {
        mixed(u128::from(self.seq) << 64 | u128::from(self.entry))
    }
}

impl<A: Spread, B: Spread> Spread for (A, B) {
    fn spread(&self) -> u64 {
        mixed(u128::from(self.0.spread()) << 64 | u128::from(self.1.spread()))
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
    places: Vec<u64>,
    used: usize,
}

impl Places {
    /// The place of a key with this hash whose slot `is` the one, and the slot.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(usize) -> bool) -> Option<(usize, usize)> {
        let tag = tag(hash);
        let mut place = self.home(tag)?;
        loop {
            match *self.places.get(place)? {
                0 => return None,
                found if found >> 32 == tag && is(slot_in(found)) => return Some((place, slot_in(found))),
                _ => place = self.next(place),
            }
        }
    }

    /// Note the slot of a key, unless a slot of those noted `is` its own already: that one.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64, slot: u32, is: impl Fn(usize) -> bool) -> Option<usize> {
        if self.used * 2 >= self.places.len() {
            self.grow();
        }
        let tag = tag(hash);
        let mut place = self.home(tag)?;
        loop {
            match self.places[place] {
                0 => {
                    self.places[place] = tag << 32 | (u64::from(slot) + 1);
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
        while let Some(home) = Some(self.places[look]).filter(|found| *found != 0).and_then(|found| self.home(found >> 32)) {
            let (from_home, from_gap) = (self.distance(home, look), self.distance(gap, look));
            if from_home >= from_gap {
                self.places[gap] = self.places[look];
                gap = look;
            }
            look = self.next(look);
        }
        self.places[gap] = 0;
        self.used -= 1;
    }

    fn put(&mut self, found: u64) {
        let Some(mut place) = self.home(found >> 32) else { return };
        while self.places[place] != 0 {
            place = self.next(place);
        }
        self.places[place] = found;
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.places.len() * 2).max(PLACES_MIN);
        let before = std::mem::replace(&mut self.places, vec![0; size]);
        before.into_iter().filter(|found| *found != 0).for_each(|found| self.put(found));
    }

    /// Where a hash would like to stand; None if there are no places at all.
    #[allow(clippy::cast_possible_truncation)] // masked
    fn home(&self, tag: u64) -> Option<usize> {
        Some(tag as usize & self.places.len().checked_sub(1)?)
    }

    fn next(&self, place: usize) -> usize {
        (place + 1) & (self.places.len() - 1)
    }

    /// Steps from one place on to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.places.len() - 1)
    }
}

fn tag(hash: u64) -> u64 {
    hash >> 32
}

#[allow(clippy::cast_possible_truncation)] // 32 bits
fn slot_in(found: u64) -> usize {
    (found as u32 - 1) as usize
}
