//! The router: one site, decided and folded commit by commit.

mod commits;

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::fold::Folding;
use crate::hindrance::{Asked, Hindrance};
use crate::levels::{is_decided, FIRST_ADOPTED, FIRST_DECIDED, LEVEL};
use crate::record::Verdicts;
use crate::restore;
use crate::site::Site;
use crate::state::{Phase, State};
use crate::turn::{self, Body, Pending};
use crate::words::bounds::{DURATION_MAX_MS, INSTANT_MAX_MS};
use crate::words::{Digest, Id, Name};
use crate::Error;

/// Version of the commit's own shape.
pub(crate) const COMMIT_VERSION: u8 = 1;
/// The tag of the event that begins an epoch. It belongs to no turn.
const TOOK_OVER_TAG: u64 = 1;
/// The latest turn whose deadlines can be written.
pub(crate) const LAST_TURN_MS: u64 = INSTANT_MAX_MS - 2 * DURATION_MAX_MS;
/// After so many re-decided commits the point to return to moves up.
const CHECKPOINT_EVERY: usize = 2_048;
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
    /// The router of that epoch stepped down: nothing is decided until another one takes over.
    pub stepped_down: bool,
    /// Of the next commit (0: there is none yet).
    pub level: u64,
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

/// What a snapshot holds: the logical state, and the hash of the commit it stands at.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    hash: Digest,
    state: State,
}

/// One site's router.
#[derive(Debug)]
pub struct Router {
    pub(crate) site: Site,
    /// Of the last commit.
    pub(crate) hash: Digest,
    /// It took over and may decide.
    leads: bool,
    /// Folding failed half-way: nothing more may be asked of it.
    broken: Option<Error>,
    checkpoint: Option<Checkpoint>,
    /// Where the next commit's entries are put together.
    buffer: Vec<u8>,
    /// No part of the state: for whoever watches.
    verdicts: Verdicts,
}

/// A state to return to when a re-decided commit differs, and the recorded commits since.
#[derive(Debug)]
struct Checkpoint {
    site: Site,
    hash: Digest,
    since: Vec<Vec<u8>>,
}

impl Router {
    /// A router before its first commit.
    pub fn new(site: &str) -> Result<Self, Error> {
        let name = Name::new(site).ok_or_else(|| Error::Protocol(format!("{site:?} cannot be the name of a site")))?;
        let site = Site::new(State::new(name)).map_err(Error::Snapshot)?;
        Ok(Self::standing(site, Digest([0; 32])))
    }

    /// From `snapshot()` bytes.
    pub fn restore(snapshot: &[u8]) -> Result<Self, Error> {
        if !codec::adds_up(snapshot) {
            return Err(Error::Snapshot("it is no msgpack, or holds a number beyond all bounds".to_owned()));
        }
        let Snapshot { hash, mut state } = rmp_serde::from_slice(snapshot).map_err(|error| Error::Snapshot(error.to_string()))?;
        restore::check(&state).map_err(Error::Snapshot)?;
        if state.levels.in_force == 0 && state.seq > 0 {
            // Written before the state knew: by a build that decided no other level.
            state.levels.in_force = FIRST_ADOPTED - 1;
        }
        state.settle_digest();
        let site = Site::new(state).map_err(Error::Snapshot)?;
        Ok(Self::standing(site, hash))
    }

    fn standing(site: Site, hash: Digest) -> Self {
        Self { site, hash, leads: false, broken: None, checkpoint: None, buffer: Vec::new(), verdicts: Verdicts::default() }
    }

