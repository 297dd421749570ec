//! What can go wrong. Every error means: the journal or snapshot contradicts itself, or the caller broke the protocol.

/// Nothing here is a customer's or an agent's mistake: those are verdicts in the journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are no snapshot of this engine.
    #[error("snapshot: {0}")]
    Snapshot(String),
    /// The bytes are no commit, or an entry in it cannot be read.
    #[error("commit {seq}: {what}")]
    Commit {
        /// Position of the commit (of the one expected, if it has none).
        seq: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The journal is sound, but of a level that this engine does not decide, or not even fold.
    #[error("commit {seq}: {what}")]
    Level {
        /// Position of the commit.
        seq: u64,
        /// What it wants, and what there is.
        what: String,
    },
    /// The state contradicts itself: a deadline does nothing, or an event that was just decided does not apply. No journal that this engine
    /// wrote leads there; nothing more is decided.
    #[error("state after commit {seq}: {what}")]
    State {
        /// Position of the last commit.
        seq: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The caller broke the protocol: a step before `take_over`, time that runs back, frames out of order.
    #[error("protocol: {0}")]
    Protocol(String),
}
