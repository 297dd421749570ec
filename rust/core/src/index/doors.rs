//! When doors are looked at by time alone: when they are held no longer, when another wait may be said, and when that of whoever has waited
//! longest is more than what is said, or than what the door is open for.
//!
//! Derived from how a door stands and who waits behind it, and from nothing else, so that it does not matter who works it out, or when.

use std::collections::BTreeSet;

use super::{Chance, Index};
use crate::expected::shorter_ms;
use crate::rules::{Door, Rules};
use crate::state::{self, State};
use crate::words::{ChannelPresence, DoorState, Name};

/// While the state stays, what is said of the wait changes no more often.
pub(crate) const SAY_AGAIN_MS: u64 = 60_000;

impl Index {
    /// Of all doors, after a new policy or a new level.
    pub(crate) fn hang_doors(&mut self, state: &State) {
        let hung = std::mem::take(&mut self.doors);
        for (number, instants) in hung {
            self.take_down(number, &instants);
        }
        let doors = self.rules.as_ref().map_or(0, |rules| rules.doors().len());
        for number in (0..).take(doors) {
            self.hang_door(number, state);
        }
    }

    /// Of the doors to a queue, about which something has changed.
    pub(crate) fn hang_doors_to(&mut self, queue: &Name, state: &State) {
        let doors = self.rules.as_ref().into_iter().flat_map(|rules| rules.doors_to(queue));
        let numbers: Vec<u16> = doors.map(|(number, _)| number).collect();
        for number in numbers {
            self.hang_door(number, state);
        }
    }

    /// Costs: the logarithm of what is due at any time.
    pub(crate) fn hang_door(&mut self, number: u16, state: &State) {
        let instants = self.looks_at(number, state);
        let before = self.doors.get(&number);
        if before.unwrap_or(&BTreeSet::new()) == &instants {
            return;
        }
        if let Some(before) = self.doors.remove(&number) {
            self.take_down(number, &before);
        }
        if !instants.is_empty() {
            self.looks.extend(instants.iter().map(|at_ms| (*at_ms, Chance::Door(number))));
            self.doors.insert(number, instants);
        }
    }

    fn take_down(&mut self, number: u16, instants: &BTreeSet<u64>) {
        for at_ms in instants {
            self.looks.remove(&(*at_ms, Chance::Door(number)));
        }
    }

    fn looks_at(&self, number: u16, state: &State) -> BTreeSet<u64> {
        let rules = self.rules.as_ref();
        let door = rules.and_then(|rules| rules.door(number));
        let known = rules.zip(door).and_then(|(rules, door)| Some((rules, door, state.doors.get(&door.name)?)));
        let Some((rules, door, shown)) = known else { return BTreeSet::new() };
        let held = (shown.held_until_ms > 0).then_some(shown.held_until_ms);
        let mut instants: BTreeSet<u64> = held.into_iter().collect();
        if state.levels.is(4) {
            instants.extend(self.longer_at((rules, door), shown, state).into_iter().flatten());
            instants.extend(hours_at(rules, door, shown, state));
        }
        instants
    }

    /// When the wait of whoever has waited longest, with the margin, outgrows what is said, and what the door is open for.
    fn longer_at(&self, (rules, door): (&Rules, &Door), shown: &state::Door, state: &State) -> [Option<u64>; 3] {
        let Some(profile) = rules.channel(&door.channel) else { return [None; 3] };
        let again_ms = shown.said_ms + SAY_AGAIN_MS;
        let again = (shown.state != DoorState::Closed).then_some(again_ms);
        let Some(head_ms) = self.attendance.head_ms(&door.queue, profile.klass, None) else { return [again, None, None] };
        let waits = profile.presence != ChannelPresence::Async;
        let recent = state.pace.of(&door.queue, profile.klass);
        let reaches_at = |wait_ms| head_ms + recent.map_or(wait_ms, |recent| recent.without_margin_ms(wait_ms));
        let said = shown.expected_wait_ms.map(|said_ms| reaches_at(said_ms + 1).max(again_ms));
        let busy = (waits && shown.state == DoorState::Open).then(|| reaches_at(door.terms.open_below_ms).max(shown.held_until_ms));
        [again, said, busy]
    }
}

/// When what is said reaches beyond the hours; and in closed hours, when less is to be said.
fn hours_at(rules: &Rules, door: &Door, shown: &state::Door, state: &State) -> Vec<u64> {
    let Some(said_ms) = shown.expected_wait_ms else { return Vec::new() };
    let waits = rules.channel(&door.channel).is_some_and(|profile| profile.presence != ChannelPresence::Async);
    let ends_ms = if waits { last_answer_ms(rules, state, &door.queue) } else { closes_ms(state, &door.queue) };
    let beyond = ends_ms.map(|ends_ms| (ends_ms + 1).saturating_sub(said_ms));
    let again_ms = shown.said_ms + SAY_AGAIN_MS;
    let less = |opens_ms: u64| shorter_ms(said_ms).map(move |less_ms| opens_ms.saturating_sub(less_ms).max(again_ms));
    beyond.into_iter().chain(shown.until_ms.into_iter().flat_map(less)).collect()
}

/// When the queue closes, if it is open now.
fn closes_ms(state: &State, queue: &Name) -> Option<u64> {
    state.hours.get(queue).filter(|hours| hours.open)?.next_ms
}

/// When those who still wait are moved on, if the queue is open now.
pub(crate) fn last_answer_ms(rules: &Rules, state: &State, queue: &Name) -> Option<u64> {
    Some(closes_ms(state, queue)? + rules.queue(queue)?.closing_grace_ms)
}
