//! Turns that are too large for one commit: arrivals, expiries, and the sweep after a new policy.

use cordboard_core::codec;
use cordboard_core::words::bounds::FRAME_FACTS_MAX;
use cordboard_core::words::{
    AgentChannel, AgentDeclared, ChannelPresence, ContactArrived, ContactConnected, ContactEndRequested, Event, Fact, Id,
    Membership, OfferAnswered, OnMissed, ParkKind, ParkRequested, Policy, PolicyPublished, Presence, PresenceRequested,
    QueuePolicy, RequestedEnd, INPUT_TAG,
};
use cordboard_core::Router;

use crate::site::{channels, id, name, plain_arrival, plain_policy, plain_queue, CHANNELS, SITE};
use crate::transcript::{event, input, read, stored, transcript, Content, Frame, Line, Stored};
use crate::witness::{decide, fold, restored, START_MS};

const INBOX: Id = Id([9; 16]);
const BUDGET: usize = 512 * 1024;
/// Queues of a large site, agents of each, contacts of each.
const SIZE: (u64, u64, u64) = (16, 125, 160);

/// A fact under the next id.
pub(crate) fn numbered(facts: &mut Vec<Vec<u8>>, fact: impl FnOnce(Id) -> Fact) {
    let fact_id = id(0xf1, facts.len() as u64);
    facts.push(codec::encode_fact(&fact(fact_id)));
}

fn queue(number: u64) -> String {
    format!("queue-{number}")
}

fn policy(version: u64) -> Policy {
    let mut channels = channels(0, 100);
    for channel in &mut channels {
        channel.on_missed = OnMissed::SwitchOff;
        channel.missed_limit = 100;
    }
    Policy { channels, queues: (0..SIZE.0).map(|number| plain_queue(&queue(number))).collect(), ..plain_policy(version) }
}

/// Longer than anybody needs: unknown skills do not matter until somebody asks for them.
fn long_policy(version: u64) -> Vec<u8> {
    let skills = (0..1_000).map(|number| name(&format!("{}-{number:04}", "s".repeat(40)))).collect();
    codec::encode_policy(&Policy { skills, ..policy(version) })
}

pub(crate) fn publish(facts: &mut Vec<Vec<u8>>, policy: Vec<u8>) {
    numbered(facts, |fact_id| PolicyPublished { fact_id, policy }.into());
}

fn declare(facts: &mut Vec<Vec<u8>>, agent: Id, queue: &str) {
    numbered(facts, |fact_id| {
        AgentDeclared {
            fact_id,
            agent,
            skills: Vec::new(),
            memberships: vec![Membership { queue: name(queue), rank: 0 }],
            channels: vec![AgentChannel { channel: name(CHANNELS[0]), cost: None, max_concurrent: None }],
            capacity: None,
        }
        .into()
    });
}

fn be_ready(facts: &mut Vec<Vec<u8>>, agent: Id) {
    numbered(facts, |fact_id| PresenceRequested { fact_id, agent, presence: Presence::Ready, reason: None }.into());
}

fn arrive(facts: &mut Vec<Vec<u8>>, contact: Id, queue: &str) {
    numbered(facts, |fact_id| arrival(fact_id, contact, queue).into());
}

fn arrival(fact_id: Id, contact: Id, queue: &str) -> ContactArrived {
    plain_arrival(fact_id, contact, CHANNELS[0], queue)
}

/// Contacts first, so that they wait; then the agents, who take them in the same turn.
fn busy_site() -> Vec<Vec<u8>> {
    let (queues, agents, contacts) = SIZE;
    let mut facts = Vec::new();
    publish(&mut facts, codec::encode_policy(&policy(1)));
    for number in 0..queues * contacts {
        arrive(&mut facts, id(0xc1, number), &queue(number % queues));
    }
    for number in 0..queues * agents {
        declare(&mut facts, id(0xa1, number), &queue(number % queues));
        be_ready(&mut facts, id(0xa1, number));
    }
    facts
}

