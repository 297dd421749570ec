//! Random histories of a small site, watched from every side; and what only a large site shows.
//!
//! The same histories every time. `PROPTEST_CASES=3000 PROPTEST_RNG_SEED=$RANDOM cargo test --release -p cordboard-core --test histories`
//! tries others.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

mod callbacks;
mod doors;
mod hall;
mod large;
mod ledger;
mod limits;
mod promised;
mod site;
mod slas;
mod staff;
mod talk;
mod tampering;
mod transcript;
mod wishes;
mod witness;

use std::cell::RefCell;
use std::collections::BTreeSet;

use cordboard_core::words::{Event, Fact};
use proptest::test_runner::{contextualize_config, Config, RngAlgorithm, RngSeed, TestRunner};

use transcript::{transcript, Line};
use witness::Witness;

/// The same cases on every machine, unless the environment asks for others.
fn runner(cases: u32) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(20_260_101),
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    TestRunner::new(contextualize_config(config))
}

#[test]
fn histories_look_the_same_from_every_side() {
    let heard = RefCell::new(BTreeSet::new());
    let outcome = runner(256).run(&wishes::history(), |history| {
        let mut witness = Witness::new();
        for step in &history {
            witness.run(step);
        }
        heard.borrow_mut().extend(transcript(&witness.journal).iter().map(Line::word));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    // A new site is at the newest level: there is none to adopt.
    // Who comes in before a promised call and leaves again is too rare to be drawn: see `promised`.
    let unheard = ["LevelAdopted", "LevelRequested", "PromiseReleased", "RouterSteppedDown", "RouterTookOver"];
    let words = Fact::NAMES.iter().chain(Event::NAMES).map(|(_, name, _)| *name).filter(|name| !unheard.contains(name));
    let missing: Vec<&str> = words.filter(|word| !heard.borrow().contains(word)).collect();
    assert!(missing.is_empty(), "the histories never hear of {missing:?}");
}
