//! Why an agent may not be offered a contact: one list of questions in one order, for routing and for whoever asks it to explain itself.

use std::cell::Cell;
use std::ops::ControlFlow;

use crate::index::{Among, Who};
use crate::rules::{Rules, EMERGENCY_CLASS};
use crate::site::Site;
use crate::state::{Agent, Contact, Enabled, Work, WORK_MAX};
use crate::words::{Id, Name, Presence, Requirement};

/// The first question that an offer of this contact to this agent fails at, in the order they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance<'a> {
    /// Nobody declared the agent.
    NotDeclared,
    /// The agent is no member of a queue the contact waits in.
    NotMember,
    /// The agent has just sent the contact away.
    Sender,
    /// The agent is not ready, or asked not to be.
    Absent,
    /// The agent's desk is lost.
    DeskLost,
    /// The channel is none of the agent's.
    ChannelNotEnabled,
    /// The agent, or missed offers, switched the channel off.
    ChannelOff,
    /// The first requirement that the agent does not meet.
    Skill(&'a Requirement),
    /// A declined, missed or failed offer keeps the two apart.
    Excluded { until_ms: u64 },
    /// The agent is known to leave too soon.
    Leaving,
    /// The agent has more than the limits allow already.
    OverCapacity,
    /// The load or the channel's count leaves no room.
    NoRoom,
    /// The agent is reserved for another contact.
    Reserved,
    /// Agents of this rank come later: somebody of a lower one is there.
    RankClosed { until_ms: u64 },
    /// The contact waits for an agent it prefers.
    Preference { until_ms: u64 },
}

impl Hindrance<'_> {
    /// Its word (docs/routing/agents.md).
    pub fn word(self) -> &'static str {
        match self {
            Self::NotDeclared => "not_declared",
            Self::NotMember => "not_member",
            Self::Sender => "sender",
            Self::Absent => "absent",
            Self::DeskLost => "desk_lost",
            Self::ChannelNotEnabled => "channel_not_enabled",
            Self::ChannelOff => "channel_off",
            Self::Skill(_) => "skill",
            Self::Excluded { .. } => "excluded",
            Self::Leaving => "leaving",
            Self::OverCapacity => "over_capacity",
            Self::NoRoom => "no_room",
            Self::Reserved => "reserved",
            Self::RankClosed { .. } => "rank_closed",
            Self::Preference { .. } => "preference",
        }
    }

    /// When it ends by itself, if it does.
    #[allow(clippy::wildcard_enum_match_arm)] // few end by themselves
    pub fn until_ms(self) -> Option<u64> {
        match self {
            Self::Excluded { until_ms } | Self::RankClosed { until_ms } | Self::Preference { until_ms } => Some(until_ms),
            _ => None,
        }
    }
}

/// Questions asked at one moment, while nothing changes: what the last one found out counts for the next.
pub(crate) struct Asked<'a> {
    site: &'a Site,
    pub(crate) now_ms: u64,
    /// The least rank of those who are there for a contact.
    lowest: Cell<Option<(&'a Contact, Option<u8>)>>,
}

impl<'a> Asked<'a> {
    pub(crate) fn at(site: &'a Site, now_ms: u64) -> Self {
        Self { site, now_ms, lowest: Cell::new(None) }
    }

    /// When a rank opens that is closed to the contact, because somebody of a lower one is there.
    pub(crate) fn closed_until(&self, contact: &'a Contact, rank: u8) -> Option<u64> {
        let until_ms = contact.course.opens_at(rank).filter(|opens_ms| self.now_ms < *opens_ms)?;
        self.lowest(contact).is_some_and(|lowest| lowest < rank).then_some(until_ms)
    }

    /// Contacts that wait one behind the other mostly need the same.
    fn lowest(&self, contact: &'a Contact) -> Option<u8> {
        let known = self.lowest.get().filter(|(known, _)| needs_the_same(known, contact));
        let (_, lowest) = known.unwrap_or_else(|| {
            let crew = &self.site.index.crew;
            let there = self.site.groups(contact).filter(|(queue, rank)| crew.any_there(contact, queue, *rank));
            (contact, there.map(|(_, rank)| rank).min())
        });
        self.lowest.set(Some((contact, lowest)));
        lowest
    }
}

