//! Numbers for what is there now: small, and given again when their holder is gone.

use crate::places::Spread;
use crate::table::Table;

#[derive(Debug, Clone)]
pub(crate) struct Slots<K: Spread + Clone> {
    numbers: Table<K, u32>,
    holders: Vec<K>,
    free: Vec<u32>,
}

impl<K: Spread + Clone> Default for Slots<K> {
    fn default() -> Self {
        Self { numbers: Table::new(), holders: Vec::new(), free: Vec::new() }
    }
}

impl<K: Spread + Clone> Slots<K> {
    /// See `Table::seed`.
    pub(crate) fn seed(&mut self, seed: u64) {
        self.numbers.seed(seed);
    }

    /// Nobody holds one; the seed stays.
    pub(crate) fn emptied(&self) -> Self {
        let mut emptied = Self::default();
        emptied.seed(self.numbers.seeded());
        emptied
    }

    /// The holder's number, a new one if it has none.
    pub(crate) fn take(&mut self, holder: K) -> u32 {
        if let Some(number) = self.numbers.get(&holder) {
            return *number;
        }
        let number = if let Some(number) = self.free.pop() {
            self.holders[number as usize] = holder.clone();
            number
        } else {
            self.holders.push(holder.clone());
            u32::try_from(self.holders.len() - 1).unwrap_or_else(|_| unreachable!("more than four thousand million"))
        };
        self.numbers.insert(holder, number);
        number
    }

    /// The same for a holder who is not copied unless it is new.
    pub(crate) fn number(&mut self, holder: &K) -> u32 {
        match self.numbers.get(holder) {
            Some(number) => *number,
            None => self.take(holder.clone()),
        }
    }

    pub(crate) fn of(&self, holder: &K) -> Option<u32> {
        self.numbers.get(holder).copied()
    }

    /// How many hold one.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Who holds a number that was given.
    pub(crate) fn holder(&self, number: u32) -> &K {
        &self.holders[number as usize]
    }

    /// The holder is gone: its number.
    pub(crate) fn give_back(&mut self, holder: &K) -> Option<u32> {
        let number = self.numbers.remove(holder)?;
        self.free.push(number);
        Some(number)
    }
}
