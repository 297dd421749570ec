//! What a fact costs: `step` on a site in full work, frames in, commits out.
//!
//! `cargo run --release -p cordboard-core --example step_cost -- [agents] [waiting] [frames] [sets] [queues]`. One op is four facts: an offer is accepted,
//! connected, another engagement ends (its agent gets the next contact), a contact arrives. 64 facts a frame. Prints nanoseconds a fact.
#![allow(clippy::unwrap_used, clippy::disallowed_types, clippy::disallowed_methods)] // a measurement needs a clock

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use cordboard_core::codec;
use cordboard_core::words::{
    AgentChannel, AgentDeclared, AnswerMode, AnsweredOn, ArrivalAuthor, ChannelPresence, ChannelProfile, ContactArrived,
    ContactConnected, EngagementEndRequested, Event, Fact, FreedAgent, Id, Membership, Name, OfferAnswered, OnMissed, Order,
    Policy, PolicyPublished, Presence, PresenceRequested, QueuePolicy, Reply, Requirement, Skill, Strategy,
};
use cordboard_core::{FrameRef, Router};

const SITE: &str = "default";
const CHANNEL: &str = "voice";
const SKILLS: u64 = 64;
const OPS: usize = 16;
const START_MS: u64 = 1_800_000_000_000;

/// The same numbers on every machine.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Ids look like random ones.
fn id(kind: u64, number: u64) -> Id {
    let mix =
        |seed: u64| (number ^ (seed << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&mix(kind).to_be_bytes());
    bytes[8..].copy_from_slice(&mix(kind + 100).to_be_bytes());
    Id(bytes)
}

fn policy(queues: u64) -> Policy {
    let queue = |number| QueuePolicy {
        name: name(&format!("queue-{number}")),
        target_ms: 20_000,
        targets_ms: BTreeMap::new(),
        requirements: Vec::new(),
        strategy: Strategy::LongestIdle,
        short_abandon_ms: 5_000,
        service_level_percent: 80,
        broadcast: 1,
        rank_delays_ms: Vec::new(),
        plan: Vec::new(),
        thresholds: Vec::new(),
        promote_before_ms: 0,
        promoted_percent: 20,
        floors: Vec::new(),
        drain_after_ms: 0,
        drain_percent: 10,
        max_waiting: 0,
        admit_unstaffed: true,
        overflow: None,
        closing_grace_ms: 600_000,
        callbacks: None,
        calendar: None,
        max_expected_wait_ms: 0,
    };
    let voice = ChannelProfile {
        name: name(CHANNEL),
        presence: ChannelPresence::Live,
        klass: 1,
        answered_on: AnsweredOn::Connected,
        offer_ttl_ms: 20_000,
        connect_ms: 10_000,
        wrap_up_ms: 0,
        wrap_up_max_ms: 0,
        wrap_up_cost_percent: 100,
        cost: 100,
        max_concurrent: 1,
        on_missed: OnMissed::NotReady,
        missed_limit: 1,
        reply: Reply::Live,
        answer: AnswerMode::Manual,
        last_offer_before_ms: 0,
        interruptible_by: Vec::new(),
        idle_ms: 0,
        idle_end_ms: 0,
        dormant_percent: 20,
        silence_alert_ms: 0,
        silence_requeue_ms: 0,
        desk_lost_ms: 120_000,
        join_waiting: false,
        resume_ms: 0,
    };
    Policy {
        version: 1,
        site: name(SITE),
        skills: (0..SKILLS).map(|number| name(&format!("skill-{number}"))).collect(),
        channels: vec![voice],
        queues: (0..queues).map(queue).collect(),
        reasons: Vec::new(),
        dispositions: Vec::new(),
        capacity: 100,
        order: Order::Urgency,
        age_credit_ms: 60_000,
        freed_agent: FreedAgent::RankThenKey,
        prefer_ms: 30_000,
        decline_cooldown_ms: 60_000,
        reoffer_min_ms: 10_000,
        declines_limit: 3,
        connect_retry_ms: 5_000,
        toggle_grace_ms: 10_000,
        max_parked: 50,
        owner_ms: 3_600_000,
        max_transfers: 0,
        supervisor_queue: None,
        transfer_ms: 30_000,
        repeat_count: 0,
        repeat_ms: 0,
        repeat_priority: 0,
        days_ms: Vec::new(),
        topics: Vec::new(),
        entry_points: Vec::new(),
        calendars: Vec::new(),
        slas: Vec::new(),
    }
}

struct Crowd {
    router: Router,
    draw: Draw,
    facts: u64,
    frames: u64,
    contacts: u64,
    /// Offers to accept, and engagements to end: contact, agent, attempt.
    offered: VecDeque<(Id, Id, u32)>,
    engaged: VecDeque<(Id, Id)>,
    sets: Vec<Vec<Requirement>>,
    queues: u64,
    out_bytes: usize,
}

impl Crowd {
    fn new(agents: u64, waiting: u64, sets: u64, queues: u64) -> Self {
        let mut router = Router::new(SITE).unwrap();
        router.take_over([9; 16], START_MS).unwrap();
        let mut draw = Draw(1);
        let sets = (0..sets).map(|number| set(&mut draw, number)).collect();
        let mut crowd = Self {
            router,
            draw,
            facts: 0,
            frames: 0,
            contacts: 0,
            offered: VecDeque::new(),
            engaged: VecDeque::new(),
            sets,
            queues,
            out_bytes: 0,
        };
        let published = PolicyPublished { fact_id: crowd.fact_id(), policy: codec::encode_policy(&policy(queues)) };
        crowd.step(&frame(&[published.into()]));
        for number in 0..agents {
            let facts = crowd.agent(number);
            crowd.step(&frame(&facts));
        }
        for _ in 0..(agents + waiting) / 64 {
            let facts: Vec<Fact> = (0..64).map(|_| crowd.arrival()).collect();
            crowd.step(&frame(&facts));
        }
        while let Some((contact, agent, attempt)) = crowd.offered.pop_front() {
            let facts = crowd.accepted(contact, agent, attempt);
            crowd.step(&frame(&facts));
        }
        crowd
    }

    fn fact_id(&mut self) -> Id {
        self.facts += 1;
        id(1, self.facts)
    }

    fn agent(&mut self, number: u64) -> Vec<Fact> {
        let agent = id(2, number);
        let skills = (0..8).map(|_| self.draw.below(SKILLS)).collect::<std::collections::BTreeSet<_>>();
        let skill = |number: u64| Skill { skill: name(&format!("skill-{number}")), level: 10 };
        let declared = AgentDeclared {
            fact_id: self.fact_id(),
            agent,
            skills: skills.into_iter().map(skill).collect(),
            memberships: vec![Membership { queue: name(&format!("queue-{}", number % self.queues)), rank: 0 }],
            channels: vec![AgentChannel { channel: name(CHANNEL), cost: None, max_concurrent: None }],
            capacity: None,
        };
        let ready = PresenceRequested { fact_id: self.fact_id(), agent, presence: Presence::Ready, reason: None };
        vec![declared.into(), ready.into()]
    }

    fn arrival(&mut self) -> Fact {
        self.contacts += 1;
        let set = self.draw.below(self.sets.len() as u64);
        ContactArrived {
            fact_id: self.fact_id(),
            contact: id(3, self.contacts),
            channel: name(CHANNEL),
            queue: name(&format!("queue-{}", self.contacts % self.queues)),
            requirements: self.sets[usize::try_from(set).unwrap()].clone(),
            priority: u8::try_from(self.draw.below(10)).unwrap(),
            customer: Some(id(4, self.contacts)),
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
            ticket: false,
            segment: None,
        }
        .into()
    }

    fn accepted(&mut self, contact: Id, agent: Id, attempt: u32) -> Vec<Fact> {
        let answered = OfferAnswered { fact_id: self.fact_id(), contact, attempt, agent, accepted: true, reason: None };
        let connected = ContactConnected { fact_id: self.fact_id(), contact, attempt, agent };
        self.engaged.push_back((contact, agent));
        vec![answered.into(), connected.into()]
    }

    fn turn(&mut self) -> Vec<Fact> {
        let mut facts = Vec::new();
        for _ in 0..OPS {
            if let Some((contact, agent, attempt)) = self.offered.pop_front() {
                facts.extend(self.accepted(contact, agent, attempt));
            } else {
                facts.extend([self.arrival(), self.arrival()]);
            }
            // On a small site all whom somebody waits for may be idle.
            if let Some((contact, agent)) = self.engaged.pop_front() {
                let fact_id = self.fact_id();
                facts.push(EngagementEndRequested { fact_id, contact, agent, disposition: None, note: None }.into());
            }
            facts.push(self.arrival());
        }
        facts
    }

    /// Nanoseconds of the step alone.
    fn step(&mut self, data: &[u8]) -> u128 {
        self.frames += 1;
        let frame = FrameRef { inbox_seq: self.frames, stored_ms: START_MS, data };
        let before = Instant::now();
        let commits = self.router.step(&[frame], START_MS).unwrap();
        let took = before.elapsed().as_nanos();
        for bytes in &commits {
            self.out_bytes += bytes.len();
            for entry in codec::decode_commit(bytes).unwrap().entries.iter().filter(|entry| entry.tag == 13) {
                let Ok(Event::OfferMade(made)) = codec::decode_event(&entry.body) else { continue };
                self.offered.push_back((entry.contact.unwrap(), entry.agent.unwrap(), made.attempt));
            }
        }
        took
    }
}

/// A requirement set: none to three skills.
fn set(draw: &mut Draw, number: u64) -> Vec<Requirement> {
    let skills: std::collections::BTreeSet<u64> = (0..number % 4).map(|_| draw.below(SKILLS)).collect();
    let need = |number: u64| Requirement { skill: name(&format!("skill-{number}")), level: 1, hard: true };
    // One in four needs nothing, so that there is always somebody to take.
    skills.into_iter().take(1 + usize::try_from(number % 3).unwrap()).map(need).collect()
}

fn frame(facts: &[Fact]) -> Vec<u8> {
    // A msgpack array of byte strings, as a gateway writes it.
    let mut bytes = vec![0xdc];
    bytes.extend(u16::try_from(facts.len()).unwrap().to_be_bytes());
    for fact in facts {
        let fact = codec::encode_fact(fact);
        if let Ok(length) = u8::try_from(fact.len()) {
            bytes.extend([0xc4, length]);
        } else {
            bytes.push(0xc5);
            bytes.extend(u16::try_from(fact.len()).unwrap().to_be_bytes());
        }
        bytes.extend(fact);
    }
    bytes
}

fn main() {
    let mut sizes = std::env::args().skip(1).map(|text| text.parse::<u64>().unwrap());
    let (agents, waiting, frames) = (sizes.next().unwrap_or(10_000), sizes.next().unwrap_or(10_000), sizes.next().unwrap_or(3_000));
    let (sets, queues) = (sizes.next().unwrap_or(148), sizes.next().unwrap_or(100));
    let mut crowd = Crowd::new(agents, waiting, sets, queues);
    crowd.out_bytes = 0;
    let mut took: Vec<u128> = Vec::new();
    let (mut facts, mut in_bytes) = (0, 0);
    for _ in 0..frames {
        let said = crowd.turn();
        let data = frame(&said);
        facts += said.len();
        in_bytes += data.len();
        took.push(crowd.step(&data));
    }
    let total: u128 = took.iter().sum();
    took.sort_unstable();
    let a_fact = |ns: u128| ns / 64;
    println!("{agents} agents, {waiting} waiting, {facts} facts: {} ns a fact", total / facts as u128);
    println!(
        "a fact by frame: p10 {} p50 {} p90 {} p99 {} ns",
        a_fact(took[took.len() / 10]),
        a_fact(took[took.len() / 2]),
        a_fact(took[took.len() * 9 / 10]),
        a_fact(took[took.len() * 99 / 100])
    );
    println!("{} bytes in, {} bytes out a fact", in_bytes / facts, crowd.out_bytes / facts);
}
