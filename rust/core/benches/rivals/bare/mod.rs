//! The Python twin of the whole step (tests/benchmarks/peers/twin.py) again, in Rust and without what a router needs besides: how far
//! this machine lets any step be ahead of that peer. Frames in, the same commits out, byte for byte.
//!
//! It knows what the twin knows: one queue, one channel, agents of one contact each. It remembers fact ids and ended contacts, checks
//! every fact, keeps deadlines and explains its offers. No ranks, families, plans or snapshots, no fold, no hash of the state.

mod matching;
mod set_up;
mod words;

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use cordboard_core::{codec, commit_hash, Router};

use self::matching::in_line;
use self::set_up::Rules;
use self::words::{Bytes, Id, Room, Said};
use super::steps::{Frame, INBOX, SITE};

const MEMORY_MS: u64 = 15 * 60_000;
const MEMORY_MAX: usize = 1_000_000;
const STATE_HASH_EVERY: u64 = 1_000;
/// So many agents, or more.
const ABLE_MAX: u32 = 100;
/// A place in line that nobody has.
const EMPTY: u128 = u128::MAX;
/// More than the events of one fact need, less the fact itself.
const ROOM: usize = 2_048;

/// Ids are random, so eight bytes of one are its hash, but for a multiplication.
#[derive(Default)]
pub(crate) struct Random(u64);

impl Hasher for Random {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    /// The length, which is always the same.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

type ById<T> = HashMap<Id, T, BuildHasherDefault<Random>>;

/// What is remembered for a while, oldest first.
struct Memory<T> {
    known: ById<T>,
    since: VecDeque<(u64, Id)>,
}

impl<T> Memory<T> {
    fn new() -> Self {
        Self { known: ById::default(), since: VecDeque::new() }
    }

    fn forget(&mut self, at_ms: u64) {
        while self.since.front().is_some_and(|(since, _)| self.since.len() > MEMORY_MAX || since + MEMORY_MS <= at_ms) {
            let (_, id) = self.since.pop_front().unwrap();
            self.known.remove(&id);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Queued,
    Offered,
    Connecting,
    Engaged,
}

struct Contact {
    id: Id,
    phase: Phase,
    attempt: u8,
    agent: u32,
    deadline_ms: u64,
    entered_ms: u64,
}

struct Agent {
    id: Id,
    skills: Vec<(Box<[u8]>, u8)>,
    /// The classes it may serve.
    served: Vec<u32>,
    idle_since_ms: Option<u64>,
}

/// Contacts of equal needs.
struct Class {
    /// Places in line.
    heap: BinaryHeap<Reverse<u128>>,
    /// Idle agents that may serve it, longest first; stale entries are dropped when met.
    pool: BinaryHeap<Reverse<(u64, Id, u32)>>,
    /// How many of them are idle still.
    able: u32,
}

/// A fact as it came.
#[derive(Clone, Copy)]
struct Came<'a> {
    inbox_seq: u64,
    index: u64,
    stored_ms: u64,
    raw: &'a [u8],
}

pub(crate) struct BareSteps {
    rules: Rules,
    /// Of the only take-over.
    epoch: u64,
    level: u64,
    seq: u64,
    hash: [u8; 32],
    fact_ms: u64,
    at_ms: u64,
    t_ms: u64,
    /// By fact: commit and entry.
    facts: Memory<(u64, u32)>,
    gone: Memory<()>,
    slots: ById<u32>,
    contacts: Vec<Contact>,
    free: Vec<u32>,
    agent_slots: ById<u32>,
    agents: Vec<Agent>,
    numbers: HashMap<Box<[u8]>, u32>,
    classes: Vec<Class>,
    heads: Vec<u128>,
    arrivals: u32,
    /// Deadlines of each kind, which stand in order.
    offers: VecDeque<(u64, u32)>,
    connects: VecDeque<(u64, u32)>,
    entries: u32,
    /// Of the commit: the part before the entries, the entries.
    head: Room,
    room: Room,
    frames: std::vec::IntoIter<Frame>,
    given: VecDeque<[u8; 32]>,
}

fn accepted(room: &mut Room) {
    room.put([0x91, 0]);
}

impl BareSteps {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let frames = Frame::read(bytes).1;
        let taken_over = Router::new(SITE).unwrap().take_over(INBOX, frames[0].at_ms - 1).unwrap();
        let first = codec::decode_commit(&taken_over).unwrap();
        Self {
            rules: Rules::default(),
            epoch: first.epoch,
            level: first.level,
            seq: 1,
            hash: commit_hash(&taken_over),
            fact_ms: 0,
            at_ms: 0,
            t_ms: 0,
            facts: Memory::new(),
            gone: Memory::new(),
            slots: ById::default(),
            contacts: Vec::new(),
            free: Vec::new(),
            agent_slots: ById::default(),
            agents: Vec::new(),
            numbers: HashMap::new(),
            classes: Vec::new(),
            heads: Vec::new(),
            arrivals: 0,
            offers: VecDeque::new(),
            connects: VecDeque::new(),
            entries: 0,
            head: Room::new(),
            room: Room::new(),
            frames: frames.into_iter(),
            given: VecDeque::new(),
        }
    }

