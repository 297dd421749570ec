//! Silence: who owes a word in a conversation, and what follows if it does not come. On hold nobody owes any.
//!
//! ```text
//! the customer owes: engaged --idle--> dormant --idle end--> (ended)      a word of either revives
//! the agent owes:    engaged --alert--> noticed --requeue--> (queued, for somebody else)
//! ```

use super::Check;
use crate::state::{Contact, Phase, Work};
use crate::turn::Turn;
use crate::words::bounds::{DURATION_MAX_MS, INSTANT_MAX_MS};
use crate::words::{
    AgentSilenceNoticed, Author, ChannelPresence, ContactDormant, ContactQueued, ContactRevived, EndReason, EndedBy,
    EngagementHeld, EngagementResumed, HoldRequested, Id, OverCapacityCause, SilenceDue, SilenceStep, VisitOutcome,
};

impl Turn<'_> {
    pub(super) fn check_hold(&self, fact: &HoldRequested) -> Check {
        self.check_live(fact.contact)?;
        self.check_engaged(fact.contact, Some(fact.agent))
    }

    pub(super) fn hold(&mut self, fact: &HoldRequested) {
        let Some(contact) = self.site.contact(&fact.contact) else { return };
        let Some(attempt) = contact.phase.attempt() else { return };
        let (channel, at_ms) = (contact.channel.clone(), self.t_ms);
        match (contact.conversation.held_ms, fact.held) {
            (None, true) => {
                self.emit(Some(fact.contact), Some(fact.agent), Some(&channel), EngagementHeld { at_ms, attempt });
            }
            (Some(since_ms), false) => {
                let held_ms = at_ms.saturating_sub(since_ms).min(DURATION_MAX_MS);
                let silence = self.silence_due(contact, contact.conversation.unanswered, self.heard_ms());
                let event = EngagementResumed { at_ms, attempt, held_ms, silence };
                self.emit(Some(fact.contact), Some(fact.agent), Some(&channel), event);
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    /// What follows, and when, if the word that an agent (`unanswered`) or the customer owes since `since_ms` does not come.
    pub(super) fn silence_due(&self, contact: &Contact, unanswered: bool, since_ms: u64) -> Option<SilenceDue> {
        let profile = self.rules()?.channel(&contact.channel)?;
        if profile.presence == ChannelPresence::Live {
            return None;
        }
        let (first, last) = if unanswered {
            ((profile.silence_alert_ms, SilenceStep::Alert), (profile.silence_requeue_ms, SilenceStep::Requeue))
        } else if contact.conversation.dormant {
            ((0, SilenceStep::Dormant), (profile.idle_end_ms, SilenceStep::End))
        } else {
            ((profile.idle_ms, SilenceStep::Dormant), (profile.idle_end_ms, SilenceStep::End))
        };
        let (after_ms, step) = if first.0 > 0 && (last.0 == 0 || first.0 < last.0) { first } else { last };
        (after_ms > 0).then(|| SilenceDue { at_ms: later(since_ms, after_ms), step })
    }

    /// From when on a word that is said at `t_ms` can be answered: what is told late was heard by nobody before.
    pub(super) fn heard_ms(&self) -> u64 {
        if self.site.state.levels.is(4) {
            self.at_ms
        } else {
            self.t_ms
        }
    }

    /// What follows, and when, if after a word of `author` now the next one does not come.
    pub(super) fn silence_after(&self, contact: &Contact, author: Author) -> Option<SilenceDue> {
        if contact.phase.engaged().is_none() || contact.conversation.held_ms.is_some() {
            return None;
        }
        match author {
            Author::System => contact.conversation.silence,
            Author::Customer if contact.conversation.unanswered => contact.conversation.silence,
            Author::Customer => self.silence_due(contact, true, self.heard_ms()),
            Author::Agent => self.silence_due(contact, false, self.heard_ms()),
        }
    }

    /// The primary's work.
    fn engaged_work(&self, id: Id) -> Option<(Id, u32, &Work)> {
        let Phase::Engaged { agent, attempt } = self.site.contact(&id)?.phase else { return None };
        Some((agent, attempt, self.site.agent(&agent)?.work.get(&(id, attempt))?))
    }

    /// Somebody speaks in a dormant conversation: it costs its agent what it did before.
    pub(super) fn revive(&mut self, id: Id) {
        if !self.site.contact(&id).is_some_and(|contact| contact.conversation.dormant) {
            return;
        }
        let Some((agent, attempt, work)) = self.engaged_work(id) else { return };
        let (Some(cost), channel) = (work.full_cost, work.channel.clone()) else { return };
        self.emit(Some(id), Some(agent), Some(&channel), ContactRevived { at_ms: self.t_ms, attempt, cost });
        self.record_over_capacity(agent, self.t_ms, OverCapacityCause::Revived);
    }

    /// The word that is owed did not come for as long as the channel allows.
    pub(crate) fn end_silence(&mut self, id: Id) {
        let Some(contact) = self.site.contact(&id).cloned() else { return };
        let Some(due) = contact.conversation.silence else { return };
        match due.step {
            SilenceStep::Dormant => self.make_dormant(id, &contact),
            SilenceStep::End => self.end(id, &contact, EndedBy::Customer, VisitOutcome::Closed, EndReason::CustomerSilent),
            SilenceStep::Alert => self.notice_silence(id, &contact),
            SilenceStep::Requeue => self.requeue_silent(id, &contact),
        }
    }

    fn make_dormant(&mut self, id: Id, contact: &Contact) {
        let Some((agent, attempt, work)) = self.engaged_work(id) else { return };
        let Some(profile) = self.rules().and_then(|rules| rules.channel(&contact.channel)) else { return };
        let cost = (work.cost * u32::from(profile.dormant_percent)).div_ceil(100);
        let end_at_ms = self.last_step_ms(contact, profile.idle_end_ms);
        self.emit(Some(id), Some(agent), Some(&contact.channel), ContactDormant { at_ms: self.t_ms, attempt, cost, end_at_ms });
        self.fill(agent);
    }

    fn notice_silence(&mut self, id: Id, contact: &Contact) {
        let Some((agent, attempt, _)) = self.engaged_work(id) else { return };
        let Some(profile) = self.rules().and_then(|rules| rules.channel(&contact.channel)) else { return };
        let requeue_at_ms = self.last_step_ms(contact, profile.silence_requeue_ms);
        let since_ms = contact.conversation.owed_since_ms;
        let event = AgentSilenceNoticed { at_ms: self.t_ms, attempt, since_ms, requeue_at_ms };
        self.emit(Some(id), Some(agent), Some(&contact.channel), event);
    }

    /// When the second step follows: a new policy may have it in the past, but nothing happens before now.
    fn last_step_ms(&self, contact: &Contact, after_ms: u64) -> Option<u64> {
        (after_ms > 0).then(|| later(contact.conversation.owed_since_ms, after_ms).max(self.t_ms))
    }

    /// Somebody else is to answer; whoever did not answer does not get the contact back in this visit, unless there is nobody else.
    fn requeue_silent(&mut self, id: Id, contact: &Contact) {
        let Some(agent) = contact.phase.engaged() else { return };
        self.end_engagement(id, contact, EndedBy::AgentSilent);
        self.end_visit(id, contact, VisitOutcome::Requeued);
        let others = !self.site.state.levels.is(4) || self.site.another_would_be_present(contact, &agent, self.at_ms);
        let queued = ContactQueued { excluded: Some(agent).filter(|_| others), ..self.next_visit(contact) };
        self.enter((id, None), queued, &contact.channel, Some(contact));
        self.look(id);
        self.lead_on(id);
        self.settle_hands(contact);
    }
}

fn later(since_ms: u64, after_ms: u64) -> u64 {
    since_ms.saturating_add(after_ms).min(INSTANT_MAX_MS)
}
