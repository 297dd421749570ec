//! Numbers for names: small ones, in the order in which the names came.

use crate::table::Table;
use crate::words::Name;

#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers(Table<Name, u32>);

impl Numbers {
    /// The name's number, a new one if it has none.
    pub(crate) fn of(&mut self, name: &Name) -> u32 {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let number = u32::try_from(self.0.len()).unwrap_or_else(|_| unreachable!("more than four thousand million"));
        self.0.insert(name.clone(), number);
        number
    }

    /// How many names have one.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
