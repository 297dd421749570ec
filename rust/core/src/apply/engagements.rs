//! Engagements in the state: connected, talking, held, dormant, ended; the wrap-up after them; and what is parked.

use super::agents::{settle_idle, settle_limits};
use super::offers::remember_offer;
use super::{no_work, About};
use crate::conversation::SidePhase;
use crate::rules::Rules;
use crate::site::Site;
use crate::state::{Agent, Contact, OfferEnd, PastOffer, Phase, WorkPhase};
use crate::words::{
    Author, ContactParked, EngagementEnded, EngagementStarted, Event, Id, ParkedKind, Role, RoleChanged, SilenceDue, SilenceStep,
};

impl Site {
    #[allow(clippy::wildcard_enum_match_arm)] // `apply_event` sorts them, and is exhaustive
    pub(super) fn apply_engagement(&mut self, about: &About, event: &Event, turn_ms: u64) -> Result<(), String> {
        if self.rules().is_some_and(Rules::paces_any) {
            self.keep_pace(about, event)?;
        }
        // A word is owed from when it was heard. Before level 4 it was from when it was said, though nobody could answer.
        let owed_ms = |at_ms| if self.state.levels.is(4) { turn_ms } else { at_ms };
        match event {
            Event::EngagementStarted(event) => self.start_engagement(about, event, owed_ms(event.at_ms)),
            Event::ContactAnswered(event) => {
                let (id, at_ms) = (about.contact()?, event.at_ms);
                self.note_contact(id, |contact| contact.answered_ms = Some(at_ms))?;
                self.note_served(id)
            }
            Event::MessageRelayed(event) => {
                let (id, owed_ms) = (about.contact()?, owed_ms(event.at_ms));
                self.change_contact(id, |contact| {
                    contact.ordinal = event.ordinal;
                    contact.conversation.say(event.author, owed_ms, event.silence);
                })?;
                if event.author == Author::Agent {
                    self.clear_broken(&id);
                }
                Ok(())
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
            Event::EngagementHeld(event) => {
                let at_ms = event.at_ms;
                self.change_contact(about.contact()?, |contact| contact.conversation.hold(at_ms))
            }
            Event::EngagementResumed(event) => {
                let owed_ms = owed_ms(event.at_ms);
                self.change_contact(about.contact()?, |contact| contact.conversation.resume(owed_ms, event.silence))
            }
            Event::RoleChanged(event) => self.change_role(about, event, owed_ms(event.at_ms)),
            Event::ContactDormant(event) => {
                self.change_dormancy(about, event.attempt, event.cost, true)?;
                self.set_silence(about.contact()?, event.end_at_ms, SilenceStep::End)
            }
            Event::ContactRevived(event) => {
                self.change_dormancy(about, event.attempt, event.cost, false)?;
                self.set_silence(about.contact()?, None, SilenceStep::End)
            }
            Event::AgentSilenceNoticed(event) => self.set_silence(about.contact()?, event.requeue_at_ms, SilenceStep::Requeue),
            _ => Ok(()),
        }
    }

    fn start_engagement(&mut self, about: &About, event: &EngagementStarted, owed_ms: u64) -> Result<(), String> {
        let (id, agent_id, attempt) = (about.contact()?, about.agent()?, event.attempt);
        let engage = |agent: &mut Agent| {
            agent.today.started += 1;
            agent.failures = 0;
            agent.work.get_mut(&(id, attempt)).map(|work| work.phase = WorkPhase::Engaged)
        };
        // Deadlines stay as they were: whoever connects is held at the desk already. Room changes only if what is engaged gives way to others. But
        // doors look at whatever happens to a member.
        let concerns =
            |rules: &Rules| rules.paces_any() || about.channel.as_ref().is_some_and(|channel| rules.may_give_way(channel));
        let begun = if self.rules().is_some_and(concerns) {
            self.change_agent(agent_id, engage)
        } else {
            self.note_agent(agent_id, engage)
        }?;
        begun.ok_or_else(|| no_work(agent_id, (id, attempt)))?;
        if event.role == Role::Primary {
            self.know_matter(id, agent_id);
        }
        self.change_contact(id, |contact| {
            if let Some(side) = contact.sides.get_mut(&attempt) {
                side.phase = SidePhase::Engaged;
            } else {
                contact.phase = Phase::Engaged { agent: agent_id, attempt };
                contact.conversation.begin(owed_ms, event.silence);
            }
        })
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
        let ended = |contact: &mut Contact| {
            if contact.sides.remove(&attempt).is_none() {
                contact.conversation.rest();
            }
            remember_offer(contact, PastOffer { attempt, agent: agent_id, end: OfferEnd::Accepted });
        };
        // Nobody waits for a word: then there is no deadline to take away.
        let quiet = self.contact(&id).is_some_and(|contact| {
            let engaged = contact.sides.get(&attempt).is_none_or(|side| matches!(side.phase, SidePhase::Engaged));
            engaged && contact.conversation.silence.is_none()
        });
        if quiet {
            self.note_contact(id, ended)
        } else {
            self.change_contact(id, ended)
        }
    }

    /// A side joins the conference, or becomes the primary: the one before has just ended.
    fn change_role(&mut self, about: &About, event: &RoleChanged, owed_ms: u64) -> Result<(), String> {
        let (id, agent_id, attempt, role) = (about.contact()?, about.agent()?, event.attempt, event.role);
        self.change_work(agent_id, (id, attempt), |work| work.role = role)?;
        self.change_contact(id, |contact| {
            if role == Role::Primary {
                contact.sides.remove(&attempt);
                contact.phase = Phase::Engaged { agent: agent_id, attempt };
                contact.conversation.begin(owed_ms, event.silence);
            } else if let Some(side) = contact.sides.get_mut(&attempt) {
                side.role = role;
            }
        })
    }

    fn change_dormancy(&mut self, about: &About, attempt: u32, cost: u32, dormant: bool) -> Result<(), String> {
        let agent_id = about.agent()?;
        self.change_work(agent_id, (about.contact()?, attempt), |work| {
            work.full_cost = dormant.then_some(work.cost);
            work.cost = cost;
        })?;
        self.change_agent(agent_id, settle_limits)?;
        self.change_contact(about.contact()?, |contact| contact.conversation.dormant = dormant)
    }

    fn set_silence(&mut self, contact: Id, at_ms: Option<u64>, step: SilenceStep) -> Result<(), String> {
        let silence = at_ms.map(|at_ms| SilenceDue { at_ms, step });
        self.change_contact(contact, |contact| contact.conversation.silence = silence)
    }

    /// The contact is put aside; its engagement has ended.
    fn park_contact(&mut self, about: &About, event: &ContactParked) -> Result<(), String> {
        let (owner, kind, since_ms, until_ms) = (about.agent()?, event.kind, event.at_ms, event.until_ms);
        let goes_on = self.state.levels.is(4) && kind == ParkedKind::Interrupted;
        self.change_contact(about.contact()?, |contact| {
            contact.phase = Phase::Parked { owner, kind, since_ms, until_ms };
            if goes_on && contact.answered_ms.is_none() {
                contact.course.newer.waits_parked = true;
            }
        })
    }
}
