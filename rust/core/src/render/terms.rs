//! How single values read: times, ids, keys, requirements.

use std::fmt::Display;

use crate::words::{Id, Key, Requirement, SilenceDue};

/// Milliseconds as seconds.
pub(super) struct Seconds(pub(super) u64);

impl Display for Seconds {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

/// An id by its text if it is one.
pub(super) struct Name(pub(super) Id);

impl Display for Name {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Id(bytes) = self.0;
        let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        let (text, padding) = bytes.split_at(length);
        match std::str::from_utf8(text) {
            Ok(text)
                if !text.is_empty()
                    && text.bytes().all(|byte| byte.is_ascii_graphic())
                    && padding.iter().all(|byte| *byte == 0) =>
            {
                out.write_str(text)
            }
            _ => write!(out, "{}", self.0),
        }
    }
}

/// A key as class/order/arrival.
pub(super) struct Place(pub(super) Key);

impl Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Key { klass, order_ms, seq } = self.0;
        let sign = if order_ms < 0 { "-" } else { "" };
        write!(out, "{klass}/{sign}{}/{seq}", Seconds(order_ms.unsigned_abs()))
    }
}

/// A requirement as `skill:level`, a soft one with a tilde.
pub(super) struct Need<'a>(pub(super) &'a Requirement);

impl Display for Need<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}{}", self.0.skill, self.0.level, if self.0.hard { "" } else { "~" })
    }
}

/// What a silence leads to, and when.
pub(super) struct Due(pub(super) SilenceDue);

impl Display for Due {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}", self.0.step, Seconds(self.0.at_ms))
    }
}
