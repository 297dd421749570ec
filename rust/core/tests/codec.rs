//! What the golden vectors do not show: names of fields, broken bytes, nesting, frames.
#![allow(clippy::unwrap_used)]

use cordboard_core::codec::{self, Flaw, FrameFlaw};
use cordboard_core::words::{Event, Fact, Id, Name};

const WORDS: &str = include_str!("../../../tests/golden/words.txt");
const CONTACT_ABANDONED: &str = "9302c41066616374000000000000000000000000c410636f6e74616374000000000000000000";

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Title, Python's repr and the bytes of every golden vector.
fn vectors() -> impl Iterator<Item = (&'static str, &'static str, Vec<u8>)> {
    WORDS.split("\n\n").filter_map(|block| {
        let mut lines = block.lines().filter(|line| !line.starts_with('#'));
        let title = lines.next()?;
        let value = lines.next()?.strip_prefix("  value ")?;
        Some((title, value, unhex(lines.next()?.strip_prefix("  bytes ")?)))
    })
}

/// Rust's Debug of a word.
fn shown(kind: &str, bytes: &[u8]) -> Result<String, Flaw> {
    match kind {
        "fact" => codec::decode_fact(bytes).map(|word| format!("{word:?}")),
        "event" => codec::decode_event(bytes).map(|word| format!("{word:?}")),
        "input" => codec::decode_input(bytes).map(|word| format!("{word:?}")),
        "entry" => codec::decode_entry(bytes).map(|word| format!("{word:?}")),
        "commit" => codec::decode_commit(bytes).map(|word| format!("{word:?}")),
        "policy" => codec::decode_policy(bytes).map(|word| format!("{word:?}")),
        other => panic!("what is a {other}?"),
    }
}

/// The names of all fields in the order they are shown: in Python's repr those before `=`, in Rust's Debug those before `:`.
fn field_names(shown: &str, mark: char) -> Vec<&str> {
    let before = |at: usize| {
        let start = shown[..at].rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |found| found + 1);
        &shown[start..at]
    };
    shown.match_indices(mark).map(|(at, _)| before(at)).filter(|name| !name.is_empty()).collect()
}

#[test]
fn fields_stand_in_pythons_order_under_the_same_names() {
    let mut checked = 0;
    for (title, value, bytes) in vectors().filter(|(title, _, _)| title.ends_with(" full")) {
        let debug = shown(title.split(' ').next().unwrap(), &bytes).unwrap();
        let (ours, theirs) = (field_names(&debug, ':'), field_names(value, '='));
        if title.starts_with("policy ") {
            // The core reads what concerns routing.
            let mut rest = theirs.iter();
            assert!(ours.iter().all(|name| rest.any(|other| other == name)), "{title}: {ours:?} of {theirs:?}");
        } else {
            assert_eq!(ours, theirs, "{title}");
        }
        checked += 1;
    }
    assert!(checked >= Fact::NAMES.len() + Event::NAMES.len());
}

#[test]
fn a_word_cut_short_or_with_more_behind_it_is_no_msgpack() {
    for (title, _, bytes) in vectors() {
        let kind = title.split(' ').next().unwrap();
        for end in 0..bytes.len() {
            assert_eq!(shown(kind, &bytes[..end]), Err(Flaw::NotMsgpack), "{title} cut at {end}");
        }
        assert_eq!(shown(kind, &[&bytes, b"\xc0".as_slice()].concat()), Err(Flaw::NotMsgpack), "{title} and more");
    }
}

#[test]
fn broken_bytes_are_named_before_a_wrong_shape() {
    // A number where the fact id belongs, and then nothing where the contact belongs.
    assert_eq!(codec::decode_fact(b"\x93\x02\x07"), Err(Flaw::NotMsgpack));
    assert_eq!(codec::decode_fact(b"\x93\x02\x07\x07"), Err(Flaw::BadShape));
}

#[test]
fn a_later_field_nests_no_deeper_than_every_reader_can_follow() {
    let deep = |levels: usize| {
        let mut bytes = [unhex(CONTACT_ABANDONED), b"\x91".repeat(levels), b"\x90".to_vec()].concat();
        bytes[0] = 0x94;
        codec::decode_fact(&bytes).err()
    };
    assert_eq!([deep(1), deep(64), deep(65), deep(60_000)], [None, None, Some(Flaw::OutOfBounds), Some(Flaw::OutOfBounds)]);
}

#[test]
fn every_other_type_is_left_out_whole() {
    let others: [&[u8]; 8] = [
        b"\xca\0\0\0\0",
        b"\xcb\0\0\0\0\0\0\0\0",
        b"\xd4\x01\0",
        b"\xd6\xff\0\0\0\0",
        b"\xd8\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\xc7\x03\x05abc",
        b"\xc8\0\x01\x05a",
        b"\xde\0\x01\xa1k\x91\xd3\xff\xff\xff\xff\xff\xff\xff\xff",
    ];
    for other in others {
        let mut bytes = [unhex(CONTACT_ABANDONED).as_slice(), other].concat();
        bytes[0] = 0x94;
        assert!(codec::decode_fact(&bytes).is_ok(), "{other:02x?}");
    }
}

