//! What customers are shown before they come in, and told when they do.

use super::terms::Seconds;
use super::Line;
use crate::words::{DoorTurned, WaitExpected};

impl Line {
    pub(super) fn door(&mut self, event: &DoorTurned) {
        self.word(&event.entry_point);
        self.word(event.state);
        self.option("cause", event.cause);
        self.option("wait", event.expected_wait_ms.map(Seconds));
        self.option("until", event.until_ms.map(Seconds));
        self.option("referral", event.referral.as_ref());
        if event.held_until_ms > 0 {
            self.pair("held_until", Seconds(event.held_until_ms));
        }
    }

    pub(super) fn expected(&mut self, event: &WaitExpected) {
        self.word(&event.queue);
        self.pair("said", Seconds(event.said_ms));
        self.pair("p50", Seconds(event.p50_ms));
        self.pair("p80", Seconds(event.p80_ms));
        self.pair("p90", Seconds(event.p90_ms));
    }
}