/// In frames as large as they may be.
pub(crate) fn frames(facts: &[Vec<u8>], first_seq: u64) -> Vec<Stored> {
    let mut parts: Vec<Vec<Vec<u8>>> = vec![Vec::new()];
    let mut bytes = 0;
    for fact in facts {
        bytes += fact.len() + 3;
        if bytes > 60_000 || parts.last().is_some_and(|part| part.len() == FRAME_FACTS_MAX) {
            parts.push(Vec::new());
            bytes = fact.len() + 3;
        }
        parts.last_mut().unwrap().push(fact.clone());
    }
    let framed: Vec<Frame> = parts.into_iter().map(|facts| Frame { stored_ms: START_MS, content: Content::Facts(facts) }).collect();
    stored(&framed, first_seq)
}

pub(crate) fn leading() -> (Router, Vec<Vec<u8>>) {
    let mut router = Router::new(SITE).unwrap();
    let commit = router.take_over(INBOX.0, START_MS).unwrap();
    (router, vec![commit])
}

/// Cut where it must be and nowhere else, and the same when it is folded or decided again.
pub(crate) fn check_turn(before: &Router, after: &Router, commits: &[Vec<u8>]) {
    assert!(commits.len() > 1, "the turn fits into one commit");
    let (mut follower, mut judge) = (restored(before), restored(before));
    for (place, commit) in commits.iter().enumerate() {
        let header = read(commit);
        assert_eq!(header.continued, place + 1 < commits.len());
        assert_eq!(header.at_ms, read(&commits[0]).at_ms);
        let size: usize = header.entries.iter().map(|entry| entry.body.len() + 96).sum();
        assert_eq!(size >= BUDGET, header.continued, "commit {place} of {} has {size} bytes of entries", commits.len());
        assert!(size < BUDGET + 200_000);
        assert!(commit.len() < 1024 * 1024);
        assert_eq!(judge.redecide(commit).as_deref(), Ok(commit.as_slice()));
        follower.apply(commit).unwrap();
        let at_once = follower.next_deadline().is_some_and(|next_ms| next_ms <= header.at_ms);
        assert_eq!(at_once, header.continued, "an unfinished turn goes on at once");
    }
    for other in [&follower, &judge] {
        assert_eq!(other.state_hash(), after.state_hash());
        assert_eq!(other.position(), after.position());
        assert_eq!(other.check(), Vec::<String>::new());
    }
}

/// A router that finds only the first commits of a turn takes over and ends it: what was said is the same.
pub(crate) fn check_loss(before: &Router, commits: &[Vec<u8>], inbox: &[Stored]) {
    let at_ms = read(&commits[0]).at_ms;
    for kept in 0..commits.len() {
        let mut router = restored(before);
        for commit in &commits[..kept] {
            router.apply(commit).unwrap();
        }
        let resumes = router.position();
        router.take_over(INBOX.0, at_ms).unwrap();
        assert_eq!(router.position().facts_done, resumes.facts_done);
        let rest = decide(&mut router, inbox, at_ms);
        assert_eq!(transcript(&rest), transcript(&commits[kept..]), "after {kept} of {} commits", commits.len());
        assert_eq!(router.check(), Vec::<String>::new());
    }
}

pub(crate) fn count(commits: &[Vec<u8>], what: impl Fn(&Event) -> bool) -> usize {
    transcript(commits).iter().filter(|line| matches!(line, Line::Event { event, .. } if what(event))).count()
}

#[test]
fn a_turn_too_large_for_a_commit_is_cut_between_facts() {
    let (mut router, _) = leading();
    let inbox = frames(&busy_site(), 1);
    let before = restored(&router);
    let commits = decide(&mut router, &inbox, START_MS);
    check_turn(&before, &router, &commits);
    check_loss(&before, &commits, &inbox);
    let offers = usize::try_from(SIZE.0 * SIZE.1).unwrap();
    assert_eq!(count(&commits, |event| matches!(event, Event::OfferMade(_))), offers);
    let inputs = commits.iter().flat_map(|commit| read(commit).entries).filter(|entry| entry.tag == INPUT_TAG);
    assert_eq!(inputs.count(), busy_site().len());
}

