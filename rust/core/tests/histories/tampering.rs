//! A journal that was changed is not folded: each commit stands on the hash of the one before.

use cordboard_core::Router;
use proptest::prelude::{any, Strategy};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::site::SITE;
use crate::wishes::history;
use crate::witness::{fold, restored, Witness};

/// The journal of a history with something in it.
fn journal(runner: &mut TestRunner) -> Vec<Vec<u8>> {
    loop {
        let mut witness = Witness::new();
        for step in history().new_tree(runner).unwrap().current() {
            witness.run(&step);
        }
        if witness.journal.len() > 20 {
            return witness.journal;
        }
    }
}

/// Refused, and nothing has changed: the commit that is next can still be folded.
fn refuses(router: &mut Router, commit: &[u8]) {
    let (hash, stands) = (router.state_hash(), router.position());
    assert!(router.apply(commit).is_err());
    assert_eq!((router.state_hash(), router.position()), (hash, stands));
}

#[test]
fn a_commit_that_is_not_the_next_one_is_refused_and_changes_nothing() {
    let journal = journal(&mut TestRunner::deterministic());
    let mut router = Router::new(SITE).unwrap();
    for (place, commit) in journal.iter().enumerate() {
        for (other, wrong) in journal.iter().enumerate().filter(|(other, _)| *other != place) {
            if other + 3 > place && other < place + 3 {
                refuses(&mut router, wrong);
            }
        }
        for wrong in [&b""[..], b"\xc0", b"no commit", &commit[..commit.len() - 1], &[commit.as_slice(), b"\xc0"].concat()] {
            refuses(&mut router, wrong);
        }
        router.apply(commit).unwrap();
    }
    let mut stranger = Router::new("another").unwrap();
    refuses(&mut stranger, &journal[0]);
}

#[test]
fn a_changed_byte_is_found_there_or_at_the_next_commit() {
    let mut runner = TestRunner::deterministic();
    let journal = journal(&mut runner);
    for (place, genuine) in journal.iter().enumerate().take(journal.len() - 1) {
        let before = fold(&journal[..place]);
        for _ in 0..60 {
            let (at, bit) = (any::<u32>(), 0_u8..8).new_tree(&mut runner).unwrap().current();
            let mut changed = genuine.clone();
            changed[at as usize % genuine.len()] ^= 1 << bit;
            let mut router = restored(&before);
            if router.apply(&changed).is_ok() {
                refuses(&mut router, &journal[place + 1]);
                continue;
            }
            // Either it changed nothing, or the router refuses everything from now on.
            match router.apply(genuine) {
                Ok(()) => assert_eq!(router.position(), fold(&journal[..=place]).position()),
                Err(error) => {
                    assert_eq!(router.apply(genuine), Err(error.clone()));
                    assert_eq!(router.step(&[], u64::MAX >> 16), Err(error));
                }
            }
        }
    }
}

#[test]
fn a_journal_decides_otherwise_than_a_changed_commit_says() {
    let journal = journal(&mut TestRunner::deterministic());
    let mut judge = Router::new(SITE).unwrap();
    let mut follower = Router::new(SITE).unwrap();
    for genuine in &journal {
        let mut changed = crate::transcript::read(genuine);
        changed.continued = !changed.continued;
        let changed = cordboard_core::codec::encode_commit(&changed);
        let mut misled = restored(&follower);
        let mut other = restored(&follower);
        assert_eq!(misled.redecide(&changed).as_deref(), Ok(genuine.as_slice()), "what should have been decided");
        other.apply(&changed).unwrap();
        assert_eq!(misled.state_hash(), other.state_hash(), "it goes on from what was recorded");
        assert_eq!(misled.position(), other.position());
        assert_eq!(judge.redecide(genuine).as_deref(), Ok(genuine.as_slice()));
        follower.apply(genuine).unwrap();
    }
}

#[test]
fn a_snapshot_that_is_none_is_refused() {
    let mut witness = Witness::new();
    for step in history().new_tree(&mut TestRunner::deterministic()).unwrap().current() {
        witness.run(&step);
    }
    let snapshot = fold(&witness.journal).snapshot();
    for end in (0..snapshot.len()).step_by(37) {
        assert!(Router::restore(&snapshot[..end]).is_err());
    }
    for wrong in [&b"\xc0"[..], b"\x90", b"a snapshot"] {
        assert!(Router::restore(wrong).is_err());
    }
}
