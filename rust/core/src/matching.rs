//! Matching: who gets whom, among those of whom `hindrance` says nothing. Pure questions on a site; no answer here changes anything.
//!
//! Cost: a contact looks at the ready members of its queue; an agent looks at those waiting in its queues, on the channels
//! it has room for, in key order from the head to the first one it may serve.

use std::collections::BTreeSet;

use crate::hindrance::without_room;
use crate::rules::Rules;
use crate::site::Site;
use crate::state::{Agent, Contact};
use crate::strategy::Standing;
use crate::words::{Decided, Id, Key, Looked, Name, OfferCause, Why};

/// Able agents are counted so far and no further: many is many.
const ABLE_MAX: usize = 100;

/// An offer worth making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) contact: Id,
    pub(crate) agent: Id,
    pub(crate) rank: u8,
    pub(crate) cause: OfferCause,
    pub(crate) why: Why,
}

/// A contact's place among those an agent may take; the least goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    rank: u8,
    key: Key,
}

impl Turn {
    /// The first thing in which it differs from the next one.
    fn decided(&self, next: &Self) -> Decided {
        if self.rank != next.rank {
            Decided::Rank
        } else if self.key.klass != next.key.klass {
            Decided::Class
        } else if self.key.order_ms != next.key.order_ms {
            Decided::Due
        } else {
            Decided::Arrival
        }
    }
}

impl Site {
    /// The best agents for a waiting contact at `now_ms`, at most `wanted` of them and not `besides`: a preferred one (by their order), else
    /// the least by their standing.
    pub(crate) fn best_agents(&self, id: Id, now_ms: u64, wanted: usize, besides: Option<Id>) -> Vec<Match> {
        let Some(contact) = self.contact(&id) else { return Vec::new() };
        if self.preference_holds(contact, now_ms) {
            return self.preferred_agent(id, contact, now_ms).into_iter().collect();
        }
        let able = self.ready_for(contact).filter(|agent| besides != Some(**agent) && self.may_offer(contact, agent, now_ms));
        let mut standings: Vec<Standing> = able.filter_map(|id| self.standing(contact, id, now_ms)).collect();
        standings.sort_unstable();
        // A member of two queues that the contact waits in.
        standings.dedup();
        if standings.is_empty() {
            return Vec::new();
        }
        let why = self.why(contact, Looked::Contact);
        let nexts = standings.iter().skip(1).map(Some).chain([None]);
        let chosen = standings.iter().zip(nexts).take(wanted).map(|(standing, next)| {
            let decided = next.map_or(Decided::Only, |next| standing.decided(next));
            let why = Why { runner_up: next.map(|next| next.agent), decided, ..why };
            Match { contact: id, agent: standing.agent, rank: standing.rank, cause: OfferCause::Routed, why }
        });
        chosen.collect()
    }

    fn preferred_agent(&self, id: Id, contact: &Contact, now_ms: u64) -> Option<Match> {
        let agent = contact.preferred.iter().find(|agent| self.may_offer(contact, agent, now_ms))?;
        let rank = self.agent(agent)?.rank(contact)?;
        let why = Why { decided: Decided::Preferred, ..self.why(contact, Looked::Contact) };
        Some(Match { contact: id, agent: *agent, rank, cause: OfferCause::Preferred, why })
    }

    /// The best waiting contact for an agent at `now_ms`: over the heads it may serve, the least (membership rank, key), or the key alone.
    pub(crate) fn best_contact(&self, id: Id, now_ms: u64) -> Option<Match> {
        let (floored, mut first) = self.first_contacts(id, now_ms)?;
        let ((turn, contact_id), next) = (first.next()?, first.next());
        let contact = self.contact(&contact_id)?;
        let rank = self.agent(&id)?.rank(contact)?;
        let why = self.why(contact, Looked::Agent);
        let found = if self.preference_holds(contact, now_ms) {
            (OfferCause::Preferred, Why { decided: Decided::Preferred, ..why })
        } else {
            let decided = next.map_or(Decided::Only, |(next, _)| turn.decided(&next));
            let decided = if floored { Decided::Floor } else { decided };
            (OfferCause::Routed, Why { runner_up: next.map(|(_, next)| next), decided, ..why })
        };
        Some(Match { contact: contact_id, agent: id, rank, cause: found.0, why: found.1 })
    }

