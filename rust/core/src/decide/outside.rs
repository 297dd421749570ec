//! Work from elsewhere that takes an agent's capacity: outbound and internal calls.

use super::Check;
use crate::state::OUTSIDE_MAX;
use crate::turn::Turn;
use crate::words::{AgentBusyReported, OutsideWorkChanged, OverCapacityCause};

impl Turn<'_> {
    /// What is over is over, whatever the agent was declared to do since.
    pub(super) fn check_busy(&self, fact: &AgentBusyReported) -> Check {
        let agent = self.site.agent(&fact.agent).ok_or("unknown_agent")?;
        let known = agent.outside.contains_key(&fact.work);
        if !fact.busy {
            return if known { Ok(()) } else { Err("unknown_work") };
        }
        let rules = self.rules().ok_or("no_policy")?;
        rules.channel(&fact.channel).ok_or("unknown_channel")?;
        agent.channels.get(&fact.channel).ok_or("channel_not_enabled")?;
        if !known && agent.outside.len() >= OUTSIDE_MAX {
            return Err("no_room");
        }
        Ok(())
    }

    pub(super) fn report_busy(&mut self, fact: &AgentBusyReported) {
        let Some(agent) = self.site.agent(&fact.agent) else { return };
        let known = agent.outside.get(&fact.work);
        if fact.busy {
            let Some(enabled) = agent.channels.get(&fact.channel).filter(|_| known.is_none()) else { return };
            let event = OutsideWorkChanged { at_ms: self.t_ms, work: fact.work, busy: true, cost: enabled.cost };
            self.emit(None, Some(fact.agent), Some(&fact.channel), event);
            self.record_over_capacity(fact.agent, self.t_ms, OverCapacityCause::OutsideWork);
        } else if let Some((channel, cost)) = known.map(|work| (work.channel.clone(), work.cost)) {
            let event = OutsideWorkChanged { at_ms: self.t_ms, work: fact.work, busy: false, cost };
            self.emit(None, Some(fact.agent), Some(&channel), event);
            self.settle(fact.agent);
        }
    }
}
