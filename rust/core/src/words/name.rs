//! Names: the words of a site's policy. They are compared, copied and written for every fact, so a short one (nearly all are) stands in
//! place: no allocation, no counter, two or three machine words to compare.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::bounds::NAME_MAX;
use crate::codec::{Flaw, Reader, Wire, Writer};

/// The longest name that stands in place.
const SHORT_MAX: usize = 22;

/// So many bytes are read at once: nearly every name is shorter.
const CHUNK: usize = 16;

/// 0 for what names are made of.
const NO_LETTER: [u8; 256] = {
    let mut none = [1; 256];
    let allowed = b"abcdefghijklmnopqrstuvwxyz0123456789_.-";
    let mut at = 0;
    while at < allowed.len() {
        none[allowed[at] as usize] = 0;
        at += 1;
    }
    none
};

/// A word of the site's policy: queue, skill, channel, reason, disposition. `[a-z0-9][a-z0-9_.-]{0,47}`; cheap to clone.
#[derive(Clone, Eq)]
pub struct Name(Text);

/// A text has one form: what fits stands in place, with zeros behind it.
#[derive(Clone, PartialEq, Eq)]
enum Text {
    Short { length: u8, bytes: [u8; SHORT_MAX] },
    Long(Arc<[u8]>),
}

impl Name {
    /// None if `text` is not of the form.
    pub fn new(text: &str) -> Option<Self> {
        Self::from_bytes(text.as_bytes())
    }

    fn from_bytes(text: &[u8]) -> Option<Self> {
        if text.len() > NAME_MAX || !is_name(text) {
            return None;
        }
        let mut bytes = [0; SHORT_MAX];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text);
                Some(Self(Text::Short { length, bytes }))
            }
            _ => Some(Self(Text::Long(text.into()))),
        }
    }

    /// Of the first `length` of these bytes.
    #[inline]
    fn from_chunk(length: u8, chunk: [u8; CHUNK]) -> Option<Self> {
        chunk.get(..usize::from(length)).filter(|text| is_name(text))?;
        let own = u128::MAX.checked_shr(128 - 8 * u32::from(length)).unwrap_or_default();
        let mut bytes = [0; SHORT_MAX];
        bytes[..CHUNK].copy_from_slice(&(u128::from_le_bytes(chunk) & own).to_le_bytes());
        Some(Self(Text::Short { length, bytes }))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Short { length, bytes } => &bytes[..usize::from(*length)],
            Text::Long(bytes) => bytes,
        }
    }

    /// Two numbers for the text. Those of short names are in its order: no letter is zero, so what is shorter comes first, and that some
    /// letters count twice changes nothing.
    #[inline]
    pub(crate) fn weight(&self) -> (u128, u64) {
        match &self.0 {
            Text::Short { bytes, .. } => weight(bytes),
            Text::Long(bytes) => weight(bytes),
        }
    }

    /// The word itself.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_else(|_| unreachable!("a name is ASCII"))
    }
}

/// The first sixteen bytes and the last eight: of a short name all there are.
#[inline]
fn weight(bytes: &[u8]) -> (u128, u64) {
    let first = bytes.first_chunk().map_or(0, |chunk| u128::from_be_bytes(*chunk));
    let last = bytes.last_chunk().map_or(0, |chunk| u64::from_be_bytes(*chunk));
    (first, last)
}

#[inline]
fn is_name(text: &[u8]) -> bool {
    let begins = text.first().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit());
    begins && text.iter().fold(0, |none, byte| none | NO_LETTER[usize::from(*byte)]) == 0
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

/// Equal texts: of short names a few machine words.
impl PartialEq for Name {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Text::Short { bytes: one, .. }, Text::Short { bytes: another, .. }) => weight(one) == weight(another),
            (one, another) => one == another,
        }
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

/// In the order of the alphabet, as text.
impl Ord for Name {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Text::Short { bytes: one, .. }, Text::Short { bytes: another, .. }) => weight(one).cmp(&weight(another)),
            (Text::Short { .. } | Text::Long(_), Text::Short { .. } | Text::Long(_)) => self.as_bytes().cmp(other.as_bytes()),
        }
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), out)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).ok_or_else(|| serde::de::Error::custom("not a name"))
    }
}

impl Wire<()> for Name {
    #[inline]
    fn write(&self, _bounds: (), out: &mut Writer<'_>) {
        match &self.0 {
            Text::Short { length, bytes } => {
                let mut form = [0; SHORT_MAX + 1];
                form[0] = 0xa0 | length;
                form[1..].copy_from_slice(bytes);
                out.put(form, usize::from(*length) + 1);
            }
            Text::Long(bytes) => out.text(bytes),
        }
    }

    #[inline]
    fn read(reader: &mut Reader<'_>, _bounds: ()) -> Result<Self, Flaw> {
        let name = match reader.short_text() {
            Some((length, bytes)) => Self::from_chunk(length, bytes),
            None => Self::from_bytes(reader.text()?),
        };
        name.ok_or(Flaw::OutOfBounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Around the length at which a name no longer stands in place.
    #[test]
    fn names_are_in_the_order_of_their_texts() {
        let texts: Vec<String> =
            (1..=NAME_MAX).flat_map(|length| ["a", "b", "a-", "a.0"].map(|part| part.repeat(length))).collect();
        for text in texts.iter().filter(|text| text.len() <= NAME_MAX) {
            let name = Name::new(text).unwrap();
            assert_eq!(name.as_str(), text);
            assert_eq!(name, *text.as_str());
            for other in texts.iter().filter(|text| text.len() <= NAME_MAX) {
                let second = Name::new(other).unwrap();
                assert_eq!(name.cmp(&second), text.cmp(other), "{text} {other}");
                assert_eq!(name == second, text == other);
            }
        }
    }

    #[test]
    fn what_is_too_long_or_of_another_alphabet_is_no_name() {
        for text in ["", "-a", "A", "a b", "é", &"a".repeat(NAME_MAX + 1)] {
            assert_eq!(Name::new(text), None, "{text:?}");
        }
    }
}
