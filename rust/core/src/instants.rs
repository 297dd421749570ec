//! When a queue's settings come into play for a contact: never before `next_ms`, the next moment at which a turn may be.

use crate::clock::Clock;
use crate::rules::LIVE_CLASS;
use crate::words::{QueuePolicy, Threshold};

/// How a visit began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// The time that counts.
    pub(crate) clock: Clock<'a>,
    pub(crate) at_ms: u64,
    /// Of the time that counts.
    pub(crate) target_ms: u64,
    /// The wait that was expected, if a threshold asks for it and it was known.
    pub(crate) expected_ms: Option<u64>,
}

impl Entry<'_> {
    /// The wait that was expected, in the time that counts.
    fn counted_ms(&self) -> Option<u64> {
        self.expected_ms.map(|expected_ms| self.clock.between(self.at_ms, self.at_ms.saturating_add(expected_ms)))
    }
}

impl QueuePolicy {
    /// Somebody must know what wait is to be expected here.
    pub(crate) fn expects(&self) -> bool {
        self.max_expected_wait_ms > 0 || self.expects_of_each()
    }

    /// Some threshold asks what wait is expected of each contact.
    pub(crate) fn expects_of_each(&self) -> bool {
        self.thresholds.iter().any(|threshold| threshold.expected_ms().is_some())
    }

    /// When step number `step` of the plan is due.
    pub(crate) fn step_at(&self, step: u8, (clock, queued_at_ms): (Clock<'_>, u64), next_ms: u64) -> Option<u64> {
        let step = self.plan.get(usize::from(step))?;
        Some(clock.after(queued_at_ms, step.after_ms).max(next_ms))
    }

    /// The threshold that is number `passed` by its instant for a visit, and that instant.
    pub(crate) fn threshold_at(&self, passed: u8, entry: &Entry<'_>, next_ms: u64) -> Option<(u64, &Threshold)> {
        let at_ms = |threshold| entry.clock.after(entry.at_ms, wait_ms(threshold, entry));
        let mut thresholds: Vec<(u64, &Threshold)> =
            self.thresholds.iter().map(|threshold| (at_ms(threshold), threshold)).collect();
        thresholds.sort_by_key(|(at_ms, _)| *at_ms);
        thresholds.get(usize::from(passed)).map(|(at_ms, threshold)| ((*at_ms).max(next_ms), *threshold))
    }

    /// When deferrable work becomes urgent.
    pub(crate) fn promote_at(&self, klass: u8, (clock, due_ms): (Clock<'_>, u64), next_ms: u64) -> Option<u64> {
        (self.promote_before_ms > 0 && klass > LIVE_CLASS).then(|| clock.before(due_ms, self.promote_before_ms).max(next_ms))
    }
}

impl Threshold {
    /// The wait that is expected, or has come true, when it is reached. Those that are reached after a time do not ask.
    pub(crate) fn expected_ms(&self) -> Option<u64> {
        self.expected_wait_ms.filter(|_| self.wait_ms.is_none() && self.target_percent.is_none())
    }
}

/// How long after the entry.
fn wait_ms(threshold: &Threshold, entry: &Entry<'_>) -> u64 {
    match (threshold.wait_ms, threshold.target_percent, threshold.expected_ms()) {
        (Some(wait_ms), _, _) => wait_ms,
        (None, Some(percent), _) => entry.target_ms.saturating_mul(u64::from(percent)) / 100,
        (None, None, Some(wait_ms)) if entry.counted_ms().is_none_or(|expected_ms| expected_ms < wait_ms) => wait_ms,
        (None, None, _) => 0,
    }
}
