//! Which slots of a queue have room for another callback: the plan and the opening hours, less what is promised; and the window of a promise.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::rules::LIVE_CLASS;
use crate::site::Site;
use crate::slots::SlotGrid;
use crate::state::{Contact, Promise};
use crate::words::bounds::INSTANT_MAX_MS;
use crate::words::{CallbackPolicy, DeclineReason, Hours, Id, Key, Name, QueueMode};

/// What can be promised.
#[allow(clippy::struct_field_names)] // units come last
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) due_ms: u64,
    pub(crate) from_ms: u64,
    pub(crate) until_ms: u64,
}

/// Slots that were counted, by queue, with their length. They are counted anew when time or a policy has moved on: what stands here says
/// nothing that the state does not say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted(BTreeMap<Name, (u64, SlotGrid)>);

impl PartialEq for Counted {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Counted {}

impl Counted {
    pub(crate) fn book(&mut self, promise: &Promise) {
        if let Some((grid, slot)) = self.of(promise) {
            grid.book(slot);
        }
    }

    /// False: its slot is not counted.
    pub(crate) fn give_back(&mut self, promise: &Promise) -> bool {
        self.of(promise).is_some_and(|(grid, slot)| grid.give_back(slot))
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    fn of(&mut self, promise: &Promise) -> Option<(&mut SlotGrid, u64)> {
        let (slot_ms, grid) = self.0.get_mut(&promise.queue)?;
        Some((grid, promise.slot(*slot_ms)?))
    }
}

impl Site {
    pub(crate) fn callbacks(&self, queue: &Name) -> Option<&CallbackPolicy> {
        self.rules()?.queue(queue)?.callbacks.as_ref()
    }

    /// The queue's slots from now to its horizon, counted if they were not. None: it has no callbacks.
    pub(crate) fn slots(&mut self, queue: &Name, now_ms: u64) -> Option<&SlotGrid> {
        let policy = self.callbacks(queue)?;
        let slot_ms = policy.slot_ms;
        let (first, end) = horizon(policy, now_ms);
        let counted = self.index.slots.0.get(queue);
        let reaches = counted.is_some_and(|(length_ms, grid)| {
            let (from, before) = grid.span();
            *length_ms == slot_ms && from <= first && end <= before
        });
        if !reaches {
            // A good deal more, so that it need not be counted again soon.
            let grid = self.count_slots(queue, first, end + (end - first) / 4 + 1);
            self.index.slots.0.insert(queue.clone(), (slot_ms, grid));
        }
        self.index.slots.0.get(queue).map(|(_, grid)| grid)
    }

    /// There is another plan for these slots of the queue.
    pub(crate) fn replan(&mut self, queue: &Name, slots: Range<u64>) {
        let Some(policy) = self.callbacks(queue) else { return };
        let places: Vec<(u64, u16)> = slots.map(|slot| (slot, self.places(queue, policy, slot))).collect();
        if let Some((_, grid)) = self.index.slots.0.get_mut(queue) {
            for (slot, places) in places {
                grid.set_capacity(slot, places);
            }
        }
    }

    /// How many promises the slot has room for at all: none, unless the queue is open all the time.
    pub(crate) fn places(&self, queue: &Name, policy: &CallbackPolicy, slot: u64) -> u16 {
        if !self.is_open_from(queue, slot.saturating_mul(policy.slot_ms), policy.slot_ms) {
            return 0;
        }
        let planned = self.state.planned.get(queue).filter(|planned| planned.slot_ms == policy.slot_ms);
        let planned = planned.and_then(|planned| planned.capacities.get(&slot));
        u16::try_from(*planned.unwrap_or(&policy.capacity)).unwrap_or(u16::MAX)
    }

    /// The queue's calendar has it open from then on for so long.
    pub(crate) fn is_open_from(&self, queue: &Name, from_ms: u64, length_ms: u64) -> bool {
        let calendar = self.rules().and_then(|rules| rules.calendar(rules.queue(queue)?));
        calendar.is_none_or(|calendar| calendar.between(from_ms, from_ms.saturating_add(length_ms)) == length_ms)
    }

