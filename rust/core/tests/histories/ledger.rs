//! What the outside knows of a site: enough to say something that fits, or nearly fits.

use std::collections::{BTreeMap, BTreeSet};

use cordboard_core::codec;
use cordboard_core::words::{
    AgentChannel, AgentDeclared, AgentRetired, ArrivalAuthor, Author, ChannelSwitched, ConnectionFailed, ContactAbandoned,
    ContactArrived, ContactConnected, ContactEndRequested, CustomerErasureRequested, EffectDiscardRequested, EffectDone,
    EffectFailed, EffectFailure, EffectOutcome, EffectRetryRequested, EngagementEndRequested, Entry, Event, Fact, ForcedPresence,
    Id, Leg, Membership, MessagePosted, Name, NextStep, OfferAnswered, ParkEndRequested, ParkKind, ParkRequested, PickRequested,
    PolicyPublished, Presence, PresenceForced, PresenceRequested, PriorityRequested, ReclassificationRequested, RequestedEnd,
    RequeueRequested, Requirement, Role, Skill, TransferRequested, WrapUpEndRequested, WrapUpExtensionRequested,
};

use crate::callbacks::{asked, Ask, Known};
use crate::hall::called;
use crate::site::{
    id, name, plain_arrival, published, requirement, CHANNELS, DISPOSITIONS, ENTRY_POINTS, QUEUES, REASONS, SKILLS, TOPICS,
};
use crate::slas::SEGMENTS;
use crate::staff::reported;
use crate::talk::{spoken, Talk};
use crate::wishes::{About, Aim, Order, Said, Skew, Wish};

const AGENT: u8 = 0xa0;
const CONTACT: u8 = 0xc0;
const FACT: u8 = 0xf0;
const VAULT: u8 = 0xe0;
const CUSTOMER: u8 = 0xb0;
/// So few that one customer has several contacts.
const CUSTOMERS: u64 = 3;

/// Where a contact stands; its agent and the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Queued,
    Offered,
    Connecting,
    Engaged,
    /// Its agent is the owner.
    Parked,
}

/// A contact, an agent and an attempt, or what comes near to that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) contact: Id,
    pub(crate) agent: Id,
    pub(crate) attempt: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    live: BTreeMap<Id, (Stage, Target)>,
    /// Who answers for an engaged contact, whoever else was asked in last.
    primary: BTreeMap<Id, Target>,
    held: BTreeSet<Id>,
    gone: Vec<Id>,
    wrapping: BTreeSet<(Id, Id)>,
    effects: BTreeSet<(u64, u64)>,
    said: Vec<Vec<u8>>,
    /// Who was promised a call.
    promised: BTreeSet<Id>,
    /// Who was offered next steps.
    choosing: BTreeMap<Id, Vec<NextStep>>,
    /// The last one of them who came in before.
    returned: Option<Id>,
    arrivals: u64,
    version: u64,
    now_ms: u64,
}

pub(crate) fn agent(number: u8) -> Id {
    id(AGENT, u64::from(number))
}

