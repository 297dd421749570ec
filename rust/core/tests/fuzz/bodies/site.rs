//! A small site whose policy is drawn from bytes, and the words that facts about it use: each list ends with one the policy lacks.

use std::collections::BTreeMap;

use cordboard_core::words::{
    AgentChannel, AgentDeclared, AnswerMode, AnsweredOn, Availability, CalendarPolicy, ChannelPresence, ChannelProfile, EntryPoint,
    Fact, Floor, FreedAgent, Id, Membership, Name, OnMissed, Order, PlanStep, Policy, Presence, PresenceRequested, QueuePolicy,
    Reason, ReasonClass, Replacement, Reply, Requirement, Skill, SlaMeasure, SlaPolicy, Strategy, Threshold, ThresholdAction,
    Topic,
};

use super::bytes::Draw;

pub(crate) const SITE: &str = "default";
pub(crate) const CHANNELS: [&str; 4] = ["voice", "chat", "mail", "fax"];
pub(crate) const QUEUES: [&str; 4] = ["sales", "support", "claims", "attic"];
pub(crate) const SKILLS: [&str; 4] = ["nl", "en", "vip", "klingon"];
pub(crate) const REASONS: [&str; 3] = ["lunch", "meeting", "holiday"];
pub(crate) const TOPICS: [&str; 3] = ["order", "return", "weather"];
pub(crate) const DOORS: [&str; 2] = ["widget", "back-door"];
pub(crate) const DISPOSITIONS: [&str; 2] = ["solved", "vanished"];

const CALENDAR: &str = "minutes";
const STRATEGIES: [Strategy; 6] = [
    Strategy::LongestIdle,
    Strategy::LeastLoaded,
    Strategy::BestSkilled,
    Strategy::LeastSkilledFit,
    Strategy::RoundRobin,
    Strategy::FewestToday,
];
const TIMES_MS: [u64; 8] = [0, 1, 1_000, 5_000, 10_000, 30_000, 60_000, 600_000];

