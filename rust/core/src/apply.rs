//! Apply: the only code that changes a site's state. No policy arithmetic: an event carries every value that was computed.
//!
//! The errors mean that the journal contradicts itself; they never happen to an event that `decide` has just made.

mod agents;
mod effects;
mod policy;
mod visits;

use agents::{settle_idle, settle_limits};

use crate::site::Site;
use crate::state::{Contact, Exclusion, OfferEnd, PastOffer, Phase, Place, Sweep, Work, WorkPhase, RECENT_OFFERS};
use crate::words::{ContactParked, DeadlinesShifted, EngagementEnded, Event, Id, Name, OfferCause, OfferMade};

/// What an event is about: the first fields of its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) contact: Option<Id>,
    pub(crate) agent: Option<Id>,
    pub(crate) channel: Option<Name>,
}

impl About {
    pub(crate) fn contact(&self) -> Result<Id, String> {
        self.contact.ok_or_else(|| "the entry names no contact".to_owned())
    }

    pub(crate) fn agent(&self) -> Result<Id, String> {
        self.agent.ok_or_else(|| "the entry names no agent".to_owned())
    }

    pub(crate) fn channel(&self) -> Result<&Name, String> {
        self.channel.as_ref().ok_or_else(|| "the entry names no channel".to_owned())
    }
}

/// How an accepted or offered attempt leaves the contact's and the agent's hands.
#[derive(Clone, Copy)]
struct Release {
    attempt: u32,
    at_ms: u64,
    end: OfferEnd,
    exclusion: Option<Exclusion>,
}

impl Site {
    /// Remember a fact and its time.
    pub(crate) fn apply_input(&mut self, fact_id: Option<Id>, stored_ms: u64, at_ms: u64, place: Place) {
        self.state.fact_ms = fact_time(stored_ms, self.state.fact_ms, at_ms);
        if let Some(id) = fact_id {
            self.state.facts.remember(id, place, at_ms);
        }
    }

