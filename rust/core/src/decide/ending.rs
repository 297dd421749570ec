//! How engagements end: the primary's with all its sides, a side alone; and what is left to wrap up.

use super::Check;
use crate::state::Contact;
use crate::turn::Turn;
use crate::words::{EndReason, EndedBy, EngagementEndRequested, EngagementEnded, Id, Name, Role, VisitOutcome};

/// Who ended it, and what they say about it.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    by: EndedBy,
    disposition: Option<Name>,
    note: Option<Id>,
}

impl Ending {
    pub(super) fn by(by: EndedBy) -> Self {
        Self { by, disposition: None, note: None }
    }
}

impl Turn<'_> {
    pub(super) fn check_engagement_end(&self, fact: &EngagementEndRequested) -> Check {
        self.check_live(fact.contact)?;
        if self.engaged_side(fact.contact, fact.agent).is_none() {
            self.check_engaged(fact.contact, Some(fact.agent))?;
        }
        self.check_disposition(fact.disposition.as_ref())
    }

    /// An agent ends the engagement. With the primary's the contact goes on if somebody else is left with the customer, else it is over.
    pub(super) fn complete(&mut self, fact: &EngagementEndRequested) {
        let id = fact.contact;
        let ending = Ending { by: EndedBy::Agent, disposition: fact.disposition.clone(), note: fact.note };
        let Some(contact) = self.site.contact(&id) else { return };
        if contact.sides.is_empty() {
            self.complete_alone(id, ending);
            return;
        }
        let contact = contact.clone();
        if let Some((attempt, _)) = self.engaged_side(id, fact.agent) {
            self.end_attempt(id, &contact, attempt, ending);
            self.settle(fact.agent);
            return;
        }
        let Some(primary) = contact.phase.attempt() else { return };
        if let Some((attempt, agent)) = Self::successor(&contact) {
            self.end_attempt(id, &contact, primary, ending);
            self.succeed(id, &contact, attempt, agent);
            return;
        }
        self.end_sides(id, &contact);
        self.end_attempt(id, &contact, primary, ending);
        self.end_visit(id, &contact, VisitOutcome::Closed);
        self.end_contact(id, &contact, EndReason::Completed);
        self.settle_hands(&contact);
    }

    /// Only the primary is with the customer: the contact is over with the engagement.
    fn complete_alone(&mut self, id: Id, ending: Ending) {
        let Some(contact) = self.site.contact(&id) else { return };
        let Some(primary) = contact.phase.attempt() else { return };
        let (channel, agent) = (contact.channel.clone(), contact.phase.agent());
        let over = self.attempt_ended(id, contact, primary, ending);
        let visit = self.visit_ended(contact, VisitOutcome::Closed);
        let gone = self.contact_ended(contact, EndReason::Completed);
        if let Some(over) = over {
            self.emit(Some(id), agent, Some(&channel), over);
        }
        if let Some(visit) = visit {
            self.emit(Some(id), agent, Some(&channel), visit);
        }
        self.emit(Some(id), agent, Some(&channel), gone);
        if let Some(agent) = agent {
            self.settle(agent);
        }
    }

    /// The primary's engagement is over, and whatever its sides are in.
    pub(super) fn end_engagement(&mut self, id: Id, contact: &Contact, by: EndedBy) {
        self.end_sides(id, contact);
        if let Some(attempt) = contact.phase.attempt() {
            self.end_attempt(id, contact, attempt, Ending::by(by));
        }
    }

    pub(super) fn end_attempt(&mut self, id: Id, contact: &Contact, attempt: u32, ending: Ending) {
        let Some(holder) = contact.holder(attempt) else { return };
        if let Some(event) = self.attempt_ended(id, contact, attempt, ending) {
            self.emit(Some(id), Some(holder.agent), Some(&contact.channel), event);
        }
    }

    fn attempt_ended(&self, id: Id, contact: &Contact, attempt: u32, ending: Ending) -> Option<EngagementEnded> {
        let holder = contact.holder(attempt)?;
        let cost = self.site.agent(&holder.agent).and_then(|agent| agent.work.get(&(id, attempt))).map_or(0, |work| work.cost);
        let profile = self.rules().and_then(|rules| rules.channel(&contact.channel));
        let wrap = profile.filter(|profile| profile.wrap_up_ms > 0 && leaves_something(ending.by, holder.role));
        Some(EngagementEnded {
            at_ms: self.t_ms,
            attempt,
            by: ending.by,
            disposition: ending.disposition,
            note: ending.note,
            wrap_until_ms: wrap.map(|profile| self.at_ms + profile.wrap_up_ms),
            wrap_cost: wrap.map_or(0, |profile| (cost * u32::from(profile.wrap_up_cost_percent)).div_ceil(100)),
            role: holder.role,
        })
    }
}

/// A contact that goes on elsewhere, or later, is not over: there is nothing to wrap up yet. Nor is there after a talk among agents.
fn leaves_something(by: EndedBy, role: Role) -> bool {
    let over = match by {
        EndedBy::Agent | EndedBy::Customer | EndedBy::Service | EndedBy::Transfer | EndedBy::Requeued | EndedBy::SideOver => true,
        EndedBy::Parked | EndedBy::DeskLost | EndedBy::AgentSilent => false,
    };
    over && role != Role::Consult
}
