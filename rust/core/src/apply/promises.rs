//! Promises in the state: made, due, tried, over; and what was planned for their slots.

use crate::apply::agents::settle_limits;
use crate::apply::{no_work, About};
use crate::index::Later;
use crate::promised::Matter;
use crate::rules::{Rules, LIVE_CLASS};
use crate::site::Site;
use crate::state::{Contact, Held, Phase, Planned, Promise, PromiseStage};
use crate::words::bounds::{DURATION_MAX_MS, INSTANT_MAX_MS};
use crate::words::{AttemptOutcome, AttemptRecorded, CallbackDue, CapacitySet, Event, Id, Name, PromiseMade};

impl Site {
    #[allow(clippy::wildcard_enum_match_arm)] // `apply_event` sorts them, and is exhaustive
    pub(super) fn apply_promise(&mut self, about: &About, event: Event) -> Result<(), String> {
        match event {
            Event::PromiseMade(event) => self.make_promise(about, event),
            Event::CallbackDue(event) => self.promise_is_due(about.contact()?, &event),
            Event::AttemptRecorded(event) => self.record_attempt(about, &event),
            Event::PromiseEnded(event) => self.end_promise(about.contact()?, event.at_ms),
            Event::PromiseHeld(event) => self.hold_promise(about.contact()?, event.returned),
            Event::PromiseReleased(event) => self.release_promise(about.contact()?, event.next_ms),
            Event::PromiseAtRisk(_) => self.change_promise(about.contact()?, |promise| promise.at_risk = true),
            Event::CapacitySet(event) => {
                self.plan_slots(&event);
                Ok(())
            }
            // What is declined changes nothing.
            _ => Ok(()),
        }
    }

    fn make_promise(&mut self, about: &About, event: PromiseMade) -> Result<(), String> {
        let id = about.contact()?;
        let known = self.contact(&id).is_some() || self.state.promises.get(&id).is_some();
        if known || event.from_ms > event.until_ms || event.due_ms > event.until_ms {
            return Err(format!("contact {id:?} is promised what cannot be"));
        }
        let promise = Promise::made(about.channel()?.clone(), event);
        self.index.later.extend(promise.deadline_ms().map(|at_ms| (at_ms, Later::Promise(id))));
        self.index.slots.book(&promise);
        self.index.promised.add(id, &promise);
        self.state.promises.insert(id, promise);
        Ok(())
    }

    fn promise_is_due(&mut self, id: Id, event: &CallbackDue) -> Result<(), String> {
        self.keeps_arrival(id, event.key)?;
        let mut contact = self.take_contact(id).ok_or_else(|| format!("there is no contact {id:?}"))?;
        contact.key = event.key;
        // From here on its wait counts: nobody waited before.
        let due = self.change_promise(id, |promise| {
            promise.stage = PromiseStage::Due;
            promise.until_ms
        });
        if let (true, Ok(until_ms)) = (self.state.levels.is(4), &due) {
            (contact.entered_ms, contact.queued_at_ms) = (event.at_ms, event.at_ms);
            contact.target_ms = until_ms.saturating_sub(event.at_ms).min(DURATION_MAX_MS);
        }
        self.add_contact(id, contact);
        due.map(|_| ())
    }

    /// The agent is free of it, and it waits for its next time outside of every line.
    fn record_attempt(&mut self, about: &About, event: &AttemptRecorded) -> Result<(), String> {
        let (id, agent_id) = (about.contact()?, about.agent()?);
        let had = self.change_agent(agent_id, |agent| {
            let had = agent.work.remove(&(id, event.attempt));
            settle_limits(agent);
            had
        })?;
        had.ok_or_else(|| no_work(agent_id, (id, event.attempt)))?;
        let contact = self.take_contact(id).ok_or_else(|| format!("there is no contact {id:?}"))?;
        self.clear_broken(&id);
        let counts_on = self.state.levels.is(4);
        self.change_promise(id, |promise| {
            promise.attempts = event.number;
            promise.next_ms = event.next_ms.unwrap_or(promise.until_ms);
            promise.dialling_until_ms = None;
            if counts_on {
                promise.tried.dials += 1;
                promise.tried.failed = event.outcome == AttemptOutcome::Unknown;
                promise.tried.since_ms = None;
            }
            leave_line(promise, &contact, counts_on);
        })
    }

