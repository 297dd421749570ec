//! Roles: one primary a contact, and the sides whom the primary asked. A side is an offer of its own, and nobody waits for it.
//!
//! ```text
//! asked --answered, connected--> consult --primary brings it in--> conference --primary hands over, or ends--> primary
//! any   --the primary's engagement is over--> side_over
//! ```

use super::ending::Ending;
use super::offer::Terms;
use super::Check;
use crate::conversation::SidePhase;
use crate::state::Contact;
use crate::turn::Turn;
use crate::words::bounds::ATTEMPT_MAX;
use crate::words::{
    ConsultRequested, Direct, DirectReason, EndedBy, Id, OfferCause, OfferRevoked, RequestedRole, RevokeReason, Role, RoleChanged,
    RoleRequested, SideRole,
};

/// Whom a primary can ask at a time.
const SIDES_MAX: usize = 4;

impl Turn<'_> {
    pub(super) fn check_consult(&self, fact: &ConsultRequested) -> Check {
        self.check_live(fact.contact)?;
        self.check_engaged(fact.contact, Some(fact.agent))?;
        let contact = self.site.contact(&fact.contact).ok_or("unknown_contact")?;
        self.check_known_agent(fact.to_agent)?;
        if fact.to_agent == fact.agent {
            return Err("same_agent");
        }
        let direct = self.check_direct(contact, fact.to_agent);
        if direct != Err("no_room") {
            direct?;
        }
        if contact.sides.values().any(|side| side.agent == fact.to_agent) {
            return Err("already_asked");
        }
        if contact.sides.len() >= SIDES_MAX {
            return Err("side_limit");
        }
        if contact.attempt >= ATTEMPT_MAX {
            return Err("no_room");
        }
        direct
    }

    /// Another agent is asked for help, whatever membership, skills and limits say.
    pub(super) fn consult(&mut self, fact: &ConsultRequested) {
        let Some(contact) = self.site.contact(&fact.contact) else { return };
        let rank = self.site.agent(&fact.to_agent).and_then(|agent| agent.rank(contact)).unwrap_or(0);
        let (role, reason) = match fact.role {
            SideRole::Consult => (Role::Consult, DirectReason::Consult),
            SideRole::Conference => (Role::Conference, DirectReason::Conference),
        };
        let (ttl_ms, direct) = (self.offer_ttl_ms(fact.contact), Some(Direct { by: Some(fact.agent), reason }));
        let terms = Terms { rank, cause: OfferCause::Direct, ttl_ms, why: None, direct, role };
        self.make_offer(fact.contact, fact.to_agent, terms);
    }

    pub(super) fn check_role(&self, fact: &RoleRequested) -> Check {
        self.check_live(fact.contact)?;
        self.check_engaged(fact.contact, Some(fact.agent))?;
        self.engaged_side(fact.contact, fact.other).map(|_| ()).ok_or("no_side")
    }

    /// The engaged side of this agent.
    pub(super) fn engaged_side(&self, contact: Id, agent: Id) -> Option<(u32, Role)> {
        let mut sides = self.site.contact(&contact)?.sides.iter();
        sides.find_map(|(attempt, side)| (side.agent == agent && side.phase == SidePhase::Engaged).then_some((*attempt, side.role)))
    }

    pub(super) fn change_role(&mut self, fact: &RoleRequested) {
        let Some(contact) = self.site.contact(&fact.contact).cloned() else { return };
        let Some((attempt, role)) = self.engaged_side(fact.contact, fact.other) else { return };
        match fact.role {
            RequestedRole::Conference if role == Role::Conference => {}
            RequestedRole::Conference => {
                let event = RoleChanged { at_ms: self.t_ms, attempt, role: Role::Conference, silence: None };
                self.emit(Some(fact.contact), Some(fact.other), Some(&contact.channel), event);
            }
            RequestedRole::Primary => {
                let Some(primary) = contact.phase.attempt() else { return };
                self.end_attempt(fact.contact, &contact, primary, Ending::by(EndedBy::Transfer));
                self.succeed(fact.contact, &contact, attempt, fact.other);
            }
        }
    }

    /// The side with whom the customer is left, should the primary leave.
    pub(super) fn successor(contact: &Contact) -> Option<(u32, Id)> {
        contact.sides.iter().find(|(_, side)| side.in_conference()).map(|(attempt, side)| (*attempt, side.agent))
    }

    /// The contact goes on with another primary, the one before has just ended: its other sides stay.
    pub(super) fn succeed(&mut self, id: Id, before: &Contact, attempt: u32, agent: Id) {
        let Some(contact) = self.site.contact(&id) else { return };
        let silence = self.silence_due(contact, contact.conversation.unanswered, self.heard_ms());
        let event = RoleChanged { at_ms: self.t_ms, attempt, role: Role::Primary, silence };
        self.emit(Some(id), Some(agent), Some(&before.channel), event);
        if let Some(primary) = before.phase.agent() {
            self.settle(primary);
        }
        self.fill(agent);
    }

    /// The primary's engagement is about to end: nobody helps with it any more.
    pub(super) fn end_sides(&mut self, id: Id, contact: &Contact) {
        for (attempt, side) in &contact.sides {
            match side.phase {
                SidePhase::Offered { .. } | SidePhase::Connecting { .. } => {
                    let event = OfferRevoked {
                        at_ms: self.t_ms,
                        attempt: *attempt,
                        reason: RevokeReason::SideOver,
                        siblings_until_ms: None,
                    };
                    self.emit(Some(id), Some(side.agent), Some(&contact.channel), event);
                }
                SidePhase::Engaged => self.end_attempt(id, contact, *attempt, Ending::by(EndedBy::SideOver)),
            }
        }
    }
}
