//! Hostile commits: any bytes, and genuine entries put together anew with some of their fields exchanged. Refused, or folded into a state
//! that can be asked, written and decided on; never a panic.

use std::sync::OnceLock;

use cordboard_core::words::{Commit, Entry, Id, INPUT_TAG};
use cordboard_core::{codec, Router};

use super::bytes::{array, elements, noise, Draw, STRANGE};
use super::going::goes_on;
use super::histories::Telling;
use super::site::{id, name, CHANNELS, SITE};

const ENTRIES_MAX: usize = 24;
const HISTORIES: u64 = 6;
/// Histories that were folded up to some commits, and every kind of entry in them.
struct Stock {
    /// A snapshot and the commit that came next.
    stands: Vec<(Vec<u8>, Vec<u8>)>,
    entries: Vec<Entry>,
}

fn stock() -> &'static Stock {
    static STOCK: OnceLock<Stock> = OnceLock::new();
    STOCK.get_or_init(|| {
        let mut stock = Stock { stands: Vec::new(), entries: Vec::new() };
        for seed in 0..HISTORIES {
            let bytes = noise(seed, 1_500);
            let (mut telling, mut draw) = (Telling::new(), Draw::new(&bytes));
            telling.publish(&mut draw);
            while !draw.is_done() {
                telling.turn(&mut draw);
            }
            let mut router = Router::new(SITE).unwrap();
            for (place, commit) in telling.journal.iter().enumerate() {
                if place % 24 == 0 {
                    stock.stands.push((router.snapshot(), commit.clone()));
                }
                stock.entries.extend(codec::decode_commit(commit).unwrap().entries);
                router.apply(commit).unwrap();
            }
        }
        // Some of each kind, however rare it is.
        stock.entries.sort_by_key(|entry| entry.tag);
        let mut of_a_kind = (u64::MAX, 0);
        stock.entries.retain(|entry| {
            of_a_kind = if of_a_kind.0 == entry.tag { (entry.tag, of_a_kind.1 + 1) } else { (entry.tag, 0) };
            of_a_kind.1 < 12
        });
        stock
    })
}

pub(crate) fn run(data: &[u8]) {
    let mut draw = Draw::new(data);
    let stock = stock();
    let raw = draw.flag();
    let (snapshot, next) = &stock.stands[draw.place(stock.stands.len())];
    let commit = if raw { draw.rest().to_vec() } else { forged(&mut draw, stock, next) };
    let mut router = Router::restore(snapshot).unwrap();
    let before = (router.state_hash(), router.position());
    match router.apply(&commit) {
        Ok(()) => {
            can_be_asked(&router);
            let restored = Router::restore(&router.snapshot()).unwrap();
            goes_on(router, restored);
        }
        // Either it changed nothing, or the router refuses everything from now on.
        Err(error) => match router.apply(next) {
            Ok(()) => assert_eq!(follow(snapshot, next), (router.state_hash(), router.position())),
            Err(other) => assert_eq!(other, error, "after {before:?}"),
        },
    }
    let mut judge = Router::restore(snapshot).unwrap();
    let mut follower = Router::restore(snapshot).unwrap();
    match judge.redecide(&commit) {
        Ok(_) => {
            follower.apply(&commit).unwrap();
            assert_eq!(judge.state_hash(), follower.state_hash(), "it goes on from what was recorded");
            assert_eq!(judge.position(), follower.position());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn follow(snapshot: &[u8], commit: &[u8]) -> ([u8; 32], cordboard_core::Position) {
    let mut router = Router::restore(snapshot).unwrap();
    router.apply(commit).unwrap();
    (router.state_hash(), router.position())
}

/// Whatever it holds now: and the one that is restored from it answers the same.
fn can_be_asked(router: &Router) {
    let restored = Router::restore(&router.snapshot()).unwrap();
    assert_eq!(restored.state_hash(), router.state_hash());
    assert_eq!(restored.check(), router.check());
    assert_eq!(restored.next_deadline(), router.next_deadline());
    for number in 0..10 {
        router.explain_contact(id(3, number).0, 3, u64::MAX);
        router.explain_agent(id(2, number).0, 3, u64::MAX);
    }
}

/// The next commit, but with other entries.
fn forged(draw: &mut Draw<'_>, stock: &Stock, next: &[u8]) -> Vec<u8> {
    let genuine = codec::decode_commit(next).unwrap();
    let mut entries = if draw.flag() { genuine.entries.clone() } else { Vec::new() };
    for _ in 0..ENTRIES_MAX {
        if draw.is_done() {
            break;
        }
        let entry = entry(draw, stock);
        let at = if draw.flag() { draw.below(entries.len() + 1) } else { entries.len() };
        entries.insert(at, entry);
    }
    codec::encode_commit(&Commit { entries, state_hash: None, ..genuine })
}

/// A genuine entry about somebody else, with some fields exchanged.
fn entry(draw: &mut Draw<'_>, stock: &Stock) -> Entry {
    let mut entry = stock.entries[draw.place(stock.entries.len())].clone();
    let mut fields = elements(&entry.body);
    let change = draw.byte();
    if change & 1 != 0 {
        entry.contact = other(draw, 3);
    }
    if change & 2 != 0 {
        entry.agent = other(draw, 2);
    }
    if change & 4 != 0 {
        entry.channel = draw.maybe(|draw| name(CHANNELS[draw.below(CHANNELS.len())]));
    }
    for _ in 0..(change >> 3 & 3) {
        // The first element of an event is its tag.
        let first = usize::from(entry.tag != INPUT_TAG);
        let at = first + draw.below(fields.len() - first);
        fields[at] = value(draw, stock, at);
    }
    entry.body = array(&fields);
    entry
}

fn other(draw: &mut Draw<'_>, kind: u8) -> Option<Id> {
    draw.maybe(|draw| id(kind, draw.below(10) as u64))
}

/// One that stands there in another entry, or one that should not.
fn value(draw: &mut Draw<'_>, stock: &Stock, at: usize) -> Vec<u8> {
    if draw.flag() {
        let there = elements(&stock.entries[draw.place(stock.entries.len())].body);
        there.get(at).cloned().unwrap_or_else(|| STRANGE[0].to_vec())
    } else {
        draw.pick(&STRANGE).to_vec()
    }
}
