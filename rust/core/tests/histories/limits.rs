//! What reaches the limits of the words: every commit can still be read.

use cordboard_core::codec;
use cordboard_core::words::bounds::{ATTEMPT_MAX, DURATION_MAX_MS, INSTANT_MAX_MS};
use cordboard_core::words::{
    AgentChannel, AgentDeclared, Commit, ContactArrived, ContactEndRequested, Event, Fact, Id, Membership, OfferAnswered,
    OfferMade, Policy, PolicyPublished, Presence, PresenceRequested, QueuePolicy, RequestedEnd, Requirement, TransferRequested,
    Verdict,
};
use cordboard_core::{Error, Router, LEVEL};

use crate::site::{channels, id, name, plain_arrival, plain_policy, plain_queue, CHANNELS, QUEUES, SITE};
use crate::transcript::{stored, transcript, Content, Frame, Line};
use crate::witness::{decide, fold, START_MS};

const AGENT: Id = Id([0xa1; 16]);
const CONTACT: Id = Id([0xc1; 16]);

struct Site {
    router: Router,
    journal: Vec<Vec<u8>>,
    at_ms: u64,
    facts: u64,
}

impl Site {
    fn new(policy: &Policy) -> Self {
        let mut router = Router::new(SITE).unwrap();
        let journal = vec![router.take_over([9; 16], START_MS).unwrap()];
        let mut site = Self { router, journal, at_ms: START_MS, facts: 0 };
        let policy = codec::encode_policy(policy);
        site.say(|fact_id| PolicyPublished { fact_id, policy }.into());
        site
    }

    /// One fact; the lines that came of it, after the journal was read again as a whole.
    fn say(&mut self, fact: impl FnOnce(Id) -> Fact) -> Vec<Line> {
        self.facts += 1;
        let fact = codec::encode_fact(&fact(id(0xf1, self.facts)));
        let frame = Frame { stored_ms: self.at_ms, content: Content::Facts(vec![fact]) };
        let commits = decide(&mut self.router, &stored(&[frame], self.facts), self.at_ms);
        self.journal.extend(commits.clone());
        assert_eq!(fold(&self.journal).state_hash(), self.router.state_hash());
        assert_eq!(self.router.check(), Vec::<String>::new());
        transcript(&commits)
    }

    fn arrive(&mut self, contact: Id, requirements: Vec<Requirement>) -> Vec<Line> {
        self.say(|fact_id| ContactArrived { requirements, ..plain_arrival(fact_id, contact, CHANNELS[1], QUEUES[0]) }.into())
    }

    /// An agent of the first queue, for chats that cost this much; the offers that came of it.
    fn come(&mut self, cost: u32, max_concurrent: u32) -> usize {
        let channel = AgentChannel { channel: name(CHANNELS[1]), cost: Some(cost), max_concurrent: Some(max_concurrent) };
        let memberships = vec![Membership { queue: name(QUEUES[0]), rank: 0 }];
        self.say(|fact_id| {
            AgentDeclared { fact_id, agent: AGENT, skills: Vec::new(), memberships, channels: vec![channel], capacity: None }.into()
        });
        let lines = self.say(|fact_id| PresenceRequested { fact_id, agent: AGENT, presence: Presence::Ready, reason: None }.into());
        lines.iter().filter(|line| matches!(line, Line::Event { event: Event::OfferMade(_), .. })).count()
    }

    /// What the contact needs in its new queue.
    fn transfer(&mut self, queue: &str) -> Vec<Requirement> {
        let queue = name(queue);
        let lines = self.say(|fact_id| {
            TransferRequested {
                fact_id,
                contact: CONTACT,
                queue,
                agent: None,
                requirements: None,
                to_agent: None,
                by: None,
                reason: None,
            }
            .into()
        });
        let queued = lines.into_iter().find_map(|line| match line {
            Line::Event { event: Event::ContactQueued(event), .. } => Some(event.requirements),
            Line::Event { .. } | Line::Input { .. } => None,
        });
        queued.unwrap()
    }
}

