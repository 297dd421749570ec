//! What a contact waits for: the instants that every stay in a queue begins with.

use crate::clock::Clock;
use crate::instants::Entry;
use crate::state::Contact;
use crate::turn::Turn;
use crate::words::bounds::INSTANT_MAX_MS;
use crate::words::{ContactQueued, Id, Name, QueuePolicy, WaitExpected};

impl Turn<'_> {
    /// A visit begins now: the contact is queued, and what is expected of its wait is said where somebody asks. `before` is the contact as it
    /// was, if it waited or was served before; `sender` the agent who moves it on.
    pub(super) fn enter(
        &mut self,
        (id, sender): (Id, Option<Id>),
        queued: ContactQueued,
        channel: &Name,
        before: Option<&Contact>,
    ) {
        let expected = self.wait_expected(id, &queued, channel, before.is_none());
        let queued = self.timed(queued, channel, before, expected.as_ref().map(|expected| expected.p80_ms));
        self.emit(Some(id), sender, Some(channel), queued);
        if let Some(expected) = expected {
            self.emit(Some(id), None, Some(channel), expected);
        }
    }

    /// As of before it joins. The first visit's wait is said wherever somebody asks for the queue's, that of later ones only to thresholds.
    fn wait_expected(&self, id: Id, queued: &ContactQueued, channel: &Name, first: bool) -> Option<WaitExpected> {
        let rules = self.rules()?;
        let asked = rules.paces(&queued.queue) && (first || rules.queue(&queued.queue)?.expects_of_each());
        // Who is moved within its queue waits there still.
        let but = self.site.contact(&id).filter(|_| self.site.state.levels.is(4)).map(|contact| (contact.entered_ms, id));
        let of = (queued.key.klass, channel);
        let expected = self.site.expected_wait_besides(but, &queued.queue, of, self.t_ms).filter(|_| asked)?;
        let (p50_ms, p80_ms, p90_ms) = (expected.p50_ms, expected.p80_ms, expected.p90_ms);
        let (queue, said_ms) = (queued.queue.clone(), expected.said_ms());
        Some(WaitExpected { at_ms: self.t_ms, queue, p50_ms, p80_ms, p90_ms, said_ms })
    }

    /// Fill in the instants of a visit that begins now. In the same queue its plan goes on where it stood, and what steps did to its
    /// requirements is never undone.
    fn timed(&self, queued: ContactQueued, channel: &Name, before: Option<&Contact>, expected_ms: Option<u64>) -> ContactQueued {
        let Some(rules) = self.rules() else { return queued };
        let Some(queue) = rules.queue(&queued.queue) else { return queued };
        let same = before.filter(|before| before.queue == queued.queue);
        // Whatever it waits for comes in a later turn: so it does not matter what else this turn decides.
        let next_ms = self.at_ms + 1;
        let clock = rules.clock(queue, channel);
        let target_ms = clock.between(queued.queued_at_ms, queued.queued_at_ms + queued.target_ms);
        let entry = Entry { clock, at_ms: queued.at_ms, target_ms, expected_ms };
        let due_ms = self.due_at(&queued);
        let step = same.map_or(0, |before| before.course.step);
        let requirements = match same {
            Some(before) if before.course.step > 0 && before.wishes == queued.wishes => before.requirements.clone(),
            Some(_) | None => queued.requirements,
        };
        let opens_ms = match same {
            Some(before) => before.course.opens_ms.clone(),
            None => opens_ms(queue, (clock, queued.queued_at_ms), self.t_ms),
        };
        let drain_at_ms = match same {
            Some(before) => before.course.drain_at_ms,
            None => (queue.drain_after_ms > 0).then(|| (self.at_ms + queue.drain_after_ms).min(INSTANT_MAX_MS)),
        };
        ContactQueued {
            opens_ms,
            drain_at_ms,
            step,
            step_at_ms: queue.step_at(step, (clock, queued.queued_at_ms), next_ms),
            threshold: 0,
            threshold_at_ms: queue.threshold_at(0, &entry, next_ms).map(|(at_ms, _)| at_ms),
            promote_at_ms: queue.promote_at(queued.key.klass, (clock, due_ms), next_ms),
            requirements,
            ..queued
        }
    }

    /// What was put aside is due when it was before: its key says when. Its waits, which say nothing of the time that it was parked, say no later.
    fn due_at(&self, queued: &ContactQueued) -> u64 {
        let counted_ms = queued.queued_at_ms + queued.target_ms;
        let kept = self.rules().filter(|_| self.site.state.levels.is(4)).map(|rules| rules.due_ms(queued.key, queued.priority));
        // A policy may have changed what priority is worth.
        kept.map_or(counted_ms, |due_ms| due_ms.clamp(queued.queued_at_ms, counted_ms))
    }
}

/// When each rank opens, counted from when the contact was queued first.
fn opens_ms(queue: &QueuePolicy, (clock, queued_at_ms): (Clock<'_>, u64), t_ms: u64) -> Vec<u64> {
    queue.rank_delays_ms.iter().map(|delay_ms| clock.after(queued_at_ms, *delay_ms).clamp(t_ms, INSTANT_MAX_MS)).collect()
}
