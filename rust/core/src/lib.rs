//! Cordboard's routing core.