impl Ledger {
    /// An event of the journal, which stands at `place`.
    pub(crate) fn note(&mut self, place: (u64, u64), entry: &Entry, event: &Event) {
        if let Event::ContactQueued(event) = event {
            self.now_ms = self.now_ms.max(event.at_ms);
        }
        match event {
            Event::PolicyAdopted(event) => self.version = event.version,
            Event::EffectRequested(_) => {
                self.effects.insert(place);
            }
            Event::EffectEnded(event) if event.outcome != EffectOutcome::Failed => {
                self.effects.remove(&(event.effect_seq, event.effect_entry));
            }
            _ => {}
        }
        let Some(contact) = entry.contact else { return };
        let target = |attempt| Target { contact, agent: entry.agent.unwrap_or(agent(0)), attempt };
        match event {
            Event::ContactQueued(_) | Event::OfferDeclined(_) | Event::OfferRevoked(_) => self.set(Stage::Queued, target(1)),
            Event::OfferExpired(event) => self.set(Stage::Queued, target(event.attempt)),
            Event::ConnectExpired(event) => self.set(Stage::Queued, target(event.attempt)),
            Event::ConnectFailed(event) => self.set(Stage::Queued, target(event.attempt)),
            Event::OfferMade(event) => self.set(Stage::Offered, target(event.attempt)),
            Event::OfferAccepted(event) => self.set(Stage::Connecting, target(event.attempt)),
            Event::EngagementStarted(event) => {
                if event.role == Role::Primary {
                    self.primary.insert(contact, target(event.attempt));
                }
                self.set(Stage::Engaged, target(event.attempt));
            }
            Event::EngagementHeld(_) => {
                self.held.insert(contact);
            }
            Event::EngagementResumed(_) => {
                self.held.remove(&contact);
            }
            Event::RoleChanged(event) if event.role == Role::Primary => {
                self.primary.insert(contact, target(event.attempt));
            }
            Event::EngagementEnded(event) if event.role != Role::Primary => {
                if let Some(primary) = self.primary.get(&contact).copied() {
                    self.set(Stage::Engaged, primary);
                }
            }
            Event::EngagementEnded(event) if event.wrap_until_ms.is_some() => {
                self.wrapping.insert((target(1).agent, contact));
            }
            Event::WrapUpEnded(_) => {
                self.wrapping.remove(&(target(1).agent, contact));
            }
            Event::ContactParked(_) => self.set(Stage::Parked, target(1)),
            Event::AttemptRecorded(_) => {
                self.live.remove(&contact);
            }
            Event::PromiseHeld(event) => {
                self.live.remove(&contact);
                self.returned = Some(event.returned);
            }
            Event::PromiseMade(_) => {
                self.promised.insert(contact);
            }
            Event::PromiseEnded(_) => {
                self.promised.remove(&contact);
            }
            Event::NextStepOffered(event) => {
                self.choosing.insert(contact, event.choices.clone());
            }
            Event::NextStepTaken(_) => {
                self.choosing.remove(&contact);
            }
            Event::ContactEnded(_) => {
                self.live.remove(&contact);
                self.gone.push(contact);
            }
            _ => {}
        }
    }

    fn set(&mut self, stage: Stage, target: Target) {
        self.live.insert(target.contact, (stage, target));
    }

    /// The bytes of a fact (or of none).
    pub(crate) fn say(&mut self, wish: &Wish) -> Vec<u8> {
        let fact_id = id(FACT, self.said.len() as u64);
        let bytes = match wish {
            Wish::Noise(bytes) => bytes.clone(),
            Wish::Again { back } => self.earlier(*back).map_or_else(Vec::new, <[u8]>::to_vec),
            Wish::Forged { back, agent: by } => {
                let earlier = self.earlier(*back).and_then(|bytes| codec::decode_fact(bytes).ok());
                let fact_id = earlier.map_or(fact_id, |fact| fact.fact_id());
                codec::encode_fact(&presence(fact_id, *by, 1, None))
            }
            Wish::Progress { pick, slowly } => match self.returned.take().filter(|_| *slowly) {
                // Who came in before the call that was promised leaves again, now and then: there is little time.
                Some(contact) => codec::encode_fact(&ContactAbandoned { fact_id, contact }.into()),
                None => codec::encode_fact(&self.fact(fact_id, &self.next(*pick, *slowly))),
            },
            wish => codec::encode_fact(&self.fact(fact_id, wish)),
        };
        self.said.push(bytes.clone());
        bytes
    }

    fn earlier(&self, back: u8) -> Option<&[u8]> {
        let place = self.said.len().checked_sub(1 + usize::from(back) % 40)?;
        self.said.get(place).map(Vec::as_slice)
    }

