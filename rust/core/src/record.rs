//! The entries of a commit under way: each is encoded once, into its place, as soon as it is known.

use crate::apply::About;
use crate::codec::{Wire, Writer};
use crate::words::{Commit, Entry, Event, Input, Verdict, INPUT_TAG};

/// What an entry takes beside its body, at most.
const ENTRY_OVERHEAD: usize = 96;
/// More than a commit takes before or behind its entries.
const HEADER_MAX: usize = 512;
/// The least room for entries.
const ROOM_MIN: usize = 4_096;

/// Facts by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Facts that were heard.
    pub accepted: u64,
    /// Facts that the rules forbid.
    pub refused: u64,
    /// Facts that had a verdict already.
    pub duplicate: u64,
    /// Facts and whole frames that cannot be read.
    pub quarantined: u64,
}

impl Verdicts {
    fn count(&mut self, verdict: &Verdict) {
        *match verdict {
            Verdict::Accepted(_) => &mut self.accepted,
            Verdict::Refused(_) => &mut self.refused,
            Verdict::Duplicate(_) => &mut self.duplicate,
            Verdict::Quarantined(_) => &mut self.quarantined,
        } += 1;
    }

    pub(crate) fn add(&mut self, more: &Self) {
        self.accepted += more.accepted;
        self.refused += more.refused;
        self.duplicate += more.duplicate;
        self.quarantined += more.quarantined;
    }
}

#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Room, in which the entries stand one after the other as they will in the commit.
    room: Vec<u8>,
    /// And so much of it is taken.
    taken: usize,
    count: usize,
    /// What counts against a turn's budget.
    size: usize,
    first_tag: Option<u64>,
    verdicts: Verdicts,
}

impl Record {
    /// In room that was used before, so that it has grown already.
    pub(crate) fn new(room: Vec<u8>) -> Self {
        Self { room, ..Self::default() }
    }

    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.room
    }

    /// Entries so far.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn first_tag(&self) -> Option<u64> {
        self.first_tag
    }

    pub(crate) fn verdicts(&self) -> &Verdicts {
        &self.verdicts
    }

    pub(crate) fn add_event(&mut self, about: &About, cause: i64, event: &Event) {
        self.add(event.tag(), about, cause, |out| event.write((), out));
    }

    /// A fact as it came (nothing, if it is none), where it stood in the inbox, and what became of it.
    pub(crate) fn add_input(&mut self, about: &About, cause: i64, place: (u64, u64, u64), fact: &[u8], verdict: &Verdict) {
        self.verdicts.count(verdict);
        self.add(INPUT_TAG, about, cause, |out| {
            let (inbox_seq, index, stored_ms) = place;
            out.array(Input::FIELDS.len());
            out.uint(inbox_seq);
            out.uint(index);
            out.uint(stored_ms);
            out.bin(fact);
            verdict.write((), out);
        });
    }

    fn add(&mut self, tag: u64, about: &About, cause: i64, body: impl Fn(&mut Writer<'_>)) {
        while !self.fits(tag, about, cause, &body) {
            self.room.resize((self.room.len() * 2).max(ROOM_MIN), 0);
        }
    }

    /// Add it if there is room for it. A function of its own: nothing is worked out for the case that there is none.
    #[inline(never)]
    fn fits(&mut self, tag: u64, about: &About, cause: i64, body: &impl Fn(&mut Writer<'_>)) -> bool {
        let mut out = Writer::new(self.room.get_mut(self.taken..).unwrap_or_default());
        out.tagged(Entry::FIELDS.len(), tag);
        about.contact.write((), &mut out);
        about.agent.write((), &mut out);
        about.channel.write((), &mut out);
        out.int(cause);
        let length = out.bin_of(body);
        let Some(left) = out.left() else { return false };
        self.taken = self.room.len() - left;
        self.size += ENTRY_OVERHEAD + length;
        self.count += 1;
        self.first_tag.get_or_insert(tag);
        true
    }

    /// The whole commit: `header`, and these entries in their place.
    pub(crate) fn commit(&self, header: &Commit) -> Vec<u8> {
        let mut room = [0; HEADER_MAX];
        let mut bytes = Vec::with_capacity(self.taken + HEADER_MAX);
        bytes.extend_from_slice(written(&mut room, |out| header.write_before(self.count, out)));
        bytes.extend_from_slice(&self.room[..self.taken]);
        bytes.extend_from_slice(written(&mut room, |out| header.write_behind(out)));
        bytes
    }
}

fn written(room: &mut [u8; HEADER_MAX], write: impl FnOnce(&mut Writer<'_>)) -> &[u8] {
    let mut out = Writer::new(room);
    write(&mut out);
    let left = out.left().unwrap_or_else(|| unreachable!("a header takes less than {HEADER_MAX} bytes"));
    &room[..HEADER_MAX - left]
}
