//! What a contact waits for: the instants that every stay in a queue begins with.

use crate::state::Contact;
use crate::turn::Turn;
use crate::words::ContactQueued;

impl Turn<'_> {
    /// Fill in the instants of a visit that begins now. `before` is the contact as it was, if it waited or was served before: in the same
    /// queue its plan goes on where it stood, and what steps did to its requirements is never undone.
    pub(super) fn timed(&self, queued: ContactQueued, before: Option<&Contact>) -> ContactQueued {
        let Some(rules) = self.rules() else { return queued };
        let Some(queue) = rules.queue(&queued.queue) else { return queued };
        let same = before.filter(|before| before.queue == queued.queue);
        let step = same.map_or(0, |before| before.course.step);
        let requirements = match same {
            Some(before) if before.course.step > 0 && before.wishes == queued.wishes => before.requirements.clone(),
            Some(_) | None => queued.requirements,
        };
        ContactQueued {
            step,
            step_at_ms: queue.step_at(step, queued.queued_at_ms, self.t_ms),
            threshold: 0,
            threshold_at_ms: queue.threshold_at(0, queued.at_ms, queued.target_ms, self.t_ms).map(|(at_ms, _)| at_ms),
            promote_at_ms: queue.promote_at(queued.key.klass, queued.queued_at_ms, queued.target_ms, self.t_ms),
            requirements,
            ..queued
        }
    }
}
