//! Outside effects in the state: what is to happen, and what is known to have become of it.

use crate::apply::About;
use crate::site::Site;
use crate::state::{Effect, Place};
use crate::words::{EffectEnded, EffectOutcome, EffectRequested, EffectRetried};

impl Site {
    pub(crate) fn effect(&self, seq: u64, entry: u64) -> Option<&Effect> {
        self.state.effects.get(&Place { seq, entry })
    }

    /// Its id is the event's own place.
    pub(super) fn begin_effect(&mut self, about: &About, place: Place, event: &EffectRequested) -> Result<(), String> {
        let effect = Effect {
            contact: about.contact()?,
            agent: about.agent()?,
            channel: about.channel()?.clone(),
            kind: event.kind.clone(),
            message: event.message,
            ordinal: event.ordinal,
            round: 1,
            failed: false,
        };
        self.index.promised.dial(place, &effect);
        self.state.effects.insert(place, effect);
        Ok(())
    }

    pub(super) fn end_effect(&mut self, event: &EffectEnded) -> Result<(), String> {
        let place = Place { seq: event.effect_seq, entry: event.effect_entry };
        let effect = self.state.effects.get_mut(&place).ok_or_else(|| unknown(place))?;
        self.index.promised.hang_up(place, effect);
        match event.outcome {
            EffectOutcome::Failed => effect.failed = true,
            EffectOutcome::Done | EffectOutcome::Discarded => {
                self.state.effects.remove(&place);
            }
        }
        Ok(())
    }

    pub(super) fn retry_effect(&mut self, event: &EffectRetried) -> Result<(), String> {
        let place = Place { seq: event.effect_seq, entry: event.effect_entry };
        let effect = self.state.effects.get_mut(&place).ok_or_else(|| unknown(place))?;
        (effect.round, effect.failed) = (event.round, false);
        self.index.promised.dial(place, effect);
        Ok(())
    }
}

fn unknown(place: Place) -> String {
    format!("there is no effect {}/{}", place.seq, place.entry)
}
