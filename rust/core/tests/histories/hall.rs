//! The hall where contacts wait: plans, thresholds, admission, promotion, floors, customers who come again; and queues that close.

use cordboard_core::words::{
    BroadcastRequested, CalendarPolicy, DemandTurnedAway, DoorState, Fact, Floor, Id, Name, PlanStep, Policy,
    QuarantineEndRequested, QuarantineOutcome, QueueMode, QueueModeRequested, Replacement, Requirement, Threshold, ThresholdAction,
};
use proptest::prelude::{any, Strategy};
use proptest::prop_oneof;
use proptest::sample::select;

use crate::ledger::word;
use crate::site::{id, requirement, CHANNELS, ENTRY_POINTS, QUEUES, SKILLS};
use crate::witness::START_MS;

const TEXT: u8 = 0x91;

/// Settings of all queues and channels.
#[allow(clippy::struct_excessive_bools)] // each is a switch of the policy
#[derive(Debug, Clone)]
pub(crate) struct Hall {
    plan: u8,
    thresholds: u8,
    promote_before_ms: u64,
    promoted_percent: u8,
    floor: bool,
    max_waiting: u32,
    admit_unstaffed: bool,
    overflow: bool,
    closing_grace_ms: u64,
    join_waiting: bool,
    resume_ms: u64,
    repeat_count: u32,
    /// Queues that open and close by a calendar.
    timed: u8,
}

pub(crate) fn hall() -> impl Strategy<Value = Hall> {
    let waits = (0_u8..4, 0_u8..5, select(vec![0_u64, 30_000, 50_000]), select(vec![20_u8, 100]), any::<bool>());
    let admission = (select(vec![0_u32, 0, 1, 3]), any::<bool>(), any::<bool>(), select(vec![0_u64, 5_000, 60_000]));
    let customers = (any::<bool>(), select(vec![0_u64, 0, 30_000]), select(vec![0_u32, 1, 2, 3]));
    (waits, admission, customers).prop_map(|(waits, admission, customers)| Hall {
        plan: waits.0,
        thresholds: waits.1,
        promote_before_ms: waits.2,
        promoted_percent: waits.3,
        floor: waits.4,
        max_waiting: admission.0,
        admit_unstaffed: admission.1,
        overflow: admission.2,
        closing_grace_ms: admission.3,
        join_waiting: customers.0,
        resume_ms: customers.1,
        repeat_count: customers.2,
        timed: waits.1 % 3,
    })
}

impl Hall {
    pub(crate) fn settle(&self, policy: &mut Policy) {
        let names: Vec<Name> = policy.queues.iter().map(|queue| queue.name.clone()).collect();
        for (index, queue) in policy.queues.iter_mut().enumerate() {
            let next = names[(index + 1) % names.len()].clone();
            queue.plan = steps(&next).into_iter().take(usize::from(self.plan)).collect();
            // None to three, or all five.
            queue.thresholds = thresholds(&next).into_iter().take(usize::from(self.thresholds) * 5 / 4).collect();
            queue.promote_before_ms = self.promote_before_ms;
            queue.promoted_percent = self.promoted_percent;
            queue.floors = if self.floor { vec![Floor { klass: 3, members: 1 }] } else { Vec::new() };
            queue.max_waiting = self.max_waiting;
            queue.max_expected_wait_ms = if self.max_waiting == 3 { 20_000 } else { 0 };
            queue.admit_unstaffed = self.admit_unstaffed;
            queue.overflow = self.overflow.then_some(next);
            queue.closing_grace_ms = self.closing_grace_ms;
            queue.calendar = (index < usize::from(self.timed)).then(|| minutes().name);
        }
        for channel in &mut policy.channels {
            channel.join_waiting = self.join_waiting && channel.klass == 2;
            channel.resume_ms = self.resume_ms;
        }
        policy.repeat_count = self.repeat_count;
        policy.repeat_ms = 90_000;
        policy.calendars.push(minutes());
    }
}

