//! The state's words to bytes: what `rmp_serde` writes, into room that was made before. The hash of the state is taken of these.

use std::fmt;

use serde::{ser, Serialize};

use super::Writer;

/// `value` as it stands in a snapshot, in `room`, which grows if need be.
pub(crate) fn plain<'r, T: Serialize>(value: &T, room: &'r mut Vec<u8>) -> &'r [u8] {
    loop {
        let mut out = Writer::new(room);
        // The state has nothing that cannot be written.
        value.serialize(&mut out).unwrap_or_else(|error| unreachable!("the state serialises: {error}"));
        if let Some(left) = out.left() {
            return &room[..room.len() - left];
        }
        room.resize((room.len() * 2).max(1_024), 0);
    }
}

/// Nothing that a word of the state is made of.
#[derive(Debug)]
pub(crate) struct Unknown(String);

impl fmt::Display for Unknown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Unknown {}

impl ser::Error for Unknown {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn unknown(what: &str) -> Unknown {
    Unknown(what.to_owned())
}

/// Integers: one form for all of them.
macro_rules! integers {
    ($($name:ident: $ty:ty as $write:ident;)*) => {$(
        #[inline]
        fn $name(self, value: $ty) -> Result<(), Unknown> {
            self.$write(value.into());
            Ok(())
        }
    )*};
}

impl ser::Serializer for &mut Writer<'_> {
    type Ok = ();
    type Error = Unknown;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    integers! {
        serialize_u8: u8 as uint;
        serialize_u16: u16 as uint;
        serialize_u32: u32 as uint;
        serialize_u64: u64 as uint;
        serialize_i8: i8 as int;
        serialize_i16: i16 as int;
        serialize_i32: i32 as int;
        serialize_i64: i64 as int;
        serialize_bool: bool as boolean;
    }

    fn serialize_f32(self, _value: f32) -> Result<(), Unknown> {
        Err(unknown("a float"))
    }

    fn serialize_f64(self, _value: f64) -> Result<(), Unknown> {
        Err(unknown("a float"))
    }

    fn serialize_char(self, value: char) -> Result<(), Unknown> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Unknown> {
        self.text(value.as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unknown> {
        self.bin(value);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Unknown> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unknown> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Unknown> {
        self.nil();
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Unknown> {
        self.array(0);
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<(), Unknown> {
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<(), Unknown> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unknown> {
        self.map(1);
        self.text(variant.as_bytes());
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, count: Option<usize>) -> Result<Self, Unknown> {
        self.array(count.ok_or_else(|| unknown("a list of unknown length"))?);
        Ok(self)
    }

    #[inline]
    fn serialize_tuple(self, count: usize) -> Result<Self, Unknown> {
        self.array(count);
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_struct(self, _name: &'static str, count: usize) -> Result<Self, Unknown> {
        self.array(count);
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        count: usize,
    ) -> Result<Self, Unknown> {
        self.map(1);
        self.text(variant.as_bytes());
        self.array(count);
        Ok(self)
    }

    #[inline]
    fn serialize_map(self, count: Option<usize>) -> Result<Self, Unknown> {
        self.map(count.ok_or_else(|| unknown("a map of unknown length"))?);
        Ok(self)
    }

    #[inline]
    fn serialize_struct(self, _name: &'static str, count: usize) -> Result<Self, Unknown> {
        self.array(count);
        Ok(self)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        count: usize,
    ) -> Result<Self, Unknown> {
        self.map(1);
        self.text(variant.as_bytes());
        self.array(count);
        Ok(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// Compounds: the parts one after the other, behind the head.
macro_rules! compounds {
    ($($kind:ident: $part:ident $(($name:ident))?;)*) => {$(
        impl ser::$kind for &mut Writer<'_> {
            type Ok = ();
            type Error = Unknown;

            #[inline]
            fn $part<T: Serialize + ?Sized>(&mut self, $($name: &'static str,)? value: &T) -> Result<(), Unknown> {
                value.serialize(&mut **self)
            }

            #[inline]
            fn end(self) -> Result<(), Unknown> {
                Ok(())
            }
        }
    )*};
}

compounds! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
    SerializeStruct: serialize_field (_name);
    SerializeStructVariant: serialize_field (_name);
}

impl ser::SerializeMap for &mut Writer<'_> {
    type Ok = ();
    type Error = Unknown;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unknown> {
        key.serialize(&mut **self)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unknown> {
        value.serialize(&mut **self)
    }

    #[inline]
    fn end(self) -> Result<(), Unknown> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::few::Few;
    use crate::state::{Phase, Place};
    use crate::words::{Id, Name, ParkedKind};

    /// Every shape that a word of the state has.
    #[derive(Serialize)]
    struct Shapes {
        numbers: (u8, u16, u32, u64, i8, i16, i32, i64),
        flags: [bool; 2],
        name: Option<Name>,
        nothing: Option<Name>,
        unit: (),
        phases: Vec<Phase>,
        kinds: Vec<Kind>,
        few: Few<(Id, u32), Place>,
        map: BTreeMap<Name, Vec<char>>,
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    }

    #[derive(Serialize)]
    struct Wrapped(u64);

    #[derive(Serialize)]
    struct Pair(Id, u32);

    #[derive(Serialize)]
    struct Marker;

    #[derive(Serialize)]
    enum Kind {
        One(Wrapped),
        Two(Pair, Marker),
    }

    #[test]
    fn what_is_written_is_what_a_snapshot_holds() {
        let id = Id([7; 16]);
        let name = |text: &str| Name::new(text).unwrap();
        for size in [0, 1, 16, 31, 32, 255, 256, 70_000] {
            let text = "n".repeat(size.clamp(1, 48));
            let shapes = Shapes {
                numbers: (255, 65_535, 70_000, u64::MAX, -1, -200, -70_000, i64::MIN),
                flags: [false, true],
                name: Some(name(&text)),
                nothing: None,
                unit: (),
                phases: vec![
                    Phase::Queued,
                    Phase::Offered { agent: id, attempt: 1, expires_ms: 1 << 48 },
                    Phase::Parked { owner: id, kind: ParkedKind::Snooze, since_ms: 1, until_ms: 2 },
                ],
                kinds: vec![Kind::One(Wrapped(300)), Kind::Two(Pair(id, 7), Marker)],
                few: (0..3).map(|number| ((id, number), Place { seq: 9, entry: u64::from(number) })).collect(),
                map: [(name("a"), vec!['ü'; size]), (name("b"), vec![])].into(),
                bytes: vec![1; size],
            };
            let mut room = Vec::new();
            assert_eq!(plain(&shapes, &mut room), rmp_serde::to_vec(&shapes).unwrap(), "{size}");
        }
    }

    #[test]
    fn what_no_word_is_made_of_is_refused() {
        let mut room = [0; 32];
        assert!(1.5_f64.serialize(&mut Writer::new(&mut room)).is_err());
        let unknown = (0..3).filter(|number| number % 2 == 0);
        assert!(ser::Serializer::collect_seq(&mut Writer::new(&mut room), unknown).is_err());
    }
}
