//! When something happens to contacts, agents and queues by itself: what the index keeps in the order of time.

use crate::conversation::SidePhase;
use crate::few::Few;
use crate::state::{Agent, Closed, Contact, Hours, Phase, WorkPhase};
use crate::words::{Id, Name};

/// A short deadline. Those due at one instant run in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    Offer {
        contact: Id,
        attempt: u32,
    },
    Connect {
        contact: Id,
        attempt: u32,
    },
    WrapUp {
        agent: Id,
        contact: Id,
        attempt: u32,
    },
    /// An agent's desk has been lost for so long.
    DeskLost(Id),
}

/// A long deadline: silence does not move it, and it needs no beat. Its instant stands in the state. Those due at one instant run in
/// this order: a day before all short deadlines, the others between those and the looks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Later {
    /// Whoever owes a word in a conversation has been silent for long.
    Silence(Id),
    /// A parked contact returns.
    Return(Id),
    /// Those who wait in a closed queue are moved on.
    Closing(Name),
    /// A step of a queued contact's plan.
    Step(Id),
    /// A contact has waited too long.
    Threshold(Id),
    /// A promised contact is to wait for an agent, is due, or was not reached in time.
    Promise(Id),
    /// A queue opens or closes by its calendar.
    Hours(Name),
    /// Those who wait in a queue that its calendar closed are moved on.
    HoursOver(Name),
    /// A promise to a contact or case is at risk, or broken.
    Sla(Id, Name),
    /// Nobody has chosen a next step in time.
    NextStep(Id),
}

/// A moment at which something may be possible for a queued contact. It stands until the contact changes; that it has passed is known from
/// `looked_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Chance {
    /// The door of this number in the policy may turn.
    Door(u16),
    /// It may be promoted from now on.
    Promote(Id),
    /// An exclusion or its preference ends: it looks again.
    Look(Id),
}

impl Chance {
    /// After every other of its instant.
    pub(crate) const LAST: Self = Self::Look(Id([0xff; 16]));
}

/// What is to happen to the contact, in its phase.
pub(super) fn later_times(id: Id, contact: &Contact) -> impl Iterator<Item = (u64, Later)> {
    let course = &contact.course;
    let (step, threshold, back) = match contact.phase {
        Phase::Queued => (course.step_at_ms, course.threshold_at_ms, None),
        Phase::Offered { .. } | Phase::Connecting { .. } => (None, course.threshold_at_ms, None),
        Phase::Engaged { .. } => (None, None, None),
        Phase::Parked { until_ms, .. } => (None, None, Some(until_ms)),
    };
    let later = [back.map(|at_ms| (at_ms, Later::Return(id))), step.map(|at_ms| (at_ms, Later::Step(id)))];
    let silence = contact.conversation.silence.map(|due| (due.at_ms, Later::Silence(id)));
    later.into_iter().chain([threshold.map(|at_ms| (at_ms, Later::Threshold(id))), silence]).flatten()
}

/// When the queue is done with those who wait.
pub(crate) fn closing(queue: &Name, closed: Closed) -> Option<(u64, Later)> {
    closed.close_at_ms.map(|at_ms| (at_ms, Later::Closing(queue.clone())))
}

/// When the queue opens or closes next, and when it is done with those who wait.
pub(crate) fn turning(queue: &Name, hours: Hours) -> impl Iterator<Item = (u64, Later)> + '_ {
    let next = hours.next_ms.map(|at_ms| (at_ms, Later::Hours(queue.clone())));
    next.into_iter().chain(hours.close_at_ms.map(|at_ms| (at_ms, Later::HoursOver(queue.clone()))))
}

pub(super) fn chances(id: Id, contact: &Contact) -> impl Iterator<Item = (u64, Chance)> + '_ {
    let course = &contact.course;
    let promotion = course.promote_at_ms.filter(|_| course.promoted_from.is_none());
    look_times(contact).map(move |when| (when, Chance::Look(id))).chain(promotion.map(|when| (when, Chance::Promote(id))))
}

fn look_times(contact: &Contact) -> impl Iterator<Item = u64> + '_ {
    let preference = (!contact.preferred.is_empty()).then_some(contact.prefer_until_ms);
    let exclusions = contact.exclusions.values().flat_map(|exclusion| [exclusion.reoffer_from_ms, exclusion.until_ms]);
    exclusions.chain(preference).chain(contact.course.opens_ms.iter().copied()).chain(contact.course.drain_at_ms)
}

/// When what was offered, to the primary or a side, must be answered or connected.
pub(super) fn each_answer_due(id: Id, contact: &Contact, mut due: impl FnMut(u64, Timer)) {
    let offered = match contact.phase {
        Phase::Offered { attempt, expires_ms, .. } => {
            due(expires_ms, Timer::Offer { contact: id, attempt });
            true
        }
        Phase::Connecting { attempt, connect_by_ms, .. } => {
            due(connect_by_ms, Timer::Connect { contact: id, attempt });
            false
        }
        Phase::Queued | Phase::Engaged { .. } | Phase::Parked { .. } => false,
    };
    for (attempt, side) in &contact.sides {
        match side.phase {
            SidePhase::Offered { expires_ms } => due(expires_ms, Timer::Offer { contact: id, attempt: *attempt }),
            SidePhase::Connecting { connect_by_ms } => due(connect_by_ms, Timer::Connect { contact: id, attempt: *attempt }),
            SidePhase::Engaged => {}
        }
    }
    // Held ones wait for the connect.
    for (attempt, sibling) in contact.siblings.iter().filter(|_| offered) {
        due(sibling.expires_ms, Timer::Offer { contact: id, attempt: *attempt });
    }
}

/// When contacts are taken away, as long as the agent has any on such a channel.
pub(super) fn desk_losses(id: Id, agent: &Agent) -> impl Iterator<Item = (u64, Timer)> + '_ {
    let has = |channel: &Name| {
        let held = |phase| matches!(phase, WorkPhase::Connecting | WorkPhase::Engaged);
        agent.work.values().any(|work| work.channel == *channel && held(work.phase))
    };
    let due = agent.desk_due.iter().flat_map(Few::iter).filter(move |(channel, _)| has(channel));
    due.map(move |(_, at_ms)| (*at_ms, Timer::DeskLost(id)))
}

pub(super) fn wrap_ups(id: Id, agent: &Agent) -> impl Iterator<Item = (u64, Timer)> + '_ {
    agent.work.iter().filter_map(move |((contact, attempt), work)| match work.phase {
        WorkPhase::Wrapping { until_ms, .. } => Some((until_ms, Timer::WrapUp { agent: id, contact: *contact, attempt: *attempt })),
        WorkPhase::Offered | WorkPhase::Connecting | WorkPhase::Engaged => None,
    })
}
