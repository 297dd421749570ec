//! Next steps: what a customer can do where nobody can help. Whoever is turned away at a door, or still waits when the queue closes or a threshold
//! is passed, is offered those of the entry point that are possible now.
//!
//! ```text
//! offered --the customer chooses--> taken: what follows is named
//!         --time is up-->           taken: told, and over; or it waits on, where that is possible
//!         --an agent takes it, it is moved or over--> (not needed any more)
//! ```

use super::queue::is_left;
use super::Check;
use crate::state::{Choice, Contact, Phase, CHOOSING_MAX};
use crate::turn::Turn;
use crate::words::{
    ArrivalAuthor, Author, CallbackRequested, ContactArrived, DivertCause, Id, Name, NextStep, NextStepChosen, NextStepOffered,
    NextStepTaken, PromiseKind, QueueMode, StepKind, TakenBy,
};

impl Turn<'_> {
    /// Is there always something else to do for whoever comes in here?
    pub(super) fn leads_on(&self, entry_point: Option<&Name>) -> bool {
        !self.next_steps(entry_point).is_empty()
    }

    fn next_steps(&self, entry_point: Option<&Name>) -> &[NextStep] {
        let known = entry_point.filter(|_| self.site.state.levels.is(4)).and_then(|name| self.rules()?.entry_point(name));
        // One that was adopted before there were next steps may end otherwise: it offers nothing.
        let sound = known.filter(|known| known.next_steps.last().is_some_and(|last| last.kind == StepKind::Message));
        sound.map_or(&[], |known| &known.next_steps)
    }

    /// A new contact is not taken by its queue, nor by any other along the overflow.
    pub(super) fn turn_away(&mut self, fact: &ContactArrived) {
        let Some(cause) = self.closed_to_new(&fact.queue, &fact.channel) else { return };
        let offer = NextStepOffered {
            at_ms: self.t_ms,
            queue: fact.queue.clone(),
            cause,
            choices: Vec::new(),
            until_ms: 0,
            requirements: fact.requirements.clone(),
            priority: fact.priority,
            customer: fact.customer,
            preferred: fact.preferred.clone(),
            entry_point: fact.entry_point.clone(),
            topic: fact.topic.clone(),
            case: fact.case,
            rule: fact.rule.clone(),
            language: fact.language.clone(),
            accepts: fact.accepts.clone(),
            segment: fact.segment.clone(),
        };
        self.offer_next_steps(fact.contact, &fact.channel, offer);
    }

    /// A contact waits in vain. False: its entry point has nothing to offer.
    pub(super) fn offer_while_waiting(&mut self, id: Id, contact: &Contact, cause: DivertCause) -> bool {
        let offer = NextStepOffered {
            at_ms: self.t_ms,
            queue: contact.queue.clone(),
            cause,
            choices: Vec::new(),
            until_ms: 0,
            requirements: contact.wishes.clone(),
            priority: contact.priority,
            customer: contact.customer,
            preferred: (*contact.preferred).clone(),
            entry_point: (*contact.entry_point).clone(),
            topic: (*contact.topic).clone(),
            case: contact.case,
            rule: (*contact.rule).clone(),
            language: (*contact.language).clone(),
            accepts: (*contact.accepts).clone(),
            segment: self.site.state.slas.segments.get(&id).cloned(),
        };
        self.offer_next_steps(id, &contact.channel, offer)
    }

    /// It is in its queue after those who waited there were moved on, and nobody else may come: so is it. While somebody is asked it is only
    /// offered next steps. Who was answered before is not told to go.
    pub(super) fn lead_on(&mut self, id: Id) {
        let Some(contact) = self.site.contact(&id).filter(|contact| is_left(contact)).cloned() else { return };
        let asks = self.site.state.levels.is(4) && self.is_shut(&contact.queue) && self.customer_is_there(&contact.channel);
        if !asks || self.promise(&id).is_some() || self.chooses(&id) {
            return;
        }
        let waits = contact.phase == Phase::Queued;
        if let Some(to) = self.overflow(&contact.queue, &contact.channel).filter(|_| waits) {
            self.flow_over(id, &contact, &to, DivertCause::Closing);
        } else if !self.offer_while_waiting(id, &contact, DivertCause::Closing) && waits && !contact.ever_answered() {
            self.end_closed(id, &contact);
        }
    }

    fn offer_next_steps(&mut self, id: Id, channel: &Name, mut offer: NextStepOffered) -> bool {
        let steps = self.next_steps(offer.entry_point.as_ref()).to_vec();
        let entry_point = offer.entry_point.as_ref().and_then(|name| self.rules()?.entry_point(name));
        let choose_ms = entry_point.map_or(0, |known| known.choose_ms);
        let crowded = self.site.state.choices.len() >= CHOOSING_MAX;
        for step in steps {
            let told = step.kind == StepKind::Message;
            // Who passed a threshold waits on if they do nothing.
            let fits = if told {
                offer.cause != DivertCause::Threshold
            } else {
                !crowded && self.is_possible(&step, (&offer.queue, channel))
            };
            if fits {
                offer.choices.push(step);
            }
        }
        let Some(only) = offer.choices.first().cloned() else { return false };
        offer.until_ms = self.at_ms + choose_ms.max(1);
        self.emit(Some(id), None, Some(channel), offer);
        if only.kind == StepKind::Message {
            self.say_why(id, channel, TakenBy::Time);
        }
        true
    }

    fn is_possible(&mut self, step: &NextStep, (asked, channel): (&Name, &Name)) -> bool {
        let (Some(rules), Some(queue)) = (self.rules(), &step.queue) else { return false };
        let known = rules.queue(queue).is_some();
        match step.kind {
            StepKind::Callback => known && self.has_slot(queue),
            StepKind::Queue => known && queue != asked && self.takes_new(queue, channel),
            StepKind::Voicemail | StepKind::Form | StepKind::Mail => {
                known && step.channel.as_ref().is_some_and(|channel| rules.channel(channel).is_some())
            }
            StepKind::Message => true,
        }
    }

    /// What is open to somebody, with what they wait for by now.
    fn choice(&self, id: &Id) -> Option<Choice> {
        let choice = self.site.state.choices.get(id)?.clone();
        let Some(contact) = self.site.contact(id) else { return Some(choice) };
        Some(Choice {
            wishes: contact.wishes.clone(),
            priority: contact.priority,
            preferred: (*contact.preferred).clone(),
            topic: (*contact.topic).clone(),
            ..choice
        })
    }

    pub(super) fn check_next_step(&self, fact: &NextStepChosen) -> Check {
        let Some(choice) = self.choice(&fact.contact) else {
            self.check_live(fact.contact)?;
            return Err("no_next_step");
        };
        let step = choice.step(fact.kind, fact.to.as_ref()).ok_or("next_step_not_offered")?;
        self.check_new(fact.successor)?;
        let (rules, queue) = (self.rules().ok_or("no_policy")?, step.queue.as_ref());
        let channel = step.channel.as_ref().unwrap_or(&choice.channel);
        match step.kind {
            StepKind::Callback => self.check_callback(&callback(fact, &choice, step).ok_or("next_step_unavailable")?),
            StepKind::Queue if queue.is_none_or(|queue| !self.takes_new(queue, channel)) => Err("next_step_unavailable"),
            StepKind::Message => Ok(()),
            StepKind::Queue | StepKind::Voicemail | StepKind::Form | StepKind::Mail => {
                let known = queue.is_some_and(|queue| rules.queue(queue).is_some()) && rules.channel(channel).is_some();
                known.then_some(()).ok_or("next_step_unavailable")
            }
        }
    }

    pub(super) fn take_next_step(&mut self, fact: &NextStepChosen) {
        let Some(choice) = self.choice(&fact.contact) else { return };
        let Some(step) = choice.step(fact.kind, fact.to.as_ref()).cloned() else { return };
        match step.kind {
            StepKind::Callback => self.take_callback(fact, &choice, &step),
            StepKind::Queue | StepKind::Voicemail | StepKind::Form | StepKind::Mail => self.step_over(fact, &choice, &step),
            StepKind::Message => self.say_why(fact.contact, &choice.channel, TakenBy::Customer),
        }
    }

    /// If nothing can be promised as it was wished, the choice stays open.
    fn take_callback(&mut self, fact: &NextStepChosen, choice: &Choice, step: &NextStep) {
        let Some(request) = callback(fact, choice, step) else { return };
        let waiting = self.site.contact(&fact.contact).is_some().then_some(fact.contact);
        let request = CallbackRequested { waiting, ..request };
        if self.has_slot_for(&request) {
            self.taken(fact.contact, &choice.channel, step, TakenBy::Customer, Some(fact.successor));
        }
        self.request_callback(request);
    }

    /// In another queue, or as something that was left behind. Who waits keeps the waits in another queue, and is no other contact there.
    fn step_over(&mut self, fact: &NextStepChosen, choice: &Choice, step: &NextStep) {
        let (id, live) = (fact.contact, self.site.contact(&fact.contact).cloned());
        if let (StepKind::Queue, Some(contact), Some(to)) = (step.kind, &live, &step.queue) {
            self.taken(id, &choice.channel, step, TakenBy::Customer, Some(id));
            if let Some(message) = fact.message {
                self.record_message(id, message, Author::Customer, None);
            }
            return self.flow_over(id, contact, to, choice.cause);
        }
        let Some(arrival) = arrival(fact, choice, step) else { return };
        self.taken(id, &choice.channel, step, TakenBy::Customer, Some(fact.successor));
        self.begin(arrival, Some(id));
        if live.is_some() {
            self.flow_out(id, fact.successor);
        }
    }

    /// Nothing follows: the customer knows why.
    fn say_why(&mut self, id: Id, channel: &Name, by: TakenBy) {
        let step = NextStep { kind: StepKind::Message, to: None, channel: None, queue: None };
        self.taken(id, channel, &step, by, None);
        if let Some(contact) = self.site.contact(&id).cloned() {
            self.end_closed(id, &contact);
        }
    }

    /// Nobody chose in time. Who may still be served waits on.
    pub(crate) fn end_choice(&mut self, id: Id) {
        let Some(choice) = self.site.state.choices.get(&id).cloned() else { return };
        let stays = !self.is_shut(&choice.queue);
        if self.site.contact(&id).is_some() && stays {
            let queue = Some(choice.queue);
            let step = NextStep { kind: StepKind::Queue, to: queue.clone(), channel: None, queue };
            self.taken(id, &choice.channel, &step, TakenBy::Time, Some(id));
        } else {
            self.say_why(id, &choice.channel, TakenBy::Time);
        }
    }

    fn taken(&mut self, id: Id, channel: &Name, step: &NextStep, by: TakenBy, successor: Option<Id>) {
        let event = NextStepTaken { at_ms: self.t_ms, kind: step.kind, to: step.to.clone(), by, successor };
        self.emit(Some(id), None, Some(channel), event);
    }

    /// Somebody is choosing, and has nothing else to wait for.
    pub(super) fn chooses(&self, id: &Id) -> bool {
        self.site.state.choices.get(id).is_some_and(|choice| choice.cause != DivertCause::Threshold)
    }

    /// Closed, and those who still waited then were moved on.
    pub(super) fn is_shut(&self, queue: &Name) -> bool {
        let mode = self.site.state.modes.get(queue);
        let by_mode = mode.is_some_and(|closed| closed.mode != QueueMode::Open && closed.close_at_ms.is_none());
        by_mode || self.site.state.hours.get(queue).is_some_and(|hours| !hours.open && hours.close_at_ms.is_none())
    }
}

