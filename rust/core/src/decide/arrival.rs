//! Arrivals: a new contact, or a message for one that is there.

use super::admission::Admission;
use super::Check;
use crate::state::Phase;
use crate::turn::Turn;
use crate::words::{Author, ContactArrived, Id, MessageAttached, Name, ParkEndedBy};

/// What becomes of an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// A new contact.
    Begins,
    /// Its message goes to this live contact; a parked one returns.
    Joins(Id),
    /// Its message goes to this contact, parked (by its owner) or over, and changes nothing.
    Attaches(Id, Option<Id>),
}

impl Turn<'_> {
    fn arrival(&self, fact: &ContactArrived) -> Arrival {
        let Some(case) = fact.case.filter(|case| *case != fact.contact) else {
            return self.waiting_already(fact).map_or(Arrival::Begins, Arrival::Joins);
        };
        match self.site.live_in_case(case, &fact.channel) {
            Some(id) if fact.reopens || !self.is_parked(id) => Arrival::Joins(id),
            Some(id) => Arrival::Attaches(id, self.site.contact(&id).and_then(|contact| contact.phase.owner())),
            None if fact.reopens => Arrival::Begins,
            None => Arrival::Attaches(case, None),
        }
    }

    /// The same customer waits on this channel, which has nobody wait twice.
    fn waiting_already(&self, fact: &ContactArrived) -> Option<Id> {
        let joins = self.rules()?.channel(&fact.channel)?.join_waiting;
        self.first_waiting(fact.customer.filter(|_| joins)?, Some(&fact.channel), None)
    }

    /// The contact of a customer that waits and arrived first, besides this one.
    pub(super) fn first_waiting(&self, customer: Id, channel: Option<&Name>, but: Option<Id>) -> Option<Id> {
        let others = self.site.index.customers.of(&customer).filter(|id| Some(**id) != but);
        let contacts = others.filter_map(|id| Some((id, self.site.contact(id)?)));
        let waiting = contacts.filter(|(id, contact)| {
            contact.phase.waits() && channel.is_none_or(|channel| contact.channel == *channel && self.promise(id).is_none())
        });
        waiting.min_by_key(|(_, contact)| contact.key.seq).map(|(id, _)| *id)
    }

    pub(super) fn is_parked(&self, id: Id) -> bool {
        self.site.contact(&id).is_some_and(|contact| matches!(contact.phase, Phase::Parked { .. }))
    }

    pub(super) fn check_arrival(&self, fact: &ContactArrived) -> Check {
        let rules = self.rules().ok_or("no_policy")?;
        let begins = self.arrival(fact) == Arrival::Begins;
        if begins {
            rules.queue(&fact.queue).ok_or("unknown_queue")?;
        }
        rules.channel(&fact.channel).ok_or("unknown_channel")?;
        if begins {
            if !rules.knows_skills(&fact.requirements) {
                return Err("unknown_skill");
            }
            self.check_topic(fact.topic.as_ref())?;
            if fact.entry_point.as_ref().is_some_and(|name| !rules.knows_entry_point(name)) {
                return Err("unknown_entry_point");
            }
        }
        match self.check_live(fact.contact) {
            Err("unknown_contact") if begins => match self.admission(&fact.queue, &fact.channel, fact.ticket) {
                Err(refusal) if !self.leads_on(fact.entry_point.as_ref()) => Err(refusal),
                Ok(_) | Err(_) => Ok(()),
            },
            Err("unknown_contact") => Ok(()),
            Ok(()) | Err(_) => Err("contact_exists"),
        }
    }

    pub(super) fn arrive(&mut self, fact: ContactArrived) {
        let (message, author) = (fact.message, Author::from(fact.author));
        match self.arrival(&fact) {
            Arrival::Begins => {
                if let Ok(admission) = self.admission(&fact.queue, &fact.channel, fact.ticket) {
                    self.admit(fact, admission);
                } else {
                    self.turn_away(&fact);
                }
            }
            Arrival::Joins(id) => {
                if let Some(message) = message {
                    self.record_message(id, message, author, None);
                }
                if self.is_parked(id) {
                    let by = if author == Author::Customer { ParkEndedBy::Customer } else { ParkEndedBy::Service };
                    self.return_parked(id, by);
                }
            }
            Arrival::Attaches(id, owner) => {
                if let Some(message) = message {
                    let event = MessageAttached { at_ms: self.t_ms, message, author };
                    self.emit(Some(id), owner, Some(&fact.channel), event);
                }
            }
        }
    }

    fn admit(&mut self, mut fact: ContactArrived, admission: Admission) {
        if let Admission::Diverted(to, cause) = admission {
            self.divert(fact.contact, &fact.channel, &fact.queue, &to, cause);
            fact.queue = to;
        }
        self.begin(fact, None);
    }
}
