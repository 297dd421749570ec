//! What the fuzz targets do with the bytes they get: here for the corpora on stable, in `rust/fuzz` for the fuzzer on nightly.
//! A body panics if it finds something.

pub(crate) mod bytes;
pub(crate) mod commits;
pub(crate) mod facts;
pub(crate) mod frames;
pub(crate) mod going;
pub(crate) mod histories;
pub(crate) mod promises;
pub(crate) mod site;
pub(crate) mod snapshots;
