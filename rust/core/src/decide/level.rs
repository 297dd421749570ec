//! A new level: what is decided from the next commit on.

use super::Check;
use crate::turn::Turn;
use crate::words::{LevelAdopted, LevelRequested};

impl Turn<'_> {
    /// By what the journal says of the router that leads, not by what this build knows: a later one must refuse what this one refused.
    pub(super) fn check_level(&self, fact: &LevelRequested) -> Check {
        let levels = &self.site.state.levels;
        if fact.level <= levels.newest() {
            return Err("level_in_force");
        }
        if fact.level > levels.most {
            return Err("level_unknown");
        }
        Ok(())
    }

    pub(super) fn adopt_level(&mut self, fact: &LevelRequested) {
        self.emit(None, None, None, LevelAdopted { at_ms: self.t_ms, level: fact.level });
    }
}
