//! Slots: how many promises fit into each piece of time, how many are there, and which piece with room is nearest.
//!
//! Costs: booking and giving back touch one slot and at most two words above it; looking for room skips 4,096 full slots with one look.

/// Slots in a word of bits.
const BITS: usize = 64;
/// Its last bit.
const LAST: u32 = 63;

/// A slot's places.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Slot {
    capacity: u16,
    /// May exceed the capacity: a plan that shrinks takes no promise back.
    booked: u32,
}

impl Slot {
    fn has_room(self) -> bool {
        self.booked < u32::from(self.capacity)
    }
}

/// Slots by number, all of one length, from `first` on. What lies outside has no room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SlotGrid {
    first: u64,
    slots: Vec<Slot>,
    /// A bit a slot: it has room.
    room: Vec<u64>,
    /// A bit a word of those: one of its slots has.
    words: Vec<u64>,
}

impl SlotGrid {
    /// With these capacities, and nothing booked.
    pub(crate) fn new(first: u64, capacities: impl IntoIterator<Item = u16>) -> Self {
        let slots: Vec<Slot> = capacities.into_iter().map(|capacity| Slot { capacity, booked: 0 }).collect();
        let words = slots.len().div_ceil(BITS);
        let mut grid = Self { first, room: vec![0; words], words: vec![0; words.div_ceil(BITS)], slots };
        for place in 0..grid.slots.len() {
            grid.mark(place);
        }
        grid
    }

    /// The first slot, and the one after the last.
    pub(crate) fn span(&self) -> (u64, u64) {
        (self.first, self.first + self.slots.len() as u64)
    }

    /// How many fit into the slot at all.
    pub(crate) fn capacity(&self, slot: u64) -> u16 {
        self.place(slot).map_or(0, |place| self.slots[place].capacity)
    }

    /// How many are in it.
    #[cfg(test)]
    pub(crate) fn booked(&self, slot: u64) -> u32 {
        self.place(slot).map_or(0, |place| self.slots[place].booked)
    }

    /// One more fits in.
    pub(crate) fn has_room(&self, slot: u64) -> bool {
        self.place(slot).is_some_and(|place| self.slots[place].has_room())
    }

    /// One more is in it, whether there is room or not. False: there is no such slot, or nobody can count that far.
    pub(crate) fn book(&mut self, slot: u64) -> bool {
        self.change(slot, |slot| slot.booked.checked_add(1).map(|booked| slot.booked = booked))
    }

    /// One less is in it. False: nobody was.
    pub(crate) fn give_back(&mut self, slot: u64) -> bool {
        self.change(slot, |slot| slot.booked.checked_sub(1).map(|booked| slot.booked = booked))
    }

    /// So many fit in from now on, whoever is in already.
    pub(crate) fn set_capacity(&mut self, slot: u64, capacity: u16) -> bool {
        self.change(slot, |slot| {
            slot.capacity = capacity;
            Some(())
        })
    }

    /// The first slot with room, this one or a later one.
    pub(crate) fn free_from(&self, slot: u64) -> Option<u64> {
        let from = usize::try_from(slot.max(self.first) - self.first).ok()?;
        let (word, bit) = split(from);
        let here = self.room.get(word)? & (u64::MAX << bit);
        if here != 0 {
            return Some(self.number(word, here.trailing_zeros()));
        }
        let (summary, bit) = split(word + 1);
        let above = self.words.get(summary)? & (u64::MAX << bit);
        let (summary, above) = match above {
            0 => (summary + 1..self.words.len()).map(|at| (at, self.words[at])).find(|(_, bits)| *bits != 0)?,
            _ => (summary, above),
        };
        let word = summary * BITS + above.trailing_zeros() as usize;
        Some(self.number(word, self.room.get(word)?.trailing_zeros()))
    }

