//! Promises as they are asked for: by customer, by queue and time, and which of those whose contact waits are due. Derived, never in a snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::groups::Groups;
use crate::state::{Contact, Effect, Place, Promise, PromiseStage};
use crate::words::{Id, Name, PromiseKind};

/// The kind of the effect that asks for a call.
pub(crate) const DIAL: &str = "dial";

/// Costs: the logarithm of the promises of a queue, a change; nothing to contacts as long as no promised one waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Promised {
    customers: Groups<Id, Id>,
    /// By case, besides the contact that bears the case's id.
    cases: Groups<Id, Id>,
    /// Those that take a slot, by queue: due, made, contact.
    slots: BTreeMap<Name, BTreeSet<(u64, u64, Id)>>,
    /// How many there are, by queue and channel.
    lines: BTreeMap<(Name, Name), usize>,
    /// Those whose contact waits or is dialled, and whether they are due.
    called: BTreeMap<Id, bool>,
    /// Dials that nobody has said to be over, by contact.
    dials: BTreeSet<(Id, Place)>,
    /// Those that are held, behind the contact as which their customer is here.
    returned: BTreeSet<(Id, Id)>,
}

impl Promised {
    /// See `Table::seed`.
    pub(crate) fn seed(&mut self, seed: u64) {
        self.customers.seed(seed);
        self.cases.seed(seed);
    }

    pub(crate) fn add(&mut self, id: Id, promise: &Promise) {
        if let Some(customer) = promise.customer {
            self.customers.add(customer, id);
        }
        if let Some(case) = promise.case.filter(|case| *case != id) {
            self.cases.add(case, id);
        }
        if promise.kind == PromiseKind::Scheduled {
            self.slots.entry(promise.queue.clone()).or_default().insert((promise.due_ms, promise.made_ms, id));
        }
        *self.lines.entry((promise.queue.clone(), promise.channel.clone())).or_default() += 1;
        self.advance(id, promise);
    }

    pub(crate) fn remove(&mut self, id: Id, promise: &Promise) {
        if let Some(customer) = promise.customer {
            self.customers.take(&customer, &id);
        }
        if let Some(case) = promise.case.filter(|case| *case != id) {
            self.cases.take(&case, &id);
        }
        if let Some(slots) = self.slots.get_mut(&promise.queue) {
            slots.remove(&(promise.due_ms, promise.made_ms, id));
            if slots.is_empty() {
                self.slots.remove(&promise.queue);
            }
        }
        let line = (promise.queue.clone(), promise.channel.clone());
        if let Some(count) = self.lines.get_mut(&line) {
            *count -= 1;
            if *count == 0 {
                self.lines.remove(&line);
            }
        }
        self.called.remove(&id);
    }

    /// It is asked for, and open.
    pub(crate) fn dial(&mut self, place: Place, effect: &Effect) {
        if effect.kind.as_str() == DIAL {
            self.dials.insert((effect.contact, place));
        }
    }

    /// It has ended, or failed.
    pub(crate) fn hang_up(&mut self, place: Place, effect: &Effect) {
        if effect.kind.as_str() == DIAL {
            self.dials.remove(&(effect.contact, place));
        }
    }

    pub(crate) fn dials_any(&self) -> bool {
        !self.dials.is_empty()
    }

    pub(crate) fn dials_of(&self, contact: Id) -> Vec<Place> {
        let first = (contact, Place { seq: 0, entry: 0 });
        self.dials.range(first..).take_while(|(id, _)| *id == contact).map(|(_, place)| *place).collect()
    }

    /// Its customer is here as this contact.
    pub(crate) fn hold(&mut self, id: Id, returned: Id) {
        self.returned.insert((returned, id));
    }

    pub(crate) fn let_go(&mut self, id: Id, returned: Id) {
        self.returned.remove(&(returned, id));
    }

    /// The promises that are held as long as this contact is here.
    pub(crate) fn held_for(&self, returned: &Id) -> impl Iterator<Item = Id> + '_ {
        let all = (*returned, Id([0; 16]))..=(*returned, Id([0xff; 16]));
        self.returned.range(all).map(|(_, id)| *id)
    }

    /// It is another stage of the promise.
    pub(crate) fn advance(&mut self, id: Id, promise: &Promise) {
        match promise.stage {
            PromiseStage::Scheduled => self.called.remove(&id),
            PromiseStage::Early => self.called.insert(id, false),
            PromiseStage::Due => self.called.insert(id, true),
        };
    }

    /// The customer has no name any more: whose promises these were.
    pub(crate) fn forget(&mut self, customer: &Id) -> Vec<Id> {
        self.customers.remove(customer)
    }

    pub(crate) fn of(&self, customer: &Id) -> impl Iterator<Item = Id> + '_ {
        self.customers.of(customer).copied()
    }

    /// Promised contacts of a case, live or not, besides the one who bears the case's id.
    pub(crate) fn in_case(&self, case: &Id) -> impl Iterator<Item = Id> + '_ {
        self.cases.of(case).copied()
    }

    /// Something is promised to somebody.
    pub(crate) fn any(&self) -> bool {
        !self.lines.is_empty()
    }

    pub(crate) fn count(&self, customer: &Id) -> usize {
        self.customers.count(customer)
    }

    /// Those that take a slot of the queue and are due in this stretch of time: due, made, contact.
    pub(crate) fn due_in(&self, queue: &Name, due_ms: Range<u64>) -> impl Iterator<Item = (u64, u64, Id)> + '_ {
        let least = |due_ms| (due_ms, 0, Id([0; 16]));
        self.slots.get(queue).into_iter().flat_map(move |slots| slots.range(least(due_ms.start)..least(due_ms.end))).copied()
    }

    /// Queues and channels on which something is promised.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&Name, &Name)> {
        self.lines.keys().map(|(queue, channel)| (queue, channel))
    }

    /// Those whose contact waits or is dialled.
    pub(crate) fn called(&self) -> impl Iterator<Item = Id> + '_ {
        self.called.keys().copied()
    }

    /// The contact waits, or is dialled, since it was promised a call.
    pub(crate) fn is_called(&self, id: &Id) -> bool {
        self.called.contains_key(id)
    }

    /// Since when the contact's wait counts for others. None: it does not, since it waits for its time and stands behind everybody.
    pub(crate) fn waits_since(&self, id: &Id, contact: &Contact) -> Option<u64> {
        match self.called.get(id) {
            None => Some(contact.entered_ms),
            Some(due) => due.then_some(contact.entered_ms),
        }
    }
}

/// What somebody comes about.
pub(crate) struct Matter<'a> {
    pub(crate) case: Option<Id>,
    pub(crate) topic: Option<&'a Name>,
    pub(crate) queue: &'a Name,
}

impl<'a> Matter<'a> {
    pub(crate) fn of(id: Id, contact: &'a Contact) -> Self {
        Self { case: Some(contact.case_of(id)), topic: contact.topic.as_ref(), queue: &contact.queue }
    }

    /// The same case, or else the same topic; where one of them has none, the same queue.
    pub(crate) fn is_that_of(&self, id: Id, promise: &Promise) -> bool {
        let topic = match (self.topic, &promise.topic) {
            (Some(own), Some(promised)) => own == promised,
            (None, _) | (_, None) => *self.queue == promise.queue,
        };
        topic || self.is_case_of(id, promise)
    }

    pub(crate) fn is_case_of(&self, id: Id, promise: &Promise) -> bool {
        self.case.is_some_and(|case| case == promise.case_of(id))
    }
}
