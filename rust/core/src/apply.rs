//! Apply: the only code that changes a site's state. No policy arithmetic: an event carries every value that was computed.
//!
//! The errors mean that the journal contradicts itself; they never happen to an event that `decide` has just made.

mod agents;
mod customers;
mod doors;
mod effects;
mod engagements;
mod next_steps;
mod offers;
mod policy;
mod promises;
mod slas;
mod visits;

use crate::conversation::SidePhase;
use crate::few::Few;
use crate::index::Who;
use crate::site::Site;
use crate::state::{Phase, Place, Sweep, Work, WorkPhase};
use crate::words::{DeadlinesShifted, Event, Id, Name};

/// What an event is about: the first fields of its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) contact: Option<Id>,
    pub(crate) agent: Option<Id>,
    pub(crate) channel: Option<Name>,
}

impl About {
    pub(crate) fn contact(&self) -> Result<Id, String> {
        self.contact.ok_or_else(|| nameless("contact"))
    }

    pub(crate) fn agent(&self) -> Result<Id, String> {
        self.agent.ok_or_else(|| nameless("agent"))
    }

    pub(crate) fn channel(&self) -> Result<&Name, String> {
        self.channel.as_ref().ok_or_else(|| nameless("channel"))
    }
}

/// As everything that says what is wrong with a journal: out of the way of those that are right.
#[cold]
fn nameless(what: &str) -> String {
    format!("the entry names no {what}")
}

impl Site {
    /// Remember a fact and its time.
    pub(crate) fn apply_input(&mut self, fact_id: Option<Id>, stored_ms: u64, at_ms: u64, place: Place) {
        self.state.fact_ms = fact_time(stored_ms, self.state.fact_ms, at_ms);
        if let Some(id) = fact_id {
            self.state.facts.remember(id, place, at_ms);
        }
    }

