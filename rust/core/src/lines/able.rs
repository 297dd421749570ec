//! Which families an agent is able to serve, as far as it has looked.

use super::family::Skills;
use super::staff::Levels;

/// One bit a family, `width` words an asker, side by side.
#[derive(Debug, Clone, Default)]
pub(super) struct Able {
    words: Vec<u64>,
    width: usize,
    /// How many families each asker has looked at.
    known: Vec<u32>,
    /// Numbers that were given back.
    free: Vec<u32>,
}

impl Able {
    /// A number for somebody who is about to ask.
    pub(super) fn enrol(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.known.push(0);
            self.words.resize(self.known.len() * self.width, 0);
            super::index_of(self.known.len() - 1)
        })
    }

    pub(super) fn dismiss(&mut self, asker: u32) {
        self.forget(asker as usize);
        self.free.push(asker);
    }

    /// Families have other numbers now.
    pub(super) fn forget_all(&mut self) {
        (0..self.known.len()).for_each(|asker| self.forget(asker));
    }

    fn forget(&mut self, asker: usize) {
        self.known[asker] = 0;
        self.words[asker * self.width..][..self.width].fill(0);
    }

    /// The bits of an asker, and of how many families they tell.
    pub(super) fn of(&self, asker: u32) -> (&[u64], usize) {
        let first = asker as usize * self.width;
        (&self.words[first..first + self.width], self.known[asker as usize] as usize)
    }

    /// Look at the families that have come up since: all there are, by their skills.
    pub(super) fn learn(&mut self, asker: u32, families: &[Skills], levels: Levels<'_>) {
        let known = std::mem::replace(&mut self.known[asker as usize], super::index_of(families.len())) as usize;
        if known == families.len() {
            return;
        }
        self.widen(families.len().div_ceil(64));
        let words = &mut self.words[asker as usize * self.width..][..self.width];
        for (number, skills) in families.iter().enumerate().skip(known) {
            words[number / 64] |= u64::from(skills.are_had(levels)) << (number % 64);
        }
    }

    fn widen(&mut self, words: usize) {
        if words > self.width {
            let width = words.next_power_of_two();
            let mut wider = vec![0; self.known.len() * width];
            for (asker, held) in self.words.chunks(self.width.max(1)).enumerate() {
                wider[asker * width..][..held.len()].copy_from_slice(held);
            }
            (self.words, self.width) = (wider, width);
        }
    }
}
