//! The contenders in Rust find what the Python peer finds on the same workload (`tests/contract/test_peers.py`).
#![allow(clippy::unwrap_used)]

#[path = "../benches/rivals/mod.rs"]
mod rivals;

use cordboard_core::bench::{Booking, Matching};
use cordboard_core::{FrameRef, Router};
use rivals::bare::BareSteps;
use rivals::booking::{Bookings, Slots};
use rivals::btree_walk::BtreeWalk;
use rivals::class_heaps::ClassHeaps;
use rivals::segment_tree::SegmentTree;
use rivals::steps::{Frame, Steps, INBOX, SITE};
use rivals::workload::{fnv, Backlog, Course, IdlePool, Index, Workload};

const SMALL: &[u8] = include_bytes!("../../../tests/benchmarks/small.workload");
const DECISIONS: &str = include_str!("../../../tests/benchmarks/small.decisions");
const OPERATIONS: usize = 400;

/// What tests/benchmarks/small.decisions says of a course.
fn expected(course: &str) -> String {
    DECISIONS.lines().find_map(|line| line.strip_prefix(course)).unwrap().trim().to_owned()
}

fn hash(mut course: impl Course, work: &Workload) -> String {
    let found: Vec<u32> = (0..OPERATIONS).map(|_| course.step(work)).collect();
    format!("{:016x}", fnv(&found))
}

fn agrees<I: Index>() {
    let work = Workload::read(SMALL);
    assert_eq!(hash(Backlog::<I>::new(&work), &work), expected("backlog"));
    assert_eq!(hash(IdlePool::<I>::new(&work), &work), expected("idle"));
}

#[test]
fn the_btree_walk_finds_what_the_class_heaps_find() {
    agrees::<BtreeWalk>();
}

#[test]
fn the_index_finds_what_the_class_heaps_find() {
    agrees::<Matching>();
}

#[test]
fn class_heaps_in_rust_find_what_those_in_python_find() {
    agrees::<ClassHeaps>();
}

/// All but the hash of the state, which none of these few commits carries.
#[test]
fn the_bare_steps_make_the_commits_of_the_core() {
    let recorded = include_bytes!("../../../tests/benchmarks/small.steps");
    let (frames, mut bare, mut router) = (Frame::read(recorded).1, BareSteps::new(recorded), Router::new(SITE).unwrap());
    router.take_over(INBOX, frames[0].at_ms - 1).unwrap();
    for Frame { at_ms, inbox_seq, stored_ms, data } in &frames {
        let frame = FrameRef { inbox_seq: *inbox_seq, stored_ms: *stored_ms, data };
        assert_eq!(router.step(&[frame], *at_ms).unwrap(), [bare.step().1], "frame {inbox_seq}");
    }
}

#[test]
fn the_recorded_steps_are_decided() {
    let mut steps = Steps::new(include_bytes!("../../../tests/benchmarks/small.steps"));
    let decided: usize = (0..steps.left()).map(|_| steps.commits().len()).sum();
    assert!(decided > 20);
    assert_eq!(steps.router.check(), Vec::<String>::new());
}

/// Until everything is full, and while it is.
#[test]
fn the_segment_tree_books_what_the_grid_books() {
    fn booked<S: Slots>(percent: u64) -> Vec<u32> {
        let order: Vec<u8> = [700, 3, percent, 5].into_iter().flat_map(u64::to_le_bytes).collect();
        let mut bookings = Bookings::<S>::new(&order);
        (0..4_000).map(|_| bookings.step()).collect()
    }
    for percent in [20, 80, 99] {
        let slots = booked::<Booking>(percent);
        assert_eq!(slots, booked::<SegmentTree>(percent));
        assert!(slots.iter().any(|slot| *slot != slots[0]));
        assert_eq!(slots.contains(&rivals::NOBODY), percent == 99, "who wishes for a late slot may find none");
    }
}
