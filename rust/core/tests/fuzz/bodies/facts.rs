//! Facts about a small site, drawn from bytes: few agents, contacts and customers, so that they meet.

use cordboard_core::words::{
    AgentBusyReported, AgentChannel, AgentDeclared, AgentRetired, AgentScheduled, ArrivalAuthor, Author, BroadcastRequested,
    ChannelSwitched, ConnectionFailed, ConsultRequested, ContactAbandoned, ContactArrived, ContactConnected, ContactEndRequested,
    CustomerErasureRequested, DeskLost, DeskReturned, EffectDiscardRequested, EffectDone, EffectFailed, EffectFailure,
    EffectRetryRequested, EngagementEndRequested, Fact, ForcedPresence, HoldRequested, Id, Leg, Membership, MessagePosted, Name,
    OfferAnswered, ParkEndRequested, ParkKind, ParkRequested, PickRequested, Presence, PresenceForced, PresenceRequested,
    PriorityRequested, QueueMode, QueueModeRequested, ReclassificationRequested, RequestedEnd, RequestedRole, RequeueRequested,
    RoleRequested, SideRole, Skill, TransferRequested, WrapUpEndRequested, WrapUpExtensionRequested,
};

use super::bytes::Draw;
use super::promises;
use super::site::{id, name, requirement, word, CHANNELS, DISPOSITIONS, DOORS, QUEUES, REASONS, SKILLS, TOPICS};

pub(crate) const AGENTS: u64 = 5;
const CONTACTS: usize = 10;

/// What the journal said last: whom a contact was offered to, and which effects were asked for. And what time it is.
#[derive(Debug, Default, Clone)]
pub(crate) struct Heard {
    pub(crate) offers: Vec<(Id, u32, Id)>,
    pub(crate) effects: Vec<(u64, u64)>,
    pub(crate) now_ms: u64,
}

/// From this byte on it is about promises.
const PROMISES: u8 = 208;
/// What happens most stands here most.
const KINDS: [u8; 64] = [
    1, 1, 1, 1, 1, 1, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 13, 13, 13, 13, 11, 11, 8, 8, 8, 2, 2, 3, 4, 4, 9, 10, 12, 14, 14, 16,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 30, 31, 31, 32, 33, 34, 35, 36, 36, 37,
];

pub(super) fn agent(draw: &mut Draw<'_>) -> Id {
    id(2, u64::from(draw.byte()) % AGENTS)
}

pub(super) fn contact(draw: &mut Draw<'_>) -> Id {
    id(3, draw.below(CONTACTS) as u64)
}

pub(super) fn customer(draw: &mut Draw<'_>) -> Id {
    id(4, draw.below(3) as u64)
}

fn message(draw: &mut Draw<'_>) -> Id {
    id(5, u64::from(draw.byte()))
}

pub(super) fn reason(draw: &mut Draw<'_>) -> Option<Name> {
    draw.maybe(|draw| word(draw, &REASONS))
}

pub(super) fn nobody(draw: &mut Draw<'_>) -> Option<Id> {
    draw.maybe(|_| id(6, 1))
}

/// Mostly the last offer of a contact, to the agent who had it.
pub(super) fn offer(draw: &mut Draw<'_>, heard: &Heard) -> (Id, u32, Id) {
    let choice = draw.byte();
    match heard.offers.len().checked_sub(1 + usize::from(choice % 8)) {
        Some(place) if choice < 224 => heard.offers[place],
        Some(_) | None => (contact(draw), 1 + u32::from(draw.byte() % 4), agent(draw)),
    }
}

/// Mostly a contact that was offered, and the agent who had it.
fn pair(draw: &mut Draw<'_>, heard: &Heard) -> (Id, Id) {
    let (contact, _, agent) = offer(draw, heard);
    (contact, agent)
}

/// One that was asked for, or none.
fn effect(draw: &mut Draw<'_>, heard: &Heard) -> (u64, u64) {
    let place = draw.below(8);
    heard.effects.iter().rev().nth(place).copied().unwrap_or((place as u64, 1))
}

/// The fact that the bytes say, under this id.
pub(crate) fn fact(draw: &mut Draw<'_>, heard: &Heard, fact_id: Id) -> Fact {
    let choice = draw.byte();
    if choice >= PROMISES {
        return promises::fact(draw, heard, fact_id, promises::KINDS[usize::from(choice) % promises::KINDS.len()]);
    }
    let kind = KINDS[usize::from(choice) % KINDS.len()];
    match kind {
        1..=10 => of_contact(draw, heard, fact_id, kind),
        11..=14 | 28..=32 => of_agent(draw, fact_id, kind),
        16..=18 | 24..=27 | 35..=37 => of_work(draw, heard, fact_id, kind),
        _ => of_site(draw, heard, fact_id, kind),
    }
}

