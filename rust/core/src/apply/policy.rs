//! The policy in the state, and what waited for something that it does not have.

use crate::census::Census;
use crate::course::Course;
use crate::rules::Rules;
use crate::site::Site;
use crate::state::{PolicyInForce, Sweep};
use crate::words::{Id, Name, PolicyAdopted, QueuePolicy};

impl Site {
    pub(super) fn adopt_policy(&mut self, event: &PolicyAdopted) -> Result<(), String> {
        let rules = Rules::read(&event.policy, &self.state.site).map_err(|what| format!("the adopted policy {what}"))?;
        self.state.cursors.retain(|queue, _| rules.queue(queue).is_some());
        // Those that begin now are still to come, whoever published them.
        self.state.day_ms = self.state.day_ms.max(event.at_ms.saturating_sub(1));
        self.index.rules = Some(rules.at(&self.state.levels));
        self.index.refresh_room(&self.state.agents);
        self.index.forget_names(&self.state);
        self.state.policy = Some(PolicyInForce { version: event.version, digest: event.digest, bytes: event.policy.clone() });
        self.drop_instants()?;
        self.drop_modes();
        self.drop_plans();
        self.index.slots.clear();
        self.index.census = Census::of(&self.state, &self.index.promised, self.index.rules.as_ref());
        self.index.count_attendance(&self.state);
        self.drop_doors();
        self.state.sweep = (!self.index.queueing.is_empty()).then_some(Sweep { after: None });
        Ok(())
    }

    /// Doors and queues that nobody asks about any more.
    fn drop_doors(&mut self) {
        let Some(rules) = &self.index.rules else { return };
        self.state.pace.keep(|queue| rules.paces(queue), rules.paces_any());
        self.state.doors.retain(|name, _| rules.door_of(name).is_some());
        self.index.hang_doors(&self.state);
    }

    /// Plans of slots that no queue has any more.
    fn drop_plans(&mut self) {
        let Some(rules) = &self.index.rules else { return };
        self.state.planned.retain(|queue, planned| {
            let callbacks = rules.queue(queue).and_then(|queue| queue.callbacks.as_ref());
            callbacks.is_some_and(|policy| policy.slot_ms == planned.slot_ms)
        });
    }

    fn drop_modes(&mut self) {
        let Some(rules) = &self.index.rules else { return };
        let gone: Vec<Name> = self.state.modes.keys().filter(|queue| rules.queue(queue).is_none()).cloned().collect();
        let has_hours = |queue: &Name| rules.queue(queue).is_some_and(|queue| queue.calendar.is_some());
        let timeless: Vec<Name> = self.state.hours.keys().filter(|queue| !has_hours(queue)).cloned().collect();
        for queue in gone {
            self.change_mode(&queue, None);
        }
        for queue in timeless {
            self.change_hours(&queue, None);
        }
    }

    /// Contacts keep the instants that they were given, but nothing is to come that the policy has no more.
    fn drop_instants(&mut self) -> Result<(), String> {
        let Some(rules) = &self.index.rules else { return Ok(()) };
        let changed: Vec<(Id, Course)> = (self.state.contacts.iter())
            .filter_map(|(id, contact)| {
                let course = left(&contact.course, rules.queue(&contact.queue)?);
                (course != *contact.course).then_some((*id, course))
            })
            .collect();
        for (id, course) in changed {
            self.change_contact(id, |contact| contact.course.set(course))?;
        }
        Ok(())
    }
}

/// What is still to come.
fn left(course: &Course, queue: &QueuePolicy) -> Course {
    Course {
        step_at_ms: course.step_at_ms.filter(|_| usize::from(course.step) < queue.plan.len()),
        threshold_at_ms: course.threshold_at_ms.filter(|_| usize::from(course.threshold) < queue.thresholds.len()),
        promote_at_ms: course.promote_at_ms.filter(|_| queue.promote_before_ms > 0),
        ..course.clone()
    }
}
