//! In whose hands a contact is that does not wait: who is offered it and until when, who parked it and when it returns.

use serde::Serialize;

use crate::state::{Contact, Phase};
use crate::words::{Id, ParkedKind};

/// An offer that stands, or one that was accepted and is not connected yet.
#[derive(Debug, Serialize)]
pub(super) struct OfferExplanation {
    /// To be answered by then, or connected.
    until_ms: u64,
    /// Others to whom it is offered, too; while one of them connects they are held.
    others: Vec<Id>,
}

/// Put aside: by whom, why, since when, and when it returns if nothing brings it back sooner.
#[derive(Debug, Serialize)]
pub(super) struct ParkingExplanation {
    owner: Id,
    kind: ParkedKind,
    since_ms: u64,
    until_ms: u64,
}

pub(super) fn offer_of(contact: &Contact) -> Option<OfferExplanation> {
    let until_ms = match contact.phase {
        Phase::Offered { expires_ms, .. } => expires_ms,
        Phase::Connecting { connect_by_ms, .. } => connect_by_ms,
        Phase::Queued | Phase::Engaged { .. } | Phase::Parked { .. } => return None,
    };
    Some(OfferExplanation { until_ms, others: contact.siblings.values().map(|sibling| sibling.agent).collect() })
}

pub(super) fn parking_of(contact: &Contact) -> Option<ParkingExplanation> {
    match contact.phase {
        Phase::Parked { owner, kind, since_ms, until_ms } => Some(ParkingExplanation { owner, kind, since_ms, until_ms }),
        Phase::Queued | Phase::Offered { .. } | Phase::Connecting { .. } | Phase::Engaged { .. } => None,
    }
}