    /// What would come next for one of the contacts and wrap-ups.
    fn next(&self, pick: u8, slowly: bool) -> Wish {
        let all = self.live.len() + self.wrapping.len();
        let asked = self.live.iter().position(|(contact, (stage, last))| {
            *stage != Stage::Queued && self.primary.get(contact).is_some_and(|by| by.agent != last.agent)
        });
        let dialled = self.live.iter().position(|(id, (stage, _))| *stage == Stage::Connecting && self.promised.contains(id));
        // Who was asked in goes first, now and then, and so does who is being dialled: there is little time.
        let place = asked.or(dialled).filter(|_| pick.is_multiple_of(2)).unwrap_or(usize::from(pick) % all.max(1));
        let Some((contact, (stage, _))) = self.live.iter().nth(place) else {
            let aim = Aim { pick, skew: Skew::Fits };
            return if slowly { Wish::Extend { aim, extra_ms: 500 } } else { Wish::WrapUp { aim, disposition: Some(0) } };
        };
        let rank = self.live.range(..contact).filter(|(_, (at, _))| at == stage).count();
        let aim = Aim { pick: u8::try_from(rank).unwrap_or(0), skew: Skew::Fits };
        match stage {
            Stage::Queued if slowly => Wish::Presence { agent: pick % 4, presence: 1, reason: None },
            Stage::Queued => Wish::Say { aim, author: Author::Customer },
            Stage::Offered => Wish::Answer { aim, accepted: true },
            Stage::Connecting if slowly && self.promised.contains(contact) => {
                Wish::Ask { aim, ask: Ask::Attempt { outcome: pick, ring_ms: 5_000 } }
            }
            Stage::Connecting => Wish::Connect { aim },
            Stage::Engaged if pick % 3 != 1 => Wish::Talk { aim, talk: self.next_talk(*contact, pick) },
            Stage::Engaged if slowly => Wish::Say { aim, author: Author::Agent },
            Stage::Engaged => Wish::Complete { aim, disposition: None },
            Stage::Parked => Wish::Unpark { aim, by_owner: slowly },
        }
    }

    /// Who was asked in is made something else; who was put on hold is taken off.
    fn next_talk(&self, contact: Id, pick: u8) -> Talk {
        let beside = self.primary.get(&contact).zip(self.live.get(&contact)).is_some_and(|(by, (_, last))| by.agent != last.agent);
        let even = pick.is_multiple_of(2);
        match pick / 3 % 3 {
            _ if beside => Talk::Make { other: 0, primary: pick % 4 < 2 },
            0 | 1 => Talk::Ask { other: pick / 9 % 5, confer: even },
            _ => Talk::Hold(!self.held.contains(&contact)),
        }
    }

    fn fact(&mut self, fact_id: Id, wish: &Wish) -> Fact {
        match wish {
            Wish::Declare { .. } | Wish::Retire { .. } | Wish::Presence { .. } | Wish::Switch { .. } => of_agent(fact_id, wish),
            Wish::Report(duty) => reported(fact_id, duty),
            Wish::Call(call) => called(fact_id, call),
            Wish::Ask { aim, ask } => {
                self.arrivals += 1;
                asked(fact_id, &self.known(*aim), ask)
            }
            Wish::Talk { aim, talk } => {
                let Target { contact, agent, .. } = self.one(*aim, Stage::Engaged);
                let by = self.primary.get(&contact).map_or(agent, |primary| primary.agent);
                spoken(fact_id, contact, by, (by != agent).then_some(agent), *talk)
            }
            Wish::Publish { shape, wrong } => {
                PolicyPublished { fact_id, policy: published(self.version + 1, shape, *wrong) }.into()
            }
            Wish::Arrive { reused, channel, queue, needs, priority, preferred, about } => {
                self.arrivals += 1;
                let contact = reused.map_or(id(CONTACT, self.arrivals), |pick| id(CONTACT, u64::from(pick) % self.arrivals));
                let (channel, queue) = (word(&CHANNELS, *channel), word(&QUEUES, *queue));
                let arrival = ContactArrived {
                    requirements: requirements(needs),
                    priority: *priority,
                    customer: Some(id(CUSTOMER, self.arrivals % CUSTOMERS)),
                    preferred: preferred.iter().copied().map(agent).collect(),
                    ..plain_arrival(fact_id, contact, &channel, &queue)
                };
                self.of_matter(arrival, about).into()
            }
            Wish::Effect { pick, wrong, said } => self.of_effect(fact_id, *pick, *wrong, *said),
            Wish::Erase { customer } => {
                CustomerErasureRequested { fact_id, customer: id(CUSTOMER, u64::from(*customer) % (CUSTOMERS + 1)) }.into()
            }
            wish => self.of_contact(fact_id, wish),
        }
    }

