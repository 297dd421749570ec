//! A customer comes in who is promised a call about the same.
//!
//! ```text
//! keep           linked, and called all the same
//! cancel, merge  held while the contact waits --answered, or promised a call itself--> cancelled
//! all            held for as long as somebody speaks with them
//! all, held      --the contact is gone--> released, and called as promised; or over, if its window is
//! ```
//! A merged contact goes on with what was promised: its priority, topic and case, and where it stands in the line.

use crate::promised::Matter;
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

impl Promised {
    /// The promise that is held from the arrival on.
    pub(super) fn held(self) -> Option<Id> {
        (self.returning != Returning::Keep).then_some(self.contact)
    }
}

impl Turn<'_> {
    /// Of a customer who is there: the promise of the same case, else the one about the same, that is due first.
    pub(super) fn promised_to(&self, customer: Id, fact: &ContactArrived) -> Option<Promised> {
        if !self.site.state.levels.is(4) || !self.customer_is_there(&fact.channel) {
            return None;
        }
        let matter = Matter { case: fact.case, topic: fact.topic.as_ref(), queue: &fact.queue };
        let promises = self.site.index.promised.of(&customer).filter_map(|id| {
            let promise = self.promise(&id).filter(|promise| matter.is_that_of(id, promise))?;
            let returning = self.site.callbacks(&promise.queue)?.returning;
            Some((!matter.is_case_of(id, promise), promise.due_ms, id, returning))
        });
        let (_, _, contact, asked) = promises.min_by_key(|(other, due_ms, id, _)| (*other, *due_ms, *id))?;
        let returning =
            if self.is_dialled(&contact) || self.site.state.held.get(&contact).is_some() { Returning::Keep } else { asked };
        Some(Promised { contact, returning })
    }

    pub(super) fn merges(&self, promised: Option<Promised>) -> Option<(Id, &Promise)> {
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
    pub(super) fn hold_promise(&mut self, id: Id, returned: Id) -> Option<Contact> {
        let channel = self.promise(&id)?.channel.clone();
        let contact = self.site.contact(&id).cloned();
        if let Some(contact) = &contact {
            self.let_go(id, contact, EndedBy::Service, RevokeReason::ContactGone);
            self.end_visit(id, contact, VisitOutcome::Requeued);
        }
        self.emit(Some(id), None, Some(&channel), PromiseHeld { at_ms: self.t_ms, returned });
        contact
    }

    /// Asked before the event is applied: is it the answer, or the end, of a contact of somebody who is promised a call?
    #[allow(clippy::wildcard_enum_match_arm)] // the others leave it as it is
    pub(crate) fn note_returned(&mut self, contact: Option<Id>, event: &Event) {
        let successor = match event {
            Event::ContactEnded(event) => event.successor,
            Event::ContactAnswered(_)
            | Event::ContactParked(_)
            | Event::ContactDormant(_)
            | Event::ContactRevived(_)
            | Event::ContactQueued(_) => None,
            _ => return,
        };
        let promised = &self.site.index.promised;
        if !promised.any() || !self.site.state.levels.is(4) {
            return;
        }
        let Some((id, known)) = contact.and_then(|id| Some((id, self.site.contact(&id)?))) else { return };
        let answered = known.ever_answered();
        let came = match event {
            Event::ContactAnswered(_) => Came::Answered { anew: answered },
            Event::ContactRevived(_) => Came::Back,
            Event::ContactQueued(_) if answered && is_parked(known) => Came::Back,
            Event::ContactQueued(_) => return,
            Event::ContactDormant(_) => Came::Away { answered },
            Event::ContactParked(_) => Came::Parked { answered },
            _ => Came::Gone { answered, successor },
        };
        let speaks = matches!(came, Came::Answered { .. } | Came::Back);
        let owed = known.customer.is_some_and(|customer| promised.count(&customer) > 0);
        if (speaks && owed) || promised.held_for(&id).next().is_some() {
            self.returned.push((id, came));
        }
    }

    /// Who was answered need not be called any more, or not now; who is gone without it is called as promised.
    pub(crate) fn settle_returned(&mut self) {
        for (returned, came) in std::mem::take(&mut self.returned) {
            let held: Vec<Id> = self.site.index.promised.held_for(&returned).collect();
            for id in held {
                let keeps = self.returning(&id) == Returning::Keep;
                match came {
                    Came::Answered { anew: false } if !keeps => {
                        self.end_promise_early(id, PromiseOutcome::Cancelled, Some(returned));
                    }
                    // It waits to be answered still: who is not to be called then is not called now. Else it waits for somebody else.
                    Came::Parked { answered } if answered || keeps => self.release_promise(id, returned, answered),
                    Came::Answered { .. } | Came::Back | Came::Parked { .. } => {}
                    // A call is promised to them as this contact, too, and takes the place of the one that was.
                    Came::Gone { successor: Some(next), .. } if !keeps && self.promise(&next).is_some() => {
                        self.end_promise_early(id, PromiseOutcome::Cancelled, Some(next));
                    }
                    Came::Away { answered } | Came::Gone { answered, .. } => self.release_promise(id, returned, answered),
                }
            }
            match came {
                Came::Answered { anew } => self.hold_while_served(returned, anew),
                Came::Back => self.hold_while_served(returned, true),
                Came::Parked { .. } | Came::Away { .. } | Came::Gone { .. } => {}
            }
        }
    }

    /// Whoever was here is gone. If the window is over by now, it is judged by whether anybody spoke with them.
    fn release_promise(&mut self, id: Id, returned: Id, answered: bool) {
        let (held, promise) = (self.site.state.held.get(&id).copied(), self.promise(&id).cloned());
        let Some((held, promise)) = held.zip(promise) else { return };
        if promise.until_ms > self.at_ms {
            let next_ms = held.next_ms.max(self.at_ms + 1);
            self.emit(Some(id), None, Some(&promise.channel), PromiseReleased { at_ms: self.t_ms, next_ms });
        } else if answered {
            self.end_promise_early(id, PromiseOutcome::Cancelled, Some(returned));
        } else {
            self.close_window(id, &promise);
        }
    }

    /// Somebody speaks with the customer: nobody calls them about the same meanwhile. What was held because they waited elsewhere, too, need not
    /// be done any more.
    fn hold_while_served(&mut self, returned: Id, anew: bool) {
        // All of them are held before any agent who loses an offer is asked for the next.
        let mut free = Vec::new();
        for id in self.promised_about(returned) {
            if self.site.state.held.get(&id).is_some() {
                if !anew && self.waits_as(&id).is_some() {
                    self.end_promise_early(id, PromiseOutcome::Cancelled, Some(returned));
                }
            } else if !self.is_dialled(&id) {
                free.extend(self.hold_promise(id, returned));
            }
        }
        for held in free {
            self.settle_hands(&held);
        }
    }

    /// They wait here, so nobody calls them about the same. Returns the contacts that waited for that, or were offered.
    pub(super) fn hold_while_waiting(&mut self, returned: Id) -> Vec<Contact> {
        let mut promises = self.promised_about(returned);
        promises
            .retain(|id| self.returning(id) != Returning::Keep && !self.is_dialled(id) && self.site.state.held.get(id).is_none());
        promises.into_iter().filter_map(|id| self.hold_promise(id, returned)).collect()
    }

    /// What else is promised to the customer of this contact about the same, if they are there: due first, first.
    fn promised_about(&self, returned: Id) -> Vec<Id> {
        let Some(contact) = self.site.contact(&returned) else { return Vec::new() };
        let Some(customer) = contact.customer.filter(|_| self.customer_is_there(&contact.channel)) else { return Vec::new() };
        let matter = Matter::of(returned, contact);
        let promises = self.site.index.promised.of(&customer).filter_map(|id| {
            let promise = self.promise(&id).filter(|promise| id != returned && matter.is_that_of(id, promise))?;
            Some((promise.due_ms, id))
        });
        let mut promises: Vec<(u64, Id)> = promises.collect();
        promises.sort_unstable();
        promises.into_iter().map(|(_, id)| id).collect()
    }

    /// As which contact the customer waits here: once they are answered they need not be called.
    pub(super) fn waits_as(&self, id: &Id) -> Option<Id> {
        let held = self.site.state.held.get(id).filter(|_| self.returning(id) != Returning::Keep)?;
        self.site.contact(&held.returned).is_some_and(|contact| !contact.ever_answered()).then_some(held.returned)
    }

    /// Its time has come while somebody speaks with the customer about the same, or they wait here instead of being called: not now.
    pub(super) fn hold_while_here(&mut self, id: Id, promise: &Promise) -> bool {
        let Some(customer) = promise.customer.filter(|_| self.site.state.levels.is(4)) else { return false };
        let keeps = self.returning(&id) == Returning::Keep;
        let waits = |contact: &Contact| !keeps && !contact.ever_answered() && !contact.conversation.dormant;
        let here = |contact: &&Contact| is_spoken_with(contact) || waits(contact);
        let here = self.site.index.customers.of(&customer).filter_map(|other| {
            let contact = self.site.contact(other).filter(here)?;
            let free = self.customer_is_there(&contact.channel) && self.promise(other).is_none();
            (free && Matter::of(*other, contact).is_that_of(id, promise)).then_some((contact.key.seq, *other))
        });
        let Some((_, returned)) = here.min() else { return false };
        self.hold_promise(id, returned);
        true
    }

    /// The customer was not reached, and need not be any more: while they were dialled they came in, and were answered. They may be gone by now.
    pub(super) fn end_served(&mut self, id: Id, promise: &Promise) -> bool {
        let served = promise.tried.served.filter(|_| self.returning(&id) != Returning::Keep);
        if let Some(returned) = served {
            self.end_promise_early(id, PromiseOutcome::Cancelled, Some(returned));
        }
        served.is_some()
    }

    /// A dial came to nothing that is no attempt, and its contact is back in its line: not for who has come in meanwhile.
    pub(super) fn hold_after_dial(&mut self, id: Id) {
        let Some(promise) = self.promise(&id).cloned() else { return };
        let Some(seq) = self.site.contact(&id).map(|contact| contact.key.seq) else { return };
        if self.end_served(id, &promise) {
            return;
        }
        self.hold_for_who_came(id, &promise, (seq, promise.next_ms));
    }

    /// The customer was not reached: perhaps because they have come in since this visit began, then, with the place `seq`. Who comes back has an
    /// older place than that.
    pub(super) fn hold_for_who_came(&mut self, id: Id, promise: &Promise, (seq, began_ms): (u64, u64)) {
        let Some(customer) = promise.customer.filter(|_| self.site.state.levels.is(4)) else { return };
        let keeps = self.returning(&id) == Returning::Keep;
        let came = self.site.index.customers.of(&customer).filter_map(|other| {
            let came = |contact: &&Contact| contact.key.seq > seq || (contact.visit == 1 && contact.entered_ms >= began_ms);
            let contact = self.site.contact(other).filter(came)?;
            let waits = self.customer_is_there(&contact.channel) && self.promise(other).is_none();
            let free = waits && (is_spoken_with(contact) || !keeps);
            (free && Matter::of(*other, contact).is_that_of(id, promise)).then_some((contact.key.seq, *other))
        });
        let Some((_, returned)) = came.min() else { return };
        let answered = self.site.contact(&returned).is_some_and(Contact::ever_answered);
        if answered && !keeps {
            self.end_promise_early(id, PromiseOutcome::Cancelled, Some(returned));
        } else {
            self.hold_promise(id, returned);
        }
    }

    fn is_dialled(&self, id: &Id) -> bool {
        matches!(self.site.contact(id), Some(Contact { phase: Phase::Connecting { .. }, .. }))
    }

    fn returning(&self, id: &Id) -> Returning {
        let policy = self.promise(id).and_then(|promise| self.site.callbacks(&promise.queue));
        policy.map_or(Returning::Keep, |policy| policy.returning)
    }
}

/// Somebody has it, or has answered it before, it does not wait for somebody else, and its customer is not away.
fn is_spoken_with(contact: &Contact) -> bool {
    let had = contact.ever_answered() || contact.phase.engaged().is_some();
    had && !is_parked(contact) && !contact.conversation.dormant
}

fn is_parked(contact: &Contact) -> bool {
    matches!(contact.phase, Phase::Parked { .. })
}

/// What became of a contact of somebody who is promised a call. `answered`: in this visit or before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// `anew`: not for the first time.
    Answered {
        anew: bool,
    },
    /// Back in its queue from where it was put aside, or revived: not answered just now.
    Back,
    Parked {
        answered: bool,
    },
    /// The customer says nothing any more.
    Away {
        answered: bool,
    },
    /// `successor`: as what it goes on.
    Gone {
        answered: bool,
        successor: Option<Id>,
    },
}
