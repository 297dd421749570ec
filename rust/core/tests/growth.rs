//! What a router takes from the allocator: counted, not timed, so that it is the same on every machine.
#![allow(clippy::unwrap_used)]

mod plain;

use std::alloc::System;
use std::sync::Mutex;

use cordboard_core::words::{
    AgentChannel, AgentDeclared, ArrivalAuthor, ContactArrived, ContactConnected, ContactEndRequested, Event, Fact, Id, Membership,
    OfferAnswered, PolicyPublished, Presence, PresenceRequested, RequestedEnd, Requirement, Skill,
};
use cordboard_core::{codec, FrameRef, Router};
use plain::{channel, frame, name, policy, queue, Channel, Queue};
use stats_alloc::{Region, StatsAlloc, INSTRUMENTED_SYSTEM};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;
/// One test at a time: all of them count.
static COUNTING: Mutex<()> = Mutex::new(());

const START_MS: u64 = 1_750_000_000_000;
const FRAME_FACTS: usize = 200;

fn id(kind: u8, number: u64) -> Id {
    let mut bytes = [kind; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    Id(bytes)
}

/// A leader, and what it is told.
struct Site {
    router: Router,
    inbox_seq: u64,
    facts: u64,
    at_ms: u64,
}

impl Site {
    fn new() -> Self {
        let mut router = Router::new("default").unwrap();
        router.take_over([1; 16], START_MS).unwrap();
        Self { router, inbox_seq: 0, facts: 0, at_ms: START_MS }
    }

    /// All of it in one turn.
    fn tell(&mut self, facts: impl IntoIterator<Item = impl FnOnce(Id) -> Fact>) -> Vec<Vec<u8>> {
        let mut numbered = Vec::new();
        for fact in facts {
            self.facts += 1;
            numbered.push(codec::encode_fact(&fact(id(0xf1, self.facts))));
        }
        let frames: Vec<Vec<u8>> = numbered.chunks(FRAME_FACTS).map(frame).collect();
        let refs: Vec<FrameRef<'_>> = (self.inbox_seq + 1..)
            .zip(&frames)
            .map(|(inbox_seq, data)| FrameRef { inbox_seq, stored_ms: self.at_ms, data })
            .collect();
        self.inbox_seq += refs.len() as u64;
        self.router.step(&refs, self.at_ms).unwrap()
    }

    fn publish(&mut self, policy: Vec<u8>) -> Vec<Vec<u8>> {
        self.tell([|fact_id| PolicyPublished { fact_id, policy }.into()])
    }
}

fn declared(fact_id: Id, agent: Id, skills: &[String], queues: &[String], channels: &[String]) -> Fact {
    AgentDeclared {
        fact_id,
        agent,
        skills: skills.iter().map(|skill| Skill { skill: name(skill), level: 5 }).collect(),
        memberships: queues.iter().map(|queue| Membership { queue: name(queue), rank: 0 }).collect(),
        channels: channels
            .iter()
            .map(|channel| AgentChannel { channel: name(channel), cost: None, max_concurrent: None })
            .collect(),
        capacity: None,
    }
    .into()
}

fn ready(fact_id: Id, agent: Id) -> Fact {
    PresenceRequested { fact_id, agent, presence: Presence::Ready, reason: None }.into()
}

fn arrived(fact_id: Id, contact: Id, channel: &str, queue: &str, needs: &[String]) -> Fact {
    ContactArrived {
        fact_id,
        contact,
        channel: name(channel),
        queue: name(queue),
        requirements: needs.iter().map(|skill| Requirement { skill: name(skill), level: 5, hard: true }).collect(),
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
}

fn count(commits: &[Vec<u8>], tag: u64) -> usize {
    let entries = commits.iter().flat_map(|commit| codec::decode_commit(commit).unwrap().entries);
    entries.filter(|entry| entry.tag == tag).count()
}

/// Every agent has a chat; calls wait for all of their room and have them reserved. Then a policy lets chats give way to calls: all calls are
/// offered in one sweep, and each reservation that ends has its contact join the line once more. Returns the bytes that this turn asked for.
fn swept(calls: u64) -> usize {
    let mut site = Site::new();
    let voice = || Channel { cost: 100, max_concurrent: 1, ..channel("voice") };
    let sales = || vec![Queue { drain_after_ms: 1_000, ..queue("sales") }];
    site.publish(policy(1, Vec::new(), vec![voice(), channel("chat")], sales()));
    let (queues, channels) = ([String::from("sales")], ["voice", "chat"].map(String::from));
    site.tell((0..calls).map(|number| {
        let (queues, channels) = (&queues, &channels);
        move |fact_id| declared(fact_id, id(2, number), &[], queues, channels)
    }));
    site.tell((0..calls).map(|number| move |fact_id| ready(fact_id, id(2, number))));
    site.tell((0..calls).map(|number| move |fact_id| arrived(fact_id, id(3, number), "chat", "sales", &[])));
    // Who came first got the agent who was idle longest: by their ids.
    let answer = |number| {
        move |fact_id| {
            let (contact, agent) = (id(3, number), id(2, number));
            OfferAnswered { fact_id, contact, attempt: 1, agent, accepted: true, reason: None }.into()
        }
    };
    site.tell((0..calls).map(answer));
    site.tell((0..calls).map(|number| {
        move |fact_id| ContactConnected { fact_id, contact: id(3, number), attempt: 1, agent: id(2, number) }.into()
    }));
    site.tell((0..calls).map(|number| move |fact_id| arrived(fact_id, id(4, number), "voice", "sales", &[])));
    site.at_ms += 1_500;
    let reserved = site.router.step(&[], site.at_ms).unwrap();
    assert_eq!(count(&reserved, tag("AgentReserved")), usize::try_from(calls).unwrap());
    let gives_way = Channel { interruptible_by: vec!["voice".to_owned()], ..channel("chat") };
    let next = policy(2, Vec::new(), vec![voice(), gives_way], sales());
    let region = Region::new(ALLOCATOR);
    let commits = site.publish(next);
    let bytes = region.change().bytes_allocated;
    assert_eq!(count(&commits, tag("AgentReleased")), usize::try_from(calls).unwrap());
    assert_eq!(site.router.check(), Vec::<String>::new());
    bytes
}

fn tag(event: &str) -> u64 {
    Event::NAMES.iter().find(|(_, name, _)| *name == event).unwrap().0
}

#[test]
fn a_sweep_does_not_sort_the_line_for_everybody_who_joins_it() {
    let _alone = COUNTING.lock().unwrap();
    let (some, twice) = (swept(400), swept(800));
    assert!(twice * 10 < some * 25, "{some} bytes for 400 reservations, {twice} for twice as many");
}

/// Every quarter of an hour everything is renamed, somebody works under the new names, and nobody uses the old ones any more.
fn rename(site: &mut Site, version: u64) {
    let named = |what: &str, count: u64| -> Vec<String> { (0..count).map(|number| format!("{what}-{version}-{number}")).collect() };
    let (skills, channels, queues) = (named("skill", 30), named("channel", 3), named("queue", 10));
    let stays = |names: &[String], name: &str| -> Vec<String> { names.iter().cloned().chain([name.to_owned()]).collect() };
    let profiles = stays(&channels, "chat").iter().map(|name| channel(name)).collect();
    let lines = stays(&queues, "sales").iter().map(|name| queue(name)).collect();
    site.publish(policy(version, stays(&skills, "nl"), profiles, lines));
    let contact = |number: u64| id(3, version * 100 + number);
    site.tell((0..20).map(|number| {
        let (skills, channels, queues) = (&skills, &channels, &queues);
        move |fact_id| {
            let needs = &skills[usize::try_from(number).unwrap()..][..2];
            arrived(fact_id, contact(number), &channels[0], &queues[usize::try_from(number % 10).unwrap()], needs)
        }
    }));
    site.tell([|fact_id| declared(fact_id, id(2, 1), &skills, &queues, &channels)]);
    site.tell([|fact_id| ready(fact_id, id(2, 1))]);
    let end =
        |number| move |fact_id| ContactEndRequested { fact_id, contact: contact(number), reason: RequestedEnd::Cancelled }.into();
    site.tell((0..20).map(end));
    assert_eq!(site.router.check(), Vec::<String>::new());
    site.at_ms += 16 * 60_000;
    site.router.step(&[], site.at_ms).unwrap();
}

/// Those who wait all the time are found in their order, whatever was renamed meanwhile.
fn serve_two(site: &mut Site, number: u64) {
    let (skill, queue, channel) = ([String::from("nl")], [String::from("sales")], [String::from("chat")]);
    let agent = id(5, number);
    site.tell([|fact_id| declared(fact_id, agent, &skill, &queue, &channel)]);
    let commits = site.tell([|fact_id| ready(fact_id, agent)]);
    let entries = commits.iter().flat_map(|commit| codec::decode_commit(commit).unwrap().entries);
    let offered: Vec<Id> = entries.filter(|entry| entry.tag == tag("OfferMade")).filter_map(|entry| entry.contact).collect();
    assert_eq!(offered, [id(4, 2 * number), id(4, 2 * number + 1)]);
    assert_eq!(site.router.check(), Vec::<String>::new());
    let end = |contact| move |fact_id| ContactEndRequested { fact_id, contact, reason: RequestedEnd::Cancelled }.into();
    site.tell(offered.into_iter().map(end));
    site.tell([|fact_id| PresenceRequested { fact_id, agent, presence: Presence::Offline, reason: None }.into()]);
}

#[test]
fn names_that_no_policy_has_any_more_take_no_room() {
    let _alone = COUNTING.lock().unwrap();
    let region = Region::new(ALLOCATOR);
    let mut site = Site::new();
    let held = || region.change().bytes_allocated - region.change().bytes_deallocated;
    rename(&mut site, 1);
    let need = [String::from("nl")];
    site.tell((0..40).map(|number| {
        let need = &need;
        move |fact_id| arrived(fact_id, id(4, number), "chat", "sales", need)
    }));
    (2..=40).for_each(|version| rename(&mut site, version));
    let some = held();
    for version in 41..=400 {
        rename(&mut site, version);
        if version % 20 == 0 {
            serve_two(&mut site, version / 20 - 3);
        }
    }
    let many = held();
    assert!(many * 10 < some * 13, "{some} bytes after 40 policies, {many} after 400");
    let restored = Router::restore(&site.router.snapshot()).unwrap();
    assert_eq!((restored.state_hash(), restored.check()), (site.router.state_hash(), Vec::new()));
}
