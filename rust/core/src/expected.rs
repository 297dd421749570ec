//! The expected wait: what somebody who joins a queue now is likely to wait. In integers, from what the journal says.
//!
//! Of the waits of those served of late the median, the 80th and the 90th percentile; each at least the wait of whoever has waited longest,
//! and at least what must be done first: those ahead, and one more while nobody is free, by their handling times, shared among the members at
//! work; from level 4 on times a margin, which follows from how many waited longer than was stated. With a free member and nobody ahead it is
//! nothing. With no member ready it is not known, nor (from level 4 on) before the first one was done with a contact: whoever was served at once
//! when nobody was before them says nothing of those who come next.

use crate::clock::Clock;
use crate::levels::Levels;
use crate::pace::{Recent, WHOLE};
use crate::rules::Rules;
use crate::site::Site;
use crate::words::bounds::DURATION_MAX_MS;
use crate::words::{Id, Name};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// Waits longer ago say nothing of now: of contacts whose customers are there, and of others.
const FRESH_MS: u64 = HOUR_MS;
const FRESH_DEFERRED_MS: u64 = 24 * HOUR_MS;
/// The class of what can be deferred.
const DEFERRED: u8 = 3;

/// What people say of a wait: in minutes, then in hours.
const STEPS_MS: [u64; 18] = [
    0,
    MINUTE_MS,
    2 * MINUTE_MS,
    3 * MINUTE_MS,
    5 * MINUTE_MS,
    10 * MINUTE_MS,
    15 * MINUTE_MS,
    20 * MINUTE_MS,
    30 * MINUTE_MS,
    45 * MINUTE_MS,
    HOUR_MS,
    90 * MINUTE_MS,
    2 * HOUR_MS,
    3 * HOUR_MS,
    4 * HOUR_MS,
    6 * HOUR_MS,
    8 * HOUR_MS,
    12 * HOUR_MS,
];
const DAY_MS: u64 = 24 * HOUR_MS;

/// What may be said instead of this, when it is less.
pub(crate) fn shorter_ms(said_ms: u64) -> impl Iterator<Item = u64> {
    STEPS_MS.into_iter().filter(move |step_ms| *step_ms < said_ms).chain((1..said_ms.div_ceil(DAY_MS)).map(|days| days * DAY_MS))
}

/// Half, four fifths and nine tenths of those who join now wait no longer than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_field_names)] // units come last
pub(crate) struct Expected {
    pub(crate) p50_ms: u64,
    pub(crate) p80_ms: u64,
    pub(crate) p90_ms: u64,
    /// By what is to be done first alone, in the time that counts.
    pub(crate) work_ms: u64,
}

impl Expected {
    /// What customers are told: the 80th percentile, rounded up to what people say.
    pub(crate) fn said_ms(self) -> u64 {
        let step = STEPS_MS.iter().find(|step_ms| **step_ms >= self.p80_ms);
        step.copied().unwrap_or_else(|| self.p80_ms.div_ceil(DAY_MS) * DAY_MS).min(DURATION_MAX_MS)
    }
}

/// The time in which waits are measured: that of those who wait, from level 4 on.
pub(crate) fn clock<'a>(rules: Option<&'a Rules>, levels: &Levels, queue: &Name, channel: &Name) -> Clock<'a> {
    let rules = rules.filter(|rules| rules.has_calendars() && levels.is(4));
    rules.and_then(|rules| Some(rules.clock(rules.queue(queue)?, channel))).unwrap_or(Clock(None))
}

impl Site {
    /// The wait of a contact of this class and channel that joins the queue at `t_ms`, as real time. None: not known, because no member is ready
    /// for the class, nobody was ever done with a contact, or nobody asked the policy to know (`Rules::paces`).
    pub(crate) fn expected_wait(&self, queue: &Name, of: (u8, &Name), t_ms: u64) -> Option<Expected> {
        self.expected_wait_besides(None, queue, of, t_ms)
    }

    /// What is left of the wait of somebody who waits there since `waiting.0`: nobody waits for themselves, and whoever is free is not for them.
    pub(crate) fn expected_rest(&self, waiting: (u64, Id), queue: &Name, of: (u8, &Name), t_ms: u64) -> Option<Expected> {
        self.expected_of((Some(waiting), true), queue, of, t_ms)
    }

    /// `but`: whose wait it is that waits there already, and since when: nobody waits for themselves.
    pub(crate) fn expected_wait_besides(
        &self,
        but: Option<(u64, Id)>,
        queue: &Name,
        of: (u8, &Name),
        t_ms: u64,
    ) -> Option<Expected> {
        self.expected_of((but, false), queue, of, t_ms)
    }

