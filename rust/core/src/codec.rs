//! Words to bytes and back (under construction: signatures are final).

/// Why bytes are not the word they should be; `reason()` is the quarantine reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Not valid msgpack, or bytes left over.
    NotMsgpack,
    /// The tag is unknown to this level.
    UnknownTag,
    /// A field is missing or of the wrong type.
    BadShape,
    /// A field exceeds its limits.
    OutOfBounds,
}

impl Flaw {
    /// The stable word for it, as in the journal.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotMsgpack => "not_msgpack",
            Self::UnknownTag => "unknown_tag",
            Self::BadShape => "bad_shape",
            Self::OutOfBounds => "out_of_bounds",
        }
    }
}
