//! Clocks of SLA promises in the state: which run, and what they measure.

use serde::{Deserialize, Serialize};

use crate::customers::{Customers, Lasting};
use crate::few::Few;
use crate::index::Later;
use crate::summed::{Leaves, Summed};
use crate::words::{Id, Name, SlaMeasure};

/// Ends of cases that are remembered at most, of all SLAs together.
pub(crate) const RESTED_MAX: usize = 100_000;

/// All clocks of a site. Empty, and part of no hash, where no policy ever named an SLA.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SlaClocks {
    /// By subject (a contact, or the case it belongs to), then by SLA.
    pub(crate) running: Summed<Id, Few<Name, SlaClock>>,
    /// What kind of customer a live contact has, where some SLA asks.
    pub(crate) segments: Summed<Id, Name>,
    /// What is left to cases that may be reopened, by SLA.
    pub(crate) rested: Customers<Rested>,
}

/// One clock: of one SLA on one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SlaClock {
    pub(crate) measure: SlaMeasure,
    /// The contact it began with, and where.
    pub(crate) contact: Id,
    pub(crate) queue: Name,
    pub(crate) target_ms: u64,
    pub(crate) internal: bool,
    pub(crate) group: Option<Name>,
    pub(crate) run: Run,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Run {
    /// `warn_ms`: it is yet to be at risk. Nothing follows from it before `from_ms`, a moment after the turn that started it: so it does not
    /// matter what else that turn decides.
    Running {
        due_ms: u64,
        warn_ms: Option<u64>,
        from_ms: u64,
    },
    Paused {
        left_ms: u64,
        warned: bool,
    },
    /// It has ended, and is not started again while what it measured goes on. So long after the end of its case that is remembered.
    Broken {
        reopen_ms: Option<u64>,
    },
}

/// What is left to a case that may be reopened (0: the promise was broken).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rested {
    pub(crate) left_ms: u64,
    pub(crate) until_ms: u64,
}

impl Lasting for Rested {
    fn until_ms(&self) -> u64 {
        self.until_ms
    }
}

impl SlaClocks {
    /// Nothing is measured, nor remembered.
    pub(crate) fn is_empty(&self) -> bool {
        !self.are_running() && self.rested.known().len() == 0
    }

    /// Something is measured now.
    pub(crate) fn are_running(&self) -> bool {
        self.running.len() > 0 || self.segments.len() > 0
    }

    pub(crate) fn get(&self, subject: &Id, name: &Name) -> Option<&SlaClock> {
        self.running.get(subject)?.get(name)
    }

    /// The clocks of a subject that have not ended, in order of name.
    pub(crate) fn of(&self, subject: &Id) -> Vec<(Name, SlaClock)> {
        let clocks = self.running.get(subject).into_iter().flatten().filter(|(_, clock)| !clock.is_broken());
        clocks.map(|(name, clock)| (name.clone(), clock.clone())).collect()
    }

    /// What is to come of all of them.
    pub(crate) fn deadlines(&self) -> impl Iterator<Item = (u64, Later)> + '_ {
        let clocks = self.running.iter().flat_map(|(subject, few)| few.iter().map(move |(name, clock)| (subject, name, clock)));
        clocks.filter_map(|(subject, name, clock)| clock.next(*subject, name))
    }

    /// See `Table::seed`.
    pub(crate) fn seed(&mut self, seed: u64) {
        self.running.seed(seed);
        self.segments.seed(seed);
        self.rested.seed(seed);
    }

    pub(crate) fn settle(&mut self, leaves: Leaves) {
        self.running.settle(leaves);
        self.segments.settle(leaves);
        self.rested.known_mut().settle(leaves);
    }
}

impl SlaClock {
    /// When something follows from it, if nobody does anything.
    pub(crate) fn next(&self, subject: Id, name: &Name) -> Option<(u64, Later)> {
        match self.run {
            Run::Running { due_ms, warn_ms, from_ms } => {
                Some((warn_ms.unwrap_or(due_ms).max(from_ms), Later::Sla(subject, name.clone())))
            }
            Run::Paused { .. } | Run::Broken { .. } => None,
        }
    }

    /// It stands while the contact waits for somebody else than us.
    pub(crate) fn pauses(&self) -> bool {
        matches!(self.measure, SlaMeasure::NextResponse | SlaMeasure::Resolution)
    }

    pub(crate) fn is_paused(&self) -> bool {
        matches!(self.run, Run::Paused { .. })
    }

    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.run, Run::Broken { .. })
    }

    /// It should have happened by now.
    pub(crate) fn is_overdue(&self, now_ms: u64) -> bool {
        matches!(self.run, Run::Running { due_ms, .. } if now_ms > due_ms)
    }
}
