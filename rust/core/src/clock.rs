//! The time that counts for a contact: all of it, or, for deferrable work of a queue with a calendar, the time in which the queue is open.

use crate::calendar::Calendar;
use crate::words::bounds::DURATION_MAX_MS;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock<'a>(pub(crate) Option<&'a Calendar>);

impl Clock<'_> {
    /// When so much time has counted since `at_ms`.
    pub(crate) fn after(self, at_ms: u64, counted_ms: u64) -> u64 {
        match self.0 {
            None => at_ms.saturating_add(counted_ms),
            Some(calendar) => calendar.add(at_ms, signed(counted_ms)),
        }
    }

    /// Since when so much time has counted at `at_ms`.
    pub(crate) fn before(self, at_ms: u64, counted_ms: u64) -> u64 {
        match self.0 {
            None => at_ms.saturating_sub(counted_ms),
            Some(calendar) => calendar.add(at_ms, -signed(counted_ms)),
        }
    }

    /// How much of the time between two instants counts.
    pub(crate) fn between(self, since_ms: u64, until_ms: u64) -> u64 {
        match self.0 {
            None => until_ms.saturating_sub(since_ms),
            Some(calendar) => calendar.between(since_ms, until_ms),
        }
    }

    /// How long it takes from `at_ms` on until so much time has counted, as long as a word can say it.
    pub(crate) fn lasts(self, at_ms: u64, counted_ms: u64) -> u64 {
        match self.0 {
            None => counted_ms,
            Some(_) => self.after(at_ms, counted_ms).saturating_sub(at_ms).min(DURATION_MAX_MS),
        }
    }

    /// As `lasts`, but done no sooner than time counts: what takes no time is done when it next does.
    pub(crate) fn done_in(self, at_ms: u64, counted_ms: u64) -> u64 {
        match self.0.filter(|calendar| counted_ms == 0 && !calendar.is_open(at_ms)) {
            None => self.lasts(at_ms, counted_ms),
            Some(calendar) => {
                calendar.next_edge(at_ms).map_or(DURATION_MAX_MS, |opens_ms| opens_ms.saturating_sub(at_ms)).min(DURATION_MAX_MS)
            }
        }
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
