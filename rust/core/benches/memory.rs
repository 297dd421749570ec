//! What a router holds on the heap: `memory <frames>` sets the site up and prints `<bytes> <bytes of its memory of ids>`.
//!
//! The memory of ids (facts and ended contacts) lasts fifteen minutes and is as long as the traffic was dense, so it stands apart: it
//! is measured on a router that knows nothing but as many ids.
#![allow(clippy::unwrap_used)]

mod rivals;

use cordboard_core::words::{ContactAbandoned, Fact, Id};
use cordboard_core::{codec, FrameRef, Router};
use rivals::steps::Steps;
use stats_alloc::{Region, StatsAlloc, INSTRUMENTED_SYSTEM};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

const FRAME: u64 = 64;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [path, facts] = arguments.as_slice() else {
        eprintln!("asked by tests/benchmarks: memory <frames> <facts in them>");
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    let whole = held(|| {
        let mut steps = Steps::new(&bytes);
        steps.forget_frames();
        steps.router
    });
    let facts: u64 = facts.parse().unwrap();
    let memory = held(|| remembering(facts));
    println!("{whole} {memory}");
}

/// Bytes on the heap by what is made here.
fn held<T>(make: impl FnOnce() -> T) -> usize {
    let region = Region::new(ALLOCATOR);
    let holder = make();
    let change = region.change();
    drop(holder);
    change.bytes_allocated - change.bytes_deallocated
}

/// A router that has refused so many facts about contacts it never knew.
fn remembering(facts: u64) -> Router {
    let mut router = Router::new("bench").unwrap();
    router.take_over([0; 16], 1).unwrap();
    for frame in 0..facts.div_ceil(FRAME) {
        let count = FRAME.min(facts - frame * FRAME);
        let facts = (0..count).map(|fact| {
            let id = Id((u128::from(frame * FRAME + fact) * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes());
            codec::encode_fact(&Fact::from(ContactAbandoned { fact_id: id, contact: id }))
        });
        router.step(&[FrameRef { inbox_seq: frame + 1, stored_ms: 1, data: &framed(facts.collect()) }], 1).unwrap();
    }
    router
}

/// A msgpack array of byte strings.
fn framed(facts: Vec<Vec<u8>>) -> Vec<u8> {
    let mut frame = vec![0xdc];
    frame.extend(u16::try_from(facts.len()).unwrap().to_be_bytes());
    for fact in facts {
        frame.extend([0xc4, u8::try_from(fact.len()).unwrap()]);
        frame.extend(fact);
    }
    frame
}
