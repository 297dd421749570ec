//! Promises by the thousand: what becomes of all of them at once lasts over several commits.

use cordboard_core::codec;
use cordboard_core::words::{
    AgentChannel, AgentDeclared, CalendarPolicy, CallbackPolicy, CallbackRequested, CapacityPlanned, Commit, ContactAbandoned,
    ContactArrived, ContactConnected, CustomerErasureRequested, DialMode, Digest, EngagementEndRequested, Entry, Event, Id,
    Membership, OfferAnswered, Policy, PolicyPublished, Presence, PresenceRequested, PromiseKind, PromiseOutcome, QueueMode,
    QueueModeRequested, QueuePolicy, Returning, Verdict,
};
use cordboard_core::{commit_hash, Router};

use crate::large::{check_loss, check_turn, count, frames, leading, numbered, publish};
use crate::site::{channels, id, name, plain_arrival, plain_policy, plain_queue, CHANNELS};
use crate::transcript::{read, transcript, Line};
use crate::witness::{decide, restored, START_MS};

const QUEUE: &str = "orders";
const SLOT_MS: u64 = 900_000;
/// More than one commit can say something of.
const PROMISES: u64 = 4_000;

fn policy(version: u64) -> Policy {
    let callbacks = CallbackPolicy {
        slot_ms: SLOT_MS,
        capacity: 1_000,
        early_ms: 300_000,
        late_ms: 600_000,
        horizon_ms: 100 * SLOT_MS,
        attempts: 3,
        retry_ms: 60_000,
        ring_min_ms: 2_000,
        dial_ms: 6_000,
        mode: DialMode::AgentFirst,
        holdback_percent: 10,
        holdback_ms: 60_000,
        hold_place: false,
        offer_missed: false,
        returning: Returning::Keep,
    };
    let queue = QueuePolicy { callbacks: Some(callbacks), ..plain_queue(QUEUE) };
    Policy { channels: channels(0, 100), queues: vec![queue], ..plain_policy(version) }
}

fn wish(fact_id: Id, number: u64, customer: Option<Id>) -> CallbackRequested {
    CallbackRequested {
        fact_id,
        contact: id(0xc1, number),
        channel: name(CHANNELS[0]),
        queue: name(QUEUE),
        wish_ms: START_MS + 10 * SLOT_MS,
        requirements: Vec::new(),
        priority: 0,
        customer,
        preferred: Vec::new(),
        entry_point: None,
        topic: None,
        case: None,
        rule: None,
        language: None,
        accepts: Vec::new(),
        kind: PromiseKind::Scheduled,
        exact: false,
        hours: Vec::new(),
        waiting: None,
        address: None,
        mode: None,
    }
}

/// So many are promised a call, each by another customer; the facts so far.
fn promised() -> (Router, Vec<Vec<u8>>) {
    let (mut router, _) = leading();
    let mut facts = Vec::new();
    publish(&mut facts, codec::encode_policy(&policy(1)));
    for number in 0..PROMISES {
        numbered(&mut facts, |fact_id| wish(fact_id, number, Some(id(0xb1, number))).into());
    }
    let commits = decide(&mut router, &frames(&facts, 1), START_MS);
    assert_eq!(count(&commits, |event| matches!(event, Event::PromiseMade(_))), usize::try_from(PROMISES).unwrap());
    (router, facts)
}

/// A customer asks for as many as one may have, and one more; all of them end with the customer, in one commit.
#[test]
fn a_customer_has_no_more_promises_than_one_commit_ends() {
    let (mut router, _) = leading();
    let (mut facts, customer) = (Vec::new(), id(0xb1, 1));
    publish(&mut facts, codec::encode_policy(&policy(1)));
    for number in 0..=50 {
        numbered(&mut facts, |fact_id| wish(fact_id, number, Some(customer)).into());
    }
    numbered(&mut facts, |fact_id| CustomerErasureRequested { fact_id, customer }.into());
    let commits = decide(&mut router, &frames(&facts, 1), START_MS);
    assert_eq!(commits.len(), 1);
    let refused =
        transcript(&commits).iter().filter(|line| matches!(line, Line::Input { verdict, .. } if too_many(verdict))).count();
    assert_eq!(refused, 1);
    assert_eq!(count(&commits, |event| matches!(event, Event::PromiseMade(_))), 50);
    assert_eq!(count(&commits, |event| matches!(event, Event::PromiseEnded(_))), 50);
    assert_eq!(router.check(), Vec::<String>::new());
}

fn too_many(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Refused(refused) if refused.reason.as_str() == "too_many_promises")
}

