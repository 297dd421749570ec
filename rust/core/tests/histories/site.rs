//! A small site: three channels that differ in every respect, up to three queues, and policies over them that may be odd or wrong.

use crate::callbacks::{promises, Promises};
use crate::hall::{hall, Hall};
use crate::slas::Slas;
use crate::staff::{staffing, Staffing};
use crate::talk::{manners, Manners};
use std::collections::BTreeMap;

use cordboard_core::codec;
use cordboard_core::words::{
    AnswerMode, AnsweredOn, ArrivalAuthor, Availability, ChannelPresence, ChannelProfile, ContactArrived, EntryPoint, FreedAgent,
    Id, Name, NextStep, OnMissed, Order, Policy, QueuePolicy, Reason, ReasonClass, Reply, Requirement, StepKind, Strategy, Topic,
};
use proptest::prelude::{any, Strategy as Draw};
use proptest::sample::select;

pub(crate) const SITE: &str = "default";
/// Names that the policy knows, and behind them one that it does not.
pub(crate) const CHANNELS: [&str; 4] = ["voice", "chat", "mail", "fax"];
pub(crate) const QUEUES: [&str; 4] = ["sales", "support", "claims", "attic"];
pub(crate) const SKILLS: [&str; 4] = ["nl", "en", "vip", "klingon"];
pub(crate) const REASONS: [&str; 4] = ["lunch", "meeting", "declined", "holiday"];
pub(crate) const TOPICS: [&str; 3] = ["order", "return", "weather"];
pub(crate) const ENTRY_POINTS: [&str; 3] = ["widget", "inbox", "back-door"];
pub(crate) const DISPOSITIONS: [&str; 3] = ["solved", "spam", "vanished"];

/// What the policies of a history differ in.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    queues: usize,
    channels: usize,
    order: Order,
    freed_agent: FreedAgent,
    prefer_ms: u64,
    decline_cooldown_ms: u64,
    reoffer_min_ms: u64,
    declines_limit: u32,
    connect_retry_ms: u64,
    toggle_grace_ms: u64,
    wrap_up_ms: u64,
    missed_limit: u32,
    needs: bool,
    max_parked: u32,
    owner_ms: u64,
    chat_reply: Reply,
    staffing: Staffing,
    manners: Manners,
    answer: AnswerMode,
    broadcast: u8,
    max_transfers: u32,
    transfer_ms: u64,
    hall: Hall,
    promises: Promises,
    slas: Slas,
}

/// What is wrong with a publication.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wrong {
    Nothing,
    Stale,
    AnotherSite,
    NoDeadline,
    Bytes,
}

pub(crate) fn shape() -> impl Draw<Value = Shape> {
    let sizes = (select(vec![2_usize, 3, 3, 3]), select(vec![2_usize, 3, 3, 3]), any::<bool>());
    let choices = (select(vec![Order::Urgency, Order::Strict]), select(vec![FreedAgent::RankThenKey, FreedAgent::Key]));
    let pairs = (
        select(vec![0_u64, 30_000, 30_000, 300_000]),
        select(vec![0_u64, 1_000, 60_000]),
        select(vec![0_u64, 500, 10_000, 90_000]),
    );
    let limits = (select(vec![1_u32, 2, 3]), select(vec![0_u64, 5_000]), select(vec![0_u64, 10_000]), select(vec![1_u32, 2, 3]));
    let wrap_ups = select(vec![0_u64, 1_500, 30_000]);
    let parking =
        (select(vec![0_u32, 1, 2, 50]), select(vec![0_u64, 20_000, 3_600_000]), select(vec![Reply::Live, Reply::Webhook]));
    let offers = (
        select(vec![AnswerMode::Manual, AnswerMode::Manual, AnswerMode::Auto]),
        select(vec![1_u8, 1, 2, 3]),
        select(vec![0_u32, 0, 1, 3]),
        select(vec![500_u64, 5_000, 30_000]),
    );
    let drawn = (sizes, choices, pairs, limits, wrap_ups, parking, (staffing(), manners()), offers, (hall(), promises()));
    drawn.prop_map(|(sizes, choices, pairs, limits, wrap_up_ms, parking, staffing, offers, (hall, promises))| Shape {
        queues: sizes.0,
        channels: sizes.1,
        order: choices.0,
        freed_agent: choices.1,
        prefer_ms: pairs.0,
        decline_cooldown_ms: pairs.1,
        reoffer_min_ms: pairs.2,
        declines_limit: limits.0,
        connect_retry_ms: limits.1,
        toggle_grace_ms: limits.2,
        wrap_up_ms,
        missed_limit: limits.3,
        needs: sizes.2,
        max_parked: parking.0,
        owner_ms: parking.1,
        chat_reply: parking.2,
        staffing: staffing.0,
        manners: staffing.1,
        answer: offers.0,
        broadcast: offers.1,
        max_transfers: offers.2,
        transfer_ms: offers.3,
        hall,
        promises,
        slas: Slas::of(pairs.0 / 10_000 + 7 * (pairs.1 / 1_000) + pairs.2 / 500 + 11 * (wrap_up_ms / 500) + limits.1 / 1_000),
    })
}

