//! Callbacks: wished for, moved, cancelled, tried; and the settings and plans of their slots.

use cordboard_core::words::{
    AttemptOutcome, AttemptReported, CallbackCancelled, CallbackPolicy, CallbackRequested, CallbackRescheduled, CapacityPlanned,
    DialMode, Fact, Hours, Id, NextStep, NextStepChosen, Policy, PromiseKind, Returning, StepKind,
};
use proptest::prelude::{any, Just, Strategy};
use proptest::sample::select;
use proptest::{option, prop_oneof};

use crate::ledger::{word, Target};
use crate::site::{id, CHANNELS, QUEUES};

const CUSTOMER: u8 = 0xb0;
const SLOT_MS: u64 = 60_000;

/// Settings of all queues.
#[derive(Debug, Clone)]
pub(crate) struct Promises {
    capacity: Option<u32>,
    late_ms: u64,
    attempts: u32,
    customer_first: bool,
}

pub(crate) fn promises() -> impl Strategy<Value = Promises> {
    let capacity = option::weighted(0.8, 0_u32..3);
    (capacity, select(vec![0_u64, 20_000, 90_000]), 1_u32..3, any::<bool>())
        .prop_map(|(capacity, late_ms, attempts, customer_first)| Promises { capacity, late_ms, attempts, customer_first })
}

impl Promises {
    pub(crate) fn settle(&self, policy: &mut Policy) {
        let callbacks = self.capacity.map(|capacity| CallbackPolicy {
            slot_ms: SLOT_MS,
            capacity,
            early_ms: 30_000,
            late_ms: self.late_ms,
            horizon_ms: 600_000,
            attempts: self.attempts,
            retry_ms: 4_000,
            ring_min_ms: 2_000,
            dial_ms: 6_000,
            mode: if self.customer_first { DialMode::CustomerFirst } else { DialMode::AgentFirst },
            holdback_percent: 10,
            holdback_ms: if self.attempts == 1 { 20_000 } else { 0 },
            hold_place: self.late_ms > 0,
            offer_missed: self.attempts == 1,
            returning: self.returning(),
        });
        for queue in &mut policy.queues {
            queue.callbacks.clone_from(&callbacks);
        }
    }

    fn returning(&self) -> Returning {
        match (self.late_ms, self.attempts) {
            (90_000, 1) => Returning::Keep,
            (_, 1) => Returning::Cancel,
            _ => Returning::Merge,
        }
    }
}

/// What is said of callbacks.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Call {
        channel: u8,
        queue: u8,
        after_ms: u64,
        exact: bool,
        hours: Option<(u64, u64)>,
        flows: bool,
        holds: bool,
    },
    Move {
        after_ms: u64,
    },
    Cancel,
    Attempt {
        outcome: u8,
        ring_ms: u64,
    },
    Plan {
        queue: u8,
        capacities: Vec<u32>,
        odd: bool,
    },
    /// The customer takes one of the next steps that they were offered, or (`odd`) another one.
    Choose {
        step: u8,
        after_ms: u64,
        odd: bool,
    },
}

pub(crate) fn ask() -> impl Strategy<Value = Ask> {
    let after = || prop_oneof![4 => 0_u64..120_000, 1 => 0_u64..900_000];
    let hours = option::weighted(0.2, (0_u64..90_000, 0_u64..120_000));
    let seldom = || prop_oneof![7 => Just(false), 1 => Just(true)];
    prop_oneof![
        10 => (0_u8..3, 0_u8..3, after(), any::<bool>(), hours, seldom(), seldom()).prop_map(
            |(channel, queue, after_ms, exact, hours, flows, holds)| Ask::Call { channel, queue, after_ms, exact, hours, flows, holds }
        ),
        1 => after().prop_map(|after_ms| Ask::Move { after_ms }),
        1 => Just(Ask::Cancel),
        10 => (any::<u8>(), select(vec![500_u64, 5_000])).prop_map(|(outcome, ring_ms)| Ask::Attempt { outcome, ring_ms }),
        3 => (0_u8..3, proptest::collection::vec(0_u32..3, 0..6), seldom())
            .prop_map(|(queue, capacities, odd)| Ask::Plan { queue, capacities, odd }),
        5 => (any::<u8>(), after(), seldom()).prop_map(|(step, after_ms, odd)| Ask::Choose { step, after_ms, odd }),
    ]
}

