//! What happens to a contact on its way: its place in the order, its plan, its links, its engagement.

use super::terms::{Due, Name, Need, Place, Seconds};
use super::Line;
use crate::words::{Event, Why};

impl Line {
    #[allow(clippy::wildcard_enum_match_arm)] // `body` sorts them, and is exhaustive
    pub(super) fn place(&mut self, event: &Event) {
        match event {
            Event::ContactReprioritised(event) => {
                self.pair("priority", event.priority);
                self.pair("key", Place(event.key));
                self.pair("cause", event.cause);
            }
            Event::ContactRelaxed(event) => {
                self.pair("step", event.step);
                self.list("needs", event.requirements.iter().map(Need));
                self.list("also", event.queues.iter());
                self.pair("priority", event.priority);
                self.pair("key", Place(event.key));
                if event.prefer_until_ms > 0 {
                    self.pair("prefer_until", Seconds(event.prefer_until_ms));
                }
                self.option("next", event.next_at_ms.map(Seconds));
                if event.skipped {
                    self.word("skipped");
                }
            }
            Event::ThresholdReached(event) => {
                self.word(&event.name);
                self.word(event.action);
                self.option("group", event.group.as_ref());
                self.option("next", event.next_at_ms.map(Seconds));
            }
            Event::ContactPromoted(event) => self.pair("key", Place(event.key)),
            Event::ContactLinked(event) => {
                self.word(Name(event.other));
                self.pair("cause", event.cause);
            }
            Event::ContactDiverted(event) => {
                self.word(&event.queue);
                self.pair("to", &event.to);
                self.pair("cause", event.cause);
            }
            Event::MatterRepeated(event) => {
                self.word(&event.topic);
                self.pair("count", event.count);
            }
            _ => {}
        }
    }

    #[allow(clippy::wildcard_enum_match_arm)] // `body` sorts them, and is exhaustive
    pub(super) fn conversation(&mut self, event: &Event) {
        match event {
            Event::ConnectFailed(event) => {
                self.pair("attempt", event.attempt);
                self.word(event.leg);
                self.excluded(event.excluded_until_ms, event.reoffer_from_ms);
                self.pair("failures", event.failures);
                self.option("siblings_until", event.siblings_until_ms.map(Seconds));
            }
            Event::EngagementHeld(event) => self.pair("attempt", event.attempt),
            Event::EngagementResumed(event) => {
                self.pair("attempt", event.attempt);
                self.pair("held", Seconds(event.held_ms));
                self.option("silence", event.silence.map(Due));
            }
            Event::RoleChanged(event) => {
                self.pair("attempt", event.attempt);
                self.word(event.role);
                self.option("silence", event.silence.map(Due));
            }
            Event::ContactDormant(event) => {
                self.pair("attempt", event.attempt);
                self.pair("cost", event.cost);
                self.option("end", event.end_at_ms.map(Seconds));
            }
            Event::ContactRevived(event) => {
                self.pair("attempt", event.attempt);
                self.pair("cost", event.cost);
            }
            Event::AgentSilenceNoticed(event) => {
                self.pair("attempt", event.attempt);
                self.pair("since", Seconds(event.since_ms));
                self.option("requeue", event.requeue_at_ms.map(Seconds));
            }
            _ => {}
        }
    }

    /// Why this agent, and who would have been next.
    pub(super) fn why(&mut self, why: &Why) {
        self.pair("looked", why.looked);
        self.pair("able", why.able);
        if why.step > 0 {
            self.pair("step", why.step);
        }
        self.option("next", why.runner_up.map(Name));
        self.pair("decided", why.decided);
    }
}
