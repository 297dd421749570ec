//! What hardly anybody has: one word of memory for all who do not.

use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::few::Few;
use crate::words::{Id, Name};

/// A type that has a value for "nothing of it".
pub(crate) trait Seldom: Default + PartialEq + 'static {
    const NOTHING: &'static Self;
}

impl<K: Ord + 'static, V: PartialEq + 'static> Seldom for Few<K, V> {
    const NOTHING: &'static Self = &Self::new();
}

impl<T: PartialEq + 'static> Seldom for Vec<T> {
    const NOTHING: &'static Self = &Self::new();
}

impl Seldom for Option<Id> {
    const NOTHING: &'static Self = &None;
}

impl Seldom for Option<Name> {
    const NOTHING: &'static Self = &None;
}

/// Stands elsewhere, if there is anything of it. Read and changed as what is in it; to change it in place makes room for it.
#[derive(Clone, Default)]
pub(crate) struct Rare<T>(Option<Box<T>>);

impl<T: Seldom> Rare<T> {
    pub(crate) fn set(&mut self, value: T) {
        *self = value.into();
    }
}

impl<T: Seldom> From<T> for Rare<T> {
    fn from(value: T) -> Self {
        Self((value != *T::NOTHING).then(|| Box::new(value)))
    }
}

impl<T: Seldom> Deref for Rare<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::NOTHING)
    }
}

impl<T: Seldom> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

/// What makes no room for what is not there.
impl<K: Ord, V> Rare<Few<K, V>> {
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.as_mut()?.get_mut(key)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.0.as_mut()?.remove(key)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().flat_map(|few| few.values_mut())
    }
}

impl<'a, T: Seldom> IntoIterator for &'a Rare<T>
where
    &'a T: IntoIterator,
{
    type Item = <&'a T as IntoIterator>::Item;
    type IntoIter = <&'a T as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        (**self).into_iter()
    }
}

/// Whether there is room for it makes no difference.
impl<T: Seldom> PartialEq for Rare<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Seldom + Eq> Eq for Rare<T> {}

impl<T: Seldom + fmt::Debug> fmt::Debug for Rare<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}

impl<T: Seldom + Serialize> Serialize for Rare<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Seldom + Deserialize<'de>> Deserialize<'de> for Rare<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nothing_takes_no_room_and_reads_as_nothing() {
        let mut few: Rare<Few<u8, u8>> = Few::new().into();
        assert_eq!((few.remove(&1), few.get_mut(&1).copied(), few.values_mut().count()), (None, None, 0));
        assert!(few.0.is_none());
        few.insert(1, 7);
        assert_eq!((few.get(&1).copied(), few.get_mut(&1).copied()), (Some(7), Some(7)));
        assert_eq!(few.remove(&1), Some(7));
        assert_eq!(few, Rare::default());
        few.set(Few::new());
        assert!(few.0.is_none() && few.is_empty());
    }

    #[test]
    fn it_stands_in_a_snapshot_as_what_is_in_it() {
        for topic in [None, Name::new("billing")] {
            let bytes = rmp_serde::to_vec(&topic).unwrap();
            let rare: Rare<Option<Name>> = topic.into();
            assert_eq!(rmp_serde::to_vec(&rare).unwrap(), bytes);
            assert_eq!(rmp_serde::from_slice::<Rare<Option<Name>>>(&bytes).unwrap(), rare);
        }
    }
}