/// Whom it is about: somebody promised a call, somebody who is being connected, somebody who waits; and who comes to be.
pub(crate) struct Known {
    pub(crate) promised: Target,
    pub(crate) connecting: Target,
    pub(crate) waiting: Target,
    pub(crate) choosing: (Id, Vec<NextStep>),
    pub(crate) new: Id,
    pub(crate) number: u64,
    pub(crate) now_ms: u64,
}

pub(crate) fn asked(fact_id: Id, known: &Known, ask: &Ask) -> Fact {
    let later = |after_ms: u64| known.now_ms.saturating_add(after_ms).saturating_sub(60_000);
    match ask {
        Ask::Call { channel, queue, after_ms, exact, hours, flows, holds } => CallbackRequested {
            fact_id,
            contact: known.new,
            channel: word(&CHANNELS, *channel),
            queue: word(&QUEUES, *queue),
            wish_ms: later(*after_ms),
            requirements: Vec::new(),
            priority: u8::from(*exact),
            customer: Some(id(CUSTOMER, known.number % 3)),
            preferred: Vec::new(),
            entry_point: None,
            topic: None,
            case: [None, Some(known.waiting.contact), Some(known.promised.contact)][usize::from(*queue) % 3].filter(|_| *exact),
            rule: None,
            language: None,
            accepts: Vec::new(),
            kind: if *holds { PromiseKind::HoldPlace } else { PromiseKind::Scheduled },
            exact: *exact,
            hours: hours.map(|(from, length)| span(known.now_ms + from, length)).into_iter().collect(),
            waiting: flows.then_some(known.waiting.contact),
            address: None,
            mode: None,
        }
        .into(),
        Ask::Move { after_ms } => CallbackRescheduled {
            fact_id,
            contact: known.promised.contact,
            successor: known.new,
            wish_ms: later(*after_ms),
            exact: false,
            hours: None,
            by: None,
        }
        .into(),
        Ask::Cancel => CallbackCancelled { fact_id, contact: known.promised.contact, by: None, reason: None }.into(),
        Ask::Attempt { outcome, ring_ms } => {
            let Target { contact, agent, attempt } = known.connecting;
            let outcomes = [
                AttemptOutcome::NoAnswer,
                AttemptOutcome::Busy,
                AttemptOutcome::Voicemail,
                AttemptOutcome::WrongPerson,
                AttemptOutcome::InvalidNumber,
                AttemptOutcome::Unknown,
            ];
            let outcome = outcomes[usize::from(*outcome) % outcomes.len()];
            AttemptReported { fact_id, contact, attempt, agent, outcome, ring_ms: *ring_ms }.into()
        }
        Ask::Choose { step, after_ms, odd } => {
            let (contact, steps) = &known.choosing;
            let nothing = NextStep { kind: StepKind::Form, to: None, channel: None, queue: None };
            let wanted = steps.get(usize::from(*step) % steps.len().max(1)).filter(|_| !odd).unwrap_or(&nothing);
            NextStepChosen {
                fact_id,
                contact: *contact,
                kind: wanted.kind,
                successor: if *odd { *contact } else { known.new },
                to: wanted.to.clone(),
                message: step.is_multiple_of(3).then_some(id(CUSTOMER, 9)),
                customer: step.is_multiple_of(2).then_some(id(CUSTOMER, known.number % 6)),
                wish_ms: if step.is_multiple_of(5) { later(*after_ms) } else { 0 },
                exact: step.is_multiple_of(10),
                hours: Vec::new(),
                address: None,
            }
            .into()
        }
        Ask::Plan { queue, capacities, odd } => CapacityPlanned {
            fact_id,
            queue: word(&QUEUES, *queue),
            from_ms: known.now_ms / SLOT_MS * SLOT_MS + u64::from(*odd),
            slot_ms: SLOT_MS,
            capacities: capacities.clone(),
        }
        .into(),
    }
}

fn span(from_ms: u64, length_ms: u64) -> Hours {
    Hours { from_ms, until_ms: from_ms + length_ms }
}
