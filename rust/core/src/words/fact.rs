//! Facts: what the outside says. A gateway or the API puts them in the inbox; the router gives each one a verdict.
//!
//! Every fact begins `[tag, fact_id, …]`. No personal data: references into the vault only.

use super::bounds::{ATTEMPT, CAPACITY, CHANNELS_MAX, DURATION, FRAME_MAX, MEMBERSHIPS_MAX, PREFERRED_MAX, PRIORITY};
use super::bounds::{REQUIREMENTS_MAX, SKILLS_MAX};
use super::{AgentChannel, Id, Membership, Name, Requirement, Skill};
use crate::codec::{Length, Max};

pub(super) const REQUIREMENTS: Max = Max(REQUIREMENTS_MAX);
pub(super) const PREFERRED: Max = Max(PREFERRED_MAX);
pub(super) const SKILLS: Max = Max(SKILLS_MAX);
pub(super) const MEMBERSHIPS: Max = Max(MEMBERSHIPS_MAX);
pub(super) const CHANNELS: Max = Max(CHANNELS_MAX);
/// Less than a frame, so that its fact fits into one.
const POLICY: Length = Length(1, FRAME_MAX - 128);

choices! {
    /// Whether an agent can be offered work.
    Presence { Offline = "offline", Ready = "ready", NotReady = "not_ready" }

    /// Who wrote a message.
    Author { Customer = "customer", Agent = "agent" }

    /// How a service or supervisor ends a contact.
    RequestedEnd { Cancelled = "cancelled", Failed = "failed" }
}

tagged! {
    /// What the outside says.
    Fact {
        /// A customer reached a channel, or a service submitted work. `contact` is new and chosen by the gateway.
        1 => ContactArrived {
            fact_id: Id,
            contact: Id,
            channel: Name,
            queue: Name,
            requirements: Vec<Requirement> [REQUIREMENTS] = Vec::new(),
            priority: u8 [PRIORITY] = 0,
            customer: Option<Id> = None,
            preferred: Vec<Id> [PREFERRED] = Vec::new(),
            entry_point: Option<Name> = None,
            topic: Option<Name> = None,
        }

        /// The customer left: closed the chat, hung up, or stayed away longer than the grace time.
        2 => ContactAbandoned {
            fact_id: Id,
            contact: Id,
        }

        /// A service or supervisor ends the contact.
        3 => ContactEndRequested {
            fact_id: Id,
            contact: Id,
            reason: RequestedEnd = RequestedEnd::Cancelled,
        }

        /// Move the contact to another queue. `agent` is the sender if an agent asked; `requirements` None keeps today's.
        4 => TransferRequested {
            fact_id: Id,
            contact: Id,
            queue: Name,
            agent: Option<Id> = None,
            requirements: Option<Vec<Requirement>> [REQUIREMENTS] = None,
        }

        /// The agent accepted or declined offer (contact, attempt).
        5 => OfferAnswered {
            fact_id: Id,
            contact: Id,
            attempt: u32 [ATTEMPT],
            agent: Id,
            accepted: bool,
            reason: Option<Name> = None,
        }

        /// Agent and customer are really connected (an accept alone is not a connection).
        6 => ContactConnected {
            fact_id: Id,
            contact: Id,
            attempt: u32 [ATTEMPT],
            agent: Id,
        }

        /// A message by the customer or the engaged agent; its content stands in the vault under `message`.
        7 => MessagePosted {
            fact_id: Id,
            contact: Id,
            message: Id,
            author: Author,
            agent: Option<Id> = None,
        }

        /// The agent ends the engagement. `disposition` is a policy word, `note` a vault reference.
        8 => EngagementEndRequested {
            fact_id: Id,
            contact: Id,
            agent: Id,
            disposition: Option<Name> = None,
            note: Option<Id> = None,
        }

        /// The agent has finished the after-contact work.
        9 => WrapUpEndRequested {
            fact_id: Id,
            contact: Id,
            agent: Id,
            disposition: Option<Name> = None,
            note: Option<Id> = None,
        }

        /// The agent needs `extra_ms` more for the after-contact work (the policy sets the limit).
        10 => WrapUpExtensionRequested {
            fact_id: Id,
            contact: Id,
            agent: Id,
            extra_ms: u64 [DURATION],
        }

        /// Everything routing may know of an agent; replaces what was declared before.
        11 => AgentDeclared {
            fact_id: Id,
            agent: Id,
            skills: Vec<Skill> [SKILLS] = Vec::new(),
            memberships: Vec<Membership> [MEMBERSHIPS] = Vec::new(),
            channels: Vec<AgentChannel> [CHANNELS] = Vec::new(),
            capacity: Option<u32> [CAPACITY] = None,
        }

        /// The agent is no longer part of the site. Refused while the agent has work.
        12 => AgentRetired {
            fact_id: Id,
            agent: Id,
        }

        /// The agent asks for a presence; `reason` (a policy word) only with `NotReady`.
        13 => PresenceRequested {
            fact_id: Id,
            agent: Id,
            presence: Presence,
            reason: Option<Name> = None,
        }

        /// The agent switches one channel on or off for themselves.
        14 => ChannelSwitched {
            fact_id: Id,
            agent: Id,
            channel: Name,
            on: bool,
        }

        /// A compiled site policy (msgpack map), to be in force from now on.
        15 => PolicyPublished {
            fact_id: Id,
            policy: Vec<u8> [POLICY],
        }
    }
}

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
            Self::AgentDeclared(_)
            | Self::AgentRetired(_)
            | Self::PresenceRequested(_)
            | Self::ChannelSwitched(_)
            | Self::PolicyPublished(_) => None,
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
            Self::ContactArrived(_) | Self::ContactAbandoned(_) | Self::ContactEndRequested(_) | Self::PolicyPublished(_) => None,
        }
    }

    /// The channel it names.
    pub fn channel(&self) -> Option<&Name> {
        match self {
            Self::ContactArrived(fact) => Some(&fact.channel),
            Self::ChannelSwitched(fact) => Some(&fact.channel),
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
            | Self::PolicyPublished(_) => None,
        }
    }
}
