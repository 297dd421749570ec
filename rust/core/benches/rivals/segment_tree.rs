//! Slots as textbooks book them: a segment tree over what is left of each slot, with lazy additions (a plan that adds agents for a morning
//! is one), and a descent for the first slot with room. The additions stay where they were made instead of being pushed down, and a booking
//! climbs from its leaf: the quicker of the two usual ways.

use super::booking::Slots;
use super::NOBODY;

pub(crate) struct SegmentTree {
    /// Leaves: a power of two.
    width: usize,
    length: u32,
    /// The most that is left in any slot below, additions above not counted. Children of `n` are `2n` and `2n + 1`.
    most: Vec<i32>,
    /// What was added to all slots below.
    lazy: Vec<i32>,
}

impl SegmentTree {
    fn add(&mut self, slot: u32, left: i32) {
        let mut node = self.width + slot as usize;
        self.most[node] += left;
        while node > 1 {
            node /= 2;
            self.most[node] = self.most[2 * node].max(self.most[2 * node + 1]) + self.lazy[node];
        }
    }

    /// To all slots of (from, before).
    fn add_to_all(&mut self, from: usize, before: usize, left: i32) {
        let (mut low, mut high) = (self.width + from, self.width + before);
        let (first, last) = (low, high - 1);
        while low < high {
            for node in [(low % 2 == 1).then_some(low), (high % 2 == 1).then(|| high - 1)].into_iter().flatten() {
                self.most[node] += left;
                self.lazy[node] += left;
            }
            (low, high) = (low.div_ceil(2), high / 2);
        }
        for mut node in [first, last] {
            while node > 1 {
                node /= 2;
                self.most[node] = self.most[2 * node].max(self.most[2 * node + 1]) + self.lazy[node];
            }
        }
    }

    /// The first slot at or after `wish` with something left, below `node`, whose slots begin at `begin`. `above`: what its ancestors add.
    fn first(&self, node: usize, begin: usize, width: usize, wish: usize, above: i32) -> Option<u32> {
        if begin + width <= wish || self.most[node] + above <= 0 {
            return None;
        }
        if width == 1 {
            return u32::try_from(begin).ok();
        }
        let (above, half) = (above + self.lazy[node], width / 2);
        self.first(2 * node, begin, half, wish, above).or_else(|| self.first(2 * node + 1, begin + half, half, wish, above))
    }
}

impl Slots for SegmentTree {
    fn new(slots: u32, places: u16) -> Self {
        let width = (slots as usize).next_power_of_two();
        let mut tree = Self { width, length: slots, most: vec![0; 2 * width], lazy: vec![0; 2 * width] };
        tree.add_to_all(0, slots as usize, i32::from(places));
        tree
    }

    fn book(&mut self, wish: u32) -> u32 {
        match self.first(1, 0, self.width, wish as usize, 0).filter(|slot| *slot < self.length) {
            Some(slot) => {
                self.add(slot, -1);
                slot
            }
            None => NOBODY,
        }
    }

    fn give_back(&mut self, slot: u32) {
        self.add(slot, 1);
    }
}