    /// The last slot with room before this one.
    pub(crate) fn free_before(&self, slot: u64) -> Option<u64> {
        let length = usize::try_from(slot.checked_sub(self.first)?).ok()?.min(self.slots.len());
        let (word, bit) = split(length.checked_sub(1)?);
        let here = self.room.get(word)? & up_to(bit);
        if here != 0 {
            return Some(self.number(word, last_bit(here)));
        }
        let (summary, bit) = split(word.checked_sub(1)?);
        let below = self.words.get(summary)? & up_to(bit);
        let (summary, below) = match below {
            0 => (0..summary).rev().map(|at| (at, self.words[at])).find(|(_, bits)| *bits != 0)?,
            _ => (summary, below),
        };
        let word = summary * BITS + last_bit(below) as usize;
        Some(self.number(word, last_bit(*self.room.get(word)?)))
    }

    /// The first slot with room at or after `wish` that lies in one of these spans of slots (from, before).
    pub(crate) fn first_within(&self, wish: u64, spans: &[(u64, u64)]) -> Option<u64> {
        let found = spans.iter().filter_map(|(from, before)| self.free_from(wish.max(*from)).filter(|slot| slot < before));
        found.min()
    }

    /// The last slot with room before `wish` that lies in one of these spans.
    pub(crate) fn last_within(&self, wish: u64, spans: &[(u64, u64)]) -> Option<u64> {
        let found = spans.iter().filter_map(|(from, before)| self.free_before(wish.min(*before)).filter(|slot| slot >= from));
        found.max()
    }

    /// Slots with room in these spans, the nearest to `wish` first (of two as near the later one), at most `most` of them.
    pub(crate) fn nearest(&self, wish: u64, spans: &[(u64, u64)], most: usize) -> Vec<u64> {
        let (mut after, mut before) = (self.first_within(wish, spans), self.last_within(wish, spans));
        let mut found = Vec::with_capacity(most);
        while found.len() < most {
            let next = match (before, after) {
                (None, None) => break,
                (None, Some(later)) => later,
                (Some(earlier), Some(later)) if later - wish <= wish - earlier => later,
                (Some(earlier), _) => earlier,
            };
            found.push(next);
            if next >= wish {
                after = self.first_within(next + 1, spans);
            } else {
                before = self.last_within(next, spans);
            }
        }
        found
    }

    fn change(&mut self, slot: u64, change: impl FnOnce(&mut Slot) -> Option<()>) -> bool {
        let Some(place) = self.place(slot) else { return false };
        let changed = change(&mut self.slots[place]).is_some();
        self.mark(place);
        changed
    }

    fn mark(&mut self, place: usize) {
        let (word, bit) = split(place);
        let room = self.room[word] & !(1 << bit) | u64::from(self.slots[place].has_room()) << bit;
        self.room[word] = room;
        let (summary, bit) = split(word);
        self.words[summary] = self.words[summary] & !(1 << bit) | u64::from(room != 0) << bit;
    }

    fn place(&self, slot: u64) -> Option<usize> {
        usize::try_from(slot.checked_sub(self.first)?).ok().filter(|place| *place < self.slots.len())
    }

    fn number(&self, word: usize, bit: u32) -> u64 {
        self.first + (word * BITS) as u64 + u64::from(bit)
    }
}

fn split(place: usize) -> (usize, u32) {
    #[allow(clippy::cast_possible_truncation)] // less than 64
    (place / BITS, (place % BITS) as u32)
}

/// This bit and those below it.
fn up_to(bit: u32) -> u64 {
    u64::MAX >> (LAST - bit)
}

