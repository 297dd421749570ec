//! Hours: a queue with a calendar opens and closes by itself.
//!
//! ```text
//! open --the calendar closes--> closed, and after the grace time customers who still wait are moved on
//! closed --the calendar opens--> open
//! ```
//!
//! Only the door is opened and closed: whoever waits is offered to agents in and out of hours.

use crate::state::Hours;
use crate::turn::Turn;
use crate::words::{Name, QueueHoursTurned};

impl Turn<'_> {
    /// The queue opens or closes now.
    pub(crate) fn turn_hours(&mut self, queue: &Name) {
        if let Some(hours) = self.hours(queue) {
            self.set_hours(queue, hours);
        }
    }

    /// Everybody who was admitted before the queue closed had the grace time.
    pub(crate) fn close_hours(&mut self, queue: &Name) {
        let Some(hours) = self.site.state.hours.get(queue).copied() else { return };
        if self.move_all_on(queue) {
            self.set_hours(queue, Hours { close_at_ms: None, ..hours });
        }
    }

    /// After a new policy: queues that are open when they were closed, or the other way round, and those that turn at another time.
    pub(crate) fn compare_hours(&mut self) {
        let Some(rules) = self.rules().filter(|rules| rules.has_calendars()) else { return };
        let queues: Vec<Name> = rules.policy.queues.iter().map(|queue| queue.name.clone()).collect();
        for queue in queues {
            if let Some(hours) = self.hours(&queue).filter(|hours| self.site.state.hours.get(&queue) != Some(hours)) {
                self.set_hours(&queue, hours);
            }
        }
    }

    /// What the calendar says of this instant. A closing that is under way keeps its time.
    fn hours(&self, name: &Name) -> Option<Hours> {
        let rules = self.rules()?;
        let queue = rules.queue(name)?;
        let calendar = rules.calendar(queue)?;
        let open = calendar.is_open(self.t_ms);
        let close_at_ms = match self.site.state.hours.get(name).filter(|before| !before.open) {
            _ if open => None,
            Some(before) => before.close_at_ms,
            None => Some(self.at_ms + queue.closing_grace_ms.max(1)),
        };
        Some(Hours { open, close_at_ms, next_ms: calendar.next_edge(self.t_ms) })
    }

    fn set_hours(&mut self, queue: &Name, hours: Hours) {
        let Hours { open, close_at_ms, next_ms } = hours;
        self.emit(None, None, None, QueueHoursTurned { at_ms: self.t_ms, queue: queue.clone(), open, close_at_ms, next_ms });
    }
}
