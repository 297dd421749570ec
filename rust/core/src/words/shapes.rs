//! The three shapes of a word: a set of tagged arrays, an array, a map. Each field stands as
//! `name: Type [bounds] = default`; bounds and default only where events/ in Python has them too.

/// The value of a field that is absent: its default, or the word is no word.
macro_rules! absent {
    () => {
        return Err($crate::codec::Flaw::BadShape)
    };
    ($default:expr) => {
        $default
    };
}

/// A field's bounds, or none.
macro_rules! bounds {
    () => {
        ()
    };
    ($bounds:expr) => {
        $bounds
    };
}

/// The struct of an array-like word, and its fields on the wire without the array's head.
macro_rules! fields {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident : $ty:ty $([$bounds:expr])? $(= $default:expr)?),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $($(#[$doc])* pub $field: $ty,)*
        }

        impl $name {
            /// Names of the fields in the order of the wire.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            // A word without fields has nothing to write or read.
            #[allow(unused_variables)]
            pub(crate) fn write_fields(&self, out: &mut $crate::codec::Writer<'_>) {
                $($crate::codec::Wire::write(&self.$field, bounds!($($bounds)?), out);)*
            }

            #[allow(unused_mut)]
            pub(crate) fn read_fields(mut fields: $crate::codec::Fields<'_, '_>) -> Result<Self, $crate::codec::Flaw> {
                $(let $field: $ty = match fields.field(bounds!($($bounds)?))? {
                    Some(value) => value,
                    None => absent!($($default)?),
                };)*
                fields.end()?;
                Ok(Self { $($field),* })
            }
        }
    };
}

/// Array-like words without a tag.
macro_rules! arrays {
    ($($(#[$meta:meta])* $name:ident { $($body:tt)* })*) => {$(
        fields! { $(#[$meta])* $name { $($body)* } }

        impl $crate::codec::Wire<()> for $name {
            fn write(&self, _bounds: (), out: &mut $crate::codec::Writer<'_>) {
                out.array(Self::FIELDS.len());
                self.write_fields(out);
            }

            fn read(reader: &mut $crate::codec::Reader<'_>, _bounds: ()) -> Result<Self, $crate::codec::Flaw> {
                Self::read_fields($crate::codec::Fields::begin(reader)?)
            }
        }
    )*};
}

/// The structs of words whose set stands elsewhere.
macro_rules! bodies {
    ($($(#[$meta:meta])* $name:ident { $($body:tt)* })*) => {$(
        fields! { $(#[$meta])* $name { $($body)* } }
    )*};
}

/// A set of array-like words told apart by the tag before their fields; `and` names those whose bodies stand elsewhere.
macro_rules! tagged {
    (
        $(#[$meta:meta])* $set:ident { $($(#[$doc:meta])* $tag:literal => $name:ident { $($body:tt)* })* }
        $(and { $($far_tag:literal => $far:ident),* $(,)? })?
    ) => {
        $(fields! { $(#[$doc])* $name { $($body)* } })*

        tagged! { @set $(#[$meta])* $set { $($tag => $name,)* $($($far_tag => $far,)*)? } }
    };
    (@set $(#[$meta:meta])* $set:ident { $($tag:literal => $name:ident,)* }) => {
        $(#[$meta])*
        // A word lives for one decision: a box would cost more than the room.
        #[allow(clippy::large_enum_variant)]
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant)] // the largest are the most frequent
        pub enum $set {
            $(#[doc = "See its struct."] $name($name),)*
        }

        $(impl From<$name> for $set {
            fn from(word: $name) -> Self {
                Self::$name(word)
            }
        })*

        impl $set {
            /// Tag, name and length (tag included) of every word in the set.
            pub const NAMES: &'static [(u64, &'static str, usize)] = &[$(($tag, stringify!($name), $name::FIELDS.len() + 1)),*];

            /// The number that stands for this word on the wire.
            pub fn tag(&self) -> u64 {
                match self {
                    $(Self::$name(_) => $tag,)*
                }
            }

            /// The name of this word.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }
        }

        impl $crate::codec::Wire<()> for $set {
            fn write(&self, _bounds: (), out: &mut $crate::codec::Writer<'_>) {
                match self {
                    $(Self::$name(word) => {
                        out.tagged($name::FIELDS.len() + 1, $tag);
                        word.write_fields(out);
                    })*
                }
            }

            fn read(reader: &mut $crate::codec::Reader<'_>, _bounds: ()) -> Result<Self, $crate::codec::Flaw> {
                let mut fields = $crate::codec::Fields::begin(reader)?;
                match fields.tag()? {
                    $($tag => $name::read_fields(fields).map(Self::$name),)*
                    _ => Err($crate::codec::Flaw::UnknownTag),
                }
            }
        }
    };
}

/// Words that are maps by field name. Unknown keys are left out; the last of a repeated key counts.
macro_rules! maps {
    ($($(#[$meta:meta])* $name:ident {
        $($(#[$doc:meta])* $field:ident : $ty:ty $([$bounds:expr])? $(= $default:expr)?),* $(,)?
    })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[$doc])* pub $field: $ty,)*
        }

        impl $name {
            /// Names of the fields in the order of the wire.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];
        }

        impl $crate::codec::Wire<()> for $name {
            fn write(&self, _bounds: (), out: &mut $crate::codec::Writer<'_>) {
                out.map(Self::FIELDS.len());
                $(
                    out.text(stringify!($field).as_bytes());
                    $crate::codec::Wire::write(&self.$field, bounds!($($bounds)?), out);
                )*
            }

            fn read(reader: &mut $crate::codec::Reader<'_>, _bounds: ()) -> Result<Self, $crate::codec::Flaw> {
                $(let mut $field: Option<$ty> = None;)*
                for _ in 0..reader.map()? {
                    let key = reader.text()?;
                    $(if key == stringify!($field).as_bytes() {
                        $field = Some($crate::codec::Wire::read(reader, bounds!($($bounds)?))?);
                        continue;
                    })*
                    reader.skip()?;
                }
                Ok(Self {
                    $($field: match $field {
                        Some(value) => value,
                        None => absent!($($default)?),
                    },)*
                })
            }
        }
    )*};
}

/// Closed sets of words, strings on the wire.
macro_rules! choices {
    ($($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $(#[doc = concat!("`", $word, "`")] #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.pad(self.as_str())
            }
        }

        impl $crate::codec::Wire<()> for $name {
            fn write(&self, _bounds: (), out: &mut $crate::codec::Writer<'_>) {
                const FORMS: &[$crate::codec::Form] = &[$($crate::codec::Form::of($word)),*];
                out.word(&FORMS[*self as usize]);
            }

            fn read(reader: &mut $crate::codec::Reader<'_>, _bounds: ()) -> Result<Self, $crate::codec::Flaw> {
                let word = reader.text()?;
                $(if word == $word.as_bytes() {
                    return Ok(Self::$variant);
                })*
                Err($crate::codec::Flaw::BadShape)
            }
        }
    )*};
}