    /// Change the state as the event at `place` says, in a turn at `turn_ms`. It may take out of it what it keeps: an event is large, and never moved.
    pub(crate) fn apply_event(&mut self, about: &About, place: Place, turn_ms: u64, event: &mut Event) -> Result<(), String> {
        match event {
            Event::RouterTookOver(event) => {
                let next = self.state.epoch + 1;
                self.state.epoch = event.epoch;
                self.seed(event.inbox_id);
                self.state.stepped_down = false;
                self.state.levels.most = event.level_max;
                (event.epoch == next).then_some(()).ok_or_else(|| format!("epoch {} begins where {next} should", event.epoch))
            }
            Event::LevelAdopted(event) => self.state.levels.adopt(event.level),
            Event::RouterSteppedDown(event) => self.step_down(event.epoch),
            Event::DeadlinesShifted(event) => self.shift_deadlines(event, turn_ms),
            Event::PolicyAdopted(event) => self.adopt_policy(event),
            Event::SweepAdvanced(event) => {
                self.state.sweep = event.after.map(|after| Sweep { after: Some(after) });
                Ok(())
            }
            Event::ContactQueued(event) => self.queue_contact(about, event),
            Event::ContactEnded(event) => self.end_contact(about.contact()?, event, turn_ms),
            Event::ContactReprioritised(event) => self.reprioritise(about.contact()?, event),
            Event::ContactRelaxed(event) => self.relax(about.contact()?, event),
            Event::ContactPromoted(event) => self.promote(about.contact()?, event.key),
            Event::QueueModeSet(_) | Event::QueueHoursTurned(_) => self.apply_opening(event),
            Event::ThresholdReached(event) => self.pass_threshold(about.contact()?, event),
            Event::WaitExpected(event) => self.expect_wait(about.contact()?, event),
            // What changes stands in the events before and after them.
            Event::VisitEnded(_)
            | Event::ParkEnded(_)
            | Event::MessageAttached(_)
            | Event::ContactDiverted(_)
            | Event::BroadcastMade(_)
            | Event::QuarantineEnded(_)
            | Event::ContactLinked(_)
            | Event::MatterRepeated(_) => Ok(()),
            Event::OfferMade(_)
            | Event::OfferAccepted(_)
            | Event::OfferDeclined(_)
            | Event::OfferExpired(_)
            | Event::OfferRevoked(_)
            | Event::ConnectExpired(_)
            | Event::ConnectFailed(_) => self.apply_offer(about, event, turn_ms),
            Event::EngagementStarted(_)
            | Event::ContactAnswered(_)
            | Event::MessageRelayed(_)
            | Event::EngagementEnded(_)
            | Event::WrapUpEnded(_)
            | Event::WrapUpExtended(_)
            | Event::ContactParked(_)
            | Event::EngagementHeld(_)
            | Event::EngagementResumed(_)
            | Event::RoleChanged(_)
            | Event::ContactDormant(_)
            | Event::ContactRevived(_)
            | Event::AgentSilenceNoticed(_) => self.apply_engagement(about, event, turn_ms),
            Event::ContactReclassified(event) => {
                let id = about.contact()?;
                self.note_contact(id, |contact| contact.topic.set(Some(event.topic.clone())))?;
                self.reclassify_promise(id, &event.topic)
            }
            Event::AgentRegistered(_)
            | Event::AgentRemoved(_)
            | Event::PresenceChanged(_)
            | Event::ChannelSwitchSet(_)
            | Event::OverCapacityRecorded(_)
            | Event::AgentScheduleSet(_)
            | Event::OutsideWorkChanged(_)
            | Event::DeskLossRecorded(_)
            | Event::DeskReturnRecorded(_)
            | Event::AgentReserved(_)
            | Event::AgentReleased(_) => self.apply_staff(about, event),
            Event::EffectRequested(event) => self.begin_effect(about, place, event),
            Event::EffectEnded(event) => self.end_effect(event),
            Event::EffectRetried(event) => self.retry_effect(event),
            Event::CustomerErased(event) => {
                self.erase_customer(event.customer);
                Ok(())
            }
            Event::DayTurned(event) => self.turn_day(event.at_ms),
            Event::DoorTurned(event) => self.turn_door(event.clone()),
            Event::NextStepOffered(event) => self.offer_next_steps(about, event.clone()),
            Event::NextStepTaken(_) => self.take_next_step(about.contact()?, turn_ms),
            Event::PromiseMade(_)
            | Event::CallbackDeclined(_)
            | Event::CallbackOffered(_)
            | Event::CallbackDue(_)
            | Event::AttemptRecorded(_)
            | Event::PromiseEnded(_)
            | Event::PromiseHeld(_)
            | Event::PromiseReleased(_)
            | Event::PromiseAtRisk(_)
            | Event::CapacitySet(_) => self.apply_promise(about, event.clone()),
            Event::SlaStarted(_)
            | Event::SlaAtRisk(_)
            | Event::SlaMet(_)
            | Event::SlaBroken(_)
            | Event::SlaPaused(_)
            | Event::SlaResumed(_)
            | Event::SlaCancelled(_)
            | Event::ContactSegmented(_) => self.apply_sla(about, event, turn_ms),
        }
    }

    fn step_down(&mut self, ended: u64) -> Result<(), String> {
        self.state.stepped_down = true;
        let epoch = self.state.epoch;
        (ended == epoch).then_some(()).ok_or_else(|| format!("epoch {ended} ends where {epoch} should"))
    }

