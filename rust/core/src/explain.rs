//! Why not: what stands between a contact and each agent, and an agent and each contact, on the state as it is, at its own moment or a later
//! one.
//!
//! Nothing is decided or changed: what was to happen since the last commit has not, and is named as `due`. Written as msgpack maps;
//! python/cordboard/api/sentences.py says the same in sentences.
//!
//! Costs: of a contact, all agents and all contacts sorted by id, and the members of its queues asked and sorted once more; of an agent, all
//! contacts sorted by id, and those that wait in its queues asked and sorted once more; of both, what is overdue. The platform asks a router
//! of its own, so that no decision waits for it.

mod due;
mod hands;
mod promise;

use std::collections::BTreeMap;

use serde::Serialize;

use self::due::Due;
use self::hands::{OfferExplanation, ParkingExplanation};
use self::promise::{PlaceExplanation, PromiseExplanation};
use crate::hindrance::{Asked, Hindrance};
use crate::router::Router;
use crate::site::Site;
use crate::state::{Agent, Contact, Promise};
use crate::words::{ContactState, Id, Key, Name, Presence, Requirement};

/// The questions in their order: who fails at a later one is nearer to the contact.
const QUESTIONS: [&str; 15] = [
    "not_declared",
    "not_member",
    "sender",
    "absent",
    "desk_lost",
    "channel_not_enabled",
    "channel_off",
    "skill",
    "excluded",
    "leaving",
    "over_capacity",
    "no_room",
    "reserved",
    "rank_closed",
    "preference",
];

/// A key as the words have it: class, due time less credit, arrival.
type Place = (u8, i64, u64);
/// A requirement as the words have it: skill, level, hard.
type Need<'a> = (&'a Name, u8, bool);

/// A contact, and for each member of its queues what hinders an offer.
#[derive(Debug, Serialize)]
struct ContactExplanation<'a> {
    seq: u64,
    at_ms: u64,
    contact: Id,
    state: String,
    channel: &'a Name,
    queue: &'a Name,
    visit: u32,
    attempt: u32,
    /// None: it has no place in a line.
    key: Option<Place>,
    entered_ms: u64,
    queued_at_ms: u64,
    due_ms: u64,
    priority: u8,
    requirements: Vec<Need<'a>>,
    preferred: &'a [Id],
    prefer_until_ms: u64,
    /// Who has it.
    agent: Option<Id>,
    /// Contacts that wait in the same queue with a lesser key.
    ahead: usize,
    /// How many members each hindrance keeps from it; `none` is nothing.
    hindrances: BTreeMap<&'static str, usize>,
    /// Those nearest to it first; empty unless it waits.
    agents: Vec<Hindered<'a>>,
    /// What it is promised, if anything is.
    promise: Option<PromiseExplanation>,
    /// What it would be promised if its customer hung up now and kept the place.
    place: Option<PlaceExplanation>,
    due: Vec<Due>,
    /// How far `agent` is with it, unless that one is engaged.
    offer: Option<OfferExplanation>,
    parked: Option<ParkingExplanation>,
    /// Who takes nothing else before it.
    reserved: Option<Id>,
}

/// An agent, and for each contact that waits in its queues what hinders an offer.
#[derive(Debug, Serialize)]
struct AgentExplanation<'a> {
    seq: u64,
    at_ms: u64,
    agent: Id,
    requested: Presence,
    requested_reason: Option<&'a Name>,
    effective: Presence,
    effective_reason: Option<&'a Name>,
    idle_since_ms: u64,
    load: u64,
    capacity: u32,
    work: Vec<Held<'a>>,
    waiting: usize,
    hindrances: BTreeMap<&'static str, usize>,
    /// In the order of their keys.
    contacts: Vec<Hindered<'a>>,
    due: Vec<Due>,
    /// Pieces of work from elsewhere: in the load, too.
    outside: usize,
    /// The contact that it takes before anything else.
    reserved: Option<Id>,
}

/// One pair: the other side, and the first question that an offer fails at.
#[derive(Debug, Serialize)]
struct Hindered<'a> {
    id: Id,
    queue: &'a Name,
    rank: u8,
    key: Option<Place>,
    hindrance: &'static str,
    until_ms: Option<u64>,
    need: Option<Need<'a>>,
    /// The other contact, if that is what hinders.
    reserved: Option<Id>,
}