    /// Change the state as the event at `place` says, in a turn at `turn_ms`.
    #[allow(clippy::match_same_arms, clippy::too_many_lines)]
    pub(crate) fn apply_event(&mut self, about: &About, place: Place, turn_ms: u64, event: &Event) -> Result<(), String> {
        match event {
            Event::RouterTookOver(event) => {
                self.state.epoch = event.epoch;
                Ok(())
            }
            Event::DeadlinesShifted(event) => self.shift_deadlines(event),
            Event::PolicyAdopted(event) => self.adopt_policy(event),
            Event::SweepAdvanced(event) => {
                self.state.sweep = event.after.map(|after| Sweep { after: Some(after) });
                Ok(())
            }
            Event::ContactQueued(event) => self.queue_contact(about, event),
            Event::ContactEnded(_) => self.end_contact(about.contact()?, turn_ms),
            Event::ContactReprioritised(event) => self.reprioritise(about.contact()?, event),
            Event::ContactRelaxed(event) => self.relax(about.contact()?, event),
            Event::ThresholdReached(event) => self.pass_threshold(about.contact()?, event),
            // What changes stands in the events before and after them.
            Event::VisitEnded(_) | Event::ParkEnded(_) | Event::MessageAttached(_) | Event::ContactDiverted(_) => Ok(()),
            Event::OfferMade(event) => self.make_offer(about, event),
            Event::OfferAccepted(event) => self.accept_offer(about, event.attempt, event.connect_by_ms),
            Event::OfferDeclined(event) => {
                let exclusion = Exclusion { until_ms: event.excluded_until_ms, reoffer_from_ms: event.reoffer_from_ms };
                let declines = event.declines;
                self.change_agent(about.agent()?, |agent| agent.declines = declines)?;
                self.release(
                    about,
                    Release { attempt: event.attempt, at_ms: event.at_ms, end: OfferEnd::Declined, exclusion: Some(exclusion) },
                )
            }
            Event::OfferExpired(event) => {
                let exclusion = Exclusion { until_ms: event.excluded_until_ms, reoffer_from_ms: event.reoffer_from_ms };
                let (channel, missed) = (about.channel()?.clone(), event.missed);
                self.change_agent(about.agent()?, |agent| {
                    if let Some(enabled) = agent.channels.get_mut(&channel) {
                        enabled.missed = missed;
                    }
                })?;
                self.release(
                    about,
                    Release { attempt: event.attempt, at_ms: event.at_ms, end: OfferEnd::Expired, exclusion: Some(exclusion) },
                )
            }
            Event::OfferRevoked(event) => {
                self.release(about, Release { attempt: event.attempt, at_ms: event.at_ms, end: OfferEnd::Revoked, exclusion: None })
            }
            Event::ConnectExpired(event) => {
                let exclusion = Exclusion { until_ms: event.excluded_until_ms, reoffer_from_ms: event.reoffer_from_ms };
                self.release(
                    about,
                    Release { attempt: event.attempt, at_ms: event.at_ms, end: OfferEnd::Expired, exclusion: Some(exclusion) },
                )
            }
            Event::EngagementStarted(event) => self.start_engagement(about, event.attempt),
            Event::ContactAnswered(event) => {
                let at_ms = event.at_ms;
                self.change_contact(about.contact()?, |contact| contact.answered_ms = Some(at_ms))
            }
            Event::MessageRelayed(event) => {
                let ordinal = event.ordinal;
                self.change_contact(about.contact()?, |contact| contact.ordinal = ordinal)
            }
            Event::EngagementEnded(event) => self.end_engagement(about, event),
            Event::WrapUpEnded(event) => {
                let (contact, attempt, at_ms) = (about.contact()?, event.attempt, event.at_ms);
                self.change_agent(about.agent()?, |agent| {
                    agent.work.remove(&(contact, attempt));
                    settle_idle(agent, at_ms);
                })
            }
            Event::WrapUpExtended(event) => {
                let (contact, attempt, until_ms) = (about.contact()?, event.attempt, event.until_ms);
                self.change_work(about.agent()?, (contact, attempt), |work| {
                    if let WorkPhase::Wrapping { began_ms, .. } = work.phase {
                        work.phase = WorkPhase::Wrapping { began_ms, until_ms };
                    }
                })
            }
            Event::ContactParked(event) => self.park_contact(about, event),
            Event::ContactReclassified(event) => {
                let topic = event.topic.clone();
                self.change_contact(about.contact()?, |contact| contact.topic = Some(topic))
            }
            Event::AgentRegistered(event) => {
                self.register_agent(about.agent()?, event);
                Ok(())
            }
            Event::AgentRemoved(_) => {
                let id = about.agent()?;
                let agent = self.state.agents.remove(&id).ok_or_else(|| format!("there is no agent {id:?}"))?;
                self.index.remove_agent(id, &agent);
                Ok(())
            }
            Event::PresenceChanged(event) => self.change_presence(about.agent()?, event),
            Event::ChannelSwitchSet(event) => self.set_switch(about, event),
            Event::OverCapacityRecorded(_) => self.change_agent(about.agent()?, |agent| agent.over_recorded = true),
            Event::EffectRequested(event) => self.begin_effect(about, place, event),
            Event::EffectEnded(event) => self.end_effect(event),
            Event::EffectRetried(event) => self.retry_effect(event),
            Event::CustomerErased(event) => {
                self.erase_customer(event.customer);
                Ok(())
            }
            Event::ConnectFailed(_) => Ok(()),
            Event::DayTurned(event) => self.turn_day(event.at_ms),
            Event::AgentScheduleSet(_) => Ok(()),
            Event::OutsideWorkChanged(_) => Ok(()),
            Event::DeskLossRecorded(_) => Ok(()),
            Event::DeskReturnRecorded(_) => Ok(()),
            Event::AgentReserved(_) => Ok(()),
            Event::AgentReleased(_) => Ok(()),
            Event::QueueModeSet(_) => Ok(()),
            Event::BroadcastMade(_) => Ok(()),
            Event::ContactPromoted(_) => Ok(()),
            Event::ContactLinked(_) => Ok(()),
            Event::MatterRepeated(_) => Ok(()),
            Event::EngagementHeld(_) => Ok(()),
            Event::EngagementResumed(_) => Ok(()),
            Event::RoleChanged(_) => Ok(()),
            Event::ContactDormant(_) => Ok(()),
            Event::ContactRevived(_) => Ok(()),
            Event::AgentSilenceNoticed(_) => Ok(()),
        }
    }

    fn shift_deadlines(&mut self, event: &DeadlinesShifted) -> Result<(), String> {
        let (gap_ms, silent_since_ms) = (event.gap_ms, event.at_ms - event.gap_ms.min(event.at_ms));
        let (contacts, agents) = self.index.held_up_by_silence(silent_since_ms);
        for id in contacts {
            self.change_contact(id, |contact| {
                match &mut contact.phase {
                    Phase::Offered { expires_ms, .. } => *expires_ms += gap_ms,
                    Phase::Connecting { connect_by_ms, .. } => *connect_by_ms += gap_ms,
                    Phase::Queued | Phase::Engaged { .. } | Phase::Parked { .. } => {}
                }
                for exclusion in contact.exclusions.values_mut() {
                    for when in [&mut exclusion.until_ms, &mut exclusion.reoffer_from_ms] {
                        if *when > silent_since_ms {
                            *when += gap_ms;
                        }
                    }
                }
            })?;
        }
        for id in agents {
            self.change_agent(id, |agent| {
                for work in agent.work.values_mut() {
                    if let WorkPhase::Wrapping { began_ms, until_ms } = &mut work.phase {
                        // Its start too: silence takes no room from an extension.
                        *began_ms += gap_ms;
                        *until_ms += gap_ms;
                    }
                }
            })?;
        }
        Ok(())
    }

