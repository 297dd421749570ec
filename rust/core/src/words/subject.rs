//! Whom a fact speaks of: what stands at the head of its entry in the journal.

use super::{Fact, Id, Name};

impl Fact {
    /// What makes a repeat harmless.
    pub fn fact_id(&self) -> Id {
        match self {
            Self::ContactArrived(fact) => fact.fact_id,
            Self::ContactAbandoned(fact) => fact.fact_id,
            Self::ContactEndRequested(fact) => fact.fact_id,
            Self::TransferRequested(fact) => fact.fact_id,
            Self::OfferAnswered(fact) => fact.fact_id,
            Self::ContactConnected(fact) => fact.fact_id,
            Self::MessagePosted(fact) => fact.fact_id,
            Self::EngagementEndRequested(fact) => fact.fact_id,
            Self::WrapUpEndRequested(fact) => fact.fact_id,
            Self::WrapUpExtensionRequested(fact) => fact.fact_id,
            Self::AgentDeclared(fact) => fact.fact_id,
            Self::AgentRetired(fact) => fact.fact_id,
            Self::PresenceRequested(fact) => fact.fact_id,
            Self::ChannelSwitched(fact) => fact.fact_id,
            Self::PolicyPublished(fact) => fact.fact_id,
            Self::ParkRequested(fact) => fact.fact_id,
            Self::ParkEndRequested(fact) => fact.fact_id,
            Self::ReclassificationRequested(fact) => fact.fact_id,
            Self::EffectDone(fact) => fact.fact_id,
            Self::EffectFailed(fact) => fact.fact_id,
            Self::EffectRetryRequested(fact) => fact.fact_id,
            Self::EffectDiscardRequested(fact) => fact.fact_id,
            Self::CustomerErasureRequested(fact) => fact.fact_id,
            Self::ConnectionFailed(fact) => fact.fact_id,
            Self::PickRequested(fact) => fact.fact_id,
            Self::RequeueRequested(fact) => fact.fact_id,
            Self::PriorityRequested(fact) => fact.fact_id,
            Self::PresenceForced(fact) => fact.fact_id,
            Self::AgentScheduled(fact) => fact.fact_id,
            Self::AgentBusyReported(fact) => fact.fact_id,
            Self::DeskLost(fact) => fact.fact_id,
            Self::DeskReturned(fact) => fact.fact_id,
            Self::QueueModeRequested(fact) => fact.fact_id,
            Self::BroadcastRequested(fact) => fact.fact_id,
            Self::QuarantineEndRequested(fact) => fact.fact_id,
            Self::LevelRequested(fact) => fact.fact_id,
            Self::HoldRequested(fact) => fact.fact_id,
            Self::ConsultRequested(fact) => fact.fact_id,
            Self::RoleRequested(fact) => fact.fact_id,
            Self::DemandTurnedAway(fact) => fact.fact_id,
            Self::CallbackRequested(fact) => fact.fact_id,
            Self::CallbackRescheduled(fact) => fact.fact_id,
            Self::CallbackCancelled(fact) => fact.fact_id,
            Self::AttemptReported(fact) => fact.fact_id,
            Self::CapacityPlanned(fact) => fact.fact_id,
            Self::NextStepChosen(fact) => fact.fact_id,
        }
    }

    /// The contact it speaks of.
    pub fn contact(&self) -> Option<Id> {
        match self {
            Self::ContactArrived(fact) => Some(fact.contact),
            Self::ContactAbandoned(fact) => Some(fact.contact),
            Self::ContactEndRequested(fact) => Some(fact.contact),
            Self::TransferRequested(fact) => Some(fact.contact),
            Self::OfferAnswered(fact) => Some(fact.contact),
            Self::ContactConnected(fact) => Some(fact.contact),
            Self::MessagePosted(fact) => Some(fact.contact),
            Self::EngagementEndRequested(fact) => Some(fact.contact),
            Self::WrapUpEndRequested(fact) => Some(fact.contact),
            Self::WrapUpExtensionRequested(fact) => Some(fact.contact),
            Self::ParkRequested(fact) => Some(fact.contact),
            Self::ParkEndRequested(fact) => Some(fact.contact),
            Self::ReclassificationRequested(fact) => Some(fact.contact),
            Self::ConnectionFailed(fact) => Some(fact.contact),
            Self::PickRequested(fact) => Some(fact.contact),
            Self::RequeueRequested(fact) => Some(fact.contact),
            Self::PriorityRequested(fact) => Some(fact.contact),
            Self::HoldRequested(fact) => Some(fact.contact),
            Self::ConsultRequested(fact) => Some(fact.contact),
            Self::RoleRequested(fact) => Some(fact.contact),
            Self::CallbackRequested(fact) => Some(fact.contact),
            Self::CallbackRescheduled(fact) => Some(fact.contact),
            Self::CallbackCancelled(fact) => Some(fact.contact),
            Self::AttemptReported(fact) => Some(fact.contact),
            Self::NextStepChosen(fact) => Some(fact.contact),
            Self::AgentDeclared(_)
            | Self::AgentRetired(_)
            | Self::PresenceRequested(_)
            | Self::ChannelSwitched(_)
            | Self::PolicyPublished(_)
            | Self::EffectDone(_)
            | Self::EffectFailed(_)
            | Self::EffectRetryRequested(_)
            | Self::EffectDiscardRequested(_)
            | Self::CustomerErasureRequested(_)
            | Self::PresenceForced(_)
            | Self::AgentScheduled(_)
            | Self::AgentBusyReported(_)
            | Self::DeskLost(_)
            | Self::DeskReturned(_)
            | Self::QueueModeRequested(_)
            | Self::BroadcastRequested(_)
            | Self::QuarantineEndRequested(_)
            | Self::CapacityPlanned(_)
            | Self::LevelRequested(_)
            | Self::DemandTurnedAway(_) => None,
        }
    }