#[derive(Debug, Serialize)]
struct Held<'a> {
    contact: Id,
    attempt: u32,
    channel: &'a Name,
    queue: &'a Name,
    cost: u32,
}

impl Router {
    /// Why nobody has been offered a waiting contact, who has it, or what a scheduled one is promised: a msgpack map with at most `limit`
    /// agents, as of `at_ms` (not before the last commit). None: no such live contact.
    pub fn explain_contact(&self, contact: [u8; 16], limit: usize, at_ms: u64) -> Option<Vec<u8>> {
        let (site, id) = (self.site(), Id(contact));
        let now_ms = site.state.at_ms.max(at_ms);
        let Some(contact) = site.contact(&id) else {
            return site.state.promises.get(&id).map(|promise| written(&scheduled(site, id, promise, now_ms)));
        };
        let asked = Asked::at(site, now_ms);
        let mut agents: Vec<(usize, Hindered<'_>)> = site
            .state
            .agents
            .iter()
            .filter(|_| contact.looks())
            .filter_map(|(agent_id, agent)| {
                let through = through(agent, contact)?;
                let hindrance = site.hindrance(contact, agent_id, &asked);
                let found = hindered(agent, hindrance, *agent_id, through, None);
                Some((nearness(found.hindrance), found))
            })
            .collect();
        let hindrances = counted(agents.iter().map(|(_, found)| found.hindrance));
        agents.sort_by_key(|(place, found)| (std::cmp::Reverse(*place), found.rank, found.id));
        agents.truncate(limit);
        Some(written(&ContactExplanation {
            seq: site.state.seq,
            at_ms: now_ms,
            contact: id,
            state: contact.phase.word().to_string(),
            channel: &contact.channel,
            queue: &contact.queue,
            visit: contact.visit,
            attempt: contact.attempt,
            key: Some(place(contact.key)),
            entered_ms: contact.entered_ms,
            queued_at_ms: contact.queued_at_ms,
            due_ms: due_at(site, &id, contact),
            priority: contact.priority,
            requirements: contact.requirements.iter().map(need).collect(),
            preferred: &contact.preferred,
            prefer_until_ms: contact.prefer_until_ms,
            agent: contact.phase.agent(),
            ahead: ahead(site, contact),
            hindrances,
            agents: agents.into_iter().map(|(_, found)| found).collect(),
            promise: promise::of(site, &id),
            place: promise::place_of(site, &id, contact, now_ms),
            due: due::of_contact(site, &id, Some(contact), now_ms),
            offer: hands::offer_of(contact),
            parked: hands::parking_of(contact),
            reserved: contact.course.reserved,
        }))
    }

    /// Why an agent is not offered what waits in its queues: a msgpack map with at most `limit` contacts, as of `at_ms` (not before the last
    /// commit). None: no such agent.
    pub fn explain_agent(&self, agent: [u8; 16], limit: usize, at_ms: u64) -> Option<Vec<u8>> {
        let (site, id) = (self.site(), Id(agent));
        let agent = site.agent(&id)?;
        let now_ms = site.state.at_ms.max(at_ms);
        let asked = Asked::at(site, now_ms);
        let mut contacts: Vec<(Key, Hindered<'_>)> = waiting_for(site, agent)
            .map(|(contact_id, contact, through)| {
                let hindrance = site.hindrance(contact, &id, &asked);
                (contact.key, hindered(agent, hindrance, contact_id, through, Some(contact.key)))
            })
            .collect();
        let hindrances = counted(contacts.iter().map(|(_, found)| found.hindrance));
        let waiting = contacts.len();
        contacts.sort_by_key(|(key, _)| *key);
        contacts.truncate(limit);
        let work = agent.work.iter().map(|((contact, attempt), work)| Held {
            contact: *contact,
            attempt: *attempt,
            channel: &work.channel,
            queue: &work.queue,
            cost: work.cost,
        });
        Some(written(&AgentExplanation {
            seq: site.state.seq,
            at_ms: now_ms,
            agent: id,
            requested: agent.requested,
            requested_reason: agent.requested_reason.as_ref(),
            effective: agent.effective,
            effective_reason: agent.effective_reason.as_ref(),
            idle_since_ms: agent.idle_since_ms,
            load: agent.load(),
            capacity: agent.capacity,
            work: work.collect(),
            waiting,
            hindrances,
            contacts: contacts.into_iter().map(|(_, found)| found).collect(),
            due: due::of_agent(site, &id, agent, now_ms),
            outside: agent.outside.len(),
            reserved: agent.reserved,
        }))
    }
}

/// A contact that is promised a call and waits for its time: nobody is to be offered it yet.
fn scheduled<'a>(site: &Site, id: Id, promise: &'a Promise, now_ms: u64) -> ContactExplanation<'a> {
    ContactExplanation {
        seq: site.state.seq,
        at_ms: now_ms,
        contact: id,
        state: ContactState::Scheduled.to_string(),
        channel: &promise.channel,
        queue: &promise.queue,
        visit: promise.visit,
        attempt: promise.attempt,
        key: promise.key.map(place),
        entered_ms: promise.made_ms,
        queued_at_ms: promise.made_ms,
        due_ms: promise.due_ms,
        priority: promise.priority,
        requirements: promise.wishes.iter().map(need).collect(),
        preferred: &promise.preferred,
        prefer_until_ms: 0,
        agent: None,
        ahead: 0,
        hindrances: BTreeMap::new(),
        agents: Vec::new(),
        promise: promise::of(site, &id),
        place: None,
        due: due::of_contact(site, &id, None, now_ms),
        offer: None,
        parked: None,
        reserved: None,
    }
}