    /// The hash of the whole state for the next commit that carries one: as its Python twin, this one is spared the work.
    pub(crate) fn give(&mut self, state_hash: [u8; 32]) {
        self.given.push_back(state_hash);
    }

    /// One turn with the next frame: the commit's hash, and the commit.
    pub(crate) fn step(&mut self) -> ([u8; 32], Vec<u8>) {
        let Frame { at_ms, inbox_seq, stored_ms, data } = self.frames.next().expect("more frames than were recorded are asked for");
        self.room.clear();
        self.entries = 0;
        self.at_ms = at_ms;
        self.fact_ms = stored_ms.max(self.fact_ms).min(at_ms);
        self.t_ms = self.fact_ms;
        self.nothing_is_due(self.t_ms);
        let mut facts = Bytes::new(&data);
        let count = facts.array() as u64;
        for index in 0..count {
            let raw = facts.bin();
            self.fact(Came { inbox_seq, index, stored_ms, raw });
        }
        self.nothing_is_due(at_ms);
        self.facts.forget(at_ms);
        self.gone.forget(at_ms);
        let commit = self.seal(inbox_seq, count);
        (self.hash, commit)
    }

    fn seal(&mut self, inbox_seq: u64, facts_done: u64) -> Vec<u8> {
        self.seq += 1;
        let head = &mut self.head;
        head.clear();
        head.put([0x9c, 1, 0xa5]);
        head.raw(SITE.as_bytes());
        head.uint(self.epoch);
        head.uint(self.seq);
        head.uint(self.level);
        head.uint(self.rules.version);
        head.uint(self.at_ms);
        head.put([0xc4, 32]);
        head.put(self.hash);
        head.put([0x93]);
        head.id(&INBOX);
        head.uint(inbox_seq);
        head.uint(facts_done);
        head.put([0xc2]);
        head.array(self.entries as usize);
        let mut commit = Vec::with_capacity(head.written().len() + self.room.written().len() + 64);
        commit.extend_from_slice(head.written());
        commit.extend_from_slice(self.room.written());
        if self.seq.is_multiple_of(STATE_HASH_EVERY) {
            commit.extend_from_slice(&[0xc4, 32]);
            commit.extend_from_slice(&self.given.pop_front().expect("the hash of the state is given"));
        } else {
            commit.push(0xc0);
        }
        self.hash = commit_hash(&commit);
        commit
    }

    fn nothing_is_due(&mut self, at_ms: u64) {
        for (line, phase) in [(&mut self.offers, Phase::Offered), (&mut self.connects, Phase::Connecting)] {
            let contacts = &self.contacts;
            let stands = |(deadline_ms, slot): (u64, u32)| {
                let contact = &contacts[slot as usize];
                contact.phase == phase && contact.deadline_ms == deadline_ms
            };
            while line.front().is_some_and(|entry| !stands(*entry)) {
                line.pop_front();
            }
            assert!(line.front().is_none_or(|(deadline_ms, _)| *deadline_ms > at_ms), "no deadline passes here");
        }
    }

