//! What is promised to the contacts of a history: nothing, or some of everything, in time that stands now and then.

use cordboard_core::words::{Policy, SlaMeasure, SlaPolicy};

use crate::site::{name, CHANNELS, QUEUES};

pub(crate) const SEGMENTS: [&str; 2] = ["gold", "silver"];

#[derive(Debug, Clone)]
pub(crate) struct Slas {
    most: usize,
    target_ms: u64,
    warn_percent: u8,
    /// Only while the hall's calendar is open: every other minute.
    in_hours: bool,
    reopen_ms: u64,
}

impl Slas {
    /// Of what else was drawn: every shape has its own.
    pub(crate) fn of(seed: u64) -> Self {
        let pick = |among: &[u64], turn: u64| among[usize::try_from(seed / turn).unwrap_or(0) % among.len()];
        Self {
            most: usize::try_from(pick(&[0, 3, 6, 6], 1)).unwrap_or(0),
            target_ms: pick(&[20_000, 1, 90_000], 4),
            warn_percent: if seed.is_multiple_of(5) { 0 } else { 50 + 49 * u8::from(seed.is_multiple_of(2)) },
            in_hours: seed.is_multiple_of(3),
            reopen_ms: pick(&[3_600_000, 60_000, 0], 7),
        }
    }

    pub(crate) fn settle(&self, policy: &mut Policy) {
        let sla = |text, measure| SlaPolicy {
            name: name(text),
            measure,
            target_ms: self.target_ms,
            queues: Vec::new(),
            channels: Vec::new(),
            segments: Vec::new(),
            calendar: self.in_hours.then(|| name("minutes")),
            warn_percent: self.warn_percent,
            internal: false,
            escalate: None,
            reopen_ms: self.reopen_ms,
        };
        let all = [
            sla("next", SlaMeasure::NextResponse),
            sla("closed", SlaMeasure::Resolution),
            SlaPolicy { segments: vec![name(SEGMENTS[0])], ..sla("first", SlaMeasure::FirstResponse) },
            sla("answer", SlaMeasure::Answer),
            SlaPolicy { queues: vec![name(QUEUES[0])], channels: vec![name(CHANNELS[1])], ..sla("soon", SlaMeasure::Answer) },
            SlaPolicy { internal: true, escalate: Some(name("leads")), calendar: None, ..sla("inner", SlaMeasure::Resolution) },
        ];
        policy.slas = all.into_iter().take(self.most).collect();
    }
}