/// The same agents are there for both.
fn needs_the_same(one: &Contact, other: &Contact) -> bool {
    one.channel == other.channel && one.requirements == other.requirements && one.queues().eq(other.queues())
}

impl Site {
    pub(crate) fn may_offer<'a>(&'a self, contact: &'a Contact, id: &Id, asked: &Asked<'a>) -> bool {
        self.hindrance(contact, id, asked).is_none()
    }

    /// The same of an agent that is at hand. Where a queue drains most are reserved, which is told soonest.
    pub(crate) fn may_offer_to<'a>(&'a self, contact: &'a Contact, id: &Id, agent: &Agent, asked: &Asked<'a>) -> bool {
        self.reserved_elsewhere(contact, id, agent).is_none() && self.hindrance_to(contact, id, agent, asked).is_none()
    }

    /// Every question of an offer, at this moment. Asked of a contact that waits.
    pub(crate) fn hindrance<'a>(&'a self, contact: &'a Contact, id: &Id, asked: &Asked<'a>) -> Option<Hindrance<'a>> {
        let Some(agent) = self.agent(id) else { return Some(Hindrance::NotDeclared) };
        self.hindrance_to(contact, id, agent, asked)
    }

    fn hindrance_to<'a>(&'a self, contact: &'a Contact, id: &Id, agent: &Agent, asked: &Asked<'a>) -> Option<Hindrance<'a>> {
        self.unsuitable(contact, id, agent, asked.now_ms)
            .or_else(|| without_room(agent, &contact.channel, self.rules()))
            .or_else(|| self.reserved_elsewhere(contact, id, agent))
            .or_else(|| self.untimely(contact, id, agent, asked))
    }

    /// What stands against it but what the agent has in hand, or has been reserved for.
    pub(crate) fn hindrance_but_room<'a>(
        &'a self,
        contact: &'a Contact,
        id: &Id,
        agent: &Agent,
        asked: &Asked<'a>,
    ) -> Option<Hindrance<'a>> {
        self.unsuitable(contact, id, agent, asked.now_ms).or_else(|| self.untimely(contact, id, agent, asked))
    }

    /// The questions before that of room …
    fn unsuitable<'a>(&'a self, contact: &'a Contact, id: &Id, agent: &Agent, now_ms: u64) -> Option<Hindrance<'a>> {
        #[cfg(test)]
        tests::ASKED.set(tests::ASKED.get() + 1);
        unavailable(contact, id, agent)
            .or_else(|| self.exclusion(contact, id, now_ms))
            .or_else(|| self.leaving(agent, &contact.channel, now_ms))
    }

    /// … and those after it.
    fn untimely<'a>(&self, contact: &'a Contact, id: &Id, agent: &Agent, asked: &Asked<'a>) -> Option<Hindrance<'static>> {
        closed_to(contact, id, agent, asked).or_else(|| self.preference(contact, id, asked.now_ms))
    }

    /// May this agent still hold the offer it has? (Capacity was taken when the offer was made.)
    pub(crate) fn may_keep_offer(&self, contact: &Contact, id: &Id, work: &Work) -> bool {
        self.agent(id).is_some_and(|agent| {
            let hindrance = if work.direct { Self::unreachable(contact, agent) } else { unavailable(contact, id, agent) };
            hindrance.is_none()
        })
    }

    /// What stands against giving the contact to this agent directly, whatever routing would say.
    pub(crate) fn unreachable(contact: &Contact, agent: &Agent) -> Option<Hindrance<'static>> {
        if !agent.ready() {
            return Some(Hindrance::Absent);
        }
        if agent.desk_due.is_some() {
            return Some(Hindrance::DeskLost);
        }
        match agent.channels.get(&contact.channel) {
            None => Some(Hindrance::ChannelNotEnabled),
            Some(enabled) if !enabled.on => Some(Hindrance::ChannelOff),
            Some(_) => None,
        }
    }

    /// The agent takes another contact before anything else but emergencies.
    fn reserved_elsewhere(&self, contact: &Contact, id: &Id, agent: &Agent) -> Option<Hindrance<'static>> {
        let other = agent.reserved.filter(|_| contact.course.reserved != Some(*id))?;
        let waits = contact.key.klass != EMERGENCY_CLASS || !self.yields_to_emergencies(&other);
        waits.then_some(Hindrance::Reserved)
    }

    /// An agent who is reserved for this contact takes emergencies all the same, from level 4 on, unless it is one itself.
    pub(crate) fn yields_to_emergencies(&self, reserved: &Id) -> bool {
        self.state.levels.is(4) && self.contact(reserved).is_some_and(|contact| contact.key.klass != EMERGENCY_CLASS)
    }

    /// From `reoffer_from_ms` on a pair is excluded only as long as another eligible agent is present.
    fn exclusion(&self, contact: &Contact, id: &Id, now_ms: u64) -> Option<Hindrance<'static>> {
        let exclusion = contact.exclusions.get(id).filter(|exclusion| now_ms < exclusion.until_ms)?;
        let holds = now_ms < exclusion.reoffer_from_ms || self.another_is_present(contact, id, now_ms);
        holds.then_some(Hindrance::Excluded { until_ms: exclusion.until_ms })
    }

    /// The offer could run over the agent's break or end of shift.
    pub(crate) fn leaving(&self, agent: &Agent, channel: &Name, now_ms: u64) -> Option<Hindrance<'static>> {
        let leaves_ms = agent.leaves_ms?;
        let before_ms = self.rules()?.channel(channel)?.last_offer_before_ms;
        (before_ms > 0 && now_ms >= leaves_ms.saturating_sub(before_ms)).then_some(Hindrance::Leaving)
    }

    fn another_is_present(&self, contact: &Contact, id: &Id, now_ms: u64) -> bool {
        self.is_there(contact, |other| {
            other != *id
                && *contact.sender != Some(other)
                && contact.exclusions.get(&other).is_none_or(|exclusion| now_ms >= exclusion.until_ms)
        })
    }

    /// Of those who could serve the contact some time there is one of whom this is true.
    fn is_there(&self, contact: &Contact, asked: impl Fn(Id) -> bool) -> bool {
        self.groups(contact).any(|group| {
            let mut found = false;
            self.index.crew.search(Among::There, contact, group, |Who { id, .. }| {
                found = asked(id);
                if found {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            found
        })
    }

    /// Somebody could serve the contact some time, whatever keeps the two apart now.
    pub(crate) fn someone_is_present(&self, contact: &Contact) -> bool {
        self.groups(contact).any(|(queue, rank)| self.index.crew.any_there(contact, queue, rank))
    }

    /// The same of a contact that may need other things some time, or does not wait: agents are sorted only by what somebody waits for now.
    pub(crate) fn someone_would_be_present(&self, contact: &Contact) -> bool {
        self.would_be_there(contact, |_| true)
    }

    /// Of a contact that does not wait: somebody besides this agent could serve it some time, and is not excluded.
    pub(crate) fn another_would_be_present(&self, contact: &Contact, id: &Id, now_ms: u64) -> bool {
        let excluded = |other: &Id| contact.exclusions.get(other).is_some_and(|exclusion| now_ms < exclusion.until_ms);
        self.would_be_there(contact, |other| other != *id && !excluded(&other))
    }

    fn would_be_there(&self, contact: &Contact, asked: impl Fn(Id) -> bool) -> bool {
        let undemanding = Contact { requirements: Vec::new(), ..contact.clone() };
        let meets = |agent: &Agent| contact.requirements.iter().all(|need| agent.meets(need));
        self.is_there(&undemanding, |id| asked(id) && self.agent(&id).is_some_and(meets))
    }

    /// The ranks of each of the contact's queues.
    pub(crate) fn groups<'a>(&'a self, contact: &'a Contact) -> impl Iterator<Item = (&'a Name, u8)> {
        contact.queues().flat_map(|queue| self.index.crew.ranks(queue).map(move |rank| (queue, rank)))
    }

    fn preference(&self, contact: &Contact, id: &Id, now_ms: u64) -> Option<Hindrance<'static>> {
        let waits = self.preference_holds(contact, now_ms) && !contact.preferred.contains(id);
        waits.then_some(Hindrance::Preference { until_ms: contact.prefer_until_ms })
    }

    /// Nobody but the preferred agents, while `prefer_ms` runs and one of them could serve the contact. What comes back from being parked waits for
    /// an owner who is there, and for nobody who is out.
    pub(crate) fn preference_holds(&self, contact: &Contact, now_ms: u64) -> bool {
        now_ms < contact.prefer_until_ms
            && contact.preferred.iter().any(|id| {
                self.agent(id).is_some_and(|agent| {
                    agent.rank(contact).is_some()
                        && *contact.sender != Some(*id)
                        && agent.requested != Presence::Offline
                        && agent.effective != Presence::Offline
                        && (agent.ready() || !contact.course.newer.returned)
                        && unsuited(agent, contact).is_none()
                        && self.exclusion(contact, id, now_ms).is_none()
                })
            })
    }
}

