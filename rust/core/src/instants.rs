//! When a queue's settings come into play for a contact: never before `next_ms`, the next moment at which a turn may be.

use crate::clock::Clock;
use crate::words::{QueuePolicy, Threshold};

/// Classes up to this one are live: nothing to promote.
const LIVE_CLASS: u8 = 1;

impl QueuePolicy {
    /// When step number `step` of the plan is due.
    pub(crate) fn step_at(&self, step: u8, (clock, queued_at_ms): (Clock<'_>, u64), next_ms: u64) -> Option<u64> {
        let step = self.plan.get(usize::from(step))?;
        Some(clock.after(queued_at_ms, step.after_ms).max(next_ms))
    }

    /// The threshold that is number `passed` by its instant for a visit, and that instant. `target_ms` is of the time that counts.
    pub(crate) fn threshold_at(
        &self,
        passed: u8,
        (clock, entered_ms): (Clock<'_>, u64),
        target_ms: u64,
        next_ms: u64,
    ) -> Option<(u64, &Threshold)> {
        let at_ms = |threshold| clock.after(entered_ms, wait_ms(threshold, target_ms));
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

fn wait_ms(threshold: &Threshold, target_ms: u64) -> u64 {
    match (threshold.wait_ms, threshold.target_percent) {
        (Some(wait_ms), _) => wait_ms,
        (None, Some(percent)) => target_ms.saturating_mul(u64::from(percent)) / 100,
        (None, None) => 0,
    }
}
