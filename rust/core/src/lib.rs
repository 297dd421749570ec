//! Cordboard's routing core: one site's router as a pure function of its inputs.
//!
//! [`Router::step`] decides: frames of facts in, commits out. [`Router::apply`] folds a commit that was decided before. Nothing
//! else changes a router. There is no clock here, no IO, no randomness and no unordered iteration: time and identity are data, and the same
//! inputs give the same bytes on every machine.
//!
//! Read [`words`] first (what can be said), then `state` (what is remembered), `decide` (what becomes of a fact), `matching` (who
//! gets whom) and `turn` (how a commit is made).
#![forbid(unsafe_code)]

mod ahead;
mod apply;
mod attendance;
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
mod booking;
mod calendar;
mod census;
mod clock;
pub mod codec;
mod conversation;
mod course;
mod customers;
mod decide;
mod digest;
mod error;
mod expected;
mod explain;
mod few;
mod fold;
mod groups;
mod hindrance;
mod index;
mod instants;
mod interrupts;
mod invariants;
mod levels;
mod lines;
mod matching;
mod memory;
mod pace;
mod places;
mod pool;
mod promised;
mod promotable;
mod rare;
mod record;
mod relax;
mod render;
mod reserve;
mod restore;
mod router;
mod rules;
mod site;
mod slas;
mod slots;
mod state;
mod strategy;
mod summed;
mod table;
mod turn;
pub mod words;

pub use error::Error;
pub use hindrance::Hindrance;
pub use levels::{FIRST_DECIDED, LEVEL};
pub use record::Verdicts;
pub use render::render;
pub use router::{commit_hash, FrameRef, Position, Router};
