//! The router (under construction: signatures are final).

use crate::Error;

/// One frame of the inbox as the log delivered it.
#[derive(Debug, Clone, Copy)]
pub struct FrameRef<'a> {
    /// Its stream sequence in the inbox.
    pub inbox_seq: u64,
    /// When the server stored it (Unix ms).
    pub stored_ms: u64,
    /// The bytes.
    pub data: &'a [u8],
}

/// Where a router stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Sequence of the last commit (0: none).
    pub seq: u64,
    /// Epoch of the last take-over.
    pub epoch: u64,
    /// Time of the last commit (Unix ms).
    pub at_ms: u64,
    /// BLAKE3 of the last commit (zeros: none).
    pub hash: [u8; 32],
    /// The inbox it reads.
    pub inbox_id: Option<[u8; 16]>,
    /// Every frame before this one is done.
    pub inbox_seq: u64,
    /// And so many facts of this one.
    pub facts_done: u64,
}

/// One site's router.
#[derive(Debug)]
pub struct Router {
    site: String,
}

impl Router {
    /// A router before its first commit.
    pub fn new(site: &str) -> Result<Self, Error> {
        Ok(Self { site: site.to_owned() })
    }
    /// From `snapshot()` bytes.
    pub fn restore(snapshot: &[u8]) -> Result<Self, Error> {
        Err(Error::Snapshot(format!("{} bytes", snapshot.len())))
    }
    /// The logical state as bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        self.site.clone().into_bytes()
    }
    /// BLAKE3 of the logical state.
    pub fn state_hash(&self) -> [u8; 32] {
        [0; 32]
    }
    /// Where it stands.
    pub fn position(&self) -> Position {
        Position { seq: 0, epoch: 0, at_ms: 0, hash: [0; 32], inbox_id: None, inbox_seq: 0, facts_done: 0 }
    }
    /// Begin a new epoch: the commit to append first.
    pub fn take_over(&mut self, _inbox_id: [u8; 16], _at_ms: u64) -> Result<Vec<u8>, Error> {
        Err(Error::Protocol("under construction".to_owned()))
    }
    /// Decide one turn.
    pub fn step(&mut self, _frames: &[FrameRef<'_>], _at_ms: u64) -> Result<Vec<Vec<u8>>, Error> {
        Err(Error::Protocol("under construction".to_owned()))
    }
    /// When to call `step` next if no frame comes.
    pub fn next_deadline(&self) -> Option<u64> {
        None
    }
    /// Fold one commit.
    pub fn apply(&mut self, _commit: &[u8]) -> Result<(), Error> {
        Err(Error::Protocol("under construction".to_owned()))
    }
    /// Decide a commit's own inputs again.
    pub fn redecide(&mut self, _commit: &[u8]) -> Result<Vec<u8>, Error> {
        Err(Error::Protocol("under construction".to_owned()))
    }
    /// Violations of the invariants, in words.
    pub fn check(&self) -> Vec<String> {
        Vec::new()
    }
}

/// BLAKE3 of a commit: the next one's `prev_hash`.
pub fn commit_hash(commit: &[u8]) -> [u8; 32] {
    *blake3::hash(commit).as_bytes()
}

/// A commit as readable lines.
pub fn render(commit: &[u8]) -> Result<String, Error> {
    Err(Error::Commit { seq: 0, what: format!("{} bytes", commit.len()) })
}
