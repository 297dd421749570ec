//! By what a queue chooses among agents of one rank: the value of each strategy, least first.

use crate::site::Site;
use crate::state::{Agent, Contact};
use crate::words::{Decided, Id, Name, Strategy};

/// `fewest_today` counts engagements by the hour …
const HOUR_MS: u64 = 3_600_000;
/// … and whoever has just come as if there for a minute.
const READY_MIN_MS: u64 = 60_000;

/// An agent's place among those who may be offered a contact; the least goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Standing {
    pub(crate) rank: u8,
    pub(crate) loaded: bool,
    value: i64,
    idle_since_ms: u64,
    pub(crate) agent: Id,
}

impl Standing {
    /// The first thing in which it differs from the next one.
    pub(crate) fn decided(&self, next: &Self) -> Decided {
        if self.rank != next.rank {
            Decided::Rank
        } else if self.loaded != next.loaded {
            Decided::Load
        } else if self.value != next.value {
            Decided::Strategy
        } else if self.idle_since_ms != next.idle_since_ms {
            Decided::Idle
        } else {
            Decided::AgentId
        }
    }
}

impl Site {
    /// Where the agent stands among those who may be offered the contact, by the strategy of its queue. None: no member.
    pub(crate) fn standing(
        &self,
        contact: &Contact,
        (id, agent): (&Id, &Agent),
        strategy: Strategy,
        now_ms: u64,
    ) -> Option<Standing> {
        let load = agent.load();
        let value = match strategy {
            Strategy::LongestIdle => 0,
            Strategy::LeastLoaded => signed(load),
            Strategy::BestSkilled => -levels(agent, contact),
            Strategy::LeastSkilledFit => levels(agent, contact) - required(contact),
            Strategy::RoundRobin => i64::from(self.state.cursors.get(&contact.queue).is_some_and(|cursor| id <= cursor)),
            Strategy::FewestToday => signed(agent.today.started * HOUR_MS / agent.ready_today_ms(now_ms).max(READY_MIN_MS)),
        };
        let idle_since_ms = if strategy == Strategy::RoundRobin { 0 } else { agent.idle_since_ms };
        Some(Standing { rank: agent.rank(contact)?, loaded: load > 0, value, idle_since_ms, agent: *id })
    }

    pub(crate) fn strategy(&self, queue: &Name) -> Strategy {
        self.rules().and_then(|rules| rules.queue(queue)).map_or(Strategy::LongestIdle, |queue| queue.strategy)
    }
}

/// The agent's levels in what the contact requires.
fn levels(agent: &Agent, contact: &Contact) -> i64 {
    contact.requirements.iter().filter_map(|need| agent.skills.get(&need.skill)).map(|level| i64::from(*level)).sum()
}

fn required(contact: &Contact) -> i64 {
    contact.requirements.iter().map(|need| i64::from(need.level)).sum()
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
