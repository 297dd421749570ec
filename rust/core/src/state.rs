//! The logical state of a site: everything a journal says, and nothing that can be derived from it.
//!
//! Serialised as it stands, it is the snapshot. Every map is written in the order of its keys, so equal states have equal bytes. Its hash
//! is the state hash (`digest`).

mod agent;
mod contact;
mod door;
mod next_step;
mod promise;
mod today;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::customers::{Customers, KeptPlace, Recurrence};
use crate::levels::Levels;
use crate::memory::Memory;
use crate::pace::Pace;
use crate::places::seed_of;
use crate::slas::SlaClocks;
use crate::summed::Summed;
use crate::words::{Consumed, Digest, Id, Key, Name, QueueMode};

pub(crate) use agent::{Agent, Enabled, Outside, Work, WorkPhase};
pub(crate) use contact::{Contact, Exclusion, OfferEnd, PastOffer, Phase, RECENT_OFFERS};
pub(crate) use door::Door;
pub(crate) use next_step::{Choice, CHOOSING_MAX};
pub(crate) use promise::{Held, Promise, PromiseStage};
pub(crate) use today::Today;

/// What an agent can have in hand at most, whatever it costs: all that one agent causes at once must fit into a commit.
pub(crate) const WORK_MAX: usize = 500;

/// How much work from elsewhere an agent can have at once.
pub(crate) const OUTSIDE_MAX: usize = 100;

/// One site after its last commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) site: Name,
    pub(crate) seq: u64,
    pub(crate) epoch: u64,
    /// The router of this epoch stepped down: only a take-over can follow.
    pub(crate) stepped_down: bool,
    /// Time of the last commit.
    pub(crate) at_ms: u64,
    /// Time of the last commit that was a turn (a take-over or a step-down is none): what silence is measured from.
    pub(crate) turn_ms: u64,
    /// Waiting contacts have looked for an agent at every moment up to this one that asked for it.
    pub(crate) looked_ms: u64,
    /// Time of the last frame.
    pub(crate) fact_ms: u64,
    pub(crate) consumed: Option<Consumed>,
    /// The last commit was cut: its turn is not finished.
    pub(crate) continued: bool,
    /// Arrivals so far: the last part of every key.
    pub(crate) arrivals: u64,
    pub(crate) policy: Option<PolicyInForce>,
    pub(crate) contacts: Summed<Id, Contact>,
    pub(crate) agents: Summed<Id, Agent>,
    /// What is to happen outside, open or failed, by the place of its `EffectRequested`.
    pub(crate) effects: Summed<Place, Effect>,
    /// Facts that had a verdict: where it stands.
    pub(crate) facts: Memory<Place>,
    /// Contacts that have ended.
    pub(crate) gone: Memory<()>,
    pub(crate) sweep: Option<Sweep>,
    /// Days up to this instant have turned.
    pub(crate) day_ms: u64,
    /// Who was last chosen in a queue, whatever its strategy.
    pub(crate) cursors: BTreeMap<Name, Id>,
    /// Queues that are not open.
    pub(crate) modes: BTreeMap<Name, Closed>,
    /// Places of customers who left without an answer, by channel.
    pub(crate) places: Customers<KeptPlace>,
    /// How often customers came of late, by topic.
    pub(crate) matters: Customers<Recurrence>,
    #[serde(default)] // snapshots of level 2 have none
    pub(crate) levels: Levels,
    /// How fast queues serve, as far as the policy asks.
    #[serde(default)]
    pub(crate) pace: Pace,
    /// What customers are shown of entry points, as far as the policy asks.
    #[serde(default)]
    pub(crate) doors: BTreeMap<Name, Door>,
    /// What customers were promised, by contact.
    #[serde(default = "Summed::new")] // nor have earlier ones of level 3 any of these
    pub(crate) promises: Summed<Id, Promise>,
    /// Places of slots that were planned, by queue.
    #[serde(default)]
    pub(crate) planned: BTreeMap<Name, Planned>,
    /// Queues with a calendar.
    #[serde(default)] // of level 3, but younger than the first snapshots of it
    pub(crate) hours: BTreeMap<Name, Hours>,
    #[serde(default)] // snapshots from before there were SLAs have none
    pub(crate) slas: SlaClocks,
    /// What customers may do where nobody can help, by contact.
    #[serde(default = "Summed::new")] // nor have earlier ones any of these
    pub(crate) choices: Summed<Id, Choice>,
    /// Promises that are held because their customer is here, by promised contact.
    #[serde(default = "Summed::new")] // younger than the clocks
    pub(crate) held: Summed<Id, Held>,
}

