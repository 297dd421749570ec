//! What customers are shown of an entry point.

use serde::{Deserialize, Serialize};

use crate::words::{DoorCause, DoorState, DoorTurned, Name};

/// As it was last said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Door {
    pub(crate) state: DoorState,
    pub(crate) cause: Option<DoorCause>,
    pub(crate) expected_wait_ms: Option<u64>,
    pub(crate) until_ms: Option<u64>,
    pub(crate) referral: Option<Name>,
    /// Until then it turns only if nobody could be served otherwise.
    pub(crate) held_until_ms: u64,
    /// When this was said.
    pub(crate) said_ms: u64,
}

impl From<DoorTurned> for Door {
    fn from(event: DoorTurned) -> Self {
        let DoorTurned { at_ms, entry_point: _, state, cause, expected_wait_ms, until_ms, referral, held_until_ms } = event;
        Self { state, cause, expected_wait_ms, until_ms, referral, held_until_ms, said_ms: at_ms }
    }
}
