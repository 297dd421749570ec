//! Cordboard's routing core: one site's router as a pure function of its inputs.
#![forbid(unsafe_code)]

pub mod codec;
mod error;
mod router;
pub mod words;

pub use error::Error;
pub use router::{FrameRef, Position, Router, commit_hash, render};
