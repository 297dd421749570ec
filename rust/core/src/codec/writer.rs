//! Msgpack in its shortest forms, as msgspec writes it, into room that was made before: every value costs one look at what is left of it.

/// Takes what is written as long as there is room for it. From then on it takes nothing and says so (`left`): all is to be written again,
/// into more.
///
/// A value of one of several lengths is put down in its longest form, of which only the beginning counts; so the room must be a few bytes
/// (at most `WORD_MAX`) larger than what stands in it in the end.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    rest: &'a mut [u8],
    /// There was not enough.
    short: bool,
}

/// What the longest of our words needs, with its head.
const WORD_MAX: usize = 32;

/// What `write` writes, in a vector of its own.
pub(crate) fn written(write: impl Fn(&mut Writer<'_>)) -> Vec<u8> {
    let mut bytes = vec![0; 256];
    loop {
        let mut writer = Writer::new(&mut bytes);
        write(&mut writer);
        if let Some(left) = writer.left() {
            bytes.truncate(bytes.len() - left);
            return bytes;
        }
        bytes.resize(bytes.len() * 2, 0);
    }
}

/// A word of a closed set, as it stands on the wire.
pub(crate) struct Form {
    bytes: [u8; WORD_MAX],
    length: usize,
}

impl Form {
    pub(crate) const fn of(word: &str) -> Self {
        let word = word.as_bytes();
        let mut bytes = [0; WORD_MAX];
        // A longer word does not compile: there is no place for it.
        bytes[0] = 0xa0 | word.len().to_le_bytes()[0];
        let mut at = 0;
        while at < word.len() {
            bytes[at + 1] = word[at];
            at += 1;
        }
        Self { bytes, length: word.len() + 1 }
    }
}

impl<'a> Writer<'a> {
    pub(crate) fn new(room: &'a mut [u8]) -> Self {
        Self { rest: room, short: false }
    }

    /// How much room is left; None if there was not enough.
    pub(crate) fn left(&self) -> Option<usize> {
        (!self.short).then_some(self.rest.len())
    }

    /// `bytes`, of which the first `length` count.
    #[inline]
    pub(crate) fn put<const N: usize>(&mut self, bytes: [u8; N], length: usize) {
        let rest = std::mem::take(&mut self.rest);
        if let Some(place) = rest.first_chunk_mut() {
            *place = bytes;
            self.rest = rest.get_mut(length..).unwrap_or_default();
        } else {
            self.fail();
        }
    }

    /// Bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let rest = std::mem::take(&mut self.rest);
        if let Some((place, rest)) = rest.split_at_mut_checked(bytes.len()) {
            place.copy_from_slice(bytes);
            self.rest = rest;
        } else {
            self.fail();
        }
    }

    /// The room is emptied here, too, so that on the way to here it need not be.
    #[inline]
    fn fail(&mut self) {
        self.rest = Default::default();
        self.short = true;
    }

    #[inline]
    pub(crate) fn nil(&mut self) {
        self.put([0xc0], 1);
    }

    #[inline]
    pub(crate) fn boolean(&mut self, value: bool) {
        self.put([0xc2 | u8::from(value)], 1);
    }

    /// Most numbers are small, most of the others instants.
    #[inline]
    pub(crate) fn uint(&mut self, value: u64) {
        let [b0, b1, b2, b3, b4, b5, b6, b7] = value.to_be_bytes();
        if value < 0x80 {
            self.put([b7], 1);
        } else if value > 0xffff_ffff {
            self.put([0xcf, b0, b1, b2, b3, b4, b5, b6, b7], 9);
        } else {
            self.middling(value);
        }
    }

    fn middling(&mut self, value: u64) {
        let [.., b4, b5, b6, b7] = value.to_be_bytes();
        match value {
            0..=0xff => self.put([0xcc, b7], 2),
            0x100..=0xffff => self.put([0xcd, b6, b7], 3),
            _ => self.put([0xce, b4, b5, b6, b7], 5),
        }
    }

    #[inline]
    pub(crate) fn int(&mut self, value: i64) {
        if let Ok(value) = u64::try_from(value) {
            self.uint(value);
        } else {
            self.negative(value);
        }
    }

    fn negative(&mut self, value: i64) {
        let [b0, b1, b2, b3, b4, b5, b6, b7] = value.to_be_bytes();
        match value {
            -0x20.. => self.put([b7], 1),
            -0x80..-0x20 => self.put([0xd0, b7], 2),
            -0x8000..-0x80 => self.put([0xd1, b6, b7], 3),
            -0x8000_0000..-0x8000 => self.put([0xd2, b4, b5, b6, b7], 5),
            _ => self.put([0xd3, b0, b1, b2, b3, b4, b5, b6, b7], 9),
        }
    }

    /// A word of a closed set.
    #[inline]
    pub(crate) fn word(&mut self, form: &Form) {
        self.put(form.bytes, form.length);
    }

    /// The bytes of a text.
    pub(crate) fn text(&mut self, value: &[u8]) {
        self.sized(value.len(), Short { base: 0xa0, below: 32 }, Some(0xd9), 0xda);
        self.raw(value);
    }

    pub(crate) fn bin(&mut self, value: &[u8]) {
        self.sized(value.len(), Short { base: 0, below: 0 }, Some(0xc4), 0xc5);
        self.raw(value);
    }

    /// A byte string of what `write` writes: its length, if there was room.
    #[inline]
    pub(crate) fn bin_of(&mut self, write: impl FnOnce(&mut Writer<'_>)) -> usize {
        const HEAD: usize = 2;
        let room = std::mem::take(&mut self.rest);
        let mut body = Writer::new(room.get_mut(HEAD..).unwrap_or_default());
        let space = body.rest.len();
        write(&mut body);
        let Some(left) = body.left() else {
            self.fail();
            return 0;
        };
        let length = space - left;
        if let (Ok(short), Some(head)) = (u8::try_from(length), room.first_chunk_mut::<HEAD>()) {
            *head = [0xc4, short];
            self.rest = room.get_mut(HEAD + length..).unwrap_or_default();
        } else {
            self.rest = room;
            self.widen(HEAD, length);
        }
        length
    }

    /// A byte string that stands in the room from `start` on gets the longer head that it needs.
    #[cold]
    fn widen(&mut self, start: usize, length: usize) {
        let moved = if length <= 0xffff { 3 } else { 5 };
        if length <= 0xff || self.rest.len() < moved + length {
            return self.fail();
        }
        self.rest.copy_within(start..start + length, moved);
        self.long(length, 0xc5);
        self.rest = std::mem::take(&mut self.rest).get_mut(length..).unwrap_or_default();
    }

    #[inline]
    pub(crate) fn array(&mut self, count: usize) {
        self.sized(count, Short { base: 0x90, below: 16 }, None, 0xdc);
    }

    /// An array of `count` elements the first of which is `tag`.
    #[inline]
    pub(crate) fn tagged(&mut self, count: usize, tag: u64) {
        match (u8::try_from(count), u8::try_from(tag)) {
            (Ok(few @ 0..=15), Ok(small @ 0..=0x7f)) => self.put([0x90 | few, small], 2),
            (Ok(more), Ok(small @ 0..=0x7f)) => self.put([0xdc, 0, more, small], 4),
            _ => {
                self.array(count);
                self.uint(tag);
            }
        }
    }

    pub(crate) fn map(&mut self, count: usize) {
        self.sized(count, Short { base: 0x80, below: 16 }, None, 0xde);
    }

    /// A head with a length: short, in one byte (if the type has that form), in two (`wide`) or in four (`wide + 1`).
    #[inline]
    fn sized(&mut self, length: usize, short: Short, narrow: Option<u8>, wide: u8) {
        match (u8::try_from(length), narrow) {
            (Ok(length), _) if length < short.below => self.put([short.base | length], 1),
            (Ok(length), Some(narrow)) => self.put([narrow, length], 2),
            _ => self.long(length, wide),
        }
    }

    #[cold]
    fn long(&mut self, length: usize, wide: u8) {
        // A commit has at most 1 MiB: no list or string of ours comes near to 4 GiB.
        let [b0, b1, b2, b3] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        if length <= 0xffff {
            self.put([wide, b2, b3], 3);
        } else {
            self.put([wide + 1, b0, b1, b2, b3], 5);
        }
    }
}

/// Lengths under `below` stand in the first byte itself.
#[derive(Clone, Copy)]
struct Short {
    base: u8,
    below: u8,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;
    use serde_bytes::ByteBuf;

    use super::*;

    const WORD: &str = "a_word_of_a_closed_set";

    /// What a word is made of.
    #[derive(Debug, Clone, Serialize)]
    #[serde(untagged)]
    enum Value {
        Nil,
        Boolean(bool),
        Uint(u64),
        Int(i64),
        Text(String),
        Word(&'static str),
        Bin(ByteBuf),
        Array(Vec<Value>),
    }

    impl Value {
        fn write(&self, out: &mut Writer<'_>) {
            match self {
                Self::Nil => out.nil(),
                Self::Boolean(value) => out.boolean(*value),
                Self::Uint(value) => out.uint(*value),
                Self::Int(value) => out.int(*value),
                Self::Text(value) => out.text(value.as_bytes()),
                Self::Word(_) => out.word(&Form::of(WORD)),
                // As an entry's body is written: its length is known when it is done.
                Self::Bin(value) => {
                    let length = out.bin_of(|out| out.raw(value));
                    assert!(out.left().is_none() || length == value.len());
                }
                Self::Array(values) => {
                    out.array(values.len());
                    for value in values {
                        value.write(out);
                    }
                }
            }
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let number = (any::<u64>(), 0..64_u32).prop_map(|(value, less)| value >> less);
        let signed = (any::<i64>(), 0..64_u32).prop_map(|(value, less)| value >> less);
        let length = prop_oneof![0..40_usize, 250..260_usize, Just(70_000)];
        let one = prop_oneof![
            Just(Value::Nil),
            any::<bool>().prop_map(Value::Boolean),
            number.prop_map(Value::Uint),
            signed.prop_map(Value::Int),
            "[a-z]{0,40}".prop_map(Value::Text),
            Just(Value::Word(WORD)),
            length.prop_map(|length| Value::Bin(ByteBuf::from(vec![7; length]))),
        ];
        prop::collection::vec(one, 0..20).prop_map(Value::Array)
    }

    proptest! {
        /// In whatever room: the bytes that everybody else would write, or the word that there was not enough.
        #[test]
        fn what_is_written_is_msgpack_or_nothing(value in values(), more in 0..2 * WORD_MAX, less in 1..400_usize) {
            let bytes = rmp_serde::to_vec(&value).unwrap();
            prop_assert_eq!(&written(|out| value.write(out)), &bytes);
            let mut room = vec![0xff; bytes.len() + more];
            let mut out = Writer::new(&mut room);
            value.write(&mut out);
            let left = out.left();
            if let Some(left) = left {
                prop_assert_eq!((left, &room[..bytes.len()]), (more, &bytes[..]));
            }
            prop_assert!(left.is_some() || more < WORD_MAX);
            let mut room = vec![0xff; bytes.len().saturating_sub(less)];
            let mut out = Writer::new(&mut room);
            value.write(&mut out);
            prop_assert_eq!(out.left(), None);
        }
    }
}
