//! Promises: due, tried, and how they end.
//!
//! ```text
//! scheduled --early--> waits for agents nobody else wants --due--> waits among live contacts --accepted--> dialled
//! dialled --connected--> kept (after its window: missed)
//!         --not reached--> scheduled again, or honoured_not_reached; or cancelled, if they came in and were answered meanwhile
//! any --window over--> missed, or honoured_not_reached if it was tried
//! ```

use super::{word, Check};
use crate::promised::DIAL;
use crate::rules::{Rules, LIVE_CLASS};
use crate::state::{Promise, PromiseStage};
use crate::turn::{Turn, GAP_MS};
use crate::words::bounds::{counted, ATTEMPT_MAX, DURATION_MAX_MS, INSTANT_MAX_MS};
use crate::words::{
    AttemptOutcome, AttemptRecorded, AttemptReported, CallbackDue, ContactEnded, ContactQueued, ContactState, DialMode,
    EffectRequested, EndReason, EndedBy, Id, Key, MissReason, Name, PromiseEnded, PromiseKind, PromiseOutcome, QueueMode,
    RevokeReason, VisitOutcome,
};

/// So many attempts are recorded for each of the policy's, however many of them count. A dial that failed on the agent's leg is none.
const DIALS_AN_ATTEMPT: u64 = 2;

/// The class of what no live contact must wait for.
const LAST_CLASS: u8 = 3;

