//! Planned absence: when an agent is known to leave.

use super::Check;
use crate::turn::Turn;
use crate::words::{AgentScheduleSet, AgentScheduled};

impl Turn<'_> {
    pub(super) fn check_schedule(&self, fact: &AgentScheduled) -> Check {
        self.check_known_agent(fact.agent)
    }

    pub(super) fn schedule(&mut self, fact: &AgentScheduled) {
        if self.site.agent(&fact.agent).is_none_or(|agent| agent.leaves_ms == fact.leaves_ms) {
            return;
        }
        let event = AgentScheduleSet { at_ms: self.t_ms, leaves_ms: fact.leaves_ms };
        self.emit(None, Some(fact.agent), None, event);
        self.release_unless_eligible(fact.agent);
        self.note_gain(fact.agent);
        self.fill(fact.agent);
    }
}