    /// The contact is put aside; its engagement has ended.
    fn park_contact(&mut self, about: &About, event: &ContactParked) -> Result<(), String> {
        let phase = Phase::Parked { owner: about.agent()?, since_ms: event.at_ms, until_ms: event.until_ms };
        self.change_contact(about.contact()?, |contact| contact.phase = phase)
    }

    /// The customer's live contacts go on without one.
    fn erase_customer(&mut self, customer: Id) {
        for id in self.index.customers.remove(&customer) {
            if let Some(contact) = self.state.contacts.get_mut(&id) {
                contact.customer = None;
            }
        }
    }

    fn make_offer(&mut self, about: &About, event: &OfferMade) -> Result<(), String> {
        let (id, agent_id, channel) = (about.contact()?, about.agent()?, about.channel()?.clone());
        let work = Work { channel, queue: event.queue.clone(), cost: event.cost, phase: WorkPhase::Offered };
        let attempt = event.attempt;
        self.change_agent(agent_id, |agent| agent.work.insert((id, attempt), work))?;
        if event.cause == OfferCause::Routed {
            self.state.cursors.insert(event.queue.clone(), agent_id);
        }
        let expires_ms = event.expires_ms;
        self.change_contact(id, |contact| {
            contact.attempt = attempt;
            contact.phase = Phase::Offered { agent: agent_id, expires_ms };
        })
    }

    fn accept_offer(&mut self, about: &About, attempt: u32, connect_by_ms: u64) -> Result<(), String> {
        let (id, agent_id, channel) = (about.contact()?, about.agent()?, about.channel()?.clone());
        self.change_work(agent_id, (id, attempt), |work| work.phase = WorkPhase::Connecting)?;
        self.change_agent(agent_id, |agent| {
            agent.declines = 0;
            if let Some(enabled) = agent.channels.get_mut(&channel) {
                enabled.missed = 0;
            }
        })?;
        self.change_contact(id, |contact| contact.phase = Phase::Connecting { agent: agent_id, connect_by_ms })
    }

    /// An offer or connect is over without an engagement: the contact waits again, with its key.
    fn release(&mut self, about: &About, release: Release) -> Result<(), String> {
        let (id, agent_id) = (about.contact()?, about.agent()?);
        let attempt = release.attempt;
        self.change_agent(agent_id, |agent| {
            agent.work.remove(&(id, attempt));
            settle_limits(agent);
        })?;
        self.change_contact(id, |contact| {
            contact.phase = Phase::Queued;
            contact.course.resume(release.at_ms);
            remember_offer(contact, PastOffer { attempt, agent: agent_id, end: release.end });
            if let Some(exclusion) = release.exclusion {
                contact.exclusions.insert(agent_id, exclusion);
            }
        })
    }

    fn start_engagement(&mut self, about: &About, attempt: u32) -> Result<(), String> {
        let (id, agent_id) = (about.contact()?, about.agent()?);
        self.change_work(agent_id, (id, attempt), |work| work.phase = WorkPhase::Engaged)?;
        self.change_agent(agent_id, |agent| agent.today.started += 1)?;
        self.change_contact(id, |contact| contact.phase = Phase::Engaged { agent: agent_id })
    }

    fn end_engagement(&mut self, about: &About, event: &EngagementEnded) -> Result<(), String> {
        let (id, agent_id) = (about.contact()?, about.agent()?);
        let (attempt, at_ms) = (event.attempt, event.at_ms);
        self.change_agent(agent_id, |agent| {
            match (event.wrap_until_ms, agent.work.get_mut(&(id, attempt))) {
                (Some(until_ms), Some(work)) => {
                    work.phase = WorkPhase::Wrapping { began_ms: at_ms, until_ms };
                    work.cost = event.wrap_cost;
                }
                (None | Some(_), _) => {
                    agent.work.remove(&(id, attempt));
                }
            }
            settle_idle(agent, at_ms);
        })?;
        self.change_contact(id, |contact| {
            remember_offer(contact, PastOffer { attempt, agent: agent_id, end: OfferEnd::Accepted });
        })
    }

    fn change_work(&mut self, agent: Id, work: (Id, u32), change: impl FnOnce(&mut Work)) -> Result<(), String> {
        self.change_agent(agent, |agent| agent.work.get_mut(&work).map(change))?
            .ok_or_else(|| format!("agent {agent:?} does not have contact {:?}, attempt {}", work.0, work.1))
    }
}

/// A frame's time: when the server stored it, never before the frame before it and never after the turn.
pub(crate) fn fact_time(stored_ms: u64, previous_ms: u64, at_ms: u64) -> u64 {
    stored_ms.max(previous_ms).min(at_ms)
}

fn remember_offer(contact: &mut Contact, offer: PastOffer) {
    contact.recent.push_back(offer);
    if contact.recent.len() > RECENT_OFFERS {
        contact.recent.pop_front();
    }
}