    /// The arrival with what it says of its case.
    fn of_matter(&self, arrival: ContactArrived, about: &About) -> ContactArrived {
        ContactArrived {
            case: about.case.map(|(pick, skew)| self.any(Aim { pick, skew }).contact),
            message: about.message.then_some(id(VAULT, self.arrivals)),
            author: if about.by_system { ArrivalAuthor::System } else { ArrivalAuthor::Customer },
            reopens: about.reopens,
            entry_point: about.entry_point.map(|index| word(&ENTRY_POINTS, index)),
            topic: about.topic.map(|index| word(&TOPICS, index)),
            rule: about.case.map(|_| name("a-rule")),
            language: about.message.then(|| name("nl")),
            ticket: about.message,
            segment: SEGMENTS.get(usize::try_from(self.arrivals % 3).unwrap_or(0)).copied().map(name),
            ..arrival
        }
    }

    fn of_effect(&self, fact_id: Id, pick: u8, wrong: bool, said: Said) -> Fact {
        let known = self.effects.iter().nth(usize::from(pick) % self.effects.len().max(1)).filter(|_| !wrong);
        let (seq, entry) = known.copied().unwrap_or((1 << 40, u64::from(pick)));
        match said {
            Said::Done => EffectDone { fact_id, seq, entry }.into(),
            Said::Failed => EffectFailed { fact_id, seq, entry, reason: EffectFailure::Unreachable }.into(),
            Said::Retry => EffectRetryRequested { fact_id, seq, entry }.into(),
            Said::Discard => EffectDiscardRequested { fact_id, seq, entry }.into(),
        }
    }

