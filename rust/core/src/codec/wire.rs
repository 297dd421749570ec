//! How the types inside words stand on the wire, and the bounds a field may lay on them.

use std::collections::BTreeMap;

use super::{Flaw, Reader, Writer};

/// A type that can be written and read within bounds `B`; `()` if the type has its own.
pub(crate) trait Wire<B>: Sized {
    fn write(&self, bounds: B, out: &mut Writer<'_>);
    fn read(reader: &mut Reader<'_>, bounds: B) -> Result<Self, Flaw>;
}

/// The least and the greatest value of an integer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span(pub(crate) u64, pub(crate) u64);

/// The longest list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Max(pub(crate) usize);

/// The shortest and the longest byte string.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Length(pub(crate) usize, pub(crate) usize);

/// The elements of one array-like word that are not read yet.
pub(crate) struct Fields<'r, 'a> {
    reader: &'r mut Reader<'a>,
    left: usize,
}

impl<'r, 'a> Fields<'r, 'a> {
    #[inline]
    pub(crate) fn begin(reader: &'r mut Reader<'a>) -> Result<Self, Flaw> {
        let left = reader.array()?;
        Ok(Self { reader, left })
    }

    /// The first element: which word this is. A negative tag is no word's.
    #[inline]
    pub(crate) fn tag(&mut self) -> Result<u64, Flaw> {
        self.left = self.left.checked_sub(1).ok_or(Flaw::BadShape)?;
        self.reader.uint().map_err(|flaw| if flaw == Flaw::OutOfBounds { Flaw::UnknownTag } else { flaw })
    }

    /// The next field; None if an older writer did not know it yet.
    #[inline(always)]
    #[allow(clippy::inline_always)] // a word is read in one go, or every field makes a detour through memory
    pub(crate) fn field<B, T: Wire<B>>(&mut self, bounds: B) -> Result<Option<T>, Flaw> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        T::read(self.reader, bounds).map(Some)
    }

    /// Leave out what a newer writer put behind the fields known here.
    pub(crate) fn end(self) -> Result<(), Flaw> {
        (0..self.left).try_for_each(|_| self.reader.skip())
    }
}

macro_rules! bounded_integers {
    ($($ty:ty),*) => {$(
        impl Wire<Span> for $ty {
            #[inline]
            fn write(&self, bounds: Span, out: &mut Writer<'_>) {
                let value = u64::from(*self);
                debug_assert!((bounds.0..=bounds.1).contains(&value), "{value} is out of {bounds:?}");
                out.uint(value);
            }

            #[inline]
            fn read(reader: &mut Reader<'_>, bounds: Span) -> Result<Self, Flaw> {
                let value = reader.uint()?;
                if !(bounds.0..=bounds.1).contains(&value) {
                    return Err(Flaw::OutOfBounds);
                }
                <$ty>::try_from(value).map_err(|_| Flaw::OutOfBounds)
            }
        }
    )*};
}

bounded_integers!(u8, u32, u64);

impl Wire<()> for i64 {
    #[inline]
    fn write(&self, _bounds: (), out: &mut Writer<'_>) {
        out.int(*self);
    }

    #[inline]
    fn read(reader: &mut Reader<'_>, _bounds: ()) -> Result<Self, Flaw> {
        reader.int()
    }
}

impl Wire<()> for bool {
    #[inline]
    fn write(&self, _bounds: (), out: &mut Writer<'_>) {
        out.boolean(*self);
    }

    #[inline]
    fn read(reader: &mut Reader<'_>, _bounds: ()) -> Result<Self, Flaw> {
        reader.boolean()
    }
}

impl Wire<Length> for Vec<u8> {
    #[inline]
    fn write(&self, _bounds: Length, out: &mut Writer<'_>) {
        out.bin(self);
    }

    #[inline]
    fn read(reader: &mut Reader<'_>, bounds: Length) -> Result<Self, Flaw> {
        let bytes = reader.bin()?;
        if (bounds.0..=bounds.1).contains(&bytes.len()) {
            Ok(bytes.to_vec())
        } else {
            Err(Flaw::OutOfBounds)
        }
    }
}

impl<B, T: Wire<B>> Wire<B> for Option<T> {
    #[inline]
    fn write(&self, bounds: B, out: &mut Writer<'_>) {
        match self {
            Some(value) => value.write(bounds, out),
            None => out.nil(),
        }
    }

    #[inline]
    fn read(reader: &mut Reader<'_>, bounds: B) -> Result<Self, Flaw> {
        if reader.nil() {
            Ok(None)
        } else {
            T::read(reader, bounds).map(Some)
        }
    }
}

impl<T: Wire<()>> Wire<Max> for Vec<T> {
    #[inline]
    fn write(&self, max: Max, out: &mut Writer<'_>) {
        Wire::write(self, (max, ()), out);
    }

    #[inline]
    fn read(reader: &mut Reader<'_>, max: Max) -> Result<Self, Flaw> {
        Wire::read(reader, (max, ()))
    }
}

impl<B: Copy, T: Wire<B>> Wire<(Max, B)> for Vec<T> {
    #[inline]
    fn write(&self, (_, bounds): (Max, B), out: &mut Writer<'_>) {
        out.array(self.len());
        for element in self {
            element.write(bounds, out);
        }
    }

    #[inline]
    fn read(reader: &mut Reader<'_>, (max, bounds): (Max, B)) -> Result<Self, Flaw> {
        let count = reader.array()?;
        if count > max.0 {
            return Err(Flaw::OutOfBounds);
        }
        // Every element has at least one byte, so a length that lies costs no memory.
        let mut list = Self::with_capacity(count.min(reader.left()));
        for _ in 0..count {
            list.push(T::read(reader, bounds)?);
        }
        Ok(list)
    }
}

/// In the order of the keys, which need not be the order it was read in.
impl<K: Wire<()> + Ord, B: Copy, V: Wire<B>> Wire<B> for BTreeMap<K, V> {
    #[inline]
    fn write(&self, bounds: B, out: &mut Writer<'_>) {
        out.map(self.len());
        for (key, value) in self {
            key.write((), out);
            value.write(bounds, out);
        }
    }

    #[inline]
    fn read(reader: &mut Reader<'_>, bounds: B) -> Result<Self, Flaw> {
        let mut map = Self::new();
        for _ in 0..reader.map()? {
            let key = K::read(reader, ())?;
            map.insert(key, V::read(reader, bounds)?);
        }
        Ok(map)
    }
}