impl Turn<'_> {
    pub(super) fn promise(&self, id: &Id) -> Option<&Promise> {
        self.site.state.promises.get(id)
    }

    /// Its time to wait for an agent, its due time, or the end of its window has come.
    pub(crate) fn follow_promise(&mut self, id: Id) {
        let Some(promise) = self.promise(&id).cloned() else { return };
        let over = self.t_ms >= promise.until_ms;
        match promise.stage {
            PromiseStage::Scheduled if !over => self.call_back(id, &promise),
            PromiseStage::Early if !over => {
                let Some(key) = self.site.contact(&id).map(|contact| self.due_key(&promise, contact.priority, contact.key.seq))
                else {
                    return;
                };
                self.emit(Some(id), None, Some(&promise.channel), CallbackDue { at_ms: self.t_ms, key });
            }
            PromiseStage::Scheduled | PromiseStage::Early | PromiseStage::Due => self.close_window(id, &promise),
        }
    }

    /// Its contact waits for an agent: behind everybody else's until it is due.
    fn call_back(&mut self, id: Id, promise: &Promise) {
        if self.hold_while_here(id, promise) {
            return;
        }
        let Some(queued) = self.callback_visit(promise) else { return };
        self.emit(Some(id), None, Some(&promise.channel), queued);
        self.look(id);
    }

    fn callback_visit(&self, promise: &Promise) -> Option<ContactQueued> {
        let rules = self.rules()?;
        let queue = rules.queue(&promise.queue)?;
        let seq = counted(self.site.state.arrivals);
        let key = match promise.key {
            Some(key) => key,
            None if self.t_ms >= promise.due_ms => self.due_key(promise, promise.priority, seq),
            None => rules.key(LAST_CLASS, promise.due_ms, 0, promise.priority, seq),
        };
        Some(ContactQueued {
            at_ms: self.t_ms,
            visit: (promise.visit + 1).min(ATTEMPT_MAX),
            queue: promise.queue.clone(),
            key,
            queued_at_ms: self.t_ms,
            // In time is as long as the window lasts.
            target_ms: promise.until_ms.saturating_sub(self.t_ms).min(DURATION_MAX_MS),
            requirements: Rules::requirements(&promise.wishes, queue),
            wishes: promise.wishes.clone(),
            priority: promise.priority,
            customer: promise.customer,
            prefer_until_ms: if promise.preferred.is_empty() { 0 } else { self.at_ms + rules.policy.prefer_ms },
            preferred: promise.preferred.clone(),
            excluded: None,
            entry_point: promise.entry_point.clone(),
            topic: promise.topic.clone(),
            case: promise.case,
            rule: promise.rule.clone(),
            language: promise.language.clone(),
            accepts: promise.accepts.clone(),
            opens_ms: Vec::new(),
            step: 0,
            // What the queue gives up for those who wait, it gives up for those who were promised.
            step_at_ms: queue.step_at(0, (rules.clock(queue, &promise.channel), self.t_ms), self.at_ms + 1),
            threshold: 0,
            threshold_at_ms: None,
            promote_at_ms: None,
            drain_at_ms: self.hold_at(promise),
            transfers: 0,
            back: None,
            resumes: None,
            matter: None,
        })
    }

    /// From when on the next agent is held for it, rather than miss it: so long before the last dial as it takes until somebody is free.
    fn hold_at(&self, promise: &Promise) -> Option<u64> {
        let policy = self.site.callbacks(&promise.queue).filter(|policy| policy.holdback_ms > 0 && policy.holdback_percent > 0)?;
        let free_ms = self.site.free_in_ms(&promise.queue, LIVE_CLASS).filter(|_| self.site.state.levels.is(4));
        let lead_ms = free_ms.map_or(policy.holdback_ms, |free_ms| free_ms.min(policy.holdback_ms));
        let last_ms = promise.until_ms.saturating_sub(policy.dial_ms);
        Some(last_ms.saturating_sub(lead_ms).max(promise.due_ms).max(self.at_ms + 1).min(INSTANT_MAX_MS))
    }

    /// Among live contacts, as if it had been queued so long before that it was due when promised.
    pub(super) fn due_key(&self, promise: &Promise, priority: u8, seq: u64) -> Key {
        let target_ms = |rules: &Rules| rules.queue(&promise.queue).map(|queue| Rules::target_ms(queue, &promise.channel));
        let target_ms = self.rules().and_then(target_ms).unwrap_or(0);
        let due_ms = promise.due_ms.saturating_sub(target_ms);
        self.rules().map_or(Key { klass: LIVE_CLASS, order_ms: 0, seq }, |rules| rules.key(LIVE_CLASS, due_ms, 0, priority, seq))
    }

    /// An agent took it, so the customer is dialled: never more of them than agents who wait for them.
    pub(super) fn dial(&mut self, (id, attempt): (Id, u32), agent: Id, at_ms: u64) {
        let Some(promise) = self.promise(&id) else { return };
        let (message, channel) = (promise.address.unwrap_or(id), promise.channel.clone());
        let event = EffectRequested { at_ms, kind: word(DIAL), message, ordinal: u64::from(attempt) };
        self.emit(Some(id), Some(agent), Some(&channel), event);
    }

    /// For how long the customer of a promised contact has been dialled by now, when nobody says so.
    pub(super) fn rang_ms(&self, id: &Id) -> u64 {
        let since_ms = self.promise(id).and_then(|promise| promise.tried.since_ms);
        // Below level 4 nobody knows since when.
        since_ms.map_or_else(|| self.dial_ms(id).unwrap_or(0), |since_ms| self.t_ms.saturating_sub(since_ms).min(DURATION_MAX_MS))
    }

    /// Until when the customer of a promised contact is dialled: not beyond the hours in which they can be reached.
    pub(super) fn dial_by(&self, id: &Id) -> Option<u64> {
        let (promise, by_ms) = (self.promise(id)?, self.at_ms + self.dial_ms(id)?);
        let stretch = promise.hours.iter().find(|hours| (hours.from_ms..=hours.until_ms).contains(&promise.due_ms));
        let over_ms = stretch.filter(|_| self.site.state.levels.is(4)).map_or(by_ms, |hours| hours.until_ms);
        Some(by_ms.min(over_ms.max(self.at_ms + 1)))
    }

    /// How long the customer of a promised contact is dialled.
    pub(super) fn dial_ms(&self, id: &Id) -> Option<u64> {
        let promise = self.promise(id)?;
        self.site.callbacks(&promise.queue).map(|policy| policy.dial_ms)
    }

    /// Its agent is not asked: the customer is dialled as soon as somebody is reserved.
    pub(super) fn is_customer_first(&self, id: &Id) -> bool {
        self.promise(id).is_some_and(|promise| promise.mode == DialMode::CustomerFirst)
    }

    /// Its window is over, and that is still to be decided in this turn (after silence, or because an agent's leg failed): nobody is dialled.
    pub(super) fn is_too_late(&self, id: &Id) -> bool {
        self.promise(id).is_some_and(|promise| promise.until_ms <= self.at_ms)
    }

    /// Agent and customer are connected: the promise is kept, if it is in time.
    pub(super) fn keep_promise(&mut self, id: Id) {
        let Some(promise) = self.promise(&id).cloned() else { return };
        if self.t_ms <= promise.until_ms {
            self.record_end(id, &promise, PromiseOutcome::Kept, None, None);
        } else {
            self.record_end(id, &promise, PromiseOutcome::Missed, Some(MissReason::NoAgent), None);
        }
    }

    pub(super) fn check_attempt(&self, fact: &AttemptReported) -> Check {
        self.check_connecting(fact.contact, fact.attempt, fact.agent)?;
        self.promise(&fact.contact).map(|_| ()).ok_or("not_promised")
    }

    /// The customer was dialled, and somebody else answered, or nobody.
    pub(super) fn record_attempt(&mut self, dialled: &(Id, u32, Id), outcome: AttemptOutcome, ring_ms: u64) {
        let queue = self.promise(&dialled.0).map(|promise| promise.queue.clone());
        let retry_ms = queue.and_then(|queue| self.site.callbacks(&queue)).map_or(0, |policy| policy.retry_ms);
        self.record_dial(dialled, (outcome, ring_ms), retry_ms);
    }

    /// The platform could not dial: nobody rang. Others are not asked at once, for they would fail in the same way; but a promise is not
    /// given up for that as long as its window lasts.
    pub(super) fn record_failed_dial(&mut self, dialled: &(Id, u32, Id)) {
        let Some(promise) = self.promise(&dialled.0) else { return };
        let Some((policy, rules)) = self.site.callbacks(&promise.queue).zip(self.rules()) else { return };
        let in_time = self.at_ms + policy.retry_ms < promise.until_ms;
        let retry_ms = if in_time { policy.retry_ms } else { policy.retry_ms.min(rules.policy.connect_retry_ms) };
        self.record_dial(dialled, (AttemptOutcome::Unknown, 0), retry_ms);
    }

    fn record_dial(&mut self, (id, attempt, agent): &(Id, u32, Id), (outcome, ring_ms): (AttemptOutcome, u64), retry_ms: u64) {
        let (id, attempt, agent) = (*id, *attempt, *agent);
        let Some(contact) = self.site.contact(&id).cloned() else { return };
        let Some(promise) = self.promise(&id).cloned() else { return };
        let Some(policy) = self.site.callbacks(&promise.queue) else { return };
        let inside = (promise.from_ms..=promise.until_ms).contains(&self.t_ms);
        let rang = match outcome {
            AttemptOutcome::NoAnswer => ring_ms >= policy.ring_min_ms,
            AttemptOutcome::Unknown => false,
            AttemptOutcome::Busy
            | AttemptOutcome::Voicemail
            | AttemptOutcome::WrongPerson
            | AttemptOutcome::InvalidNumber
            | AttemptOutcome::Refused => true,
        };
        let number = if inside && rang { counted(promise.attempts) } else { promise.attempts };
        let again_ms = (self.at_ms + retry_ms.max(1)).min(INSTANT_MAX_MS);
        let hopeless = matches!(outcome, AttemptOutcome::WrongPerson | AttemptOutcome::InvalidNumber | AttemptOutcome::Refused);
        let worn_out = self.site.state.levels.is(4) && promise.tried.dials + 1 >= DIALS_AN_ATTEMPT * u64::from(policy.attempts);
        let again = !hopeless && !worn_out && number < u64::from(policy.attempts) && again_ms < promise.until_ms;
        self.end_visit(id, &contact, VisitOutcome::Requeued);
        let event = AttemptRecorded {
            at_ms: self.t_ms,
            attempt,
            outcome,
            ring_ms,
            counted: inside && rang,
            number,
            next_ms: again.then_some(again_ms),
        };
        self.emit(Some(id), Some(agent), Some(&contact.channel), event);
        let began_ms = promise.next_ms;
        let promise = self.promise(&id).cloned();
        match promise {
            Some(promise) if self.end_served(id, &promise) => {}
            Some(promise) if !again => self.close_window(id, &promise),
            Some(promise) => self.hold_for_who_came(id, &promise, (contact.key.seq, began_ms)),
            None => {}
        }
        self.settle(agent);
    }

    /// Nothing more is tried.
    pub(super) fn close_window(&mut self, id: Id, promise: &Promise) {
        if promise.attempts > 0 {
            self.end_promised(id, promise, EndReason::CustomerSilent, (PromiseOutcome::HonouredNotReached, None), None);
        } else {
            let reason = self.miss_reason(promise);
            self.end_promised(id, promise, EndReason::Failed, (PromiseOutcome::Missed, Some(reason)), None);
        }
    }

    fn miss_reason(&self, promise: &Promise) -> MissReason {
        if self.site.state.levels.is(4) && self.at_ms.saturating_sub(self.t_ms) > GAP_MS {
            // Nobody looked when it came to this: who was there then is not known.
            return MissReason::System;
        }
        if promise.tried.failed {
            return MissReason::System;
        }
        // Whoever is still dialled then is not hung up on: that the queue closed meanwhile is no reason.
        let over_ms = if self.site.state.levels.is(4) { self.t_ms.min(promise.until_ms) } else { self.t_ms };
        let open = self.site.is_open_from(&promise.queue, over_ms.saturating_sub(1), 1);
        if self.mode(&promise.queue) != QueueMode::Open || !open {
            return MissReason::Closed;
        }
        if self.site.index.crew.any_present(&promise.queue) {
            MissReason::NoAgent
        } else {
            MissReason::NotStaffed
        }
    }

    /// Somebody wants it over, or to be another one, before it was kept.
    pub(super) fn end_promise_early(&mut self, id: Id, outcome: PromiseOutcome, successor: Option<Id>) {
        let Some(promise) = self.promise(&id).cloned() else { return };
        let reason = if successor.is_some() { EndReason::FlowedOut } else { EndReason::Cancelled };
        self.end_promised(id, &promise, reason, (outcome, None), successor);
    }

    /// The contact ends, wherever it stands, and its promise with it.
    fn end_promised(
        &mut self,
        id: Id,
        promise: &Promise,
        end: EndReason,
        (outcome, reason): (PromiseOutcome, Option<MissReason>),
        successor: Option<Id>,
    ) {
        let contact = self.site.contact(&id).cloned();
        if let Some(contact) = &contact {
            self.let_go(id, contact, EndedBy::Service, RevokeReason::ContactGone);
            let outcome = if successor.is_some() { VisitOutcome::FlowedOut } else { VisitOutcome::Closed };
            self.end_visit(id, contact, outcome);
        }
        let state = contact.as_ref().map_or(ContactState::Scheduled, |contact| contact.phase.word());
        let ended = ContactEnded { at_ms: self.t_ms, reason: end, state, successor, kept_until_ms: None };
        let agent = contact.as_ref().and_then(|contact| contact.phase.agent());
        self.emit(Some(id), agent, Some(&promise.channel), ended);
        self.record_end(id, promise, outcome, reason, successor);
        if let Some(contact) = &contact {
            self.settle_hands(contact);
        }
    }

    /// Whatever ended the contact ends what was promised to it.
    pub(super) fn end_promise_of(&mut self, id: Id) {
        if let Some(promise) = self.promise(&id).cloned() {
            self.record_end(id, &promise, PromiseOutcome::Cancelled, None, None);
        }
    }

    fn record_end(
        &mut self,
        id: Id,
        promise: &Promise,
        outcome: PromiseOutcome,
        reason: Option<MissReason>,
        successor: Option<Id>,
    ) {
        let slots = promise.kind == PromiseKind::Scheduled || self.site.state.levels.is(4);
        let proposes = outcome == PromiseOutcome::Missed && slots;
        let alternatives = if proposes { self.alternatives(&promise.queue, &promise.hours, self.t_ms) } else { Vec::new() };
        let event = PromiseEnded {
            at_ms: self.t_ms,
            outcome,
            reason,
            due_ms: promise.due_ms,
            lateness_ms: self.t_ms.saturating_sub(promise.due_ms).min(DURATION_MAX_MS),
            attempts: promise.attempts,
            successor,
            alternatives,
        };
        self.emit(Some(id), None, Some(&promise.channel), event);
    }

    /// Where a promised contact is called from is settled, and who: a move to another queue would be another promise.
    pub(super) fn check_not_promised(&self, id: Id) -> Check {
        if self.promise(&id).is_some() {
            Err("contact_promised")
        } else {
            Ok(())
        }
    }

    /// Who asked to be forgotten is not called any more.
    pub(super) fn cancel_promises_of(&mut self, customer: Id) {
        let ids: Vec<Id> = self.site.index.promised.of(&customer).collect();
        for id in ids {
            self.end_promise_early(id, PromiseOutcome::Cancelled, None);
        }
    }

    /// Queues and channels that promises are made on.
    pub(super) fn promised_on(&self) -> impl Iterator<Item = (&Name, &Name)> {
        self.site.index.promised.lines()
    }
}
