//! Reading ahead: before the facts of a frame are decided one after the other, all that they are likely to be about is looked at together.
//!
//! Records stand anywhere in memory. Whoever needs one after the other waits for each of them; loads that do not depend on each other are waited for
//! together. So this goes in stages: first where the ids of all facts stand, then their records, then what hangs on these. Nothing depends on it but speed.

use std::hint::black_box;

use crate::codec;
use crate::site::Site;
use crate::state::{Agent, Contact};

/// One fact is decided at once.
const WORTH_IT: usize = 2;

impl Site {
    /// These facts are decided next.
    pub(crate) fn read_ahead<'a>(&self, facts: impl ExactSizeIterator<Item = &'a [u8]>) {
        if facts.len() < WORTH_IT {
            return;
        }
        let (mut contacts, mut agents) = (Vec::with_capacity(facts.len()), Vec::with_capacity(facts.len()));
        for [fact, one, other] in facts.map(codec::first_ids) {
            black_box(fact.map(|fact| self.state.facts.glance(&fact)));
            let Some(one) = one else { continue };
            match self.state.contacts.likely_slot(&one) {
                Some(contact) => contacts.push(contact),
                None => drop(black_box(self.state.gone.glance(&one))),
            }
            agents.extend(self.state.agents.likely_slot(&other.unwrap_or(one)));
        }
        for slot in &contacts {
            black_box(self.state.contacts.at(*slot).map(glance_at_contact));
        }
        for slot in &agents {
            black_box(self.state.agents.at(*slot).map(glance_at_agent));
            self.index.glance(*slot);
        }
        for slot in &agents {
            black_box(self.state.agents.at(*slot).map(glance_at_work));
        }
    }
}

/// Something of every part of the record that facts of a running contact ask for.
fn glance_at_contact(contact: &Contact) -> u64 {
    let times = contact.target_ms ^ contact.prefer_until_ms ^ contact.answered_ms.unwrap_or(0) ^ contact.conversation.owed_since_ms;
    let counts = u64::from(contact.visit) ^ u64::from(contact.attempt) ^ contact.key.seq ^ contact.ordinal ^ contact.transfers;
    times ^ counts ^ contact.recent.len() as u64 ^ contact.wishes.len() as u64 ^ u64::from(contact.priority)
}

fn glance_at_agent(agent: &Agent) -> u64 {
    let times = agent.left_ready_ms ^ agent.leaves_ms.unwrap_or(0) ^ agent.today.ready_since_ms;
    times ^ agent.declines ^ u64::from(agent.capacity) ^ u64::from(agent.reserved.is_some()) ^ u64::from(agent.over_recorded)
}

/// What stands elsewhere.
fn glance_at_work(agent: &Agent) -> u32 {
    let cost = agent.work.values().next().map_or(0, |work| work.cost);
    cost ^ agent.channels.values().next().map_or(0, |enabled| enabled.cost)
}

#[cfg(test)]
mod tests {
    use crate::codec::{encode_fact, first_ids};
    use crate::words::{ContactAbandoned, ContactConnected, Fact, Id};

    #[test]
    fn a_fact_begins_with_the_ids_of_what_it_is_about() {
        let [fact_id, contact, agent] = [1, 2, 3].map(|number| Id([number; 16]));
        let connected: Fact = ContactConnected { fact_id, contact, attempt: 70_000, agent }.into();
        let abandoned: Fact = ContactAbandoned { fact_id, contact }.into();
        let bytes = encode_fact(&connected);
        assert_eq!(first_ids(&bytes), [Some(fact_id), Some(contact), Some(agent)]);
        assert_eq!(first_ids(&encode_fact(&abandoned)), [Some(fact_id), Some(contact), None]);
        assert_eq!(first_ids(&bytes[..30]), [Some(fact_id), None, None]);
        assert_eq!(first_ids(b"no fact"), [None; 3]);
    }
}
