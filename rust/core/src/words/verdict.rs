//! Verdicts: what became of a fact. Refusals are recorded, so that they too can be checked again.

use super::bounds::COUNT;
use super::{Digest, Name};

tagged! {
    /// What became of a fact.
    Verdict {
        /// The fact stands; its events follow in the same commit.
        0 => Accepted {}

        /// The fact came too late or contradicts the state. `reason` is one of docs/glossary.md's refusal reasons.
        1 => Refused {
            reason: Name,
        }

        /// The same fact id was decided before, at entry `first_entry` of commit `first_seq`.
        2 => Duplicate {
            first_seq: u64 [COUNT],
            first_entry: u64 [COUNT],
        }

        /// The bytes are not a fact. `sha256` finds them again in the inbox; they are not copied into the journal.
        3 => Quarantined {
            reason: Name,
            sha256: Digest,
        }
    }
}