    /// The state after the last commit, and that commit's hash.
    pub fn snapshot(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Borrowed<'a> {
            hash: Digest,
            state: &'a State,
        }
        encoded(&Borrowed { hash: self.hash, state: &self.site.state })
    }

    /// BLAKE3 of the logical state: equal on every router that folded the same journal.
    pub fn state_hash(&self) -> [u8; 32] {
        self.site.state.digest().0
    }

    /// Where it stands.
    pub fn position(&self) -> Position {
        let state = &self.site.state;
        Position {
            seq: state.seq,
            epoch: state.epoch,
            stepped_down: state.stepped_down,
            level: state.levels.in_force,
            at_ms: state.at_ms,
            hash: self.hash.0,
            inbox_id: state.consumed.map(|consumed| consumed.inbox_id.0),
            inbox_seq: state.consumed.map_or(0, |consumed| consumed.inbox_seq),
            facts_done: state.consumed.map_or(0, |consumed| consumed.facts_done),
        }
    }

    /// Begin a new epoch: the commit to append first. For a router that has no rival; others say who they are (`take_over_as`).
    pub fn take_over(&mut self, inbox_id: [u8; 16], at_ms: u64) -> Result<Vec<u8>, Error> {
        self.begin_epoch(inbox_id, None, at_ms)
    }

    /// The same, by the router of this incarnation: an id that no other router has, nor this one in another life.
    pub fn take_over_as(&mut self, inbox_id: [u8; 16], incarnation: [u8; 16], at_ms: u64) -> Result<Vec<u8>, Error> {
        self.begin_epoch(inbox_id, Some(Id(incarnation)), at_ms)
    }

    fn begin_epoch(&mut self, inbox_id: [u8; 16], incarnation: Option<Id>, at_ms: u64) -> Result<Vec<u8>, Error> {
        self.usable()?;
        self.forward(at_ms)?;
        let state = &mut self.site.state;
        if state.levels.in_force == 0 {
            state.levels.in_force = LEVEL;
        }
        let level = state.levels.in_force;
        if !is_decided(level) {
            return Err(Error::Level { seq: state.seq, what: undecided(level) });
        }
        self.leads = true;
        Ok(self.decide_take_over(Id(inbox_id), incarnation, LEVEL, at_ms))
    }

    /// End the epoch: the commit to append last. Nothing is decided after it until `take_over`.
    pub fn step_down(&mut self, at_ms: u64) -> Result<Vec<u8>, Error> {
        self.usable()?;
        self.forward(at_ms)?;
        if !self.leads {
            return Err(Error::Protocol("only a router that took over steps down".to_owned()));
        }
        self.leads = false;
        Ok(self.decide_step_down(at_ms))
    }

    /// Decide one turn: the frames in order, then what is due. Returns the commits to append; empty if nothing happened. If the state
    /// contradicts itself (`Error::State`), there are none, and the router refuses everything from then on.
    pub fn step(&mut self, frames: &[FrameRef<'_>], at_ms: u64) -> Result<Vec<Vec<u8>>, Error> {
        self.usable()?;
        self.forward(at_ms)?;
        if !self.leads {
            return Err(Error::Protocol("only a router that took over decides".to_owned()));
        }
        let unread = self.unread(frames)?;
        self.site.read_ahead(unread.iter().map(|pending| pending.fact.bytes().unwrap_or_default()));
        let mut pending = unread.into_iter().peekable();
        let mut commits = Vec::new();
        loop {
            let idle_allowed = commits.is_empty();
            let (commit, continued) = self.decide_turn(&mut pending, at_ms, idle_allowed)?;
            commits.extend(commit);
            if !continued {
                return Ok(commits);
            }
        }
    }

    /// The facts it has decided itself, since it was made or restored.
    pub fn verdicts(&self) -> Verdicts {
        self.verdicts
    }

    /// When to call `step` next if no frame comes.
    pub fn next_deadline(&self) -> Option<u64> {
        turn::next_deadline(&self.site)
    }

    /// Fold one commit. A commit that is not the next one is refused and changes nothing; one that contradicts the state
    /// leaves a router that refuses everything.
    pub fn apply(&mut self, commit: &[u8]) -> Result<(), Error> {
        self.usable()?;
        self.checkpoint = None;
        self.leads = false;
        let outcome = self.fold(commit);
        if let Err(Folding::Contradicts(error)) = &outcome {
            self.broken = Some(error.clone());
        }
        outcome.map_err(Folding::into_error)
    }

    /// Decide a commit's own inputs again and return what comes out. The state afterwards is that of the recorded commit.
    ///
    /// Equal bytes need no second look. For unequal ones the router keeps a state of at most some thousand commits ago, and folds the recorded
    /// commits since.
    pub fn redecide(&mut self, commit: &[u8]) -> Result<Vec<u8>, Error> {
        self.usable()?;
        self.leads = false;
        let (header, entries) = self.read(commit).map_err(Folding::into_error)?;
        if !is_decided(header.level) {
            return Err(Error::Level { seq: header.seq, what: undecided(header.level) });
        }
        let mut checkpoint = match self.checkpoint.take() {
            Some(checkpoint) if checkpoint.since.len() < CHECKPOINT_EVERY => checkpoint,
            Some(_) | None => Checkpoint { site: self.site.clone(), hash: self.hash, since: Vec::new() },
        };
        let entered = self.site.state.levels.enter(header.level);
        entered.map_err(|what| Error::Commit { seq: header.seq, what })?;
        let decided = self.decide_again(&header, &entries)?;
        if decided != commit {
            self.site = checkpoint.site.clone();
            self.hash = checkpoint.hash;
            for recorded in &checkpoint.since {
                self.fold(recorded).map_err(Folding::into_error)?;
            }
            if let Err(failed) = self.fold(commit) {
                self.broken = Some(failed.clone().into_error());
                return Err(failed.into_error());
            }
        }
        checkpoint.since.push(commit.to_vec());
        self.checkpoint = Some(checkpoint);
        Ok(decided)
    }

    /// Why this agent may not be offered this waiting contact after the last commit (None: nothing stands against it, or the contact
    /// does not wait).
    pub fn hindrance(&self, contact: [u8; 16], agent: [u8; 16]) -> Option<Hindrance<'_>> {
        let waiting = self.site.contact(&Id(contact)).filter(|contact| contact.phase == Phase::Queued)?;
        self.site.hindrance(waiting, &Id(agent), &Asked::at(&self.site, self.site.state.at_ms))
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    fn usable(&self) -> Result<(), Error> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    fn forward(&self, at_ms: u64) -> Result<(), Error> {
        if at_ms < self.site.state.at_ms {
            return Err(Error::Protocol(format!("time runs back from {} to {at_ms}", self.site.state.at_ms)));
        }
        if at_ms > LAST_TURN_MS {
            return Err(Error::Protocol(format!("{at_ms} is no time in milliseconds")));
        }
        Ok(())
    }

    /// The facts of `frames` that have no verdict yet.
    fn unread<'a>(&self, frames: &[FrameRef<'a>]) -> Result<Vec<Pending<'a>>, Error> {
        let consumed = self.site.state.consumed;
        let (consumed_seq, facts_done) = consumed.map_or((0, 0), |consumed| (consumed.inbox_seq, consumed.facts_done));
        if let Some(pair) = frames.windows(2).find(|pair| pair[1].inbox_seq <= pair[0].inbox_seq) {
            return Err(Error::Protocol(format!("frame {} comes after frame {}", pair[1].inbox_seq, pair[0].inbox_seq)));
        }
        let mut pending = Vec::new();
        for frame in frames.iter().filter(|frame| frame.inbox_seq >= consumed_seq) {
            let done = if frame.inbox_seq == consumed_seq { facts_done } else { 0 };
            let stored_ms = frame.stored_ms.min(INSTANT_MAX_MS);
            let fact = |index: u64, fact: Body<'a>| Pending { inbox_seq: frame.inbox_seq, index, stored_ms, fact };
            match codec::split_frame(frame.data) {
                Ok(facts) => {
                    pending.reserve(facts.len());
                    pending.extend(
                        (0..).zip(facts).filter(|(index, _)| *index >= done).map(|(index, bytes)| fact(index, Body::Bytes(bytes))),
                    );
                }
                Err(flaw) if done == 0 => {
                    pending.push(fact(0, Body::Quarantined { reason: flaw.reason(), sha256: turn::sha256(frame.data) }));
                }
                Err(_) => {}
            }
        }
        Ok(pending)
    }
}

fn undecided(level: u64) -> String {
    format!("is of level {level}, and this engine decides levels {FIRST_DECIDED} to {LEVEL}: it can only be folded")
}

fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    // Writing plain data into memory cannot fail.
    rmp_serde::to_vec(value).unwrap_or_else(|error| unreachable!("the state serialises: {error}"))
}

/// BLAKE3 of a commit: the next one's `prev_hash`.
pub fn commit_hash(commit: &[u8]) -> [u8; 32] {
    *blake3::hash(commit).as_bytes()
}