/// What became of the first fact: `accepted`, or why not.
fn verdict(lines: &[Line]) -> String {
    match &lines[0] {
        Line::Input { verdict: Verdict::Refused(refused), .. } => refused.reason.to_string(),
        Line::Input { verdict, .. } => verdict.name().to_lowercase(),
        Line::Event { event, .. } => panic!("{} is no verdict", event.name()),
    }
}

fn policy() -> Policy {
    Policy { channels: channels(0, 2), queues: QUEUES.map(plain_queue).to_vec(), ..plain_policy(1) }
}

fn needs(skills: std::ops::Range<u8>) -> Vec<Requirement> {
    skills.map(|number| Requirement { skill: name(&format!("skill-{number}")), level: 1, hard: true }).collect()
}

#[test]
fn a_transfer_leaves_the_requirements_of_the_old_queue_behind() {
    let queue = |(number, text): (u8, &&str)| QueuePolicy { requirements: needs(number * 8..number * 8 + 8), ..plain_queue(text) };
    let skills = needs(0..64).into_iter().map(|need| need.skill).collect();
    let queues = (0..).zip(&QUEUES).map(queue).collect();
    let mut site = Site::new(&Policy { skills, queues, ..policy() });
    site.arrive(CONTACT, needs(40..56));
    for (queue, own) in [(1, 8..16), (2, 16..24), (0, 0..8)] {
        let expected: Vec<Requirement> = needs(40..56).into_iter().chain(needs(own)).collect();
        assert_eq!(site.transfer(QUEUES[queue]), expected);
    }
}

#[test]
fn a_contact_may_wait_for_years() {
    let mut site = Site::new(&policy());
    site.arrive(CONTACT, Vec::new());
    site.at_ms += 2 * DURATION_MAX_MS;
    assert_eq!(site.come(25, 3), 1);
}

#[test]
fn an_agent_whose_work_costs_nothing_does_not_take_everything() {
    let mut site = Site::new(&policy());
    for number in 0..510 {
        site.arrive(id(0xc1, number), Vec::new());
    }
    assert_eq!(site.come(0, 1_000), 500);
}

#[test]
fn a_time_in_another_unit_is_refused() {
    let mut site = Site::new(&policy());
    for at_ms in [START_MS * 1_000, INSTANT_MAX_MS, u64::MAX] {
        assert!(matches!(site.router.step(&[], at_ms), Err(Error::Protocol(_))));
        assert!(matches!(site.router.take_over([9; 16], at_ms), Err(Error::Protocol(_))));
    }
    let lines = {
        let frame = Frame { stored_ms: u64::MAX, content: Content::Garbage(Vec::new()) };
        let commits = decide(&mut site.router, &stored(&[frame], 2), START_MS);
        site.journal.extend(commits.clone());
        fold(&site.journal);
        transcript(&commits)
    };
    assert!(matches!(lines[0], Line::Input { stored_ms: INSTANT_MAX_MS, .. }));
}

#[test]
fn a_frame_that_stands_twice_in_a_step_is_refused() {
    let mut site = Site::new(&policy());
    let before = site.router.snapshot();
    let fact = codec::encode_fact(&plain_arrival(id(0xf1, 90), CONTACT, CHANNELS[1], QUEUES[0]).into());
    let frames = stored(&[Frame { stored_ms: START_MS, content: Content::Facts(vec![fact]) }], 2);
    let twice = [frames[0].frame(), frames[0].frame()];
    assert!(matches!(site.router.step(&twice, START_MS), Err(Error::Protocol(_))));
    assert_eq!(site.router.snapshot(), before, "nothing was decided");
}