    /// Its customer is here: until that one is answered or gone nothing happens to it but its end.
    fn hold_promise(&mut self, id: Id, returned: Id) -> Result<(), String> {
        let promise = self.state.promises.get(&id).ok_or_else(|| format!("nothing is promised to contact {id:?}"))?;
        let next_ms = promise.next_ms;
        let waited = match self.contact(&id).map(|contact| contact.phase) {
            None => None,
            Some(Phase::Queued) => {
                self.clear_broken(&id);
                self.take_contact(id)
            }
            Some(phase) => return Err(format!("contact {id:?} is {phase:?} and its promise is held")),
        };
        if self.contact(&returned).is_none() || self.state.held.insert(id, Held { returned, next_ms }).is_some() {
            return Err(format!("the promise to contact {id:?} is held for {returned:?}, which cannot be"));
        }
        self.index.promised.hold(id, returned);
        let counts_on = self.state.levels.is(4);
        self.change_promise(id, |promise| {
            promise.next_ms = promise.until_ms;
            promise.tried.held = true;
            if let Some(contact) = &waited {
                leave_line(promise, contact, counts_on);
            }
        })
    }

    fn release_promise(&mut self, id: Id, next_ms: u64) -> Result<(), String> {
        let held = self.state.held.remove(&id).ok_or_else(|| format!("the promise to contact {id:?} is not held"))?;
        self.index.promised.let_go(id, held.returned);
        self.change_promise(id, |promise| {
            promise.next_ms = next_ms;
            promise.tried.held = false;
        })
    }

    /// Whoever was promised a call is connected. Should they ever wait again, they do as any contact that has come by then; who was called
    /// before it was due would stand behind all others.
    fn goes_on(&mut self, id: Id, at_ms: u64) -> Result<(), String> {
        // In writing they are answered with the first word, which may never be said.
        let connected = self.contact(&id).filter(|contact| contact.phase.engaged().is_some() && self.state.levels.is(4));
        let Some((contact, rules)) = connected.zip(self.rules()) else { return Ok(()) };
        let Some(queue) = rules.queue(&contact.queue) else { return Ok(()) };
        let target_ms = Rules::target_ms(queue, &contact.channel);
        let drain_at_ms = (queue.drain_after_ms > 0).then(|| (at_ms + queue.drain_after_ms).min(INSTANT_MAX_MS));
        let early = contact.key.klass > LIVE_CLASS;
        let key = if early { rules.key(LIVE_CLASS, at_ms, target_ms, contact.priority, contact.key.seq) } else { contact.key };
        self.change_contact(id, |contact| {
            contact.key = key;
            // A visit that is still open is told to the end as it began.
            if contact.answered_ms.is_some() {
                contact.target_ms = target_ms;
                contact.course.drain_at_ms = drain_at_ms;
                if early {
                    (contact.entered_ms, contact.queued_at_ms) = (at_ms, at_ms);
                }
            }
        })
    }

    fn end_promise(&mut self, id: Id, at_ms: u64) -> Result<(), String> {
        let case = self.case_of(&id);
        let promise = self.state.promises.remove(&id).ok_or_else(|| format!("nothing is promised to contact {id:?}"))?;
        if let Some(at_ms) = promise.deadline_ms() {
            self.index.later.remove(&(at_ms, Later::Promise(id)));
        }
        self.index.slots.give_back(&promise);
        self.index.promised.remove(id, &promise);
        if let Some(held) = self.state.held.remove(&id) {
            self.index.promised.let_go(id, held.returned);
        }
        self.rest_broken(case, at_ms);
        self.goes_on(id, at_ms)
    }

    /// A visit of a promised contact begins: its offers, and its messages, count on from the last ones.
    pub(super) fn call_promised(&mut self, id: Id, visit: u32, at_ms: u64) -> (u32, u64) {
        // Asked of every contact that arrives: mostly nothing is promised, and no error is to be worded.
        if self.state.promises.get(&id).is_none() {
            return (0, 0);
        }
        let begun = self.change_promise(id, |promise| {
            promise.visit = visit;
            promise.tried.failed = false;
            let keeps_place = promise.key.is_some();
            promise.stage = if keeps_place || at_ms >= promise.due_ms { PromiseStage::Due } else { PromiseStage::Early };
            (promise.attempt, promise.tried.ordinal)
        });
        begun.unwrap_or((0, 0))
    }

    /// The priority that supervisors give a contact is that of what it is promised, too. What its plan gives is for one visit: every visit begins
    /// the plan anew.
    pub(super) fn raise_promise(&mut self, id: Id, priority: u8) -> Result<(), String> {
        let Some(promise) = self.state.promises.get(&id).filter(|_| self.state.levels.is(4)) else { return Ok(()) };
        let moved = |key| self.rules().map(|rules| rules.reprioritised(key, promise.priority, priority));
        let key = promise.key.and_then(moved);
        self.change_promise(id, |promise| (promise.priority, promise.key) = (priority, key))
    }

    /// What its contact turns out to be about is what was promised.
    pub(super) fn reclassify_promise(&mut self, id: Id, topic: &Name) -> Result<(), String> {
        if !self.state.levels.is(4) || self.state.promises.get(&id).is_none() {
            return Ok(());
        }
        self.change_promise(id, |promise| promise.topic = Some(topic.clone()))
    }