pub(crate) fn id(kind: u8, number: u64) -> Id {
    let mut bytes = [kind; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    Id(bytes)
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// Skill `index` at `level`, hard or soft.
pub(crate) fn requirement(index: usize, level: u8, hard: bool) -> Requirement {
    Requirement { skill: name(SKILLS[index % SKILLS.len()]), level, hard }
}

/// A policy of the given shape.
pub(crate) fn policy(version: u64, shape: &Shape) -> Policy {
    let queue = |(index, name): (usize, &&str)| QueuePolicy {
        requirements: if shape.needs && index == 1 { vec![requirement(0, 3, true)] } else { Vec::new() },
        broadcast: if index == 0 { shape.broadcast } else { 1 },
        ..plain_queue(name)
    };
    let mut channels = channels(shape.wrap_up_ms, shape.missed_limit);
    channels[0].answer = shape.answer;
    channels[1].reply = shape.chat_reply;
    let mut policy = Policy {
        channels: channels.into_iter().take(shape.channels).collect(),
        queues: QUEUES.iter().enumerate().take(shape.queues).map(queue).collect(),
        order: shape.order,
        freed_agent: shape.freed_agent,
        prefer_ms: shape.prefer_ms,
        decline_cooldown_ms: shape.decline_cooldown_ms,
        reoffer_min_ms: shape.reoffer_min_ms,
        declines_limit: shape.declines_limit,
        connect_retry_ms: shape.connect_retry_ms,
        toggle_grace_ms: shape.toggle_grace_ms,
        max_parked: shape.max_parked,
        owner_ms: shape.owner_ms,
        max_transfers: shape.max_transfers,
        supervisor_queue: (shape.max_transfers == 1).then(|| name(QUEUES[0])),
        transfer_ms: shape.transfer_ms,
        ..plain_policy(version)
    };
    shape.staffing.settle(&mut policy);
    shape.hall.settle(&mut policy);
    shape.manners.settle(&mut policy);
    open_doors(&mut policy);
    shape.promises.settle(&mut policy);
    lead_on(&mut policy);
    shape.slas.settle(&mut policy);
    policy
}

/// Two doors, held for short times; some policies have none.
fn open_doors(policy: &mut Policy) {
    let pairs = policy.channels.iter().rev().zip(&policy.queues).filter(|_| policy.version % 4 != 3);
    for (door, (channel, queue)) in policy.entry_points.iter_mut().zip(pairs) {
        (door.channel, door.queue) = (Some(channel.name.clone()), Some(queue.name.clone()));
        door.availability = Some(Availability {
            open_below_ms: 1_500,
            min_open_ms: 2_000,
            min_closed_ms: 1_000,
            keep_free_percent: 20,
            listen_only: true,
            referral: None,
        });
    }
}

/// What customers can do whom nobody can help, at both doors; some policies have none.
fn lead_on(policy: &mut Policy) {
    let (calls, queues) = (policy.queues.iter().any(|queue| queue.callbacks.is_some()), policy.queues.clone());
    let channel = |index: usize| policy.channels.get(index).map(|channel| channel.name.clone());
    let (voice, mail) = (channel(0), channel(2));
    let step = |kind, to: Option<Name>, channel: Option<&Name>, queue: &QueuePolicy| NextStep {
        kind,
        to,
        channel: channel.cloned(),
        queue: Some(queue.name.clone()),
    };
    for (index, door) in policy.entry_points.iter_mut().enumerate().filter(|_| policy.version % 5 != 4) {
        let (own, other) = (&queues[index % queues.len()], &queues[(index + 1) % queues.len()]);
        let written = mail.as_ref().filter(|_| index == 0);
        door.choose_ms = 2_500;
        door.next_steps = [
            calls.then(|| step(StepKind::Callback, Some(own.name.clone()), voice.as_ref(), own)),
            Some(step(StepKind::Queue, Some(other.name.clone()), None, other)),
            written.map(|mail| step(StepKind::Voicemail, Some(name(ENTRY_POINTS[1])), Some(mail), own)),
            Some(NextStep { kind: StepKind::Message, to: None, channel: None, queue: None }),
        ]
        .into_iter()
        .flatten()
        .collect();
    }
}

fn entry_point(text: &str) -> EntryPoint {
    EntryPoint { name: name(text), channel: None, queue: None, availability: None, next_steps: Vec::new(), choose_ms: 0 }
}

/// The bytes of a publication, after whatever is wrong with it.
pub(crate) fn published(version: u64, shape: &Shape, wrong: Wrong) -> Vec<u8> {
    let mut policy = policy(version, shape);
    match wrong {
        Wrong::Nothing => {}
        Wrong::Stale => policy.version = version.saturating_sub(1),
        Wrong::AnotherSite => policy.site = name("another"),
        Wrong::NoDeadline => policy.channels[0].offer_ttl_ms = 0,
        Wrong::Bytes => return b"no policy".to_vec(),
    }
    codec::encode_policy(&policy)
}

/// Without channels and queues.
pub(crate) fn plain_policy(version: u64) -> Policy {
    let reason = |(text, klass)| Reason { name: name(text), klass };
    Policy {
        version,
        site: name(SITE),
        skills: SKILLS[..3].iter().copied().map(name).collect(),
        channels: Vec::new(),
        queues: Vec::new(),
        reasons: [(REASONS[0], ReasonClass::Meal), (REASONS[1], ReasonClass::Meeting)].map(reason).to_vec(),
        dispositions: DISPOSITIONS[..2].iter().copied().map(name).collect(),
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
        owner_ms: 60_000,
        max_transfers: 0,
        supervisor_queue: None,
        transfer_ms: 30_000,
        repeat_count: 0,
        repeat_ms: 0,
        repeat_priority: 0,
        days_ms: Vec::new(),
        topics: TOPICS[..2].iter().copied().map(name).map(|name| Topic { name }).collect(),
        entry_points: ENTRY_POINTS[..2].iter().map(|text| entry_point(text)).collect(),
        calendars: Vec::new(),
        slas: Vec::new(),
    }
}

/// A new contact of whom nothing is known, on the given channel.
pub(crate) fn plain_arrival(fact_id: Id, contact: Id, channel: &str, queue: &str) -> ContactArrived {
    ContactArrived {
        fact_id,
        contact,
        channel: name(channel),
        queue: name(queue),
        requirements: Vec::new(),
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
        ticket: false,
        segment: None,
    }
}

pub(crate) fn plain_queue(text: &str) -> QueuePolicy {
    QueuePolicy {
        name: name(text),
        target_ms: 60_000,
        targets_ms: BTreeMap::from([(name(CHANNELS[0]), 20_000)]),
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
    }
}

/// Calls: one at a time, a missed one makes the agent not ready. Chats: several, at a part of the cost while wrapping up.
/// Mail: cannot be abandoned, answered by a message that goes outside.
pub(crate) fn channels(wrap_up_ms: u64, missed_limit: u32) -> Vec<ChannelProfile> {
    let voice = ChannelProfile {
        name: name(CHANNELS[0]),
        presence: ChannelPresence::Live,
        klass: 1,
        answered_on: AnsweredOn::Connected,
        offer_ttl_ms: 20_000,
        connect_ms: 10_000,
        wrap_up_ms,
        wrap_up_max_ms: wrap_up_ms * 3,
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
    let chat = ChannelProfile {
        name: name(CHANNELS[1]),
        presence: ChannelPresence::Session,
        klass: 2,
        answered_on: AnsweredOn::FirstMessage,
        offer_ttl_ms: 3_000,
        connect_ms: 8_000,
        wrap_up_ms: wrap_up_ms / 2,
        wrap_up_max_ms: 0,
        wrap_up_cost_percent: 33,
        cost: 25,
        max_concurrent: 3,
        on_missed: OnMissed::SwitchOff,
        missed_limit,
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
    let mail = ChannelProfile {
        name: name(CHANNELS[2]),
        presence: ChannelPresence::Async,
        klass: 3,
        offer_ttl_ms: 60_000,
        wrap_up_ms: 0,
        cost: 50,
        max_concurrent: 2,
        reply: Reply::Mail,
        ..chat.clone()
    };
    vec![voice, chat, mail]
}
