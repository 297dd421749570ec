//! What customers are shown before they come in, and told when they do.

use super::terms::{Name, Need, Seconds};
use super::Line;
use crate::words::{self, DoorTurned, NextStep, NextStepOffered, NextStepTaken, StepKind, WaitExpected};

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

    pub(super) fn next_steps(&mut self, event: &NextStepOffered) {
        self.word(&event.queue);
        self.pair("cause", event.cause);
        self.list("steps", event.choices.iter().map(|NextStep { kind, to, .. }| step(*kind, to.as_ref())));
        self.pair("until", Seconds(event.until_ms));
        self.option("customer", event.customer.map(Name));
        self.option("entry", event.entry_point.as_ref());
        self.option("topic", event.topic.as_ref());
        self.option("case", event.case.map(Name));
        self.option("language", event.language.as_ref());
        self.list("needs", event.requirements.iter().map(Need));
        if event.priority > 0 {
            self.pair("priority", event.priority);
        }
    }

    pub(super) fn next_step(&mut self, event: &NextStepTaken) {
        self.word(step(event.kind, event.to.as_ref()));
        self.pair("by", event.by);
        self.option("successor", event.successor.map(Name));
    }
}

fn step(kind: StepKind, to: Option<&words::Name>) -> String {
    to.map_or_else(|| kind.to_string(), |to| format!("{kind}:{to}"))
}
