//! Who came in vain: their customers are to be offered a callback, with why they came.

use crate::clock::Clock;
use crate::state::Contact;
use crate::turn::Turn;
use crate::words::{CallbackOffered, Id, Missed, NoOffer};

impl Turn<'_> {
    /// A live contact has ended before anybody answered it. Who waited in all no longer than a short abandon did not come in vain, and who was
    /// promised a call has a promise that ends in its own way.
    pub(super) fn offer_callback(&mut self, id: Id, contact: &Contact, missed: Missed) {
        let Some(queue) = self.rules().and_then(|rules| rules.queue(&contact.queue)) else { return };
        if !queue.callbacks.as_ref().is_some_and(|callbacks| callbacks.offer_missed) {
            return;
        }
        let short = missed == Missed::Abandoned && contact.waited_in_all_ms(self.t_ms, Clock(None)) < queue.short_abandon_ms;
        if short || contact.ever_answered() || self.promise(&id).is_some() {
            return;
        }
        let event = CallbackOffered {
            at_ms: self.t_ms,
            queue: contact.queue.clone(),
            missed,
            reason: contact.customer.is_none().then_some(NoOffer::NoReturnAddress),
            customer: contact.customer,
            entry_point: (*contact.entry_point).clone(),
            topic: (*contact.topic).clone(),
            case: contact.case,
            language: (*contact.language).clone(),
            requirements: contact.wishes.clone(),
            priority: contact.priority,
        };
        self.emit(Some(id), None, Some(&contact.channel), event);
    }
}
