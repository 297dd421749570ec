//! What happens to agents beside contacts, and the settings that ask for it: strategies, days, ranks, absence, outside work, desks, drain.

use cordboard_core::words::{
    AgentBusyReported, AgentScheduled, DeskLost, DeskReturned, Fact, Id, Policy, Strategy as QueueStrategy,
};
use proptest::option;
use proptest::prelude::{any, Strategy};
use proptest::prop_oneof;
use proptest::sample::select;

use crate::ledger::{agent, word};
use crate::site::{id, CHANNELS};
use crate::witness::START_MS;

const WORK: u8 = 0x90;

/// Settings of all queues and channels.
#[derive(Debug, Clone)]
pub(crate) struct Staffing {
    strategy: QueueStrategy,
    rank_delays_ms: Vec<u64>,
    drain_after_ms: u64,
    drain_percent: u8,
    last_offer_before_ms: u64,
    desk_lost_ms: u64,
    day_ms: u64,
}

pub(crate) fn staffing() -> impl Strategy<Value = Staffing> {
    let strategies = vec![
        QueueStrategy::LongestIdle,
        QueueStrategy::LongestIdle,
        QueueStrategy::LeastLoaded,
        QueueStrategy::BestSkilled,
        QueueStrategy::LeastSkilledFit,
        QueueStrategy::RoundRobin,
        QueueStrategy::FewestToday,
    ];
    let delays = select(vec![Vec::new(), Vec::new(), vec![0, 5_000], vec![0, 1_000, 60_000]]);
    let drain = (select(vec![0_u64, 0, 500, 10_000]), select(vec![10_u8, 50, 100]));
    let leaving = (select(vec![0_u64, 20_000]), select(vec![500_u64, 20_000]), select(vec![0_u64, 40_000]));
    (select(strategies), delays, drain, leaving).prop_map(|(strategy, rank_delays_ms, drain, leaving)| Staffing {
        strategy,
        rank_delays_ms,
        drain_after_ms: drain.0,
        drain_percent: drain.1,
        last_offer_before_ms: leaving.0,
        desk_lost_ms: leaving.1,
        day_ms: leaving.2,
    })
}

impl Staffing {
    pub(crate) fn settle(&self, policy: &mut Policy) {
        for queue in &mut policy.queues {
            queue.strategy = self.strategy;
            queue.rank_delays_ms.clone_from(&self.rank_delays_ms);
            queue.drain_after_ms = self.drain_after_ms;
            queue.drain_percent = self.drain_percent;
        }
        for channel in &mut policy.channels {
            channel.last_offer_before_ms = self.last_offer_before_ms;
            channel.desk_lost_ms = self.desk_lost_ms;
        }
        let days = (1..200).map(|day| START_MS + day * self.day_ms);
        policy.days_ms = if self.day_ms > 0 { days.collect() } else { Vec::new() };
    }
}

/// What is reported of an agent.
#[derive(Debug, Clone)]
pub(crate) enum Duty {
    Leaves { agent: u8, after_ms: Option<u64> },
    Busy { agent: u8, channel: u8, work: u8, busy: bool },
    Desk { agent: u8, there: bool },
}

pub(crate) fn duty() -> impl Strategy<Value = Duty> {
    let who = || prop_oneof![12 => 0_u8..4, 1 => 4_u8..6];
    prop_oneof![
        1 => (who(), option::weighted(0.8, 0_u64..300_000)).prop_map(|(agent, after_ms)| Duty::Leaves { agent, after_ms }),
        2 => (who(), 0_u8..4, 0_u8..3, any::<bool>())
            .prop_map(|(agent, channel, work, busy)| Duty::Busy { agent, channel, work, busy }),
        2 => (who(), any::<bool>()).prop_map(|(agent, there)| Duty::Desk { agent, there }),
    ]
}

pub(crate) fn reported(fact_id: Id, duty: &Duty) -> Fact {
    match duty {
        Duty::Leaves { agent: number, after_ms } => {
            let leaves_ms = after_ms.map(|after_ms| START_MS + after_ms);
            AgentScheduled { fact_id, agent: agent(*number), leaves_ms }.into()
        }
        Duty::Busy { agent: number, channel, work, busy } => {
            let (channel, work) = (word(&CHANNELS, *channel), id(WORK, u64::from(*work)));
            AgentBusyReported { fact_id, agent: agent(*number), channel, work, busy: *busy }.into()
        }
        Duty::Desk { agent: number, there: true } => DeskReturned { fact_id, agent: agent(*number) }.into(),
        Duty::Desk { agent: number, there: false } => DeskLost { fact_id, agent: agent(*number) }.into(),
    }
}
