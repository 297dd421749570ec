//! What happens within an engagement, and the settings that ask for it: hold, consult and conference, silence, interrupts.

use cordboard_core::words::{ConsultRequested, Fact, HoldRequested, Id, Policy, RequestedRole, RoleRequested, SideRole};
use proptest::prelude::{any, Strategy};
use proptest::prop_oneof;
use proptest::sample::select;

use crate::ledger::agent;
use crate::site::{name, CHANNELS};

/// Settings of the written channels; calls may interrupt them.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    idle_ms: u64,
    idle_end_ms: u64,
    dormant_percent: u8,
    silence_alert_ms: u64,
    silence_requeue_ms: u64,
    interrupts: bool,
}

pub(crate) fn manners() -> impl Strategy<Value = Manners> {
    let idle = (select(vec![0_u64, 0, 700, 5_000]), select(vec![0_u64, 0, 2_000, 9_000]), select(vec![0_u8, 20, 100]));
    let silence = (select(vec![0_u64, 0, 900, 4_000]), select(vec![0_u64, 0, 1_500, 8_000]));
    (idle, silence, any::<bool>()).prop_map(|(idle, silence, interrupts)| Manners {
        idle_ms: idle.0,
        idle_end_ms: idle.1,
        dormant_percent: idle.2,
        silence_alert_ms: silence.0,
        silence_requeue_ms: silence.1,
        interrupts,
    })
}

impl Manners {
    pub(crate) fn settle(&self, policy: &mut Policy) {
        for channel in policy.channels.iter_mut().skip(1) {
            channel.idle_ms = self.idle_ms;
            channel.idle_end_ms = self.idle_end_ms;
            channel.dormant_percent = self.dormant_percent;
            channel.silence_alert_ms = self.silence_alert_ms;
            channel.silence_requeue_ms = self.silence_requeue_ms;
            channel.interruptible_by = if self.interrupts { vec![name(CHANNELS[0])] } else { Vec::new() };
        }
    }
}

/// What the primary agent does beside talking.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Talk {
    Hold(bool),
    Ask { other: u8, confer: bool },
    Make { other: u8, primary: bool },
}

pub(crate) fn talk() -> impl Strategy<Value = Talk> {
    prop_oneof![
        2 => any::<bool>().prop_map(Talk::Hold),
        3 => (0_u8..5, any::<bool>()).prop_map(|(other, confer)| Talk::Ask { other, confer }),
        2 => (0_u8..5, any::<bool>()).prop_map(|(other, primary)| Talk::Make { other, primary }),
    ]
}

/// `beside`: who was asked in last.
pub(crate) fn spoken(fact_id: Id, contact: Id, by: Id, beside: Option<Id>, talk: Talk) -> Fact {
    match talk {
        Talk::Hold(held) => HoldRequested { fact_id, contact, agent: by, held }.into(),
        Talk::Ask { other, confer } => {
            let role = if confer { SideRole::Conference } else { SideRole::Consult };
            ConsultRequested { fact_id, contact, agent: by, to_agent: agent(other), role }.into()
        }
        Talk::Make { other, primary } => {
            let role = if primary { RequestedRole::Primary } else { RequestedRole::Conference };
            RoleRequested { fact_id, contact, agent: by, other: beside.unwrap_or(agent(other)), role }.into()
        }
    }
}
