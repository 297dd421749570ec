//! A live contact: where it is in its current visit, and what is remembered of it until it ends.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::conversation::{Conversation, Holder, Sibling, Side, Stage};
use crate::course::Course;
use crate::few::Few;
use crate::rare::Rare;
use crate::words::bounds::{ATTEMPT_MAX, DURATION_MAX_MS};
use crate::words::{ContactState, Id, Key, Name, ParkedKind, Requirement, Role, VisitOutcome};

/// How many ended offers of a live contact are remembered, so that a late answer gets its exact refusal.
pub(crate) const RECENT_OFFERS: usize = 8;

/// A live contact in its current visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contact {
    pub(crate) channel: Name,
    pub(crate) queue: Name,
    pub(crate) phase: Phase,
    pub(crate) visit: u32,
    pub(crate) key: Key,
    /// When this visit began.
    pub(crate) entered_ms: u64,
    /// `entered_ms` less the waits of earlier visits.
    pub(crate) queued_at_ms: u64,
    pub(crate) target_ms: u64,
    /// What the contact itself needs.
    pub(crate) wishes: Vec<Requirement>,
    /// That, and what its queue adds.
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) priority: u8,
    pub(crate) customer: Option<Id>,
    pub(crate) preferred: Rare<Vec<Id>>,
    pub(crate) prefer_until_ms: u64,
    /// The agent who transferred the contact here.
    pub(crate) sender: Rare<Option<Id>>,
    /// Transfers so far.
    pub(crate) transfers: u64,
    /// To whom it goes back if the agent it was transferred to does not take it.
    pub(crate) back: Rare<Option<Id>>,
    pub(crate) entry_point: Rare<Option<Name>>,
    pub(crate) topic: Rare<Option<Name>>,
    /// The case it goes on with; None: its own id begins one.
    pub(crate) case: Option<Id>,
    pub(crate) rule: Rare<Option<Name>>,
    pub(crate) language: Rare<Option<Name>>,
    /// Other languages its customer accepts.
    pub(crate) accepts: Rare<Vec<Name>>,
    /// The newest attempt; 0 before the first offer.
    pub(crate) attempt: u32,
    pub(crate) recent: VecDeque<PastOffer>,
    pub(crate) exclusions: Rare<Few<Id, Exclusion>>,
    /// When this visit was answered.
    pub(crate) answered_ms: Option<u64>,
    /// An earlier visit was answered.
    pub(crate) answered_before: bool,
    /// Messages so far.
    pub(crate) ordinal: u64,
    pub(crate) course: Rare<Course>,
    pub(crate) conversation: Conversation,
    /// Those to whom it is offered besides whoever stands in its phase, by attempt.
    pub(crate) siblings: Rare<Few<u32, Sibling>>,
    /// Agents whom the primary asked, by attempt.
    pub(crate) sides: Rare<Few<u32, Side>>,
}

impl Contact {
    /// Its place in the order without promotion: what it keeps beyond this visit.
    pub(crate) fn own_key(&self) -> Key {
        Key { klass: self.course.promoted_from.unwrap_or(self.key.klass), ..self.key }
    }

    /// The case it belongs to: the id of that one's first contact.
    pub(crate) fn case_of(&self, own: Id) -> Id {
        self.case.unwrap_or(own)
    }

    /// The queues that it waits in.
    pub(crate) fn queues(&self) -> impl Iterator<Item = &Name> {
        std::iter::once(&self.queue).chain(&self.course.added)
    }

