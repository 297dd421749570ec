//! SLA promises: clocks that follow from what is recorded of contacts, whoever caused it.
//!
//! ```text
//! answer, first_response   from the arrival                     to the answer (an agent's first word)
//! next_response            from a customer's unanswered word    to the next word of an agent      stands while parked for somebody else
//! resolution               from the arrival of a case           until no contact of it lives      stands while all of them are
//! ```

use crate::clock::Clock;
use crate::site::Site;
use crate::slas::{Run, SlaClock};
use crate::state::{Contact, Phase};
use crate::turn::Turn;
use crate::words::bounds::{DURATION_MAX_MS, INSTANT_MAX_MS};
use crate::words::{
    Author, ContactSegmented, EndReason, Event, Id, Name, ParkedKind, PromiseKind, PromiseOutcome, SlaAtRisk, SlaBroken,
    SlaCancelled, SlaMeasure, SlaMet, SlaPaused, SlaPolicy, SlaResumed, SlaStarted,
};

/// What an event means to the clocks of its contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Moment {
    Begun,
    /// It comes back from where it was parked.
    Returned,
    Answered,
    AgentSpoke,
    CustomerSpoke,
    /// It waits for somebody else than us.
    Parked,
    /// A contact of the case is to be called.
    Promised,
    /// It ended, or is one that is promised a call again; `case`: and what is left of the case is to be asked.
    Gone {
        case: Option<Id>,
        reason: EndReason,
        last: Last,
    },
    /// The call of a contact was missed, so that it is gone, and what is left of the case is to be asked.
    Missed {
        case: Option<Id>,
        last: Last,
    },
}

/// Where a contact was that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Last {
    contact: Id,
    queue: Name,
    channel: Name,
}

/// Whose clock, and by what it is known in the events.
#[derive(Debug, Clone, Copy)]
struct Subject<'a> {
    id: Id,
    case: Option<Id>,
    last: Option<&'a Last>,
}

impl<'a> Subject<'a> {
    fn contact(id: Id) -> Self {
        Self { id, case: None, last: None }
    }

    fn case(id: Id) -> Self {
        Self { id, case: Some(id), last: None }
    }

    fn after(self, last: &'a Last) -> Self {
        Self { last: Some(last), ..self }
    }
}

impl Last {
    fn of(id: Id, contact: &Contact) -> Self {
        Self { contact: id, queue: contact.queue.clone(), channel: contact.channel.clone() }
    }
}

impl Moment {
    /// Asked before the event is applied.
    #[allow(clippy::wildcard_enum_match_arm)] // the others mean nothing to any clock
    pub(crate) fn of(site: &Site, contact: Option<Id>, event: &Event) -> Option<(Id, Self)> {
        let id = contact?;
        let known = site.contact(&id);
        let promise = || site.state.promises.get(&id);
        let moment = match event {
            Event::ContactQueued(_) => match known.map(|contact| contact.phase) {
                None if promise().is_some_and(|promise| promise.visit > 0) => Self::Returned,
                None => Self::Begun,
                Some(Phase::Parked { .. }) => Self::Returned,
                Some(_) => return None,
            },
            Event::ContactAnswered(_) => Self::Answered,
            Event::MessageRelayed(event) => match event.author {
                Author::Agent => Self::AgentSpoke,
                Author::Customer => Self::CustomerSpoke,
                Author::System => return None,
            },
            Event::ContactParked(event) if matches!(event.kind, ParkedKind::Customer | ParkedKind::ThirdParty) => Self::Parked,
            Event::PromiseMade(_) => Self::Promised,
            // The case of a promised contact is left when its promise ends, which follows.
            Event::ContactEnded(event) => {
                let case = site.case_of(&id).filter(|_| promise().is_none());
                Self::Gone { case, reason: event.reason, last: Last::of(id, known?) }
            }
            Event::AttemptRecorded(_) => {
                Self::Gone { case: site.case_of(&id), reason: EndReason::CustomerSilent, last: Last::of(id, known?) }
            }
            Event::PromiseHeld(_) => {
                Self::Gone { case: site.case_of(&id), reason: EndReason::FlowedOut, last: Last::of(id, known?) }
            }
            Event::PromiseEnded(event) if known.is_none() => {
                let last = Last { contact: id, queue: promise()?.queue.clone(), channel: promise()?.channel.clone() };
                let case = site.case_of(&id);
                if event.outcome == PromiseOutcome::Missed && site.state.levels.is(4) {
                    Self::Missed { case, last }
                } else {
                    Self::Gone { case, reason: how_it_ended(event.outcome), last }
                }
            }
            _ => return None,
        };
        Some((id, moment))
    }
}

