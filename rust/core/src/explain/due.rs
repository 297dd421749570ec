//! What time alone was to bring by the moment that is explained, and nobody has decided yet: of a quiet site, or one without an engine.

use std::ops::Bound::{Excluded, Unbounded};

use crate::index::{Chance, Later, Timer};
use crate::site::Site;
use crate::state::{Agent, Contact};
use crate::words::{Id, Name};

/// What is due, and since when.
pub(super) type Due = (&'static str, u64);

/// Of a contact and of the queue that it waits in, in order of time.
pub(super) fn of_contact(site: &Site, id: &Id, contact: Option<&Contact>, now_ms: u64) -> Vec<Due> {
    let (queue, case) = (contact.map(|contact| &contact.queue), site.case_of(id));
    let short = short_by(site, now_ms).filter(|(_, timer)| whose(timer) == Some(id)).map(|(at_ms, timer)| (word(&timer), at_ms));
    let later = site.index.later.iter().take_while(|(at_ms, _)| *at_ms <= now_ms);
    let later = later.filter(|(_, later)| concerns(later, id, case.as_ref(), queue)).map(|(at_ms, later)| (word_of(later), *at_ms));
    let looks = site.index.looks.range((Excluded((site.state.looked_ms, Chance::LAST)), Unbounded));
    let looks = looks.take_while(|(at_ms, _)| *at_ms <= now_ms).filter(|(_, chance)| *chance == Chance::Look(*id));
    let looks = looks.map(|(at_ms, _)| ("look", *at_ms));
    sorted(short.chain(later).chain(looks).collect())
}

/// Of an agent and of what the agent has in hand.
pub(super) fn of_agent(site: &Site, id: &Id, agent: &Agent, now_ms: u64) -> Vec<Due> {
    let short = short_by(site, now_ms).filter(|(_, timer)| match timer {
        Timer::Offer { contact, attempt } | Timer::Connect { contact, attempt } => agent.work.contains_key(&(*contact, *attempt)),
        Timer::WrapUp { agent, .. } | Timer::DeskLost(agent) => agent == id,
    });
    sorted(short.map(|(at_ms, timer)| (word(&timer), at_ms)).collect())
}

fn short_by(site: &Site, now_ms: u64) -> impl Iterator<Item = (u64, Timer)> + '_ {
    site.index.timers.iter().take_while(move |(at_ms, _)| *at_ms <= now_ms).copied()
}

fn whose(timer: &Timer) -> Option<&Id> {
    match timer {
        Timer::Offer { contact, .. } | Timer::Connect { contact, .. } => Some(contact),
        Timer::WrapUp { .. } | Timer::DeskLost(_) => None,
    }
}

fn word(timer: &Timer) -> &'static str {
    match timer {
        Timer::Offer { .. } => "offer",
        Timer::Connect { .. } => "connect",
        Timer::WrapUp { .. } => "wrap_up",
        Timer::DeskLost(_) => "desk_lost",
    }
}

fn concerns(later: &Later, id: &Id, case: Option<&Id>, queue: Option<&Name>) -> bool {
    match later {
        Later::Silence(contact)
        | Later::Return(contact)
        | Later::Step(contact)
        | Later::Threshold(contact)
        | Later::Promise(contact)
        | Later::NextStep(contact) => contact == id,
        Later::Sla(subject, _) => subject == id || Some(subject) == case,
        Later::Closing(name) | Later::HoursOver(name) | Later::Hours(name) => Some(name) == queue,
    }
}

fn word_of(later: &Later) -> &'static str {
    match later {
        Later::Silence(_) => "silence",
        Later::Return(_) => "return",
        Later::Step(_) => "step",
        Later::Threshold(_) => "threshold",
        Later::Promise(_) => "promise",
        Later::Sla(..) => "sla",
        Later::NextStep(_) => "next_step",
        Later::Closing(_) | Later::HoursOver(_) => "closing",
        Later::Hours(_) => "hours",
    }
}

fn sorted(mut found: Vec<Due>) -> Vec<Due> {
    found.sort_by_key(|(word, at_ms)| (*at_ms, *word));
    found
}
