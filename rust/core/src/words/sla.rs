//! Words of SLA promises: clocks on contacts and cases that say whether a customer was served in the time that was promised.
//!
//! A clock is known by its subject, the entry's contact or the `case` that contact belongs to, and by the `name` of its SLA. It starts once,
//! may pause and go on, and ends once: met, broken or cancelled. `queue` is the contact's at that moment.

use super::bounds::{DURATION, MS};
use super::{EndReason, Id, Name, SlaMeasure};

bodies! {
    /// The clock runs from `at_ms`: what it measures is to have happened by `due_ms`. From `warn_ms` on it is at risk (None: nobody is warned).
    /// A case that is reopened goes on with what was left of `target_ms`.
    SlaStarted {
        at_ms: u64 [MS],
        name: Name,
        measure: SlaMeasure,
        queue: Name,
        case: Option<Id>,
        target_ms: u64 [DURATION],
        due_ms: u64 [MS],
        warn_ms: Option<u64> [MS],
        internal: bool,
        group: Option<Name>,
    }

    /// Most of the time is gone and it can still be met: `group` is to know.
    SlaAtRisk {
        at_ms: u64 [MS],
        name: Name,
        queue: Name,
        case: Option<Id>,
        due_ms: u64 [MS],
        internal: bool,
        group: Option<Name>,
    }

    /// It happened in time: after `elapsed_ms` that count, `spare_ms` before the end. A case that is reopened before `kept_until_ms` goes on
    /// with that.
    SlaMet {
        at_ms: u64 [MS],
        name: Name,
        queue: Name,
        case: Option<Id>,
        internal: bool,
        elapsed_ms: u64 [DURATION],
        spare_ms: u64 [DURATION],
        kept_until_ms: Option<u64> [MS],
    }

    /// It did not happen by `due_ms`, or cannot any more since the call that was promised was missed then: `group` is to know. The clock of a case that is reopened before `kept_until_ms` does not start again.
    SlaBroken {
        at_ms: u64 [MS],
        name: Name,
        queue: Name,
        case: Option<Id>,
        due_ms: u64 [MS],
        internal: bool,
        group: Option<Name>,
        kept_until_ms: Option<u64> [MS],
    }

    /// It waits for somebody else than us: the clock stands with `left_ms` to go.
    SlaPaused {
        at_ms: u64 [MS],
        name: Name,
        queue: Name,
        case: Option<Id>,
        left_ms: u64 [DURATION],
    }

    /// The clock goes on.
    SlaResumed {
        at_ms: u64 [MS],
        name: Name,
        queue: Name,
        case: Option<Id>,
        due_ms: u64 [MS],
        warn_ms: Option<u64> [MS],
    }

    /// The contact ended for `reason` before it could be said whether the promise was kept. A case goes on with what was left, as one that was
    /// met.
    SlaCancelled {
        at_ms: u64 [MS],
        name: Name,
        queue: Name,
        case: Option<Id>,
        internal: bool,
        reason: EndReason,
        spare_ms: u64 [DURATION],
        kept_until_ms: Option<u64> [MS],
    }

    /// The contact's customer belongs to `segment`, which some SLA asks for.
    ContactSegmented { at_ms: u64 [MS], segment: Name }
}