    fn fact(&mut self, came: Came<'_>) {
        self.room.make(ROOM + 3 * came.raw.len());
        let (fact_id, said) = Bytes::new(came.raw).fact();
        let place = (self.seq + 1, self.entries);
        match self.facts.known.entry(fact_id) {
            Entry::Occupied(first) => {
                let first = *first.get();
                return self.repeat(came, &said, first);
            }
            Entry::Vacant(vacant) => vacant.insert(place),
        };
        self.facts.since.push_back((self.at_ms, fact_id));
        match said {
            Said::Arrived { contact, channel, queue, needs, priority } => {
                assert!(channel == self.rules.channel && queue == self.rules.queue);
                self.arrive(came, contact, needs, priority);
            }
            Said::Answered { contact, attempt, agent } => self.answer(came, contact, attempt, agent),
            Said::Connected { contact, attempt, agent } => self.connect(came, contact, attempt, agent),
            Said::EndRequested { contact, agent } => self.end(came, contact, agent),
            Said::Other => self.prepare(came),
        }
    }

    /// Of a line of the commit all but its body.
    #[inline]
    fn line(&mut self, tag: u8, contact: Option<&Id>, agent: Option<&Id>, channel: bool, cause: u32) {
        self.entries += 1;
        self.room.put([0x96, tag]);
        self.room.id_or_nil(contact);
        self.room.id_or_nil(agent);
        if channel {
            self.room.raw(&self.rules.channel_form);
        } else {
            self.room.put([0xc0]);
        }
        self.room.uint(u64::from(cause));
    }

    /// The line of the fact itself: its number.
    #[inline]
    fn input(
        &mut self,
        came: Came<'_>,
        contact: Option<&Id>,
        agent: Option<&Id>,
        channel: bool,
        verdict: impl FnOnce(&mut Room),
    ) -> u32 {
        let cause = self.entries;
        self.line(0, contact, agent, channel, cause);
        self.room.bin(|room| {
            room.put([0x95]);
            room.uint(came.inbox_seq);
            room.uint(came.index);
            room.uint(came.stored_ms);
            room.bin(|room| room.raw(came.raw));
            verdict(room);
        });
        cause
    }

    fn repeat(&mut self, came: Came<'_>, said: &Said<'_>, first: (u64, u32)) {
        let (contact, agent, arrived) = match said {
            Said::Arrived { contact, .. } => (contact, None, true),
            Said::Answered { contact, agent, .. }
            | Said::Connected { contact, agent, .. }
            | Said::EndRequested { contact, agent } => (contact, Some(agent), false),
            Said::Other => panic!("what sets the site up is not repeated"),
        };
        let channel = arrived || self.slots.contains_key(contact);
        let (seq, entry) = first;
        self.input(came, Some(contact), agent, channel, |room| {
            room.put([0x93, 2]);
            room.uint(seq);
            room.uint(u64::from(entry));
        });
    }

    fn refuse(&mut self, came: Came<'_>, contact: Id, agent: Id) {
        let verdict: &[u8] =
            if self.gone.known.contains_key(&contact) { b"\x92\x01\xaccontact_gone" } else { b"\x92\x01\xafunknown_contact" };
        self.input(came, Some(&contact), Some(&agent), false, |room| room.raw(verdict));
    }

    fn arrive(&mut self, came: Came<'_>, id: Id, needs: &[u8], priority: u8) {
        let number = self.class_of(needs);
        let seq = self.arrivals + 1;
        self.arrivals = seq;
        let order_ms = self.rules.order_ms(self.t_ms, priority);
        let contact = Contact { id, phase: Phase::Queued, attempt: 0, agent: u32::MAX, deadline_ms: 0, entered_ms: self.t_ms };
        let slot = self.free.pop().unwrap_or_else(|| u32::try_from(self.contacts.len()).unwrap());
        match self.contacts.get_mut(slot as usize) {
            Some(place) => *place = contact,
            None => self.contacts.push(contact),
        }
        assert!(self.slots.insert(id, slot).is_none());
        let cause = self.input(came, Some(&id), None, true, accepted);
        self.line(10, Some(&id), None, true, cause);
        let (t_ms, rules) = (self.t_ms, &self.rules);
        self.room.bin(|room| {
            room.put([0xdc, 0, 31, 10]);
            room.uint(t_ms);
            room.put([1]);
            room.raw(&rules.queue_form);
            rules.key(room, order_ms, seq);
            room.uint(t_ms);
            room.uint(rules.target_ms);
            room.raw(needs);
            room.put([priority, 0xc0, 0x90, 0, 0xc0, 0xc0, 0xc0]);
            room.raw(needs);
            room.put(*b"\xc0\xc0\xc0\x90\x90\x00\xc0\x00\xc0\xc0\xc0\x00\xc0\xc0\xc0");
        });
        self.queue(number, in_line(order_ms, seq, slot), cause);
    }

