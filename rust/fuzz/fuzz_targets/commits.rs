//! See `rust/core/tests/fuzz/bodies/commits.rs`.
#![no_main]
#![allow(clippy::unwrap_used, dead_code)]

#[path = "../../core/tests/fuzz/bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::commits::run(data));
