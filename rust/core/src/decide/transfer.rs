//! Transfers: to another queue, or to a certain agent.

use super::{Check, Refusal};
use crate::rules::Rules;
use crate::state::{Contact, Phase};
use crate::turn::Turn;
use crate::words::bounds::counted;
use crate::words::{ContactQueued, Direct, DirectReason, EndedBy, Id, Name, RevokeReason, TransferRequested, VisitOutcome};

/// Where a transfer goes.
struct Destination<'a> {
    queue: &'a Name,
    agent: Option<Id>,
}

impl Turn<'_> {
    pub(super) fn check_transfer(&self, fact: &TransferRequested) -> Check {
        let rules = self.rules().ok_or("no_policy")?;
        rules.queue(&fact.queue).ok_or("unknown_queue")?;
        if fact.requirements.as_ref().is_some_and(|needs| !rules.knows_skills(needs)) {
            return Err("unknown_skill");
        }
        self.check_live(fact.contact)?;
        self.check_not_promised(fact.contact)?;
        let contact = self.site.contact(&fact.contact).ok_or("unknown_contact")?;
        check_sender(contact, fact)?;
        let to = self.destination(contact, fact)?;
        if let Some(agent) = to.agent {
            if contact.phase.engaged() == Some(agent) {
                return Err("same_agent");
            }
            self.check_direct(contact, agent)?;
        } else {
            self.check_put(to.queue, contact)?;
        }
        self.check_reason(fact.reason.as_ref())
    }

    /// Whoever was transferred too often goes to the supervisors.
    fn destination<'a>(&'a self, contact: &Contact, fact: &'a TransferRequested) -> Result<Destination<'a>, Refusal> {
        let policy = self.rules().map(|rules| &rules.policy).ok_or("no_policy")?;
        let limit = u64::from(policy.max_transfers);
        // What a supervisor moves was looked into.
        if limit == 0 || contact.transfers < limit || fact.by.is_some() {
            return Ok(Destination { queue: &fact.queue, agent: fact.to_agent });
        }
        let queue = policy.supervisor_queue.as_ref().filter(|queue| **queue != contact.queue).ok_or("transfer_limit")?;
        Ok(Destination { queue, agent: None })
    }

    /// A new visit: the class and the place among arrivals are kept, earlier waits are credited, the sender is excluded.
    pub(super) fn transfer(&mut self, fact: &TransferRequested) {
        let id = fact.contact;
        let Some(contact) = self.site.contact(&id).cloned() else { return };
        let Ok(Destination { queue, agent }) = self.destination(&contact, fact) else { return };
        let Some(queued) = self.transferred(fact, &contact, queue, agent) else { return };
        self.let_go(id, &contact, EndedBy::Transfer, RevokeReason::Transferred);
        self.end_visit(id, &contact, VisitOutcome::Requeued);
        self.enter((id, contact.phase.engaged()), queued, &contact.channel, Some(&contact));
        if let Some(agent) = agent {
            let ttl_ms = self.transfer_ms();
            self.give(id, agent, Direct { by: fact.by.or(fact.agent), reason: DirectReason::Transfer }, ttl_ms);
        } else {
            self.look(id);
            self.lead_on(id);
        }
        self.settle_hands(&contact);
    }

    fn transferred(&self, fact: &TransferRequested, contact: &Contact, queue: &Name, to: Option<Id>) -> Option<ContactQueued> {
        let rules = self.rules()?;
        let policy = rules.queue(queue)?;
        let wishes = fact.requirements.as_ref().unwrap_or(&contact.wishes);
        let again = self.next_visit(contact);
        let (queued_at_ms, target_ms) = self.credited(contact, queue);
        // Whoever sends to a certain agent may get it back; a supervisor takes it away.
        let back = fact.agent.filter(|_| to.is_some() && fact.by.is_none());
        Some(ContactQueued {
            queue: queue.clone(),
            key: rules.key(again.key.klass, queued_at_ms, target_ms, contact.priority, contact.key.seq),
            queued_at_ms,
            target_ms,
            requirements: Rules::requirements(wishes, policy),
            wishes: wishes.clone(),
            excluded: contact.phase.engaged().filter(|_| back.is_none()),
            transfers: counted(contact.transfers),
            back,
            ..again
        })
    }
}

/// Who may move the contact, and where it makes no sense.
fn check_sender(contact: &Contact, fact: &TransferRequested) -> Check {
    match (contact.phase, fact.agent) {
        (Phase::Engaged { agent, .. }, Some(sender)) if agent == sender => Ok(()),
        (_, Some(_)) => Err("not_engaged"),
        (Phase::Engaged { .. } | Phase::Parked { .. }, None) => Ok(()),
        (Phase::Queued | Phase::Offered { .. } | Phase::Connecting { .. }, None) => {
            if contact.queue == fact.queue && fact.to_agent.is_none() {
                Err("same_queue")
            } else {
                Ok(())
            }
        }
    }
}
