//! One contender at a time, on orders from tests/benchmarks: so that rounds of contenders in several languages can alternate.
//!
//! `contest <contender> <course> <workload>` sets up, says `ready`, and then obeys lines: `run N` does N operations and answers
//! `<nanoseconds of processor time> <hash of whom it found> <how many it found>`; `each N` measures each one and answers `<p50> <p99> <p99.9>` in nanoseconds.
//! `contest core steps <frames>` and `contest bare steps <frames>` are the same for whole steps, with frames as operations; the bare one is
//! to be told the hashes of the state, in order, before its commits need them: `give <64 hexadecimal digits>` (answer: `ready`).
//! `contest core slots <bookings>` and `contest segment_tree slots <bookings>` book the slots of callbacks.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::disallowed_types, clippy::cast_possible_truncation)]

mod rivals;

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use cordboard_core::bench::{Booking, Matching};
use rivals::bare::BareSteps;
use rivals::booking::{Bookings, Slots};
use rivals::btree_walk::BtreeWalk;
use rivals::class_heaps::ClassHeaps;
use rivals::segment_tree::SegmentTree;
use rivals::steps::{first_part, Steps};
use rivals::workload::{fnv, Backlog, Course, IdlePool, Index, Workload};
use rivals::NOBODY;
use rustix::time::{clock_gettime, ClockId};

/// The core's own in production: see rust/bindings.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [contender, course, path] = arguments.as_slice() else {
        eprintln!("asked by tests/benchmarks: contest <contender> <course> <workload>");
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    match (contender.as_str(), course.as_str()) {
        ("core", "steps") => obey(&mut Steps::new(&bytes)),
        ("bare", "steps") => obey(&mut BareSteps::new(&bytes)),
        ("core", "slots") => obey(&mut Bookings::<Booking>::new(&bytes)),
        ("segment_tree", "slots") => obey(&mut Bookings::<SegmentTree>::new(&bytes)),
        ("core", course) => enter::<Matching>(course, &bytes),
        ("class_heaps", course) => enter::<ClassHeaps>(course, &bytes),
        ("btree_walk", course) => enter::<BtreeWalk>(course, &bytes),
        _ => panic!("no contender {contender} on {course}"),
    }
}

fn enter<I: Index>(course: &str, bytes: &[u8]) {
    let work = Workload::read(bytes);
    match course {
        "backlog" => obey(&mut Running { course: Backlog::<I>::new(&work), work: &work }),
        "idle" => obey(&mut Running { course: IdlePool::<I>::new(&work), work: &work }),
        _ => panic!("no course {course}"),
    }
}

/// Something that does one operation after the other and says what it found.
trait Operate {
    fn operate(&mut self) -> u32;

    /// The hash of the state, for those who are spared the work.
    fn give(&mut self, _state_hash: [u8; 32]) {
        panic!("nobody asked for it");
    }
}

struct Running<'a, C> {
    course: C,
    work: &'a Workload,
}

impl<C: Course> Operate for Running<'_, C> {
    fn operate(&mut self) -> u32 {
        self.course.step(self.work)
    }
}

impl Operate for Steps {
    fn operate(&mut self) -> u32 {
        self.step()
    }
}

impl<S: Slots> Operate for Bookings<S> {
    fn operate(&mut self) -> u32 {
        self.step()
    }
}

impl Operate for BareSteps {
    fn operate(&mut self) -> u32 {
        first_part(self.step().0)
    }

    fn give(&mut self, state_hash: [u8; 32]) {
        BareSteps::give(self, state_hash);
    }
}

fn obey(contender: &mut impl Operate) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready").unwrap();
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let answer = match line.split_once(' ').unwrap() {
            ("run", count) => run(contender, count.parse().unwrap()),
            ("each", count) => each(contender, count.parse().unwrap()),
            ("give", hash) => {
                contender.give(bytes_of(hash));
                "ready".to_owned()
            }
            (order, _) => panic!("no order {order}"),
        };
        writeln!(out, "{answer}").unwrap();
        out.flush().unwrap();
    }
}

fn bytes_of(digits: &str) -> [u8; 32] {
    std::array::from_fn(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
}

fn run(contender: &mut impl Operate, count: usize) -> String {
    let mut found = Vec::with_capacity(count);
    let begin = worked();
    for _ in 0..count {
        found.push(contender.operate());
    }
    let nanoseconds = worked().saturating_sub(begin).as_nanos();
    let hits = found.iter().filter(|found| **found != NOBODY).count();
    format!("{nanoseconds} {:016x} {hits}", fnv(&found))
}

fn each(contender: &mut impl Operate, count: usize) -> String {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begin = Instant::now();
        std::hint::black_box(contender.operate());
        times.push(begin.elapsed().as_nanos());
    }
    times.sort_unstable();
    let rank = |per_mille: usize| times[(times.len() * per_mille).div_ceil(1_000).max(1) - 1];
    format!("{} {} {}", rank(500), rank(990), rank(999))
}

/// The processor time of this thread: what others do on the machine is not counted.
fn worked() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.try_into().unwrap(), now.tv_nsec.try_into().unwrap())
}
