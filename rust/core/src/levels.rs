//! Levels: what `decide` means, a number in every commit (docs/adr/0003). A site stays at the level at which it began until a newer one is
//! adopted by a fact, so that builds of two releases can stand by for each other meanwhile.

use serde::{Deserialize, Serialize};

/// What `decide` means today; new sites begin with it.
///
/// 3 → 4: see the table of docs/adr/0003.
pub const LEVEL: u64 = 4;
/// The oldest level that is still decided: of those before it, commits are folded only.
pub const FIRST_DECIDED: u64 = 3;
/// The oldest level that can still be folded.
pub(crate) const FIRST_FOLDED: u64 = 1;
/// From this one on levels are adopted by an event. Those before rose with the build, so that their state hashes are of several builds, and are
/// not compared.
pub(crate) const FIRST_ADOPTED: u64 = 3;
/// The first tag of the facts that a level brought.
const FIRST_FACTS: [(u64, u64); 1] = [(4, 47)];

/// Which level is in force, and which could be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Levels {
    /// Of the next commit (0: there is none yet).
    pub(crate) in_force: u64,
    /// Adopted in the commit that is being made, in force with the next one (0: none).
    pub(crate) adopted: u64,
    /// The newest that the router of this epoch decides (0: it does not say).
    pub(crate) most: u64,
}

impl Levels {
    /// The newest that was adopted.
    pub(crate) fn newest(&self) -> u64 {
        self.in_force.max(self.adopted)
    }

    /// What is decided is what this level means, or a later one: `is(4)`.
    pub(crate) fn is(&self, level: u64) -> bool {
        self.in_force >= level
    }

    /// Does the level in force have this fact? Routers of earlier builds, which may stand by, cannot read it.
    pub(crate) fn have_fact(&self, tag: u64) -> bool {
        FIRST_FACTS.iter().all(|(level, first)| tag < *first || self.is(*level))
    }

    /// Does the state hash count levels?
    pub(crate) fn are_counted(&self) -> bool {
        self.in_force >= FIRST_ADOPTED
    }

    pub(crate) fn adopt(&mut self, level: u64) -> Result<(), String> {
        let newest = self.newest();
        if level <= newest {
            return Err(format!("level {level} is adopted where {newest} is in force"));
        }
        self.adopted = level;
        Ok(())
    }

    /// The next commit is of `level`. The first one brings its own; before levels were adopted, so did others.
    pub(crate) fn enter(&mut self, level: u64) -> Result<(), String> {
        let rises = level > self.in_force && (self.in_force == 0 || level < FIRST_ADOPTED);
        if level != self.in_force && !rises {
            return Err(format!("is of level {level} where {} is in force", self.in_force));
        }
        self.in_force = level;
        Ok(())
    }

    /// The commit is made: what it adopted is in force.
    pub(crate) fn settle(&mut self) {
        if self.adopted != 0 {
            self.in_force = self.adopted;
            self.adopted = 0;
        }
    }
}

/// Does this build decide commits of `level`?
pub(crate) fn is_decided(level: u64) -> bool {
    (FIRST_DECIDED..=LEVEL).contains(&level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_of_its_level_and_all_later_ones() {
        let known = |tag| [3, 4, 5].map(|in_force| Levels { in_force, ..Levels::default() }.have_fact(tag));
        assert_eq!([known(46), known(47)], [[true; 3], [false, true, true]]);
    }
}