/// Open three minutes of four for a while. Whole ones, as slots of callbacks are: some of them are open from beginning to end.
fn minutes() -> CalendarPolicy {
    let name = Name::new("minutes").unwrap();
    let from_ms = START_MS / 60_000 * 60_000;
    CalendarPolicy { name, from_ms, weeks: vec![(1..=100).filter(|minute| minute % 4 < 2).collect()], order: vec![0] }
}

fn steps(next: &Name) -> Vec<PlanStep> {
    let skill = |index: usize| Name::new(SKILLS[index]).unwrap();
    let step = PlanStep {
        after_ms: 5_000,
        lower: vec![soft(0, 2), soft(2, 1)],
        drop: Vec::new(),
        replace: Vec::new(),
        queues: Vec::new(),
        raise_priority: 1,
        release_preference: true,
    };
    let by = soft(1, 3);
    vec![
        step.clone(),
        PlanStep {
            after_ms: 15_000,
            replace: vec![Replacement { skill: skill(0), by, language: None }],
            queues: vec![next.clone()],
            ..step.clone()
        },
        PlanStep { after_ms: 40_000, drop: vec![skill(1), skill(2)], ..step },
    ]
}

fn soft(index: usize, level: u8) -> Requirement {
    requirement(index, level, false)
}

fn thresholds(next: &Name) -> Vec<Threshold> {
    let threshold = |text: &str, action, (wait_ms, target_percent, expected_wait_ms)| Threshold {
        name: Name::new(text).unwrap(),
        wait_ms,
        target_percent,
        action,
        raise_priority: 2,
        queue: Some(next.clone()),
        group: None,
        expected_wait_ms,
    };
    vec![
        threshold("half", ThresholdAction::RaisePriority, (None, Some(50), None)),
        threshold("soon", ThresholdAction::Notify, (Some(8_000), None, None)),
        threshold("else", ThresholdAction::NextSteps, (Some(12_000), None, None)),
        threshold("over", ThresholdAction::Overflow, (Some(25_000), None, None)),
        threshold("long", ThresholdAction::RaisePriority, (None, None, Some(10_000))),
    ]
}

/// What is said to a queue, or of bytes that were put aside.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Mode { queue: u8, mode: QueueMode },
    Broadcast { queue: u8, text: u8 },
    Quarantine { place: u8, outcome: QuarantineOutcome },
    TurnedAway { door: u8 },
}

pub(crate) fn call() -> impl Strategy<Value = Call> {
    let modes = vec![QueueMode::Open, QueueMode::Open, QueueMode::Open, QueueMode::Closed, QueueMode::Emergency];
    prop_oneof![
        4 => (0_u8..4, select(modes)).prop_map(|(queue, mode)| Call::Mode { queue, mode }),
        1 => (0_u8..4, any::<u8>()).prop_map(|(queue, text)| match text % 5 {
            0 => Call::Quarantine { place: text, outcome: QuarantineOutcome::Retried },
            1 => Call::Quarantine { place: text, outcome: QuarantineOutcome::Discarded },
            2 => Call::TurnedAway { door: queue },
            _ => Call::Broadcast { queue, text },
        }),
    ]
}

pub(crate) fn called(fact_id: Id, call: &Call) -> Fact {
    match call {
        Call::Mode { queue, mode } => {
            QueueModeRequested { fact_id, queue: word(&QUEUES, *queue), mode: *mode, by: None, reason: None }.into()
        }
        Call::Broadcast { queue, text } => {
            let message = id(TEXT, u64::from(*text));
            BroadcastRequested { fact_id, queue: word(&QUEUES, *queue), message, by: None, reason: None }.into()
        }
        Call::Quarantine { place, outcome } => {
            let (seq, entry) = (u64::from(*place), u64::from(*place % 3));
            QuarantineEndRequested { fact_id, seq, entry, outcome: *outcome, by: None, reason: None }.into()
        }
        Call::TurnedAway { door } => {
            let (entry_point, channel) = (word(&ENTRY_POINTS, *door), word(&CHANNELS, *door));
            DemandTurnedAway { fact_id, entry_point, channel, state: DoorState::Busy, count: 1 + u64::from(*door) }.into()
        }
    }
}
