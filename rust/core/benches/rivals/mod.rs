//! What is measured against the core's index in Rust, and the workload that both get.
#![allow(dead_code, clippy::disallowed_types)] // each program uses its part of it

pub(crate) mod bare;
pub(crate) mod booking;
pub(crate) mod btree_walk;
pub(crate) mod class_heaps;
pub(crate) mod core_index;
pub(crate) mod segment_tree;
pub(crate) mod steps;
pub(crate) mod workload;

/// (skill, level) of an agent, or (skill, least level) of a contact.
pub(crate) type Level = (u32, u8);

/// In a decision: nothing was found.
pub(crate) const NOBODY: u32 = u32::MAX;
