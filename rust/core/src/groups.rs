//! Members by what they have in common: contacts by customer, case or owner. Mostly one, seldom thousands.

use std::collections::BTreeSet;

use crate::places::Spread;
use crate::table::Table;

/// Costs: constant for a group of one, logarithmic in the size of a group otherwise. A group that is empty does not stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Groups<K: Spread, M: Ord>(Table<K, Group<M>>);

#[derive(Debug, Clone)]
enum Group<M> {
    One(M),
    Many(BTreeSet<M>),
}

impl<M: Ord> Group<M> {
    fn iter(&self) -> impl DoubleEndedIterator<Item = &M> {
        let (one, many) = match self {
            Self::One(member) => (Some(member), None),
            Self::Many(members) => (None, Some(members)),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Many(members) => members.len(),
        }
    }
}

/// By its members: one that was larger once is no other.
impl<M: Ord> PartialEq for Group<M> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<M: Ord> Eq for Group<M> {}

impl<K: Spread, M: Ord> Default for Groups<K, M> {
    fn default() -> Self {
        Self(Table::new())
    }
}

impl<K: Spread, M: Ord + Copy> Groups<K, M> {
    /// See `Table::seed`.
    pub(crate) fn seed(&mut self, seed: u64) {
        self.0.seed(seed);
    }

    pub(crate) fn add(&mut self, key: K, member: M) {
        match self.0.get_mut(&key) {
            None => {
                self.0.insert(key, Group::One(member));
            }
            Some(Group::Many(members)) => {
                members.insert(member);
            }
            Some(group) => {
                let members: BTreeSet<M> = group.iter().copied().chain([member]).collect();
                *group = Group::Many(members);
            }
        }
    }

    pub(crate) fn take(&mut self, key: &K, member: &M) {
        let empty = match self.0.get_mut(key) {
            None => false,
            Some(Group::One(only)) => only == member,
            Some(Group::Many(members)) => {
                members.remove(member);
                members.is_empty()
            }
        };
        if empty {
            self.0.remove(key);
        }
    }

    /// Somebody is in some group.
    pub(crate) fn any(&self) -> bool {
        self.0.len() > 0
    }

    /// The members of a group in their order.
    pub(crate) fn of(&self, key: &K) -> impl DoubleEndedIterator<Item = &M> {
        self.0.get(key).into_iter().flat_map(Group::iter)
    }

    pub(crate) fn count(&self, key: &K) -> usize {
        self.0.get(key).map_or(0, Group::len)
    }

    /// The whole group, which is no more.
    pub(crate) fn remove(&mut self, key: &K) -> Vec<M> {
        self.0.remove(key).map_or_else(Vec::new, |group| group.iter().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::words::Id;

    proptest! {
        #[test]
        fn groups_are_a_map_of_sets(steps in prop::collection::vec((0..4_u8, 0..6_u8, any::<bool>()), 0..100)) {
            let (mut groups, mut map) = (Groups::default(), BTreeMap::<Id, BTreeSet<u8>>::new());
            for (key, member, comes) in steps {
                let key = Id([key; 16]);
                if comes {
                    groups.add(key, member);
                    map.entry(key).or_default().insert(member);
                } else {
                    groups.take(&key, &member);
                    map.entry(key).or_default().remove(&member);
                }
                prop_assert!(groups.of(&key).eq(&map[&key]));
                prop_assert_eq!(groups.count(&key), map[&key].len());
            }
            let mut fresh = Groups::default();
            for (key, members) in &map {
                for member in members {
                    fresh.add(*key, *member);
                }
            }
            prop_assert_eq!(&groups, &fresh);
            let key = Id([1; 16]);
            prop_assert_eq!(groups.remove(&key), map.remove(&key).unwrap_or_default().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(groups.count(&key), 0);
        }
    }
}
