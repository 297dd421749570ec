//! The first visit of a contact: where it stands in the order, and what its customer did before.

use crate::customers::KeptPlace;
use crate::rules::Rules;
use crate::turn::Turn;
use crate::words::bounds::{counted, PREFERRED_MAX};
use crate::words::{ContactArrived, ContactLinked, ContactQueued, Id, LinkCause, Matter, MatterRepeated};

use super::plan::PRIORITY_MAX;
use super::returning::Promised;

/// What a customer did before, as far as it matters now.
#[derive(Debug, Default)]
struct Past {
    /// Another contact of the customer waits.
    waiting: Option<Id>,
    /// The place that is taken up again.
    place: Option<KeptPlace>,
    matter: Option<Matter>,
    /// The matter came back often enough.
    repeated: bool,
    /// Who was engaged with it last.
    owner: Option<Id>,
    /// The call that the customer is promised about the same.
    promised: Option<Promised>,
}

impl Turn<'_> {
    /// A contact's life begins with its first visit. `after`: whose next step it is.
    pub(super) fn begin(&mut self, fact: ContactArrived, after: Option<Id>) {
        let past = self.past(&fact, after);
        // Who was turned away, or waited, was promised a first response.
        let unanswered = |before: &Id| self.site.contact(before).is_none_or(|contact| !contact.ever_answered());
        let owed = after.filter(|before| fact.case == Some(*before) && unanswered(before));
        let (id, channel, topic, ticket) = (fact.contact, fact.channel.clone(), fact.topic.clone(), fact.ticket);
        let fact = self.merged(fact, past.promised);
        let (message, author) = (fact.message, fact.author.into());
        self.note_segment(id, &channel, fact.segment.clone());
        let Some(queued) = self.first_visit(fact, &past) else { return };
        self.enter((id, None), queued, &channel, None);
        if owed.is_some() {
            self.owe_first_response(id);
        }
        let promised = past.promised.map(|promised| (promised.contact, LinkCause::Promised));
        let waiting = past.waiting.map(|other| (other, LinkCause::Waiting));
        let resumed = past.place.map(|place| (place.contact, LinkCause::Resumed));
        for (other, cause) in waiting.into_iter().chain(resumed).chain(promised) {
            self.emit(Some(id), None, Some(&channel), ContactLinked { at_ms: self.t_ms, other, cause });
        }
        let first = past.promised.and_then(Promised::held).and_then(|promise| self.hold_promise(promise, id));
        let others = if past.promised.is_some() { self.hold_while_waiting(id) } else { Vec::new() };
        if let (true, Some(matter), Some(topic)) = (past.repeated, past.matter, topic) {
            self.emit(Some(id), None, Some(&channel), MatterRepeated { at_ms: self.t_ms, count: matter.count, topic });
        }
        if let Some(message) = message {
            self.record_message(id, message, author, None);
        }
        self.look(id);
        if ticket {
            // They may come later than those whom the closing moved on.
            self.lead_on(id);
        }
        for held in first.into_iter().chain(others) {
            self.settle_hands(&held);
        }
    }

    fn past(&self, fact: &ContactArrived, after: Option<Id>) -> Past {
        let (Some(customer), Some(rules)) = (fact.customer, self.rules()) else { return Past::default() };
        let begins_case = after.is_some() || fact.case.is_none_or(|case| case == fact.contact);
        let promised = self.promised_to(customer, fact);
        let waiting = if begins_case { self.first_waiting(customer, None, after) } else { None };
        // One link says it.
        let waiting = waiting.filter(|waiting| promised.is_none_or(|promised| promised.contact != *waiting));
        let place = self.site.state.places.get(&customer, &fact.channel, self.at_ms);
        let place = place.filter(|place| place.queue == fact.queue).cloned();
        let policy = &rules.policy;
        // Whoever goes on from another contact has been counted with that one.
        let goes_on = after.is_some_and(|before| self.site.contact(&before).is_some());
        let counted = fact.topic.as_ref().filter(|_| policy.repeat_count > 0 && place.is_none() && !goes_on);
        let known = counted.and_then(|topic| self.site.state.matters.get(&customer, topic, self.at_ms));
        let matter = counted.map(|_| Matter {
            count: 1 + known.map_or(0, |known| known.recent(policy.repeat_ms, self.at_ms)) as u64,
            until_ms: self.t_ms + policy.repeat_ms,
        });
        let repeated = matter.is_some_and(|matter| matter.count >= u64::from(policy.repeat_count));
        let owner = known.and_then(|known| known.agent).filter(|_| repeated);
        Past { waiting, place, matter, repeated, owner, promised }
    }

    fn first_visit(&self, fact: ContactArrived, past: &Past) -> Option<ContactQueued> {
        let rules = self.rules()?;
        let (queue, channel) = (rules.queue(&fact.queue)?, rules.channel(&fact.channel)?);
        let extra = if past.repeated { rules.policy.repeat_priority } else { 0 };
        let priority = fact.priority.saturating_add(extra).min(PRIORITY_MAX);
        let target_ms = rules.clock(queue, &fact.channel).lasts(self.t_ms, Rules::target_ms(queue, &fact.channel));
        let seq = counted(self.site.state.arrivals);
        let new = KeptPlace {
            contact: fact.contact,
            queue: fact.queue,
            key: rules.key(channel.klass, self.t_ms, target_ms, priority, seq),
            queued_at_ms: self.t_ms,
            target_ms,
            priority,
            until_ms: 0,
        };
        let place = past.place.clone().map_or(new, |place| self.merged_place(place, past.promised, rules));
        let preferred = self.owner_first(fact.preferred, past.owner);
        Some(ContactQueued {
            at_ms: self.t_ms,
            visit: 1,
            key: self.merged_key(place.key, &place.queue, past.promised),
            queue: place.queue,
            queued_at_ms: place.queued_at_ms,
            target_ms: place.target_ms,
            requirements: Rules::requirements(&fact.requirements, queue),
            wishes: fact.requirements,
            priority: place.priority,
            customer: fact.customer,
            prefer_until_ms: if preferred.is_empty() { 0 } else { self.at_ms + rules.policy.prefer_ms },
            preferred,
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
            resumes: past.place.as_ref().map(|place| place.contact),
            matter: past.matter,
        })
    }

    /// The place that is taken up again, with the priority of the promise that the contact goes on with, if that is higher.
    fn merged_place(&self, place: KeptPlace, promised: Option<Promised>, rules: &Rules) -> KeptPlace {
        let Some((_, promise)) = self.merges(promised) else { return place };
        let priority = place.priority.max(promise.priority);
        KeptPlace { key: rules.reprioritised(place.key, place.priority, priority), priority, ..place }
    }

    fn owner_first(&self, mut preferred: Vec<Id>, owner: Option<Id>) -> Vec<Id> {
        if let Some(owner) = owner.filter(|owner| self.site.agent(owner).is_some()) {
            preferred.retain(|agent| *agent != owner);
            preferred.insert(0, owner);
            preferred.truncate(PREFERRED_MAX);
        }
        preferred
    }
}