fn arrival(draw: &mut Draw<'_>, fact_id: Id) -> Fact {
    ContactArrived {
        fact_id,
        contact: contact(draw),
        channel: word(draw, &CHANNELS),
        queue: word(draw, &QUEUES),
        requirements: draw.several(3, requirement),
        priority: draw.pick(&[0, 0, 5, 100]),
        customer: draw.maybe(customer),
        preferred: draw.several(3, agent),
        entry_point: draw.maybe(|draw| word(draw, &DOORS)),
        topic: draw.maybe(|draw| word(draw, &TOPICS)),
        case: draw.maybe(contact),
        message: draw.maybe(message),
        author: draw.pick(&[ArrivalAuthor::Customer, ArrivalAuthor::System]),
        reopens: !draw.flag(),
        rule: None,
        language: None,
        accepts: draw.maybe(|_| name("en")).into_iter().collect(),
        ticket: draw.below(8) == 7,
        segment: draw.maybe(|_| name("gold")),
    }
    .into()
}

fn of_contact(draw: &mut Draw<'_>, heard: &Heard, fact_id: Id, kind: u8) -> Fact {
    match kind {
        1 => arrival(draw, fact_id),
        2 => ContactAbandoned { fact_id, contact: contact(draw) }.into(),
        3 => {
            let reason = draw.pick(&[RequestedEnd::Cancelled, RequestedEnd::Failed, RequestedEnd::Completed]);
            ContactEndRequested { fact_id, contact: contact(draw), reason }.into()
        }
        4 => {
            let (contact, sender) = pair(draw, heard);
            let requirements = draw.maybe(|draw| draw.several(3, requirement));
            let (queue, agent, to_agent) = (word(draw, &QUEUES), draw.maybe(|_| sender), draw.maybe(agent));
            TransferRequested { fact_id, contact, queue, agent, requirements, to_agent, by: nobody(draw), reason: reason(draw) }
                .into()
        }
        5 => {
            let (contact, attempt, agent) = offer(draw, heard);
            OfferAnswered { fact_id, contact, attempt, agent, accepted: draw.below(4) != 3, reason: reason(draw) }.into()
        }
        6 => {
            let (contact, attempt, agent) = offer(draw, heard);
            ContactConnected { fact_id, contact, attempt, agent }.into()
        }
        7 => {
            let (contact, agent) = pair(draw, heard);
            let author = draw.pick(&[Author::Agent, Author::Customer, Author::System]);
            let agent = (author == Author::Agent).then_some(agent);
            MessagePosted { fact_id, contact, message: message(draw), author, agent }.into()
        }
        8 | 9 => {
            let ((contact, agent), disposition) = (pair(draw, heard), draw.maybe(|draw| word(draw, &DISPOSITIONS)));
            if kind == 8 {
                EngagementEndRequested { fact_id, contact, agent, disposition, note: None }.into()
            } else {
                WrapUpEndRequested { fact_id, contact, agent, disposition, note: None }.into()
            }
        }
        _ => {
            let (contact, agent) = pair(draw, heard);
            WrapUpExtensionRequested { fact_id, contact, agent, extra_ms: u64::from(draw.byte()) * 500 }.into()
        }
    }
}

fn of_agent(draw: &mut Draw<'_>, fact_id: Id, kind: u8) -> Fact {
    let agent = agent(draw);
    match kind {
        11 => declaration(draw, fact_id, agent),
        12 => AgentRetired { fact_id, agent }.into(),
        13 => {
            let presence = draw.pick(&[Presence::Ready, Presence::Ready, Presence::NotReady, Presence::Offline]);
            let reason = (presence == Presence::NotReady).then(|| word(draw, &REASONS));
            PresenceRequested { fact_id, agent, presence, reason }.into()
        }
        14 => ChannelSwitched { fact_id, agent, channel: word(draw, &CHANNELS), on: draw.flag() }.into(),
        28 => {
            let presence = draw.pick(&[ForcedPresence::Offline, ForcedPresence::NotReady]);
            PresenceForced { fact_id, agent, presence, by: nobody(draw), reason: reason(draw) }.into()
        }
        29 => {
            let leaves_ms = draw.maybe(|draw| super::histories::START_MS + u64::from(draw.byte()) * 2_000);
            AgentScheduled { fact_id, agent, leaves_ms }.into()
        }
        30 => {
            let (channel, work) = (word(draw, &CHANNELS), id(7, draw.below(3) as u64));
            AgentBusyReported { fact_id, agent, channel, work, busy: draw.flag() }.into()
        }
        31 => DeskLost { fact_id, agent }.into(),
        _ => DeskReturned { fact_id, agent }.into(),
    }
}

