//! No flicker: a door turns by the expected wait only when it is held no longer.

use std::collections::BTreeMap;

use cordboard_core::words::{DoorCause, DoorState, Event, Name};

/// How doors stand, as the journal says.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    shown: BTreeMap<Name, (DoorState, u64)>,
    /// What is told late is looked at as of the last turn.
    turn_ms: u64,
}

impl Doors {
    pub(crate) fn note(&mut self, event: &Event) {
        match event {
            // Doors that it does not have are forgotten.
            Event::PolicyAdopted(_) => self.shown.clear(),
            Event::DoorTurned(turned) => {
                let before = self.shown.insert(turned.entry_point.clone(), (turned.state, turned.held_until_ms));
                if let Some((_, held_until_ms)) = before.filter(|(state, _)| *state != turned.state) {
                    let by_wait = matches!(turned.cause, None | Some(DoorCause::ExpectedWait));
                    let now_ms = turned.at_ms.max(self.turn_ms);
                    assert!(!by_wait || now_ms >= held_until_ms, "{turned:?} while it is held until {held_until_ms}");
                }
            }
            _ => {}
        }
    }

    pub(crate) fn passed(&mut self, turn_ms: u64) {
        self.turn_ms = turn_ms;
    }
}
