//! Places in the line at closing: who keeps one then is called in a slot instead.

use super::queue::is_left;
use super::wish::Wish;
use crate::state::{Phase, Promise};
use crate::turn::Turn;
use crate::words::{Id, Key, Name, PromiseKind, PromiseMade, PromiseOutcome};

impl Turn<'_> {
    /// Nobody reaches them any more in these hours. False: the commit is full, and some of them are still to be asked.
    pub(super) fn book_places(&mut self, queue: &Name) -> bool {
        for id in self.places_kept(queue) {
            if self.is_full() {
                return false;
            }
            self.book_place(id);
        }
        true
    }

    /// In their order, offered ones last: so no agent who loses an offer gets another one that is about to end. Whoever is being dialled is not
    /// hung up on, and who is here as another contact waits as that one.
    fn places_kept(&self, queue: &Name) -> Vec<Id> {
        let here = |id: &Id| self.site.state.held.get(id).is_some_and(|held| self.site.contact(&held.returned).is_some());
        let waits = |id: &Id| self.site.contact(id).is_none_or(is_left) && !here(id);
        let kept = |promise: &Promise| promise.kind == PromiseKind::HoldPlace && promise.queue == *queue;
        let asked = self.site.state.levels.is(4) && self.promised_on().any(|(named, _)| named == queue);
        let promises = self.site.state.promises.iter().filter(|(id, promise)| asked && kept(promise) && waits(id));
        let offered = |id: &Id| self.site.contact(id).is_some_and(|contact| contact.phase != Phase::Queued);
        let mut line: Vec<(bool, Option<Key>, Id)> = promises.map(|(id, promise)| (offered(id), promise.key, *id)).collect();
        line.sort_unstable();
        line.into_iter().map(|(_, _, id)| id).collect()
    }

    /// The first slot behind these hours. Without one it stands as long as its window lasts.
    fn book_place(&mut self, id: Id) {
        let Some(promise) = self.promise(&id).cloned() else { return };
        let successor = successor_of(id);
        let wish = Wish { queue: &promise.queue, at_ms: self.at_ms, exact: false, hours: &promise.hours };
        let Ok(window) = self.window(&wish) else { return };
        if self.check_new(successor).is_err() {
            return;
        }
        let made = self.promised_anew(id, &promise, promise.hours.clone(), window);
        // Without an address of its own a promise names its contact.
        let made = PromiseMade { address: promise.address.or(Some(id)), ..made };
        self.emit(Some(successor), None, Some(&promise.channel), made);
        self.end_promise_early(id, PromiseOutcome::Rescheduled, Some(successor));
    }
}

/// Nobody names it, and it is the same on every router.
fn successor_of(id: Id) -> Id {
    let hash = blake3::derive_key("cordboard: the slot instead of a place in the line", &id.0);
    Id(std::array::from_fn(|at| hash[at]))
}
