//! Work that gives way: what an agent would put aside for a contact of a more pressing channel.

use crate::rules::Rules;
use crate::state::{Agent, Work, WorkPhase};
use crate::words::{ChannelPresence, Id, Name, Role};

impl Rules {
    /// May any contact interrupt an engagement on `channel`?
    pub(crate) fn may_give_way(&self, channel: &Name) -> bool {
        self.channel(channel)
            .is_some_and(|profile| profile.presence != ChannelPresence::Live && !profile.interruptible_by.is_empty())
    }

    /// May a contact of channel `to` interrupt an engagement on `channel`?
    pub(crate) fn gives_way(&self, channel: &Name, to: &Name) -> bool {
        channel != to
            && self
                .channel(channel)
                .is_some_and(|profile| profile.presence != ChannelPresence::Live && profile.interruptible_by.contains(to))
    }
}

impl Agent {
    /// The engagements that give way to a contact of `channel`, in the order of the work. An interrupter never does.
    pub(crate) fn giving_way<'a>(&'a self, channel: &'a Name, rules: &'a Rules) -> impl Iterator<Item = (Id, &'a Work)> {
        self.work.iter().filter_map(|((contact, _), work)| {
            let interruptible = work.phase == WorkPhase::Engaged && work.role == Role::Primary && !work.interrupts;
            (interruptible && rules.gives_way(&work.channel, channel)).then_some((*contact, work))
        })
    }

    /// The load without what gives way to a contact of `channel`.
    pub(crate) fn pressing_load(&self, channel: &Name, rules: &Rules) -> u64 {
        let yielding: u64 = self.giving_way(channel, rules).map(|(_, work)| u64::from(work.cost)).sum();
        self.load() - yielding
    }
}
