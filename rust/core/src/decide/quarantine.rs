//! Bytes that were put aside: what an operator decides of them. The state knows nothing of them, so nothing here can be refused
//! for what became of them before; whoever asks derives the fact's id from their place, and the first answer stands.

use crate::turn::Turn;
use crate::words::{QuarantineEndRequested, QuarantineEnded};

impl Turn<'_> {
    pub(super) fn end_quarantine(&mut self, fact: &QuarantineEndRequested) {
        let (input_seq, input_entry) = (fact.seq, fact.entry);
        let event = QuarantineEnded { at_ms: self.t_ms, input_seq, input_entry, outcome: fact.outcome };
        self.emit(None, None, None, event);
    }
}
