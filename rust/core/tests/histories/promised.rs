//! Promises by the thousand: what becomes of all of them at once lasts over several commits.

use cordboard_core::codec;
use cordboard_core::words::{
    CallbackPolicy, CallbackRequested, CapacityPlanned, ContactAbandoned, ContactArrived, CustomerErasureRequested, DialMode,
    Event, Id, Policy, PromiseKind, QueuePolicy, Returning, Verdict,
};
use cordboard_core::Router;

use crate::large::{check_loss, check_turn, count, frames, leading, numbered, publish};
use crate::site::{channels, id, name, plain_arrival, plain_policy, plain_queue, CHANNELS};
use crate::transcript::{transcript, Line};
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

/// Two customers come in before the time of their calls: one leaves without an answer and is called, the other is forgotten and is not.
#[test]
fn who_comes_in_before_and_leaves_is_called_as_promised() {
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
    let known = facts.len();
    numbered(&mut facts, |fact_id| ContactAbandoned { fact_id, contact: id(0xc2, 1) }.into());
    numbered(&mut facts, |fact_id| CustomerErasureRequested { fact_id, customer: id(0xb1, 2) }.into());
    let inbox = frames(&facts[known..], router.position().inbox_seq + 1);
    let commits = decide(&mut router, &inbox, START_MS + 10);
    assert_eq!(restored(&router).state_hash(), router.state_hash(), "after a restart");
    assert_eq!(count(&commits, |event| matches!(event, Event::PromiseReleased(_))), 1);
    assert_eq!(count(&commits, |event| matches!(event, Event::PromiseEnded(_))), 1);
    assert_eq!(router.check(), Vec::<String>::new());
}
