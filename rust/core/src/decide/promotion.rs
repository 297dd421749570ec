//! Promotion: deferrable work that comes near its due time is queued among live contacts, as much of it as the queue has agents for.

use crate::rules::Rules;
use crate::turn::Turn;
use crate::words::{ContactPromoted, Id, Key, Name};

/// The class of live contacts.
const PROMOTED_CLASS: u8 = 1;

impl Turn<'_> {
    /// In every queue, while there is room: the least by key of those whose time has come. If the commit is full, the next one goes on.
    pub(crate) fn promote(&mut self) {
        if !self.rules().is_some_and(Rules::promotes) {
            return;
        }
        let queues: Vec<Name> = self.rules().into_iter().flat_map(Rules::promoting).cloned().collect();
        for queue in queues {
            let now_ms = self.reached_ms();
            self.site.index.census.reach(&queue, now_ms);
            while let Some(id) = self.site.promotable(&queue, now_ms) {
                if self.is_full() {
                    return;
                }
                self.promote_one(id);
            }
        }
    }

    fn promote_one(&mut self, id: Id) {
        let Some(contact) = self.site.contact(&id) else { return };
        let (channel, key) = (contact.channel.clone(), Key { klass: PROMOTED_CLASS, ..contact.key });
        self.emit(Some(id), None, Some(&channel), ContactPromoted { at_ms: self.t_ms, key });
    }
}