impl Turn<'_> {
    /// The customer's segment, if an SLA asks for it.
    pub(super) fn note_segment(&mut self, id: Id, channel: &Name, segment: Option<Name>) {
        let asked = |segment: &Name| self.rules().is_some_and(|rules| rules.slas_ask_for(segment));
        if let Some(segment) = segment.filter(asked) {
            self.emit(Some(id), None, Some(channel), ContactSegmented { at_ms: self.t_ms, segment });
        }
    }

    /// What follows from an event for the clocks, after it is applied.
    pub(crate) fn keep_clocks(&mut self, id: Id, moment: Moment) {
        match moment {
            Moment::Begun => self.begin_clocks(id),
            Moment::Returned => {
                self.resume_clocks(Subject::contact(id));
                self.keep_case(id);
            }
            Moment::Answered => self.meet(id, |measure| matches!(measure, SlaMeasure::Answer | SlaMeasure::FirstResponse)),
            Moment::AgentSpoke => self.meet(id, |measure| matches!(measure, SlaMeasure::FirstResponse | SlaMeasure::NextResponse)),
            Moment::CustomerSpoke => self.await_response(id),
            Moment::Parked => {
                self.pause_clocks(Subject::contact(id));
                self.keep_case(id);
            }
            Moment::Promised => self.keep_case(id),
            Moment::Gone { case, reason, last } => self.end_clocks(&last, case, reason),
            Moment::Missed { case, last } => self.break_case(&last, case),
        }
    }

    fn begin_clocks(&mut self, id: Id) {
        let Some(case) = self.site.contact(&id).map(|contact| contact.case_of(id)) else { return };
        // Whether a promised call is made in time is the promise's own matter.
        let promised = self.site.state.promises.get(&id).is_some();
        for sla in self.slas_for(id) {
            match sla.measure {
                SlaMeasure::Answer | SlaMeasure::FirstResponse if promised => {}
                SlaMeasure::Answer => self.start(Subject::contact(id), id, &sla),
                SlaMeasure::FirstResponse if case == id => self.start(Subject::contact(id), id, &sla),
                SlaMeasure::FirstResponse | SlaMeasure::NextResponse => {}
                SlaMeasure::Resolution => self.start(Subject::case(case), id, &sla),
            }
        }
        self.keep_case(id);
    }

    /// It goes on with a case that it did not begin, and in which nobody has said anything.
    pub(super) fn owe_first_response(&mut self, id: Id) {
        for sla in self.slas_for(id).into_iter().filter(|sla| sla.measure == SlaMeasure::FirstResponse) {
            self.start(Subject::contact(id), id, &sla);
        }
    }

    /// A word of the customer waits for one of ours, once the first one was said.
    fn await_response(&mut self, id: Id) {
        let Some(contact) = self.site.contact(&id) else { return };
        let owed = |clocks: Vec<(Name, SlaClock)>| clocks.iter().any(|(_, clock)| clock.measure == SlaMeasure::FirstResponse);
        if !contact.ever_answered() && (contact.case_of(id) == id || owed(self.site.state.slas.of(&id))) {
            return;
        }
        for sla in self.slas_for(id).into_iter().filter(|sla| sla.measure == SlaMeasure::NextResponse) {
            self.start(Subject::contact(id), id, &sla);
        }
    }

    /// What the policy promises to the contact as it stands.
    fn slas_for(&self, id: Id) -> Vec<SlaPolicy> {
        let (Some(rules), Some(contact)) = (self.rules(), self.site.contact(&id)) else { return Vec::new() };
        let segment = self.site.state.slas.segments.get(&id);
        rules.policy.slas.iter().filter(|sla| promises(sla, contact, segment)).cloned().collect()
    }

    /// A clock that runs already goes on, and one that broke is not wound again. A case that was reopened has what was left to it.
    fn start(&mut self, subject: Subject<'_>, contact: Id, sla: &SlaPolicy) {
        let clocks = &self.site.state.slas;
        let left_ms = match clocks.rested.get(&subject.id, &sla.name, self.at_ms).filter(|_| subject.case.is_some()) {
            Some(rested) => rested.left_ms.min(sla.target_ms),
            None => sla.target_ms,
        };
        if left_ms == 0 || clocks.get(&subject.id, &sla.name).is_some() {
            return;
        }
        let Some((queue, channel)) = self.site.contact(&contact).map(|contact| (contact.queue.clone(), contact.channel.clone()))
        else {
            return;
        };
        let event = SlaStarted {
            at_ms: self.t_ms,
            name: sla.name.clone(),
            measure: sla.measure,
            queue,
            case: subject.case,
            target_ms: sla.target_ms,
            due_ms: self.after(&sla.name, left_ms),
            warn_ms: self.warn_at(&sla.name, left_ms),
            internal: sla.internal,
            group: sla.escalate.clone(),
        };
        self.emit(Some(contact), None, Some(&channel), event);
    }

    /// The case stands while all its live contacts wait for somebody else, and goes on when one does not.
    fn keep_case(&mut self, id: Id) {
        let Some(case) = self.site.case_of(&id) else { return };
        self.keep_case_of(case);
    }

    fn keep_case_of(&mut self, case: Id) {
        // Mostly nothing is measured of it, and nobody need look for its contacts.
        if self.site.state.slas.running.get(&case).is_none() {
            return;
        }
        let subject = Subject::case(case);
        let live = self.site.live_of_case(case);
        if live.iter().all(|id| waits_for_others(self.site, id)) {
            self.pause_clocks(subject);
        } else {
            self.resume_clocks(subject);
        }
    }

    fn pause_clocks(&mut self, subject: Subject<'_>) {
        for (name, clock) in self.site.state.slas.of(&subject.id).into_iter().filter(|(_, clock)| clock.is_of(subject)) {
            if !clock.pauses() || clock.is_paused() {
                continue;
            }
            if clock.is_overdue(self.t_ms) {
                self.break_clock(subject, &name, &clock);
                continue;
            }
            let left_ms = self.left_ms(&name, &clock);
            let (at_ms, case) = (self.t_ms, subject.case);
            self.tell(subject, &clock, |queue| SlaPaused { at_ms, name, queue, case, left_ms });
        }
    }

    fn resume_clocks(&mut self, subject: Subject<'_>) {
        for (name, clock) in self.site.state.slas.of(&subject.id).into_iter().filter(|(_, clock)| clock.is_of(subject)) {
            let Run::Paused { left_ms, warned } = clock.run else { continue };
            let (due_ms, warn_ms) = (self.after(&name, left_ms), self.warn_at(&name, left_ms).filter(|_| !warned));
            let (at_ms, case) = (self.t_ms, subject.case);
            self.tell(subject, &clock, |queue| SlaResumed { at_ms, name, queue, case, due_ms, warn_ms });
        }
    }

    /// What these clocks of the contact measure has happened.
    fn meet(&mut self, id: Id, measured: impl Fn(SlaMeasure) -> bool) {
        let subject = Subject::contact(id);
        for (name, clock) in self.site.state.slas.of(&id).into_iter().filter(|(_, clock)| clock.is_of(subject)) {
            if measured(clock.measure) {
                self.meet_clock(subject, &name, &clock);
            }
        }
    }

    /// In time, or too late where its end is not recorded yet.
    fn meet_clock(&mut self, subject: Subject<'_>, name: &Name, clock: &SlaClock) {
        if clock.is_overdue(self.t_ms) {
            return self.break_clock(subject, name, clock);
        }
        let spare_ms = self.spare_ms(name, clock);
        let (at_ms, name, case, internal) = (self.t_ms, name.clone(), subject.case, clock.internal);
        let (elapsed_ms, kept_until_ms) = (clock.target_ms.saturating_sub(spare_ms), self.kept_until_ms(subject, &name));
        self.tell(subject, clock, |queue| SlaMet { at_ms, name, queue, case, internal, elapsed_ms, spare_ms, kept_until_ms });
    }

    fn break_clock(&mut self, subject: Subject<'_>, name: &Name, clock: &SlaClock) {
        let due_ms = match clock.run {
            Run::Running { due_ms, .. } => due_ms.min(self.t_ms),
            Run::Paused { .. } | Run::Broken { .. } => self.t_ms,
        };
        let (at_ms, name, case) = (self.t_ms, name.clone(), subject.case);
        let (internal, group, kept_until_ms) = (clock.internal, clock.group.clone(), self.kept_until_ms(subject, &name));
        self.tell(subject, clock, |queue| SlaBroken { at_ms, name, queue, case, due_ms, internal, group, kept_until_ms });
    }

    fn cancel_clock(&mut self, subject: Subject<'_>, name: &Name, clock: &SlaClock, reason: EndReason) {
        if clock.is_overdue(self.t_ms) {
            return self.break_clock(subject, name, clock);
        }
        let spare_ms = self.spare_ms(name, clock);
        let (at_ms, name, case, internal) = (self.t_ms, name.clone(), subject.case, clock.internal);
        let kept_until_ms = self.kept_until_ms(subject, &name);
        self.tell(subject, clock, |queue| SlaCancelled { at_ms, name, queue, case, internal, reason, spare_ms, kept_until_ms });
    }

    /// The contact's own clocks end with it, the case's with its last contact.
    fn end_clocks(&mut self, last: &Last, case: Option<Id>, reason: EndReason) {
        let own = Subject::contact(last.contact).after(last);
        for (name, clock) in self.site.state.slas.of(&last.contact).into_iter().filter(|(_, clock)| clock.is_of(own)) {
            self.cancel_clock(own, &name, &clock, reason);
        }
        let Some(case) = case else { return };
        if !self.site.live_of_case(case).is_empty() {
            return self.keep_case_of(case);
        }
        let subject = Subject::case(case).after(last);
        for (name, clock) in self.site.state.slas.of(&case).into_iter().filter(|(_, clock)| clock.is_of(subject)) {
            match reason {
                EndReason::Completed | EndReason::CustomerSilent => self.meet_clock(subject, &name, &clock),
                EndReason::Abandoned | EndReason::FlowedOut | EndReason::Cancelled | EndReason::Failed => {
                    self.cancel_clock(subject, &name, &clock, reason);
                }
            }
        }
    }

    /// Nobody called as promised: what was promised to the case is broken with that, unless somebody else of it lives.
    fn break_case(&mut self, last: &Last, case: Option<Id>) {
        let Some(case) = case else { return };
        if !self.site.live_of_case(case).is_empty() {
            return self.keep_case_of(case);
        }
        let subject = Subject::case(case).after(last);
        for (name, clock) in self.site.state.slas.of(&case).into_iter().filter(|(_, clock)| clock.is_of(subject)) {
            self.break_clock(subject, &name, &clock);
        }
    }

    /// A clock's next instant has come.
    pub(crate) fn turn_clock(&mut self, id: Id, name: &Name) {
        let Some(clock) = self.site.state.slas.get(&id, name).cloned() else { return };
        let Run::Running { due_ms, .. } = clock.run else { return };
        let subject = if clock.measure == SlaMeasure::Resolution { Subject::case(id) } else { Subject::contact(id) };
        if self.t_ms >= due_ms {
            return self.break_clock(subject, name, &clock);
        }
        let (at_ms, name, case) = (self.t_ms, name.clone(), subject.case);
        let (internal, group) = (clock.internal, clock.group.clone());
        self.tell(subject, &clock, |queue| SlaAtRisk { at_ms, name, queue, case, due_ms, internal, group });
    }

    /// Record what became of a clock, with the contact that it is about now.
    fn tell<E: Into<Event>>(&mut self, subject: Subject<'_>, clock: &SlaClock, event: impl FnOnce(Name) -> E) {
        let live = |id: &Id| {
            let promised = || self.site.state.promises.get(id).map(|promise| (&promise.queue, &promise.channel));
            let place = self.site.contact(id).map(|contact| (&contact.queue, &contact.channel)).or_else(promised);
            place.map(|(queue, channel)| (*id, queue.clone(), Some(channel.clone())))
        };
        let of_case = || subject.case.and_then(|case| self.site.live_of_case(case).first().and_then(live));
        let last = || subject.last.map(|last| (last.contact, last.queue.clone(), Some(last.channel.clone())));
        let about = live(&clock.contact).or_else(of_case).or_else(last);
        let (id, queue, channel) = about.unwrap_or_else(|| (clock.contact, clock.queue.clone(), None));
        self.emit(Some(id), None, channel.as_ref(), event(queue));
    }

    /// What is left of a clock, in the time of its SLA.
    fn left_ms(&self, name: &Name, clock: &SlaClock) -> u64 {
        let left_ms = match clock.run {
            Run::Running { due_ms, .. } => self.sla_clock(name).between(self.t_ms, due_ms),
            Run::Paused { left_ms, .. } => left_ms,
            Run::Broken { .. } => 0,
        };
        left_ms.min(DURATION_MAX_MS)
    }

    /// No more than there was: a new policy may have given the SLA another calendar.
    fn spare_ms(&self, name: &Name, clock: &SlaClock) -> u64 {
        let most_ms = if self.site.state.levels.is(4) { clock.target_ms } else { DURATION_MAX_MS };
        self.left_ms(name, clock).min(most_ms)
    }

    /// So much later, in the time of the SLA.
    fn after(&self, name: &Name, wait_ms: u64) -> u64 {
        self.sla_clock(name).after(self.t_ms, wait_ms).min(INSTANT_MAX_MS)
    }

    /// The time that counts for an SLA: that of its calendar.
    fn sla_clock(&self, name: &Name) -> Clock<'_> {
        Clock(self.rules().and_then(|rules| rules.sla_calendar(name)))
    }

    /// When a clock with so much left is at risk, unless it is already.
    fn warn_at(&self, name: &Name, left_ms: u64) -> Option<u64> {
        let sla = self.rules()?.sla(name).filter(|sla| sla.warn_percent > 0)?;
        let risk_ms = sla.target_ms - sla.target_ms * u64::from(sla.warn_percent) / 100;
        Some(self.after(name, left_ms.saturating_sub(risk_ms)))
    }

    /// Until when a case is remembered that may be reopened.
    fn kept_until_ms(&self, subject: Subject<'_>, name: &Name) -> Option<u64> {
        subject.case?;
        let sla = self.rules()?.sla(name)?;
        (sla.reopen_ms > 0).then(|| (self.t_ms + sla.reopen_ms).min(INSTANT_MAX_MS))
    }
}