#[test]
fn a_plan_that_holds_nobody_is_noted_over_several_commits() {
    let (mut router, mut facts) = promised();
    let (before, known) = (restored(&router), facts.len());
    let from_ms = START_MS.next_multiple_of(SLOT_MS);
    let capacities = vec![0; 50];
    numbered(&mut facts, |fact_id| CapacityPlanned { fact_id, queue: name(QUEUE), from_ms, slot_ms: SLOT_MS, capacities }.into());
    let inbox = frames(&facts[known..], router.position().inbox_seq + 1);
    let commits = decide(&mut router, &inbox, START_MS + 10);
    check_turn(&before, &router, &commits);
    check_loss(&before, &commits, &inbox);
    assert_eq!(count(&commits, |event| matches!(event, Event::PromiseAtRisk(_))), usize::try_from(PROMISES).unwrap());
}

/// The queue closes, and nobody who keeps a place in it is reached: each is promised a slot.
#[test]
fn places_kept_at_closing_become_slots_over_several_commits() {
    let (mut router, _) = leading();
    let (mut facts, mut keeping) = (Vec::new(), policy(1));
    keeping.queues[0].closing_grace_ms = 1_000;
    keeping.queues[0].callbacks.as_mut().unwrap().hold_place = true;
    publish(&mut facts, codec::encode_policy(&keeping));
    staff(&mut facts);
    for number in 0..PROMISES {
        let (customer, waiting) = (Some(id(0xb1, number)), id(0xc2, number));
        numbered(&mut facts, |fact_id| ContactArrived { customer, ..plain_arrival(fact_id, waiting, CHANNELS[0], QUEUE) }.into());
        numbered(&mut facts, |fact_id| {
            let kind = PromiseKind::HoldPlace;
            CallbackRequested { kind, waiting: Some(waiting), ..wish(fact_id, number, customer) }.into()
        });
    }
    let mode = QueueMode::Closed;
    numbered(&mut facts, |fact_id| QueueModeRequested { fact_id, queue: name(QUEUE), mode, by: None, reason: None }.into());
    decide(&mut router, &frames(&facts, 1), START_MS);
    decide(&mut router, &[], START_MS + 1);
    let before = restored(&router);
    let commits = decide(&mut router, &[], START_MS + 1_000);
    check_turn(&before, &router, &commits);
    check_loss(&before, &commits, &[]);
    let all = usize::try_from(PROMISES).unwrap();
    assert_eq!(count(&commits, |event| matches!(event, Event::PromiseMade(promise) if promise.replaces.is_some())), all);
    let rescheduled = |event: &Event| matches!(event, Event::PromiseEnded(end) if end.outcome == PromiseOutcome::Rescheduled);
    assert_eq!(count(&commits, rescheduled), all);
    assert_eq!(count(&commits, |event| matches!(event, Event::OfferMade(_))), 0, "no agent is offered who is about to go");
}

/// One agent is there, who was done with somebody: so there is a wait to be expected.
fn staff(facts: &mut Vec<Vec<u8>>) {
    numbered(facts, |fact_id| {
        AgentDeclared {
            fact_id,
            agent: id(0xa1, 1),
            skills: Vec::new(),
            memberships: vec![Membership { queue: name(QUEUE), rank: 0 }],
            channels: vec![AgentChannel { channel: name(CHANNELS[0]), cost: None, max_concurrent: None }],
            capacity: None,
        }
        .into()
    });
    let presence = Presence::Ready;
    numbered(facts, |fact_id| PresenceRequested { fact_id, agent: id(0xa1, 1), presence, reason: None }.into());
    let (contact, agent, attempt) = (id(0xc3, 1), id(0xa1, 1), 1);
    numbered(facts, |fact_id| plain_arrival(fact_id, contact, CHANNELS[0], QUEUE).into());
    numbered(facts, |fact_id| OfferAnswered { fact_id, contact, attempt, agent, accepted: true, reason: None }.into());
    numbered(facts, |fact_id| ContactConnected { fact_id, contact, attempt, agent }.into());
    numbered(facts, |fact_id| EngagementEndRequested { fact_id, contact, agent, disposition: None, note: None }.into());
}

/// A commit that promises somebody else what was promised before is folded: nobody decided it here.
#[test]
fn who_has_no_room_in_a_slot_is_found() {
    let (mut router, _) = leading();
    let (mut facts, mut narrow) = (Vec::new(), policy(1));
    narrow.queues[0].callbacks.as_mut().unwrap().capacity = 1;
    publish(&mut facts, codec::encode_policy(&narrow));
    numbered(&mut facts, |fact_id| wish(fact_id, 1, None).into());
    let commits = decide(&mut router, &frames(&facts, 1), START_MS);
    let genuine = read(commits.last().unwrap());
    let made = genuine.entries.iter().find(|entry| entry.contact == Some(id(0xc1, 1)) && entry.tag == 72).unwrap();
    let twice = Entry { contact: Some(id(0xc1, 2)), ..made.clone() };
    let hash = Digest(commit_hash(commits.last().unwrap()));
    let forged = Commit { seq: genuine.seq + 1, prev_hash: hash, state_hash: None, entries: vec![twice], ..genuine };
    assert_eq!(router.check(), Vec::<String>::new());
    router.apply(&codec::encode_commit(&forged)).unwrap();
    let slot = (START_MS + 10 * SLOT_MS).div_ceil(SLOT_MS);
    assert_eq!(router.check(), vec![format!("slot {slot} of queue {QUEUE} has 2 promises and room for 1")]);
}

