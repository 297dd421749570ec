//! How clocks of SLA promises read.

use super::terms::{Name, Seconds};
use super::Line;
use crate::words::{self, Event, Id};

impl Line {
    #[allow(clippy::wildcard_enum_match_arm)] // `body` sorts them, and is exhaustive
    pub(super) fn sla(&mut self, event: &Event) {
        match event {
            Event::SlaStarted(event) => {
                self.clock(&event.name, &event.queue, event.case);
                self.word(event.measure);
                self.pair("target", Seconds(event.target_ms));
                self.pair("due", Seconds(event.due_ms));
                self.option("warn", event.warn_ms.map(Seconds));
                self.told(event.internal, event.group.as_ref());
            }
            Event::SlaAtRisk(event) => {
                self.clock(&event.name, &event.queue, event.case);
                self.pair("due", Seconds(event.due_ms));
                self.told(event.internal, event.group.as_ref());
            }
            Event::SlaMet(event) => {
                self.clock(&event.name, &event.queue, event.case);
                self.pair("elapsed", Seconds(event.elapsed_ms));
                self.pair("spare", Seconds(event.spare_ms));
                self.option("kept_until", event.kept_until_ms.map(Seconds));
                self.told(event.internal, None);
            }
            Event::SlaBroken(event) => {
                self.clock(&event.name, &event.queue, event.case);
                self.pair("due", Seconds(event.due_ms));
                self.option("kept_until", event.kept_until_ms.map(Seconds));
                self.told(event.internal, event.group.as_ref());
            }
            Event::SlaPaused(event) => {
                self.clock(&event.name, &event.queue, event.case);
                self.pair("left", Seconds(event.left_ms));
            }
            Event::SlaResumed(event) => {
                self.clock(&event.name, &event.queue, event.case);
                self.pair("due", Seconds(event.due_ms));
                self.option("warn", event.warn_ms.map(Seconds));
            }
            Event::SlaCancelled(event) => {
                self.clock(&event.name, &event.queue, event.case);
                self.word(event.reason);
                self.pair("spare", Seconds(event.spare_ms));
                self.option("kept_until", event.kept_until_ms.map(Seconds));
                self.told(event.internal, None);
            }
            Event::ContactSegmented(event) => self.word(&event.segment),
            _ => {}
        }
    }

    fn clock(&mut self, name: &words::Name, queue: &words::Name, case: Option<Id>) {
        self.word(name);
        self.word(queue);
        self.option("case", case.map(Name));
    }

    fn told(&mut self, internal: bool, group: Option<&words::Name>) {
        if internal {
            self.word("internal");
        }
        self.option("group", group);
    }
}
