//! What is remembered of customers for a while, by channel or topic: a place in a queue, a matter that comes back.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::few::Few;
use crate::summed::Summed;
use crate::words::{Id, Key, Matter, Name};

/// Places that are kept at most.
pub(crate) const PLACES_MAX: usize = 100_000;
/// Matters that are remembered at most.
pub(crate) const MATTERS_MAX: usize = 1_000_000;
/// Arrivals that are remembered of one matter.
const ARRIVALS_MAX: usize = 100;

/// It is forgotten at this instant.
pub(crate) trait Lasting {
    fn until_ms(&self) -> u64;
}

/// The place of a customer who left without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptPlace {
    pub(crate) contact: Id,
    pub(crate) queue: Name,
    pub(crate) key: Key,
    pub(crate) queued_at_ms: u64,
    pub(crate) target_ms: u64,
    pub(crate) priority: u8,
    pub(crate) until_ms: u64,
}

impl Lasting for KeptPlace {
    fn until_ms(&self) -> u64 {
        self.until_ms
    }
}

/// A customer's arrivals about one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recurrence {
    /// When, oldest first.
    arrivals: Vec<u64>,
    until_ms: u64,
    /// Who was engaged with it last.
    pub(crate) agent: Option<Id>,
}

impl Lasting for Recurrence {
    fn until_ms(&self) -> u64 {
        self.until_ms
    }
}

impl Recurrence {
    /// Arrivals at most `repeat_ms` ago at `now_ms`, as far as they make a difference.
    pub(crate) fn recent(&self, repeat_ms: u64, now_ms: u64) -> usize {
        let recent = self.arrivals.iter().filter(|at_ms| at_ms.saturating_add(repeat_ms) > now_ms).count();
        recent.min(ARRIVALS_MAX - 1)
    }

    /// The customer comes again. What is older than the arrivals that count now will never count again.
    pub(crate) fn again(before: Option<Self>, at_ms: u64, matter: Matter) -> Self {
        let earlier = usize::try_from(matter.count).unwrap_or(ARRIVALS_MAX).min(ARRIVALS_MAX).saturating_sub(1);
        let mut known = before.filter(|_| earlier > 0).unwrap_or_default();
        known.arrivals.drain(..known.arrivals.len().saturating_sub(earlier));
        known.arrivals.push(at_ms);
        known.until_ms = matter.until_ms;
        known
    }
}

/// Costs: `get` and `get_mut` are constant, the others logarithmic in what is remembered.
#[derive(Debug, Clone)]
pub(crate) struct Customers<V> {
    known: Summed<Id, Few<Name, V>>,
    /// What is forgotten next comes first. Derived.
    order: BTreeSet<(u64, Id, Name)>,
}

impl<V> Default for Customers<V> {
    fn default() -> Self {
        Self { known: Summed::new(), order: BTreeSet::new() }
    }
}

impl<V: Lasting> Customers<V> {
    /// What is not to be forgotten at `at_ms`.
    pub(crate) fn get(&self, customer: &Id, name: &Name, at_ms: u64) -> Option<&V> {
        self.known.get(customer)?.get(name).filter(|value| value.until_ms() > at_ms)
    }

    /// All that is remembered of a customer.
    pub(crate) fn of(&self, customer: &Id) -> impl Iterator<Item = (&Name, &V)> {
        self.known.get(customer).into_iter().flatten()
    }

    /// To change anything but its end.
    pub(crate) fn get_mut(&mut self, customer: &Id, name: &Name) -> Option<&mut V> {
        self.known.get_mut(customer)?.get_mut(name)
    }

    /// In the place of what was remembered there. Beyond `most` what ends first is forgotten.
    pub(crate) fn remember(&mut self, customer: Id, name: &Name, value: V, most: usize) {
        self.remove(&customer, name);
        self.order.insert((value.until_ms(), customer, name.clone()));
        match self.known.get_mut(&customer) {
            Some(of_customer) => {
                of_customer.insert(name.clone(), value);
            }
            None => {
                self.known.insert(customer, Few::from_iter([(name.clone(), value)]));
            }
        }
        while self.order.len() > most {
            self.forget_first();
        }
    }

    pub(crate) fn remove(&mut self, customer: &Id, name: &Name) -> Option<V> {
        let of_customer = self.known.get_mut(customer)?;
        let value = of_customer.remove(name)?;
        if of_customer.is_empty() {
            self.known.remove(customer);
        }
        self.order.remove(&(value.until_ms(), *customer, name.clone()));
        Some(value)
    }

