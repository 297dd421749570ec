//! What is promised, and what becomes of it.

use super::terms::{Name, Need, Place, Seconds};
use super::Line;
use crate::words::{Event, PromiseKind, PromiseMade};

impl Line {
    #[allow(clippy::wildcard_enum_match_arm)] // `body` sorts them, and is exhaustive
    pub(super) fn promise(&mut self, event: &Event) {
        match event {
            Event::PromiseMade(event) => self.promise_made(event),
            Event::CallbackDeclined(event) => {
                self.word(&event.queue);
                self.word(event.reason);
                self.pair("wish", Seconds(event.wish_ms));
                self.list("slots", event.alternatives.iter().copied().map(Seconds));
            }
            Event::CallbackOffered(event) => {
                self.word(&event.queue);
                self.word(event.missed);
                self.option("reason", event.reason);
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
            Event::CallbackDue(event) => self.pair("key", Place(event.key)),
            Event::AttemptRecorded(event) => {
                self.pair("attempt", event.attempt);
                self.word(event.outcome);
                self.pair("rang", Seconds(event.ring_ms));
                self.word(if event.counted { "counted" } else { "uncounted" });
                self.pair("number", event.number);
                self.option("next", event.next_ms.map(Seconds));
            }
            Event::PromiseEnded(event) => {
                self.word(event.outcome);
                self.option("reason", event.reason);
                self.pair("due", Seconds(event.due_ms));
                self.pair("late", Seconds(event.lateness_ms));
                self.pair("attempts", event.attempts);
                self.option("successor", event.successor.map(Name));
                self.list("slots", event.alternatives.iter().copied().map(Seconds));
            }
            Event::PromiseHeld(event) => self.pair("returned", Name(event.returned)),
            Event::PromiseReleased(event) => self.pair("next", Seconds(event.next_ms)),
            Event::PromiseAtRisk(event) => {
                self.word(event.cause);
                self.pair("due", Seconds(event.due_ms));
                self.list("slots", event.alternatives.iter().copied().map(Seconds));
            }
            Event::CapacitySet(event) => {
                self.word(&event.queue);
                self.pair("from", Seconds(event.from_ms));
                self.pair("slot", Seconds(event.slot_ms));
                self.list("capacities", event.capacities.iter());
            }
            _ => {}
        }
    }

    fn promise_made(&mut self, event: &PromiseMade) {
        self.word(&event.queue);
        if event.kind != PromiseKind::Scheduled {
            self.word(event.kind);
        }
        self.word(event.mode);
        self.pair("due", Seconds(event.due_ms));
        self.pair("from", Seconds(event.from_ms));
        self.pair("until", Seconds(event.until_ms));
        self.option("key", event.key.map(Place));
        self.option("customer", event.customer.map(Name));
        self.option("address", event.address.map(Name));
        self.option("waiting", event.waiting.map(Name));
        self.option("replaces", event.replaces.map(Name));
    }
}
