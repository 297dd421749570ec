//! Outside effects: what an agent's message asks for, and what is said to have become of it.

use super::{word, Check};
use crate::promised::DIAL;
use crate::state::{Effect, Phase};
use crate::turn::Turn;
use crate::words::bounds::counted;
use crate::words::{EffectEnded, EffectFailure, EffectOutcome, EffectRequested, EffectRetried, Id, Reply};

impl Turn<'_> {
    /// An agent's message on a channel without a connection is for somebody outside to deliver.
    pub(super) fn request_effect(&mut self, id: Id, agent: Id, message: Id) {
        let Some(contact) = self.site.contact(&id) else { return };
        let (channel, ordinal) = (contact.channel.clone(), contact.ordinal);
        let reply = self.rules().and_then(|rules| rules.channel(&channel)).map_or(Reply::Live, |profile| profile.reply);
        if reply != Reply::Live {
            let event = EffectRequested { at_ms: self.t_ms, kind: word(reply.as_str()), message, ordinal };
            self.emit(Some(id), Some(agent), Some(&channel), event);
        }
    }

    /// It lives, open or failed.
    pub(super) fn check_effect(&self, seq: u64, entry: u64) -> Check {
        self.site.effect(seq, entry).map(|_| ()).ok_or("unknown_effect")
    }

    /// It has not failed yet.
    pub(super) fn check_open(&self, seq: u64, entry: u64) -> Check {
        self.site.effect(seq, entry).filter(|effect| !effect.failed).map(|_| ()).ok_or("unknown_effect")
    }

    /// It is a dead letter.
    pub(super) fn check_failed(&self, seq: u64, entry: u64) -> Check {
        match self.site.effect(seq, entry) {
            Some(effect) if effect.failed => Ok(()),
            Some(_) => Err("effect_open"),
            None => Err("unknown_effect"),
        }
    }

    /// The same, or a dial that outlived its attempt: below level 4 nobody but a dialler ended those.
    pub(super) fn check_discard(&self, seq: u64, entry: u64) -> Check {
        match self.site.effect(seq, entry) {
            Some(effect) if self.site.state.levels.is(4) && self.attempt_ended_as(effect).is_some() => Ok(()),
            Some(_) | None => self.check_failed(seq, entry),
        }
    }

    /// Whose attempt is over is dialled no more: whoever said so, nobody need say it of the effect.
    pub(crate) fn end_dials(&mut self, contact: Option<Id>) {
        let Some(id) = contact.filter(|_| self.site.state.levels.is(4)) else { return };
        for place in self.site.index.promised.dials_of(id) {
            let outcome = self.site.effect(place.seq, place.entry).and_then(|effect| self.attempt_ended_as(effect));
            if let Some(outcome) = outcome {
                self.end_effect(place.seq, place.entry, outcome, None);
            }
        }
    }

    /// How it came out for a dial whose attempt is over.
    fn attempt_ended_as(&self, effect: &Effect) -> Option<EffectOutcome> {
        if effect.kind.as_str() != DIAL {
            return None;
        }
        let of_this = |attempt| u64::from(attempt) == effect.ordinal;
        match self.site.contact(&effect.contact).map(|contact| contact.phase) {
            Some(Phase::Connecting { attempt, .. }) if of_this(attempt) => None,
            Some(Phase::Engaged { attempt, .. }) if of_this(attempt) => Some(EffectOutcome::Done),
            Some(_) | None => Some(EffectOutcome::Discarded),
        }
    }

    pub(super) fn end_effect(&mut self, seq: u64, entry: u64, outcome: EffectOutcome, reason: Option<EffectFailure>) {
        let Some(effect) = self.site.effect(seq, entry).cloned() else { return };
        let event = EffectEnded { at_ms: self.t_ms, effect_seq: seq, effect_entry: entry, outcome, reason };
        self.emit(Some(effect.contact), Some(effect.agent), Some(&effect.channel), event);
    }

    pub(super) fn retry_effect(&mut self, seq: u64, entry: u64) {
        let Some(effect) = self.site.effect(seq, entry).cloned() else { return };
        let event = EffectRetried { at_ms: self.t_ms, effect_seq: seq, effect_entry: entry, round: counted(effect.round) };
        self.emit(Some(effect.contact), Some(effect.agent), Some(&effect.channel), event);
    }
}
