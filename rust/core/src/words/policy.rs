//! The compiled site policy: what `PolicyPublished` carries, a msgpack *map*. All durations are milliseconds.

use std::collections::BTreeMap;

use super::bounds::{
    CAPACITY, CLASS, CONCURRENT, COUNT, DURATION, LIMIT, MS, PARKED, PERCENT, PLAN_MAX, PRIORITY, QUEUES_ADDED_MAX, RANKS_MAX,
    SIBLINGS,
};
use super::next_step::NEXT_STEPS;
use super::promise::PLACES;
use super::{Name, NextStep, Requirement};
use crate::codec::{Max, Span};

const QUEUES: Max = Max(512);
const SKILLS: Max = Max(1_024);
const CHANNELS: Max = Max(16);
const WORDS: Max = Max(256);
const QUEUE_REQUIREMENTS: Max = Max(8);
const MEMBERS: Span = Span(1, 1_000);
const TARGET_PERCENT: Span = Span(0, 10_000);
const WAITING: Span = Span(0, 1_000_000);
const TRANSFERS: Span = Span(0, 100);
/// How long a slot of callbacks may be: a minute to a day.
pub(crate) const SLOT: Span = Span(60_000, 86_400_000);
const CALENDARS: Max = Max(64);
const WEEKS: Max = Max(96);
const WEEK_EDGES: Max = Max(512);
const WEEK_MINUTE: Span = Span(0, 7 * 24 * 60);
const WEEK_NUMBER: Span = Span(0, 95);

const SLAS: Max = Max(32);
const SEGMENTS: Max = Max(64);
const WARN: Span = Span(0, 99);

choices! {
    /// Whether the customer waits at the other end.
    ChannelPresence { Live = "live", Session = "session", Async = "async" }

    /// When a customer has an answer.
    AnsweredOn { Connected = "connected", FirstMessage = "first_message" }

    /// What happens to an agent who misses offers.
    OnMissed { NotReady = "not_ready", SwitchOff = "switch_off" }

    /// How an agent's message reaches the customer: over the connection that is there, or as an outside effect of this kind.
    Reply { Live = "live", Mail = "mail", Webhook = "webhook" }

    /// What goes first in a queue. `Urgency`: nearness to the target, priority as a credit in time. `Strict`: priority before
    /// everything but the class.
    Order { Urgency = "urgency", Strict = "strict" }

    /// By what a freed agent chooses among the contacts.
    FreedAgent { RankThenKey = "rank_then_key", Key = "key" }

    /// By what a queue chooses among its agents.
    Strategy {
        LongestIdle = "longest_idle", LeastLoaded = "least_loaded", BestSkilled = "best_skilled",
        LeastSkilledFit = "least_skilled_fit", RoundRobin = "round_robin", FewestToday = "fewest_today",
    }

    /// Who is called first. `AgentFirst`: the agent sees the callback, accepts, and only then the customer is dialled. `CustomerFirst`: the
    /// customer is dialled as soon as an agent is reserved.
    DialMode { AgentFirst = "agent_first", CustomerFirst = "customer_first" }

    /// What becomes of a promised call if its customer comes in before. `Keep`: it is made all the same. `Cancel`: it is not, once they are
    /// answered. `Merge`: nor then, and they wait where the promise stands, with what it is about.
    Returning { Keep = "keep", Cancel = "cancel", Merge = "merge" }

    /// Whether an offer waits for the agent's answer.
    AnswerMode { Manual = "manual", Auto = "auto" }

    /// What a passed threshold causes.
    ThresholdAction {
        RaisePriority = "raise_priority", Overflow = "overflow", OfferCallback = "offer_callback", Notify = "notify",
        NextSteps = "next_steps",
    }

    /// What an SLA promises: an agent answers (by the channel's definition), says the first word in a case, says the next word to a
    /// customer who wrote, closes the case.
    SlaMeasure { Answer = "answer", FirstResponse = "first_response", NextResponse = "next_response", Resolution = "resolution" }

    /// What kind of absence a not-ready reason is.
    ReasonClass {
        Break = "break", Meal = "meal", Training = "training", Meeting = "meeting", BackOffice = "back_office",
        Technical = "technical", Personal = "personal", System = "system",
    }
}