pub(crate) fn id(kind: u8, number: u64) -> Id {
    let mut bytes = [kind; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    Id(bytes)
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// One of the words, mostly one that the policy has.
pub(crate) fn word(draw: &mut Draw<'_>, words: &[&str]) -> Name {
    let choice = draw.below(words.len() * 2 - 1);
    name(words[choice % words.len()])
}

/// Serves every queue and channel, with some skill in everything.
pub(crate) fn standard_agent(fact_id: Id, agent: Id) -> Fact {
    AgentDeclared {
        fact_id,
        agent,
        skills: names(&SKILLS).into_iter().map(|skill| Skill { skill, level: 4 }).collect(),
        memberships: names(&QUEUES).into_iter().map(|queue| Membership { queue, rank: 0 }).collect(),
        channels: names(&CHANNELS).into_iter().map(|channel| AgentChannel { channel, cost: None, max_concurrent: None }).collect(),
        capacity: None,
    }
    .into()
}

pub(crate) fn ready(fact_id: Id, agent: Id) -> Fact {
    PresenceRequested { fact_id, agent, presence: Presence::Ready, reason: None }.into()
}

fn names(words: &[&str]) -> Vec<Name> {
    words[..words.len() - 1].iter().copied().map(name).collect()
}

pub(crate) fn requirement(draw: &mut Draw<'_>) -> Requirement {
    let choice = draw.byte();
    Requirement { skill: name(SKILLS[usize::from(choice) % 3]), level: 1 + choice / 3 % 10, hard: choice & 128 == 0 }
}

pub(crate) fn policy(draw: &mut Draw<'_>, version: u64) -> Policy {
    let reason = |(text, klass): (&&str, ReasonClass)| Reason { name: name(text), klass };
    let days = draw.several(3, |draw| super::histories::START_MS + u64::from(draw.byte()) * 1_000);
    Policy {
        version,
        site: name(SITE),
        skills: names(&SKILLS),
        channels: CHANNELS[..3].iter().enumerate().map(|(place, text)| channel(draw, place, text)).collect(),
        queues: QUEUES[..3].iter().enumerate().map(|(place, text)| queue(draw, place, text, version)).collect(),
        reasons: REASONS[..2].iter().zip([ReasonClass::Meal, ReasonClass::Meeting]).map(reason).collect(),
        dispositions: names(&DISPOSITIONS),
        capacity: draw.pick(&[100, 100, 50, 1]),
        order: draw.pick(&[Order::Urgency, Order::Strict]),
        age_credit_ms: draw.pick(&TIMES_MS),
        freed_agent: draw.pick(&[FreedAgent::RankThenKey, FreedAgent::Key]),
        prefer_ms: draw.pick(&TIMES_MS),
        decline_cooldown_ms: draw.pick(&TIMES_MS),
        reoffer_min_ms: draw.pick(&TIMES_MS),
        declines_limit: draw.pick(&[1, 2, 3]),
        connect_retry_ms: draw.pick(&TIMES_MS),
        toggle_grace_ms: draw.pick(&TIMES_MS),
        max_parked: draw.pick(&[50, 1, 0]),
        owner_ms: draw.pick(&TIMES_MS),
        max_transfers: draw.pick(&[0, 1, 2]),
        supervisor_queue: draw.maybe(|draw| name(QUEUES[draw.below(3)])),
        transfer_ms: 1_000 + draw.pick(&TIMES_MS),
        repeat_count: draw.pick(&[0, 2, 3]),
        repeat_ms: draw.pick(&TIMES_MS),
        repeat_priority: draw.pick(&[0, 1, 100]),
        days_ms: days.into_iter().collect::<std::collections::BTreeSet<u64>>().into_iter().collect(),
        topics: names(&TOPICS).into_iter().map(|name| Topic { name }).collect(),
        entry_points: DOORS.iter().enumerate().map(|(place, text)| door(place, text, version)).collect(),
        calendars: vec![minutes()],
        slas: slas(draw),
    }
}

/// Whether it shows anything does not come out of the bytes, which mean what they did before entry points could.
fn door(place: usize, text: &str, version: u64) -> EntryPoint {
    let availability = Availability {
        open_below_ms: 2_000,
        min_open_ms: 3_000,
        min_closed_ms: 2_000,
        keep_free_percent: 10,
        listen_only: true,
        referral: None,
    };
    EntryPoint {
        name: name(text),
        channel: Some(name(CHANNELS[place % 3])),
        queue: Some(name(QUEUES[place % 3])),
        availability: (version % 3 > place as u64).then_some(availability),
        next_steps: Vec::new(),
        choose_ms: 120_000,
    }
}

/// Open every other minute for a while.
fn minutes() -> CalendarPolicy {
    CalendarPolicy { name: name(CALENDAR), from_ms: super::histories::START_MS, weeks: vec![(1..=100).collect()], order: vec![0] }
}

/// A promise of each kind, or none at all.
fn slas(draw: &mut Draw<'_>) -> Vec<SlaPolicy> {
    let measures = [SlaMeasure::Answer, SlaMeasure::FirstResponse, SlaMeasure::NextResponse, SlaMeasure::Resolution]
        .into_iter()
        .take(draw.below(5));
    let sla = |measure: SlaMeasure| SlaPolicy {
        name: name(measure.as_str()),
        measure,
        target_ms: 1 + draw.pick(&TIMES_MS),
        queues: Vec::new(),
        channels: Vec::new(),
        segments: draw.maybe(|_| name("gold")).into_iter().collect(),
        calendar: None,
        warn_percent: draw.pick(&[0, 50, 99]),
        internal: false,
        escalate: None,
        reopen_ms: draw.pick(&TIMES_MS),
    };
    measures.map(sla).collect()
}

/// Voice, chat and mail differ in every respect; what the bytes add differs from site to site.
fn channel(draw: &mut Draw<'_>, place: usize, text: &str) -> ChannelProfile {
    let live = place == 0;
    ChannelProfile {
        name: name(text),
        presence: [ChannelPresence::Live, ChannelPresence::Session, ChannelPresence::Async][place],
        klass: [1, 2, 3][place],
        answered_on: if live { AnsweredOn::Connected } else { AnsweredOn::FirstMessage },
        offer_ttl_ms: 1_000 + draw.pick(&TIMES_MS),
        connect_ms: 1_000 + draw.pick(&TIMES_MS),
        wrap_up_ms: draw.pick(&TIMES_MS),
        wrap_up_max_ms: draw.pick(&TIMES_MS),
        wrap_up_cost_percent: draw.pick(&[100, 50, 0, 33]),
        cost: [100, 25, 50][place],
        max_concurrent: [1, 3, 2][place],
        on_missed: if live { OnMissed::NotReady } else { OnMissed::SwitchOff },
        missed_limit: draw.pick(&[2, 1, 3]),
        reply: [Reply::Live, Reply::Webhook, Reply::Mail][place],
        answer: draw.pick(&[AnswerMode::Manual, AnswerMode::Manual, AnswerMode::Auto]),
        last_offer_before_ms: draw.pick(&[0, 0, 5_000]),
        interruptible_by: draw.maybe(|_| name("voice")).filter(|_| !live).into_iter().collect(),
        idle_ms: draw.pick(&TIMES_MS),
        idle_end_ms: draw.pick(&TIMES_MS),
        dormant_percent: draw.pick(&[20, 0, 100]),
        silence_alert_ms: draw.pick(&TIMES_MS),
        silence_requeue_ms: draw.pick(&TIMES_MS),
        desk_lost_ms: draw.pick(&TIMES_MS),
        join_waiting: draw.flag(),
        resume_ms: draw.pick(&TIMES_MS),
    }
}

fn queue(draw: &mut Draw<'_>, place: usize, text: &str, version: u64) -> QueuePolicy {
    let next = name(QUEUES[(place + 1) % 3]);
    QueuePolicy {
        name: name(text),
        target_ms: draw.pick(&TIMES_MS),
        targets_ms: BTreeMap::from([(name(CHANNELS[0]), 20_000)]),
        requirements: draw.several(3, requirement),
        strategy: draw.pick(&STRATEGIES),
        short_abandon_ms: 5_000,
        service_level_percent: 80,
        broadcast: draw.pick(&[1, 1, 2, 8]),
        rank_delays_ms: draw.several(3, |draw| draw.pick(&TIMES_MS)),
        plan: plan(draw, &next),
        thresholds: draw.several(4, |draw| threshold(draw, &next)),
        promote_before_ms: draw.pick(&[0, 1_000, 30_000]),
        promoted_percent: draw.pick(&[20, 0, 100]),
        floors: draw.several(3, |draw| Floor { klass: draw.pick(&[0, 1, 2, 3]), members: 1 }),
        drain_after_ms: draw.pick(&[0, 1_000, 10_000]),
        drain_percent: draw.pick(&[10, 0, 100]),
        max_waiting: draw.pick(&[0, 0, 1, 3]),
        admit_unstaffed: draw.flag(),
        overflow: draw.maybe(|_| next),
        closing_grace_ms: draw.pick(&TIMES_MS),
        callbacks: super::promises::settings(place, version),
        calendar: draw.maybe(|_| name(CALENDAR)),
        max_expected_wait_ms: if (place as u64 + version).is_multiple_of(2) { 5_000 } else { 0 },
    }
}

/// Steps that follow each other.
fn plan(draw: &mut Draw<'_>, next: &Name) -> Vec<PlanStep> {
    let mut after_ms = 0;
    let count = draw.below(4);
    let step = |draw: &mut Draw<'_>| {
        after_ms += 1 + draw.pick(&TIMES_MS);
        PlanStep {
            after_ms,
            lower: draw.several(3, requirement),
            drop: draw.several(2, |draw| name(SKILLS[draw.below(3)])),
            replace: draw.several(2, |draw| Replacement {
                skill: name(SKILLS[draw.below(3)]),
                by: requirement(draw),
                language: draw.maybe(|_| name("en")),
            }),
            queues: draw.maybe(|_| next.clone()).into_iter().collect(),
            raise_priority: draw.pick(&[0, 1, 100]),
            release_preference: draw.flag(),
        }
    };
    std::iter::repeat_n((), count).scan((draw, step), |(draw, step), ()| Some(step(draw))).collect()
}

fn threshold(draw: &mut Draw<'_>, next: &Name) -> Threshold {
    let wait_ms = draw.maybe(|draw| draw.pick(&TIMES_MS));
    let target_percent = wait_ms.is_none().then(|| draw.pick(&[50, 0, 100, 10_000]));
    let expected_wait_ms = (target_percent == Some(0)).then_some(1_000);
    let actions =
        [ThresholdAction::RaisePriority, ThresholdAction::Overflow, ThresholdAction::OfferCallback, ThresholdAction::Notify];
    Threshold {
        name: name("late"),
        wait_ms,
        target_percent: target_percent.filter(|_| expected_wait_ms.is_none()),
        action: draw.pick(&actions),
        raise_priority: draw.pick(&[1, 100]),
        queue: Some(next.clone()),
        group: None,
        expected_wait_ms,
    }
}
