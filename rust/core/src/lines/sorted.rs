//! Contacts in the order of their keys: taken from the front, put in anywhere.

use std::collections::VecDeque;

/// As many as stand in a piece.
const PIECE: usize = 48;
/// Two neighbours with no more than this together become one.
const SPARSE: usize = PIECE / 3;

/// A key as two numbers (it takes less room so), and the contact's slot.
#[derive(Debug, Clone, Copy)]
struct Standing {
    high: u64,
    low: u64,
    slot: u32,
}

impl Standing {
    #[allow(clippy::cast_possible_truncation)] // halves
    fn new(key: u128, slot: u32) -> Self {
        Self { high: (key >> 64) as u64, low: key as u64, slot }
    }

    fn key(&self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }
}

type Piece = VecDeque<Standing>;

/// A sorted list in pieces.
///
/// Costs with n contacts: the first one and to take it constant; to put in or take out another the logarithm of n, and a piece moved at
/// most; now and then n/`PIECE` words more.
#[derive(Debug, Clone, Default)]
pub(super) struct Sorted {
    first: Piece,
    /// The others, each with a key that none in it is below. None is empty.
    rest: Vec<(u128, Piece)>,
}

impl Sorted {
    /// The first one: key and slot.
    pub(super) fn first(&self) -> Option<(u128, u32)> {
        self.first.front().map(|standing| (standing.key(), standing.slot))
    }

    /// Those with this key or a greater one, in their order.
    pub(super) fn since(&self, key: u128) -> impl Iterator<Item = (u128, u32)> + '_ {
        let number = self.piece_of(key);
        let piece = if number == 0 { &self.first } else { &self.rest[number - 1].1 };
        let at = piece.partition_point(|standing| standing.key() < key);
        let rest = self.rest[number..].iter().flat_map(|(_, piece)| piece);
        piece.range(at..).chain(rest).map(|standing| (standing.key(), standing.slot))
    }

    /// Nobody else has this key.
    pub(super) fn insert(&mut self, key: u128, slot: u32) {
        let number = self.piece_of(key);
        let piece = self.piece(number);
        let at = piece.partition_point(|standing| standing.key() < key);
        if piece.len() < PIECE {
            piece.insert(at, Standing::new(key, slot));
            return;
        }
        // Most come last: then the full piece stays as it is.
        let behind = if at == PIECE { Piece::new() } else { piece.split_off(PIECE / 2) };
        let from = behind.front().map_or(key, Standing::key);
        self.rest.insert(number, (from, behind));
        let (number, at) = if at <= PIECE / 2 { (number, at) } else { (number + 1, at.saturating_sub(PIECE / 2)) };
        let piece = self.piece(number);
        piece.insert(at.min(piece.len()), Standing::new(key, slot));
    }

    /// Take out whoever has this key.
    pub(super) fn remove(&mut self, key: u128) {
        if self.first.front().is_some_and(|standing| standing.key() == key) {
            self.first.pop_front();
            return self.tidy(0);
        }
        let number = self.piece_of(key);
        let piece = self.piece(number);
        let at = piece.partition_point(|standing| standing.key() < key);
        if piece.get(at).is_some_and(|standing| standing.key() == key) {
            piece.remove(at);
            self.tidy(number);
        }
    }

    /// Pieces are counted from the first one.
    fn piece_of(&self, key: u128) -> usize {
        self.rest.partition_point(|(from, _)| *from <= key)
    }

    fn piece(&mut self, number: usize) -> &mut Piece {
        match number {
            0 => &mut self.first,
            more => &mut self.rest[more - 1].1,
        }
    }

    /// An empty piece goes; a sparse one takes in the next, if that is sparse too.
    fn tidy(&mut self, number: usize) {
        if self.rest.is_empty() {
            return;
        }
        let held = self.piece(number).len();
        let next = self.rest.get(number).map_or(PIECE, |(_, piece)| piece.len());
        if held + next <= SPARSE || (held == 0 && number == 0) {
            let (_, mut next) = self.rest.remove(number);
            self.piece(number).append(&mut next);
        } else if held == 0 {
            self.rest.remove(number - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever comes and goes: the list of a map.
        #[test]
        fn stands_as_in_a_map(steps in prop::collection::vec((0..400_u32, 0..8_u8, any::<bool>()), 1..1_500)) {
            let (mut sorted, mut map) = (Sorted::default(), BTreeMap::new());
            for (number, (key, leaves, last)) in (0_u32..).zip(steps) {
                // Halves that both count, and many that come last.
                let late = if last { u128::from(number) * 3 } else { 0 };
                let key = u128::from(key) << 63 | late;
                match leaves {
                    0 => { sorted.remove(key); map.remove(&key); }
                    1 | 2 => {
                        if let Some((key, _)) = map.pop_first() {
                            sorted.remove(key);
                        }
                    }
                    _ if map.contains_key(&key) => {}
                    _ => { sorted.insert(key, number); map.insert(key, number); }
                }
                let since = u128::from(number % 400) << 63;
                prop_assert!(sorted.since(since).eq(map.range(since..).map(|(key, slot)| (*key, *slot))));
                prop_assert_eq!(sorted.first(), map.first_key_value().map(|(key, slot)| (*key, *slot)));
                prop_assert!(sorted.rest.iter().all(|(_, piece)| !piece.is_empty()));
            }
            prop_assert_eq!(sorted.since(0).collect::<Vec<_>>(), map.into_iter().collect::<Vec<_>>());
        }
    }
}
