//! Bytes as a source of choices: each choice takes one, so that a changed byte changes one thing. Behind the end all are zero.

use std::ops::Range;

pub(crate) struct Draw<'a> {
    rest: &'a [u8],
}

impl<'a> Draw<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// The next so many bytes, or those that are left.
    pub(crate) fn some(&mut self, length: usize) -> &'a [u8] {
        let (some, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        some
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.some(1).first().copied().unwrap_or(0)
    }

    /// A number less than `count`, which is at most 256.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    /// A number less than `count`, which may be more than 256.
    pub(crate) fn place(&mut self, count: usize) -> usize {
        (usize::from(self.byte()) << 8 | usize::from(self.byte())) % count
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// Something, or (one time in two) nothing.
    pub(crate) fn maybe<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| what(self))
    }

    /// Fewer than `count` of it.
    pub(crate) fn several<T>(&mut self, count: usize, mut what: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(count)).map(|_| what(self)).collect()
    }
}

/// Values that no genuine field may have had: nil, false, true, numbers at the bounds, an empty list, text, bytes.
pub(crate) const STRANGE: [&[u8]; 13] = [
    b"\xc0",
    b"\xc2",
    b"\xc3",
    b"\x00",
    b"\x01",
    b"\x63",
    b"\xcf\x00\x01\x00\x00\x00\x00\x00\x00",
    b"\xcf\x00\x1f\xff\xff\xff\xff\xff\xff",
    b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x90",
    b"\xa5sales",
    b"\xc4\x10\x02\x02\x02\x02\x02\x02\x02\x02\x00\x00\x00\x00\x00\x00\x00\x01",
];

/// Bytes that look like chance and are the same every time.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// The elements of a msgpack array, each as its bytes. For words that the core has written.
pub(crate) fn elements(array: &[u8]) -> Vec<Vec<u8>> {
    let (count, mut rest) = match array {
        [head @ 0x90..=0x9f, rest @ ..] => (usize::from(head & 0x0f), rest),
        [0xdc, high, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
        other => panic!("no word: {other:02x?}"),
    };
    let mut found = Vec::new();
    for _ in 0..count {
        let (one, others) = rest.split_at(size(rest));
        found.push(one.to_vec());
        rest = others;
    }
    assert!(rest.is_empty());
    found
}

/// A msgpack array of the given elements.
pub(crate) fn array(elements: &[Vec<u8>]) -> Vec<u8> {
    let [_, _, high, low] = u32::try_from(elements.len()).unwrap().to_be_bytes();
    let head = if elements.len() < 16 { vec![0x90 | low] } else { vec![0xdc, high, low] };
    [head, elements.concat()].concat()
}

/// Where the values in the first one stand that hold no others.
pub(crate) fn leaves(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let inner = match bytes[at] {
            0x80..=0x9f => 1,
            0xdc | 0xde => 3,
            _ => 0,
        };
        if inner == 0 {
            found.push(at..at + size(&bytes[at..]));
        }
        at = if inner == 0 { at + size(&bytes[at..]) } else { at + inner };
    }
    found
}

/// How many bytes the first value takes.
fn size(bytes: &[u8]) -> usize {
    let number =
        |from: usize, width: usize| bytes[from..from + width].iter().fold(0, |value, byte| value << 8 | usize::from(*byte));
    let values = |head: usize, count: usize| (0..count).fold(head, |at, _| at + size(&bytes[at..]));
    match bytes[0] {
        0x80..=0x8f => values(1, usize::from(bytes[0] & 0x0f) * 2),
        0x90..=0x9f => values(1, usize::from(bytes[0] & 0x0f)),
        0xa0..=0xbf => 1 + usize::from(bytes[0] & 0x1f),
        0xc4 | 0xd9 => 2 + number(1, 1),
        0xc5 | 0xda => 3 + number(1, 2),
        0xc6 | 0xdb => 5 + number(1, 4),
        0xcc | 0xd0 => 2,
        0xcd | 0xd1 => 3,
        0xce | 0xd2 => 5,
        0xcf | 0xd3 => 9,
        0xdc => values(3, number(1, 2)),
        0xde => values(3, number(1, 2) * 2),
        _ => 1,
    }
}
