//! What the customer of a contact may do, where nobody can help, until they choose.

use serde::{Deserialize, Serialize};

use crate::words::{DivertCause, Id, Name, NextStep, NextStepOffered, Requirement, StepKind};

/// Customers who choose at a time: of those beyond nobody is asked.
pub(crate) const CHOOSING_MAX: usize = 10_000;

/// A choice that is open. Its contact waits, or was turned away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Choice {
    pub(crate) channel: Name,
    pub(crate) queue: Name,
    pub(crate) cause: DivertCause,
    pub(crate) steps: Vec<NextStep>,
    pub(crate) until_ms: u64,
    pub(crate) wishes: Vec<Requirement>,
    pub(crate) priority: u8,
    pub(crate) customer: Option<Id>,
    pub(crate) preferred: Vec<Id>,
    pub(crate) entry_point: Option<Name>,
    pub(crate) topic: Option<Name>,
    pub(crate) case: Option<Id>,
    pub(crate) rule: Option<Name>,
    pub(crate) language: Option<Name>,
    pub(crate) accepts: Vec<Name>,
    pub(crate) segment: Option<Name>,
}

impl Choice {
    pub(crate) fn offered(channel: Name, event: NextStepOffered) -> Self {
        Self {
            channel,
            queue: event.queue,
            cause: event.cause,
            steps: event.choices,
            until_ms: event.until_ms,
            wishes: event.requirements,
            priority: event.priority,
            customer: event.customer,
            preferred: event.preferred,
            entry_point: event.entry_point,
            topic: event.topic,
            case: event.case,
            rule: event.rule,
            language: event.language,
            accepts: event.accepts,
            segment: event.segment,
        }
    }

    pub(crate) fn step(&self, kind: StepKind, to: Option<&Name>) -> Option<&NextStep> {
        self.steps.iter().find(|step| step.kind == kind && step.to.as_ref() == to)
    }
}
