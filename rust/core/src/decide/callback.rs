//! Callbacks: wished for, promised or declined, moved, cancelled; and what is planned for their slots.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Check, Refusal};
use crate::booking::{horizon, spans};
use crate::rules::Rules;
use crate::state::{Contact, Phase, Promise};
use crate::turn::Turn;
use crate::words::bounds::INSTANT_MAX_MS;
use crate::words::{
    CallbackCancelled, CallbackDeclined, CallbackPolicy, CallbackRequested, CallbackRescheduled, CapacityPlanned, CapacitySet,
    ContactEnded, DeclineReason, EndReason, EndedBy, Hours, Id, Name, PromiseAtRisk, PromiseKind, PromiseMade, PromiseOutcome,
    QueueMode, Requirement, RevokeReason, RiskCause, VisitOutcome, ALTERNATIVES_MAX,
};

/// So many calls may be promised to one customer at a time.
const PROMISES_MAX: usize = 50;
/// No plan begins later than this: a calendar is compiled for about as long.
const PLAN_AHEAD_MS: u64 = 400 * 86_400_000;

/// When somebody wishes to be called.
pub(super) struct Wish<'a> {
    pub(super) queue: &'a Name,
    pub(super) at_ms: u64,
    pub(super) exact: bool,
    pub(super) hours: &'a [Hours],
}