#[test]
fn a_length_that_lies_costs_nothing() {
    // 4 Gi elements, 4 GiB of text, 4 GiB of bytes, 4 Gi pairs; nothing behind them.
    for head in [0xdd, 0xdb, 0xc6, 0xdf] {
        let bytes = [head, 255, 255, 255, 255];
        assert_eq!(codec::decode_fact(&bytes), Err(Flaw::NotMsgpack));
        assert_eq!(codec::decode_policy(&bytes), Err(Flaw::NotMsgpack));
    }
}

#[test]
fn every_size_of_number_is_written_shortest_and_read_again() {
    use cordboard_core::words::{Entry, Key, SweepAdvanced};
    let sizes: [(i64, usize); 16] = [
        (0, 1),
        (127, 1),
        (128, 2),
        (255, 2),
        (256, 3),
        (65_535, 3),
        (65_536, 5),
        (4_294_967_295, 5),
        (4_294_967_296, 9),
        (-1, 1),
        (-32, 1),
        (-33, 2),
        (-128, 2),
        (-129, 3),
        (-32_769, 5),
        (i64::MIN, 9),
    ];
    for (order_ms, size) in sizes {
        let word = Event::from(SweepAdvanced { at_ms: 0, after: Some(Key { klass: 0, order_ms, seq: 0 }) });
        let bytes = codec::encode_event(&word);
        assert_eq!((bytes.len(), codec::decode_event(&bytes)), (6 + size, Ok(word)), "{order_ms}");
    }
    for length in [0, 255, 256, 65_535, 65_536, 1 << 20] {
        let word = Entry { tag: 1, contact: None, agent: None, channel: None, cause: -1, body: vec![7; length] };
        assert_eq!(codec::decode_entry(&codec::encode_entry(&word)), Ok(word));
    }
}

#[test]
fn a_name_is_a_plain_word() {
    for good in ["a", "0", "nl.written", "a_b-c.d", &"z".repeat(48)] {
        assert_eq!(Name::new(good).as_deref(), Some(good));
    }
    for bad in ["", "A", "_a", ".a", "-a", "a b", "a\n", "é", "aé", &"z".repeat(49)] {
        assert_eq!(Name::new(bad), None, "{bad:?}");
    }
}

#[test]
fn snapshots_hold_ids_as_bytes_and_check_them() {
    let id = Id([7; 16]);
    let bytes = rmp_serde::to_vec(&id).unwrap();
    assert_eq!(bytes, [b"\xc4\x10".as_slice(), &[7; 16]].concat());
    assert_eq!(rmp_serde::from_slice::<Id>(&bytes).unwrap(), id);
    assert!(rmp_serde::from_slice::<Id>(b"\xc4\x0f777777777777777").is_err());
    assert!(rmp_serde::from_slice::<Name>(b"\xa3A b").is_err());
    assert_eq!(format!("{id:?}"), "07".repeat(16));
}

#[test]
fn a_snapshot_holds_a_policy() {
    for (title, _, bytes) in vectors().filter(|(title, _, _)| title.starts_with("policy ")) {
        let policy = codec::decode_policy(&bytes).unwrap();
        let held = rmp_serde::to_vec(&policy).unwrap();
        assert_eq!(rmp_serde::from_slice(&held).ok(), Some(policy), "{title}");
    }
}

fn frame(facts: &[&[u8]]) -> Vec<u8> {
    let size = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
    let fact = |fact: &&[u8]| [b"\xc5".as_slice(), &size(fact.len()), fact].concat();
    [vec![0xdc], size(facts.len()).to_vec(), facts.iter().flat_map(fact).collect()].concat()
}

#[test]
fn splits_a_frame_up_to_its_limits() {
    assert_eq!(codec::split_frame(&frame(&[b"one", b"", b"three"])), Ok(vec![b"one".as_slice(), b"", b"three"]));
    assert_eq!(codec::split_frame(&frame(&vec![b"".as_slice(); 1024])).map(|facts| facts.len()), Ok(1024));
    let largest = frame(&[vec![7; 65_530].as_slice()]);
    assert_eq!((largest.len(), codec::split_frame(&largest).map(|facts| facts[0].len())), (65_536, Ok(65_530)));
}

#[test]
fn says_why_bytes_are_no_frame() {
    let not: [&[u8]; 9] =
        [b"", b"\x90", b"\xc1", b"\xc4\x01a", b"\x91", b"\x91\xa1a", b"\x91\xc4\x02a", b"\x91\xc4\x01a\xc0", b"\x81\xc4\0\xc4\0"];
    for bytes in not {
        assert_eq!(codec::split_frame(bytes), Err(FrameFlaw::NotAFrame), "{bytes:02x?}");
    }
    assert_eq!(codec::split_frame(&frame(&vec![b"".as_slice(); 1025])), Err(FrameFlaw::TooLarge));
    assert_eq!(codec::split_frame(&frame(&[vec![7; 65_531].as_slice()])), Err(FrameFlaw::TooLarge));
    assert_eq!([FrameFlaw::NotAFrame.reason(), FrameFlaw::TooLarge.reason()], ["not_a_frame", "frame_too_large"]);
}
