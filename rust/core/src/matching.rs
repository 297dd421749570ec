//! Matching: who gets whom, among those of whom `hindrance` says nothing. Pure questions on a site; no answer here changes anything.
//!
//! Cost: a contact sees free members with its skills only, in idle order until it has found two; with another strategy than longest idle all of
//! them. An agent sees the heads of the lines it is able to serve (`lines`), and behind a head only if something stands against that one.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::rules::Rules;
use crate::site::Site;
use crate::state::{Agent, Contact};
use crate::strategy::Standing;
use crate::words::{Decided, Id, Key, Looked, Name, OfferCause, Strategy, Why};

/// Able agents are counted so far and no further: many is many.
const ABLE_MAX: u32 = 100;

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

/// The first two in an agent's order, by slot.
type Heads = [Option<(Turn, u32)>; 2];

/// An agent with room for contacts, and on which of its channels (one bit each, in their order).
#[derive(Clone, Copy)]
struct Looking<'a> {
    id: Id,
    slot: u32,
    agent: &'a Agent,
    free: u32,
    now_ms: u64,
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
    pub(crate) fn best_agents(&mut self, id: Id, now_ms: u64, wanted: usize, besides: Option<Id>) -> Vec<Match> {
        self.index.crew.arrange();
        let Some(contact) = self.contact(&id) else { return Vec::new() };
        if self.preference_holds(contact, now_ms) {
            return self.preferred_agent(id, contact, now_ms).into_iter().collect();
        }
        let mut standings = self.standings(contact, now_ms, wanted + 1, besides);
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
        let slot = self.state.agents.slot(&id)?;
        let free = self.index.crew.free_on(slot);
        if free == 0 {
            return None;
        }
        let agent = self.state.agents.at(slot)?;
        if let Some(reserved) = agent.reserved {
            return self.reserved_contact(id, reserved, now_ms);
        }
        let (floored, [first, next]) = self.first_contacts(&Looking { id, slot, agent, free, now_ms });
        let (turn, found) = first?;
        let contact = self.state.contacts.at(found)?;
        let named = |slot| self.index.queueing.standing(slot).map(|(id, _)| id);
        let rank = agent.rank(contact)?;
        let why = self.why(contact, Looked::Agent);
        let (cause, why) = if self.preference_holds(contact, now_ms) {
            (OfferCause::Preferred, Why { decided: Decided::Preferred, ..why })
        } else {
            let decided = next.map_or(Decided::Only, |(next, _)| turn.decided(&next));
            let decided = if floored { Decided::Floor } else { decided };
            (OfferCause::Routed, Why { runner_up: next.and_then(|(_, next)| named(next)), decided, ..why })
        };
        Some(Match { contact: named(found)?, agent: id, rank, cause, why })
    }

    /// The one an agent is reserved for, and no other.
    fn reserved_contact(&self, id: Id, reserved: Id, now_ms: u64) -> Option<Match> {
        let contact = self.contact(&reserved).filter(|contact| self.may_offer(contact, &id, now_ms))?;
        let preferred = self.preference_holds(contact, now_ms);
        let (cause, decided) =
            if preferred { (OfferCause::Preferred, Decided::Preferred) } else { (OfferCause::Routed, Decided::Reserved) };
        let why = Why { decided, ..self.why(contact, Looked::Agent) };
        Some(Match { contact: reserved, agent: id, rank: self.agent(&id)?.rank(contact)?, cause, why })
    }

    /// The contact an agent may take first, and the one it could take if that were not there; whether a floor asks for the first.
    fn first_contacts(&self, looking: &Looking<'_>) -> (bool, Heads) {
        let floors = self.floors(looking.agent);
        if floors.is_empty() {
            return (false, self.first_among(looking, None));
        }
        let kept_on = |contact: &Contact| floors.contains(&(&contact.queue, contact.key.klass));
        let [first, second] = self.first_among(looking, Some(&kept_on));
        if second.is_some() {
            return (true, [first, second]);
        }
        let chosen = first.map(|(_, contact)| contact);
        let usual = self.first_among(looking, None).into_iter().flatten();
        let mut after = usual.filter(|(_, contact)| Some(*contact) != chosen);
        (chosen.is_some(), if chosen.is_some() { [first, after.next()] } else { [after.next(), after.next()] })
    }

    /// Those who may be offered the contact: all of them, or at least the `wanted` that stand first. In no particular order.
    fn standings(&self, contact: &Contact, now_ms: u64, wanted: usize, besides: Option<Id>) -> Vec<Standing> {
        let in_idle_order = self.strategy(&contact.queue) == Strategy::LongestIdle;
        let mut standings = Vec::new();
        for queue in contact.queues() {
            let mut found = 0;
            for rank in self.index.crew.ranks(queue) {
                let mut unloaded = 0;
                self.index.crew.search(contact, queue, rank, |id| {
                    if besides != Some(id) && self.may_offer(contact, &id, now_ms) {
                        let standing = self.standing(contact, &id, now_ms);
                        unloaded += usize::from(standing.is_some_and(|standing| !standing.loaded));
                        standings.extend(standing);
                        found += 1;
                    }
                    if in_idle_order && unloaded >= wanted {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                });
                // Whoever has a higher rank in this queue stands behind them.
                if found >= wanted {
                    break;
                }
            }
        }
        standings
    }

    /// The first two of the contacts that count (None: all).
    fn first_among(&self, looking: &Looking<'_>, counts: Option<&dyn Fn(&Contact) -> bool>) -> Heads {
        let Looking { id, slot, agent, free, now_ms } = *looking;
        let by_rank = self.rules().is_some_and(Rules::by_rank);
        let channels = agent.channels.len();
        let two_best = |takes: Option<&dyn Fn(u32) -> bool>| {
            let open = agent.memberships.values().enumerate().flat_map(|(queue, rank)| {
                let rank = if by_rank { *rank } else { 0 };
                let roomy = (0..channels).filter(move |bit| free & (1 << bit) != 0);
                roomy.map(move |channel| (queue * channels + channel, rank))
            });
            self.index.queueing.two_best(slot, open, takes)
        };
        // There is room on these channels, and the agent is reserved for nobody.
        let may_have = |contact: &Contact| self.hindrance_but_room(contact, &id, agent, now_ms).is_none();
        // Mostly the lines know all there is to know, and the contact need not be looked at.
        let knows = counts.is_none() && agent.leaves_ms.is_none();
        let takes = |contact: u32| {
            let record = || self.state.contacts.at(contact);
            let open = knows && self.index.queueing.is_open(contact);
            debug_assert!(!open || record().is_some_and(may_have), "the lines differ from the rules");
            open || record().is_some_and(|contact| counts.is_none_or(|counts| counts(contact)) && may_have(contact))
        };
        // Mostly nothing stands against those who are first, and nobody else need be asked.
        let heads = two_best(None);
        let clear = heads.iter().flatten().all(|(_, contact)| takes(*contact));
        let best = if clear { heads } else { two_best(Some(&takes)) };
        best.map(|head| {
            let (rank, contact) = head?;
            let (_, key) = self.index.queueing.standing(contact)?;
            Some((Turn { rank, key }, contact))
        })
    }

    /// What can be said of any offer of this contact.
    fn why(&self, contact: &Contact, looked: Looked) -> Why {
        Why {
            looked,
            strategy: self.strategy(&contact.queue),
            able: u64::from(self.able(contact)),
            step: contact.course.step,
            runner_up: None,
            decided: Decided::Only,
        }
    }

    /// Queues and classes that members are to be kept on, and too few are: where the agent is to work first.
    fn floors<'a>(&'a self, agent: &'a Agent) -> Vec<(&'a Name, u8)> {
        if !self.rules().is_some_and(Rules::keeps_floors) {
            return Vec::new();
        }
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
        census.promotable(queue, now_ms)
    }

    /// How many agents could serve the contact (docs/routing/offers.md: `able`).
    fn able(&self, contact: &Contact) -> u32 {
        let crew = &self.index.crew;
        let ranks = |queue| crew.ranks(queue).map(move |rank| (queue, rank));
        let mut groups = contact.queues().flat_map(ranks);
        if contact.queues().nth(1).is_none() {
            let counted = groups.map(|(queue, rank)| crew.count(contact, queue, rank, ABLE_MAX)).sum::<u32>();
            return counted.min(ABLE_MAX);
        }
        // A member of several of its queues counts once.
        let mut able = BTreeSet::new();
        let _ = groups.try_for_each(|(queue, rank)| {
            crew.search(contact, queue, rank, |id| {
                able.insert(id);
                if able.len() >= ABLE_MAX as usize {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            if able.len() >= ABLE_MAX as usize {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        u32::try_from(able.len()).unwrap_or(ABLE_MAX)
    }
}
