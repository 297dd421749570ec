//! Offers in the state: an agent is reserved for a contact, and what becomes of that.

use super::agents::settle_limits;
use super::{no_work, About};
use crate::conversation::{Sibling, Side, SidePhase};
use crate::site::Site;
use crate::state::{Agent, Contact, Exclusion, OfferEnd, PastOffer, Phase, Work, WorkPhase, RECENT_OFFERS};
use crate::words::{DirectReason, Event, OfferCause, OfferMade, Role};

/// How an accepted or offered attempt leaves the contact's and the agent's hands.
#[derive(Clone, Copy)]
struct Release {
    attempt: u32,
    turn_ms: u64,
    end: OfferEnd,
    exclusion: Option<Exclusion>,
    /// It was accepted, and those who were offered it besides may answer until then.
    siblings_until_ms: Option<u64>,
}

impl Release {
    fn new(attempt: u32, turn_ms: u64, end: OfferEnd) -> Self {
        Self { attempt, turn_ms, end, exclusion: None, siblings_until_ms: None }
    }

    fn excluding(self, until_ms: u64, reoffer_from_ms: u64) -> Self {
        Self { exclusion: Some(Exclusion { until_ms, reoffer_from_ms }), ..self }
    }
}

impl Site {
    #[allow(clippy::wildcard_enum_match_arm)] // `apply_event` sorts them, and is exhaustive
    pub(super) fn apply_offer(&mut self, about: &About, event: &Event, turn_ms: u64) -> Result<(), String> {
        match event {
            Event::OfferMade(event) => self.make_offer(about, event),
            Event::OfferAccepted(event) => self.accept_offer(about, (event.attempt, event.connect_by_ms), turn_ms),
            Event::OfferDeclined(event) => {
                let declines = event.declines;
                self.change_agent(about.agent()?, |agent| agent.declines = declines)?;
                let release = Release::new(event.attempt, turn_ms, OfferEnd::Declined);
                self.release(about, release.excluding(event.excluded_until_ms, event.reoffer_from_ms))
            }
            Event::OfferExpired(event) => {
                let (channel, missed) = (about.channel()?.clone(), event.missed);
                self.change_agent(about.agent()?, |agent| {
                    if let Some(enabled) = agent.channels.get_mut(&channel) {
                        enabled.missed = missed;
                    }
                })?;
                let release = Release::new(event.attempt, turn_ms, OfferEnd::Expired);
                self.release(about, release.excluding(event.excluded_until_ms, event.reoffer_from_ms))
            }
            Event::OfferRevoked(event) => {
                let siblings_until_ms = event.siblings_until_ms;
                let release = Release::new(event.attempt, turn_ms, OfferEnd::Revoked);
                self.release(about, Release { siblings_until_ms, ..release })
            }
            Event::ConnectExpired(event) => {
                let siblings_until_ms = event.siblings_until_ms;
                let release = Release::new(event.attempt, turn_ms, OfferEnd::Expired);
                let release = release.excluding(event.excluded_until_ms, event.reoffer_from_ms);
                self.release(about, Release { siblings_until_ms, ..release })
            }
            Event::ConnectFailed(event) => {
                let (failures, siblings_until_ms) = (event.failures, event.siblings_until_ms);
                self.change_agent(about.agent()?, |agent| agent.failures = failures)?;
                let release = Release::new(event.attempt, turn_ms, OfferEnd::Expired);
                let release = release.excluding(event.excluded_until_ms, event.reoffer_from_ms);
                self.release(about, Release { siblings_until_ms, ..release })
            }
            _ => Ok(()),
        }
    }

