//! Words of doors: what customers are shown of entry points, and told of waits.

use super::bounds::{DURATION, MS};
use super::{DoorCause, DoorState, Name};

bodies! {
    /// What customers are shown of an entry point from now on. Until `held_until_ms` it turns only if nobody could be served otherwise.
    DoorTurned {
        at_ms: u64 [MS],
        entry_point: Name,
        state: DoorState,
        cause: Option<DoorCause>,
        expected_wait_ms: Option<u64> [DURATION],
        until_ms: Option<u64> [MS],
        referral: Option<Name>,
        held_until_ms: u64 [MS],
    }

    /// What the contact was likely to wait when it joined the queue, and what its customer is told (`said_ms`).
    WaitExpected {
        at_ms: u64 [MS],
        queue: Name,
        p50_ms: u64 [DURATION],
        p80_ms: u64 [DURATION],
        p90_ms: u64 [DURATION],
        said_ms: u64 [DURATION],
    }
}
