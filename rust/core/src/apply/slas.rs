//! Clocks of SLA promises in the state: each starts once and ends once.

use super::About;
use crate::few::Few;
use crate::site::Site;
use crate::slas::{Rested, Run, SlaClock, RESTED_MAX};
use crate::words::bounds::INSTANT_MAX_MS;
use crate::words::{Event, Id, Name, SlaBroken, SlaMeasure, SlaStarted};

impl Site {
    #[allow(clippy::wildcard_enum_match_arm)] // `apply_event` sorts them, and is exhaustive
    pub(super) fn apply_sla(&mut self, about: &About, event: &Event, turn_ms: u64) -> Result<(), String> {
        let contact = about.contact()?;
        match event {
            Event::SlaStarted(event) => self.start_clock(contact, event, turn_ms),
            Event::SlaAtRisk(event) => self.change_clock(event.case.unwrap_or(contact), &event.name, |run| match run {
                Run::Running { warn_ms, .. } if warn_ms.is_some() => {
                    *warn_ms = None;
                    true
                }
                Run::Running { .. } | Run::Paused { .. } | Run::Broken { .. } => false,
            }),
            Event::SlaPaused(event) => self.change_clock(event.case.unwrap_or(contact), &event.name, |run| match *run {
                Run::Running { warn_ms, .. } => {
                    *run = Run::Paused { left_ms: event.left_ms, warned: warn_ms.is_none() };
                    true
                }
                Run::Paused { .. } | Run::Broken { .. } => false,
            }),
            Event::SlaResumed(event) => self.change_clock(event.case.unwrap_or(contact), &event.name, |run| match *run {
                Run::Paused { .. } => {
                    *run = Run::Running { due_ms: event.due_ms, warn_ms: event.warn_ms, from_ms: turn_ms + 1 };
                    true
                }
                Run::Running { .. } | Run::Broken { .. } => false,
            }),
            Event::SlaMet(event) => self.end_clock(contact, event.case, &event.name, (event.spare_ms, event.kept_until_ms)),
            Event::SlaBroken(event) if self.goes_on_broken(contact, event) => {
                let reopen_ms = event.kept_until_ms.map(|until_ms| until_ms.saturating_sub(event.at_ms));
                self.change_clock(event.case.unwrap_or(contact), &event.name, |run| {
                    let ended = matches!(run, Run::Broken { .. });
                    *run = Run::Broken { reopen_ms };
                    !ended
                })
            }
            Event::SlaBroken(event) => self.end_clock(contact, event.case, &event.name, (0, event.kept_until_ms)),
            Event::SlaCancelled(event) => self.end_clock(contact, event.case, &event.name, (event.spare_ms, event.kept_until_ms)),
            Event::ContactSegmented(event) => {
                self.state.slas.segments.insert(contact, event.segment.clone());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// From level 4 on a clock that could start again, and whose subject goes on, stays broken.
    fn goes_on_broken(&self, contact: Id, event: &SlaBroken) -> bool {
        let clock = self.state.slas.get(&event.case.unwrap_or(contact), &event.name);
        self.state.levels.is(4)
            && clock.is_some_and(|clock| match clock.measure {
                SlaMeasure::Resolution => event.case.is_some_and(|case| !self.live_of_case(case).is_empty()),
                SlaMeasure::NextResponse => self.contact(&contact).is_some_and(|contact| contact.conversation.unanswered),
                SlaMeasure::Answer | SlaMeasure::FirstResponse => false,
            })
    }

    /// An agent has said the word that a broken clock measured, or the contact is gone.
    pub(super) fn clear_broken(&mut self, contact: &Id) {
        self.take_broken(contact, |clock| clock.measure == SlaMeasure::NextResponse);
    }

    /// Nothing of the case lives any more: as with every clock, it is remembered for a while how this one ended.
    pub(super) fn rest_broken(&mut self, case: Option<Id>, at_ms: u64) {
        let Some(case) = case.filter(|case| self.state.slas.running.get(case).is_some()) else { return };
        if !self.live_of_case(case).is_empty() {
            return;
        }
        for (name, clock) in self.take_broken(&case, |clock| clock.measure == SlaMeasure::Resolution) {
            if let Run::Broken { reopen_ms: Some(reopen_ms) } = clock.run {
                let until_ms = at_ms.saturating_add(reopen_ms).min(INSTANT_MAX_MS);
                self.state.slas.rested.remember(case, &name, Rested { left_ms: 0, until_ms }, RESTED_MAX);
            }
        }
    }

    fn take_broken(&mut self, subject: &Id, of: impl Fn(&SlaClock) -> bool) -> Vec<(Name, SlaClock)> {
        let Some(clocks) = self.state.slas.running.get(subject) else { return Vec::new() };
        let clocks = clocks.iter();
        let broken = clocks.filter(|(_, clock)| clock.is_broken() && of(clock));
        let broken: Vec<(Name, SlaClock)> = broken.map(|(name, clock)| (name.clone(), clock.clone())).collect();
        if broken.is_empty() {
            return broken;
        }
        let Some(few) = self.state.slas.running.get_mut(subject) else { return broken };
        for (name, _) in &broken {
            few.remove(name);
        }
        if few.is_empty() {
            self.state.slas.running.remove(subject);
        }
        broken
    }

    fn start_clock(&mut self, contact: Id, event: &SlaStarted, turn_ms: u64) -> Result<(), String> {
        let subject = event.case.unwrap_or(contact);
        if event.case.is_some() != (event.measure == SlaMeasure::Resolution) {
            return Err(format!("clock {} of {subject:?} measures {} of another subject", event.name, event.measure));
        }
        let clock = SlaClock {
            measure: event.measure,
            contact,
            queue: event.queue.clone(),
            target_ms: event.target_ms,
            internal: event.internal,
            group: event.group.clone(),
            run: Run::Running { due_ms: event.due_ms, warn_ms: event.warn_ms, from_ms: turn_ms + 1 },
        };
        self.state.slas.rested.remove(&subject, &event.name);
        self.index.later.extend(clock.next(subject, &event.name));
        let running = &mut self.state.slas.running;
        let known = if let Some(few) = running.get_mut(&subject) {
            few.insert(event.name.clone(), clock)
        } else {
            running.insert(subject, Few::from_iter([(event.name.clone(), clock)]));
            None
        };
        known.map_or(Ok(()), |_| Err(format!("clock {} of {subject:?} starts twice", event.name)))
    }

    /// `change` says whether it could.
    fn change_clock(&mut self, subject: Id, name: &Name, change: impl FnOnce(&mut Run) -> bool) -> Result<(), String> {
        let clock = self.state.slas.running.get_mut(&subject).and_then(|few| few.get_mut(name));
        let clock = clock.ok_or_else(|| unknown(subject, name))?;
        if let Some(before) = clock.next(subject, name) {
            self.index.later.remove(&before);
        }
        let changed = change(&mut clock.run);
        self.index.later.extend(clock.next(subject, name));
        changed.then_some(()).ok_or_else(|| format!("clock {name} of {subject:?} is {:?} already", clock.run))
    }

    /// `rests`: what is left to the case, and until when that is remembered.
    fn end_clock(&mut self, contact: Id, case: Option<Id>, name: &Name, rests: (u64, Option<u64>)) -> Result<(), String> {
        let subject = case.unwrap_or(contact);
        let few = self.state.slas.running.get_mut(&subject).ok_or_else(|| unknown(subject, name))?;
        let clock = few.remove(name).ok_or_else(|| unknown(subject, name))?;
        if few.is_empty() {
            self.state.slas.running.remove(&subject);
        }
        if let Some(before) = clock.next(subject, name) {
            self.index.later.remove(&before);
        }
        if let (Some(case), (left_ms, Some(until_ms))) = (case, rests) {
            self.state.slas.rested.remember(case, name, Rested { left_ms, until_ms }, RESTED_MAX);
        }
        Ok(())
    }

    /// Nothing is asked any more of a contact that ended.
    pub(super) fn forget_segment(&mut self, contact: &Id) {
        if self.state.slas.segments.len() > 0 {
            self.state.slas.segments.remove(contact);
        }
    }
}

fn unknown(subject: Id, name: &Name) -> String {
    format!("there is no clock {name} of {subject:?}")
}
