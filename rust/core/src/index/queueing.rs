//! Waiting contacts as agents look for them: by queue, channel and needs, in key order.
//!
//! Everything is a number here: names are looked up once, when a contact joins or an agent is declared.

use std::collections::BTreeMap;

use super::numbers::Numbers;
use super::Who;
use crate::lines::{Band, Choice, Lines, Need, Staff};
use crate::state::{Agent, Contact};
use crate::words::{Id, Key, Name, Requirement};

/// Where a contact stands: place and line.
type Stand = (u32, u32);

#[derive(Debug, Clone)]
struct Standing {
    id: Id,
    key: Key,
    /// Whoever has room for it, and the skills, may have it.
    open: bool,
    /// In its queue, and in those that a plan has added.
    first: Stand,
    more: Box<[Stand]>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Queueing {
    queues: Numbers,
    channels: Numbers,
    /// By queue and channel; `None`: nobody has come there.
    places: Vec<Vec<Option<u32>>>,
    lines: Vec<Lines>,
    skills: Numbers,
    /// Contacts by slot.
    standing: Vec<Option<Standing>>,
    /// What agents are able to do, and where each may ask: the place of every membership and channel of its own, in their order.
    staff: Staff,
    doors: Vec<Box<[u32]>>,
    /// Of the contact that is looked at, to save an allocation.
    needs: Vec<Need>,
    /// Who joined since it is asked for.
    newcomers: Option<Vec<(Key, Id)>>,
    waiting: usize,
    /// Contacts that stand in several places.
    spread: usize,
}

impl Queueing {
    /// The contact waits in its queues.
    pub(crate) fn join(&mut self, Who { id, slot }: Who, contact: &Contact) {
        self.waiting += 1;
        if let Some(newcomers) = &mut self.newcomers {
            newcomers.push((contact.key, id));
        }
        let mut needs = std::mem::take(&mut self.needs);
        self.number(&contact.requirements, &mut needs);
        let mut stands = contact.queues().map(|queue| {
            let place = self.place(queue, &contact.channel);
            (place, self.lines[place as usize].join(&needs, contact.key, slot))
        });
        let first = stands.next();
        let more: Vec<Stand> = stands.collect();
        self.spread += usize::from(!more.is_empty());
        self.needs = needs;
        if self.standing.len() <= slot as usize {
            self.standing.resize(slot as usize + 1, None);
        }
        self.standing[slot as usize] =
            first.map(|first| Standing { id, key: contact.key, open: contact.is_open(), first, more: more.into() });
    }

    pub(crate) fn part(&mut self, slot: u32) {
        let Some(standing) = self.standing.get_mut(slot as usize).and_then(Option::take) else { return };
        self.waiting -= 1;
        self.spread -= usize::from(!standing.more.is_empty());
        for (place, line) in standing.more.iter().copied().chain([standing.first]) {
            self.lines[place as usize].part(line, standing.key);
        }
    }

    /// How many names of queues, channels and skills have a number, whether anybody has to do with them or not.
    pub(crate) fn names(&self) -> usize {
        self.queues.len() + self.channels.len() + self.skills.len()
    }

    /// Of nobody and nothing.
    pub(crate) fn emptied(&self) -> Self {
        Self { newcomers: self.newcomers.as_ref().map(|_| Vec::new()), ..Self::default() }
    }

    /// Somebody waits in several queues.
    pub(crate) fn any_spread(&self) -> bool {
        self.spread > 0
    }

    /// Nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// From now on it is noted who joins.
    pub(crate) fn watch(&mut self) {
        self.newcomers = Some(Vec::new());
    }

    /// Who joined since the last call, while it is noted.
    pub(crate) fn newcomers(&mut self) -> impl Iterator<Item = (Key, Id)> + '_ {
        self.newcomers.iter_mut().flat_map(|newcomers| newcomers.drain(..))
    }

    /// Nobody asks any more.
    pub(crate) fn unwatch(&mut self) {
        self.newcomers = None;
    }

