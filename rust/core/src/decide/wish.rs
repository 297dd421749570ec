//! Wishes to be called: which slot each gets, or which place in the line, and what could be had instead.

use crate::booking::{horizon, spans, windowed, Window};
use crate::state::Promise;
use crate::turn::Turn;
use crate::words::bounds::INSTANT_MAX_MS;
use crate::words::{CallbackRequested, DeclineReason, Hours, Id, Name, QueueMode, ALTERNATIVES_MAX};

/// When somebody wishes to be called.
pub(super) struct Wish<'a> {
    pub(super) queue: &'a Name,
    pub(super) at_ms: u64,
    pub(super) exact: bool,
    pub(super) hours: &'a [Hours],
}

impl Turn<'_> {
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

    /// When the place in the line that the customer keeps is likely to be reached, or why none can be kept, and which slots could be had.
    pub(super) fn place_window(
        &mut self,
        wish: &Wish<'_>,
        channel: &Name,
        waiting: Option<Id>,
    ) -> Result<Window, (DeclineReason, Vec<u64>)> {
        let waiting = waiting.and_then(|waiting| Some((waiting, self.site.contact(&waiting)?)));
        self.site.place((wish.queue, channel), waiting, wish.hours, self.at_ms).map_err(|(reason, near_ms)| {
            let slots = reason != DeclineReason::NoCallbacks;
            (reason, if slots { self.alternatives(wish.queue, wish.hours, near_ms) } else { Vec::new() })
        })
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
    pub(super) fn window_beside(&mut self, promise: &Promise, wish: &Wish<'_>) -> Result<Window, (DeclineReason, Vec<u64>)> {
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
}