/// Why the snapshot is refused in which this stands for that.
fn unbelieved(snapshot: &[u8], that: &impl serde::Serialize, this: &impl serde::Serialize) -> String {
    let (that, this) = (rmp_serde::to_vec(that).unwrap(), rmp_serde::to_vec(this).unwrap());
    let at: Vec<usize> = (0..snapshot.len()).filter(|at| snapshot[*at..].starts_with(&that)).collect();
    assert_eq!(at.len(), 1, "{that:02x?}");
    Router::restore(&[&snapshot[..at[0]], &this, &snapshot[at[0] + that.len()..]].concat()).unwrap_err().to_string()
}

#[test]
fn a_snapshot_claims_no_hours_and_no_held_promise_that_cannot_be() {
    let mut router = held();
    let snapshot = router.snapshot();
    let from_ms = (START_MS + 10 * SLOT_MS).next_multiple_of(SLOT_MS) - 300_000;
    let never = unbelieved(&snapshot, &(id(0xc2, 2), from_ms), &(id(0xc2, 2), 1_u64 << 50));
    let beyond = "1125899906842624, which is beyond all bounds";
    assert_eq!(never, format!("snapshot: the held promise to contact {:?} has next time {beyond}", id(0xc1, 2)));
    let turns_ms = START_MS + 3 * 3_600_000;
    let mut facts = Vec::new();
    let calendar = CalendarPolicy { name: name("desk"), from_ms: START_MS, weeks: vec![vec![0, 180]], order: vec![0] };
    let queue = QueuePolicy { calendar: Some(name("desk")), ..policy(1).queues[0].clone() };
    let policy = codec::encode_policy(&Policy { calendars: vec![calendar], queues: vec![queue], ..policy(2) });
    numbered(&mut facts, |_| PolicyPublished { fact_id: id(0xf2, 3), policy }.into());
    let inbox = frames(&facts, router.position().inbox_seq + 1);
    decide(&mut router, &inbox, START_MS + 1);
    let hours = unbelieved(&router.snapshot(), &(true, (), turns_ms), &(true, (), 1_u64 << 50));
    assert_eq!(hours, format!("snapshot: the hours of queue {QUEUE} have next turn {beyond}"));
}

/// Two customers come in before the time of their calls: one leaves without an answer and is called, the other is forgotten and is not.
#[test]
fn who_comes_in_before_and_leaves_is_called_as_promised() {
    let mut router = held();
    let mut facts = Vec::new();
    numbered(&mut facts, |_| ContactAbandoned { fact_id: id(0xf2, 1), contact: id(0xc2, 1) }.into());
    numbered(&mut facts, |_| CustomerErasureRequested { fact_id: id(0xf2, 2), customer: id(0xb1, 2) }.into());
    let inbox = frames(&facts, router.position().inbox_seq + 1);
    let commits = decide(&mut router, &inbox, START_MS + 10);
    assert_eq!(restored(&router).state_hash(), router.state_hash(), "after a restart");
    assert_eq!(count(&commits, |event| matches!(event, Event::PromiseReleased(_))), 1);
    assert_eq!(count(&commits, |event| matches!(event, Event::PromiseEnded(_))), 1);
    assert_eq!(router.check(), Vec::<String>::new());
}

/// Two calls are promised to two customers who came in before.
fn held() -> Router {
    let (mut router, _) = leading();
    let mut facts = Vec::new();
    let callbacks = CallbackPolicy { returning: Returning::Merge, ..policy(1).queues[0].callbacks.clone().unwrap() };
    let queue = QueuePolicy { callbacks: Some(callbacks), ..plain_queue(QUEUE) };
    publish(&mut facts, codec::encode_policy(&Policy { queues: vec![queue], ..policy(1) }));
    for number in [1, 2] {
        numbered(&mut facts, |fact_id| wish(fact_id, number, Some(id(0xb1, number))).into());
    }
    for number in [1, 2] {
        let customer = Some(id(0xb1, number));
        let channel = name(CHANNELS[0]);
        numbered(&mut facts, |fact_id| {
            ContactArrived { customer, ..plain_arrival(fact_id, id(0xc2, number), &channel, &name(QUEUE)) }.into()
        });
    }
    let commits = decide(&mut router, &frames(&facts, 1), START_MS);
    assert_eq!(count(&commits, |event| matches!(event, Event::PromiseHeld(_))), 2);
    router
}
