//! Bounded primitive types, and the small words inside others.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Name;
use crate::codec::{Flaw, Reader, Span, Wire, Writer};

/// Bytes of a frame.
pub const FRAME_MAX: usize = 64 * 1024;
/// Facts in a frame.
pub const FRAME_FACTS_MAX: usize = 1024;
/// Longest name in bytes.
pub const NAME_MAX: usize = 48;
/// Requirements of a contact.
pub const REQUIREMENTS_MAX: usize = 16;
/// Requirements of a visit: the contact's and those of its queue.
pub const VISIT_REQUIREMENTS_MAX: usize = REQUIREMENTS_MAX + 8;
/// Preferred agents of a contact.
pub const PREFERRED_MAX: usize = 8;
/// Languages a contact accepts besides its own.
pub const ACCEPTS_MAX: usize = 4;
/// Ranks of members that open one after the other.
pub const RANKS_MAX: usize = 16;
/// Steps of a plan, and thresholds of a queue.
pub const PLAN_MAX: usize = 8;
/// Queues that a plan adds.
pub const QUEUES_ADDED_MAX: usize = 4;
/// Skills of an agent.
pub const SKILLS_MAX: usize = 64;
/// Memberships of an agent.
pub const MEMBERSHIPS_MAX: usize = 64;
/// Channels of an agent.
pub const CHANNELS_MAX: usize = 16;
/// Greatest capacity of an agent, and cost of a contact.
pub const CAPACITY_MAX: u64 = 10_000;
/// Longest duration.
pub const DURATION_MAX_MS: u64 = 366 * 24 * 3_600_000;
/// Last instant.
pub const INSTANT_MAX_MS: u64 = 1 << 48;
/// Greatest attempt or visit of a contact.
pub const ATTEMPT_MAX: u32 = 1_000_000;

pub(crate) const LEVEL: Span = Span(1, 10);
pub(crate) const PRIORITY: Span = Span(0, 100);
pub(crate) const MS: Span = Span(0, INSTANT_MAX_MS);
pub(crate) const DURATION: Span = Span(0, DURATION_MAX_MS);
pub(crate) const COUNT: Span = Span(0, (1 << 53) - 1);
pub(crate) const ATTEMPT: Span = Span(1, ATTEMPT_MAX as u64);
pub(crate) const CAPACITY: Span = Span(0, CAPACITY_MAX);
pub(crate) const CONCURRENT: Span = Span(0, 1_000);
pub(crate) const PARKED: Span = Span(0, 1_000);
pub(crate) const RANK: Span = Span(0, 99);
pub(crate) const CLASS: Span = Span(0, 3);
pub(crate) const PERCENT: Span = Span(0, 100);
pub(crate) const LIMIT: Span = Span(1, 100);
pub(crate) const STEP: Span = Span(0, PLAN_MAX as u64);
pub(crate) const SIBLINGS: Span = Span(1, 8);

/// One more, as long as a word can say it: who counts for ever counts no further.
pub(crate) fn counted(count: u64) -> u64 {
    count.saturating_add(1).min(COUNT.1)
}

/// Opaque bytes of a fixed length: Debug and Display in hexadecimal digits, bin on every wire.
macro_rules! opaque {
    ($($(#[$meta:meta])* $name:ident: $length:literal)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $length]);

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, out)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                serde_bytes::ByteArray::deserialize(deserializer).map(|bytes| Self(bytes.into_array()))
            }
        }

        impl Wire<()> for $name {
            #[inline]
            fn write(&self, _bounds: (), out: &mut Writer<'_>) {
                let mut bytes = [0; $length + 2];
                (bytes[0], bytes[1]) = (0xc4, $length);
                bytes[2..].copy_from_slice(&self.0);
                out.put(bytes, $length + 2);
            }

            #[inline]
            fn read(reader: &mut Reader<'_>, _bounds: ()) -> Result<Self, Flaw> {
                const HEAD: [u8; 2] = [0xc4, $length];
                match reader.framed::<{ $length + 2 }>(HEAD) {
                    Some(bytes) => Ok(Self(bytes.last_chunk().copied().unwrap_or([0; $length]))),
                    None => reader.fixed().map(Self),
                }
            }
        }
    )*};
}

opaque! {
    /// 16 opaque bytes: a fact, a contact, an agent, or a reference into the vault.
    Id: 16
    /// 32 bytes of a hash.
    Digest: 32
}

arrays! {
    /// A contact needs `skill` at `level` or better (10 is best). Soft ones may be relaxed by a plan; hard ones always hold.
    #[derive(Serialize, Deserialize)]
    Requirement {
        skill: Name,
        level: u8 [LEVEL] = 1,
        hard: bool = true,
    }

    /// An agent has `skill` at `level` (10 is best).
    #[derive(Serialize, Deserialize)]
    Skill {
        skill: Name,
        level: u8 [LEVEL],
    }

    /// An agent serves `queue`; lower ranks are asked first.
    #[derive(Serialize, Deserialize)]
    Membership {
        queue: Name,
        rank: u8 [RANK] = 0,
    }

    /// An agent may work on `channel`; `cost` and `max_concurrent` override the channel's profile. A channel not listed is 0.
    #[derive(Serialize, Deserialize)]
    AgentChannel {
        channel: Name,
        cost: Option<u32> [CAPACITY] = None,
        max_concurrent: Option<u32> [CONCURRENT] = None,
    }

    /// Order in the queue, lower first: class, then due time less priority credit, then arrival.
    #[derive(Copy, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    Key {
        klass: u8 [CLASS],
        order_ms: i64,
        seq: u64 [COUNT],
    }
}
