//! A customer comes in who is promised a call about the same.
//!
//! ```text
//! keep           linked, and called all the same
//! cancel, merge  held while the contact waits --answered--> cancelled
//!                                             --gone--> released, and called as promised
//! ```
//! A merged contact goes on with what was promised: its priority, topic and case, and where it stands in the line.

use crate::state::{Contact, Phase, Promise};
use crate::turn::Turn;
use crate::words::{
    ContactArrived, EndedBy, Event, Id, Key, Name, PromiseHeld, PromiseOutcome, PromiseReleased, Returning, RevokeReason,
    VisitOutcome,
};

/// The promise to the customer of an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Promised {
    pub(super) contact: Id,
    /// What becomes of it: `Keep`, too, if somebody calls at this moment, or waits for the customer already.
    returning: Returning,
}

impl Turn<'_> {
    /// Of a customer who is there: the promise about the same that is due first.
    pub(super) fn promised_to(&self, customer: Id, fact: &ContactArrived) -> Option<Promised> {
        if !self.site.state.levels.is(4) || !self.customer_is_there(&fact.channel) {
            return None;
        }
        let promises = self.site.index.promised.of(&customer).filter_map(|id| {
            let promise = self.promise(&id).filter(|promise| is_about(fact, id, promise))?;
            let returning = self.site.callbacks(&promise.queue)?.returning;
            Some((promise.due_ms, id, returning))
        });
        let (_, contact, asked) = promises.min_by_key(|(due_ms, id, _)| (*due_ms, *id))?;
        let calling = matches!(self.site.contact(&contact), Some(Contact { phase: Phase::Connecting { .. }, .. }));
        let returning = if calling || self.site.state.held.get(&contact).is_some() { Returning::Keep } else { asked };
        Some(Promised { contact, returning })
    }

    fn merges(&self, promised: Option<Promised>) -> Option<(Id, &Promise)> {
        let promised = promised.filter(|promised| promised.returning == Returning::Merge)?;
        Some((promised.contact, self.promise(&promised.contact)?))
    }

    /// What a merged contact arrives with.
    pub(super) fn merged(&self, fact: ContactArrived, promised: Option<Promised>) -> ContactArrived {
        let Some((id, promise)) = self.merges(promised) else { return fact };
        let own = fact.contact;
        ContactArrived {
            priority: fact.priority.max(promise.priority),
            topic: fact.topic.or_else(|| promise.topic.clone()),
            case: fact.case.filter(|case| *case != own).or(Some(promise.case_of(id))),
            ..fact
        }
    }

    /// Where it stands in the line of the promise, if that has a place there by now and it is a better one.
    pub(super) fn merged_key(&self, own: Key, queue: &Name, promised: Option<Promised>) -> Key {
        let Some((_, promise)) = self.merges(promised).filter(|(_, promise)| promise.queue == *queue) else { return own };
        let due = (self.t_ms >= promise.due_ms).then(|| self.due_key(promise, promise.priority, own.seq));
        let place = promise.key.or(due).filter(|place| place.klass == own.klass);
        Key { order_ms: place.map_or(own.order_ms, |place| place.order_ms.min(own.order_ms)), ..own }
    }

    /// Nobody is called as long as the customer waits here. Who waited for the call or was offered it, if anybody was.
    pub(super) fn hold_promise(&mut self, promised: Promised, returned: Id) -> Option<Contact> {
        let id = promised.contact;
        let channel = self.promise(&id).filter(|_| promised.returning != Returning::Keep)?.channel.clone();
        let contact = self.site.contact(&id).cloned();
        if let Some(contact) = &contact {
            self.let_go(id, contact, EndedBy::Service, RevokeReason::ContactGone);
            self.end_visit(id, contact, VisitOutcome::Requeued);
        }
        self.emit(Some(id), None, Some(&channel), PromiseHeld { at_ms: self.t_ms, returned });
        contact
    }

    /// Asked before the event is applied: is it the answer, or the end, of a contact for which a promise is held?
    #[allow(clippy::wildcard_enum_match_arm)] // the others leave it waiting
    pub(crate) fn note_returned(&mut self, contact: Option<Id>, event: &Event) {
        let answered = match event {
            Event::ContactAnswered(_) => true,
            Event::ContactEnded(_) => false,
            _ => return,
        };
        let returned = contact.filter(|contact| self.site.index.promised.held_for(contact).is_some());
        self.returned.extend(returned.map(|contact| (contact, answered)));
    }

    /// Who was answered need not be called any more; who is gone without it is called as promised.
    pub(crate) fn settle_returned(&mut self) {
        for (returned, answered) in std::mem::take(&mut self.returned) {
            let Some(id) = self.site.index.promised.held_for(&returned) else { continue };
            if answered {
                self.end_promise_early(id, PromiseOutcome::Cancelled, Some(returned));
                continue;
            }
            let (held, promise) = (self.site.state.held.get(&id), self.promise(&id));
            let Some((held, channel)) = held.zip(promise.map(|promise| promise.channel.clone())) else { continue };
            let next_ms = held.next_ms.max(self.at_ms + 1);
            self.emit(Some(id), None, Some(&channel), PromiseReleased { at_ms: self.t_ms, next_ms });
        }
    }
}

/// The same case, or else the same topic; where one of them has none, the same queue.
fn is_about(fact: &ContactArrived, id: Id, promise: &Promise) -> bool {
    let case = fact.case.is_some_and(|case| case == promise.case_of(id));
    case || match (&fact.topic, &promise.topic) {
        (Some(own), Some(promised)) => own == promised,
        (None, _) | (_, None) => fact.queue == promise.queue,
    }
}
