//! How often agents and contacts are looked at together: counted, not timed, so that it is the same on every machine.

use std::cell::Cell;

use serde::Serialize;

use crate::words::{
    AgentBusyReported, AgentChannel, AgentDeclared, AgentScheduled, ArrivalAuthor, ContactArrived, Event, Fact, Id, Membership,
    Name, PolicyPublished, Presence, PresenceRequested, Requirement, Skill,
};
use crate::{codec, FrameRef, Router};

thread_local! {
    /// Pairs that were asked about.
    pub(super) static ASKED: Cell<usize> = const { Cell::new(0) };
}

const START_MS: u64 = 1_750_000_000_000;

#[derive(Serialize)]
struct Policy {
    version: u64,
    site: &'static str,
    skills: [&'static str; 2],
    channels: Vec<Channel>,
    queues: [Queue; 1],
}

#[derive(Serialize)]
struct Channel {
    name: &'static str,
    presence: &'static str,
    klass: u8,
    answered_on: &'static str,
    last_offer_before_ms: u64,
}

#[derive(Serialize)]
struct Queue {
    name: &'static str,
    rank_delays_ms: Vec<u64>,
    floors: Vec<Floor>,
}

#[derive(Serialize)]
struct Floor {
    klass: u8,
    members: u32,
}

fn id(kind: u8, number: u8) -> Id {
    let mut bytes = [kind; 16];
    bytes[15] = number;
    Id(bytes)
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A leader with calls of class 1 and mails of class 3 in one queue.
struct Site {
    router: Router,
}

impl Site {
    fn new(rank_delays_ms: Vec<u64>, floors: Vec<Floor>) -> Self {
        let mut router = Router::new("default").unwrap();
        router.take_over([1; 16], START_MS).unwrap();
        let channel =
            |name, presence, klass| Channel { name, presence, klass, answered_on: "connected", last_offer_before_ms: 60_000 };
        let channels = vec![channel("voice", "live", 1), channel("mail", "async", 3)];
        let queues = [Queue { name: "sales", rank_delays_ms, floors }];
        let policy =
            rmp_serde::to_vec_named(&Policy { version: 1, site: "default", skills: ["nl", "fr"], channels, queues }).unwrap();
        let mut site = Self { router };
        site.tell(|fact_id| PolicyPublished { fact_id, policy }.into());
        site
    }

    /// Returns how many pairs were asked about, and how many offers were made.
    fn tell(&mut self, fact: impl FnOnce(Id) -> Fact) -> (usize, usize) {
        let inbox_seq = self.router.position().inbox_seq + 1;
        let fact = codec::encode_fact(&fact(Id(u128::from(inbox_seq).to_be_bytes())));
        let size = u16::try_from(fact.len()).unwrap().to_be_bytes();
        let data = [&[0x91, 0xc5], &size[..], &fact].concat();
        ASKED.set(0);
        let commits = self.router.step(&[FrameRef { inbox_seq, stored_ms: START_MS, data: &data }], START_MS).unwrap();
        let offer = Event::NAMES.iter().find(|(_, name, _)| *name == "OfferMade").unwrap().0;
        let entries = commits.iter().flat_map(|commit| codec::decode_commit(commit).unwrap().entries);
        (ASKED.get(), entries.filter(|entry| entry.tag == offer).count())
    }

    /// An agent who speaks Dutch is there.
    fn comes(&mut self, agent: Id, rank: u8) -> (usize, usize) {
        self.tell(|fact_id| {
            let channel = |channel: &str| AgentChannel { channel: name(channel), cost: None, max_concurrent: None };
            AgentDeclared {
                fact_id,
                agent,
                skills: vec![Skill { skill: name("nl"), level: 5 }],
                memberships: vec![Membership { queue: name("sales"), rank }],
                channels: vec![channel("voice"), channel("mail")],
                capacity: None,
            }
            .into()
        });
        self.tell(|fact_id| PresenceRequested { fact_id, agent, presence: Presence::Ready, reason: None }.into())
    }

    fn busy(&mut self, agent: Id, busy: bool) -> (usize, usize) {
        self.tell(|fact_id| AgentBusyReported { fact_id, agent, channel: name("voice"), work: id(7, 1), busy }.into())
    }

    fn arrives(&mut self, number: u8, channel: &str, needs: &str) -> (usize, usize) {
        self.tell(|fact_id| {
            ContactArrived {
                fact_id,
                contact: id(3, number),
                channel: name(channel),
                queue: name("sales"),
                requirements: vec![Requirement { skill: name(needs), level: 3, hard: true }],
                priority: 0,
                customer: None,
                preferred: Vec::new(),
                entry_point: None,
                topic: None,
                case: None,
                message: None,
                author: ArrivalAuthor::Customer,
                reopens: true,
                rule: None,
                language: None,
                accepts: Vec::new(),
                segment: None,
                ticket: false,
            }
            .into()
        })
    }
}

#[test]
fn agents_of_a_closed_rank_are_not_asked_one_by_one() {
    let arrival = |agents: u8| {
        let mut site = Site::new(vec![0, 20_000], Vec::new());
        site.comes(id(2, 0), 0);
        site.busy(id(2, 0), true);
        for number in 1..agents {
            site.comes(id(2, number), 1);
        }
        site.arrives(1, "voice", "nl")
    };
    assert_eq!((arrival(10), arrival(100)), ((0, 0), (0, 0)));
}

#[test]
fn a_floor_for_a_class_does_not_look_at_those_of_other_classes() {
    let freed = |contacts: u8, mails: &str| {
        let mut site = Site::new(Vec::new(), vec![Floor { klass: 3, members: 1 }]);
        site.comes(id(2, 0), 0);
        site.busy(id(2, 0), true);
        for number in 0..contacts {
            site.arrives(number, "voice", "nl");
        }
        site.arrives(200, "mail", mails);
        site.busy(id(2, 0), false)
    };
    for mails in ["nl", "fr"] {
        let (few, many) = (freed(10, mails), freed(100, mails));
        assert_eq!(few, many);
        assert_eq!(few.1, 1);
        assert!(few.0 < 6, "{} pairs", few.0);
    }
}

#[test]
fn an_agent_about_to_leave_does_not_ask_for_everybody() {
    let freed = |contacts: u8| {
        let mut site = Site::new(Vec::new(), Vec::new());
        site.comes(id(2, 0), 0);
        site.tell(|fact_id| AgentScheduled { fact_id, agent: id(2, 0), leaves_ms: Some(START_MS + 30_000) }.into());
        site.busy(id(2, 0), true);
        for number in 0..contacts {
            site.arrives(number, "voice", "nl");
        }
        site.busy(id(2, 0), false)
    };
    assert_eq!((freed(10), freed(100)), ((0, 0), (0, 0)));
}
