//! Decide: what becomes of a fact. First the verdict (`check_*`, which changes nothing), then what it causes.
//!
//! One file a concern: `arrival`, `beginning`, `contact`, `visit`, `waiting`, `admission`, `plan`, `threshold`, `promotion`, `sweep`, `queue`, `hours`, `door`, `offer`, `engagement`, `parking`, `effect`, `quarantine`, `agent`, `policy`, `level`, `sla`. What time causes stands beside what facts cause.

mod absence;
mod admission;
mod agent;
mod arrival;
mod beginning;
mod callback;
mod capacity;
mod connect;
mod contact;
mod desk;
mod direct;
mod door;
mod drain;
mod effect;
mod ending;
mod engagement;
mod hours;
mod interrupt;
mod level;
mod missed;
mod next_step;
mod offer;
mod outside;
mod parking;
mod place;
mod plan;
mod policy;
mod promise;
mod promotion;
mod quarantine;
mod queue;
mod returning;
mod roles;
mod silence;
mod sla;
mod supervisor;
mod sweep;
mod threshold;
mod transfer;
mod visit;
mod waiting;
mod wish;

pub(crate) use drain::Drain;
pub(crate) use returning::Came;
pub(crate) use sla::{waits_for_others, Moment};

use crate::turn::Turn;
use crate::words::{Accepted, CustomerErased, EffectOutcome, Fact, Id, Name, Refused, Verdict};

/// Why a fact is refused: a word of `REFUSALS`.
pub(crate) type Refusal = &'static str;
pub(crate) type Check = Result<(), Refusal>;

