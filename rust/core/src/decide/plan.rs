//! Plans: what a queue gives up, step by step, for a contact that waits.

use crate::relax::relaxed;
use crate::state::{Contact, Phase};
use crate::turn::Turn;
use crate::words::bounds::QUEUES_ADDED_MAX;
use crate::words::{ContactRelaxed, Id, Name, PlanStep};

/// The highest priority.
pub(super) const PRIORITY_MAX: u8 = 100;

impl Turn<'_> {
    /// The next step is due. If nobody is present for what it leaves, those up to one that helps are taken at once.
    pub(crate) fn take_steps(&mut self, id: Id) {
        let mut skipped = false;
        while self.take_step(id, skipped) && !self.is_stuck() {
            skipped = true;
        }
    }

    /// True if the next step is to follow at once.
    fn take_step(&mut self, id: Id, skipped: bool) -> bool {
        let Some(contact) = self.site.contact(&id) else { return false };
        let Some(event) = self.relaxation(id, contact, skipped) else { return false };
        let (channel, more) = (contact.channel.clone(), event.next_at_ms.is_some());
        self.emit(Some(id), None, Some(&channel), event);
        self.look(id);
        more && self.site.contact(&id).is_some_and(|contact| {
            contact.phase == Phase::Queued && !self.site.someone_is_present(contact) && self.later_helps(contact)
        })
    }

    /// After one of the steps to come somebody is present. If not, they wait for their time: whoever is away for a moment may be back by then.
    fn later_helps(&self, contact: &Contact) -> bool {
        if !self.site.state.levels.is(4) {
            return true;
        }
        let plan = self.rules().and_then(|rules| rules.queue(&contact.queue)).map_or(&[][..], |queue| &queue.plan);
        let mut ahead = contact.clone();
        plan.iter().skip(usize::from(contact.course.step)).any(|step| {
            ahead.requirements = relaxed(&ahead.requirements, step, &ahead.accepts);
            ahead.course.added = widened(&ahead, step);
            self.site.someone_would_be_present(&ahead)
        })
    }

    fn relaxation(&self, id: Id, contact: &Contact, skipped: bool) -> Option<ContactRelaxed> {
        let rules = self.rules()?;
        let queue = rules.queue(&contact.queue)?;
        let step = queue.plan.get(usize::from(contact.course.step))?;
        let clock = rules.clock(queue, &contact.channel);
        let priority = contact.priority.saturating_add(step.raise_priority).min(PRIORITY_MAX);
        // Who was promised a call waits for the customer from the beginning of the visit on, though the wait counts from when it is due.
        let since_ms = self.promise(&id).map_or(contact.queued_at_ms, |promise| promise.next_ms);
        Some(ContactRelaxed {
            at_ms: self.t_ms,
            step: contact.course.step + 1,
            wishes: relaxed(&contact.wishes, step, &contact.accepts),
            requirements: relaxed(&contact.requirements, step, &contact.accepts),
            queues: widened(contact, step),
            priority,
            key: rules.reprioritised(contact.key, contact.priority, priority),
            prefer_until_ms: if step.release_preference { 0 } else { contact.prefer_until_ms },
            next_at_ms: queue.step_at(contact.course.step + 1, (clock, since_ms), self.at_ms + 1),
            skipped,
        })
    }
}

/// The queues that it waits in besides its own.
fn widened(contact: &Contact, step: &PlanStep) -> Vec<Name> {
    let mut queues = contact.course.added.clone();
    for queue in &step.queues {
        if queues.len() < QUEUES_ADDED_MAX && *queue != contact.queue && !queues.contains(queue) {
            queues.push(queue.clone());
        }
    }
    queues
}