/// The turn that ends a contact may read an old frame: late facts are told apart for as long as after any other turn.
#[test]
fn an_ended_contact_is_remembered_from_the_turn_that_ended_it() {
    let mut site = Site::new(&policy());
    site.arrive(CONTACT, Vec::new());
    let end = |fact_id| codec::encode_fact(&ContactEndRequested { fact_id, contact: CONTACT, reason: RequestedEnd::Failed }.into());
    let mut refused = Vec::new();
    for (number, at_ms) in [(90, START_MS + 600_000), (91, START_MS + 1_400_000), (92, START_MS + 1_500_000)] {
        let frame = Frame { stored_ms: START_MS, content: Content::Facts(vec![end(id(0xf1, number))]) };
        let commits = decide(&mut site.router, &stored(&[frame], number), at_ms);
        refused.push(verdict(&transcript(&commits)));
        site.journal.extend(commits);
        assert_eq!(fold(&site.journal).state_hash(), site.router.state_hash());
    }
    assert_eq!(refused, ["accepted", "contact_gone", "unknown_contact"]);
}

/// What an earlier engine decided can be folded, not decided again; how it hashed the state says nothing here.
#[test]
fn a_commit_of_an_older_level_is_folded_and_not_decided_again() {
    let site = Site::new(&policy());
    let older = |router: &Router, bytes: &[u8], level| {
        let position = router.position();
        let hash = Some(cordboard_core::words::Digest([7; 32]));
        let prev_hash = cordboard_core::words::Digest(position.hash);
        codec::encode_commit(&Commit { level, prev_hash, state_hash: hash, ..codec::decode_commit(bytes).unwrap() })
    };
    let (mut follower, mut judge) = (Router::new(SITE).unwrap(), Router::new(SITE).unwrap());
    for bytes in &site.journal {
        let commit = older(&follower, bytes, 1);
        let refused = judge.redecide(&commit).unwrap_err().to_string();
        assert!(refused.contains("level 1"), "{refused}");
        judge.apply(&commit).unwrap();
        follower.apply(&commit).unwrap();
    }
    assert_eq!((follower.state_hash(), follower.position().level), (judge.state_hash(), 1));
    let first = |level| Router::new(SITE).unwrap().apply(&older(&Router::new(SITE).unwrap(), &site.journal[0], level));
    assert_eq!(first(2), Ok(()), "so it does where this engine decides it, but several before it did");
    assert!(first(LEVEL).is_err());
    assert!(matches!(first(LEVEL + 1), Err(Error::Level { seq: 1, .. })));
}

/// Attempts are numbered up to a million. A contact that was offered as often is offered no more, and can still be ended.
#[test]
fn the_millionth_offer_is_the_last() {
    let mut site = Site::new(&policy());
    site.arrive(CONTACT, Vec::new());
    let mut commit = codec::decode_commit(&{
        site.come(25, 3);
        site.journal.pop().unwrap()
    })
    .unwrap();
    for entry in &mut commit.entries {
        if let Ok(Event::OfferMade(made)) = codec::decode_event(&entry.body) {
            entry.body = codec::encode_event(&OfferMade { attempt: ATTEMPT_MAX, ..made }.into());
        }
    }
    site.journal.push(codec::encode_commit(&commit));
    site.router = fold(&site.journal);
    site.journal.push(site.router.take_over([9; 16], START_MS).unwrap());
    let decline =
        |fact_id| OfferAnswered { fact_id, contact: CONTACT, attempt: ATTEMPT_MAX, agent: AGENT, accepted: false, reason: None };
    assert_eq!(verdict(&site.say(|fact_id| decline(fact_id).into())), "accepted");
    site.at_ms += 600_000;
    let other = site.arrive(id(0xc1, 1), Vec::new());
    assert!(other.iter().any(|line| matches!(line, Line::Event { event: Event::OfferMade(_), .. })), "others are served");
    let end = |fact_id| ContactEndRequested { fact_id, contact: CONTACT, reason: RequestedEnd::Failed };
    assert_eq!(verdict(&site.say(|fact_id| end(fact_id).into())), "accepted");
}
