//! Next steps in the state: offered, and chosen or not needed any more.

use super::About;
use crate::index::Later;
use crate::site::Site;
use crate::state::{Choice, Phase};
use crate::words::{Id, NextStepOffered};

impl Site {
    pub(super) fn offer_next_steps(&mut self, about: &About, event: NextStepOffered) -> Result<(), String> {
        let id = about.contact()?;
        let phase = self.contact(&id).map(|contact| contact.phase);
        let waits = phase.is_none_or(|phase| matches!(phase, Phase::Queued | Phase::Offered { .. }));
        if !waits || self.state.promises.get(&id).is_some() {
            return Err(format!("contact {id:?} is offered next steps, but does not wait for anybody"));
        }
        self.withdraw_next_steps(&id);
        self.index.later.insert((event.until_ms, Later::NextStep(id)));
        self.state.choices.insert(id, Choice::offered(about.channel()?.clone(), event));
        Ok(())
    }

    /// Whoever was turned away and never was a contact is gone from here on.
    pub(super) fn take_next_step(&mut self, id: Id, turn_ms: u64) -> Result<(), String> {
        if !self.withdraw_next_steps(&id) {
            return Err(format!("contact {id:?} takes a next step, but was offered none"));
        }
        if self.contact(&id).is_none() {
            self.state.gone.remember(id, (), turn_ms);
        }
        Ok(())
    }

    /// An agent takes the contact, or it is moved, or over. False: there was nothing to choose.
    pub(super) fn withdraw_next_steps(&mut self, id: &Id) -> bool {
        if self.state.choices.len() == 0 {
            return false;
        }
        let Some(choice) = self.state.choices.remove(id) else { return false };
        self.index.later.remove(&(choice.until_ms, Later::NextStep(*id)));
        true
    }

    /// Nobody knows any more who chooses.
    pub(super) fn forget_choosing(&mut self, customer: Id) {
        let choices = self.state.choices.iter().filter(|(_, choice)| choice.customer == Some(customer));
        let theirs: Vec<Id> = choices.map(|(id, _)| *id).collect();
        for id in theirs {
            if let Some(choice) = self.state.choices.get_mut(&id) {
                choice.customer = None;
            }
        }
    }
}
