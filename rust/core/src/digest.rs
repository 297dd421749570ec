//! The hash of the logical state: equal for equal states, however they were reached, and at the cost of what changed since the last one.
//!
//! BLAKE3 over, in the order of the fields of `State`, each as it stands in a snapshot, except that
//! - a table (contacts, agents, effects, and by customer: places, matters) counts with its length and the sum of its entries' hashes, that of (key, value) taken as four
//!   numbers that are added lane by lane, modulo 2^64: XXH3 in 128 bits, high half first, and two zeros; up to level 3 BLAKE3, big-endian;
//! - a memory (facts, gone) counts with how many it forgot, how many it knows, and its running digest (see there);
//! - what only some sites have (pace, doors, promises and those held, clocks of SLA promises, open choices of next steps) counts if there is any.

use serde::Serialize;

use crate::memory::{Memory, Recollection};
use crate::places::Spread;
use crate::state::State;
use crate::summed::{Leaves, Summed};
use crate::words::Digest;

impl State {
    /// BLAKE3 of the logical state.
    pub(crate) fn digest(&self) -> Digest {
        // No `..`: a new field must be in the hash.
        let Self {
            site,
            seq,
            epoch,
            stepped_down,
            at_ms,
            turn_ms,
            looked_ms,
            fact_ms,
            consumed,
            continued,
            arrivals,
            policy,
            contacts,
            agents,
            effects,
            facts,
            gone,
            sweep,
            day_ms,
            cursors,
            modes,
            places,
            matters,
            levels,
            pace,
            doors,
            promises,
            planned,
            hours,
            slas,
            choices,
            held,
        } = self;
        let leaves = self.leaves();
        let mut bytes = Bytes(Vec::new());
        bytes.add(&(site, seq, epoch, stepped_down, at_ms, turn_ms, looked_ms, fact_ms, consumed, continued, arrivals, policy));
        bytes.add_table(contacts, leaves);
        bytes.add_table(agents, leaves);
        bytes.add_table(effects, leaves);
        bytes.add_memory(facts);
        bytes.add_memory(gone);
        bytes.add(&(sweep, day_ms, cursors, modes));
        bytes.add_table(places.known(), leaves);
        bytes.add_table(matters.known(), leaves);
        if levels.are_counted() {
            bytes.add(levels);
        }
        // Sites that do not ask have the hash that they always had.
        if !pace.is_empty() || !doors.is_empty() {
            bytes.add(&(pace, doors));
        }
        // A site without callbacks has the hash that it had before there were any.
        if promises.len() > 0 || !planned.is_empty() {
            bytes.add_table(promises, leaves);
            bytes.add(planned);
        }
        // Where no queue has a calendar, the hash is what it was before there were any.
        if !hours.is_empty() {
            bytes.add(hours);
        }
        if !slas.is_empty() {
            bytes.add_table(&slas.running, leaves);
            bytes.add_table(&slas.segments, leaves);
            bytes.add_table(slas.rested.known(), leaves);
        }
        if choices.len() > 0 {
            bytes.add_table(choices, leaves);
        }
        if held.len() > 0 {
            bytes.add_table(held, leaves);
        }
        Digest(*blake3::hash(&bytes.0).as_bytes())
    }

    /// Hash what was touched, so that the next digest need not.
    pub(crate) fn settle_digest(&mut self) {
        let leaves = self.leaves();
        self.contacts.settle(leaves);
        self.agents.settle(leaves);
        self.effects.settle(leaves);
        self.places.known_mut().settle(leaves);
        self.matters.known_mut().settle(leaves);
        self.promises.settle(leaves);
        self.held.settle(leaves);
        self.slas.settle(leaves);
        self.choices.settle(leaves);
    }

    /// How the entries of tables are hashed at the level in force.
    fn leaves(&self) -> Leaves {
        if self.levels.is(4) {
            Leaves::Xxh3
        } else {
            Leaves::Blake3
        }
    }
}

struct Bytes(Vec<u8>);

impl Bytes {
    fn add<T: Serialize>(&mut self, value: &T) {
        // Writing plain data into memory cannot fail.
        rmp_serde::encode::write(&mut self.0, value).unwrap_or_else(|error| unreachable!("the state serialises: {error}"));
    }

    fn add_table<K: Spread + Copy + Serialize, V: Serialize>(&mut self, table: &Summed<K, V>, leaves: Leaves) {
        self.add(&(table.len(), table.sum(leaves)));
    }

    fn add_memory<T: Recollection>(&mut self, memory: &Memory<T>) {
        self.add(&(memory.forgotten(), memory.len(), memory.digest()));
    }
}
