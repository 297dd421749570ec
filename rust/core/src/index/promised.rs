//! Promised contacts: when something happens to them by itself, and to which case they belong, whether they live or not.

use super::{Index, Later};
use crate::state::Promise;
use crate::words::Id;

impl Index {
    pub(crate) fn add_promise(&mut self, id: Id, promise: &Promise) {
        self.later.insert((promise.deadline_ms(), Later::Promise(id)));
        if let Some(case) = promise.case.filter(|case| *case != id) {
            self.promised.add(case, id);
        }
    }

    pub(crate) fn remove_promise(&mut self, id: Id, promise: &Promise) {
        self.later.remove(&(promise.deadline_ms(), Later::Promise(id)));
        if let Some(case) = promise.case.filter(|case| *case != id) {
            self.promised.take(&case, &id);
        }
    }

    /// Promised contacts of a case, besides the one who bears the case's id.
    pub(crate) fn promised_in_case(&self, case: &Id) -> impl Iterator<Item = Id> + '_ {
        self.promised.of(case).copied()
    }
}
