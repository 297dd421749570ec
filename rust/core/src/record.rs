//! The entries of a commit under way: each is encoded once, into its place, as soon as it is known.

use crate::apply::About;
use crate::codec::{writer, Wire};
use crate::words::{Commit, Entry, Event, Input, Verdict, INPUT_TAG};

/// What an entry takes beside its body, at most.
const ENTRY_OVERHEAD: usize = 96;

#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The entries one after the other, as they will stand in the commit.
    bytes: Vec<u8>,
    count: usize,
    /// What counts against a turn's budget.
    size: usize,
    first_tag: Option<u64>,
}

impl Record {
    /// In a buffer that was used before, so that it has grown already.
    pub(crate) fn new(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Self { bytes: buffer, ..Self::default() }
    }

    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.bytes
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

    pub(crate) fn add_event(&mut self, about: &About, cause: i64, event: &Event) {
        self.add(event.tag(), about, cause, |out| event.write((), out));
    }

    /// A fact as it came (nothing, if it is none), where it stood in the inbox, and what became of it.
    pub(crate) fn add_input(&mut self, about: &About, cause: i64, place: (u64, u64, u64), fact: &[u8], verdict: &Verdict) {
        self.add(INPUT_TAG, about, cause, |out| {
            let (inbox_seq, index, stored_ms) = place;
            writer::array(Input::FIELDS.len(), out);
            writer::uint(inbox_seq, out);
            writer::uint(index, out);
            writer::uint(stored_ms, out);
            writer::bin(fact, out);
            verdict.write((), out);
        });
    }

    fn add(&mut self, tag: u64, about: &About, cause: i64, body: impl FnOnce(&mut Vec<u8>)) {
        let out = &mut self.bytes;
        writer::array(Entry::FIELDS.len(), out);
        writer::uint(tag, out);
        about.contact.write((), out);
        about.agent.write((), out);
        about.channel.write((), out);
        writer::int(cause, out);
        self.size += ENTRY_OVERHEAD + writer::bin_of(body, out);
        self.count += 1;
        self.first_tag.get_or_insert(tag);
    }

    /// The whole commit: `header` without entries, and these in their place.
    pub(crate) fn commit(&self, header: &Commit) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + 256);
        header.write_around(&mut out, |out| {
            writer::array(self.count, out);
            out.extend_from_slice(&self.bytes);
        });
        out
    }
}
