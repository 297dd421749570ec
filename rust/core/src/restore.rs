//! What a snapshot claims, asked before it is believed. A snapshot is no journal: nothing else asks whether its numbers are ones that words can
//! say, and whether every contact has its own place in the order.
//!
//! Whatever a fold of readable commits can lead to passes.

use std::collections::BTreeSet;

use crate::codec::Span;
use crate::customers::KeptPlace;
use crate::few::Few;
use crate::pace::{Pace, MARGIN_MAX, REMEMBERED, WHOLE};
use crate::router::LAST_TURN_MS;
use crate::slas::{Run, SlaClock};
use crate::state::{Agent, Choice, Contact, Door, Effect, Place, Promise, State, RECENT_OFFERS};
use crate::words::bounds::{
    ACCEPTS_MAX, ATTEMPT, ATTEMPT_MAX, CAPACITY, CHANNELS_MAX, CLASS, CONCURRENT, COUNT, DURATION, INSTANT_MAX_MS, LEVEL,
    MEMBERSHIPS_MAX, MS, PREFERRED_MAX, PRIORITY, QUEUES_ADDED_MAX, RANK, RANKS_MAX, REQUIREMENTS_MAX, SKILLS_MAX, STEP,
    VISIT_REQUIREMENTS_MAX,
};
use crate::words::{Id, Key, Requirement, HOURS_MAX, NEXT_STEPS_MAX, PLACES, SLOT};

/// No engine was away for longer: ten years.
const HOURS_BEHIND_MS: u64 = 10 * 366 * 24 * 3_600_000;