    /// The agent in `slot` is declared, for the first time or anew.
    pub(crate) fn declare(&mut self, slot: u32, agent: &Agent) {
        let mut skills: Vec<Need> = agent.skills.iter().map(|(skill, level)| (self.skills.of(skill), *level)).collect();
        skills.sort_unstable();
        self.staff.declare(slot, &skills);
        let mut doors = Vec::with_capacity(agent.memberships.len() * agent.channels.len());
        for queue in agent.memberships.keys() {
            for channel in agent.channels.keys() {
                doors.push(self.place(queue, channel));
            }
        }
        if self.doors.len() <= slot as usize {
            self.doors.resize(slot as usize + 1, Box::default());
        }
        self.doors[slot as usize] = doors.into();
    }

    /// Look at what is known of the agent in `slot`: its first door, and its skills.
    pub(crate) fn glance(&self, slot: u32) -> (Option<u32>, u8) {
        (self.doors.get(slot as usize).and_then(|doors| doors.first().copied()), self.staff.of(slot).level(0))
    }

    /// The agent in `slot` is gone.
    pub(crate) fn forget(&mut self, slot: u32) {
        if let Some(doors) = self.doors.get_mut(slot as usize) {
            *doors = Box::default();
        }
    }

    /// Look for the two best contacts among those behind one door of the agent in `slot`, and those found behind others: the least rank, then the least
    /// key. The door of a membership and a channel is `membership * channels + channel`; `rank` is that of the queue, `band` says which contacts are
    /// looked at, and `takes` whether the agent may have one (None: any).
    pub(crate) fn best(
        &self,
        (slot, door): (u32, usize),
        (rank, band): (u8, Band),
        takes: Option<&dyn Fn(u32) -> bool>,
        best: &mut [Option<Choice>; 2],
    ) {
        if let Some(place) = self.doors.get(slot as usize).and_then(|doors| doors.get(door)) {
            let takes = |contact| takes.is_none_or(|takes| takes(contact));
            self.lines[*place as usize].best(self.staff.of(slot), (rank, band), takes, best);
        }
    }

    /// Who waits there, and with which key.
    pub(crate) fn standing(&self, slot: u32) -> Option<(Id, Key)> {
        self.standing.get(slot as usize)?.as_ref().map(|standing| (standing.id, standing.key))
    }

    /// Whoever has room for the contact that waits there, and the skills, may have it.
    pub(crate) fn is_open(&self, slot: u32) -> bool {
        self.standing.get(slot as usize).and_then(Option::as_ref).is_some_and(|standing| standing.open)
    }

    /// The number of a queue and a channel.
    fn place(&mut self, queue: &Name, channel: &Name) -> u32 {
        let (queue, channel) = (self.queues.of(queue) as usize, self.channels.of(channel) as usize);
        if self.places.len() <= queue {
            self.places.resize(queue + 1, Vec::new());
        }
        let places = &mut self.places[queue];
        if places.len() <= channel {
            places.resize(channel + 1, None);
        }
        *places[channel].get_or_insert_with(|| {
            self.lines.push(Lines::default());
            u32::try_from(self.lines.len() - 1).unwrap_or_else(|_| unreachable!("more than four thousand million"))
        })
    }

    /// Requirements as numbers, in their order.
    fn number(&mut self, requirements: &[Requirement], needs: &mut Vec<Need>) {
        needs.clear();
        needs.extend(requirements.iter().map(|need| (self.skills.of(&need.skill), need.level)));
        needs.sort_unstable();
        // No word forbids that a skill stands there twice: then both levels are needed, which is the higher one.
        needs.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 = if same { next.1 } else { kept.1 };
            same
        });
    }
}

/// The same contacts with the same keys in as many queues.
impl PartialEq for Queueing {
    fn eq(&self, other: &Self) -> bool {
        let keys = |queueing: &Self| -> BTreeMap<Id, (Key, usize)> {
            let standing = queueing.standing.iter().flatten();
            standing.map(|standing| (standing.id, (standing.key, standing.more.len()))).collect()
        };
        keys(self) == keys(other)
    }
}

impl Eq for Queueing {}
