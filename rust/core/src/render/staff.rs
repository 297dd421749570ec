//! What happens to agents and queues beside contacts.

use super::terms::{Name, Seconds};
use super::Line;
use crate::words::Event;

impl Line {
    #[allow(clippy::wildcard_enum_match_arm)] // `body` sorts them, and is exhaustive
    pub(super) fn staff(&mut self, event: &Event) {
        match event {
            Event::AgentScheduleSet(event) => match event.leaves_ms {
                Some(leaves_ms) => self.pair("leaves", Seconds(leaves_ms)),
                None => self.word("stays"),
            },
            Event::OutsideWorkChanged(event) => {
                self.word(Name(event.work));
                self.word(if event.busy { "busy" } else { "over" });
                self.pair("cost", event.cost);
            }
            Event::DeskLossRecorded(event) => {
                self.list("due", event.due.iter().map(|due| format!("{}:{}", due.channel, Seconds(due.at_ms))));
            }
            Event::AgentReleased(event) => self.word(event.reason),
            Event::QueueModeSet(event) => {
                self.word(&event.queue);
                self.word(event.mode);
                self.option("close", event.close_at_ms.map(Seconds));
            }
            Event::QueueHoursTurned(event) => {
                self.word(&event.queue);
                self.word(if event.open { "open" } else { "closed" });
                self.option("close", event.close_at_ms.map(Seconds));
                self.option("next", event.next_ms.map(Seconds));
            }
            Event::BroadcastMade(event) => {
                self.word(&event.queue);
                self.word(Name(event.message));
            }
            Event::QuarantineEnded(event) => {
                self.word(format_args!("{}/{}", event.input_seq, event.input_entry));
                self.word(event.outcome);
            }
            _ => {}
        }
    }
}