    /// The contact an agent may take first, and the one it could take if that were not there; whether a floor asks for the first.
    fn first_contacts(&self, id: Id, now_ms: u64) -> Option<(bool, impl Iterator<Item = (Turn, Id)>)> {
        let agent = self.agent(&id).filter(|agent| agent.ready() && !agent.over_capacity())?;
        let floors = self.floors(agent);
        let kept_on = |contact: &Contact| floors.contains(&(&contact.queue, contact.key.klass));
        let floored = if floors.is_empty() { Vec::new() } else { self.first_among((id, agent), now_ms, kept_on) };
        let usual = if floored.len() < 2 { self.first_among((id, agent), now_ms, |_| true) } else { Vec::new() };
        let chosen = floored.first().map(|(_, contact)| *contact);
        let after = usual.into_iter().filter(move |(_, contact)| Some(*contact) != chosen);
        Some((chosen.is_some(), floored.into_iter().chain(after)))
    }

    /// The first two of the contacts that count.
    fn first_among(&self, (id, agent): (Id, &Agent), now_ms: u64, counts: impl Fn(&Contact) -> bool) -> Vec<(Turn, Id)> {
        let by_rank = self.rules().is_some_and(Rules::by_rank);
        let roomy: Vec<&Name> = agent.channels.keys().filter(|channel| without_room(agent, channel).is_none()).collect();
        let mut best: Vec<(Turn, Id)> = Vec::new();
        let lines = agent.memberships.iter().filter_map(|(queue, rank)| Some((rank, self.index.waiting.get(queue)?)));
        for (rank, line) in
            lines.flat_map(|(rank, channels)| roomy.iter().filter_map(move |name| Some((rank, channels.get(*name)?))))
        {
            for (key, contact_id) in line {
                let turn = Turn { rank: if by_rank { *rank } else { 0 }, key: *key };
                if best.get(1).is_some_and(|(second, _)| *second <= turn) {
                    break;
                }
                if self.contact(contact_id).is_some_and(|contact| counts(contact) && self.may_offer(contact, &id, now_ms)) {
                    best.push((turn, *contact_id));
                    best.sort_unstable();
                    // It waits in two of the agent's queues: its better place counts.
                    best.dedup_by_key(|(_, contact)| *contact);
                    best.truncate(2);
                }
            }
        }
        best
    }

    /// What can be said of any offer of this contact.
    fn why(&self, contact: &Contact, looked: Looked) -> Why {
        let able: BTreeSet<&Id> = self.ready_for(contact).filter(|id| self.is_able(contact, id)).collect();
        Why {
            looked,
            strategy: self.strategy(&contact.queue),
            able: able.len().min(ABLE_MAX) as u64,
            step: contact.course.step,
            runner_up: None,
            decided: Decided::Only,
        }
    }

    /// Queues and classes that members are to be kept on, and too few are: where the agent is to work first.
    fn floors<'a>(&'a self, agent: &'a Agent) -> Vec<(&'a Name, u8)> {
        let queues = agent.memberships.keys().filter_map(|queue| self.rules()?.queue(queue));
        let floors = queues.flat_map(|queue| queue.floors.iter().map(move |floor| (&queue.name, floor)));
        let open = floors.filter(|(queue, floor)| self.index.census.working(queue, floor.klass) < floor.members as usize);
        open.map(|(queue, floor)| (queue, floor.klass)).collect()
    }

    /// The least by key of those whose time to be promoted has come, if the queue has agents for another one.
    pub(crate) fn promotable(&self, queue: &Name, now_ms: u64) -> Option<Id> {
        let percent = usize::from(self.rules()?.queue(queue)?.promoted_percent);
        let census = &self.index.census;
        if census.promoted(queue) >= (percent * census.ready(queue)).div_ceil(100) {
            return None;
        }
        census.promotable(queue).find(|id| {
            let at_ms = self.contact(id).and_then(|contact| contact.course.promote_at_ms);
            at_ms.is_some_and(|at_ms| at_ms <= now_ms)
        })
    }
}
