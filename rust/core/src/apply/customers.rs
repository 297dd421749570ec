//! Customers in the state: what is remembered of those who left, and of matters that come back.

use crate::customers::{KeptPlace, Recurrence, MATTERS_MAX, PLACES_MAX};
use crate::site::Site;
use crate::state::Contact;
use crate::words::{ContactQueued, Id, Key, Name};

impl Site {
    /// An arrival uses up the place that was kept, or counts for its matter.
    pub(super) fn recognise(&mut self, channel: &Name, event: &ContactQueued) {
        let Some(customer) = event.customer else { return };
        if event.resumes.is_some() {
            self.state.places.remove(&customer, channel);
        }
        if let (Some(matter), Some(topic)) = (event.matter, &event.topic) {
            let known = self.state.matters.remove(&customer, topic);
            self.state.matters.remember(customer, topic, Recurrence::again(known, event.at_ms, matter), MATTERS_MAX);
        }
    }

    pub(super) fn keep_place(&mut self, id: Id, contact: &Contact, until_ms: Option<u64>) {
        let (Some(customer), Some(until_ms)) = (contact.customer, until_ms) else { return };
        let (key, priority) = self.own_place(contact);
        let place = KeptPlace {
            contact: id,
            queue: contact.queue.clone(),
            key,
            queued_at_ms: contact.queued_at_ms,
            target_ms: contact.target_ms,
            priority,
            until_ms,
        };
        self.state.places.remember(customer, &contact.channel, place, PLACES_MAX);
    }

    /// Key and priority without what the queue's plan has given: who takes up the place is given that anew.
    fn own_place(&self, contact: &Contact) -> (Key, u8) {
        let (own, rules) = (contact.own_key(), self.rules().filter(|_| self.state.levels.is(4)));
        let Some((rules, queue)) = rules.and_then(|rules| Some((rules, rules.queue(&contact.queue)?))) else {
            return (own, contact.priority);
        };
        let taken = queue.plan.iter().take(usize::from(contact.course.step));
        let priority = taken.fold(contact.priority, |priority, step| priority.saturating_sub(step.raise_priority));
        (rules.reprioritised(own, contact.priority, priority), priority)
    }

    /// Who is engaged with a customer's matter knows it from now on.
    pub(super) fn know_matter(&mut self, id: Id, agent: Id) {
        let known = self.state.contacts.get(&id).and_then(|contact| Some((contact.customer?, contact.topic.as_ref()?)));
        let Some((customer, topic)) = known else { return };
        if let Some(recurrence) = self.state.matters.get_mut(&customer, topic) {
            recurrence.agent = Some(agent);
        }
    }

    /// The customer's live contacts go on without one; nothing else is remembered.
    pub(super) fn erase_customer(&mut self, customer: Id) {
        for id in self.index.customers.remove(&customer) {
            if let Some(contact) = self.state.contacts.get_mut(&id) {
                contact.customer = None;
            }
        }
        self.forget_promised(customer);
        self.forget_choosing(customer);
        self.state.places.erase(&customer);
        self.state.matters.erase(&customer);
    }
}