/// What can be promised.
#[allow(clippy::struct_field_names)] // units come last
#[derive(Clone, Copy)]
pub(super) struct Window {
    due_ms: u64,
    from_ms: u64,
    until_ms: u64,
}

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
            PromiseKind::HoldPlace => self.place_window(&wish, fact.waiting),
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

    /// Is there a slot with room for whoever can be reached at any time?
    pub(super) fn has_slot(&mut self, queue: &Name) -> bool {
        let now_ms = self.at_ms;
        let Some(policy) = self.site.callbacks(queue).cloned() else { return false };
        let reach = self.still_open(queue, policy.slot_ms, horizon(&policy, now_ms));
        self.site.slots(queue, now_ms).is_some_and(|grid| grid.first_within(reach.0, &[reach]).is_some())
    }

    /// Is there one as it is wished?
    pub(super) fn has_slot_for(&mut self, fact: &CallbackRequested) -> bool {
        self.window(&Wish { queue: &fact.queue, at_ms: fact.wish_ms, exact: fact.exact, hours: &fact.hours }).is_ok()
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
            key: fact
                .waiting
                .filter(|_| fact.kind == PromiseKind::HoldPlace)
                .and_then(|id| self.site.contact(&id))
                .map(Contact::own_key),
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

    /// When the place in the line that the customer keeps is likely to be reached.
    fn place_window(&mut self, wish: &Wish<'_>, waiting: Option<Id>) -> Result<Window, (DeclineReason, Vec<u64>)> {
        let now_ms = self.at_ms;
        let klass = waiting.and_then(|waiting| self.site.contact(&waiting)).map(|contact| contact.own_key().klass);
        let policy = self.site.callbacks(wish.queue).filter(|policy| policy.hold_place);
        let expected = klass.and_then(|klass| self.site.expected_wait(wish.queue, klass, now_ms));
        let (reason, near_ms) = match (policy, expected) {
            (None, _) => return Err((DeclineReason::NoCallbacks, Vec::new())),
            // Nobody can say when.
            (Some(_), None) => (DeclineReason::Closed, now_ms),
            (Some(policy), Some(expected)) => {
                let due_ms = now_ms + 1 + expected.p50_ms;
                let from_ms = due_ms.saturating_sub(policy.early_ms).max(now_ms + 1);
                let until_ms = (now_ms + expected.p90_ms).max(due_ms + policy.late_ms).min(INSTANT_MAX_MS);
                let inside = |hours: &Hours| hours.from_ms <= from_ms && until_ms <= hours.until_ms;
                if !self.site.is_open_from(wish.queue, now_ms, until_ms - now_ms) {
                    // It would be promised beyond closing: a slot can be had instead.
                    return Err((DeclineReason::Closed, self.alternatives(wish.queue, wish.hours, due_ms)));
                }
                if wish.hours.is_empty() || wish.hours.iter().any(inside) {
                    return Ok(Window { due_ms, from_ms, until_ms });
                }
                (DeclineReason::OutsideHours, due_ms)
            }
        };
        Err((reason, self.alternatives(wish.queue, wish.hours, near_ms)))
    }

    /// The slot that a wish gets, or why none and which ones could be had.
    pub(super) fn window(&mut self, wish: &Wish<'_>) -> Result<Window, (DeclineReason, Vec<u64>)> {
        let (now_ms, t_ms) = (self.at_ms, self.t_ms);
        let Some(policy) = self.site.callbacks(wish.queue).cloned() else { return Err((DeclineReason::NoCallbacks, Vec::new())) };
        let (slot_ms, reach) = (policy.slot_ms, horizon(&policy, now_ms));
        let open = self.still_open(wish.queue, slot_ms, reach);
        let within = spans(wish.hours, slot_ms, open);
        // What slots that have begun held is known for a while, and not by whoever begins with a snapshot.
        let least = if self.site.state.levels.is(4) { open.0 } else { 0 };
        let Some(grid) = self.site.slots(wish.queue, now_ms) else { return Err((DeclineReason::NoCallbacks, Vec::new())) };
        let wished = if wish.exact { wish.at_ms / slot_ms } else { wish.at_ms.div_ceil(slot_ms) };
        let past = if wish.exact { wished < reach.0 } else { wish.at_ms + slot_ms <= t_ms };
        let inside = within.iter().any(|(from, before)| (*from..*before).contains(&wished));
        let found = if wish.exact {
            Some(wished).filter(|slot| inside && grid.has_room(*slot))
        } else {
            grid.first_within(wished.max(open.0), &within)
        };
        let reason = match found {
            _ if past => DeclineReason::Past,
            _ if wished >= reach.1 => DeclineReason::BeyondHorizon,
            _ if wish.exact && wished < open.0 => DeclineReason::Closed,
            Some(slot) => return Ok(self.while_open(wish.queue, windowed(slot * slot_ms, &policy, wish.hours, now_ms))),
            None if wish.exact && !inside => DeclineReason::OutsideHours,
            None if !wish.exact && grid.first_within(wished, &[open]).is_some() => DeclineReason::OutsideHours,
            None => {
                let asked = if wish.exact { wished..wished + 1 } else { wished.max(least)..reach.1 };
                let open = asked.into_iter().any(|slot| grid.capacity(slot) > 0);
                if open {
                    DeclineReason::Full
                } else {
                    DeclineReason::Closed
                }
            }
        };
        let nearest = grid.nearest(wished.clamp(reach.0, reach.1), &within, ALTERNATIVES_MAX);
        Err((reason, nearest.into_iter().map(|slot| slot * slot_ms).collect()))
    }

    /// Closed by hand, a queue is so for the rest of its hours: in those nobody is promised anything any more.
    fn still_open(&self, queue: &Name, slot_ms: u64, (first, end): (u64, u64)) -> (u64, u64) {
        if self.mode(queue) == QueueMode::Open || !self.site.state.levels.is(4) {
            return (first, end);
        }
        // Without hours, or in those that never end, nobody knows when it is over.
        let never_ms = (self.mode(queue) == QueueMode::Emergency).then_some(INSTANT_MAX_MS);
        let over_ms = match self.site.state.hours.get(queue) {
            Some(hours) if hours.open => hours.next_ms.or(never_ms),
            Some(_) => None,
            None => never_ms,
        };
        (over_ms.map_or(first, |over_ms| over_ms.div_ceil(slot_ms).clamp(first, end)), end)
    }

    /// Nobody is called before the queue opens, or once it is closed: its slot lies between the two.
    fn while_open(&self, queue: &Name, window: Window) -> Window {
        let calendar = self.rules().and_then(|rules| rules.calendar(rules.queue(queue)?));
        let Some(calendar) = calendar.filter(|_| self.site.state.levels.is(4)) else { return window };
        let (from_ms, until_ms) = calendar.stretch(window.from_ms, window.due_ms, window.until_ms);
        Window { from_ms, until_ms, ..window }
    }

    /// For a promise that is moved: its own slot, too, though it may be full with it.
    fn window_beside(&mut self, promise: &Promise, wish: &Wish<'_>) -> Result<Window, (DeclineReason, Vec<u64>)> {
        let beside = self.window(wish);
        // The slots have just been counted, so they are not counted anew meanwhile.
        if beside.is_ok() || !self.site.index.slots.give_back(promise) {
            return beside;
        }
        let own = self.window(wish);
        self.site.index.slots.book(promise);
        own.or(beside)
    }

    /// The free slots that are nearest to an instant, in these hours.
    pub(super) fn alternatives(&mut self, queue: &Name, hours: &[Hours], near_ms: u64) -> Vec<u64> {
        let now_ms = self.at_ms;
        let Some(policy) = self.site.callbacks(queue).cloned() else { return Vec::new() };
        let (slot_ms, reach) = (policy.slot_ms, horizon(&policy, now_ms));
        let reach = self.still_open(queue, slot_ms, reach);
        let within = spans(hours, slot_ms, reach);
        let Some(grid) = self.site.slots(queue, now_ms) else { return Vec::new() };
        let near = (near_ms / slot_ms).clamp(reach.0, reach.1);
        grid.nearest(near, &within, ALTERNATIVES_MAX).into_iter().map(|slot| slot * slot_ms).collect()
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
                let event = self.promised_anew(fact.contact, &promise, hours, window);
                self.emit(Some(fact.successor), None, Some(&promise.channel), event);
                self.end_promise_early(fact.contact, PromiseOutcome::Rescheduled, Some(fact.successor));
            }
        }
    }

    pub(super) fn promised_anew(&self, id: Id, promise: &Promise, hours: Vec<Hours>, window: Window) -> PromiseMade {
        let mut promise = promise.clone();
        if let Some(contact) = self.site.contact(&id).filter(|_| self.site.state.levels.is(4)) {
            // What supervisors and agents have made of it meanwhile stands.
            (promise.priority, promise.topic) = (contact.priority, (*contact.topic).clone());
        }
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

    pub(super) fn check_plan_of_slots(&self, fact: &CapacityPlanned) -> Check {
        self.rules().ok_or("no_policy")?.queue(&fact.queue).ok_or("unknown_queue")?;
        let policy = self.site.callbacks(&fact.queue).ok_or("no_callbacks")?;
        let fits = fact.slot_ms == policy.slot_ms && fact.from_ms.is_multiple_of(fact.slot_ms) && !fact.capacities.is_empty();
        if !fits {
            return Err("slot_mismatch");
        }
        if fact.from_ms > self.at_ms + PLAN_AHEAD_MS {
            return Err("plan_too_far");
        }
        Ok(())
    }

    /// What was promised before stands, but whoever came last in a slot that is too small now is at risk.
    pub(super) fn plan_slots(&mut self, fact: CapacityPlanned) {
        let CapacityPlanned { queue, from_ms, slot_ms, capacities, .. } = fact;
        let slots = from_ms / slot_ms..from_ms / slot_ms + capacities.len() as u64;
        let event = CapacitySet { at_ms: self.t_ms, queue: queue.clone(), from_ms, slot_ms, capacities };
        self.emit(None, None, None, event);
        self.note_risks(&queue, slots);
    }

    /// A policy may have less room in every slot.
    pub(crate) fn note_all_risks(&mut self) {
        let queues: BTreeSet<Name> = self.promised_on().map(|(queue, _)| queue.clone()).collect();
        for queue in queues {
            if self.is_full() {
                return;
            }
            self.note_risks(&queue, 0..u64::MAX);
        }
    }

    /// If the commit is full, the next one goes on with all that are left.
    fn note_risks(&mut self, queue: &Name, slots: Range<u64>) {
        for id in self.beyond(queue, slots) {
            if self.is_full() {
                return;
            }
            let Some(promise) = self.site.state.promises.get(&id).cloned() else { continue };
            let alternatives = self.alternatives(queue, &promise.hours, promise.due_ms);
            let event = PromiseAtRisk { at_ms: self.t_ms, cause: RiskCause::Capacity, due_ms: promise.due_ms, alternatives };
            self.emit(Some(id), None, Some(&promise.channel), event);
        }
    }

    /// Promises in these slots that do not fit in any more, and of which nothing is recorded: of each slot those made last.
    fn beyond(&self, queue: &Name, slots: Range<u64>) -> Vec<Id> {
        let Some(policy) = self.site.callbacks(queue) else { return Vec::new() };
        // The plan of a slot that is over is forgotten: it says nothing of those who are still tried.
        let from = slots.start.max(self.at_ms / policy.slot_ms);
        let due_ms = from.saturating_mul(policy.slot_ms)..slots.end.max(from).saturating_mul(policy.slot_ms);
        let promised = self.site.index.promised.due_in(queue, due_ms);
        let mut line: Vec<(u64, u64, Id)> = promised.map(|(due_ms, made_ms, id)| (due_ms / policy.slot_ms, made_ms, id)).collect();
        line.sort_unstable();
        let capacity = |slot: u64| usize::from(self.site.places(queue, policy, slot));
        let slots = line.chunk_by(|one, next| one.0 == next.0);
        let beyond = slots.flat_map(|promises| promises.iter().skip(capacity(promises[0].0)).map(|(_, _, id)| *id));
        beyond.filter(|id| self.promise(id).is_some_and(|promise| !promise.at_risk)).collect()
    }
}

fn check_hours(hours: &[Hours]) -> Check {
    if hours.iter().all(|hours| hours.from_ms < hours.until_ms) {
        Ok(())
    } else {
        Err("hours_invalid")
    }
}

/// Around the promised time, as far as the customer can be reached.
fn windowed(due_ms: u64, policy: &CallbackPolicy, hours: &[Hours], now_ms: u64) -> Window {
    let hours = hours.iter().find(|hours| (hours.from_ms..hours.until_ms).contains(&due_ms));
    let from_ms = due_ms.saturating_sub(policy.early_ms).max(hours.map_or(0, |hours| hours.from_ms));
    let until_ms = due_ms.saturating_add(policy.late_ms).min(hours.map_or(INSTANT_MAX_MS, |hours| hours.until_ms));
    Window { due_ms, from_ms: from_ms.max(now_ms + 1), until_ms: until_ms.min(INSTANT_MAX_MS) }
}