    /// The wait in this visit up to `now_ms`, as long as a word can say it.
    pub(crate) fn waited_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.entered_ms).min(DURATION_MAX_MS)
    }

    /// The waits of this visit and of those before it, up to `now_ms`, as far as they count: a visit's wait ends with the answer, or when it is
    /// parked, unless it only gave way.
    pub(crate) fn waited_in_all_ms(&self, now_ms: u64, clock: Clock<'_>) -> u64 {
        let ended_ms = match (self.answered_ms, self.phase) {
            (Some(answered_ms), _) => answered_ms,
            (None, Phase::Parked { since_ms, .. }) if !self.course.newer.waits_parked => since_ms,
            (
                None,
                Phase::Parked { .. } | Phase::Queued | Phase::Offered { .. } | Phase::Connecting { .. } | Phase::Engaged { .. },
            ) => now_ms,
        };
        clock.between(self.queued_at_ms, self.entered_ms) + clock.between(self.entered_ms, ended_ms)
    }

    /// Time alone does something to it, or has a say in who gets it, besides the deadlines of its offers.
    pub(crate) fn has_instants(&self) -> bool {
        !self.exclusions.is_empty()
            || !self.preferred.is_empty()
            || self.conversation.silence.is_some()
            || matches!(self.phase, Phase::Parked { .. })
            || self.course.has_instants()
    }

    /// Nothing but room, skills and membership says who may have it while it waits, and whether somebody leaves.
    pub(crate) fn is_open(&self) -> bool {
        self.sender.is_none() && self.exclusions.is_empty() && self.preferred.is_empty() && self.course.opens_ms.is_empty()
    }

    /// Waits for an agent. One whose next offer could not be numbered waits for nobody: somebody has to end it.
    pub(crate) fn looks(&self) -> bool {
        self.phase == Phase::Queued && self.attempt < ATTEMPT_MAX
    }

    /// Who has this attempt in hand, and how far it is.
    pub(crate) fn holder(&self, attempt: u32) -> Option<Holder> {
        let primary = match self.phase {
            Phase::Queued | Phase::Parked { .. } => None,
            Phase::Offered { agent, attempt, .. } => Some((attempt, agent, Stage::Offered)),
            Phase::Connecting { agent, attempt, .. } => Some((attempt, agent, Stage::Connecting)),
            Phase::Engaged { agent, attempt } => Some((attempt, agent, Stage::Engaged)),
        };
        match primary {
            Some((own, agent, stage)) if own == attempt => Some(Holder { agent, role: Role::Primary, stage }),
            Some(_) | None => self.sides.get(&attempt).map(Side::holder).or_else(|| {
                let sibling = self.siblings.get(&attempt)?;
                Some(Holder { agent: sibling.agent, role: Role::Primary, stage: Stage::Offered })
            }),
        }
    }

    /// One of those it is offered to has accepted: the others are held until that is connected, or fails.
    pub(crate) fn is_held(&self, attempt: u32) -> bool {
        self.siblings.contains_key(&attempt) && !matches!(self.phase, Phase::Offered { .. })
    }

    /// Everybody who was offered the contact and may get it yet, or has accepted it, by attempt.
    pub(crate) fn group(&self) -> Vec<(u32, Id)> {
        let first = match self.phase {
            Phase::Offered { agent, attempt, .. } | Phase::Connecting { agent, attempt, .. } => Some((attempt, agent)),
            Phase::Queued | Phase::Engaged { .. } | Phase::Parked { .. } => None,
        };
        let siblings = self.siblings.iter().map(|(attempt, sibling)| (*attempt, sibling.agent));
        let mut group: Vec<(u32, Id)> = first.into_iter().chain(siblings).collect();
        group.sort_unstable();
        group
    }

    /// Offered to the sibling of the lowest attempt from here on, until `until_ms` if all of them get a new time; else it waits.
    pub(crate) fn offer_on(&mut self, until_ms: Option<u64>, turn_ms: u64) {
        let next = self.siblings.iter().next().map(|(attempt, sibling)| (*attempt, *sibling));
        if let Some((attempt, sibling)) = next {
            self.siblings.remove(&attempt);
            for other in self.siblings.values_mut() {
                other.expires_ms = until_ms.unwrap_or(other.expires_ms);
            }
            self.phase = Phase::Offered { agent: sibling.agent, attempt, expires_ms: until_ms.unwrap_or(sibling.expires_ms) };
        } else {
            self.phase = Phase::Queued;
            self.course.resume(turn_ms);
        }
    }

    /// What it is to leave before the answer.
    pub(crate) fn abandoned(&self) -> VisitOutcome {
        if self.answered_before {
            VisitOutcome::AbandonedAfterTransfer
        } else {
            VisitOutcome::Abandoned
        }
    }

    /// An agent has answered it, in this visit or before.
    pub(crate) fn ever_answered(&self) -> bool {
        self.answered_before || self.answered_ms.is_some()
    }
}

