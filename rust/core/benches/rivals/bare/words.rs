//! The words of the workload to and from bytes, by hand: a cursor over what is read, a cursor over what is written.
//!
//! What the workload does not use (a preferred agent, a reason, an attempt above 127) is a panic, not a wrong answer.

/// 16 opaque bytes.
pub(crate) type Id = [u8; 16];

/// What a fact says. `needs`: the bytes of the requirements.
pub(crate) enum Said<'a> {
    Arrived {
        contact: Id,
        channel: &'a [u8],
        queue: &'a [u8],
        needs: &'a [u8],
        priority: u8,
    },
    Answered {
        contact: Id,
        attempt: u8,
        agent: Id,
    },
    Connected {
        contact: Id,
        attempt: u8,
        agent: Id,
    },
    EndRequested {
        contact: Id,
        agent: Id,
    },
    /// One of those that set the site up: nobody measures them.
    Other,
}

/// Behind the priority of a `ContactArrived`: defaults.
const ARRIVED_TAIL: &[u8] = b"\xc0\x90\xc0\xc0\xc0\xc0\xa8customer\xc3\xc0\xc0\x90\xc2\xc0";

pub(crate) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// A fact: its id and what it says.
    #[inline]
    pub(crate) fn fact(mut self) -> (Id, Said<'a>) {
        if let Some(rest) = self.0.strip_prefix(&[0xdc, 0, 20, 1]) {
            self.0 = rest;
            let (fact_id, contact, channel, queue) = (self.id(), self.id(), self.text(), self.text());
            let (needs, priority) = (self.requirements(), self.take::<1>()[0]);
            assert!(priority <= 100 && self.0 == ARRIVED_TAIL);
            return (fact_id, Said::Arrived { contact, channel, queue, needs, priority });
        }
        let (kind, fact_id) = (self.take(), self.id());
        let (said, tail): (_, &[u8]) = match kind {
            [0x97, 5] => (Said::Answered { contact: self.id(), attempt: self.attempt(), agent: self.id() }, &[0xc3, 0xc0]),
            [0x95, 6] => (Said::Connected { contact: self.id(), attempt: self.attempt(), agent: self.id() }, &[]),
            [0x96, 8] => (Said::EndRequested { contact: self.id(), agent: self.id() }, &[0xc0, 0xc0]),
            [0x90..=0x9f, 11 | 13 | 15] => (Said::Other, self.0),
            _ => panic!("the workload has no fact {kind:x?}"),
        };
        assert!(self.0 == tail);
        (fact_id, said)
    }

    /// The number of elements.
    #[inline]
    pub(crate) fn array(&mut self) -> usize {
        match self.take::<1>()[0] {
            short @ 0x90..=0x9f => usize::from(short & 0x0f),
            0xdc => usize::from(u16::from_be_bytes(self.take())),
            other => panic!("no array begins with {other:x}"),
        }
    }

    #[inline]
    pub(crate) fn bin(&mut self) -> &'a [u8] {
        let length = match self.take::<1>()[0] {
            0xc4 => usize::from(self.take::<1>()[0]),
            0xc5 => usize::from(u16::from_be_bytes(self.take())),
            other => panic!("no byte string begins with {other:x}"),
        };
        self.part(length)
    }

    #[inline]
    pub(crate) fn text(&mut self) -> &'a [u8] {
        let [head] = self.take();
        assert!(head & 0xe0 == 0xa0, "no short text begins with {head:x}");
        self.part(usize::from(head & 0x1f))
    }

    /// (skill, level) one after the other, all of them hard.
    #[inline]
    pub(crate) fn requirement(&mut self) -> (&'a [u8], u8) {
        let [head] = self.take();
        let skill = self.text();
        let [level, hard] = self.take();
        assert!(head == 0x93 && (1..=10).contains(&level) && hard == 0xc3);
        (skill, level)
    }

    #[inline]
    fn requirements(&mut self) -> &'a [u8] {
        let begin = self.0;
        for _ in 0..self.array() {
            self.requirement();
        }
        &begin[..begin.len() - self.0.len()]
    }

    #[inline]
    fn id(&mut self) -> Id {
        assert!(self.take() == [0xc4, 16]);
        self.take()
    }

    #[inline]
    fn attempt(&mut self) -> u8 {
        let [attempt] = self.take();
        assert!((1..0x80).contains(&attempt));
        attempt
    }

    #[inline]
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (bytes, rest) = self.0.split_first_chunk().expect("the fact ends too early");
        self.0 = rest;
        *bytes
    }

    #[inline]
    fn part(&mut self, length: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }
}

/// Bytes that grow at their end, in room that is kept from turn to turn.
pub(crate) struct Room {
    bytes: Vec<u8>,
    at: usize,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; 1 << 16], at: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.at = 0;
    }

    /// Room for as many bytes: asked for once a fact.
    pub(crate) fn make(&mut self, length: usize) {
        if self.bytes.len() - self.at < length {
            self.bytes.resize((self.bytes.len() + length) * 2, 0);
        }
    }

    pub(crate) fn written(&self) -> &[u8] {
        &self.bytes[..self.at]
    }

    #[inline]
    pub(crate) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.put_first(bytes, N);
    }

    /// Of `bytes` the first `length`; what stands behind is written over.
    #[inline]
    pub(crate) fn put_first<const N: usize>(&mut self, bytes: [u8; N], length: usize) {
        *self.bytes[self.at..].first_chunk_mut().expect("room was made") = bytes;
        self.at += length;
    }

    #[inline]
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes[self.at..][..bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    #[inline]
    pub(crate) fn id(&mut self, id: &Id) {
        let mut bytes = [0xc4, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes[2..].copy_from_slice(id);
        self.put(bytes);
    }

    #[inline]
    pub(crate) fn id_or_nil(&mut self, id: Option<&Id>) {
        match id {
            Some(id) => self.id(id),
            None => self.put([0xc0]),
        }
    }

    #[inline]
    pub(crate) fn uint(&mut self, value: u64) {
        let [b0, b1, b2, b3, b4, b5, b6, b7] = value.to_be_bytes();
        match value {
            0..=0x7f => self.put([b7]),
            0x80..=0xff => self.put([0xcc, b7]),
            0x100..=0xffff => self.put([0xcd, b6, b7]),
            0x1_0000..=0xffff_ffff => self.put([0xce, b4, b5, b6, b7]),
            _ => self.put([0xcf, b0, b1, b2, b3, b4, b5, b6, b7]),
        }
    }

    #[inline]
    pub(crate) fn array(&mut self, count: usize) {
        match (u8::try_from(count), u16::try_from(count)) {
            (Ok(short @ 0..16), _) => self.put([0x90 | short]),
            (_, Ok(count)) => {
                self.put([0xdc]);
                self.put(count.to_be_bytes());
            }
            _ => panic!("{count} elements are too many"),
        }
    }

    /// A byte string of what `write` writes. Nearly all are short.
    #[inline]
    pub(crate) fn bin(&mut self, write: impl FnOnce(&mut Self)) {
        let head = self.at;
        self.at += 2;
        write(self);
        let length = self.at - head - 2;
        if let Ok(short) = u8::try_from(length) {
            self.bytes[head..head + 2].copy_from_slice(&[0xc4, short]);
        } else {
            self.make(8);
            self.bytes.copy_within(head + 2..self.at, head + 3);
            self.at += 1;
            let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
            self.bytes[head..head + 3].copy_from_slice(&[0xc5, high, low]);
        }
    }
}
