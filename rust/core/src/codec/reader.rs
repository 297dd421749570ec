//! A cursor over msgpack. It never reads beyond the bytes, allocates nothing and accepts non-minimal forms.

use super::Flaw;

/// Deeper nesting than any word has; what is skipped may not exhaust the stack of this or another reader.
const DEPTH_MAX: u32 = 64;

/// What the next value begins with. Lengths are not yet checked against the bytes that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    Nil,
    Bool,
    Uint(u64),
    /// Below zero.
    Int(i64),
    Float,
    Str(usize),
    Bin(usize),
    Ext(usize),
    Array(usize),
    Map(usize),
}

#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    /// The next value, if it is sixteen bytes in their shortest form.
    pub(crate) fn id(&mut self) -> Option<[u8; 16]> {
        let [0xc4, 16, rest @ ..] = self.rest else { return None };
        let (id, rest) = rest.split_first_chunk()?;
        self.rest = rest;
        Some(*id)
    }

    /// Bytes not yet read.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// True, and the nil is read, if the next value is nil.
    #[inline]
    pub(crate) fn nil(&mut self) -> bool {
        if let [0xc0, rest @ ..] = self.rest {
            self.rest = rest;
            true
        } else {
            false
        }
    }

    #[inline]
    pub(crate) fn boolean(&mut self) -> Result<bool, Flaw> {
        if let [flag @ (0xc2 | 0xc3), rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(*flag == 0xc3);
        }
        self.head().and(Err(Flaw::BadShape))
    }

    #[inline]
    pub(crate) fn int(&mut self) -> Result<i64, Flaw> {
        if let [0xd0..=0xd3 | 0xe0..=0xff, ..] = self.rest {
            return self.signed_int();
        }
        i64::try_from(self.uint()?).map_err(|_| Flaw::OutOfBounds)
    }

    fn signed_int(&mut self) -> Result<i64, Flaw> {
        let head = self.head()?;
        if let Head::Int(value) = head {
            return Ok(value);
        }
        if let Head::Uint(value) = head {
            return i64::try_from(value).map_err(|_| Flaw::OutOfBounds);
        }
        Err(Flaw::BadShape)
    }

    /// An integer that is not below zero. Most are small, most of the others instants.
    #[inline]
    pub(crate) fn uint(&mut self) -> Result<u64, Flaw> {
        match self.rest {
            [first @ 0x00..=0x7f, rest @ ..] => {
                self.rest = rest;
                Ok(u64::from(*first))
            }
            [0xcf, b0, b1, b2, b3, b4, b5, b6, b7, rest @ ..] => {
                self.rest = rest;
                Ok(u64::from_be_bytes([*b0, *b1, *b2, *b3, *b4, *b5, *b6, *b7]))
            }
            _ => self.other_uint(),
        }
    }

    fn other_uint(&mut self) -> Result<u64, Flaw> {
        let head = self.head()?;
        if let Head::Uint(value) = head {
            return Ok(value);
        }
        Err(if matches!(head, Head::Int(_)) { Flaw::OutOfBounds } else { Flaw::BadShape })
    }

    /// A string's bytes. Every string of our words is ASCII, which the comparison with the word or pattern shows.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'a [u8], Flaw> {
        if let [first @ 0xa0..=0xbf, rest @ ..] = self.rest {
            self.rest = rest;
            return self.take(usize::from(first & 0x1f));
        }
        self.other_text()
    }

    fn other_text(&mut self) -> Result<&'a [u8], Flaw> {
        if let Head::Str(length) = self.head()? {
            self.take(length)
        } else {
            Err(Flaw::BadShape)
        }
    }

    /// A string of at most `N` bytes before `N` more, if it is one: its length, and bytes of which as many are its own.
    #[inline]
    pub(crate) fn short_text<const N: usize>(&mut self) -> Option<(u8, [u8; N])> {
        let [first @ 0xa0..=0xbf, rest @ ..] = self.rest else { return None };
        let (length, bytes) = (first & 0x1f, rest.first_chunk()?);
        if usize::from(length) > N {
            return None;
        }
        self.rest = rest.get(usize::from(length)..)?;
        Some((length, *bytes))
    }

    #[inline]
    pub(crate) fn bin(&mut self) -> Result<&'a [u8], Flaw> {
        if let [0xc4, length, rest @ ..] = self.rest {
            self.rest = rest;
            return self.take(usize::from(*length));
        }
        self.other_bin()
    }

    fn other_bin(&mut self) -> Result<&'a [u8], Flaw> {
        if let Head::Bin(length) = self.head()? {
            self.take(length)
        } else {
            Err(Flaw::BadShape)
        }
    }

    /// `N` bytes that begin with `head`, if that is what follows.
    #[inline]
    pub(crate) fn framed<const N: usize>(&mut self, head: [u8; 2]) -> Option<&'a [u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        if bytes.first_chunk() != Some(&head) {
            return None;
        }
        self.rest = rest;
        Some(bytes)
    }

    /// A byte string of this length, however its head is written.
    #[cold]
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        self.bin()?.try_into().map_err(|_| Flaw::OutOfBounds)
    }

    /// The number of elements that follow.
    #[inline]
    pub(crate) fn array(&mut self) -> Result<usize, Flaw> {
        if let [first @ 0x90..=0x9f, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(usize::from(first & 0x0f));
        }
        if let [0xdc, b0, b1, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(usize::from(u16::from_be_bytes([*b0, *b1])));
        }
        self.other_array()
    }

    fn other_array(&mut self) -> Result<usize, Flaw> {
        if let Head::Array(count) = self.head()? {
            Ok(count)
        } else {
            Err(Flaw::BadShape)
        }
    }

    /// The number of pairs that follow.
    pub(crate) fn map(&mut self) -> Result<usize, Flaw> {
        if let Head::Map(count) = self.head()? {
            Ok(count)
        } else {
            Err(Flaw::BadShape)
        }
    }

    /// Leave out one value with all it holds, unless a number in it is greater than any that can be added to another.
    pub(crate) fn skip_numbers(&mut self) -> Result<(), Flaw> {
        self.skip_within(DEPTH_MAX, i64::MAX.cast_unsigned())
    }

    /// Leave out one value with all it holds.
    pub(crate) fn skip(&mut self) -> Result<(), Flaw> {
        self.skip_within(DEPTH_MAX, u64::MAX)
    }

    fn skip_within(&mut self, depth: u32, number_max: u64) -> Result<(), Flaw> {
        let inner = match self.head()? {
            Head::Uint(number) if number > number_max => return Err(Flaw::OutOfBounds),
            Head::Nil | Head::Bool | Head::Uint(_) | Head::Int(_) | Head::Float => 0,
            Head::Str(length) | Head::Bin(length) | Head::Ext(length) => {
                self.take(length)?;
                0
            }
            Head::Array(count) => count,
            Head::Map(count) => count.saturating_mul(2),
        };
        if inner > 0 {
            let depth = depth.checked_sub(1).ok_or(Flaw::OutOfBounds)?;
            for _ in 0..inner {
                self.skip_within(depth, number_max)?;
            }
        }
        Ok(())
    }

    fn head(&mut self) -> Result<Head, Flaw> {
        let first = self.number::<1>()?;
        Ok(match first {
            0x00..=0x7f => Head::Uint(first),
            0x80..=0x8f => Head::Map(length(first & 0x0f)),
            0x90..=0x9f => Head::Array(length(first & 0x0f)),
            0xa0..=0xbf => Head::Str(length(first & 0x1f)),
            0xc0 => Head::Nil,
            0xc2 | 0xc3 => Head::Bool,
            0xc4 => Head::Bin(length(self.number::<1>()?)),
            0xc5 => Head::Bin(length(self.number::<2>()?)),
            0xc6 => Head::Bin(length(self.number::<4>()?)),
            0xc7 => Head::Ext(length(self.number::<1>()?).saturating_add(1)),
            0xc8 => Head::Ext(length(self.number::<2>()?).saturating_add(1)),
            0xc9 => Head::Ext(length(self.number::<4>()?).saturating_add(1)),
            0xca => self.take(4).map(|_| Head::Float)?,
            0xcb => self.take(8).map(|_| Head::Float)?,
            0xcc => Head::Uint(self.number::<1>()?),
            0xcd => Head::Uint(self.number::<2>()?),
            0xce => Head::Uint(self.number::<4>()?),
            0xcf => Head::Uint(self.number::<8>()?),
            0xd0 => signed(i64::from(i8::from_be_bytes(self.bytes()?))),
            0xd1 => signed(i64::from(i16::from_be_bytes(self.bytes()?))),
            0xd2 => signed(i64::from(i32::from_be_bytes(self.bytes()?))),
            0xd3 => signed(i64::from_be_bytes(self.bytes()?)),
            0xd4..=0xd8 => Head::Ext((1 << (first - 0xd4)) + 1),
            0xd9 => Head::Str(length(self.number::<1>()?)),
            0xda => Head::Str(length(self.number::<2>()?)),
            0xdb => Head::Str(length(self.number::<4>()?)),
            0xdc => Head::Array(length(self.number::<2>()?)),
            0xdd => Head::Array(length(self.number::<4>()?)),
            0xde => Head::Map(length(self.number::<2>()?)),
            0xdf => Head::Map(length(self.number::<4>()?)),
            0xe0..=0xff => Head::Int(i64::from(first.to_le_bytes()[0]) - 0x100),
            _ => return Err(Flaw::NotMsgpack),
        })
    }

    /// `N` bytes as one big-endian number.
    fn number<const N: usize>(&mut self) -> Result<u64, Flaw> {
        let bytes: [u8; N] = self.bytes()?;
        Ok(bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Flaw::NotMsgpack)?;
        self.rest = rest;
        Ok(*bytes)
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8], Flaw> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Flaw::NotMsgpack)?;
        self.rest = rest;
        Ok(bytes)
    }
}

/// A length that cannot be addressed is longer than what follows anyway.
fn length(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// A signed form may hold what is not below zero.
fn signed(value: i64) -> Head {
    u64::try_from(value).map_or(Head::Int(value), Head::Uint)
}