/// What the customer wishes, for the same matter.
fn callback(fact: &NextStepChosen, choice: &Choice, step: &NextStep) -> Option<CallbackRequested> {
    Some(CallbackRequested {
        fact_id: fact.fact_id,
        contact: fact.successor,
        channel: step.channel.clone()?,
        queue: step.queue.clone()?,
        wish_ms: fact.wish_ms,
        requirements: choice.wishes.clone(),
        priority: choice.priority,
        customer: fact.customer.or(choice.customer),
        preferred: choice.preferred.clone(),
        entry_point: choice.entry_point.clone(),
        topic: choice.topic.clone(),
        case: Some(choice.case.unwrap_or(fact.contact)),
        rule: choice.rule.clone(),
        language: choice.language.clone(),
        accepts: choice.accepts.clone(),
        kind: PromiseKind::Scheduled,
        exact: fact.exact,
        hours: fact.hours.clone(),
        waiting: None,
        address: fact.address,
        mode: None,
    })
}

/// What follows, for the same matter. What is left behind comes by the entry point that was chosen.
fn arrival(fact: &NextStepChosen, choice: &Choice, step: &NextStep) -> Option<ContactArrived> {
    let elsewhere = step.kind != StepKind::Queue;
    Some(ContactArrived {
        fact_id: fact.fact_id,
        contact: fact.successor,
        channel: step.channel.clone().unwrap_or_else(|| choice.channel.clone()),
        queue: step.queue.clone()?,
        requirements: choice.wishes.clone(),
        priority: choice.priority,
        customer: fact.customer.or(choice.customer),
        preferred: choice.preferred.clone(),
        entry_point: if elsewhere { step.to.clone() } else { choice.entry_point.clone() },
        topic: choice.topic.clone(),
        case: Some(choice.case.unwrap_or(fact.contact)),
        message: fact.message,
        author: ArrivalAuthor::Customer,
        reopens: true,
        rule: choice.rule.clone(),
        language: choice.language.clone(),
        accepts: choice.accepts.clone(),
        ticket: false,
        segment: choice.segment.clone(),
    })
}