impl State {
    pub(crate) fn new(site: Name) -> Self {
        Self {
            site,
            seq: 0,
            epoch: 0,
            stepped_down: false,
            at_ms: 0,
            turn_ms: 0,
            looked_ms: 0,
            fact_ms: 0,
            consumed: None,
            continued: false,
            arrivals: 0,
            policy: None,
            contacts: Summed::new(),
            agents: Summed::new(),
            effects: Summed::new(),
            facts: Memory::default(),
            gone: Memory::default(),
            sweep: None,
            day_ms: 0,
            cursors: BTreeMap::new(),
            modes: BTreeMap::new(),
            places: Customers::default(),
            matters: Customers::default(),
            levels: Levels::default(),
            pace: Pace::default(),
            doors: BTreeMap::new(),
            promises: Summed::new(),
            planned: BTreeMap::new(),
            hours: BTreeMap::new(),
            slas: SlaClocks::default(),
            choices: Summed::new(),
            held: Summed::new(),
        }
    }
}

/// How ids are looked for: derived, and nothing depends on it but speed.
impl State {
    /// None (0) before the first take-over.
    pub(crate) fn seed(&self) -> u64 {
        self.consumed.map_or(0, |consumed| seed_of(consumed.inbox_id))
    }

    pub(crate) fn seed_tables(&mut self, seed: u64) {
        self.contacts.seed(seed);
        self.agents.seed(seed);
        self.effects.seed(seed);
        self.facts.seed(seed);
        self.gone.seed(seed);
        self.places.seed(seed);
        self.matters.seed(seed);
        self.promises.seed(seed);
        self.held.seed(seed);
        self.slas.seed(seed);
        self.choices.seed(seed);
    }
}

/// Where an entry stands in the journal: the commit, and which of its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) entry: u64,
}

/// The policy as it was published; its decoded form stands in the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyInForce {
    pub(crate) version: u64,
    pub(crate) digest: Digest,
    #[serde(with = "serde_bytes")]
    pub(crate) bytes: Vec<u8>,
}

/// How many promises fit into slots, by their number; all are of one length.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) slot_ms: u64,
    pub(crate) capacities: BTreeMap<u64, u32>,
}

/// All waiting contacts look for an agent again; those up to `after` have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sweep {
    pub(crate) after: Option<Key>,
}

/// A queue that takes no new contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closed {
    pub(crate) mode: QueueMode,
    /// When those who still wait then are moved on; None: they were.
    pub(crate) close_at_ms: Option<u64>,
}

/// Whether a queue is open by its calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hours {
    pub(crate) open: bool,
    /// When customers who still wait then are moved on.
    pub(crate) close_at_ms: Option<u64>,
    /// When it opens or closes next.
    pub(crate) next_ms: Option<u64>,
}

/// Something that is to happen outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effect {
    pub(crate) contact: Id,
    pub(crate) agent: Id,
    pub(crate) channel: Name,
    pub(crate) kind: Name,
    pub(crate) message: Id,
    /// The message's place in its contact's conversation.
    pub(crate) ordinal: u64,
    /// How often it was begun, every attempt of a worker in one.
    pub(crate) round: u64,
    /// A dead letter: nothing more happens unless somebody asks.
    pub(crate) failed: bool,
}