#[test]
fn a_mass_expiry_lasts_over_several_commits() {
    let (mut router, _) = leading();
    decide(&mut router, &frames(&busy_site(), 1), START_MS);
    // Woken every second, as it asks: else the silence would be forgiven.
    for second in 1..20 {
        decide(&mut router, &[], START_MS + second * 1_000);
    }
    let before = restored(&router);
    let due_ms = START_MS + 20_000;
    assert_eq!(router.next_deadline(), Some(due_ms));
    let commits = decide(&mut router, &[], due_ms);
    check_turn(&before, &router, &commits);
    check_loss(&before, &commits, &[]);
    let offers = usize::try_from(SIZE.0 * SIZE.1).unwrap();
    assert_eq!(count(&commits, |event| matches!(event, Event::OfferExpired(_))), offers);
    assert_eq!(count(&commits, |event| matches!(event, Event::OfferMade(_))), offers);
    assert!(router.next_deadline().unwrap() > due_ms);
}

#[test]
fn a_sweep_goes_on_in_the_next_commit() {
    let (mut router, _) = leading();
    let mut facts = busy_site();
    decide(&mut router, &frames(&facts, 1), START_MS);
    let before = restored(&router);
    let known = facts.len();
    // Each policy takes its room twice, as a fact and as an event: the last ones find the commit full.
    for version in 2..9 {
        publish(&mut facts, long_policy(version));
    }
    let inbox = frames(&facts[known..], router.position().inbox_seq + 1);
    let commits = decide(&mut router, &inbox, START_MS + 10);
    check_turn(&before, &router, &commits);
    check_loss(&before, &commits, &inbox);
    let swept = |commit: &Vec<u8>| {
        read(commit).entries.iter().filter(|entry| entry.tag != INPUT_TAG).any(|entry| match event(entry) {
            Event::SweepAdvanced(event) => event.after.is_some(),
            _ => false,
        })
    };
    assert!(swept(&commits[0]), "no sweep was cut");
    assert_eq!(count(&commits, |event| matches!(event, Event::SweepAdvanced(event) if event.after.is_none())), 7);
}

#[test]
fn every_thousandth_commit_carries_the_hash_of_the_state() {
    let (mut router, mut journal) = leading();
    let mut facts = Vec::new();
    publish(&mut facts, codec::encode_policy(&policy(1)));
    declare(&mut facts, id(0xa1, 1), &queue(0));
    arrive(&mut facts, id(0xc1, 1), &queue(0));
    for number in 0..1_000 {
        let presence = if number % 2 == 0 { Presence::Ready } else { Presence::Offline };
        numbered(&mut facts, |fact_id| PresenceRequested { fact_id, agent: id(0xa1, 1), presence, reason: None }.into());
    }
    for (fact, at_ms) in facts.chunks(1).zip(START_MS..) {
        let inbox = frames(fact, router.position().inbox_seq + 1);
        journal.extend(decide(&mut router, &inbox, at_ms));
    }
    for commit in &journal {
        let header = read(commit);
        assert_eq!(header.state_hash.is_some(), header.seq == 1_000, "commit {}", header.seq);
        assert!(header.entries.iter().filter(|entry| entry.tag == INPUT_TAG).all(|entry| !input(entry).fact.is_empty()));
    }
    let mut follower = fold(&journal[..999]);
    let judge = restored(&follower);
    let mut tampered = read(&journal[999]);
    tampered.state_hash = Some(cordboard_core::words::Digest([7; 32]));
    let tampered = codec::encode_commit(&tampered);
    let refused = restored(&judge).apply(&tampered).unwrap_err();
    assert!(refused.to_string().contains("state hash"), "{refused}");
    let refused = restored(&judge).redecide(&tampered).unwrap_err();
    assert!(refused.to_string().contains("state hash"), "{refused}");
    follower.apply(&journal[999]).unwrap();
    assert_eq!(read(&journal[999]).state_hash.unwrap().0, follower.state_hash());
    assert_eq!(fold(&journal).state_hash(), router.state_hash());
}

