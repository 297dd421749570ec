//! Doors in the state, and how fast queues serve.

use super::About;
use crate::expected::clock;
use crate::rules::Rules;
use crate::site::Site;
use crate::state::WorkPhase;
use crate::words::{DoorTurned, Event, Name, Role};

impl Site {
    pub(super) fn turn_door(&mut self, event: DoorTurned) -> Result<(), String> {
        let number = self.rules().and_then(|rules| rules.door_of(&event.entry_point));
        let number = number.ok_or_else(|| format!("there is no door of {}", event.entry_point))?;
        self.state.doors.insert(event.entry_point.clone(), event.into());
        self.index.hang_door(number, &self.state);
        Ok(())
    }

    /// What an event says of how fast a queue serves, before it changes anything. For sites that ask.
    #[allow(clippy::wildcard_enum_match_arm)] // the others say nothing of it
    pub(super) fn keep_pace(&mut self, about: &About, event: &Event) -> Result<(), String> {
        // Who was promised a call waited for its time, not for somebody to be free.
        let promised = self.state.promises.get(&about.contact()?).is_some();
        let before = !self.state.levels.is(4);
        let (contact, rules, pace) = (about.contact()?, self.index.rules.as_ref(), &mut self.state.pace);
        match event {
            Event::ContactAnswered(_) if promised => {}
            Event::ContactAnswered(event) => {
                if let Some(answered) = self.state.contacts.get(&contact).filter(|contact| paces(rules, &contact.queue)) {
                    let clock = clock(rules, &self.state.levels, &answered.queue, &answered.channel);
                    let wait_ms = clock.between(event.at_ms.saturating_sub(event.wait_ms), event.at_ms);
                    let klass = answered.own_key().klass;
                    if let Some(stated_ms) = answered.course.newer.expected_ms.filter(|stated_ms| *stated_ms > 0) {
                        pace.learn(&answered.queue, klass, event.at_ms > answered.entered_ms + stated_ms);
                    }
                    pace.answered(&answered.queue, klass, event.at_ms, wait_ms);
                }
            }
            Event::EngagementStarted(event) if event.role == Role::Primary => {
                let agent = self.state.agents.get(&about.agent()?);
                let work = agent.and_then(|agent| agent.work.get(&(contact, event.attempt)));
                if work.is_some_and(|work| paces(rules, &work.queue)) {
                    pace.begun(contact, event.attempt, event.at_ms);
                }
            }
            Event::EngagementEnded(event) => {
                let agent = self.state.agents.get(&about.agent()?);
                if let Some((agent, work)) = agent.and_then(|agent| Some((agent, agent.work.get(&(contact, event.attempt))?))) {
                    pace.ended((contact, event.attempt), event.at_ms, (agent, work), event.wrap_until_ms.is_some());
                }
            }
            Event::WrapUpEnded(event) => {
                let agent = self.state.agents.get(&about.agent()?);
                if let Some((agent, work)) = agent.and_then(|agent| Some((agent, agent.work.get(&(contact, event.attempt))?))) {
                    if let WorkPhase::Wrapping { began_ms, .. } = work.phase {
                        pace.wrapped((contact, event.attempt), (began_ms, event.at_ms), (agent, work), before);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn paces(rules: Option<&Rules>, queue: &Name) -> bool {
    rules.is_some_and(|rules| rules.paces(queue))
}