    /// The customer is dialled from `turn_ms` on until then at most, or (None) not any more.
    pub(super) fn note_dialling(&mut self, id: Id, until_ms: Option<u64>, turn_ms: u64) {
        if self.state.promises.get(&id).is_some_and(|promise| promise.dialling_until_ms != until_ms) {
            let since_ms = until_ms.filter(|_| self.state.levels.is(4)).map(|_| turn_ms);
            let _ = self.change_promise(id, |promise| {
                promise.dialling_until_ms = until_ms;
                promise.tried.since_ms = since_ms;
                promise.tried.served = promise.tried.served.filter(|_| until_ms.is_none());
            });
        }
    }

    /// A customer who may be promised calls about the same is answered: those who dial them at this moment need not do so again.
    pub(super) fn note_served(&mut self, returned: Id) -> Result<(), String> {
        let Some(contact) = self.contact(&returned).filter(|_| self.state.levels.is(4)) else { return Ok(()) };
        let Some(customer) = contact.customer else { return Ok(()) };
        let there = self.rules().is_some_and(|rules| rules.customer_is_there(&contact.channel));
        let matter = Matter::of(returned, contact);
        let dialled = self.index.promised.of(&customer).filter(|id| {
            let promise = self.state.promises.get(id).filter(|promise| promise.dialling_until_ms.is_some());
            there && *id != returned && promise.is_some_and(|promise| matter.is_that_of(*id, promise))
        });
        let dialled: Vec<Id> = dialled.collect();
        dialled.into_iter().try_for_each(|id| self.change_promise(id, |promise| promise.tried.served = Some(returned)))
    }

    /// Connects that are under way may take longer by this.
    pub(super) fn shift_dialling(&mut self, gap_ms: u64) {
        let ids: Vec<Id> = self.index.promised.called().collect();
        for id in ids {
            let _ = self.change_promise(id, |promise| {
                promise.dialling_until_ms = promise.dialling_until_ms.map(|until_ms| until_ms + gap_ms);
            });
        }
    }

    /// Change a promise, with its deadline.
    pub(super) fn change_promise<T>(&mut self, id: Id, change: impl FnOnce(&mut Promise) -> T) -> Result<T, String> {
        let promise = self.state.promises.get_mut(&id).ok_or_else(|| format!("nothing is promised to contact {id:?}"))?;
        let (before_ms, stage) = (promise.deadline_ms(), promise.stage);
        let outcome = change(promise);
        let after_ms = promise.deadline_ms();
        if stage != promise.stage {
            self.index.promised.advance(id, promise);
        }
        if before_ms != after_ms {
            if let Some(before_ms) = before_ms {
                self.index.later.remove(&(before_ms, Later::Promise(id)));
            }
            self.index.later.extend(after_ms.map(|at_ms| (at_ms, Later::Promise(id))));
        }
        Ok(outcome)
    }

    fn plan_slots(&mut self, event: &CapacitySet) {
        let planned = self.state.planned.entry(event.queue.clone()).or_default();
        if planned.slot_ms != event.slot_ms {
            *planned = Planned { slot_ms: event.slot_ms, ..Planned::default() };
        }
        // What has passed is of no use any more, unless somebody is still to be called, nor was it ever if it is planned now.
        let passed = event.at_ms / event.slot_ms;
        let oldest =
            self.index.promised.due_in(&event.queue, 0..event.at_ms).next().map_or(passed, |(due_ms, ..)| due_ms / event.slot_ms);
        planned.capacities = planned.capacities.split_off(&oldest.min(passed));
        let first = event.from_ms / event.slot_ms;
        planned.capacities.extend((first..).zip(event.capacities.iter().copied()).filter(|(slot, _)| *slot >= passed));
        self.replan(&event.queue, first..first + event.capacities.len() as u64);
    }

    /// A customer is to be forgotten: who still is to be called has no name.
    pub(super) fn forget_promised(&mut self, customer: Id) {
        for id in self.index.promised.forget(&customer) {
            if let Some(promise) = self.state.promises.get_mut(&id) {
                promise.customer = None;
            }
        }
    }
}

/// Its contact is scheduled again. Before level 4 what supervisors and agents have made of it meanwhile is noted only now.
fn leave_line(promise: &mut Promise, contact: &Contact, counts_on: bool) {
    promise.attempt = contact.attempt;
    promise.tried.ordinal = if counts_on { contact.ordinal } else { 0 };
    promise.stage = PromiseStage::Scheduled;
    promise.topic.clone_from(&contact.topic);
    if !counts_on {
        promise.priority = contact.priority;
        promise.key = promise.key.map(|_| contact.own_key());
    }
}