/// Contacts of many queues, each accepted by its queue's only agent, whom it costs nothing.
fn accepted(contacts: u64, queues: u64) -> Vec<Vec<u8>> {
    let agents: Vec<Id> = (0..queues).map(|number| id(0xa1, number)).collect();
    let mut facts = Vec::new();
    let mut free = policy(1);
    free.queues = (0..queues).map(|number| plain_queue(&queue(number))).collect();
    for channel in &mut free.channels {
        (channel.cost, channel.max_concurrent, channel.presence) = (0, 1_000, ChannelPresence::Session);
    }
    publish(&mut facts, codec::encode_policy(&free));
    for (number, agent) in (0..).zip(&agents) {
        declare(&mut facts, *agent, &queue(number));
        be_ready(&mut facts, *agent);
    }
    for number in 0..contacts {
        arrive(&mut facts, id(0xc1, number), &queue(number % queues));
    }
    for (number, agent) in (0..contacts).zip(agents.iter().cycle()) {
        let (contact, agent) = (id(0xc1, number), *agent);
        numbered(&mut facts, |fact_id| OfferAnswered { fact_id, contact, attempt: 1, agent, accepted: true, reason: None }.into());
    }
    facts
}

/// All accepted, none connected: the pairs are excluded for the same few seconds, and look again at the same moment.
#[test]
fn exclusions_that_end_together_last_over_several_commits() {
    const CONTACTS: u64 = 4_000;
    let (mut router, _) = leading();
    decide(&mut router, &frames(&accepted(CONTACTS, 100), 1), START_MS);
    for second in 1..=10 {
        decide(&mut router, &[], START_MS + second * 1_000);
    }
    let due_ms = START_MS + 15_000;
    assert_eq!(router.next_deadline(), Some(due_ms));
    let before = restored(&router);
    let commits = decide(&mut router, &[], due_ms);
    check_turn(&before, &router, &commits);
    check_loss(&before, &commits, &[]);
    assert_eq!(count(&commits, |event| matches!(event, Event::OfferMade(_))), usize::try_from(CONTACTS).unwrap());
}

/// Put aside until the same morning: they all come back at once, and each is offered to its owner.
#[test]
fn parked_contacts_that_return_together_last_over_several_commits() {
    const CONTACTS: u64 = 3_000;
    let mut facts = accepted(CONTACTS, 100);
    for number in 0..CONTACTS {
        let (contact, agent) = (id(0xc1, number), id(0xa1, number % 100));
        numbered(&mut facts, |fact_id| ContactConnected { fact_id, contact, attempt: 1, agent }.into());
        let kind = ParkKind::Snooze;
        numbered(&mut facts, |fact_id| ParkRequested { fact_id, contact, agent, kind, for_ms: 60_000_000, note: None }.into());
    }
    let (mut router, _) = leading();
    decide(&mut router, &frames(&facts, 1), START_MS);
    let due_ms = START_MS + 60_000_000;
    assert_eq!(router.next_deadline(), Some(due_ms), "nothing beats for what is parked");
    let before = restored(&router);
    let commits = decide(&mut router, &[], due_ms);
    check_turn(&before, &router, &commits);
    check_loss(&before, &commits, &[]);
    let all = usize::try_from(CONTACTS).unwrap();
    assert_eq!(count(&commits, |event| matches!(event, Event::ParkEnded(event) if event.at_ms == due_ms)), all);
    assert_eq!(count(&commits, |event| matches!(event, Event::OfferMade(event) if event.at_ms == due_ms)), all);
}

