//! The words of Cordboard: what the outside says (facts), what the engine answers (verdicts) and records (events).
//!
//! The same words stand in python/cordboard/events; tests/golden holds the bytes that both sides must reproduce. Words are
//! msgpack *arrays*, first element the tag; the policy is a map. A tag and a position are for ever, a new field goes to the
//! end and has a default, a meaning never changes (docs/adr/0003).

#[macro_use]
mod shapes;

pub mod bounds;
pub mod commit;
pub mod door;
pub mod effect;
pub mod event;
pub mod fact;
mod name;
pub mod next_step;
pub mod policy;
pub mod promise;
pub mod sla;
mod subject;
pub mod terms;
pub mod verdict;

pub use bounds::{AgentChannel, Digest, Id, Key, Membership, Requirement, Skill};
pub use commit::*;
pub use door::*;
pub use effect::*;
pub use event::*;
pub use fact::*;
pub use name::Name;
pub use next_step::*;
pub use policy::*;
pub use promise::*;
pub use sla::*;
pub use terms::*;
pub use verdict::*;