    fn of_contact(&self, fact_id: Id, wish: &Wish) -> Fact {
        let outcome = |index: &Option<u8>| index.map(|index| word(&DISPOSITIONS, index));
        match wish {
            Wish::End { aim, reason } => {
                let reasons = [RequestedEnd::Cancelled, RequestedEnd::Failed, RequestedEnd::Completed];
                let reason = reasons[usize::from(*reason) % 3];
                ContactEndRequested { fact_id, contact: self.any(*aim).contact, reason }.into()
            }
            Wish::Transfer { aim, queue, by_agent, needs, to } => {
                let Target { contact, agent, .. } = if *by_agent { self.one(*aim, Stage::Engaged) } else { self.any(*aim) };
                let requirements = needs.as_ref().map(|needs| requirements(needs));
                let queue = word(&QUEUES, *queue);
                TransferRequested {
                    fact_id,
                    contact,
                    queue,
                    agent: by_agent.then_some(agent),
                    requirements,
                    to_agent: to.map(self::agent),
                    by: None,
                    reason: None,
                }
                .into()
            }
            Wish::Supervise { aim, order, reason } => self.of_supervisor(fact_id, *aim, *order, *reason),
            Wish::Unconnected { aim, leg } => {
                let Target { contact, agent, attempt } = self.one(*aim, Stage::Connecting);
                let leg = [Leg::AgentLeg, Leg::CustomerLeg, Leg::Platform][usize::from(*leg) % 3];
                ConnectionFailed { fact_id, contact, attempt, agent, leg }.into()
            }
            Wish::Answer { aim, accepted } => {
                let Target { contact, agent, attempt } = self.one(*aim, Stage::Offered);
                OfferAnswered { fact_id, contact, attempt, agent, accepted: *accepted, reason: None }.into()
            }
            Wish::Connect { aim } => {
                let Target { contact, agent, attempt } = self.one(*aim, Stage::Connecting);
                ContactConnected { fact_id, contact, attempt, agent }.into()
            }
            Wish::Say { aim, author } => {
                let by_agent = *author == Author::Agent;
                let Target { contact, agent, .. } = if by_agent { self.one(*aim, Stage::Engaged) } else { self.any(*aim) };
                MessagePosted { fact_id, contact, message: id(VAULT, 7), author: *author, agent: by_agent.then_some(agent) }.into()
            }
            Wish::Park { aim, kind, for_ms } => {
                let Target { contact, agent, .. } = self.one(*aim, Stage::Engaged);
                let kind = [ParkKind::Customer, ParkKind::ThirdParty, ParkKind::Snooze][usize::from(*kind) % 3];
                ParkRequested { fact_id, contact, agent, kind, for_ms: *for_ms, note: None }.into()
            }
            Wish::Unpark { aim, by_owner } => {
                let Target { contact, agent, .. } = self.one(*aim, Stage::Parked);
                ParkEndRequested { fact_id, contact, agent: by_owner.then_some(agent) }.into()
            }
            Wish::Reclassify { aim, topic, by_agent } => {
                let Target { contact, agent, .. } = if *by_agent { self.one(*aim, Stage::Engaged) } else { self.any(*aim) };
                let topic = word(&TOPICS, *topic);
                ReclassificationRequested { fact_id, contact, topic, agent: by_agent.then_some(agent) }.into()
            }
            Wish::Complete { aim, disposition } => {
                let Target { contact, agent, .. } = self.one(*aim, Stage::Engaged);
                EngagementEndRequested { fact_id, contact, agent, disposition: outcome(disposition), note: None }.into()
            }
            Wish::WrapUp { aim, disposition } => {
                let Target { contact, agent, .. } = self.wrap_up(*aim);
                WrapUpEndRequested { fact_id, contact, agent, disposition: outcome(disposition), note: Some(id(VAULT, 8)) }.into()
            }
            Wish::Extend { aim, extra_ms } => {
                let Target { contact, agent, .. } = self.wrap_up(*aim);
                WrapUpExtensionRequested { fact_id, contact, agent, extra_ms: *extra_ms }.into()
            }
            Wish::Abandon { aim } => ContactAbandoned { fact_id, contact: self.any(*aim).contact }.into(),
            other => unreachable!("{other:?} is not about a contact"),
        }
    }

    fn of_supervisor(&self, fact_id: Id, aim: Aim, order: Order, reason: Option<u8>) -> Fact {
        let (by, reason) = (Some(id(VAULT, 1)), reason.map(|index| word(&REASONS, index)));
        let contact = self.any(aim).contact;
        match order {
            Order::Pick { agent: to } => {
                let contact = self.one(aim, Stage::Queued).contact;
                PickRequested { fact_id, contact, agent: agent(to), by: None, reason }.into()
            }
            Order::Requeue => RequeueRequested { fact_id, contact, by, reason }.into(),
            Order::Priority(priority) => PriorityRequested { fact_id, contact, priority, by, reason }.into(),
            Order::Force { agent: whom, offline } => {
                let presence = if offline { ForcedPresence::Offline } else { ForcedPresence::NotReady };
                PresenceForced { fact_id, agent: agent(whom), presence, by, reason }.into()
            }
        }
    }

    /// Whom something that is said of callbacks may be about.
    fn known(&self, aim: Aim) -> Known {
        let promised = self.promised.iter().nth(usize::from(aim.pick) % self.promised.len().max(1));
        let dialled = self.live.iter().find(|(id, (stage, _))| *stage == Stage::Connecting && self.promised.contains(*id));
        let anybody = self.any(aim);
        let choosing = self.choosing.iter().nth(usize::from(aim.pick) % self.choosing.len().max(1));
        let target = choosing.map_or(anybody, |(contact, _)| Target { contact: *contact, ..anybody });
        Known {
            choosing: (self.spoil(target, aim).contact, choosing.map_or_else(Vec::new, |(_, steps)| steps.clone())),
            promised: self.spoil(promised.map_or(anybody, |contact| Target { contact: *contact, ..anybody }), aim),
            connecting: dialled.map_or(anybody, |(_, (_, target))| self.spoil(*target, aim)),
            waiting: self.one(aim, Stage::Queued),
            new: id(CONTACT, self.arrivals),
            number: self.arrivals,
            now_ms: self.now_ms,
        }
    }