impl Turn<'_> {
    /// May the fact stand?
    pub(crate) fn verdict_on(&self, fact: &Fact) -> Verdict {
        let check = match fact {
            Fact::ContactArrived(fact) => self.check_arrival(fact),
            Fact::ContactAbandoned(fact) => self.check_abandon(fact.contact),
            Fact::ContactEndRequested(fact) => self.check_live(fact.contact),
            Fact::TransferRequested(fact) => self.check_transfer(fact),
            Fact::OfferAnswered(fact) => self.check_answer(fact),
            Fact::ContactConnected(fact) => self.check_connecting(fact.contact, fact.attempt, fact.agent),
            Fact::MessagePosted(fact) => self.check_message(fact),
            Fact::EngagementEndRequested(fact) => self.check_engagement_end(fact),
            Fact::WrapUpEndRequested(fact) => self.check_wrap_up_end(fact),
            Fact::WrapUpExtensionRequested(fact) => self.check_extension(fact),
            Fact::AgentDeclared(fact) => self.check_declaration(fact),
            Fact::AgentRetired(fact) => self.check_retirement(fact.agent),
            Fact::PresenceRequested(fact) => self.check_presence(fact),
            Fact::ChannelSwitched(fact) => self.check_switch(fact),
            Fact::PolicyPublished(fact) => self.check_policy(fact),
            Fact::ParkRequested(fact) => self.check_parking(fact),
            Fact::ParkEndRequested(fact) => self.check_parked(fact),
            Fact::ReclassificationRequested(fact) => self.check_reclassification(fact),
            Fact::EffectDone(fact) => self.check_effect(fact.seq, fact.entry),
            Fact::EffectFailed(fact) => self.check_open(fact.seq, fact.entry),
            Fact::EffectRetryRequested(fact) => self.check_failed(fact.seq, fact.entry),
            Fact::EffectDiscardRequested(fact) => self.check_discard(fact.seq, fact.entry),
            Fact::CustomerErasureRequested(_) => Ok(()),
            Fact::ConnectionFailed(fact) => self.check_connecting(fact.contact, fact.attempt, fact.agent),
            Fact::PickRequested(fact) => self.check_pick(fact),
            Fact::RequeueRequested(fact) => self.check_requeue(fact),
            Fact::PriorityRequested(fact) => self.check_priority(fact),
            Fact::PresenceForced(fact) => self.check_forced(fact),
            Fact::AgentScheduled(fact) => self.check_schedule(fact),
            Fact::AgentBusyReported(fact) => self.check_busy(fact),
            Fact::DeskLost(fact) => self.check_desk(fact.agent),
            Fact::DeskReturned(fact) => self.check_desk(fact.agent),
            Fact::QueueModeRequested(fact) => self.check_queue(&fact.queue, fact.reason.as_ref()),
            Fact::BroadcastRequested(fact) => self.check_queue(&fact.queue, fact.reason.as_ref()),
            Fact::HoldRequested(fact) => self.check_hold(fact),
            Fact::ConsultRequested(fact) => self.check_consult(fact),
            Fact::RoleRequested(fact) => self.check_role(fact),
            Fact::QuarantineEndRequested(fact) => self.check_reason(fact.reason.as_ref()),
            Fact::LevelRequested(fact) => self.check_level(fact),
            Fact::DemandTurnedAway(fact) => self.check_turned_away(fact),
            Fact::CallbackRequested(fact) => self.check_callback(fact),
            Fact::CallbackRescheduled(fact) => self.check_reschedule(fact),
            Fact::CallbackCancelled(fact) => self.check_cancel(fact),
            Fact::AttemptReported(fact) => self.check_attempt(fact),
            Fact::CapacityPlanned(fact) => self.check_plan_of_slots(fact),
            Fact::NextStepChosen(fact) => self.check_next_step(fact),
        };
        match check {
            Ok(()) => Accepted {}.into(),
            Err(refusal) => Refused { reason: word(refusal) }.into(),
        }
    }

    /// Record what an accepted fact causes.
    pub(crate) fn carry_out(&mut self, fact: &Fact) {
        match fact {
            Fact::ContactArrived(fact) => self.arrive(fact.clone()),
            Fact::ContactAbandoned(fact) => self.abandon(fact.contact),
            Fact::ContactEndRequested(fact) => self.end_on_request(fact),
            Fact::TransferRequested(fact) => self.transfer(fact),
            Fact::OfferAnswered(fact) => self.answer(fact),
            Fact::ContactConnected(fact) => self.connect(fact),
            Fact::MessagePosted(fact) => self.relay(fact),
            Fact::EngagementEndRequested(fact) => self.complete(fact),
            Fact::WrapUpEndRequested(fact) => self.finish_wrap_up(fact),
            Fact::WrapUpExtensionRequested(fact) => self.extend_wrap_up(fact),
            Fact::AgentDeclared(fact) => self.declare(fact),
            Fact::AgentRetired(fact) => self.retire(fact.agent),
            Fact::PresenceRequested(fact) => self.request_presence(fact),
            Fact::ChannelSwitched(fact) => self.switch_channel(fact),
            Fact::PolicyPublished(fact) => self.adopt(fact.clone()),
            Fact::ParkRequested(fact) => self.park(fact),
            Fact::ParkEndRequested(fact) => self.unpark(fact),
            Fact::ReclassificationRequested(fact) => self.reclassify(fact),
            Fact::EffectDone(fact) => self.end_effect(fact.seq, fact.entry, EffectOutcome::Done, None),
            Fact::EffectFailed(fact) => self.end_effect(fact.seq, fact.entry, EffectOutcome::Failed, Some(fact.reason)),
            Fact::EffectRetryRequested(fact) => self.retry_effect(fact.seq, fact.entry),
            Fact::EffectDiscardRequested(fact) => self.end_effect(fact.seq, fact.entry, EffectOutcome::Discarded, None),
            Fact::CustomerErasureRequested(fact) => {
                self.cancel_promises_of(fact.customer);
                self.emit(None, None, None, CustomerErased { at_ms: self.t_ms, customer: fact.customer });
            }
            Fact::ConnectionFailed(fact) => self.fail_connect(fact),
            Fact::PickRequested(fact) => self.pick(fact),
            Fact::RequeueRequested(fact) => self.requeue(fact),
            Fact::PriorityRequested(fact) => self.set_priority(fact),
            Fact::PresenceForced(fact) => self.force_presence(fact),
            Fact::AgentScheduled(fact) => self.schedule(fact),
            Fact::AgentBusyReported(fact) => self.report_busy(fact),
            Fact::DeskLost(fact) => self.lose_desk(fact.agent),
            Fact::DeskReturned(fact) => self.return_desk(fact.agent),
            Fact::QueueModeRequested(fact) => self.set_mode(fact.clone()),
            Fact::BroadcastRequested(fact) => self.broadcast(fact.clone()),
            Fact::HoldRequested(fact) => self.hold(fact),
            Fact::ConsultRequested(fact) => self.consult(fact),
            Fact::RoleRequested(fact) => self.change_role(fact),
            Fact::QuarantineEndRequested(fact) => self.end_quarantine(fact),
            Fact::LevelRequested(fact) => self.adopt_level(fact),
            // Whoever counts it reads it among the inputs.
            Fact::DemandTurnedAway(_) => {}
            Fact::CallbackRequested(fact) => self.request_callback(fact.clone()),
            Fact::CallbackRescheduled(fact) => self.reschedule(fact.clone()),
            Fact::CallbackCancelled(fact) => self.cancel(fact),
            Fact::AttemptReported(fact) => {
                self.record_attempt(&(fact.contact, fact.attempt, fact.agent), fact.outcome, fact.ring_ms);
            }
            Fact::CapacityPlanned(fact) => self.plan_slots(fact.clone()),
            Fact::NextStepChosen(fact) => self.take_next_step(fact),
        }
    }

    /// The contact lives; else whether it is gone or was never known.
    pub(crate) fn check_live(&self, contact: Id) -> Check {
        if self.site.contact(&contact).is_some() {
            Ok(())
        } else if self.site.state.promises.get(&contact).is_some() {
            Err("contact_scheduled")
        } else if self.site.state.gone.get(&contact, self.at_ms).is_some() || self.site.state.choices.get(&contact).is_some() {
            Err("contact_gone")
        } else {
            Err("unknown_contact")
        }
    }

    pub(crate) fn check_known_agent(&self, agent: Id) -> Check {
        self.site.agent(&agent).map(|_| ()).ok_or("unknown_agent")
    }

    /// Reasons are words of the policy: free text would stand in the journal, where nothing can be erased.
    pub(crate) fn check_reason(&self, reason: Option<&Name>) -> Check {
        match reason {
            Some(name) if !self.rules().is_some_and(|rules| rules.knows_reason(name)) => Err("unknown_reason"),
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn check_topic(&self, topic: Option<&Name>) -> Check {
        match topic {
            Some(name) if !self.rules().is_some_and(|rules| rules.knows_topic(name)) => Err("unknown_topic"),
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn check_disposition(&self, disposition: Option<&Name>) -> Check {
        match disposition {
            Some(name) if !self.rules().is_some_and(|rules| rules.knows_disposition(name)) => Err("unknown_disposition"),
            Some(_) | None => Ok(()),
        }
    }
}

/// One of our own words as a name.
pub(crate) fn word(text: &'static str) -> Name {
    Name::new(text).unwrap_or_else(|| unreachable!("{text} is a valid name"))
}
