//! Commits made: a turn is decided, what came of it becomes the next commit, and the router stands after it.

use super::{commit_hash, Router, COMMIT_VERSION, TOOK_OVER_TAG};
use crate::fold::Read;
use crate::record::Record;
use crate::turn::{self, Body, Pending, Turn};
use crate::words::{Commit, Consumed, Digest, Event, Id, RouterSteppedDown, RouterTookOver, Verdict};
use crate::Error;

/// The tag of the event that ends an epoch.
const STEPPED_DOWN_TAG: u64 = 2;
/// Every so many commits carry the hash of the state.
const STATE_HASH_EVERY: u64 = 1_000;
/// Before any inbox is known.
const NOTHING_CONSUMED: Consumed = Consumed { inbox_id: Id([0; 16]), inbox_seq: 0, facts_done: 0 };

impl Router {
    pub(super) fn decide_take_over(&mut self, inbox_id: Id, incarnation: Option<Id>, level_max: u64, at_ms: u64) -> Vec<u8> {
        let epoch = self.site.state.epoch + 1;
        let mut turn = Turn::new(&mut self.site, at_ms, Record::new(std::mem::take(&mut self.buffer)));
        turn.emit_control(RouterTookOver { at_ms, epoch, inbox_id, incarnation, level_max });
        let record = turn.record;
        let consumed = match self.site.state.consumed {
            Some(consumed) if consumed.inbox_id == inbox_id => consumed,
            Some(_) | None => Consumed { inbox_id, inbox_seq: 0, facts_done: 0 },
        };
        self.seal(record, consumed, at_ms, false)
    }

    pub(super) fn decide_step_down(&mut self, at_ms: u64) -> Vec<u8> {
        let epoch = self.site.state.epoch;
        let mut turn = Turn::new(&mut self.site, at_ms, Record::new(std::mem::take(&mut self.buffer)));
        turn.emit_control(RouterSteppedDown { at_ms, epoch });
        let record = turn.record;
        let consumed = self.site.state.consumed.unwrap_or(NOTHING_CONSUMED);
        self.seal(record, consumed, at_ms, false)
    }

    /// One commit of a turn, and whether the turn goes on. No commit if nothing happened and `idle_allowed`.
    pub(super) fn decide_turn(
        &mut self,
        pending: &mut std::iter::Peekable<std::vec::IntoIter<Pending<'_>>>,
        at_ms: u64,
        idle_allowed: bool,
    ) -> Result<(Option<Vec<u8>>, bool), Error> {
        let idle_allowed = idle_allowed && turn::is_idle(&self.site, at_ms);
        let mut turn = Turn::new(&mut self.site, at_ms, Record::new(std::mem::take(&mut self.buffer)));
        let continued = turn.decide(pending);
        if let Some(what) = turn.contradiction {
            let error = Error::State { seq: self.site.state.seq, what };
            self.broken = Some(error.clone());
            return Err(error);
        }
        let (record, consumed, looked) = (turn.record, turn.consumed, turn.looked);
        self.verdicts.add(record.verdicts());
        if record.count() == 0 && idle_allowed && !looked {
            self.buffer = record.into_buffer();
            return Ok((None, false));
        }
        let consumed = consumed.unwrap_or(NOTHING_CONSUMED);
        Ok((Some(self.seal(record, consumed, at_ms, continued)), continued))
    }

    pub(super) fn decide_again(&mut self, header: &Commit, entries: &[Read]) -> Result<Vec<u8>, Error> {
        match entries.first() {
            Some(Read::Event(_, Event::RouterTookOver(event))) => {
                return Ok(self.decide_take_over(event.inbox_id, event.incarnation, event.level_max, header.at_ms));
            }
            Some(Read::Event(_, Event::RouterSteppedDown(_))) => return Ok(self.decide_step_down(header.at_ms)),
            _ => {}
        }
        let inputs: Vec<Pending<'_>> = entries
            .iter()
            .filter_map(|entry| match entry {
                Read::Input(_, input) => Some(Pending {
                    inbox_seq: input.inbox_seq,
                    index: input.index,
                    stored_ms: input.stored_ms,
                    fact: match &input.verdict {
                        Verdict::Quarantined(verdict) => Body::Quarantined { reason: &verdict.reason, sha256: verdict.sha256 },
                        Verdict::Accepted(_) | Verdict::Refused(_) | Verdict::Duplicate(_) => Body::Bytes(&input.fact),
                    },
                }),
                Read::Event(..) => None,
            })
            .collect();
        let (commit, _) = self.decide_turn(&mut inputs.into_iter().peekable(), header.at_ms, false)?;
        Ok(commit.unwrap_or_default())
    }

    /// Make the commit of what was decided, and stand after it.
    fn seal(&mut self, record: Record, consumed: Consumed, at_ms: u64, continued: bool) -> Vec<u8> {
        let is_turn = !matches!(record.first_tag(), Some(TOOK_OVER_TAG | STEPPED_DOWN_TAG));
        let level = self.site.state.levels.in_force;
        self.stand_after(consumed, at_ms, continued, is_turn);
        let state = &self.site.state;
        let header = Commit {
            v: COMMIT_VERSION,
            site: state.site.clone(),
            epoch: state.epoch,
            seq: state.seq,
            level,
            policy: state.policy.as_ref().map_or(0, |policy| policy.version),
            at_ms,
            prev_hash: self.hash,
            consumed,
            continued,
            entries: Vec::new(),
            state_hash: state.seq.is_multiple_of(STATE_HASH_EVERY).then(|| state.digest()),
        };
        let bytes = record.commit(&header);
        self.buffer = record.into_buffer();
        self.hash = Digest(commit_hash(&bytes));
        bytes
    }

    pub(crate) fn stand_after(&mut self, consumed: Consumed, at_ms: u64, continued: bool, is_turn: bool) {
        let state = &mut self.site.state;
        state.seq += 1;
        state.at_ms = at_ms;
        let rises = state.levels.adopted != 0;
        state.levels.settle();
        state.consumed = Some(consumed);
        if is_turn {
            state.turn_ms = at_ms;
            state.continued = continued;
            if !continued {
                state.looked_ms = at_ms;
            }
        }
        if rises {
            self.site.index.rise(&self.site.state);
        }
        // Whoever folds decides nothing about the doors, but knows when they are looked at.
        for queue in self.site.index.attendance.take_touched() {
            self.site.index.hang_doors_to(&queue, &self.site.state);
        }
        let state = &mut self.site.state;
        state.facts.forget(at_ms);
        state.gone.forget(at_ms);
        state.places.forget(at_ms);
        state.matters.forget(at_ms);
        state.slas.rested.forget(at_ms);
        if state.seq.is_multiple_of(STATE_HASH_EVERY) {
            state.settle_digest();
        }
    }
}
