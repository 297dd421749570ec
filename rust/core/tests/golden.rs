//! Rust reads and writes the golden vectors as Python does (tests/golden), and both know the same words.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use cordboard_core::codec::{self, Flaw};
use cordboard_core::words::{Event, Fact, Verdict};

const WORDS: &str = include_str!("../../../tests/golden/words.txt");
const FLAWS: &str = include_str!("../../../tests/golden/flaws.txt");

struct Vector<'a> {
    kind: &'a str,
    name: &'a str,
    variant: &'a str,
    bytes: Vec<u8>,
    /// What writing it again gives.
    again: Vec<u8>,
}

fn vectors() -> Vec<Vector<'static>> {
    let mut found: Vec<Vector<'_>> = Vec::new();
    for line in WORDS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let words: Vec<&str> = line.splitn(5, ' ').collect();
        match words.as_slice() {
            [kind, name, variant] if !kind.is_empty() => {
                found.push(Vector { kind, name, variant, bytes: Vec::new(), again: Vec::new() });
            }
            ["", "", "bytes", hex] => {
                let vector = found.last_mut().unwrap();
                vector.bytes = unhex(hex);
                vector.again.clone_from(&vector.bytes);
            }
            ["", "", "again", hex] => found.last_mut().unwrap().again = unhex(hex),
            ["", "", "value", ..] => {}
            other => panic!("what is {other:?}?"),
        }
    }
    found
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Read and write again.
fn again(kind: &str, bytes: &[u8]) -> Result<Vec<u8>, Flaw> {
    match kind {
        "fact" => codec::decode_fact(bytes).map(|word| codec::encode_fact(&word)),
        "event" => codec::decode_event(bytes).map(|word| codec::encode_event(&word)),
        "input" => codec::decode_input(bytes).map(|word| codec::encode_input(&word)),
        "entry" => codec::decode_entry(bytes).map(|word| codec::encode_entry(&word)),
        "commit" => codec::decode_commit(bytes).map(|word| codec::encode_commit(&word)),
        "policy" => codec::decode_policy(bytes).map(|word| codec::encode_policy(&word)),
        other => panic!("what is a {other}?"),
    }
}

#[test]
fn every_vector_reads_and_writes() {
    let vectors = vectors();
    assert!(vectors.len() > 200);
    for vector in vectors {
        let written = again(vector.kind, &vector.bytes);
        // Of a policy the core reads what concerns routing: what it reads of its own writing and of Python's is the same.
        let expected = if vector.kind == "policy" { again(vector.kind, &vector.again) } else { Ok(vector.again) };
        assert!(written.is_ok());
        assert_eq!(written, expected, "{} {} {}", vector.kind, vector.name, vector.variant);
    }
}

/// Tag, name and length of the words of a kind, as Python wrote them in full.
fn written(kind: &str) -> BTreeSet<(u64, String, usize)> {
    let full = vectors().into_iter().filter(|vector| vector.kind == kind && vector.variant == "full");
    full.map(|vector| {
        let (length, tag) = head(&vector.bytes);
        (tag, vector.name.to_owned(), length)
    })
    .collect()
}

/// Length and first element of an array whose head and tag are short.
fn head(bytes: &[u8]) -> (usize, u64) {
    match bytes {
        [0xdc, high, low, tag, ..] => (usize::from(*high) << 8 | usize::from(*low), u64::from(*tag)),
        [first, tag, ..] => (usize::from(first & 0x0f), u64::from(*tag)),
        _ => panic!("too short"),
    }
}

fn known(names: &[(u64, &str, usize)]) -> BTreeSet<(u64, String, usize)> {
    names.iter().map(|(tag, name, length)| (*tag, (*name).to_owned(), *length)).collect()
}

#[test]
fn both_sides_know_the_same_facts_and_events() {
    assert_eq!(known(Fact::NAMES), written("fact"));
    assert_eq!(known(Event::NAMES), written("event"));
}

#[test]
fn both_sides_know_the_same_verdicts() {
    let mut found = BTreeMap::new();
    for vector in vectors().into_iter().filter(|vector| vector.kind == "input" && vector.variant == "full") {
        let verdict = codec::decode_input(&vector.bytes).unwrap().verdict;
        found.insert(format!("Input/{}", verdict.name()), vector.name.to_owned());
    }
    assert!(found.iter().all(|(ours, theirs)| ours == theirs));
    assert_eq!(found.len(), Verdict::NAMES.len());
}

#[test]
fn every_flaw_has_its_reason() {
    let mut checked = 0;
    for line in FLAWS.lines().filter(|line| !line.starts_with('#')) {
        let (reason, rest) = line.split_once(' ').unwrap();
        let (text, what) = rest.split_once(" : ").unwrap();
        let flaw = codec::decode_fact(&flawed(text)).expect_err(what);
        assert_eq!(flaw.reason(), reason, "{what}");
        checked += 1;
    }
    assert!(checked > 50);
}

/// `-` is nothing, `00*n` at the end is n zero bytes.
fn flawed(text: &str) -> Vec<u8> {
    let Some((hex, zeros)) = text.split_once("00*") else { return if text == "-" { Vec::new() } else { unhex(text) } };
    let mut bytes = unhex(hex);
    bytes.resize(bytes.len() + zeros.parse::<usize>().unwrap(), 0);
    bytes
}

/// Policies are long, and there are many that differ little: each is cut and changed at other places.
const EVERY_PLACE_MAX: usize = 1_000;

/// A word cut short or with one byte changed is read or refused, and what was read can be written.
#[test]
fn no_bytes_are_a_surprise() {
    for (number, vector) in vectors().into_iter().enumerate() {
        let step = 1 + vector.bytes.len() / EVERY_PLACE_MAX;
        for cut in (number % step..vector.bytes.len()).step_by(step) {
            assert!(again(vector.kind, &vector.bytes[..cut]).is_err());
            for change in [0x01, 0x80, 0xff] {
                let mut bytes = vector.bytes.clone();
                bytes[cut] ^= change;
                if let Ok(written) = again(vector.kind, &bytes) {
                    assert_eq!(again(vector.kind, &written), Ok(written));
                }
            }
        }
    }
}
