//! Capacity: what is planned for the slots of callbacks, and which promises do not fit any more. It is of instants (plan, policy, calendar), so
//! that time alone takes none.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Check;
use crate::turn::Turn;
use crate::words::{CapacityPlanned, CapacitySet, Id, Name, PromiseAtRisk, RiskCause};

/// No plan begins later than this: a calendar is compiled for about as long.
const PLAN_AHEAD_MS: u64 = 400 * 86_400_000;

impl Turn<'_> {
    pub(super) fn check_plan_of_slots(&self, fact: &CapacityPlanned) -> Check {
        self.rules().ok_or("no_policy")?.queue(&fact.queue).ok_or("unknown_queue")?;
        let policy = self.site.callbacks(&fact.queue).ok_or("no_callbacks")?;
        let fits = fact.slot_ms == policy.slot_ms && fact.from_ms.is_multiple_of(fact.slot_ms) && !fact.capacities.is_empty();
        if !fits {
            return Err("slot_mismatch");
        }
        if fact.from_ms > self.at_ms + PLAN_AHEAD_MS {
            return Err("plan_too_far");
        }
        Ok(())
    }

    /// What was promised before stands, but whoever came last in a slot that is too small now is at risk.
    pub(super) fn plan_slots(&mut self, fact: CapacityPlanned) {
        let CapacityPlanned { queue, from_ms, slot_ms, capacities, .. } = fact;
        let slots = from_ms / slot_ms..from_ms / slot_ms + capacities.len() as u64;
        let event = CapacitySet { at_ms: self.t_ms, queue: queue.clone(), from_ms, slot_ms, capacities };
        self.emit(None, None, None, event);
        self.note_risks(&queue, slots);
    }

    /// A policy may have less room in every slot.
    pub(crate) fn note_all_risks(&mut self) {
        let queues: BTreeSet<Name> = self.promised_on().map(|(queue, _)| queue.clone()).collect();
        for queue in queues {
            if self.is_full() {
                return;
            }
            self.note_risks(&queue, 0..u64::MAX);
        }
    }

    /// If the commit is full, the next one goes on with all that are left.
    fn note_risks(&mut self, queue: &Name, slots: Range<u64>) {
        for id in self.beyond(queue, slots) {
            if self.is_full() {
                return;
            }
            let Some(promise) = self.site.state.promises.get(&id).cloned() else { continue };
            let alternatives = self.alternatives(queue, &promise.hours, promise.due_ms);
            let event = PromiseAtRisk { at_ms: self.t_ms, cause: RiskCause::Capacity, due_ms: promise.due_ms, alternatives };
            self.emit(Some(id), None, Some(&promise.channel), event);
        }
    }

    /// Promises in these slots that do not fit in any more, and of which nothing is recorded: of each slot those made last.
    fn beyond(&self, queue: &Name, slots: Range<u64>) -> Vec<Id> {
        let Some(policy) = self.site.callbacks(queue) else { return Vec::new() };
        // The plan of a slot that is over is forgotten: it says nothing of those who are still tried.
        let from = slots.start.max(self.at_ms / policy.slot_ms);
        let due_ms = from.saturating_mul(policy.slot_ms)..slots.end.max(from).saturating_mul(policy.slot_ms);
        let promised = self.site.index.promised.due_in(queue, due_ms);
        let mut line: Vec<(u64, u64, Id)> = promised.map(|(due_ms, made_ms, id)| (due_ms / policy.slot_ms, made_ms, id)).collect();
        line.sort_unstable();
        let capacity = |slot: u64| usize::from(self.site.places(queue, policy, slot));
        let slots = line.chunk_by(|one, next| one.0 == next.0);
        let beyond = slots.flat_map(|promises| promises.iter().skip(capacity(promises[0].0)).map(|(_, _, id)| *id));
        beyond.filter(|id| self.promise(id).is_some_and(|promise| !promise.at_risk)).collect()
    }
}
