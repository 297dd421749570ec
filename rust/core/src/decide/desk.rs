//! Desks: lost is not offline. What needs a desk goes to somebody else after a while, channel by channel; live media stay.

use super::ending::Ending;
use super::Check;
use crate::conversation::Stage;
use crate::state::{Contact, Phase, WorkPhase};
use crate::turn::Turn;
use crate::words::bounds::INSTANT_MAX_MS;
use crate::words::{
    ChannelPresence, ContactParked, DeskDue, DeskLossRecorded, DeskReturnRecorded, EndedBy, Id, Key, Name, OfferRevoked,
    ParkEndedBy, ParkedKind, ReleaseReason, RevokeReason, VisitOutcome,
};

impl Turn<'_> {
    pub(super) fn check_desk(&self, agent: Id) -> Check {
        self.check_known_agent(agent)
    }

    pub(super) fn lose_desk(&mut self, id: Id) {
        if self.site.agent(&id).is_none_or(|agent| agent.desk_due.is_some()) {
            return;
        }
        let due = self.desk_due(id);
        self.emit(None, Some(id), None, DeskLossRecorded { at_ms: self.t_ms, due });
        self.release_agent(id, ReleaseReason::AgentGone);
        let freed = self.revoke_offers(id, RevokeReason::DeskLost, None);
        self.look_after_loss(id, freed);
    }

    /// When each channel's contacts have waited long enough.
    fn desk_due(&self, id: Id) -> Vec<DeskDue> {
        let due = self.needing_desk(id).into_iter().filter_map(|channel| {
            let wait_ms = self.rules()?.channel(&channel)?.desk_lost_ms;
            Some(DeskDue { channel, at_ms: self.at_ms + wait_ms })
        });
        due.collect()
    }

    /// The agent's channels without media of their own, in order of name: declared, or worked on from before.
    pub(super) fn needing_desk(&self, id: Id) -> Vec<Name> {
        let (Some(agent), Some(rules)) = (self.site.agent(&id), self.rules()) else { return Vec::new() };
        let worked_on = agent.work.values().map(|work| &work.channel);
        let mut channels: Vec<Name> = (agent.channels.keys().chain(worked_on))
            .filter(|name| rules.channel(name).is_some_and(|profile| profile.presence != ChannelPresence::Live))
            .cloned()
            .collect();
        channels.sort_unstable();
        channels.dedup();
        channels
    }

    /// What is due by now goes to somebody else.
    pub(crate) fn expire_desk(&mut self, id: Id) {
        let due = self.site.agent(&id).and_then(|agent| agent.desk_due.as_ref());
        let channels: Vec<Name> = due.map_or_else(Vec::new, |due| {
            due.iter().filter(|(_, at_ms)| **at_ms <= self.t_ms).map(|(channel, _)| channel.clone()).collect()
        });
        self.lose(id, &channels);
    }

    /// Take away what the agent has connecting or engaged on these channels, in key order of the contacts; then those who had it in hand
    /// settle.
    pub(super) fn lose(&mut self, agent: Id, channels: &[Name]) {
        let Some(holder) = self.site.agent(&agent) else { return };
        let mut lost: Vec<(Key, Id, u32)> = (holder.work.iter())
            .filter(|(_, work)| matches!(work.phase, WorkPhase::Connecting | WorkPhase::Engaged))
            .filter(|(_, work)| channels.contains(&work.channel))
            .filter_map(|((id, attempt), _)| Some((self.site.contact(id)?.key, *id, *attempt)))
            .collect();
        lost.sort_unstable();
        let mut sides = Vec::new();
        for (_, id, attempt) in lost {
            let Some(contact) = self.site.contact(&id).cloned() else { continue };
            if contact.phase.attempt() == Some(attempt) {
                self.take_away(id, &contact, agent);
                sides.extend(contact.sides.values().map(|side| side.agent));
            } else {
                self.take_side_away(id, &contact, agent, attempt);
            }
        }
        self.settle(agent);
        for side in sides {
            self.settle(side);
        }
    }

    fn take_away(&mut self, id: Id, contact: &Contact, agent: Id) {
        if !matches!(contact.phase, Phase::Engaged { .. }) {
            self.revoke_accepted(id, contact, RevokeReason::DeskLost);
            self.hold_after_dial(id);
            self.go_on(id);
            return;
        }
        self.end_engagement(id, contact, EndedBy::DeskLost);
        self.end_visit(id, contact, VisitOutcome::Requeued);
        let profile = self.rules().and_then(|rules| rules.channel(&contact.channel));
        if profile.is_some_and(|profile| profile.presence == ChannelPresence::Async) {
            let owner_ms = self.rules().map_or(0, |rules| rules.policy.owner_ms);
            let until_ms = (self.at_ms + owner_ms).max(self.at_ms + 1).min(INSTANT_MAX_MS);
            let event = ContactParked { at_ms: self.t_ms, kind: ParkedKind::DeskLost, until_ms, note: None };
            self.emit(Some(id), Some(agent), Some(&contact.channel), event);
        } else {
            self.enter((id, None), self.next_visit(contact), &contact.channel, Some(contact));
            self.look(id);
            self.lead_on(id);
        }
    }

    /// The contact goes on without this agent's help.
    fn take_side_away(&mut self, id: Id, contact: &Contact, agent: Id, attempt: u32) {
        match contact.holder(attempt).map(|holder| holder.stage) {
            Some(Stage::Engaged) => self.end_attempt(id, contact, attempt, Ending::by(EndedBy::DeskLost)),
            Some(Stage::Offered | Stage::Connecting) => {
                let event = OfferRevoked { at_ms: self.t_ms, attempt, reason: RevokeReason::DeskLost, siblings_until_ms: None };
                self.emit(Some(id), Some(agent), Some(&contact.channel), event);
            }
            None => {}
        }
    }

    pub(super) fn return_desk(&mut self, id: Id) {
        if self.site.agent(&id).is_none_or(|agent| agent.desk_due.is_none()) {
            return;
        }
        self.emit(None, Some(id), None, DeskReturnRecorded { at_ms: self.t_ms });
        self.note_gain(id);
        for contact in self.parked_by(id, ParkedKind::DeskLost) {
            self.return_parked(contact, ParkEndedBy::DeskReturned);
        }
        self.fill(id);
    }

    /// What the agent owns of this kind, in key order.
    pub(super) fn parked_by(&self, owner: Id, wanted: ParkedKind) -> Vec<Id> {
        let mut parked: Vec<(Key, Id)> = (self.site.index.owned.of(&owner))
            .filter_map(|id| Some((self.site.contact(id)?, *id)))
            .filter(|(contact, _)| matches!(contact.phase, Phase::Parked { kind, .. } if kind == wanted))
            .map(|(contact, id)| (contact.key, id))
            .collect();
        parked.sort_unstable();
        parked.into_iter().map(|(_, id)| id).collect()
    }
}
