//! Callbacks drawn from bytes: wished for, moved, cancelled, tried; their slots planned; and who came to a door in vain.

use cordboard_core::words::{
    AttemptOutcome, AttemptReported, CallbackCancelled, CallbackPolicy, CallbackRequested, CallbackRescheduled, CapacityPlanned,
    DemandTurnedAway, DialMode, DoorState, Fact, Hours, Id, PromiseKind, Returning,
};

use super::bytes::Draw;
use super::facts::{agent, contact, customer, nobody, offer, reason, Heard};
use super::site::{id, requirement, word, CHANNELS, DOORS, QUEUES, TOPICS};

/// Their facts; what happens most stands here most.
pub(super) const KINDS: [u8; 16] = [40, 40, 40, 40, 40, 43, 43, 43, 43, 41, 41, 42, 44, 44, 46, 40];
const SLOT_MS: u64 = 60_000;
/// Who is promised a call: some of these ids are other contacts' too.
const PROMISED: usize = 8;

/// Every queue has slots at some time, and at another none. That does not come out of the bytes either.
pub(super) fn settings(place: usize, version: u64) -> Option<CallbackPolicy> {
    let even = version.is_multiple_of(2);
    (!(version + place as u64).is_multiple_of(3)).then_some(CallbackPolicy {
        slot_ms: SLOT_MS,
        capacity: 1 + u32::from(even),
        early_ms: 10_000,
        late_ms: 20_000,
        horizon_ms: 600_000,
        attempts: 2,
        retry_ms: 4_000,
        ring_min_ms: 2_000,
        dial_ms: 6_000,
        mode: if even { DialMode::CustomerFirst } else { DialMode::AgentFirst },
        holdback_percent: 10,
        holdback_ms: 20_000,
        hold_place: true,
        offer_missed: even,
        returning: if even { Returning::Merge } else { Returning::Cancel },
    })
}

fn promised(draw: &mut Draw<'_>) -> Id {
    id(3, 6 + draw.below(PROMISED) as u64)
}

/// From a little before now to beyond the horizon.
fn wish(draw: &mut Draw<'_>, heard: &Heard) -> u64 {
    (heard.now_ms + draw.below(256) as u64 * 3_000).saturating_sub(60_000)
}

fn hours(draw: &mut Draw<'_>, heard: &Heard) -> Hours {
    let from_ms = wish(draw, heard);
    Hours { from_ms, until_ms: from_ms + draw.below(256) as u64 * 1_000 }
}

pub(super) fn fact(draw: &mut Draw<'_>, heard: &Heard, fact_id: Id, kind: u8) -> Fact {
    match kind {
        40 => request(draw, heard, fact_id),
        41 => CallbackRescheduled {
            fact_id,
            contact: promised(draw),
            successor: promised(draw),
            wish_ms: wish(draw, heard),
            exact: draw.flag(),
            hours: draw.maybe(|draw| draw.several(3, |draw| hours(draw, heard))),
            by: nobody(draw),
        }
        .into(),
        42 => CallbackCancelled { fact_id, contact: promised(draw), by: nobody(draw), reason: reason(draw) }.into(),
        43 => {
            let (contact, attempt, agent) = offer(draw, heard);
            let outcome = draw.pick(&[
                AttemptOutcome::NoAnswer,
                AttemptOutcome::Busy,
                AttemptOutcome::Voicemail,
                AttemptOutcome::WrongPerson,
                AttemptOutcome::InvalidNumber,
                AttemptOutcome::Refused,
                AttemptOutcome::Unknown,
            ]);
            AttemptReported { fact_id, contact, attempt, agent, outcome, ring_ms: u64::from(draw.byte()) * 100 }.into()
        }
        44 => CapacityPlanned {
            fact_id,
            queue: word(draw, &QUEUES),
            from_ms: wish(draw, heard) / SLOT_MS * SLOT_MS + u64::from(draw.below(16) == 15),
            slot_ms: draw.pick(&[SLOT_MS, SLOT_MS, SLOT_MS, 2 * SLOT_MS]),
            capacities: draw.several(8, |draw| draw.below(3).try_into().unwrap()),
        }
        .into(),
        _ => {
            let state = draw.pick(&[DoorState::Busy, DoorState::Closed, DoorState::ListenOnly]);
            let (entry_point, channel) = (word(draw, &DOORS), word(draw, &CHANNELS));
            DemandTurnedAway { fact_id, entry_point, channel, state, count: 1 + u64::from(draw.byte()) }.into()
        }
    }
}

fn request(draw: &mut Draw<'_>, heard: &Heard, fact_id: Id) -> Fact {
    CallbackRequested {
        fact_id,
        contact: promised(draw),
        channel: word(draw, &CHANNELS),
        queue: word(draw, &QUEUES),
        wish_ms: wish(draw, heard),
        requirements: draw.several(2, requirement),
        priority: draw.pick(&[0, 0, 5, 100]),
        customer: draw.maybe(customer),
        preferred: draw.several(2, agent),
        entry_point: draw.maybe(|draw| word(draw, &DOORS)),
        topic: draw.maybe(|draw| word(draw, &TOPICS)),
        case: draw.maybe(contact),
        rule: None,
        language: None,
        accepts: Vec::new(),
        kind: draw.pick(&[PromiseKind::Scheduled, PromiseKind::Scheduled, PromiseKind::HoldPlace]),
        exact: draw.flag(),
        hours: draw.several(3, |draw| hours(draw, heard)),
        waiting: draw.maybe(contact),
        address: None,
        mode: draw.maybe(|_| DialMode::CustomerFirst),
    }
    .into()
}