    /// A contact in that stage, or something else if there is none.
    fn one(&self, aim: Aim, stage: Stage) -> Target {
        let fitting: Vec<Target> = self.live.values().filter(|(at, _)| *at == stage).map(|(_, target)| *target).collect();
        let found = fitting.get(usize::from(aim.pick) % fitting.len().max(1)).copied();
        self.spoil(found.unwrap_or_else(|| self.any(aim)), aim)
    }

    /// A contact in any stage.
    fn any(&self, aim: Aim) -> Target {
        let nobody = Target { contact: id(CONTACT, u64::MAX), agent: agent(aim.pick % 5), attempt: 1 };
        let found = self.live.values().nth(usize::from(aim.pick) % self.live.len().max(1)).map(|(_, target)| *target);
        self.spoil(found.unwrap_or(nobody), aim)
    }

    fn wrap_up(&self, aim: Aim) -> Target {
        let found = self.wrapping.iter().nth(usize::from(aim.pick) % self.wrapping.len().max(1));
        let target = found.map(|(agent, contact)| Target { contact: *contact, agent: *agent, attempt: 1 });
        self.spoil(target.unwrap_or_else(|| self.any(aim)), aim)
    }

    fn spoil(&self, target: Target, aim: Aim) -> Target {
        match aim.skew {
            Skew::Fits => target,
            Skew::OtherAgent => Target { agent: agent(aim.pick % 6), ..target },
            Skew::OtherAttempt => Target { attempt: 1 + u32::from(aim.pick) % 12, ..target },
            Skew::GoneContact => Target { contact: self.gone.last().copied().unwrap_or(target.contact), ..target },
            Skew::UnknownContact => Target { contact: id(CONTACT, u64::MAX), ..target },
        }
    }
}

fn of_agent(fact_id: Id, wish: &Wish) -> Fact {
    match wish {
        Wish::Declare { agent: number, skills, memberships, channels, capacity } => AgentDeclared {
            fact_id,
            agent: agent(*number),
            skills: skills.iter().map(|(skill, level)| Skill { skill: word(&SKILLS, *skill), level: *level }).collect(),
            memberships: memberships.iter().map(|(queue, rank)| Membership { queue: word(&QUEUES, *queue), rank: *rank }).collect(),
            channels: channels.iter().map(|(channel, limit)| enabled(*channel, *limit)).collect(),
            capacity: *capacity,
        }
        .into(),
        Wish::Retire { agent: number } => AgentRetired { fact_id, agent: agent(*number) }.into(),
        Wish::Presence { agent, presence: wanted, reason } => presence(fact_id, *agent, *wanted, *reason),
        Wish::Switch { agent: number, channel, on } => {
            ChannelSwitched { fact_id, agent: agent(*number), channel: word(&CHANNELS, *channel), on: *on }.into()
        }
        other => unreachable!("{other:?} is not about an agent"),
    }
}

/// A channel as the policy has it, or with limits of the agent's own.
fn enabled(channel: u8, limit: Option<u8>) -> AgentChannel {
    let (cost, max_concurrent) = (limit.map(|limit| 20 * u32::from(limit)), limit.map(u32::from));
    AgentChannel { channel: word(&CHANNELS, channel), cost, max_concurrent }
}

fn presence(fact_id: Id, number: u8, wanted: u8, reason: Option<u8>) -> Fact {
    let presence = [Presence::Offline, Presence::Ready, Presence::NotReady][usize::from(wanted) % 3];
    PresenceRequested { fact_id, agent: agent(number), presence, reason: reason.map(|index| word(&REASONS, index)) }.into()
}

fn requirements(needs: &[(u8, u8, bool)]) -> Vec<Requirement> {
    needs.iter().map(|(skill, level, hard)| requirement(usize::from(*skill), *level, *hard)).collect()
}

pub(crate) fn word(words: &[&str], index: u8) -> Name {
    name(words[usize::from(index) % words.len()])
}
