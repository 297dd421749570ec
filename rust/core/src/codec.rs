//! Words to bytes and back. What is written equals msgspec's bytes; what is read is checked against every bound.

mod plain;
mod reader;
mod wire;
mod writer;

pub(crate) use plain::plain;
pub(crate) use reader::Reader;
pub(crate) use wire::{Fields, Length, Max, Span, Wire};
pub(crate) use writer::{Form, Writer};

use crate::words::bounds::{FRAME_FACTS_MAX, FRAME_MAX};
use crate::words::{Commit, Entry, Event, Fact, Id, Input, Policy};

/// Tag, fact, contact, attempt, agent.
const FIRST_FIELDS: usize = 5;

/// Why bytes are not the word they should be; `reason()` is the quarantine reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Not valid msgpack, or bytes left over.
    NotMsgpack,
    /// The tag is unknown to this level.
    UnknownTag,
    /// A field is missing or of the wrong type.
    BadShape,
    /// A field exceeds its limits.
    OutOfBounds,
}

impl Flaw {
    /// The stable word for it, as in the journal.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotMsgpack => "not_msgpack",
            Self::UnknownTag => "unknown_tag",
            Self::BadShape => "bad_shape",
            Self::OutOfBounds => "out_of_bounds",
        }
    }
}

/// Why a message of the inbox is not a frame; `reason()` is the quarantine reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameFlaw {
    /// Not a msgpack array of one or more byte strings.
    NotAFrame,
    /// More bytes or more facts than a frame may have.
    TooLarge,
}

impl FrameFlaw {
    /// The stable word for it, as in the journal.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotAFrame => "not_a_frame",
            Self::TooLarge => "frame_too_large",
        }
    }
}

/// The facts of a frame, each as its own bytes (not yet decoded).
pub fn split_frame(data: &[u8]) -> Result<Vec<&[u8]>, FrameFlaw> {
    if data.len() > FRAME_MAX {
        return Err(FrameFlaw::TooLarge);
    }
    let mut reader = Reader::new(data);
    let count = reader.array().map_err(|_| FrameFlaw::NotAFrame)?;
    if count > FRAME_FACTS_MAX {
        return Err(FrameFlaw::TooLarge);
    }
    // Every fact has at least one byte, so a length that lies costs no memory.
    let mut facts = Vec::with_capacity(count.min(reader.left()));
    for _ in 0..count {
        facts.push(reader.bin().map_err(|_| FrameFlaw::NotAFrame)?);
    }
    if facts.is_empty() || reader.left() > 0 {
        return Err(FrameFlaw::NotAFrame);
    }
    Ok(facts)
}

/// The ids with which a fact begins, numbers left out: mostly its own, its contact's and its agent's.
pub(crate) fn first_ids(fact: &[u8]) -> [Option<Id>; 3] {
    let (mut reader, mut ids) = (Reader::new(fact), [None; 3]);
    let mut found = 0;
    for _ in 0..reader.array().unwrap_or(0).min(FIRST_FIELDS) {
        if let (Some(bytes), Some(id)) = (reader.id(), ids.get_mut(found)) {
            *id = Some(Id(bytes));
            found += 1;
        } else if reader.uint().is_err() {
            break;
        }
    }
    ids
}

/// Msgpack in which every number leaves room for another to be added: what is no word has no bounds of its own.
pub(crate) fn adds_up(data: &[u8]) -> bool {
    let mut reader = Reader::new(data);
    reader.skip_numbers().is_ok() && reader.left() == 0
}

/// One whole word. Bytes that are no msgpack at all are told apart from those of the wrong shape, whatever is met first.
fn decode<T: Wire<()>>(data: &[u8]) -> Result<T, Flaw> {
    let mut reader = Reader::new(data);
    let word = T::read(&mut reader, ());
    if word.is_ok() && reader.left() == 0 {
        // A word is large: it is handed on where it stands.
        return word;
    }
    Err(word.err().filter(|_| !is_broken(data)).unwrap_or(Flaw::NotMsgpack))
}

fn is_broken(data: &[u8]) -> bool {
    let mut reader = Reader::new(data);
    match reader.skip() {
        Ok(()) => reader.left() != 0,
        Err(flaw) => flaw == Flaw::NotMsgpack,
    }
}

fn encode<T: Wire<()>>(word: &T) -> Vec<u8> {
    writer::written(|out| word.write((), out))
}

/// A fact as a gateway wrote it.
pub fn decode_fact(data: &[u8]) -> Result<Fact, Flaw> {
    decode(data)
}

/// `[tag, fields…]`.
pub fn encode_fact(fact: &Fact) -> Vec<u8> {
    encode(fact)
}

/// The body of an event's entry.
pub fn decode_event(data: &[u8]) -> Result<Event, Flaw> {
    decode(data)
}

/// `[tag, fields…]`.
pub fn encode_event(event: &Event) -> Vec<u8> {
    encode(event)
}

/// The body of an input's entry (tag 0); the fact in it stays bytes.
pub fn decode_input(data: &[u8]) -> Result<Input, Flaw> {
    decode(data)
}

/// `[fields…]`.
pub fn encode_input(input: &Input) -> Vec<u8> {
    encode(input)
}

/// One line of a commit; its body stays bytes.
pub fn decode_entry(data: &[u8]) -> Result<Entry, Flaw> {
    decode(data)
}

/// `[fields…]`.
pub fn encode_entry(entry: &Entry) -> Vec<u8> {
    encode(entry)
}

/// One message of the journal; the bodies of its entries stay bytes.
pub fn decode_commit(data: &[u8]) -> Result<Commit, Flaw> {
    decode(data)
}

/// `[fields…]`.
pub fn encode_commit(commit: &Commit) -> Vec<u8> {
    encode(commit)
}

/// A compiled site policy. Only each field's own bounds are checked here, not whether the fields agree.
pub fn decode_policy(data: &[u8]) -> Result<Policy, Flaw> {
    decode(data)
}

/// A map of every field in order.
pub fn encode_policy(policy: &Policy) -> Vec<u8> {
    encode(policy)
}
