//! Criterion inside the core, for work on it: a step, folding what came out of it, snapshot and hash of the state. The figures
//! that the project shows, with peers beside them, come from `make bench-core`.
#![allow(clippy::unwrap_used)]

mod rivals;

use cordboard_core::bench::Matching;
use cordboard_core::Router;
use criterion::{criterion_group, criterion_main, BatchSize, Criterion, Throughput};
use rivals::btree_walk::BtreeWalk;
use rivals::steps::Steps;
use rivals::workload::{Backlog, Course, Workload};

const SMALL_STEPS: &[u8] = include_bytes!("../../../tests/benchmarks/small.steps");
const SMALL_WORKLOAD: &[u8] = include_bytes!("../../../tests/benchmarks/small.workload");
const OPERATIONS: usize = 400;

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("router");
    let site = Steps::new(SMALL_STEPS);
    let frames = site.left();
    group.throughput(Throughput::Elements(frames as u64));
    group.bench_function("step, frames of 64 facts", |bencher| {
        let run = |mut steps: Steps| {
            (0..frames).for_each(|_| drop(steps.commits()));
            steps
        };
        bencher.iter_batched(|| Steps::new(SMALL_STEPS), run, BatchSize::LargeInput);
    });
    let snapshot = site.router.snapshot();
    let mut decided = Steps::new(SMALL_STEPS);
    let commits: Vec<Vec<u8>> = (0..frames).flat_map(|_| decided.commits()).collect();
    group.bench_function("apply, commits of 64 facts", |bencher| {
        let run = |mut router: Router| {
            for commit in &commits {
                router.apply(commit).unwrap();
            }
            router
        };
        bencher.iter_batched(|| Router::restore(&snapshot).unwrap(), run, BatchSize::LargeInput);
    });
    group.finish();
    criterion.bench_function("router/snapshot", |bencher| bencher.iter(|| site.router.snapshot()));
    criterion.bench_function("router/state_hash", |bencher| bencher.iter(|| site.router.state_hash()));
}

fn index(criterion: &mut Criterion) {
    let work = Workload::read(SMALL_WORKLOAD);
    let mut group = criterion.benchmark_group("index");
    group.throughput(Throughput::Elements(OPERATIONS as u64));
    group.bench_function("lines and pool", |bencher| {
        let run = |mut course: Backlog<Matching>| (0..OPERATIONS).map(|_| u64::from(course.step(&work))).sum::<u64>();
        bencher.iter_batched(|| Backlog::new(&work), run, BatchSize::LargeInput);
    });
    group.bench_function("btree walk", |bencher| {
        let run = |mut course: Backlog<BtreeWalk>| (0..OPERATIONS).map(|_| u64::from(course.step(&work))).sum::<u64>();
        bencher.iter_batched(|| Backlog::new(&work), run, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, steps, index);
criterion_main!(benches);