    fn expected_of(
        &self,
        (but, stays): (Option<(u64, Id)>, bool),
        queue: &Name,
        (klass, channel): (u8, &Name),
        t_ms: u64,
    ) -> Option<Expected> {
        let (there, clock) = (&self.index.attendance, clock(self.rules(), &self.state.levels, queue, channel));
        let ready = u64::try_from(there.ready(queue, klass)).ok().filter(|ready| *ready > 0)?;
        let waiting = |of: u8| match but {
            Some(one) if stays && of == klass => there.before(queue, of, one),
            _ => there.waiting(queue, of, but),
        };
        let ahead: Vec<(u8, u64)> = (0..=klass).map(|of| (of, waiting(of) as u64)).filter(|(_, count)| *count > 0).collect();
        let free = !stays && there.free(queue, klass) > 0;
        if ahead.is_empty() && free {
            let wait_ms = clock.done_in(t_ms, 0);
            return Some(Expected { p50_ms: wait_ms, p80_ms: wait_ms, p90_ms: wait_ms, work_ms: 0 });
        }
        let least_ms = self.work_first_ms(queue, klass, &ahead, free)?.div_ceil(ready);
        let head_ms = there.head_ms(queue, klass, but).map_or(0, |head_ms| clock.between(head_ms, t_ms));
        let fresh_ms = if klass == DEFERRED { FRESH_DEFERRED_MS } else { FRESH_MS };
        let recent = self.state.pace.of(queue, klass);
        let waits = recent.map(|recent| recent.waits_since(clock.before(t_ms, fresh_ms))).unwrap_or_default();
        let margin = recent.map_or(WHOLE, Recent::margin);
        let waited_ms = but.filter(|_| stays).map_or(0, |(since_ms, _)| clock.between(since_ms, t_ms));
        let with_margin_ms = |wait_ms: u64| wait_ms.min(DURATION_MAX_MS) * margin / WHOLE;
        let by_others_ms = |percent| with_margin_ms(percentile(&waits, percent).max(head_ms)).saturating_sub(waited_ms);
        let counted_ms = |percent| by_others_ms(percent).max(with_margin_ms(least_ms)).min(DURATION_MAX_MS);
        let at = |percent| clock.done_in(t_ms, counted_ms(percent));
        Some(Expected { p50_ms: at(50), p80_ms: at(80), p90_ms: at(90), work_ms: least_ms })
    }

    /// How long it takes one member to do what must be done first. None: nobody knows.
    fn work_first_ms(&self, queue: &Name, klass: u8, ahead: &[(u8, u64)], free: bool) -> Option<u64> {
        let handled_ms = |klass| self.state.pace.of(queue, klass)?.handled_ms();
        let of_others_ms = || ahead.iter().rev().find_map(|(klass, _)| handled_ms(*klass));
        // Before level 4 what nobody knew took no time.
        let own_ms = handled_ms(klass).or_else(|| if self.state.levels.is(4) { of_others_ms() } else { Some(0) })?;
        let work_ms = ahead.iter().map(|(klass, count)| count.saturating_mul(handled_ms(*klass).unwrap_or(own_ms)));
        // Somebody must be done with another before those ahead are served, too.
        let under_way_ms = if free { 0 } else { own_ms };
        Some(work_ms.fold(under_way_ms, u64::saturating_add))
    }
}

/// The least wait that so many per cent do not exceed (nearest rank); 0 of none.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_waits() {
        let waits: Vec<u64> = (1..=10).collect();
        assert_eq!([50, 80, 90, 100].map(|percent| percentile(&waits, percent)), [5, 8, 9, 10]);
        assert_eq!([50, 80, 90].map(|percent| percentile(&[7], percent)), [7, 7, 7]);
        assert_eq!(percentile(&[], 80), 0);
    }

    #[test]
    fn what_is_said_is_never_less_than_expected() {
        let said = |p80_ms| Expected { p50_ms: 0, p80_ms, p90_ms: p80_ms, work_ms: 0 }.said_ms();
        assert_eq!(said(0), 0);
        assert_eq!(said(1), MINUTE_MS);
        assert_eq!(said(MINUTE_MS), MINUTE_MS);
        assert_eq!(said(5 * MINUTE_MS + 1), 10 * MINUTE_MS);
        assert_eq!(said(HOUR_MS + 1), 90 * MINUTE_MS);
        assert_eq!(said(13 * HOUR_MS), DAY_MS);
        assert_eq!(said(25 * HOUR_MS), 2 * DAY_MS);
        assert_eq!(said(DURATION_MAX_MS), DURATION_MAX_MS);
    }
}