impl SlaClock {
    /// A case has the id of its first contact: their clocks stand side by side.
    fn is_of(&self, subject: Subject<'_>) -> bool {
        (self.measure == SlaMeasure::Resolution) == subject.case.is_some()
    }
}

fn promises(sla: &SlaPolicy, contact: &Contact, segment: Option<&Name>) -> bool {
    (sla.queues.is_empty() || sla.queues.contains(&contact.queue))
        && (sla.channels.is_empty() || sla.channels.contains(&contact.channel))
        && (sla.segments.is_empty() || segment.is_some_and(|segment| sla.segments.contains(segment)))
}

/// Nothing is for us to do: it is parked so, or to be called at a time that the customer chose, or because the customer was not reached.
pub(crate) fn waits_for_others(site: &Site, id: &Id) -> bool {
    let parked =
        |contact: &Contact| matches!(contact.phase, Phase::Parked { kind: ParkedKind::Customer | ParkedKind::ThirdParty, .. });
    let later = || site.state.promises.get(id).is_some_and(|promise| promise.kind == PromiseKind::Scheduled || promise.visit > 0);
    site.contact(id).map_or_else(later, parked)
}

/// How the contact of a promise ended with it.
fn how_it_ended(outcome: PromiseOutcome) -> EndReason {
    match outcome {
        PromiseOutcome::HonouredNotReached => EndReason::CustomerSilent,
        PromiseOutcome::Missed => EndReason::Failed,
        PromiseOutcome::Rescheduled => EndReason::FlowedOut,
        PromiseOutcome::Cancelled | PromiseOutcome::Kept => EndReason::Cancelled,
    }
}
