//! Admission: whether a queue takes a new contact, and who does if it does not.

use super::{Check, Refusal};
use crate::state::Contact;
use crate::turn::Turn;
use crate::words::{ChannelPresence, ContactDiverted, DivertCause, Id, Name, QueueMode};

/// Queues that are asked one after the other.
const HOPS_MAX: usize = 4;

/// Where a new contact goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admission {
    /// The queue it asked for.
    Granted,
    /// Another one, because the one it asked for does not take it.
    Diverted(Name, DivertCause),
}

impl Turn<'_> {
    /// Only who waits at the other end can be turned away.
    /// A ticket is a place that was promised: only an emergency is no time to keep it.
    pub(super) fn admission(&self, queue: &Name, channel: &Name, ticket: bool) -> Result<Admission, Refusal> {
        if !self.customer_is_there(channel) {
            return Ok(Admission::Granted);
        }
        match self.closed_to_new(queue, channel) {
            None => Ok(Admission::Granted),
            Some(cause) if ticket && cause != DivertCause::Emergency => Ok(Admission::Granted),
            Some(cause) => self.overflow(queue, channel).map(|to| Admission::Diverted(to, cause)).ok_or(refusal(cause)),
        }
    }

    pub(super) fn takes_new(&self, queue: &Name, channel: &Name) -> bool {
        !self.customer_is_there(channel) || self.closed_to_new(queue, channel).is_none()
    }

    /// It goes to another queue than it asked for.
    pub(super) fn divert(&mut self, id: Id, channel: &Name, queue: &Name, to: &Name, cause: DivertCause) {
        let event = ContactDiverted { at_ms: self.t_ms, queue: queue.clone(), to: to.clone(), cause };
        self.emit(Some(id), None, Some(channel), event);
    }

    pub(super) fn customer_is_there(&self, channel: &Name) -> bool {
        self.rules().is_some_and(|rules| rules.customer_is_there(channel))
    }

    /// May somebody be put there to wait? Not where nobody comes any more, and nothing else is left for them to do.
    pub(super) fn check_put(&self, queue: &Name, contact: &Contact) -> Check {
        let Some(cause) = self.left_alone(queue, &contact.channel) else { return Ok(()) };
        // Where only agents are missing nobody is offered next steps: some may come yet.
        if cause != DivertCause::Unstaffed && self.leads_on(contact.entry_point.as_ref()) {
            return Ok(());
        }
        Err(refusal(cause))
    }

    /// The queue that takes who waits too long elsewhere: the one that is named, else the first along its overflow where somebody comes.
    pub(super) fn taker(&self, named: &Name, channel: &Name) -> Option<Name> {
        if self.left_alone(named, channel).is_some() {
            self.along(named, |next| self.left_alone(next, channel).is_none())
        } else {
            Some(named.clone())
        }
    }

    /// Why somebody who is there would wait for ever if they were put there.
    fn left_alone(&self, queue: &Name, channel: &Name) -> Option<DivertCause> {
        let asked = self.site.state.levels.is(4) && self.customer_is_there(channel);
        self.deserted(queue).filter(|_| asked)
    }

    /// The first queue along the overflow that takes new contacts.
    pub(super) fn overflow(&self, queue: &Name, channel: &Name) -> Option<Name> {
        self.along(queue, |next| self.closed_to_new(next, channel).is_none())
    }

    fn along(&self, queue: &Name, takes: impl Fn(&Name) -> bool) -> Option<Name> {
        let mut asked = vec![queue];
        for _ in 0..HOPS_MAX {
            let next = self.rules()?.queue(asked.last()?)?.overflow.as_ref()?;
            if asked.contains(&next) {
                return None;
            }
            if takes(next) {
                return Some(next.clone());
            }
            asked.push(next);
        }
        None
    }

    /// The first reason not to take a new contact of the channel.
    pub(super) fn closed_to_new(&self, name: &Name, channel: &Name) -> Option<DivertCause> {
        if let Some(cause) = self.deserted(name) {
            return Some(cause);
        }
        let queue = self.rules()?.queue(name)?;
        if queue.max_waiting > 0 && self.crowd(name) >= queue.max_waiting as usize {
            return Some(DivertCause::Full);
        }
        self.is_overdrawn(name, channel, self.t_ms).then_some(DivertCause::ExpectedWait)
    }

    /// Nobody comes for whoever begins to wait there now.
    fn deserted(&self, name: &Name) -> Option<DivertCause> {
        let queue = self.rules()?.queue(name)?;
        match self.mode(name) {
            QueueMode::Emergency => return Some(DivertCause::Emergency),
            QueueMode::Closed => return Some(DivertCause::Closed),
            QueueMode::Open => {}
        }
        if self.site.state.hours.get(name).is_some_and(|hours| !hours.open) {
            return Some(DivertCause::ClosedHours);
        }
        let unstaffed = !queue.admit_unstaffed && self.site.index.census.staff(name) == 0;
        unstaffed.then_some(DivertCause::Unstaffed)
    }

    /// More is to be done before another contact of the channel's class than the queue takes on. What others have waited, and how long its head
    /// does, is no measure: both stay long while nobody is let in, until nobody waits at all. What is not known turns nobody away.
    pub(super) fn is_overdrawn(&self, queue: &Name, channel: &Name, now_ms: u64) -> bool {
        let most_ms = self.rules().and_then(|rules| rules.queue(queue)).map_or(0, |queue| queue.max_expected_wait_ms);
        if most_ms == 0 || !self.site.state.levels.is(4) {
            return false;
        }
        let klass = self.rules().and_then(|rules| rules.channel(channel)).map_or(0, |profile| profile.klass);
        let expected = self.site.expected_wait(queue, (klass, channel), now_ms);
        expected.is_some_and(|expected| expected.work_ms > most_ms)
    }

    /// Contacts with a customer who is there, waiting in the queue.
    pub(super) fn crowd(&self, queue: &Name) -> usize {
        let channels = self.rules().into_iter().flat_map(|rules| &rules.policy.channels);
        let there = channels.filter(|channel| channel.presence != ChannelPresence::Async);
        there.map(|channel| self.site.index.census.waiting(queue, &channel.name)).sum()
    }
}

#[allow(clippy::wildcard_enum_match_arm)] // the other causes move contacts that were admitted
fn refusal(cause: DivertCause) -> Refusal {
    match cause {
        DivertCause::Emergency => "queue_emergency",
        DivertCause::ClosedHours => "queue_closed_hours",
        DivertCause::Unstaffed => "queue_unstaffed",
        DivertCause::Full => "queue_full",
        DivertCause::ExpectedWait => "queue_expected_wait",
        _ => "queue_closed",
    }
}
