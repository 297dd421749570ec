//! Arrivals: a new contact, or a message for one that is there.

use super::Check;
use crate::rules::Rules;
use crate::state::Phase;
use crate::turn::Turn;
use crate::words::{Author, ContactArrived, ContactQueued, Id, MessageAttached, ParkEndedBy};

/// What becomes of an arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    /// A new contact.
    Begins,
    /// Its message goes to this live contact; a parked one returns.
    Joins(Id),
    /// Its message goes to this contact, parked or over, and changes nothing.
    Attaches(Id),
}

impl Turn<'_> {
    fn arrival(&self, fact: &ContactArrived) -> Arrival {
        let Some(case) = fact.case.filter(|case| *case != fact.contact) else { return Arrival::Begins };
        match self.site.live_in_case(case, &fact.channel) {
            Some(id) if fact.reopens || !self.is_parked(id) => Arrival::Joins(id),
            Some(id) => Arrival::Attaches(id),
            None if fact.reopens => Arrival::Begins,
            None => Arrival::Attaches(case),
        }
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
            Err("unknown_contact") => Ok(()),
            Ok(()) | Err(_) => Err("contact_exists"),
        }
    }

    pub(super) fn arrive(&mut self, fact: ContactArrived) {
        let (message, author) = (fact.message, Author::from(fact.author));
        match self.arrival(&fact) {
            Arrival::Begins => self.begin(fact),
            Arrival::Joins(id) => {
                if let Some(message) = message {
                    self.record_message(id, message, author, None);
                }
                if self.is_parked(id) {
                    let by = if author == Author::Customer { ParkEndedBy::Customer } else { ParkEndedBy::Service };
                    self.return_parked(id, by);
                }
            }
            Arrival::Attaches(id) => {
                if let Some(message) = message {
                    let owner = self.site.contact(&id).and_then(|contact| contact.phase.owner());
                    let event = MessageAttached { at_ms: self.t_ms, message, author };
                    self.emit(Some(id), owner, Some(&fact.channel), event);
                }
            }
        }
    }

    /// A contact's life begins with its first visit.
    fn begin(&mut self, fact: ContactArrived) {
        let Some(rules) = self.rules() else { return };
        let (Some(queue), Some(channel)) = (rules.queue(&fact.queue), rules.channel(&fact.channel)) else { return };
        let target_ms = Rules::target_ms(queue, &fact.channel);
        let seq = self.site.state.arrivals + 1;
        let prefer_until_ms = if fact.preferred.is_empty() { 0 } else { self.at_ms + rules.policy.prefer_ms };
        let queued = ContactQueued {
            at_ms: self.t_ms,
            visit: 1,
            key: rules.key(channel.klass, self.t_ms, target_ms, fact.priority, seq),
            queued_at_ms: self.t_ms,
            target_ms,
            requirements: Rules::requirements(&fact.requirements, queue),
            wishes: fact.requirements,
            queue: fact.queue,
            priority: fact.priority,
            customer: fact.customer,
            preferred: fact.preferred,
            prefer_until_ms,
            excluded: None,
            entry_point: fact.entry_point,
            topic: fact.topic,
            case: fact.case,
            rule: fact.rule,
            language: fact.language,
            accepts: fact.accepts,
            opens_ms: Vec::new(),
            step: 0,
            step_at_ms: None,
            threshold: 0,
            threshold_at_ms: None,
            promote_at_ms: None,
            drain_at_ms: None,
            transfers: 0,
            back: None,
            resumes: None,
            matter: None,
        };
        let queued = self.timed(queued, None);
        self.emit(Some(fact.contact), None, Some(&fact.channel), queued);
        if let Some(message) = fact.message {
            self.record_message(fact.contact, message, fact.author.into(), None);
        }
        self.look(fact.contact);
    }
}
