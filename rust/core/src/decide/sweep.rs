//! Sweeps: after a new policy, or when too many contacts would look at once, all that wait look for an agent in key order, over as many
//! commits as it takes.

use std::collections::BTreeSet;

use crate::turn::Turn;
use crate::words::{Id, Key, SweepAdvanced};

impl Turn<'_> {
    /// Too many contacts look at once for one commit: all that wait look in the next ones.
    pub(crate) fn begin_sweep(&mut self) {
        let before_all = Key { klass: 0, order_ms: i64::MIN, seq: 0 };
        self.emit(None, None, None, SweepAdvanced { at_ms: self.at_ms, after: Some(before_all) });
    }

    /// All waiting contacts look for an agent, in key order. True if the commit is full and the sweep is not finished.
    ///
    /// Costs: the line is sorted once; whoever joins it meanwhile (a reservation ends, what was interrupted comes back) is put in at their
    /// place.
    pub(crate) fn sweep(&mut self) -> bool {
        let mut after = self.site.state.sweep.and_then(|sweep| sweep.after);
        let mut line: BTreeSet<(Key, Id)> = self.site.line_after(after).into_iter().collect();
        let mut full = false;
        self.site.index.queueing.watch();
        while let Some((key, contact)) = line.pop_first() {
            // Whoever has another key by now stands at that place, too.
            if self.site.contact(&contact).is_some_and(|contact| contact.key == key) {
                self.look(contact);
            }
            after = Some(key);
            full = self.is_full();
            if full {
                break;
            }
            line.extend(self.site.index.queueing.newcomers().filter(|(joined, _)| *joined > key));
        }
        self.site.index.queueing.unwatch();
        self.emit(None, None, None, SweepAdvanced { at_ms: self.at_ms, after: after.filter(|_| full) });
        full
    }
}