/// Those whom the contact prefers wait for no rank.
fn closed_to<'a>(contact: &'a Contact, id: &Id, agent: &Agent, asked: &Asked<'a>) -> Option<Hindrance<'static>> {
    if contact.course.opens_ms.is_empty() {
        return None;
    }
    let prefers = asked.now_ms < contact.prefer_until_ms && contact.preferred.contains(id);
    let rank = agent.rank(contact).filter(|_| !prefers)?;
    asked.closed_until(contact, rank).map(|until_ms| Hindrance::RankClosed { until_ms })
}

/// What stands against the agent whatever the pair's past and the agent's load: what an open offer may not meet either.
fn unavailable<'a>(contact: &'a Contact, id: &Id, agent: &Agent) -> Option<Hindrance<'a>> {
    if agent.rank(contact).is_none() {
        return Some(Hindrance::NotMember);
    }
    if *contact.sender == Some(*id) {
        return Some(Hindrance::Sender);
    }
    if !agent.ready() {
        return Some(Hindrance::Absent);
    }
    unsuited(agent, contact)
}

/// The agent has no desk, does not work on the channel, or lacks a skill.
fn unsuited<'a>(agent: &Agent, contact: &'a Contact) -> Option<Hindrance<'a>> {
    if agent.desk_due.is_some() {
        return Some(Hindrance::DeskLost);
    }
    match agent.channels.get(&contact.channel) {
        None => Some(Hindrance::ChannelNotEnabled),
        Some(enabled) if !enabled.on => Some(Hindrance::ChannelOff),
        Some(_) => contact.requirements.iter().find(|need| !agent.meets(need)).map(Hindrance::Skill),
    }
}

/// A limit is exceeded already, or would be even if what gives way to the channel did.
pub(crate) fn without_room(agent: &Agent, channel: &Name, rules: Option<&Rules>) -> Option<Hindrance<'static>> {
    if agent.over_capacity() {
        return Some(Hindrance::OverCapacity);
    }
    let fits = agent.channels.get(channel).is_some_and(|enabled| has_place(agent, channel, *enabled, rules));
    (!fits).then_some(Hindrance::NoRoom)
}

/// On this channel of an agent within its limits there is room for one more contact.
pub(crate) fn has_place(agent: &Agent, channel: &Name, enabled: Enabled, rules: Option<&Rules>) -> bool {
    agent.count(channel) < enabled.max_concurrent as usize
        && agent.work.len() < WORK_MAX
        && (agent.has_capacity_for(enabled.cost)
            || rules
                .is_some_and(|rules| agent.pressing_load(channel, rules) + u64::from(enabled.cost) <= u64::from(agent.capacity)))
}

#[cfg(test)]
mod tests;
