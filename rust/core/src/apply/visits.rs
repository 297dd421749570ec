//! Visits in the state: a contact enters a queue, and what changes while it waits there.

use std::collections::VecDeque;
use std::mem::take;

use crate::apply::About;
use crate::conversation::Conversation;
use crate::course::Course;
use crate::index::{closing, turning};
use crate::rare::Rare;
use crate::site::Site;
use crate::state::{Closed, Contact, Hours, Phase};
use crate::words::{
    ContactEnded, ContactQueued, ContactRelaxed, ContactReprioritised, Id, Key, Name, QueueHoursTurned, QueueMode, QueueModeSet,
    ThresholdReached, WaitExpected,
};

impl Site {
    pub(super) fn queue_contact(&mut self, about: &About, event: &mut ContactQueued) -> Result<(), String> {
        let id = about.contact()?;
        self.arrives_once(id, about.channel()?, event)?;
        self.withdraw_next_steps(&id);
        let before = self.take_contact(id);
        let mut course = Course::begun(event, before.as_ref());
        course.newer.returned = self.state.levels.is(4)
            && !event.preferred.is_empty()
            && before.as_ref().is_some_and(|before| before.phase.owner().is_some());
        let (answered_before, attempt, recent, exclusions, ordinal, mut conversation) = if let Some(before) = before {
            let answered_before = before.ever_answered();
            (answered_before, before.attempt, before.recent, before.exclusions, before.ordinal, before.conversation)
        } else {
            let (attempt, ordinal) = self.call_promised(id, event.visit, event.at_ms);
            (false, attempt, VecDeque::new(), Rare::default(), ordinal, Conversation::default())
        };
        conversation.rest();
        self.recognise(about.channel()?, event);
        self.state.arrivals = self.state.arrivals.max(event.key.seq);
        let contact = Contact {
            channel: about.channel()?.clone(),
            queue: event.queue.clone(),
            phase: Phase::Queued,
            visit: event.visit,
            key: event.key,
            entered_ms: event.at_ms,
            queued_at_ms: event.queued_at_ms,
            target_ms: event.target_ms,
            wishes: take(&mut event.wishes),
            requirements: take(&mut event.requirements),
            priority: event.priority,
            customer: event.customer,
            preferred: take(&mut event.preferred).into(),
            prefer_until_ms: event.prefer_until_ms,
            sender: event.excluded.into(),
            transfers: event.transfers,
            back: event.back.into(),
            entry_point: event.entry_point.take().into(),
            topic: event.topic.take().into(),
            case: event.case,
            rule: event.rule.take().into(),
            language: event.language.take().into(),
            accepts: take(&mut event.accepts).into(),
            attempt,
            recent,
            exclusions,
            answered_ms: None,
            answered_before,
            ordinal,
            course: course.into(),
            conversation,
            siblings: Rare::default(),
            sides: Rare::default(),
        };
        self.add_contact(id, contact);
        Ok(())
    }

    /// No two live contacts have one place in the order of arrival: a new one is behind all others, or takes up a place that was kept.
    fn arrives_once(&self, id: Id, channel: &Name, event: &ContactQueued) -> Result<(), String> {
        let seq = event.key.seq;
        let once = match (self.state.contacts.get(&id), event.resumes) {
            (Some(before), _) => before.key.seq == seq,
            (None, None) => seq > self.state.arrivals || self.kept_by_promise(id) == Some(seq),
            (None, Some(resumed)) => {
                let kept = event.customer.map(|customer| self.state.places.of(&customer));
                kept.into_iter().flatten().any(|(on, place)| on == channel && place.contact == resumed && place.key.seq == seq)
            }
        };
        once.then_some(()).ok_or_else(|| format!("contact {id:?} arrives at the place {seq}, which is another's"))
    }

    /// The place that a promised contact kept in the order of arrival.
    fn kept_by_promise(&self, id: Id) -> Option<u64> {
        self.state.promises.get(&id)?.key.map(|key| key.seq)
    }

    /// Another key of a contact has the same place in the order of arrival.
    pub(super) fn keeps_arrival(&self, id: Id, key: Key) -> Result<(), String> {
        let kept = self.state.contacts.get(&id).is_none_or(|contact| contact.key.seq == key.seq);
        kept.then_some(()).ok_or_else(|| format!("contact {id:?} gets the place {} of another", key.seq))
    }