    fn make_offer(&mut self, about: &About, event: &OfferMade) -> Result<(), String> {
        let (id, agent_id, channel) = (about.contact()?, about.agent()?, about.channel()?.clone());
        let (attempt, expires_ms, role) = (event.attempt, event.expires_ms, event.role);
        let work = Work {
            channel,
            queue: event.queue.clone(),
            klass: event.key.map_or(0, |key| key.klass),
            cost: event.cost,
            phase: WorkPhase::Offered,
            role,
            direct: event.direct.is_some(),
            interrupts: event.interrupts,
            full_cost: None,
        };
        self.change_agent(agent_id, |agent| agent.work.insert((id, attempt), work))?;
        if event.cause == OfferCause::Routed {
            self.state.cursors.insert(event.queue.clone(), agent_id);
        }
        self.change_contact(id, |contact| {
            contact.attempt = attempt;
            if role == Role::Primary {
                // The way back is open for one offer.
                let returns = event.direct.as_ref().is_some_and(|direct| direct.reason == DirectReason::Transfer);
                if !returns {
                    contact.back.set(None);
                }
                if matches!(contact.phase, Phase::Offered { .. }) {
                    contact.siblings.insert(attempt, Sibling { agent: agent_id, expires_ms });
                } else {
                    contact.phase = Phase::Offered { agent: agent_id, attempt, expires_ms };
                }
            } else {
                contact.sides.insert(attempt, Side { agent: agent_id, role, phase: SidePhase::Offered { expires_ms } });
            }
        })
    }

    fn accept_offer(&mut self, about: &About, (attempt, connect_by_ms): (u32, u64), turn_ms: u64) -> Result<(), String> {
        let (id, agent_id, channel) = (about.contact()?, about.agent()?, about.channel()?.clone());
        self.note_dialling(id, Some(connect_by_ms), turn_ms);
        self.withdraw_next_steps(&id);
        let accept = |agent: &mut Agent| {
            agent.declines = 0;
            if let Some(enabled) = agent.channels.get_mut(&channel) {
                enabled.missed = 0;
            }
            let offered = agent.work.get_mut(&(id, attempt)).filter(|work| work.phase == WorkPhase::Offered);
            offered.map(|work| work.phase = WorkPhase::Connecting)
        };
        // Room and idle order stay as they were; so do deadlines, unless the desk is lost.
        let desk_lost = self.agent(&agent_id).is_some_and(|agent| agent.desk_due.is_some());
        let accepted = if desk_lost { self.change_agent(agent_id, accept) } else { self.note_agent(agent_id, accept) }?;
        accepted.ok_or_else(|| no_work(agent_id, (id, attempt)))?;
        self.change_contact(id, |contact| {
            if let Some(side) = contact.sides.get_mut(&attempt) {
                side.phase = SidePhase::Connecting { connect_by_ms };
            } else {
                contact.back.set(None);
                if let Phase::Offered { agent, attempt: first, expires_ms } = contact.phase {
                    // Mostly it is the only one: then no list is made for it.
                    if first != attempt {
                        contact.siblings.insert(first, Sibling { agent, expires_ms });
                    }
                }
                contact.siblings.remove(&attempt);
                contact.phase = Phase::Connecting { agent: agent_id, attempt, connect_by_ms };
            }
        })
    }

    /// An offer or connect is over without an engagement: the contact waits again, with its key. Nobody waits for a side.
    fn release(&mut self, about: &About, release: Release) -> Result<(), String> {
        let (id, agent_id) = (about.contact()?, about.agent()?);
        let attempt = release.attempt;
        self.note_dialling(id, None, release.turn_ms);
        self.change_agent(agent_id, |agent| {
            agent.work.remove(&(id, attempt));
            settle_limits(agent);
        })?;
        self.change_contact(id, |contact| {
            if contact.sides.remove(&attempt).is_none() && contact.siblings.remove(&attempt).is_none() {
                contact.offer_on(release.siblings_until_ms, release.turn_ms);
            }
            remember_offer(contact, PastOffer { attempt, agent: agent_id, end: release.end });
            if let Some(exclusion) = release.exclusion {
                contact.exclusions.insert(agent_id, exclusion);
            }
        })
    }
}

pub(super) fn remember_offer(contact: &mut Contact, offer: PastOffer) {
    contact.recent.push_back(offer);
    if contact.recent.len() > RECENT_OFFERS {
        contact.recent.pop_front();
    }
}