    /// When a place in the line is likely to be reached that this contact keeps from now on, to be called on this channel. Else why none can be
    /// kept, and the instant near which something else could be had.
    pub(crate) fn place(
        &self,
        (queue, channel): (&Name, &Name),
        waiting: Option<(Id, &Contact)>,
        hours: &[Hours],
        now_ms: u64,
    ) -> Result<Window, (DeclineReason, u64)> {
        let policy = self.callbacks(queue).filter(|policy| policy.hold_place).ok_or((DeclineReason::NoCallbacks, now_ms))?;
        // Nobody can say when.
        let rest = |(id, contact): (Id, &Contact)| {
            if self.state.levels.is(4) {
                let klass = self.rules()?.channel(channel)?.klass;
                self.expected_rest((contact.entered_ms, id), queue, (klass, channel), now_ms)
            } else {
                self.expected_wait(queue, (contact.own_key().klass, &contact.channel), now_ms)
            }
        };
        let expected = waiting.and_then(rest).ok_or((DeclineReason::Closed, now_ms))?;
        let due_ms = now_ms + 1 + expected.p50_ms;
        let from_ms = due_ms.saturating_sub(policy.early_ms).max(now_ms + 1);
        let until_ms = (now_ms + expected.p90_ms).max(due_ms + policy.late_ms).min(INSTANT_MAX_MS);
        let closed = self.state.modes.get(queue).filter(|closed| self.state.levels.is(4) && closed.mode != QueueMode::Open);
        let closes_ms = closed.map_or(INSTANT_MAX_MS, |closed| closed.close_at_ms.unwrap_or(0));
        if closes_ms < until_ms || !self.is_open_from(queue, now_ms, until_ms - now_ms) {
            // It would be promised beyond closing.
            return Err((DeclineReason::Closed, due_ms));
        }
        let inside = |hours: &Hours| hours.from_ms <= from_ms && until_ms <= hours.until_ms;
        if hours.is_empty() || hours.iter().any(inside) {
            Ok(Window { due_ms, from_ms, until_ms })
        } else {
            Err((DeclineReason::OutsideHours, due_ms))
        }
    }

    /// From scratch.
    fn count_slots(&self, queue: &Name, first: u64, before: u64) -> SlotGrid {
        let Some(policy) = self.callbacks(queue) else { return SlotGrid::default() };
        let mut grid = SlotGrid::new(first, (first..before).map(|slot| self.places(queue, policy, slot)));
        for (due_ms, ..) in self.index.promised.due_in(queue, first * policy.slot_ms..before.saturating_mul(policy.slot_ms)) {
            grid.book(due_ms / policy.slot_ms);
        }
        grid
    }
}

/// The place in the line that the contact keeps for a call: among calls, where it stands by its own key.
pub(crate) fn kept_key(contact: &Contact) -> Key {
    let key = contact.own_key();
    Key { klass: key.klass.min(LIVE_CLASS), ..key }
}

/// The first slot that has not begun, and the one after the last that may be promised.
pub(crate) fn horizon(policy: &CallbackPolicy, now_ms: u64) -> (u64, u64) {
    let first = (now_ms + 1).div_ceil(policy.slot_ms);
    (first, ((now_ms + policy.horizon_ms) / policy.slot_ms + 1).max(first))
}

/// The slots that begin in a customer's hours, within a horizon. No hours: all of it.
pub(crate) fn spans(hours: &[Hours], slot_ms: u64, (first, end): (u64, u64)) -> Vec<(u64, u64)> {
    if hours.is_empty() {
        return vec![(first, end)];
    }
    let slots = hours.iter().map(|hours| (hours.from_ms.div_ceil(slot_ms).max(first), hours.until_ms.div_ceil(slot_ms).min(end)));
    slots.filter(|(from, before)| from < before).collect()
}

/// Around the promised time, as far as the customer can be reached.
pub(crate) fn windowed(due_ms: u64, policy: &CallbackPolicy, hours: &[Hours], now_ms: u64) -> Window {
    let hours = hours.iter().find(|hours| (hours.from_ms..hours.until_ms).contains(&due_ms));
    let from_ms = due_ms.saturating_sub(policy.early_ms).max(hours.map_or(0, |hours| hours.from_ms));
    let until_ms = due_ms.saturating_add(policy.late_ms).min(hours.map_or(INSTANT_MAX_MS, |hours| hours.until_ms));
    Window { due_ms, from_ms: from_ms.max(now_ms + 1), until_ms: until_ms.min(INSTANT_MAX_MS) }
}
