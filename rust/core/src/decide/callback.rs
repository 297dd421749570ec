//! Callbacks: wished for, promised or declined, moved, cancelled.

use super::wish::Wish;
use super::{Check, Refusal};
use crate::booking::{kept_key, Window};
use crate::rules::Rules;
use crate::state::{Contact, Phase, Promise};
use crate::turn::Turn;
use crate::words::{
    CallbackCancelled, CallbackDeclined, CallbackRequested, CallbackRescheduled, ContactEnded, DeclineReason, EndReason, EndedBy,
    Hours, Id, Key, Name, PromiseKind, PromiseMade, PromiseOutcome, Requirement, RevokeReason, VisitOutcome,
};

/// So many calls may be promised to one customer at a time.
const PROMISES_MAX: usize = 50;

impl Turn<'_> {
    pub(super) fn check_callback(&self, fact: &CallbackRequested) -> Check {
        let rules = self.rules().ok_or("no_policy")?;
        rules.queue(&fact.queue).ok_or("unknown_queue")?;
        rules.channel(&fact.channel).ok_or("unknown_channel")?;
        if !rules.knows_skills(&fact.requirements) {
            return Err("unknown_skill");
        }
        self.check_topic(fact.topic.as_ref())?;
        if fact.entry_point.as_ref().is_some_and(|name| !rules.knows_entry_point(name)) {
            return Err("unknown_entry_point");
        }
        check_hours(&fact.hours)?;
        self.check_new(fact.contact)?;
        // All of them end in one commit, if the customer is erased.
        let customer = self.given_up(fact.waiting).and_then(|contact| contact.customer);
        if fact.customer.or(customer).is_some_and(|customer| self.site.index.promised.count(&customer) >= PROMISES_MAX) {
            return Err("too_many_promises");
        }
        match fact.waiting {
            Some(waiting) => self.check_waiting(waiting, fact),
            None if fact.kind == PromiseKind::HoldPlace => Err("not_waiting"),
            None => Ok(()),
        }
    }

    pub(super) fn check_new(&self, id: Id) -> Check {
        match self.check_live(id) {
            Err("unknown_contact") => Ok(()),
            Ok(()) | Err(_) => Err("contact_exists"),
        }
    }

    /// Nobody has accepted it, so that its customer may hang up.
    fn check_waiting(&self, id: Id, fact: &CallbackRequested) -> Check {
        self.check_live(id)?;
        let waits = self.site.contact(&id).is_some_and(|contact| {
            // Only its own queue has the place.
            let there = fact.kind == PromiseKind::Scheduled || contact.queue == fact.queue;
            there && matches!(contact.phase, Phase::Queued | Phase::Offered { .. })
        });
        if waits && self.site.state.promises.get(&id).is_none() {
            Ok(())
        } else {
            Err("not_waiting")
        }
    }

    /// The contact that is given up for the call, if anything of it is known by now.
    fn given_up(&self, waiting: Option<Id>) -> Option<&Contact> {
        self.site.contact(&waiting?).filter(|_| self.site.state.levels.is(4))
    }

    /// What the wish leaves out is as it was with the contact that is given up for it.
    fn inherited(&self, fact: CallbackRequested) -> CallbackRequested {
        let Some(contact) = self.given_up(fact.waiting) else { return fact };
        let or = |own: Vec<Requirement>, theirs: &Vec<Requirement>| if own.is_empty() { theirs.clone() } else { own };
        CallbackRequested {
            requirements: or(fact.requirements, &contact.wishes),
            priority: fact.priority.max(contact.priority),
            customer: fact.customer.or(contact.customer),
            preferred: if fact.preferred.is_empty() { (*contact.preferred).clone() } else { fact.preferred },
            entry_point: fact.entry_point.or_else(|| (*contact.entry_point).clone()),
            topic: fact.topic.or_else(|| (*contact.topic).clone()),
            rule: fact.rule.or_else(|| (*contact.rule).clone()),
            language: fact.language.or_else(|| (*contact.language).clone()),
            accepts: if fact.accepts.is_empty() { (*contact.accepts).clone() } else { fact.accepts },
            ..fact
        }
    }

    pub(super) fn request_callback(&mut self, fact: CallbackRequested) {
        let fact = self.inherited(fact);
        let wish = Wish { queue: &fact.queue, at_ms: fact.wish_ms, exact: fact.exact, hours: &fact.hours };
        let window = match fact.kind {
            PromiseKind::Scheduled => self.window(&wish),
            PromiseKind::HoldPlace => self.place_window(&wish, &fact.channel, fact.waiting),
        };
        let (id, channel) = (fact.contact, fact.channel.clone());
        match window {
            Err((reason, alternatives)) => self.decline(id, &channel, &wish, reason, alternatives),
            Ok(window) => {
                let waiting = fact.waiting;
                let Some(event) = self.promised(fact, window) else { return };
                self.emit(Some(id), None, Some(&channel), event);
                if let Some(waiting) = waiting {
                    self.flow_out(waiting, id);
                }
            }
        }
    }

    fn decline(&mut self, id: Id, channel: &Name, wish: &Wish<'_>, reason: DeclineReason, alternatives: Vec<u64>) {
        let event = CallbackDeclined { at_ms: self.t_ms, queue: wish.queue.clone(), wish_ms: wish.at_ms, reason, alternatives };
        self.emit(Some(id), None, Some(channel), event);
    }

    /// Who is called back goes on with the case of the contact that is given up for it. Up to level 3 only where something is promised to cases.
    fn case_going_on(&self, of: Id) -> Option<Id> {
        let asked = self.site.state.levels.is(4) || self.rules().is_some_and(Rules::has_slas);
        self.site.case_of(&of).filter(|_| asked)
    }

    fn promised(&self, fact: CallbackRequested, window: Window) -> Option<PromiseMade> {
        let policy = self.site.callbacks(&fact.queue)?;
        Some(PromiseMade {
            at_ms: self.t_ms,
            kind: fact.kind,
            mode: fact.mode.unwrap_or(policy.mode),
            due_ms: window.due_ms,
            from_ms: window.from_ms,
            until_ms: window.until_ms,
            slot_ms: policy.slot_ms,
            key: self.place_kept(&fact),
            queue: fact.queue,
            requirements: fact.requirements,
            priority: fact.priority,
            customer: fact.customer,
            preferred: fact.preferred,
            entry_point: fact.entry_point,
            topic: fact.topic,
            case: fact.case.or_else(|| self.case_going_on(fact.waiting?)),
            rule: fact.rule,
            language: fact.language,
            accepts: fact.accepts,
            hours: fact.hours,
            address: fact.address,
            waiting: fact.waiting,
            replaces: None,
        })
    }

    /// The place in line that is kept, with the priority of the promise.
    fn place_kept(&self, fact: &CallbackRequested) -> Option<Key> {
        let contact = self.site.contact(&fact.waiting.filter(|_| fact.kind == PromiseKind::HoldPlace)?)?;
        let own = contact.own_key();
        let rules = self.rules().filter(|_| self.site.state.levels.is(4));
        Some(rules.map_or(own, |rules| rules.reprioritised(kept_key(contact), contact.priority, fact.priority)))
    }

    /// The contact that waits goes on as the promise.
    pub(super) fn flow_out(&mut self, id: Id, successor: Id) {
        let Some(contact) = self.site.contact(&id).cloned() else { return };
        self.let_go(id, &contact, EndedBy::Service, RevokeReason::ContactGone);
        self.end_visit(id, &contact, VisitOutcome::FlowedOut);
        let event = ContactEnded { successor: Some(successor), ..self.contact_ended(&contact, EndReason::FlowedOut) };
        self.emit(Some(id), contact.phase.agent(), Some(&contact.channel), event);
        self.settle_hands(&contact);
    }

    /// Something is promised to the contact that may still be changed: nobody is connecting it.
    fn check_promised(&self, id: Id) -> Result<&Promise, Refusal> {
        let Some(promise) = self.site.state.promises.get(&id) else {
            self.check_live(id)?;
            return Err("not_promised");
        };
        match self.site.contact(&id) {
            Some(Contact { phase: Phase::Connecting { .. }, .. }) => Err("callback_in_progress"),
            Some(_) | None => Ok(promise),
        }
    }

    pub(super) fn check_reschedule(&self, fact: &CallbackRescheduled) -> Check {
        self.check_promised(fact.contact)?;
        check_hours(fact.hours.as_deref().unwrap_or(&[]))?;
        self.check_new(fact.successor)
    }

    pub(super) fn reschedule(&mut self, fact: CallbackRescheduled) {
        let Some(promise) = self.site.state.promises.get(&fact.contact).cloned() else { return };
        let hours = fact.hours.unwrap_or_else(|| promise.hours.clone());
        let wish = Wish { queue: &promise.queue, at_ms: fact.wish_ms, exact: fact.exact, hours: &hours };
        match self.window_beside(&promise, &wish) {
            Err((reason, alternatives)) => self.decline(fact.contact, &promise.channel, &wish, reason, alternatives),
            Ok(window) => {
                let (event, here) = (self.promised_anew(fact.contact, &promise, hours, window), self.waits_as(&fact.contact));
                self.emit(Some(fact.successor), None, Some(&promise.channel), event);
                self.end_promise_early(fact.contact, PromiseOutcome::Rescheduled, Some(fact.successor));
                if let Some(returned) = here {
                    self.hold_promise(fact.successor, returned);
                }
            }
        }
    }

    pub(super) fn promised_anew(&self, id: Id, promise: &Promise, hours: Vec<Hours>, window: Window) -> PromiseMade {
        let promise = promise.clone();
        PromiseMade {
            at_ms: self.t_ms,
            kind: PromiseKind::Scheduled,
            mode: promise.mode,
            due_ms: window.due_ms,
            from_ms: window.from_ms,
            until_ms: window.until_ms,
            slot_ms: self.site.callbacks(&promise.queue).map_or(promise.slot_ms, |policy| policy.slot_ms),
            key: None,
            queue: promise.queue,
            requirements: promise.wishes,
            priority: promise.priority,
            customer: promise.customer,
            preferred: promise.preferred,
            entry_point: promise.entry_point,
            topic: promise.topic,
            case: promise.case.or_else(|| self.case_going_on(id)),
            rule: promise.rule,
            language: promise.language,
            accepts: promise.accepts,
            hours,
            address: promise.address,
            waiting: None,
            replaces: Some(id),
        }
    }

    pub(super) fn check_cancel(&self, fact: &CallbackCancelled) -> Check {
        self.check_promised(fact.contact)?;
        self.check_reason(fact.reason.as_ref())
    }

    pub(super) fn cancel(&mut self, fact: &CallbackCancelled) {
        self.end_promise_early(fact.contact, PromiseOutcome::Cancelled, None);
    }
}

fn check_hours(hours: &[Hours]) -> Check {
    if hours.iter().all(|hours| hours.from_ms < hours.until_ms) {
        Ok(())
    } else {
        Err("hours_invalid")
    }
}
