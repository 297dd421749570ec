//! The corpora of the fuzz targets, replayed on stable; and, as a start, bytes that look like chance.
//!
//! `make fuzz` runs the targets on nightly, with the same bodies. What it finds comes into the corpus.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

mod bodies;

use std::fs;
use std::path::{Path, PathBuf};

use bodies::{bytes, commits, frames, histories, snapshots};

fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    assert!(found.len() >= 10, "the corpus of {target} is there");
    found
}

fn replay(target: &str, run: fn(&[u8])) {
    for path in corpus(target) {
        run(&fs::read(path).unwrap());
    }
    for seed in 0..24 {
        run(&bytes::noise(seed, 40 << (seed % 5)));
    }
}

#[test]
fn frames_that_were_found() {
    replay("frames", frames::run);
}

#[test]
fn commits_that_were_found() {
    replay("commits", commits::run);
}

#[test]
fn snapshots_that_were_found() {
    replay("snapshots", snapshots::run);
}

#[test]
fn histories_that_were_found() {
    replay("histories", histories::run);
}