fn declaration(draw: &mut Draw<'_>, fact_id: Id, agent: Id) -> Fact {
    let membership = |draw: &mut Draw<'_>| Membership { queue: word(draw, &QUEUES), rank: draw.pick(&[0, 0, 1, 2, 99]) };
    let channel = |draw: &mut Draw<'_>| AgentChannel {
        channel: word(draw, &CHANNELS),
        cost: draw.maybe(|draw| draw.pick(&[10, 0, 60])),
        max_concurrent: draw.maybe(|draw| draw.pick(&[2, 0, 9])),
    };
    AgentDeclared {
        fact_id,
        agent,
        skills: draw.several(4, |draw| Skill { skill: word(draw, &SKILLS), level: 1 + draw.byte() % 10 }),
        memberships: (0..=draw.below(3)).map(|_| membership(draw)).collect(),
        channels: (0..=draw.below(3)).map(|_| channel(draw)).collect(),
        capacity: draw.maybe(|draw| draw.pick(&[100, 10, 300, 0])),
    }
    .into()
}

fn of_work(draw: &mut Draw<'_>, heard: &Heard, fact_id: Id, kind: u8) -> Fact {
    let (contact, attempt, agent) = offer(draw, heard);
    match kind {
        16 => {
            let kind = draw.pick(&[ParkKind::Customer, ParkKind::ThirdParty, ParkKind::Snooze]);
            ParkRequested { fact_id, contact, agent, kind, for_ms: u64::from(draw.byte()) * 1_000, note: None }.into()
        }
        17 => ParkEndRequested { fact_id, contact, agent: draw.maybe(|_| agent) }.into(),
        18 => ReclassificationRequested { fact_id, contact, topic: word(draw, &TOPICS), agent: draw.maybe(|_| agent) }.into(),
        24 => {
            let leg = draw.pick(&[Leg::AgentLeg, Leg::CustomerLeg, Leg::Platform]);
            ConnectionFailed { fact_id, contact, attempt, agent, leg }.into()
        }
        25 => {
            let (contact, agent) = (self::contact(draw), self::agent(draw));
            PickRequested { fact_id, contact, agent, by: nobody(draw), reason: reason(draw) }.into()
        }
        26 => RequeueRequested { fact_id, contact, by: nobody(draw), reason: reason(draw) }.into(),
        27 => {
            let priority = draw.byte() % 101;
            PriorityRequested { fact_id, contact: self::contact(draw), priority, by: nobody(draw), reason: reason(draw) }.into()
        }
        35 => HoldRequested { fact_id, contact, agent, held: !draw.flag() }.into(),
        36 => {
            let role = draw.pick(&[SideRole::Consult, SideRole::Conference]);
            ConsultRequested { fact_id, contact, agent, to_agent: self::agent(draw), role }.into()
        }
        _ => {
            let role = draw.pick(&[RequestedRole::Conference, RequestedRole::Primary]);
            RoleRequested { fact_id, contact, agent, other: self::agent(draw), role }.into()
        }
    }
}

fn of_site(draw: &mut Draw<'_>, heard: &Heard, fact_id: Id, kind: u8) -> Fact {
    match kind {
        23 => CustomerErasureRequested { fact_id, customer: customer(draw) }.into(),
        33 => {
            let mode = draw.pick(&[QueueMode::Open, QueueMode::Open, QueueMode::Closed, QueueMode::Emergency]);
            QueueModeRequested { fact_id, queue: word(draw, &QUEUES), mode, by: nobody(draw), reason: reason(draw) }.into()
        }
        34 => {
            let (queue, message) = (word(draw, &QUEUES), message(draw));
            BroadcastRequested { fact_id, queue, message, by: nobody(draw), reason: reason(draw) }.into()
        }
        _ => {
            let (seq, entry) = effect(draw, heard);
            match kind {
                19 => EffectDone { fact_id, seq, entry }.into(),
                20 => EffectFailed { fact_id, seq, entry, reason: EffectFailure::Rejected }.into(),
                21 => EffectRetryRequested { fact_id, seq, entry }.into(),
                _ => EffectDiscardRequested { fact_id, seq, entry }.into(),
            }
        }
    }
}