    fn answer(&mut self, came: Came<'_>, id: Id, attempt: u8, agent: Id) {
        let Some(slot) = self.slots.get(&id).copied() else { return self.refuse(came, id, agent) };
        let contact = &mut self.contacts[slot as usize];
        assert!(contact.phase == Phase::Offered && contact.attempt == attempt && self.agents[contact.agent as usize].id == agent);
        let deadline_ms = self.at_ms + self.rules.connect_ms;
        (contact.phase, contact.deadline_ms) = (Phase::Connecting, deadline_ms);
        self.connects.push_back((deadline_ms, slot));
        let cause = self.input(came, Some(&id), Some(&agent), true, accepted);
        self.line(14, Some(&id), Some(&agent), true, cause);
        let t_ms = self.t_ms;
        self.room.bin(|room| {
            room.put([0x94, 14]);
            room.uint(t_ms);
            room.put([attempt]);
            room.uint(deadline_ms);
        });
    }

    fn connect(&mut self, came: Came<'_>, id: Id, attempt: u8, agent: Id) {
        let Some(slot) = self.slots.get(&id).copied() else { return self.refuse(came, id, agent) };
        let contact = &mut self.contacts[slot as usize];
        assert!(
            contact.phase == Phase::Connecting && contact.attempt == attempt && self.agents[contact.agent as usize].id == agent
        );
        contact.phase = Phase::Engaged;
        let (t_ms, entered_ms) = (self.t_ms, contact.entered_ms);
        let cause = self.input(came, Some(&id), Some(&agent), true, accepted);
        self.line(19, Some(&id), Some(&agent), true, cause);
        let queue = &self.rules.queue_form;
        self.room.bin(|room| {
            room.put([0x96, 19]);
            room.uint(t_ms);
            room.put([attempt]);
            room.raw(queue);
            room.put(*b"\xa7primary\xc0");
        });
        self.line(20, Some(&id), Some(&agent), true, cause);
        self.room.bin(|room| {
            room.put([0x94, 20]);
            room.uint(t_ms);
            room.put([attempt]);
            room.uint(t_ms - entered_ms);
        });
        self.line(12, Some(&id), Some(&agent), true, cause);
        let rules = &self.rules;
        self.room.bin(|room| {
            room.put([0x98, 12]);
            room.uint(t_ms);
            room.put([1]);
            room.raw(&rules.queue_form);
            room.put(*b"\xa8answered");
            room.uint(entered_ms);
            room.uint(t_ms - entered_ms);
            room.uint(rules.target_ms);
        });
    }

    fn end(&mut self, came: Came<'_>, id: Id, agent_id: Id) {
        let Some(slot) = self.slots.get(&id).copied() else { return self.refuse(came, id, agent_id) };
        let contact = &self.contacts[slot as usize];
        let (agent, attempt, t_ms) = (contact.agent, contact.attempt, self.t_ms);
        assert!(contact.phase == Phase::Engaged && self.agents[agent as usize].id == agent_id);
        let cause = self.input(came, Some(&id), Some(&agent_id), true, accepted);
        self.line(22, Some(&id), Some(&agent_id), true, cause);
        self.room.bin(|room| {
            room.put([0x99, 22]);
            room.uint(t_ms);
            room.put([attempt]);
            room.put(*b"\xa5agent\xc0\xc0\xc0\x00\xa7primary");
        });
        self.line(11, Some(&id), Some(&agent_id), true, cause);
        self.room.bin(|room| {
            room.put([0x96, 11]);
            room.uint(t_ms);
            room.put(*b"\xa9completed\xa7engaged\xc0\xc0");
        });
        self.slots.remove(&id);
        self.free.push(slot);
        self.gone.known.insert(id, ());
        self.gone.since.push_back((self.at_ms, id));
        self.fill(agent, cause);
    }
}