    /// The agent it speaks of, or who said it.
    pub fn agent(&self) -> Option<Id> {
        match self {
            Self::TransferRequested(fact) => fact.agent,
            Self::OfferAnswered(fact) => Some(fact.agent),
            Self::ContactConnected(fact) => Some(fact.agent),
            Self::MessagePosted(fact) => fact.agent,
            Self::EngagementEndRequested(fact) => Some(fact.agent),
            Self::WrapUpEndRequested(fact) => Some(fact.agent),
            Self::WrapUpExtensionRequested(fact) => Some(fact.agent),
            Self::AgentDeclared(fact) => Some(fact.agent),
            Self::AgentRetired(fact) => Some(fact.agent),
            Self::PresenceRequested(fact) => Some(fact.agent),
            Self::ChannelSwitched(fact) => Some(fact.agent),
            Self::ParkRequested(fact) => Some(fact.agent),
            Self::ParkEndRequested(fact) => fact.agent,
            Self::ReclassificationRequested(fact) => fact.agent,
            Self::ConnectionFailed(fact) => Some(fact.agent),
            Self::PickRequested(fact) => Some(fact.agent),
            Self::PresenceForced(fact) => Some(fact.agent),
            Self::AgentScheduled(fact) => Some(fact.agent),
            Self::AgentBusyReported(fact) => Some(fact.agent),
            Self::DeskLost(fact) => Some(fact.agent),
            Self::DeskReturned(fact) => Some(fact.agent),
            Self::HoldRequested(fact) => Some(fact.agent),
            Self::ConsultRequested(fact) => Some(fact.agent),
            Self::RoleRequested(fact) => Some(fact.agent),
            Self::AttemptReported(fact) => Some(fact.agent),
            Self::ContactArrived(_)
            | Self::ContactAbandoned(_)
            | Self::ContactEndRequested(_)
            | Self::PolicyPublished(_)
            | Self::EffectDone(_)
            | Self::EffectFailed(_)
            | Self::EffectRetryRequested(_)
            | Self::EffectDiscardRequested(_)
            | Self::CustomerErasureRequested(_)
            | Self::RequeueRequested(_)
            | Self::PriorityRequested(_)
            | Self::QueueModeRequested(_)
            | Self::BroadcastRequested(_)
            | Self::QuarantineEndRequested(_)
            | Self::CallbackRequested(_)
            | Self::CallbackRescheduled(_)
            | Self::CallbackCancelled(_)
            | Self::CapacityPlanned(_)
            | Self::NextStepChosen(_)
            | Self::LevelRequested(_)
            | Self::DemandTurnedAway(_) => None,
        }
    }

    /// The channel it names.
    pub fn channel(&self) -> Option<&Name> {
        match self {
            Self::ContactArrived(fact) => Some(&fact.channel),
            Self::CallbackRequested(fact) => Some(&fact.channel),
            Self::ChannelSwitched(fact) => Some(&fact.channel),
            Self::AgentBusyReported(fact) => Some(&fact.channel),
            Self::DemandTurnedAway(fact) => Some(&fact.channel),
            Self::ContactAbandoned(_)
            | Self::ContactEndRequested(_)
            | Self::TransferRequested(_)
            | Self::OfferAnswered(_)
            | Self::ContactConnected(_)
            | Self::MessagePosted(_)
            | Self::EngagementEndRequested(_)
            | Self::WrapUpEndRequested(_)
            | Self::WrapUpExtensionRequested(_)
            | Self::AgentDeclared(_)
            | Self::AgentRetired(_)
            | Self::PresenceRequested(_)
            | Self::PolicyPublished(_)
            | Self::ParkRequested(_)
            | Self::ParkEndRequested(_)
            | Self::ReclassificationRequested(_)
            | Self::EffectDone(_)
            | Self::EffectFailed(_)
            | Self::EffectRetryRequested(_)
            | Self::EffectDiscardRequested(_)
            | Self::CustomerErasureRequested(_)
            | Self::ConnectionFailed(_)
            | Self::PickRequested(_)
            | Self::RequeueRequested(_)
            | Self::PriorityRequested(_)
            | Self::PresenceForced(_)
            | Self::AgentScheduled(_)
            | Self::DeskLost(_)
            | Self::DeskReturned(_)
            | Self::QueueModeRequested(_)
            | Self::BroadcastRequested(_)
            | Self::QuarantineEndRequested(_)
            | Self::CallbackRescheduled(_)
            | Self::CallbackCancelled(_)
            | Self::AttemptReported(_)
            | Self::CapacityPlanned(_)
            | Self::NextStepChosen(_)
            | Self::LevelRequested(_)
            | Self::HoldRequested(_)
            | Self::ConsultRequested(_)
            | Self::RoleRequested(_) => None,
        }
    }
}