maps! {
    /// How contacts of one channel behave. `wrap_up_max_ms`: longest wrap-up including extensions; 0 forbids extensions.
    ChannelProfile {
        name: Name,
        presence: ChannelPresence,
        klass: u8 [CLASS],
        answered_on: AnsweredOn,
        offer_ttl_ms: u64 [DURATION] = 20_000,
        connect_ms: u64 [DURATION] = 10_000,
        wrap_up_ms: u64 [DURATION] = 0,
        wrap_up_max_ms: u64 [DURATION] = 0,
        wrap_up_cost_percent: u8 [PERCENT] = 100,
        cost: u32 [CAPACITY] = 100,
        max_concurrent: u32 [CONCURRENT] = 1,
        on_missed: OnMissed = OnMissed::SwitchOff,
        missed_limit: u32 [LIMIT] = 2,
        reply: Reply = Reply::Live,
        answer: AnswerMode = AnswerMode::Manual,
        last_offer_before_ms: u64 [DURATION] = 0,
        interruptible_by: Vec<Name> [CHANNELS] = Vec::new(),
        idle_ms: u64 [DURATION] = 0,
        idle_end_ms: u64 [DURATION] = 0,
        dormant_percent: u8 [PERCENT] = 20,
        silence_alert_ms: u64 [DURATION] = 0,
        silence_requeue_ms: u64 [DURATION] = 0,
        desk_lost_ms: u64 [DURATION] = 120_000,
        join_waiting: bool = false,
        resume_ms: u64 [DURATION] = 0,
    }

    /// The soft requirement of `skill` becomes `by`, if the customer accepts `language` (None: in any case).
    Replacement {
        skill: Name,
        by: Requirement,
        language: Option<Name> = None,
    }

    /// One step of a queue's plan, at this age of the contact. Hard requirements are never touched: soft ones are lowered,
    /// dropped or replaced; members of `queues` may serve it, too.
    PlanStep {
        after_ms: u64 [DURATION],
        lower: Vec<Requirement> [QUEUE_REQUIREMENTS] = Vec::new(),
        drop: Vec<Name> [QUEUE_REQUIREMENTS] = Vec::new(),
        replace: Vec<Replacement> [QUEUE_REQUIREMENTS] = Vec::new(),
        queues: Vec<Name> [Max(QUEUES_ADDED_MAX)] = Vec::new(),
        raise_priority: u8 [PRIORITY] = 0,
        release_preference: bool = false,
    }

    /// Members of a queue that are kept on a class of contacts while it has work.
    Floor {
        klass: u8 [CLASS],
        members: u32 [MEMBERS],
    }

    /// What happens when a contact has waited so long: for `wait_ms`, or that share of its target, or once a wait of `expected_wait_ms` is
    /// expected of it.
    Threshold {
        name: Name,
        wait_ms: Option<u64> [DURATION] = None,
        target_percent: Option<u32> [TARGET_PERCENT] = None,
        action: ThresholdAction = ThresholdAction::Notify,
        raise_priority: u8 [PRIORITY] = 0,
        queue: Option<Name> = None,
        group: Option<Name> = None,
        expected_wait_ms: Option<u64> [DURATION] = None,
    }

    /// Callbacks of a queue. A slot of `slot_ms` holds `capacity` promises in opening hours, unless a plan says otherwise. Kept is connected
    /// between `early_ms` before and `late_ms` after what was promised. The customer is dialled `dial_ms` long, at most `attempts` times,
    /// `retry_ms` apart; without an answer it counts only after `ring_min_ms`. So long before the last moment to dial as it takes until somebody
    /// is free, at most `holdback_ms` (0: never), the next agent is held for it: `holdback_percent` of the ready members at most, one at least.
    /// `hold_place`: who waits may hang up and keep the place. `offer_missed`: who came in vain is to be offered a callback. `returning`: what
    /// becomes of the promise if its customer comes in before.
    CallbackPolicy {
        slot_ms: u64 [SLOT] = 900_000,
        capacity: u32 [PLACES] = 0,
        early_ms: u64 [DURATION] = 300_000,
        late_ms: u64 [DURATION] = 600_000,
        horizon_ms: u64 [DURATION] = 1_209_600_000,
        attempts: u32 [LIMIT] = 3,
        retry_ms: u64 [DURATION] = 600_000,
        ring_min_ms: u64 [DURATION] = 20_000,
        dial_ms: u64 [DURATION] = 30_000,
        mode: DialMode = DialMode::AgentFirst,
        holdback_percent: u8 [PERCENT] = 10,
        holdback_ms: u64 [DURATION] = 0,
        hold_place: bool = false,
        offer_missed: bool = false,
        returning: Returning = Returning::Keep,
    }

    /// One queue. `targets_ms` by channel, else `target_ms`. `requirements` are added to those a contact brings. `max_expected_wait_ms`: nobody
    /// new is admitted while there is more to do first (0: no limit).
    QueuePolicy {
        name: Name,
        target_ms: u64 [DURATION] = 60_000,
        targets_ms: BTreeMap<Name, u64> [DURATION] = BTreeMap::new(),
        requirements: Vec<Requirement> [QUEUE_REQUIREMENTS] = Vec::new(),
        strategy: Strategy = Strategy::LongestIdle,
        short_abandon_ms: u64 [DURATION] = 5_000,
        service_level_percent: u8 [PERCENT] = 80,
        broadcast: u8 [SIBLINGS] = 1,
        rank_delays_ms: Vec<u64> [(Max(RANKS_MAX), DURATION)] = Vec::new(),
        plan: Vec<PlanStep> [Max(PLAN_MAX)] = Vec::new(),
        thresholds: Vec<Threshold> [Max(PLAN_MAX)] = Vec::new(),
        promote_before_ms: u64 [DURATION] = 0,
        promoted_percent: u8 [PERCENT] = 20,
        floors: Vec<Floor> [Max(4)] = Vec::new(),
        drain_after_ms: u64 [DURATION] = 0,
        drain_percent: u8 [PERCENT] = 10,
        max_waiting: u32 [WAITING] = 0,
        admit_unstaffed: bool = true,
        overflow: Option<Name> = None,
        closing_grace_ms: u64 [DURATION] = 600_000,
        callbacks: Option<CallbackPolicy> = None,
        calendar: Option<Name> = None,
        max_expected_wait_ms: u64 [DURATION] = 0,
    }

    /// When a queue is open. Its weeks, of 7 times 24 hours, follow each other from `from_ms` on: `order` says which of `weeks` each one is, and
    /// one of those is openings and closings in turn, in minutes from its beginning.
    CalendarPolicy {
        name: Name,
        from_ms: u64 [MS] = 0,
        weeks: Vec<Vec<u32>> [(WEEKS, (WEEK_EDGES, WEEK_MINUTE))] = Vec::new(),
        order: Vec<u8> [(WEEKS, WEEK_NUMBER)] = Vec::new(),
    }

    /// What is promised to contacts of these queues, channels and segments (none: of all), in time of `calendar` (None: around the clock). Once
    /// `warn_percent` of it are gone, `escalate` is warned (0: nobody is). A case reopened within `reopen_ms` goes on with its resolution.
    SlaPolicy {
        name: Name,
        measure: SlaMeasure,
        target_ms: u64 [DURATION],
        queues: Vec<Name> [QUEUES] = Vec::new(),
        channels: Vec<Name> [CHANNELS] = Vec::new(),
        segments: Vec<Name> [SEGMENTS] = Vec::new(),
        calendar: Option<Name> = None,
        warn_percent: u8 [WARN] = 80,
        internal: bool = false,
        escalate: Option<Name> = None,
        reopen_ms: u64 [DURATION] = 2_592_000_000,
    }

    /// A not-ready reason and its class.
    Reason {
        name: Name,
        klass: ReasonClass,
    }

    /// What contacts are about: the core knows its name, Python the rest.
    Topic {
        name: Name,
    }

    /// What customers are shown of an entry point: open while the expected wait is below `open_below_ms` and more than `keep_free_percent` of
    /// the room of its queue is left. `listen_only`: with nobody there, messages are taken. `referral`: where customers are sent meanwhile.
    Availability {
        open_below_ms: u64 [DURATION] = 300_000,
        min_open_ms: u64 [DURATION] = 900_000,
        min_closed_ms: u64 [DURATION] = 600_000,
        keep_free_percent: u8 [PERCENT] = 10,
        listen_only: bool = true,
        referral: Option<Name> = None,
    }

    /// A door to one channel: the core knows what it shows and where else it leads, Python the rest. Customers whom nobody can help have
    /// `choose_ms` to choose one of `next_steps`.
    EntryPoint {
        name: Name,
        channel: Option<Name> = None,
        queue: Option<Name> = None,
        availability: Option<Availability> = None,
        next_steps: Vec<NextStep> [NEXT_STEPS] = Vec::new(),
        choose_ms: u64 [DURATION] = 120_000,
    }

    /// The site's versioned document, compiled, as far as it concerns routing. `version` grows with every publication;
    /// `age_credit_ms` is what one step of priority is worth, `max_parked` how many parked contacts an agent may own, `owner_ms`
    /// how long a contact that returns waits for its owner.
    Policy {
        version: u64 [COUNT],
        site: Name,
        skills: Vec<Name> [SKILLS],
        channels: Vec<ChannelProfile> [CHANNELS],
        queues: Vec<QueuePolicy> [QUEUES],
        reasons: Vec<Reason> [WORDS] = Vec::new(),
        dispositions: Vec<Name> [WORDS] = Vec::new(),
        capacity: u32 [CAPACITY] = 100,
        order: Order = Order::Urgency,
        age_credit_ms: u64 [DURATION] = 60_000,
        freed_agent: FreedAgent = FreedAgent::RankThenKey,
        prefer_ms: u64 [DURATION] = 30_000,
        decline_cooldown_ms: u64 [DURATION] = 60_000,
        reoffer_min_ms: u64 [DURATION] = 10_000,
        declines_limit: u32 [LIMIT] = 3,
        connect_retry_ms: u64 [DURATION] = 5_000,
        toggle_grace_ms: u64 [DURATION] = 10_000,
        max_parked: u32 [PARKED] = 50,
        owner_ms: u64 [DURATION] = 3_600_000,
        max_transfers: u32 [TRANSFERS] = 0,
        supervisor_queue: Option<Name> = None,
        transfer_ms: u64 [DURATION] = 30_000,
        repeat_count: u32 [TRANSFERS] = 0,
        repeat_ms: u64 [DURATION] = 604_800_000,
        repeat_priority: u8 [PRIORITY] = 1,
        days_ms: Vec<u64> [(Max(512), MS)] = Vec::new(),
        topics: Vec<Topic> [WORDS] = Vec::new(),
        entry_points: Vec<EntryPoint> [WORDS] = Vec::new(),
        calendars: Vec<CalendarPolicy> [CALENDARS] = Vec::new(),
        slas: Vec<SlaPolicy> [SLAS] = Vec::new(),
    }
}