fn last_bit(bits: u64) -> u32 {
    LAST - bits.leading_zeros()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The plainest way: look at every slot.
    struct Naive {
        first: u64,
        slots: Vec<(u16, u16)>,
    }

    impl Naive {
        fn frees(&self) -> impl DoubleEndedIterator<Item = u64> + '_ {
            let numbered = self.slots.iter().enumerate().filter(|(_, (capacity, booked))| booked < capacity);
            numbered.map(|(place, _)| self.first + place as u64)
        }

        fn nearest(&self, wish: u64, spans: &[(u64, u64)], most: usize) -> Vec<u64> {
            let within = |slot: &u64| spans.iter().any(|(from, before)| (from..before).contains(&slot));
            let mut found: Vec<u64> = self.frees().filter(within).collect();
            found.sort_by_key(|slot| (slot.abs_diff(wish), std::cmp::Reverse(*slot)));
            found.truncate(most);
            found
        }
    }

    /// Numbers from a seed (`SplitMix64`).
    struct Draws(u64);

    impl Draws {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)) % bound
        }
    }

    /// Books and gives back at random, about as much as is there, and asks both for the same.
    fn compare(steps: usize, length: u64, most_capacity: u64, seed: u64) {
        let (mut draws, first) = (Draws(seed), seed % 1_000);
        let capacities: Vec<u16> = (0..length).map(|_| u16::try_from(draws.below(most_capacity + 1)).unwrap()).collect();
        let mut grid = SlotGrid::new(first, capacities.iter().copied());
        assert_eq!(grid.span(), (first, first + length));
        let mut naive = Naive { first, slots: capacities.into_iter().map(|capacity| (capacity, 0)).collect() };
        let (mut booked, mut full) = (Vec::new(), 0);
        for step in 0..steps {
            let wish = first + draws.below(length).min(draws.below(length));
            let found = grid.free_from(wish);
            let place = usize::try_from(wish - first).unwrap();
            let expected = (place..naive.slots.len()).find(|place| naive.slots[*place].1 < naive.slots[*place].0);
            assert_eq!(found, expected.map(|place| first + place as u64), "step {step}: first at or after {wish}");
            if let (Some(slot), Some(place)) = (found, expected) {
                assert!(grid.book(slot));
                naive.slots[place].1 += 1;
                booked.push(slot);
            } else {
                full += 1;
            }
            if step % 64 == 0 {
                let wish = first + draws.below(length);
                let spans = [(first + length / 8, first + length / 3), (first + length / 2, first + length)];
                assert_eq!(grid.nearest(wish, &spans, 8), naive.nearest(wish, &spans, 8), "step {step}: nearest to {wish}");
                let capacity = u16::try_from(draws.below(most_capacity + 1)).unwrap();
                grid.set_capacity(wish, capacity);
                naive.slots[usize::try_from(wish - first).unwrap()].0 = capacity;
            }
            if draws.below(10) < 4 && !booked.is_empty() || found.is_none() {
                let slot = booked.swap_remove(usize::try_from(draws.below(booked.len() as u64)).unwrap());
                assert!(grid.give_back(slot));
                naive.slots[usize::try_from(slot - first).unwrap()].1 -= 1;
            }
        }
        for (slot, (capacity, count)) in (first..).zip(&naive.slots) {
            assert_eq!(
                (grid.capacity(slot), grid.booked(slot), grid.has_room(slot)),
                (*capacity, u32::from(*count), count < capacity)
            );
        }
        assert!(full > 0 || steps < 10_000, "a grid that is never full shows little");
    }

    #[test]
    fn bookings_are_those_of_a_naive_allocator() {
        compare(4_000, 700, 3, 7);
        compare(20_000, 5_000, 2, 8);
    }

    /// `cargo test --release -p cordboard-core --lib slots -- --ignored`
    #[test]
    #[ignore = "a minute: 1,000,000 bookings in 35,000 slots"]
    fn a_million_bookings_are_those_of_a_naive_allocator() {
        compare(1_000_000, 35_040, 4, 1);
    }

    proptest! {
        #[test]
        fn small_grids_are_right_at_their_edges(
            length in 0..200_u64, first in 0..130_u64, wish in 0..400_u64, taken in prop::collection::vec(0..400_u64, 0..60),
            spans in prop::collection::vec((0..400_u64, 0..400_u64), 0..4), most in 0..9_usize,
        ) {
            let mut grid = SlotGrid::new(first, (0..length).map(|slot| u16::from(slot % 3 != 0)));
            let mut naive = Naive { first, slots: (0..length).map(|slot| (u16::from(slot % 3 != 0), 0)).collect() };
            for slot in taken {
                let known = (first..first + length).contains(&slot);
                prop_assert_eq!(grid.book(slot), known);
                if known {
                    naive.slots[usize::try_from(slot - first).unwrap()].1 += 1;
                }
            }
            prop_assert_eq!(grid.free_from(wish), naive.frees().find(|slot| *slot >= wish));
            prop_assert_eq!(grid.free_before(wish), naive.frees().rev().find(|slot| *slot < wish));
            prop_assert_eq!(grid.nearest(wish, &spans, most), naive.nearest(wish, &spans, most));
        }
    }
}
