//! Matching: who gets whom, among those of whom `hindrance` says nothing. Pure questions on a site; no answer here changes anything.
//!
//! Cost: a contact sees free members with its skills only, in idle order until it has found two; with another strategy than longest idle all of
//! them. Agents of a rank that is closed to it are not looked at. An agent sees the heads of the lines it is able to serve (`lines`), and behind a
//! head only if something stands against that one; of channels that it is about to leave it sees nothing. Whom a floor asks for is found among
//! the contacts of the floor's class, and not looked for if none of them waits.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::hindrance::Asked;
use crate::index::{Among, Who};
use crate::lines::Band;
use crate::rules::{Rules, EMERGENCY_CLASS};
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

/// A queue, and the class in it that members are to be kept on.
type Floor<'a> = (&'a Name, u8);

/// Which contacts an agent looks at.
#[derive(Clone, Copy)]
enum Of<'a> {
    All,
    Floors(&'a [Floor<'a>]),
    Emergencies,
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
        let agent = contact.preferred.iter().find(|agent| self.may_offer(contact, agent, &Asked::at(self, now_ms)))?;
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
        let looking = Looking { id, slot, agent, free, now_ms };
        let kept = match agent.reserved {
            Some(reserved) => self.reserved_contact(id, reserved, now_ms),
            None => self.held_contact(id, agent, now_ms),
        };
        if let Some(reserved) = agent.reserved.or(kept.map(|kept| kept.contact)) {
            return self.emergency_before(&looking, (reserved, kept)).or(kept);
        }
        let (floored, heads) = self.first_contacts(&looking);
        self.chosen(&looking, floored, heads)
    }

    /// The first of the heads, and why.
    fn chosen(&self, looking: &Looking<'_>, floored: bool, [first, next]: Heads) -> Option<Match> {
        let Looking { id, agent, now_ms, .. } = *looking;
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

    /// An emergency that stands before the one that the agent is to take, or the first of them if that one cannot be had now.
    fn emergency_before(&self, looking: &Looking<'_>, (reserved, kept): (Id, Option<Match>)) -> Option<Match> {
        if !self.yields_to_emergencies(&reserved) {
            return None;
        }
        let [first, second] = self.first_among(looking, Of::Emergencies);
        let kept = kept.and_then(|kept| {
            let slot = self.state.contacts.slot(&kept.contact)?;
            let rank = if self.rules().is_some_and(Rules::by_rank) { kept.rank } else { 0 };
            Some((Turn { rank, key: self.state.contacts.at(slot)?.key }, slot))
        });
        if first > kept && kept.is_some() {
            return None;
        }
        self.chosen(looking, false, [first, [second, kept].into_iter().flatten().min()])
    }

    /// The one an agent is reserved for.
    fn reserved_contact(&self, id: Id, reserved: Id, now_ms: u64) -> Option<Match> {
        let contact = self.contact(&reserved).filter(|contact| self.may_offer(contact, &id, &Asked::at(self, now_ms)))?;
        let preferred = self.preference_holds(contact, now_ms);
        let (cause, decided) =
            if preferred { (OfferCause::Preferred, Decided::Preferred) } else { (OfferCause::Routed, Decided::Reserved) };
        let why = Why { decided, ..self.why(contact, Looked::Agent) };
        Some(Match { contact: reserved, agent: id, rank: self.agent(&id)?.rank(contact)?, cause, why })
    }

    /// Of the promised calls that agents are held for, the first one that this agent may have: whoever is free first takes it.
    fn held_contact(&self, id: Id, agent: &Agent, now_ms: u64) -> Option<Match> {
        if !self.index.holds.any() || !self.state.levels.is(4) {
            return None;
        }
        let held = agent.memberships.keys().flat_map(|queue| self.index.holds.of(queue));
        let mut line: Vec<(Key, Id)> = held.filter_map(|held| Some((self.contact(held)?.key, *held))).collect();
        line.sort_unstable();
        line.into_iter().find_map(|(_, held)| self.reserved_contact(id, held, now_ms))
    }

    /// The contact an agent may take first, and the one it could take if that were not there; whether a floor asks for the first.
    fn first_contacts(&self, looking: &Looking<'_>) -> (bool, Heads) {
        let floors = self.floors(looking.agent);
        if floors.is_empty() {
            return (false, self.first_among(looking, Of::All));
        }
        let [first, second] = self.first_among(looking, Of::Floors(&floors));
        if second.is_some() {
            return (true, [first, second]);
        }
        let chosen = first.map(|(_, contact)| contact);
        let usual = self.first_among(looking, Of::All).into_iter().flatten();
        let mut after = usual.filter(|(_, contact)| Some(*contact) != chosen);
        (chosen.is_some(), if chosen.is_some() { [first, after.next()] } else { [after.next(), after.next()] })
    }

    /// Those who may be offered the contact: all of them, or at least the `wanted` that stand first. In no particular order.
    fn standings(&self, contact: &Contact, now_ms: u64, wanted: usize, besides: Option<Id>) -> Vec<Standing> {
        let strategy = self.strategy(&contact.queue);
        let in_idle_order = strategy == Strategy::LongestIdle;
        let asked = Asked::at(self, now_ms);
        let mut standings = Vec::new();
        for queue in contact.queues() {
            let mut found = 0;
            // Nobody of a closed rank may be offered the contact but those it prefers, and of them nobody could be found.
            for rank in self.index.crew.ranks(queue).filter(|rank| asked.closed_until(contact, *rank).is_none()) {
                let mut unloaded = 0;
                self.index.crew.search(Among::Free, contact, (queue, rank), |Who { id, slot }| {
                    let agent = self.state.agents.at(slot).filter(|_| besides != Some(id));
                    if let Some(agent) = agent.filter(|agent| self.may_offer_to(contact, &id, agent, &asked)) {
                        let standing = self.standing(contact, (&id, agent), strategy, now_ms);
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

    /// The first two of all contacts, or of some.
    fn first_among<'a>(&'a self, looking: &Looking<'_>, of: Of<'_>) -> Heads {
        let Looking { id, slot, agent, now_ms, .. } = *looking;
        let by_rank = self.rules().is_some_and(Rules::by_rank);
        let channels = agent.channels.len();
        let free = self.staying(looking);
        let two_best = |takes: Option<&dyn Fn(u32) -> bool>| {
            let mut best = [None; 2];
            for (queue, (name, rank)) in agent.memberships.iter().enumerate() {
                let rank = if by_rank { *rank } else { 0 };
                for channel in (0..channels).filter(|bit| free & (1 << bit) != 0) {
                    let door = (slot, queue * channels + channel);
                    self.each_band((name, rank), agent, of, |band| {
                        self.index.queueing.best(door, (rank, band), takes, &mut best);
                    });
                }
            }
            best.map(|choice| choice.map(|(rank, _, contact)| (rank, contact)))
        };
        let asked = Asked::at(self, now_ms);
        let counts = |contact: &Contact| match of {
            Of::All | Of::Emergencies => true,
            Of::Floors(floors) => floors.contains(&(&contact.queue, contact.key.klass)),
        };
        // There is room on these channels, and the agent is reserved for nobody, or these go before.
        let may_have = |contact: &'a Contact| self.hindrance_but_room(contact, &id, agent, &asked).is_none();
        // Mostly the lines know all there is to know, and the contact need not be looked at.
        let takes = |contact: u32| {
            let record = || self.state.contacts.at(contact);
            let open = !matches!(of, Of::Floors(_)) && self.index.queueing.is_open(contact);
            debug_assert!(!open || record().is_some_and(may_have), "the lines differ from the rules");
            open || record().is_some_and(|contact| counts(contact) && may_have(contact))
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

    /// The channels on which the agent is free, and not about to leave.
    fn staying(&self, looking: &Looking<'_>) -> u32 {
        let Looking { agent, free, now_ms, .. } = *looking;
        if agent.leaves_ms.is_none() {
            return free;
        }
        let leaving = (0..).zip(agent.channels.keys()).filter(|(_, channel)| self.leaving(agent, channel, now_ms).is_some());
        leaving.fold(free, |free, (bit, _)| free & !(1_u32 << bit))
    }

    /// What of a queue is looked at: all, emergencies, or the classes of the floors. A contact that waits in several queues has the least rank of them: if that
    /// may be another's than its own queue's, this one is looked at too.
    fn each_band(&self, (queue, rank): (&Name, u8), agent: &Agent, of: Of<'_>, mut look: impl FnMut(Band)) {
        let floors = match of {
            Of::All => return look(Band::ALL),
            Of::Emergencies => return look(Band::of(EMERGENCY_CLASS)),
            Of::Floors(floors) => floors,
        };
        let ranked = self.index.queueing.any_spread() && self.rules().is_some_and(Rules::by_rank);
        let lower = |floored: &Name| ranked && agent.memberships.get(floored).is_some_and(|own| rank < *own);
        for (_, klass) in floors.iter().filter(|(floored, _)| *floored == queue || lower(floored)) {
            look(Band::of(*klass));
        }
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

    /// Queues and classes that members are to be kept on, too few are, and somebody waits in: where the agent is to work first.
    fn floors<'a>(&'a self, agent: &'a Agent) -> Vec<Floor<'a>> {
        if !self.rules().is_some_and(Rules::keeps_floors) {
            return Vec::new();
        }
        let queues = agent.memberships.keys().filter_map(|queue| self.rules()?.queue(queue));
        let floors = queues.flat_map(|queue| queue.floors.iter().map(move |floor| (&queue.name, floor)));
        let census = &self.index.census;
        let open = floors.filter(|(queue, floor)| {
            census.working(queue, floor.klass) < floor.members as usize && census.any_looks(queue, floor.klass)
        });
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
        if contact.course.added.is_empty() {
            let ranks = crew.ranks(&contact.queue);
            return ranks.map(|rank| crew.count(contact, &contact.queue, rank, ABLE_MAX)).sum::<u32>().min(ABLE_MAX);
        }
        // A member of several of its queues counts once.
        let mut able = BTreeSet::new();
        let _ = self.groups(contact).try_for_each(|(queue, rank)| {
            crew.search(Among::Free, contact, (queue, rank), |Who { id, .. }| {
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
