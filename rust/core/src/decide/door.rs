//! Doors: what customers are shown of an entry point before they come in.
//!
//! ```text
//! emergency | switch | hours | nobody there | no room      ─▶ closed (messages are taken: listen_only)   at once
//! expected wait beyond closing                     ─▶ closed      at once
//! more to do than the queue takes on               ─▶ closed      as busy
//! expected wait long, or not known                 ─▶ busy        after `min_open_ms` of being open
//! else                                             ─▶ open        after `min_closed_ms` of not being open
//! ```
//! Each is looked at after whatever concerns its queue, when it is held no longer, and when whoever waits has waited long enough to make it another.

use super::Check;
use crate::expected::Expected;
use crate::index::{last_answer_ms, SAY_AGAIN_MS};
use crate::rules::Door;
use crate::state::Door as Shown;
use crate::turn::Turn;
use crate::words::bounds::INSTANT_MAX_MS;
use crate::words::{ChannelPresence, DemandTurnedAway, DoorCause, DoorState, DoorTurned, Name, QueueMode};

/// What a door should show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct View {
    state: DoorState,
    cause: Option<DoorCause>,
    expected_wait_ms: Option<u64>,
}

impl Turn<'_> {
    pub(super) fn check_turned_away(&self, fact: &DemandTurnedAway) -> Check {
        let rules = self.rules().ok_or("no_policy")?;
        rules.channel(&fact.channel).ok_or("unknown_channel")?;
        if rules.knows_entry_point(&fact.entry_point) {
            Ok(())
        } else {
            Err("unknown_entry_point")
        }
    }

    /// Look at the doors of every queue that something has happened to.
    pub(crate) fn turn_doors(&mut self) {
        if !self.site.index.attendance.is_touched() {
            return;
        }
        for queue in self.site.index.attendance.take_touched() {
            let numbers: Vec<u16> =
                self.rules().into_iter().flat_map(|rules| rules.doors_to(&queue)).map(|(number, _)| number).collect();
            for number in numbers {
                self.turn_door(number);
            }
            self.site.index.hang_doors_to(&queue, &self.site.state);
        }
    }

    /// Show what is so, unless the door is held.
    pub(crate) fn turn_door(&mut self, number: u16) {
        let Some(door) = self.rules().and_then(|rules| rules.door(number)) else { return };
        let (view, before) = (self.view(door), self.site.state.doors.get(&door.name));
        if before.is_some_and(|before| !self.turns(door, before, view)) {
            return;
        }
        let stays = before.filter(|before| before.state == view.state);
        let held_until_ms = match stays {
            Some(before) => before.held_until_ms,
            // Nothing was said yet: agents are still to come when a site begins.
            None if before.is_none() && view.state != DoorState::Open => 0,
            None => self.held_until_ms(door, view),
        };
        let away = !matches!(view.state, DoorState::Open);
        let event = DoorTurned {
            at_ms: self.t_ms,
            entry_point: door.name.clone(),
            state: view.state,
            cause: view.cause,
            expected_wait_ms: view.expected_wait_ms,
            until_ms: self.opens_ms(door, view),
            referral: door.terms.referral.clone().filter(|_| away),
            held_until_ms,
        };
        self.emit(None, None, None, event);
    }

    /// When the hours that closed it, or are about to, are over.
    fn opens_ms(&self, door: &Door, view: View) -> Option<u64> {
        let hours = self.site.state.hours.get(&door.queue).filter(|_| view.cause == Some(DoorCause::ClosedHours))?;
        if !hours.open {
            return hours.next_ms;
        }
        let rules = self.rules()?;
        rules.calendar(rules.queue(&door.queue)?)?.next_edge(hours.next_ms?)
    }

    fn turns(&self, door: &Door, before: &Shown, view: View) -> bool {
        let again_ms = before.said_ms + SAY_AGAIN_MS;
        if before.state == view.state {
            let otherwise = before.cause != view.cause || before.until_ms != self.opens_ms(door, view);
            // What was looked at by then counts, also if this is of before and was told late.
            let now_ms = if self.site.state.levels.is(4) { self.reached_ms() } else { self.t_ms };
            return otherwise || (before.expected_wait_ms != view.expected_wait_ms && now_ms >= again_ms);
        }
        // Whatever was said is not so any more: nobody is there, or there is no room.
        view.cause.is_some_and(is_hard) || self.reached_ms() >= before.held_until_ms
    }

    /// Opening hours, switches and emergencies end when they end: nothing holds a door that they closed. One that is closed because it is too
    /// late for another customer is so by the wait, until it opens again by its hours at the latest.
    fn held_until_ms(&self, door: &Door, view: View) -> u64 {
        let least_ms = match view.cause {
            None => door.terms.min_open_ms,
            Some(DoorCause::ClosedHours) if self.is_in_hours(&door.queue) => {
                let opens_ms = self.opens_ms(door, view).unwrap_or(INSTANT_MAX_MS);
                door.terms.min_closed_ms.min(opens_ms.saturating_sub(self.t_ms))
            }
            Some(DoorCause::Emergency | DoorCause::Closed | DoorCause::ClosedHours) => return 0,
            Some(DoorCause::Unstaffed | DoorCause::Full | DoorCause::ExpectedWait) => door.terms.min_closed_ms,
        };
        // It comes in a later turn: so it does not matter what else this turn decides.
        (self.t_ms + least_ms).max(self.at_ms + 1).min(INSTANT_MAX_MS)
    }

    fn view(&self, door: &Door) -> View {
        // What was looked at by then is not looked at again, also if this is of before and was told late.
        let now_ms = if self.site.state.levels.is(4) { self.reached_ms() } else { self.t_ms };
        let profile = self.rules().and_then(|rules| rules.channel(&door.channel));
        let (presence, klass) = profile.map_or((ChannelPresence::Live, 0), |profile| (profile.presence, profile.klass));
        let expected = self.site.expected_wait(&door.queue, (klass, &door.channel), now_ms);
        let expected_wait_ms = expected.map(Expected::said_ms);
        let (state, cause) = match self.shut(door, presence) {
            Some(cause) if self.listens(door, presence, cause) => (DoorState::ListenOnly, Some(cause)),
            Some(cause) => (DoorState::Closed, Some(cause)),
            None if presence == ChannelPresence::Async => (DoorState::Open, None),
            None if self.ends_too_late(door, expected_wait_ms, now_ms) => (DoorState::Closed, Some(DoorCause::ClosedHours)),
            None if self.is_overdrawn(&door.queue, &door.channel, now_ms) => (DoorState::Closed, Some(DoorCause::ExpectedWait)),
            None if expected.is_some_and(|expected| expected.p80_ms < door.terms.open_below_ms) => (DoorState::Open, None),
            None => (DoorState::Busy, Some(DoorCause::ExpectedWait)),
        };
        View { state, cause, expected_wait_ms: expected_wait_ms.filter(|_| state != DoorState::Closed) }
    }

    /// Why nobody who comes now is served.
    fn shut(&self, door: &Door, presence: ChannelPresence) -> Option<DoorCause> {
        match self.mode(&door.queue) {
            QueueMode::Emergency => return Some(DoorCause::Emergency),
            QueueMode::Closed => return Some(DoorCause::Closed),
            QueueMode::Open => {}
        }
        if !self.is_in_hours(&door.queue) {
            return Some(DoorCause::ClosedHours);
        }
        if self.site.index.attendance.present(&door.queue, &door.channel) == 0 {
            return Some(DoorCause::Unstaffed);
        }
        (presence != ChannelPresence::Async && !self.has_room(door)).then_some(DoorCause::Full)
    }

    /// Who comes now would be told of a wait beyond the instant at which those who still wait are moved on.
    fn ends_too_late(&self, door: &Door, said_ms: Option<u64>, now_ms: u64) -> bool {
        let last_ms = self.rules().and_then(|rules| last_answer_ms(rules, &self.site.state, &door.queue));
        self.site.state.levels.is(4) && last_ms.zip(said_ms).is_some_and(|(last_ms, said_ms)| now_ms + said_ms > last_ms)
    }

    fn is_in_hours(&self, queue: &Name) -> bool {
        self.site.state.hours.get(queue).is_none_or(|hours| hours.open)
    }

    /// What is written is taken whenever the queue takes it.
    fn listens(&self, door: &Door, presence: ChannelPresence, cause: DoorCause) -> bool {
        let admits = self.rules().and_then(|rules| rules.queue(&door.queue)).is_some_and(|queue| queue.admit_unstaffed);
        match presence {
            ChannelPresence::Async => true,
            ChannelPresence::Session => door.terms.listen_only && admits && cause == DoorCause::Unstaffed,
            ChannelPresence::Live => false,
        }
    }

    /// More than what is kept free, for those who have a ticket already.
    fn has_room(&self, door: &Door) -> bool {
        let most = self.rules().and_then(|rules| rules.queue(&door.queue)).map_or(0, |queue| queue.max_waiting as usize);
        let kept = (most * usize::from(door.terms.keep_free_percent)).div_ceil(100);
        most == 0 || self.crowd(&door.queue) + kept < most
    }
}

/// Held or not, a door must show it.
fn is_hard(cause: DoorCause) -> bool {
    match cause {
        DoorCause::Emergency | DoorCause::Closed | DoorCause::ClosedHours | DoorCause::Unstaffed | DoorCause::Full => true,
        DoorCause::ExpectedWait => false,
    }
}