/// As it stands in the order: what was parked is due when it was before. A promised call is due in time while its window lasts.
fn due_at(site: &Site, id: &Id, contact: &Contact) -> u64 {
    let ordered = site.rules().filter(|_| site.state.promises.get(id).is_none());
    let counted_ms = contact.queued_at_ms + contact.target_ms;
    ordered.map_or(counted_ms, |rules| rules.due_ms(contact.key, contact.priority).min(counted_ms))
}

/// How many questions were passed.
fn nearness(word: &str) -> usize {
    QUESTIONS.iter().position(|question| *question == word).unwrap_or(QUESTIONS.len())
}

fn waiting_for<'a>(site: &'a Site, agent: &'a Agent) -> impl Iterator<Item = (Id, &'a Contact, (&'a Name, u8))> {
    let waits = site.state.contacts.iter().filter(|(_, contact)| contact.looks());
    waits.filter_map(|(id, contact)| Some((*id, contact, through(agent, contact)?)))
}

/// The queue through which the agent is a member for the contact, with its rank: the least, as in an offer.
fn through<'a>(agent: &Agent, contact: &'a Contact) -> Option<(&'a Name, u8)> {
    let member = contact.queues().filter_map(|queue| Some((queue, *agent.memberships.get(queue)?)));
    member.min_by_key(|(_, rank)| *rank)
}

fn ahead(site: &Site, contact: &Contact) -> usize {
    let others = site.state.contacts.values().filter(|other| other.looks() && other.queue == contact.queue);
    others.filter(|other| other.key < contact.key).count()
}

fn counted(words: impl Iterator<Item = &'static str>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

/// `id`: whoever the pair is told of; `agent`: its agent.
fn hindered<'a>(
    agent: &Agent,
    hindrance: Option<Hindrance<'a>>,
    id: Id,
    (queue, rank): (&'a Name, u8),
    key: Option<Key>,
) -> Hindered<'a> {
    let unmet = match hindrance {
        Some(Hindrance::Skill(unmet)) => Some(need(unmet)),
        Some(_) | None => None,
    };
    Hindered {
        id,
        queue,
        rank,
        key: key.map(place),
        hindrance: hindrance.map_or("none", Hindrance::word),
        until_ms: hindrance.and_then(Hindrance::until_ms),
        need: unmet,
        reserved: agent.reserved.filter(|_| hindrance == Some(Hindrance::Reserved)),
    }
}

fn place(key: Key) -> Place {
    (key.klass, key.order_ms, key.seq)
}

fn need(requirement: &Requirement) -> Need<'_> {
    (&requirement.skill, requirement.level, requirement.hard)
}

fn written<T: Serialize>(value: &T) -> Vec<u8> {
    // Writing plain data into memory cannot fail.
    rmp_serde::to_vec_named(value).unwrap_or_else(|error| unreachable!("an explanation serialises: {error}"))
}
