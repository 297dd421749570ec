//! Commits: one message of the journal each. The inputs of one turn with a verdict on each, and the events they caused.

use super::bounds::{COUNT, MS};
use super::{Digest, Id, Name, Verdict};
use crate::codec::{Length, Max, Span, Wire, Writer};
use serde::{Deserialize, Serialize};

/// Bytes of a commit.
pub const COMMIT_MAX: usize = 1024 * 1024;
/// Bytes of entries after which a turn goes on in a further commit.
pub const TURN_BUDGET: usize = 512 * 1024;
/// The tag of an entry that is an input.
pub const INPUT_TAG: u64 = 0;
/// The cause of what a timer did.
pub const CAUSE_TIMER: i64 = -1;
/// The cause of what an earlier commit had to leave.
pub const CAUSE_CONTINUATION: i64 = -2;
/// The cause of what the router itself did.
pub const CAUSE_CONTROL: i64 = -3;

/// Bounded by the commit around it.
const ENTRIES: Max = Max(COMMIT_MAX);
const ANY_LENGTH: Length = Length(0, COMMIT_MAX);
const FORMAT: Span = Span(1, 1);

arrays! {
    /// How far the inbox was read: every frame before `inbox_seq`, and `facts_done` facts of that frame itself.
    #[derive(Copy, Serialize, Deserialize)]
    Consumed {
        inbox_id: Id,
        inbox_seq: u64 [COUNT],
        facts_done: u64 [COUNT],
    }

    /// One line of a commit: an input (`tag` 0, body `Input`) or an event (`tag` of the event, body the event).
    ///
    /// `cause` is the index within this commit of the input that caused an event, or `CAUSE_TIMER`, `CAUSE_CONTINUATION`,
    /// `CAUSE_CONTROL`; for an input it is the entry's own index. The body stays raw: a follower decodes only what it serves.
    Entry {
        tag: u64 [COUNT],
        contact: Option<Id>,
        agent: Option<Id>,
        channel: Option<Name>,
        cause: i64,
        body: Vec<u8> [ANY_LENGTH],
    }

    /// A fact as it came (`fact` verbatim; empty if quarantined), where it stood in the inbox, and the verdict on it.
    Input {
        inbox_seq: u64 [COUNT],
        index: u64 [COUNT],
        stored_ms: u64 [MS],
        fact: Vec<u8> [ANY_LENGTH],
        verdict: Verdict,
    }

    /// `seq` is the position in the journal's stream; `prev_hash` the BLAKE3 of the commit before (zeros at 1).
    ///
    /// `continued`: the turn was too large for one commit and goes on in the next one, at the same `at_ms`.
    /// `state_hash`: BLAKE3 of the logical state after this commit, on every 1,000th.
    Commit {
        v: u8 [FORMAT],
        site: Name,
        epoch: u64 [COUNT],
        seq: u64 [COUNT],
        level: u64 [COUNT],
        policy: u64 [COUNT],
        at_ms: u64 [MS],
        prev_hash: Digest,
        consumed: Consumed,
        continued: bool,
        entries: Vec<Entry> [ENTRIES],
        state_hash: Option<Digest> = None,
    }
}

impl Commit {
    /// As `Wire::write` does, in two parts: what stands before the entries, and what behind them. They are encoded already.
    pub(crate) fn write_before(&self, entries: usize, out: &mut Writer<'_>) {
        out.array(Self::FIELDS.len());
        self.v.write(FORMAT, out);
        self.site.write((), out);
        for number in [self.epoch, self.seq, self.level, self.policy] {
            number.write(COUNT, out);
        }
        self.at_ms.write(MS, out);
        self.prev_hash.write((), out);
        self.consumed.write((), out);
        self.continued.write((), out);
        out.array(entries);
    }

    pub(crate) fn write_behind(&self, out: &mut Writer<'_>) {
        self.state_hash.write((), out);
    }
}
