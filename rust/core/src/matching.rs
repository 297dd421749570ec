//! Matching: who gets whom, among those of whom `hindrance` says nothing. Pure questions on a site; no answer here changes anything.
//!
//! Cost: a contact looks at the ready members of its queue; an agent looks at those waiting in its queues, on the channels
//! it has room for, in key order from the head to the first one it may serve.

use crate::hindrance::without_room;
use crate::site::Site;
use crate::words::{Id, Key, Name, OfferCause};

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
            let rank = self.agent(agent)?.rank(contact)?;
            return Some(Match { contact: id, agent: *agent, rank, cause: OfferCause::Preferred });
        }
        let (rank, _, _, agent) = self
            .ready_for(contact)
            .filter(|agent| self.may_offer(contact, agent, now_ms))
            .filter_map(|id| {
                let agent = self.agent(id)?;
                Some((agent.rank(contact)?, agent.load() > 0, agent.idle_since_ms, *id))
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
        let roomy: Vec<&Name> = agent.channels.keys().filter(|channel| without_room(agent, channel).is_none()).collect();
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
                if !self.may_offer(contact, &id, now_ms) {
                    continue;
                }
                let preferred = self.preference_holds(contact, now_ms);
                let cause = if preferred { OfferCause::Preferred } else { OfferCause::Routed };
                best = Some((place, Match { contact: *contact_id, agent: id, rank: *rank, cause }));
                break;
            }
        }
        best.map(|(_, found)| found)
    }
}
