//! Matching: who may be offered what. Pure questions on a site; no answer here changes anything.
//!
//! Cost: a contact looks at the ready members of its queue; an agent looks at those waiting in its queues, on the channels
//! it has room for, in key order from the head to the first one it may serve.

use crate::site::Site;
use crate::state::{Agent, Contact, WORK_MAX};
use crate::words::{Id, Key, Name, OfferCause, Presence};

/// An offer worth making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) contact: Id,
    pub(crate) agent: Id,
    pub(crate) rank: u8,
    pub(crate) cause: OfferCause,
}

impl Site {
    /// The best agent for a waiting contact at `now_ms`: preferred ones in their order, else the least by (membership rank, load > 0,
    /// idle since, id).
    pub(crate) fn best_agent(&self, id: Id, now_ms: u64) -> Option<Match> {
        let contact = self.contact(&id)?;
        if self.preference_holds(contact, now_ms) {
            let agent = contact.preferred.iter().find(|agent| self.may_offer(contact, agent, now_ms))?;
            let rank = *self.agent(agent)?.memberships.get(&contact.queue)?;
            return Some(Match { contact: id, agent: *agent, rank, cause: OfferCause::Preferred });
        }
        let ready = self.index.ready.get(&contact.queue)?;
        let (rank, _, _, agent) = ready
            .iter()
            .filter(|agent| self.may_offer(contact, agent, now_ms))
            .filter_map(|id| {
                let agent = self.agent(id)?;
                Some((*agent.memberships.get(&contact.queue)?, agent.load() > 0, agent.idle_since_ms, *id))
            })
            .min()?;
        Some(Match { contact: id, agent, rank, cause: OfferCause::Routed })
    }

    /// The best waiting contact for an agent at `now_ms`: over the heads it may serve, the least (membership rank, key), or the key alone.
    pub(crate) fn best_contact(&self, id: Id, now_ms: u64) -> Option<Match> {
        let agent = self.agent(&id)?;
        let by_rank = self.rules()?.by_rank();
        if !agent.ready() || agent.over_capacity() {
            return None;
        }
        let roomy: Vec<&Name> = agent.channels.keys().filter(|channel| has_room(agent, channel)).collect();
        let mut best: Option<((u8, Key), Match)> = None;
        let lines = agent.memberships.iter().filter_map(|(queue, rank)| Some((rank, self.index.waiting.get(queue)?)));
        for (rank, line) in
            lines.flat_map(|(rank, channels)| roomy.iter().filter_map(move |name| Some((rank, channels.get(*name)?))))
        {
            for (key, contact_id) in line {
                let place = (if by_rank { *rank } else { 0 }, *key);
                if best.is_some_and(|(found, _)| found <= place) {
                    break;
                }
                let Some(contact) = self.contact(contact_id) else { continue };
                let preferred = self.preference_holds(contact, now_ms);
                if (preferred && !contact.preferred.contains(&id)) || !self.may_offer(contact, &id, now_ms) {
                    continue;
                }
                let cause = if preferred { OfferCause::Preferred } else { OfferCause::Routed };
                best = Some((place, Match { contact: *contact_id, agent: id, rank: *rank, cause }));
                break;
            }
        }
        best.map(|(_, found)| found)
    }

    /// Nobody but the preferred agents, while `prefer_ms` runs and one of them could serve the contact.
    fn preference_holds(&self, contact: &Contact, now_ms: u64) -> bool {
        now_ms < contact.prefer_until_ms
            && contact.preferred.iter().any(|id| {
                self.agent(id).is_some_and(|agent| {
                    agent.requested != Presence::Offline
                        && agent.effective != Presence::Offline
                        && suits(agent, contact)
                        && contact.sender != Some(*id)
                        && !self.excluded(contact, id, now_ms)
                })
            })
    }

    /// Every predicate of an offer, at this moment.
    fn may_offer(&self, contact: &Contact, id: &Id, now_ms: u64) -> bool {
        self.agent(id).is_some_and(|agent| {
            available(agent, contact, id) && has_room(agent, &contact.channel) && !self.excluded(contact, id, now_ms)
        })
    }

    /// Is the pair excluded? From `reoffer_from_ms` on only as long as another eligible agent is present.
    fn excluded(&self, contact: &Contact, id: &Id, now_ms: u64) -> bool {
        contact.exclusions.get(id).is_some_and(|exclusion| {
            now_ms < exclusion.until_ms && (now_ms < exclusion.reoffer_from_ms || self.another_is_present(contact, id, now_ms))
        })
    }

    fn another_is_present(&self, contact: &Contact, id: &Id, now_ms: u64) -> bool {
        self.index.ready.get(&contact.queue).is_some_and(|ready| {
            ready.iter().filter(|other| *other != id).any(|other| {
                contact.exclusions.get(other).is_none_or(|exclusion| now_ms >= exclusion.until_ms)
                    && self.agent(other).is_some_and(|agent| available(agent, contact, other))
            })
        })
    }

    /// May this agent still hold the offer it has? (Capacity was taken when the offer was made.)
    pub(crate) fn may_keep_offer(&self, contact: &Contact, id: &Id) -> bool {
        self.agent(id).is_some_and(|agent| available(agent, contact, id))
    }
}

/// Member, skilled, and works on the channel.
fn suits(agent: &Agent, contact: &Contact) -> bool {
    agent.memberships.contains_key(&contact.queue)
        && agent.channels.get(&contact.channel).is_some_and(|enabled| enabled.on)
        && agent.skilled_for(&contact.requirements)
}

/// Suits, is ready, and has not just sent the contact away.
fn available(agent: &Agent, contact: &Contact, id: &Id) -> bool {
    agent.ready() && contact.sender != Some(*id) && suits(agent, contact)
}

/// Load and count leave room for it, and no limit is exceeded already.
fn has_room(agent: &Agent, channel: &Name) -> bool {
    agent.channels.get(channel).is_some_and(|enabled| {
        agent.load() + u64::from(enabled.cost) <= u64::from(agent.capacity)
            && agent.count(channel) < enabled.max_concurrent as usize
            && agent.work.len() < WORK_MAX
            && !agent.over_capacity()
    })
}
