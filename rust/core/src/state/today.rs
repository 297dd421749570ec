//! What an agent did since the day turned.

use serde::{Deserialize, Serialize};

use super::Agent;
use crate::words::Presence;

/// Counted from the last `DayTurned` on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Today {
    /// Engagements begun.
    pub(crate) started: u64,
    /// Time ready, up to when the agent last became ready.
    pub(crate) ready_ms: u64,
    /// Since when an agent who is ready is that, or the day.
    pub(crate) ready_since_ms: u64,
}

impl Agent {
    /// Time effectively ready today, up to `now_ms`.
    pub(crate) fn ready_today_ms(&self, now_ms: u64) -> u64 {
        let still_ms = if self.effective == Presence::Ready { now_ms.saturating_sub(self.today.ready_since_ms) } else { 0 };
        self.today.ready_ms + still_ms
    }

    /// The effective presence becomes another at `at_ms`; called before it does.
    pub(crate) fn count_ready(&mut self, effective: Presence, at_ms: u64) {
        match (self.effective, effective) {
            (Presence::Ready, Presence::Ready) => {}
            (Presence::Ready, _) => self.today.ready_ms = self.ready_today_ms(at_ms),
            (_, Presence::Ready) => self.today.ready_since_ms = at_ms,
            (_, _) => {}
        }
    }
}
