//! Any msgpack value: the stories' facts are built from grammar.txt and not from the core's own types.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        rmp_serde::to_vec(self).unwrap()
    }

    /// The entries of a map (the stories' policy is made of these).
    pub(crate) fn map(&mut self) -> &mut Vec<(String, Value)> {
        match self {
            Self::Map(entries) => entries,
            other => panic!("not a map: {other:?}"),
        }
    }

    pub(crate) fn list(&mut self) -> &mut Vec<Value> {
        match self {
            Self::List(items) => items,
            other => panic!("not a list: {other:?}"),
        }
    }

    /// Set an entry of a map, at its place if it is there.
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        match self.map().iter_mut().find(|(name, _)| name == key) {
            Some(entry) => entry.1 = value,
            None => self.map().push((key.to_owned(), value)),
        }
    }

    pub(crate) fn get(&mut self, key: &str) -> &mut Value {
        &mut self.map().iter_mut().find(|(name, _)| name == key).unwrap_or_else(|| panic!("no {key}")).1
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_none(),
            Self::Bool(on) => serializer.serialize_bool(*on),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::List(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}