/// Where a live contact is.
///
/// ```text
/// Queued     --OfferMade-->                      Offered
/// Offered    --OfferAccepted-->                  Connecting
/// Offered    --OfferDeclined|Expired|Revoked-->  Queued      (Offered to a sibling, if one is left)
/// Connecting --EngagementStarted-->              Engaged
/// Connecting --ConnectExpired|Failed, OfferRevoked--> Queued (Offered to its siblings, if any are held)
/// Engaged    --EngagementEnded, ContactQueued--> Queued      (transfer: a new visit)
/// Engaged    --EngagementEnded, ContactParked--> Parked
/// Parked     --ParkEnded, ContactQueued-->       Queued      (return: a new visit)
/// any        --ContactEnded-->                   (gone)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    Queued,
    Offered { agent: Id, attempt: u32, expires_ms: u64 },
    Connecting { agent: Id, attempt: u32, connect_by_ms: u64 },
    Engaged { agent: Id, attempt: u32 },
    Parked { owner: Id, kind: ParkedKind, since_ms: u64, until_ms: u64 },
}

impl Phase {
    /// Nobody is there for it yet.
    pub(crate) fn waits(self) -> bool {
        matches!(self, Self::Queued | Self::Offered { .. } | Self::Connecting { .. })
    }

    /// Who has the contact, on offer or for real.
    pub(crate) fn agent(self) -> Option<Id> {
        match self {
            Self::Queued | Self::Parked { .. } => None,
            Self::Offered { agent, .. } | Self::Connecting { agent, .. } | Self::Engaged { agent, .. } => Some(agent),
        }
    }

    /// Who is connected with the customer.
    pub(crate) fn engaged(self) -> Option<Id> {
        match self {
            Self::Engaged { agent, .. } => Some(agent),
            Self::Queued | Self::Offered { .. } | Self::Connecting { .. } | Self::Parked { .. } => None,
        }
    }

    /// The attempt of whoever has the contact.
    pub(crate) fn attempt(self) -> Option<u32> {
        match self {
            Self::Queued | Self::Parked { .. } => None,
            Self::Offered { attempt, .. } | Self::Connecting { attempt, .. } | Self::Engaged { attempt, .. } => Some(attempt),
        }
    }

    /// Who parked the contact.
    pub(crate) fn owner(self) -> Option<Id> {
        match self {
            Self::Parked { owner, .. } => Some(owner),
            Self::Queued | Self::Offered { .. } | Self::Connecting { .. } | Self::Engaged { .. } => None,
        }
    }

    pub(crate) fn word(self) -> ContactState {
        match self {
            Self::Queued => ContactState::Queued,
            Self::Offered { .. } => ContactState::Offered,
            Self::Connecting { .. } => ContactState::Connecting,
            Self::Engaged { .. } => ContactState::Engaged,
            Self::Parked { .. } => ContactState::Parked,
        }
    }
}

/// An offer that is over, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PastOffer {
    pub(crate) attempt: u32,
    pub(crate) agent: Id,
    pub(crate) end: OfferEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OfferEnd {
    Accepted,
    Declined,
    Expired,
    Revoked,
}

/// The agent does not get this contact before `until_ms`, or `reoffer_from_ms` if nobody else is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exclusion {
    pub(crate) until_ms: u64,
    pub(crate) reoffer_from_ms: u64,
}