    #[allow(clippy::wildcard_enum_match_arm)] // `apply_event` sorts them, and is exhaustive
    fn apply_opening(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::QueueModeSet(event) => self.set_mode(event),
            Event::QueueHoursTurned(event) => self.turn_hours(event),
            other => return Err(format!("no event of a queue's opening: {}", other.tag())),
        }
        Ok(())
    }

    #[allow(clippy::wildcard_enum_match_arm)] // `apply_event` sorts them, and is exhaustive
    fn apply_staff(&mut self, about: &About, event: &Event) -> Result<(), String> {
        match event {
            Event::AgentRegistered(event) => {
                self.register_agent(about.agent()?, event);
                Ok(())
            }
            Event::AgentRemoved(_) => {
                let id = about.agent()?;
                let who = Who::among(&self.state.agents, id);
                let agent = who.and_then(|who| Some((who, self.state.agents.remove(&id)?)));
                let (who, agent) = agent.ok_or_else(|| format!("there is no agent {id:?}"))?;
                self.index.retire_agent(who, &agent);
                Ok(())
            }
            Event::PresenceChanged(event) => self.change_presence(about.agent()?, event),
            Event::ChannelSwitchSet(event) => self.set_switch(about, event),
            Event::OverCapacityRecorded(_) => self.change_agent(about.agent()?, |agent| agent.over_recorded = true),
            Event::AgentScheduleSet(event) => {
                let leaves_ms = event.leaves_ms;
                self.change_agent(about.agent()?, |agent| agent.leaves_ms = leaves_ms)
            }
            Event::OutsideWorkChanged(event) => self.change_outside(about, event),
            Event::DeskLossRecorded(event) => {
                let due = event.due.iter().map(|due| (due.channel.clone(), due.at_ms)).collect();
                self.change_agent(about.agent()?, |agent| agent.desk_due = Some(due))
            }
            Event::DeskReturnRecorded(_) => self.change_agent(about.agent()?, |agent| agent.desk_due = None),
            Event::AgentReserved(_) => self.reserve(about, true),
            Event::AgentReleased(_) => self.reserve(about, false),
            _ => Ok(()),
        }
    }

    fn shift_deadlines(&mut self, event: &DeadlinesShifted, turn_ms: u64) -> Result<(), String> {
        let silent_ms = turn_ms.saturating_sub(self.state.turn_ms);
        if event.gap_ms > silent_ms {
            return Err(format!("deadlines move by {} ms after {silent_ms} ms of silence", event.gap_ms));
        }
        let (gap_ms, silent_since_ms) = (event.gap_ms, event.at_ms - event.gap_ms.min(event.at_ms));
        let (contacts, agents) = self.index.held_up_by_silence(silent_since_ms);
        for id in contacts {
            self.change_contact(id, |contact| {
                match &mut contact.phase {
                    Phase::Offered { expires_ms, .. } => {
                        *expires_ms += gap_ms;
                        contact.siblings.values_mut().for_each(|sibling| sibling.expires_ms += gap_ms);
                    }
                    Phase::Connecting { connect_by_ms, .. } => *connect_by_ms += gap_ms,
                    Phase::Queued | Phase::Engaged { .. } | Phase::Parked { .. } => {}
                }
                for side in contact.sides.values_mut() {
                    match &mut side.phase {
                        SidePhase::Offered { expires_ms } => *expires_ms += gap_ms,
                        SidePhase::Connecting { connect_by_ms } => *connect_by_ms += gap_ms,
                        SidePhase::Engaged => {}
                    }
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
        self.shift_dialling(gap_ms);
        for id in agents {
            self.change_agent(id, |agent| {
                for due_ms in agent.desk_due.iter_mut().flat_map(Few::values_mut) {
                    *due_ms += gap_ms;
                }
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

    fn change_work(&mut self, agent: Id, work: (Id, u32), change: impl FnOnce(&mut Work)) -> Result<(), String> {
        self.change_agent(agent, |agent| agent.work.get_mut(&work).map(change))?.ok_or_else(|| no_work(agent, work))
    }
}

#[cold]
fn no_work(agent: Id, (contact, attempt): (Id, u32)) -> String {
    format!("agent {agent:?} does not have contact {contact:?}, attempt {attempt}")
}

/// A frame's time: when the server stored it, never before the frame before it and never after the turn.
pub(crate) fn fact_time(stored_ms: u64, previous_ms: u64, at_ms: u64) -> u64 {
    stored_ms.max(previous_ms).min(at_ms)
}