/// Everybody waits for one preferred agent, who leaves: all look at once, more than one commit can say.
#[test]
fn a_loss_that_frees_thousands_lasts_over_several_commits() {
    const CONTACTS: u64 = 4_000;
    let favourite = id(0xa1, 99);
    let mut facts = Vec::new();
    let mut free = policy(1);
    for channel in &mut free.channels {
        (channel.cost, channel.max_concurrent) = (0, 1_000);
    }
    publish(&mut facts, codec::encode_policy(&free));
    for agent in (0..10).map(|number| id(0xa1, number)).chain([favourite]) {
        declare(&mut facts, agent, &queue(0));
        let presence = if agent == favourite { Presence::NotReady } else { Presence::Ready };
        numbered(&mut facts, |fact_id| PresenceRequested { fact_id, agent, presence, reason: None }.into());
    }
    for number in 0..CONTACTS {
        numbered(&mut facts, |fact_id| {
            ContactArrived { preferred: vec![favourite], ..arrival(fact_id, id(0xc1, number), &queue(0)) }.into()
        });
    }
    let (mut router, _) = leading();
    let waiting = decide(&mut router, &frames(&facts, 1), START_MS);
    assert_eq!(count(&waiting, |event| matches!(event, Event::OfferMade(_))), 0);

    let before = restored(&router);
    let known = facts.len();
    numbered(&mut facts, |fact_id| {
        PresenceRequested { fact_id, agent: favourite, presence: Presence::Offline, reason: None }.into()
    });
    let inbox = frames(&facts[known..], router.position().inbox_seq + 1);
    let commits = decide(&mut router, &inbox, START_MS + 10);
    check_turn(&before, &router, &commits);
    check_loss(&before, &commits, &inbox);
    assert_eq!(count(&commits, |event| matches!(event, Event::OfferMade(_))), usize::try_from(CONTACTS).unwrap());
}

/// Where a turn is cut does not matter: what was to come after the fact before the cut still comes after the facts behind it.
#[test]
fn a_cut_turn_promotes_nobody_before_their_time() {
    let mut site = policy(1);
    site.queues[0] = QueuePolicy { promote_before_ms: 30_000, promoted_percent: 100, ..plain_queue(&queue(0)) };
    let (mut router, _) = leading();
    let (chat, mut facts) = (id(0xc1, 1), Vec::new());
    publish(&mut facts, codec::encode_policy(&site));
    declare(&mut facts, id(0xa1, 1), &queue(0));
    be_ready(&mut facts, id(0xa1, 1));
    numbered(&mut facts, |fact_id| plain_arrival(fact_id, chat, CHANNELS[1], &queue(0)).into());
    decide(&mut router, &frames(&facts, 1), START_MS);
    let (before, known) = (restored(&router), facts.len());
    // Refused, and long enough that the turn is cut before the customer's end is read.
    for _ in 0..16 {
        publish(&mut facts, long_policy(1));
    }
    let reason = RequestedEnd::Cancelled;
    numbered(&mut facts, |fact_id| ContactEndRequested { fact_id, contact: chat, reason }.into());
    let told = |facts: &[Vec<u8>]| -> Vec<Stored> {
        let frame = |fact: &Vec<u8>| Frame { stored_ms: START_MS + 20_000, content: Content::Facts(vec![fact.clone()]) };
        stored(&facts.iter().map(frame).collect::<Vec<_>>(), before.position().inbox_seq + 1)
    };
    // Its time comes between the facts and the turn that reads them.
    let at_ms = START_MS + 40_000;
    let inbox = told(&facts[known..]);
    let commits = decide(&mut router, &inbox, at_ms);
    check_turn(&before, &router, &commits);
    check_loss(&before, &commits, &inbox);
    let events = |commits: &[Vec<u8>]| -> Vec<&'static str> {
        transcript(commits).iter().filter(|line| matches!(line, Line::Event { .. })).map(Line::word).collect()
    };
    let mut other = restored(&before);
    other.take_over(INBOX.0, START_MS).unwrap();
    let whole = decide(&mut other, &told(&facts[facts.len() - 1..]), at_ms);
    assert_eq!(whole.len(), 1);
    assert_eq!(events(&commits), events(&whole));
    assert_eq!(count(&commits, |event| matches!(event, Event::ContactPromoted(_))), 0);
}
