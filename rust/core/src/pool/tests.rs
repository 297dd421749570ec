//! The pool against a list that is sorted for every question.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;

const ROWS: u32 = 3;

#[derive(Debug, Clone)]
enum Act {
    Place { slot: u32, since: u64 },
    Leave { slot: u32 },
    Set { slot: u32, row: u32, on: bool },
}

fn id(slot: u32) -> Id {
    // Ids in another order than slots.
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&slot.wrapping_mul(2_654_435_761).to_be_bytes());
    Id(bytes)
}

fn act() -> impl Strategy<Value = Act> {
    let slot = 0..300_u32;
    prop_oneof![
        // Mostly in the order of time, as idleness comes; many at one instant.
        5 => (slot.clone(), 0..40_u64).prop_map(|(slot, since)| Act::Place { slot, since }),
        1 => slot.clone().prop_map(|slot| Act::Leave { slot }),
        4 => (slot, 0..ROWS, any::<bool>()).prop_map(|(slot, row, on)| Act::Set { slot, row, on }),
    ]
}

#[derive(Default)]
struct Listed {
    places: BTreeMap<u32, Since>,
    rows: BTreeSet<(u32, u32)>,
}

impl Listed {
    fn having(&self, rows: &[u32]) -> Vec<u32> {
        let mut found: Vec<(Since, u32)> = self
            .places
            .iter()
            .filter(|(slot, _)| rows.iter().all(|row| self.rows.contains(&(**slot, *row))))
            .map(|(slot, since)| (*since, *slot))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, slot)| slot).collect()
    }
}

fn found(pool: &Pool, rows: &[u32]) -> Vec<u32> {
    let mut found = Vec::new();
    pool.search(rows, |slot| {
        found.push(slot);
        ControlFlow::Continue(())
    });
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn finds_what_a_sorted_list_has(acts in prop::collection::vec(act(), 1..1_500)) {
        let (mut pool, mut listed) = (Pool::default(), Listed::default());
        for _ in 0..ROWS {
            pool.add_row();
        }
        let mut hour = 0;
        for (count, act) in acts.iter().enumerate() {
            match act {
                Act::Place { slot, since } => {
                    hour += u64::from(count % 7 == 0);
                    let since = (hour + since / 13, id(*slot));
                    pool.place(*slot, since);
                    listed.places.insert(*slot, since);
                }
                Act::Leave { slot } => {
                    pool.leave(*slot);
                    listed.places.remove(slot);
                    listed.rows.retain(|(held, _)| held != slot);
                }
                Act::Set { slot, row, on } => {
                    pool.set(*slot, *row, *on);
                    if *on && listed.places.contains_key(slot) {
                        listed.rows.insert((*slot, *row));
                    } else {
                        listed.rows.remove(&(*slot, *row));
                    }
                }
            }
            if count % 50 == 0 || count + 1 == acts.len() {
                for rows in [&[0][..], &[1, 2], &[0, 1, 2]] {
                    let expected = listed.having(rows);
                    prop_assert_eq!(pool.count(rows, u32::MAX) as usize, expected.len());
                    prop_assert_eq!(found(&pool, rows), expected);
                }
            }
        }
    }
}

/// All log in, one after the other, and their first places stand empty; then more are declared who never were.
#[test]
fn whoever_was_never_idle_comes_before_all() {
    for (first, more) in [(70, 130), (320, 100), (64, 1), (129, 400)] {
        let (mut pool, mut listed) = (Pool::default(), Listed::default());
        pool.add_row();
        let declared = (0..first).map(|slot| (slot, 0));
        let logged_in = (0..first).map(|slot| (slot, u64::from(slot) + 1));
        for (slot, when) in declared.chain(logged_in).chain((first..first + more).map(|slot| (slot, 0))) {
            pool.place(slot, (when, id(slot)));
            pool.set(slot, 0, true);
            listed.places.insert(slot, (when, id(slot)));
            listed.rows.insert((slot, 0));
        }
        assert_eq!(found(&pool, &[0]), listed.having(&[0]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Hundreds of blocks: those of the longest idle empty as their agents move to the end, and some agents come between others.
    #[test]
    fn keeps_the_order_of_thousands(
        moves in prop::collection::vec((0..6_000_u32, 0..9_u8, any::<bool>()), 6_000..9_000),
        late in 1..400_u64,
    ) {
        let (mut pool, mut listed) = (Pool::default(), Listed::default());
        for _ in 0..ROWS {
            pool.add_row();
        }
        let place = |pool: &mut Pool, listed: &mut Listed, slot: u32, when: u64| {
            pool.place(slot, (when, id(slot)));
            listed.places.insert(slot, (when, id(slot)));
        };
        for slot in 0..6_000 {
            place(&mut pool, &mut listed, slot, u64::from(slot));
            pool.set(slot, slot % ROWS, true);
            listed.rows.insert((slot, slot % ROWS));
        }
        for (count, (slot, between, on)) in (0_u32..).zip(moves) {
            // In turn, so that whole blocks empty; one in nine comes between others.
            let when = 6_000 + u64::from(count);
            place(&mut pool, &mut listed, count % 6_000, when);
            if between == 0 {
                place(&mut pool, &mut listed, slot, when - late.min(when));
            }
            pool.set(slot, 0, on);
            if on { listed.rows.insert((slot, 0)); } else { listed.rows.remove(&(slot, 0)); }
            if count % 2_000 == 1_999 {
                for rows in [&[0][..], &[1], &[0, 2]] {
                    prop_assert_eq!(found(&pool, rows), listed.having(rows));
                }
            }
        }
        let (order, blocks) = (pool.order.len(), pool.blocks.len());
        prop_assert!(blocks < 300 && order <= 2 * blocks + GAPS, "{order} {blocks}");
    }
}

#[test]
fn stops_when_enough_is_seen() {
    let mut pool = Pool::default();
    let row = pool.add_row();
    for slot in 0..200 {
        pool.place(slot, (u64::from(slot), id(slot)));
        pool.set(slot, row, true);
    }
    let mut seen = Vec::new();
    pool.search(&[row], |slot| {
        seen.push(slot);
        if seen.len() == 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert_eq!(seen, [0, 1]);
    assert_eq!(pool.count(&[row], 100), 100);
}