    pub(super) fn end_contact(&mut self, id: Id, event: &ContactEnded, turn_ms: u64) -> Result<(), String> {
        self.withdraw_next_steps(&id);
        let case = if self.state.slas.are_running() { self.case_of(&id) } else { None };
        match self.take_contact(id) {
            Some(contact) => {
                self.keep_place(id, &contact, event.kept_until_ms);
                self.forget_segment(&id);
            }
            // The end of its promise follows.
            None if self.state.promises.get(&id).is_some() => {}
            None => return Err(format!("there is no contact {id:?}")),
        }
        self.clear_broken(&id);
        self.rest_broken(case, event.at_ms);
        self.state.gone.remember(id, (), turn_ms);
        Ok(())
    }

    pub(super) fn reprioritise(&mut self, id: Id, event: &ContactReprioritised) -> Result<(), String> {
        self.keeps_arrival(id, event.key)?;
        self.change_contact(id, |contact| (contact.priority, contact.key) = (event.priority, event.key))?;
        self.raise_promise(id, event.priority)
    }

    /// A step of its plan: the contact needs less, or waits in more queues.
    pub(super) fn relax(&mut self, id: Id, event: &ContactRelaxed) -> Result<(), String> {
        self.keeps_arrival(id, event.key)?;
        self.change_contact(id, |contact| {
            contact.wishes.clone_from(&event.wishes);
            contact.requirements.clone_from(&event.requirements);
            (contact.priority, contact.key) = (event.priority, event.key);
            contact.prefer_until_ms = event.prefer_until_ms;
            contact.course.relax(event);
        })
    }

    /// It counts as live until it is queued anew.
    pub(super) fn promote(&mut self, id: Id, key: Key) -> Result<(), String> {
        self.keeps_arrival(id, key)?;
        self.change_contact(id, |contact| {
            contact.course.promoted_from = Some(contact.key.klass);
            contact.key = key;
        })
    }

    pub(super) fn set_mode(&mut self, event: &QueueModeSet) {
        let closed = match event.mode {
            QueueMode::Open => None,
            mode @ (QueueMode::Closed | QueueMode::Emergency) => Some(Closed { mode, close_at_ms: event.close_at_ms }),
        };
        self.change_mode(&event.queue, closed);
    }

    /// None: open.
    pub(super) fn change_mode(&mut self, queue: &Name, closed: Option<Closed>) {
        self.index.attendance.touch(queue, self.index.rules.as_ref());
        if let Some(before) = self.state.modes.remove(queue).and_then(|before| closing(queue, before)) {
            self.index.later.remove(&before);
        }
        if let Some(closed) = closed {
            self.index.later.extend(closing(queue, closed));
            self.state.modes.insert(queue.clone(), closed);
        }
    }

    pub(super) fn turn_hours(&mut self, event: &QueueHoursTurned) {
        let hours = Hours { open: event.open, close_at_ms: event.close_at_ms, next_ms: event.next_ms };
        self.change_hours(&event.queue, Some(hours));
    }

    /// None: it has no calendar.
    pub(super) fn change_hours(&mut self, queue: &Name, hours: Option<Hours>) {
        self.index.attendance.touch(queue, self.index.rules.as_ref());
        for before in self.state.hours.remove(queue).into_iter().flat_map(|before| turning(queue, before)) {
            self.index.later.remove(&before);
        }
        if let Some(hours) = hours {
            self.index.later.extend(turning(queue, hours));
            self.state.hours.insert(queue.clone(), hours);
        }
    }

    /// Remembered for the thresholds that ask, and to see how it came out.
    pub(super) fn expect_wait(&mut self, id: Id, event: &WaitExpected) -> Result<(), String> {
        if self.state.levels.is(4) {
            self.note_contact(id, |contact| contact.course.newer.expected_ms = Some(event.p80_ms))?;
        }
        Ok(())
    }

    pub(super) fn pass_threshold(&mut self, id: Id, event: &ThresholdReached) -> Result<(), String> {
        self.change_contact(id, |contact| {
            (contact.course.threshold, contact.course.threshold_at_ms) = (event.threshold, event.next_at_ms);
        })
    }
}
