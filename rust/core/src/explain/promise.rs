//! What a contact is promised: of one that is scheduled that is all there is to explain.

use serde::Serialize;

use crate::site::Site;
use crate::state::{Contact, Phase, Promise, PromiseStage};
use crate::words::bounds::INSTANT_MAX_MS;
use crate::words::{ChannelPresence, Id, PromiseKind};

/// A promise that has not ended.
#[derive(Debug, Serialize)]
pub(super) struct PromiseExplanation {
    kind: PromiseKind,
    /// scheduled, early, due.
    stage: &'static str,
    made_ms: u64,
    due_ms: u64,
    from_ms: u64,
    until_ms: u64,
    /// The slot that it takes: from when to when.
    slot: Option<(u64, u64)>,
    /// When its contact waits for an agent next, or would if nobody held it. None: it does, or nothing more is tried.
    next_ms: Option<u64>,
    /// The contact as which its customer is here, so that nobody calls.
    returned: Option<Id>,
    /// Attempts to reach the customer that count.
    attempts: u64,
    dialling_until_ms: Option<u64>,
    /// It does not fit its slot, and that is recorded.
    at_risk: bool,
}

/// The window that a place in the line would get.
#[derive(Debug, Serialize)]
#[allow(clippy::struct_field_names)] // units come last
pub(super) struct PlaceExplanation {
    due_ms: u64,
    from_ms: u64,
    until_ms: u64,
}

/// None: it does not wait, its queue keeps no places, or none can be kept now. Who writes is called on the first live channel of the policy.
pub(super) fn place_of(site: &Site, id: &Id, contact: &Contact, now_ms: u64) -> Option<PlaceExplanation> {
    let waits = matches!(contact.phase, Phase::Queued | Phase::Offered { .. }) && site.state.promises.get(id).is_none();
    let rules = site.rules()?;
    let mut live =
        rules.policy.channels.iter().filter(|channel| channel.presence == ChannelPresence::Live).map(|channel| &channel.name);
    let own = Some(&contact.channel).filter(|own| rules.channel(own).is_some_and(|own| own.presence == ChannelPresence::Live));
    let channel = own.or_else(|| live.next())?;
    let window =
        site.place((&contact.queue, channel), Some((*id, contact)), &[], now_ms.min(INSTANT_MAX_MS)).ok().filter(|_| waits)?;
    Some(PlaceExplanation { due_ms: window.due_ms, from_ms: window.from_ms, until_ms: window.until_ms })
}

pub(super) fn of(site: &Site, id: &Id) -> Option<PromiseExplanation> {
    let promise = site.state.promises.get(id)?;
    let held = site.state.held.get(id);
    let (stage, next_ms) = match promise.stage {
        PromiseStage::Scheduled => ("scheduled", Some(held.map_or(promise.next_ms, |held| held.next_ms))),
        PromiseStage::Early => ("early", None),
        PromiseStage::Due => ("due", None),
    };
    let slot_ms = promise.slot_ms.max(1);
    Some(PromiseExplanation {
        kind: promise.kind,
        stage,
        made_ms: promise.made_ms,
        due_ms: promise.due_ms,
        from_ms: promise.from_ms,
        until_ms: promise.until_ms,
        slot: promise.slot(slot_ms).map(|number| (number * slot_ms, (number * slot_ms).saturating_add(slot_ms))),
        next_ms: next_ms.filter(|next_ms| *next_ms < promise.until_ms),
        returned: held.map(|held| held.returned),
        attempts: promise.attempts,
        dialling_until_ms: promise.dialling_until_ms,
        at_risk: is_at_risk(site, id, promise),
    })
}

/// It was recorded that it may not be kept, and so it still is: of a slot those made last do not fit.
fn is_at_risk(site: &Site, id: &Id, promise: &Promise) -> bool {
    let Some(policy) = site.callbacks(&promise.queue).filter(|_| promise.at_risk) else { return false };
    let Some(slot) = promise.slot(policy.slot_ms) else { return false };
    let due_ms = slot * policy.slot_ms..(slot + 1) * policy.slot_ms;
    let promised = site.index.promised.due_in(&promise.queue, due_ms);
    let before = promised.filter(|(_, made_ms, other)| (*made_ms, *other) < (promise.made_ms, *id)).count();
    before >= usize::from(site.places(&promise.queue, policy, slot))
}
