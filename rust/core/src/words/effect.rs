//! Words of outside effects: asked for, ended, tried again.

use super::bounds::{COUNT, MS};
use super::{EffectFailure, EffectOutcome, Id, Name};

bodies! {
    /// Something is to happen outside. Its id is this entry's place in the journal: (site, seq, entry). `kind` is how: `mail`,
    /// `webhook`. `message` is the agent's message to deliver; it is the contact's `ordinal`th.
    EffectRequested {
        at_ms: u64 [MS],
        kind: Name,
        message: Id,
        ordinal: u64 [COUNT],
    }

    /// What became of entry `effect_entry` of commit `effect_seq`. A failed one is kept until it is retried or discarded.
    EffectEnded {
        at_ms: u64 [MS],
        effect_seq: u64 [COUNT],
        effect_entry: u64 [COUNT],
        outcome: EffectOutcome,
        reason: Option<EffectFailure>,
    }

    /// A failed effect is tried again; `round` counts from 2.
    EffectRetried {
        at_ms: u64 [MS],
        effect_seq: u64 [COUNT],
        effect_entry: u64 [COUNT],
        round: u64 [COUNT],
    }
}