/// One number, and what it may be.
type Claim = (&'static str, u64, Span);

/// The error says what cannot be.
pub(crate) fn check(state: &State) -> Result<(), String> {
    within(&whole(state)).map_err(|what| format!("it has {what}"))?;
    for (id, contact) in &state.contacts {
        of_contact(contact, state.arrivals).map_err(|what| format!("contact {id:?} has {what}"))?;
    }
    for (id, agent) in &state.agents {
        of_agent(agent).map_err(|what| format!("agent {id:?} has {what}"))?;
    }
    for (place, effect) in &state.effects {
        within(&of_effect(*place, effect)).map_err(|what| format!("effect {}/{} has {what}", place.seq, place.entry))?;
    }
    for (subject, clocks) in &state.slas.running {
        for (name, clock) in clocks {
            within(&of_clock(clock)).map_err(|what| format!("clock {name} of {subject:?} has {what}"))?;
        }
    }
    for (customer, kept) in state.places.known() {
        for place in kept.values() {
            within(&of_place(place, state.arrivals)).map_err(|what| format!("the place of customer {customer:?} has {what}"))?;
        }
    }
    for (id, promise) in &state.promises {
        of_promise(promise, state).map_err(|what| format!("the promise to contact {id:?} has {what}"))?;
    }
    for (id, promise) in &state.promises {
        if promise.tried.held != state.held.get(id).is_some() {
            return Err(format!("the promise to contact {id:?} is held, and for nobody, or the other way round"));
        }
    }
    for (id, held) in &state.held {
        within(&[("next time", held.next_ms, MS)]).map_err(|what| format!("the held promise to contact {id:?} has {what}"))?;
    }
    for planned in state.planned.values() {
        let places = planned.capacities.values().map(|places| ("places of a slot", u64::from(*places), PLACES));
        within(&places.chain([("length of slots", planned.slot_ms, SLOT)]).collect::<Vec<_>>())?;
    }
    for (queue, closed) in &state.modes {
        within(&[("closing", closed.close_at_ms.unwrap_or(0), MS)]).map_err(|what| format!("queue {queue} has {what}"))?;
    }
    check_hours(state)?;
    for (id, choice) in &state.choices {
        within(&of_choice(choice)).map_err(|what| format!("the choice of contact {id:?} has {what}"))?;
    }
    within(&of_pace(&state.pace)).map_err(|what| format!("its pace has {what}"))?;
    for (name, door) in &state.doors {
        within(&of_door(door)).map_err(|what| format!("door {name} has {what}"))?;
    }
    one_place_each(state)
}

fn of_promise(promise: &Promise, state: &State) -> Result<(), String> {
    let mut claims = vec![
        ("time of making", promise.made_ms, MS),
        ("due time", promise.due_ms, MS),
        ("beginning", promise.from_ms, MS),
        ("end", promise.until_ms, Span(promise.from_ms.max(promise.due_ms), MS.1)),
        ("next time", promise.next_ms, MS),
        ("time of dialling", promise.dialling_until_ms.unwrap_or(0), MS),
        ("beginning of dialling", promise.tried.since_ms.unwrap_or(0), MS),
        ("messages", promise.tried.ordinal, COUNT),
        ("dials", promise.tried.dials, COUNT),
        ("length of slots", promise.slot_ms, SLOT),
        ("attempts", promise.attempts, COUNT),
        ("visit", u64::from(promise.visit), Span(0, ATTEMPT.1)),
        ("attempt", u64::from(promise.attempt), Span(0, u64::from(ATTEMPT_MAX))),
        ("priority", u64::from(promise.priority), PRIORITY),
        most("wishes", promise.wishes.len(), REQUIREMENTS_MAX),
        most("preferred agents", promise.preferred.len(), PREFERRED_MAX),
        most("accepted languages", promise.accepts.len(), ACCEPTS_MAX),
        most("hours", promise.hours.len(), HOURS_MAX),
    ];
    claims.extend(promise.key.into_iter().flat_map(|key| of_key(key, state.arrivals)));
    claims.extend(promise.wishes.iter().map(of_requirement));
    within(&claims)
}

fn of_choice(choice: &Choice) -> Vec<Claim> {
    let mut claims = vec![
        ("end", choice.until_ms, MS),
        ("priority", u64::from(choice.priority), PRIORITY),
        most("next steps", choice.steps.len(), NEXT_STEPS_MAX),
        most("wishes", choice.wishes.len(), REQUIREMENTS_MAX),
        most("preferred agents", choice.preferred.len(), PREFERRED_MAX),
        most("accepted languages", choice.accepts.len(), ACCEPTS_MAX),
    ];
    claims.extend(choice.wishes.iter().map(of_requirement));
    claims
}

/// Handling times may be as long as an engagement, which no word says.
fn of_pace(pace: &Pace) -> Vec<Claim> {
    let mut claims = vec![most("waits", pace.longest(), REMEMBERED)];
    claims.extend(pace.margins().map(|margin| ("margin", margin, Span(WHOLE, MARGIN_MAX))));
    claims.extend(pace.durations_ms().map(|ms| ("time", ms, MS)));
    claims.extend(pace.instants_ms().map(|ms| ("instant", ms, MS)));
    claims
}

fn of_door(door: &Door) -> [Claim; 4] {
    [
        ("expected wait", door.expected_wait_ms.unwrap_or(0), DURATION),
        ("end", door.until_ms.unwrap_or(0), MS),
        ("hold", door.held_until_ms, MS),
        ("instant", door.said_ms, MS),
    ]
}

/// What a queue with a calendar still has to turn: every turn since the next one is decided, one after the other.
pub(crate) fn check_hours(state: &State) -> Result<(), String> {
    let still = Span(state.at_ms.saturating_sub(HOURS_BEHIND_MS), INSTANT_MAX_MS);
    for (queue, hours) in &state.hours {
        let next_ms = hours.next_ms.unwrap_or(state.at_ms);
        let claims = [("closing", hours.close_at_ms.unwrap_or(0), MS), ("next turn", next_ms, still)];
        within(&claims).map_err(|what| format!("the hours of queue {queue} have {what}"))?;
    }
    Ok(())
}

/// No two contacts, live or gone with their place kept, have one number among the arrivals.
fn one_place_each(state: &State) -> Result<(), String> {
    let live = state.contacts.iter().map(|(id, contact)| (*id, contact.key.seq));
    let kept = state.places.known().values().flat_map(Few::values).map(|place| (place.contact, place.key.seq));
    let mut taken = BTreeSet::new();
    let twice = live.chain(kept).find(|(_, seq)| !taken.insert(*seq));
    twice.map_or(Ok(()), |(id, seq): (Id, u64)| Err(format!("contact {id:?} has the place {seq} of another")))
}

fn within(claims: &[Claim]) -> Result<(), String> {
    let beyond = claims.iter().find(|(_, number, Span(least, most))| !(*least..=*most).contains(number));
    beyond.map_or(Ok(()), |(what, number, _)| Err(format!("{what} {number}, which is beyond all bounds")))
}

/// The next commit counts on from some of them.
fn whole(state: &State) -> Vec<Claim> {
    let Span(none, count_max) = COUNT;
    let counted = Span(none, count_max - 1);
    let past = Span(0, state.at_ms);
    let (inbox_seq, facts_done) = state.consumed.map_or((0, 0), |consumed| (consumed.inbox_seq, consumed.facts_done));
    vec![
        ("position", state.seq, counted),
        ("epoch", state.epoch, counted),
        ("arrivals", state.arrivals, COUNT),
        ("time", state.at_ms, Span(0, LAST_TURN_MS)),
        ("turn time", state.turn_ms, past),
        ("look time", state.looked_ms, past),
        ("fact time", state.fact_ms, past),
        ("frame", inbox_seq, COUNT),
        ("facts of a frame", facts_done, COUNT),
        ("level", state.levels.in_force, Span(0, crate::levels::LEVEL)),
        ("adopted level", state.levels.adopted, Span(0, 0)),
        ("level of its router", state.levels.most, COUNT),
    ]
}

fn of_contact(contact: &Contact, arrivals: u64) -> Result<(), String> {
    let course = &contact.course;
    let mut claims = vec![
        ("visit", u64::from(contact.visit), ATTEMPT),
        ("attempt", u64::from(contact.attempt), Span(0, u64::from(ATTEMPT_MAX))),
        ("entry time", contact.entered_ms, MS),
        ("queue time", contact.queued_at_ms, MS),
        ("target", contact.target_ms, DURATION),
        ("priority", u64::from(contact.priority), PRIORITY),
        ("transfers", contact.transfers, COUNT),
        ("messages", contact.ordinal, COUNT),
        ("step", u64::from(course.step), STEP),
        ("threshold", u64::from(course.threshold), STEP),
        ("expected wait", course.newer.expected_ms.unwrap_or(0), DURATION),
        ("class", u64::from(course.promoted_from.unwrap_or(0)), CLASS),
        most("wishes", contact.wishes.len(), REQUIREMENTS_MAX),
        most("requirements", contact.requirements.len(), VISIT_REQUIREMENTS_MAX),
        most("preferred agents", contact.preferred.len(), PREFERRED_MAX),
        most("accepted languages", contact.accepts.len(), ACCEPTS_MAX),
        most("ended offers", contact.recent.len(), RECENT_OFFERS),
        most("added queues", course.added.len(), QUEUES_ADDED_MAX),
        most("ranks", course.opens_ms.len(), RANKS_MAX),
    ];
    claims.extend(of_key(contact.key, arrivals));
    claims.extend(contact.wishes.iter().chain(&contact.requirements).map(of_requirement));
    within(&claims)
}

fn of_key(key: Key, arrivals: u64) -> [Claim; 2] {
    [("class", u64::from(key.klass), CLASS), ("arrival", key.seq, Span(0, arrivals))]
}

fn of_requirement(need: &Requirement) -> Claim {
    ("level", u64::from(need.level), LEVEL)
}

fn of_agent(agent: &Agent) -> Result<(), String> {
    let mut claims = vec![
        ("capacity", u64::from(agent.capacity), CAPACITY),
        ("declines", agent.declines, COUNT),
        ("failures", agent.failures, COUNT),
        ("idle time", agent.idle_since_ms, MS),
        most("skills", agent.skills.len(), SKILLS_MAX),
        most("memberships", agent.memberships.len(), MEMBERSHIPS_MAX),
        most("channels", agent.channels.len(), CHANNELS_MAX),
    ];
    claims.extend(agent.skills.values().map(|level| ("level", u64::from(*level), LEVEL)));
    claims.extend(agent.memberships.values().map(|rank| ("rank", u64::from(*rank), RANK)));
    for enabled in agent.channels.values() {
        claims.push(("cost", u64::from(enabled.cost), CAPACITY));
        claims.push(("limit of contacts", u64::from(enabled.max_concurrent), CONCURRENT));
        claims.push(("missed offers", enabled.missed, COUNT));
    }
    for ((_, attempt), work) in &agent.work {
        claims.push(("attempt", u64::from(*attempt), ATTEMPT));
        claims.push(("class", u64::from(work.klass), CLASS));
        claims.push(("cost", u64::from(work.cost), CAPACITY));
        claims.push(("cost", u64::from(work.full_cost.unwrap_or(0)), CAPACITY));
    }
    claims.extend(agent.outside.values().map(|work| ("cost", u64::from(work.cost), CAPACITY)));
    within(&claims)
}

fn of_effect(place: Place, effect: &Effect) -> [Claim; 4] {
    [
        ("position", place.seq, COUNT),
        ("entry", place.entry, COUNT),
        ("messages", effect.ordinal, COUNT),
        ("round", effect.round, COUNT),
    ]
}

fn of_clock(clock: &SlaClock) -> Vec<Claim> {
    let target = ("target", clock.target_ms, DURATION);
    match clock.run {
        Run::Running { due_ms, warn_ms, from_ms } => {
            vec![target, ("due time", due_ms, MS), ("warning time", warn_ms.unwrap_or(0), MS), ("first time", from_ms, MS)]
        }
        Run::Paused { left_ms, .. } => vec![target, ("time left", left_ms, DURATION)],
        Run::Broken { reopen_ms } => vec![target, ("time to reopen", reopen_ms.unwrap_or(0), DURATION)],
    }
}

fn of_place(place: &KeptPlace, arrivals: u64) -> Vec<Claim> {
    let own = [
        ("queue time", place.queued_at_ms, MS),
        ("target", place.target_ms, DURATION),
        ("priority", u64::from(place.priority), PRIORITY),
    ];
    of_key(place.key, arrivals).into_iter().chain(own).collect()
}

fn most(what: &'static str, length: usize, most: usize) -> Claim {
    (what, length as u64, Span(0, most as u64))
}
