//! The compiled site policy: what `PolicyPublished` carries, a msgpack *map*. All durations are milliseconds.

use std::collections::BTreeMap;

use super::bounds::{CAPACITY, CLASS, CONCURRENT, COUNT, DURATION, LIMIT, PARKED, PERCENT};
use super::{Name, Requirement};
use crate::codec::Max;

const QUEUES: Max = Max(512);
const SKILLS: Max = Max(1_024);
const CHANNELS: Max = Max(16);
const WORDS: Max = Max(256);
const QUEUE_REQUIREMENTS: Max = Max(8);

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
    Strategy { LongestIdle = "longest_idle" }

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
    }

    /// One queue. `targets_ms` by channel, else `target_ms`. `requirements` are added to those a contact brings.
    QueuePolicy {
        name: Name,
        target_ms: u64 [DURATION] = 60_000,
        targets_ms: BTreeMap<Name, u64> [DURATION] = BTreeMap::new(),
        requirements: Vec<Requirement> [QUEUE_REQUIREMENTS] = Vec::new(),
        strategy: Strategy = Strategy::LongestIdle,
        short_abandon_ms: u64 [DURATION] = 5_000,
        service_level_percent: u8 [PERCENT] = 80,
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

    /// A door to one channel: the core knows its name, Python the rest.
    EntryPoint {
        name: Name,
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
        topics: Vec<Topic> [WORDS] = Vec::new(),
        entry_points: Vec<EntryPoint> [WORDS] = Vec::new(),
    }
}