    pub(crate) fn erase(&mut self, customer: &Id) {
        for (name, value) in self.known.remove(customer).iter().flatten() {
            self.order.remove(&(value.until_ms(), *customer, name.clone()));
        }
    }

    /// Forget what ends by `at_ms`.
    pub(crate) fn forget(&mut self, at_ms: u64) {
        while self.order.first().is_some_and(|(until_ms, ..)| *until_ms <= at_ms) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, customer, name)) = self.order.first().cloned() {
            self.remove(&customer, &name);
        }
    }

    /// See `Table::seed`.
    pub(crate) fn seed(&mut self, seed: u64) {
        self.known.seed(seed);
    }

    /// What stands in a snapshot, for the hash of the state.
    pub(crate) fn known(&self) -> &Summed<Id, Few<Name, V>> {
        &self.known
    }

    pub(crate) fn known_mut(&mut self) -> &mut Summed<Id, Few<Name, V>> {
        &mut self.known
    }
}

/// The order follows from the rest.
impl<V: PartialEq> PartialEq for Customers<V> {
    fn eq(&self, other: &Self) -> bool {
        self.known == other.known
    }
}

impl<V: Eq> Eq for Customers<V> {}

impl<V: Serialize> Serialize for Customers<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.known.serialize(serializer)
    }
}

impl<'de, V: Lasting + Deserialize<'de>> Deserialize<'de> for Customers<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let known = Summed::<Id, Few<Name, V>>::deserialize(deserializer)?;
        let all = known.iter().flat_map(|(id, few)| few.iter().map(move |(name, value)| (value.until_ms(), *id, name.clone())));
        let order = all.collect();
        Ok(Self { known, order })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 6;

    fn name(number: u8) -> Name {
        Name::new(&format!("n{number}")).unwrap()
    }

    fn recurrence(until_ms: u64) -> Recurrence {
        Recurrence { arrivals: Vec::new(), until_ms, agent: None }
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_what_is_known(steps in prop::collection::vec((0..5_u8, 0..3_u8, 0..40_u64, 0..4_u8), 0..80)) {
            let mut customers = Customers::<Recurrence>::default();
            for (customer, topic, until_ms, what) in steps {
                let customer = Id([customer; 16]);
                match what {
                    0 => customers.forget(until_ms),
                    1 => customers.erase(&customer),
                    2 => drop(customers.remove(&customer, &name(topic))),
                    _ => {
                        customers.remember(customer, &name(topic), recurrence(until_ms), MOST);
                    }
                }
                let bytes = rmp_serde::to_vec(&customers).unwrap();
                let restored: Customers<Recurrence> = rmp_serde::from_slice(&bytes).unwrap();
                prop_assert_eq!(&restored, &customers);
                prop_assert_eq!(&restored.order, &customers.order);
                prop_assert!(customers.order.len() <= MOST);
            }
        }
    }

    #[test]
    fn only_arrivals_of_late_count() {
        let again = |before: Option<Recurrence>, at_ms: u64| {
            let count = 1 + before.as_ref().map_or(0, |known| known.recent(100, at_ms)) as u64;
            (count, Recurrence::again(before, at_ms, Matter { count, until_ms: at_ms + 100 }))
        };
        let (first, known) = again(None, 1_000);
        let (second, known) = again(Some(Recurrence { agent: Some(Id([1; 16])), ..known }), 1_060);
        let (third, known) = again(Some(known), 1_101);
        assert_eq!((first, second, third), (1, 2, 2));
        assert_eq!((known.arrivals.as_slice(), known.agent), ([1_060, 1_101].as_slice(), Some(Id([1; 16]))));
        let (anew, known) = again(Some(known), 1_201);
        assert_eq!((anew, known), (1, Recurrence { arrivals: vec![1_201], until_ms: 1_301, agent: None }));
    }

    #[test]
    fn a_matter_has_its_limit() {
        let mut known = None;
        for at_ms in 0..300 {
            let count = 1 + known.as_ref().map_or(0, |known: &Recurrence| known.recent(1_000, at_ms)) as u64;
            known = Some(Recurrence::again(known, at_ms, Matter { count, until_ms: at_ms + 1_000 }));
            assert_eq!(count, (at_ms + 1).min(ARRIVALS_MAX as u64));
        }
        assert_eq!(known.map(|known| known.arrivals.len()), Some(ARRIVALS_MAX));
    }
}
