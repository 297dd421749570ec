//! A declared agent, and what it has in hand.

use serde::{Deserialize, Serialize};

use super::{Contact, Today};
use crate::few::Few;
use crate::words::{Id, Name, Presence, Requirement, Role};

/// A declared agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agent {
    pub(crate) skills: Few<Name, u8>,
    pub(crate) memberships: Few<Name, u8>,
    pub(crate) channels: Few<Name, Enabled>,
    pub(crate) capacity: u32,
    pub(crate) requested: Presence,
    pub(crate) requested_reason: Option<Name>,
    pub(crate) effective: Presence,
    pub(crate) effective_reason: Option<Name>,
    pub(crate) idle_since_ms: u64,
    /// When the agent was last ready and ceased to be (0: never).
    pub(crate) left_ready_ms: u64,
    /// Declines in a row.
    pub(crate) declines: u64,
    /// Connects that failed on the agent's own leg, in a row.
    pub(crate) failures: u64,
    /// The load exceeds the limits, and the journal says why.
    pub(crate) over_recorded: bool,
    pub(crate) today: Today,
    pub(crate) work: Few<(Id, u32), Work>,
    /// Work from elsewhere.
    pub(crate) outside: Few<Id, Outside>,
    /// When the agent is known to leave.
    pub(crate) leaves_ms: Option<u64>,
    /// The desk is lost, and when the contacts of each channel go to somebody else.
    pub(crate) desk_due: Option<Few<Name, u64>>,
    /// The contact that it takes before anything else.
    pub(crate) reserved: Option<Id>,
}

/// A channel an agent may work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Enabled {
    pub(crate) cost: u32,
    pub(crate) max_concurrent: u32,
    pub(crate) on: bool,
    /// Off because of missed offers: on again when the agent returns.
    pub(crate) off_by_missed: bool,
    /// Missed offers in a row.
    pub(crate) missed: u64,
}

/// What an agent has in hand: one attempt at one contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) channel: Name,
    pub(crate) queue: Name,
    /// The class of the contact's key when it was offered.
    pub(crate) klass: u8,
    pub(crate) cost: u32,
    pub(crate) phase: WorkPhase,
    pub(crate) role: Role,
    /// Given by somebody, whatever order and limits say.
    pub(crate) direct: bool,
    /// Other work gives way to it, and does not come back before it is over.
    pub(crate) interrupts: bool,
    /// What it costs when the customer speaks again: it is dormant, and costs less.
    pub(crate) full_cost: Option<u32>,
}

/// Work from elsewhere: accepted and connected as long as it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outside {
    pub(crate) channel: Name,
    pub(crate) cost: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WorkPhase {
    Offered,
    Connecting,
    Engaged,
    Wrapping { began_ms: u64, until_ms: u64 },
}

impl Agent {
    pub(crate) fn ready(&self) -> bool {
        self.requested == Presence::Ready && self.effective == Presence::Ready
    }

    /// The least rank over the queues that the contact waits in; None: no member of any.
    pub(crate) fn rank(&self, contact: &Contact) -> Option<u8> {
        let own = self.memberships.get(&contact.queue).copied();
        let added = contact.course.added.iter().filter_map(|queue| self.memberships.get(queue).copied());
        added.fold(own, |least, rank| Some(least.map_or(rank, |least| least.min(rank))))
    }

    pub(crate) fn load(&self) -> u64 {
        let mut load = 0;
        for work in self.work.values() {
            load += u64::from(work.cost);
        }
        for work in self.outside.values() {
            load += u64::from(work.cost);
        }
        load
    }

    /// Offers, engagements, wrap-ups and outside work on one channel, without dormant ones.
    pub(crate) fn count(&self, channel: &Name) -> usize {
        let mut count = 0;
        for work in self.work.values() {
            count += usize::from(work.full_cost.is_none() && work.channel == *channel);
        }
        for work in self.outside.values() {
            count += usize::from(work.channel == *channel);
        }
        count
    }

    /// Anything accepted that is not over: what delays a wish to be not ready.
    pub(crate) fn has_accepted_work(&self) -> bool {
        !self.outside.is_empty() || self.work.values().any(|work| work.phase != WorkPhase::Offered)
    }

    /// Anything connected that is not over: what keeps an agent from being idle.
    pub(crate) fn has_connected_work(&self) -> bool {
        !self.outside.is_empty()
            || self.work.values().any(|work| matches!(work.phase, WorkPhase::Engaged | WorkPhase::Wrapping { .. }))
    }

    /// Time alone may end something here: a wrap-up, or the patience with a lost desk.
    pub(crate) fn has_deadlines(&self) -> bool {
        self.desk_due.is_some() || self.work.values().any(|work| matches!(work.phase, WorkPhase::Wrapping { .. }))
    }

    pub(crate) fn has_capacity_for(&self, cost: u32) -> bool {
        self.load() + u64::from(cost) <= u64::from(self.capacity)
    }

    /// More than its limits allow, in all or on a channel. A channel that is not declared (any more) allows none but dormant ones.
    pub(crate) fn over_capacity(&self) -> bool {
        if self.work.is_empty() && self.outside.is_empty() {
            return false;
        }
        let mut counted = 0;
        for (channel, enabled) in &self.channels {
            let count = self.count(channel);
            if count > enabled.max_concurrent as usize {
                return true;
            }
            counted += count;
        }
        let counting = self.work.values().filter(|work| work.full_cost.is_none()).count() + self.outside.len();
        counted < counting || self.load() > u64::from(self.capacity)
    }

    pub(crate) fn meets(&self, need: &Requirement) -> bool {
        self.skills.get(&need.skill).is_some_and(|level| *level >= need.level)
    }
}
