//! Where a message of a stream stands, as the subject of its acknowledgement says.

use crate::number;

/// A message that a consumer of a stream delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// The stream's sequence.
    pub seq: u64,
    /// The consumer's: 1 for the first message that it delivered.
    pub delivered: u64,
    /// The server's clock when it was stored (Unix ms, rounded down).
    pub stored_ms: u64,
}

impl Delivery {
    /// From `$JS.ACK.<stream>.<consumer>.<deliveries>.<seq>.<delivered>.<ns>.<pending>`, or with `<domain>.<account>` after ACK
    /// and more at the end. None: it is no such subject.
    pub fn from_reply(reply: &[u8]) -> Option<Self> {
        let tokens = reply.strip_prefix(b"$JS.ACK.")?;
        let tokens = || tokens.split(|byte| *byte == b'.');
        let mut tokens = tokens().skip(if tokens().count() == 7 { 3 } else { 5 }).map(number);
        let (seq, delivered, stored_ns) = (tokens.next()??, tokens.next()??, tokens.next()??);
        Some(Self { seq, delivered, stored_ms: stored_ns / 1_000_000 })
    }
}
