//! The slots of callbacks, as tests/benchmarks/booking.py orders them: four 64-bit integers (slots, places a slot, percent of them booked
//! before it begins, seed). One operation: somebody wishes for a slot and gets the first with room at or after it; somebody else gives theirs back.

use cordboard_core::bench::Booking;

use super::NOBODY;

/// Wishes and leavers repeat after so many operations.
const DRAWN: usize = 1 << 16;

/// What books slots.
pub(crate) trait Slots {
    fn new(slots: u32, places: u16) -> Self;
    /// Book the first slot with room, this one or a later one. `NOBODY`: there is none.
    fn book(&mut self, wish: u32) -> u32;
    fn give_back(&mut self, slot: u32);
}

impl Slots for Booking {
    fn new(slots: u32, places: u16) -> Self {
        Self::new(slots, places)
    }

    fn book(&mut self, wish: u32) -> u32 {
        self.book(wish).unwrap_or(NOBODY)
    }

    fn give_back(&mut self, slot: u32) {
        self.give_back(slot);
    }
}

pub(crate) struct Bookings<S> {
    slots: S,
    /// Every booking that stands.
    booked: Vec<u32>,
    /// What is wished for, and whose booking (of those, by its place) is given back.
    drawn: Vec<(u32, u32)>,
    operation: usize,
}

impl<S: Slots> Bookings<S> {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut numbers = bytes.chunks_exact(8).map(|number| u64::from_le_bytes(number.try_into().unwrap()));
        let [length, places, percent, mut seed] = std::array::from_fn(|_| numbers.next().unwrap());
        let standing = length * places * percent / 100;
        let mut draw = |bound: u64| {
            // As in src/slots.rs.
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            u32::try_from((mixed ^ (mixed >> 31)) % bound).unwrap()
        };
        // Most people want to be called soon: near slots fill first, and long runs of them are full.
        let wish = |draw: &mut dyn FnMut(u64) -> u32| draw(length).min(draw(length));
        let mut slots = S::new(u32::try_from(length).unwrap(), u16::try_from(places).unwrap());
        let mut booked = Vec::new();
        while (booked.len() as u64) < standing {
            let slot = slots.book(wish(&mut draw));
            if slot != NOBODY {
                booked.push(slot);
            }
        }
        let drawn = (0..DRAWN).map(|_| (wish(&mut draw), draw(standing))).collect();
        Self { slots, booked, drawn, operation: 0 }
    }

    /// The slot that was booked.
    pub(crate) fn step(&mut self) -> u32 {
        let (wish, leaves) = self.drawn[self.operation % DRAWN];
        self.operation += 1;
        let slot = self.slots.book(wish);
        if slot != NOBODY {
            let left = std::mem::replace(&mut self.booked[leaves as usize], slot);
            self.slots.give_back(left);
        }
        slot
    }
}
