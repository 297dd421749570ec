//! Fold: read a commit that was decided before, see that it is the next one, and stand after it.

use crate::apply::About;
use crate::codec;
use crate::levels::{FIRST_ADOPTED, FIRST_FOLDED, LEVEL};
use crate::restore::check_hours;
use crate::router::{commit_hash, Router, COMMIT_VERSION, LAST_TURN_MS};
use crate::state::Place;
use crate::words::bounds::FRAME_FACTS_MAX;
use crate::words::{Commit, Digest, Entry, Event, Fact, Id, Input, Verdict, INPUT_TAG};
use crate::Error;

/// An entry of a commit, read.
#[allow(clippy::large_enum_variant)] // one at a time
pub(crate) enum Read {
    Input(Option<Id>, Input),
    Event(About, Event),
}

impl Read {
    /// Does it begin or end an epoch? Then it is no part of a turn.
    fn is_control(&self) -> bool {
        matches!(self, Self::Event(_, Event::RouterTookOver(_) | Event::RouterSteppedDown(_)))
    }

    fn adopts(&self) -> Option<u64> {
        match self {
            Self::Event(_, Event::LevelAdopted(event)) => Some(event.level),
            Self::Input(..) | Self::Event(..) => None,
        }
    }
}

/// Why a commit could not be folded.
#[derive(Debug, Clone)]
pub(crate) enum Folding {
    /// It is not the next commit; nothing was changed.
    NotNext(Error),
    /// It contradicts the state; part of it was applied.
    Contradicts(Error),
}

impl Folding {
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::NotNext(error) | Self::Contradicts(error) => error,
        }
    }
}

impl Router {
    /// Read a commit that must be the next one. Changes nothing.
    pub(crate) fn read(&self, bytes: &[u8]) -> Result<(Commit, Vec<Read>), Folding> {
        let state = &self.site.state;
        let seq = state.seq + 1;
        let refuse = |what: String| Folding::NotNext(Error::Commit { seq, what });
        let mut commit = codec::decode_commit(bytes).map_err(|flaw| refuse(format!("cannot be read: {}", flaw.reason())))?;
        if commit.v != COMMIT_VERSION {
            return Err(refuse(format!("has version {}, which this engine does not know", commit.v)));
        }
        knows(commit.level).map_err(|what| Folding::NotNext(Error::Level { seq, what }))?;
        if commit.site != state.site {
            return Err(refuse(format!("belongs to site {}", commit.site)));
        }
        if commit.seq != seq {
            return Err(refuse(format!("says it is commit {}", commit.seq)));
        }
        if commit.prev_hash != self.hash {
            return Err(refuse("does not follow from the commit before it".to_owned()));
        }
        if commit.at_ms > LAST_TURN_MS {
            return Err(refuse(format!("is of {}, which is no time in milliseconds", commit.at_ms)));
        }
        if commit.at_ms < state.at_ms {
            return Err(refuse(format!("is older ({}) than the one before it ({})", commit.at_ms, state.at_ms)));
        }
        if let Some(before) = state.consumed.filter(|before| before.inbox_id == commit.consumed.inbox_id) {
            if (commit.consumed.inbox_seq, commit.consumed.facts_done) < (before.inbox_seq, before.facts_done) {
                return Err(refuse("has consumed less than the one before it".to_owned()));
            }
        }
        let entries = std::mem::take(&mut commit.entries);
        let read = entries.into_iter().map(read_entry).collect::<Result<Vec<_>, _>>().map_err(refuse)?;
        if read.len() > 1 && read.iter().any(Read::is_control) {
            return Err(refuse("holds more than the beginning or the end of an epoch".to_owned()));
        }
        let mut levels = state.levels;
        levels.enter(commit.level).map_err(refuse)?;
        for level in read.iter().filter_map(Read::adopts) {
            knows(level).map_err(|what| Folding::NotNext(Error::Level { seq, what }))?;
        }
        if state.stepped_down && !matches!(read.first(), Some(Read::Event(_, Event::RouterTookOver(_)))) {
            return Err(refuse("is decided in an epoch whose router stepped down".to_owned()));
        }
        Ok((commit, read))
    }

    pub(crate) fn fold(&mut self, bytes: &[u8]) -> Result<(), Folding> {
        let (commit, entries) = self.read(bytes)?;
        let is_turn = !entries.first().is_some_and(Read::is_control);
        let entered = self.site.state.levels.enter(commit.level);
        entered.map_err(|what| Folding::Contradicts(Error::Commit { seq: commit.seq, what }))?;
        for (index, entry) in (0_u64..).zip(entries) {
            let place = Place { seq: commit.seq, entry: index };
            let applied = match entry {
                Read::Input(fact_id, input) => {
                    self.site.apply_input(fact_id, input.stored_ms, commit.at_ms, place);
                    Ok(())
                }
                Read::Event(about, mut event) => self.site.apply_event(&about, place, commit.at_ms, &mut event),
            };
            applied.map_err(|what| Folding::Contradicts(Error::Commit { seq: commit.seq, what }))?;
        }
        self.stand_after(commit.consumed, commit.at_ms, commit.continued, is_turn);
        let contradiction = |what: &str| Folding::Contradicts(Error::Commit { seq: commit.seq, what: what.to_owned() });
        if self.site.state.epoch != commit.epoch {
            return Err(contradiction("names another epoch than the last take-over"));
        }
        // What is folded can be restored.
        check_hours(&self.site.state).map_err(|what| contradiction(&what))?;
        // Before levels were adopted the state was hashed in several ways: what is said of it cannot be compared.
        let comparable = commit.state_hash.filter(|_| commit.level >= FIRST_ADOPTED);
        if comparable.is_some_and(|hash| hash != self.site.state.digest()) {
            return Err(contradiction("names another state hash than the fold has"));
        }
        self.hash = Digest(commit_hash(bytes));
        Ok(())
    }
}

fn knows(level: u64) -> Result<(), String> {
    let known = (FIRST_FOLDED..=LEVEL).contains(&level);
    known.then_some(()).ok_or_else(|| format!("is of level {level}, and this engine knows levels {FIRST_FOLDED} to {LEVEL}"))
}

fn read_entry(entry: Entry) -> Result<Read, String> {
    if entry.tag == INPUT_TAG {
        let input = codec::decode_input(&entry.body).map_err(|flaw| format!("holds an input that is {}", flaw.reason()))?;
        if input.index >= FRAME_FACTS_MAX as u64 {
            return Err(format!("holds fact {} of a frame, which no frame has", input.index));
        }
        let fact_id = match input.verdict {
            Verdict::Accepted(_) | Verdict::Refused(_) => {
                let fact = codec::decode_fact(&input.fact).map_err(|flaw| format!("holds a fact that is {}", flaw.reason()))?;
                Some(Fact::fact_id(&fact))
            }
            Verdict::Duplicate(_) | Verdict::Quarantined(_) => None,
        };
        return Ok(Read::Input(fact_id, input));
    }
    let event = codec::decode_event(&entry.body).map_err(|flaw| format!("holds an event that is {}", flaw.reason()))?;
    if event.tag() != entry.tag {
        return Err(format!("holds event {} under tag {}", event.tag(), entry.tag));
    }
    Ok(Read::Event(About { contact: entry.contact, agent: entry.agent, channel: entry.channel }, event))
}
