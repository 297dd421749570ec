//! Which families need which skill: bits that say at once whose contacts somebody with certain skills might serve.

use super::family::{Wanted, NONE};
use super::Need;
use crate::words::bounds::LEVEL;

/// Words that are looked at together.
pub(super) const STEP: usize = 4;
/// Levels begin at 1 and end here.
#[allow(clippy::cast_possible_truncation)] // small
const LEVEL_MAX: u8 = LEVEL.1 as u8;
const LEVELS: usize = LEVEL_MAX as usize + 1;

/// One bit a family.
///
/// Costs: `had` a word for each of the skills, 64 families at a time; a bit for every skill, level and family.
#[derive(Debug, Clone, Default)]
pub(super) struct Bearing {
    /// The families that need a skill for which a level is enough: `width` words a skill and level, side by side.
    words: Vec<u64>,
    width: usize,
    /// Those that need one skill, and those that need two.
    one: Vec<u64>,
    two: Vec<u64>,
}

impl Bearing {
    /// A new family.
    pub(super) fn add(&mut self, number: usize, wanted: &Wanted) {
        self.widen(number / 64 + 1);
        let (word, bit) = (number / 64, 1 << (number % 64));
        let needed = || wanted.needs().filter(|(skill, _)| *skill != NONE);
        match needed().count() {
            0 => {}
            1 => self.one[word] |= bit,
            _ => self.two[word] |= bit,
        }
        for (skill, least) in needed() {
            let known = self.words.len().max(row(skill, 0) * self.width + LEVELS * self.width);
            self.words.resize(known, 0);
            for level in least.max(1)..=LEVEL_MAX {
                self.words[row(skill, level) * self.width + word] |= bit;
            }
        }
    }

    /// The families of which these skills are enough, those of `STEP` words from `first` on, which is a multiple of it.
    pub(super) fn had(&self, skills: &[Need], first: usize) -> [u64; STEP] {
        let (mut once, mut twice) = ([0; STEP], [0; STEP]);
        for (skill, level) in skills {
            let at = row(*skill, *level) * self.width + first;
            let Some(words) = self.words.get(at..).and_then(<[u64]>::first_chunk::<STEP>) else { continue };
            for ((once, twice), word) in once.iter_mut().zip(&mut twice).zip(words) {
                *twice |= *once & word;
                *once |= word;
            }
        }
        let needed = self.one[first..first + STEP].iter().zip(&self.two[first..first + STEP]);
        let mut had = [0; STEP];
        for (word, (had, (one, two))) in had.iter_mut().zip(needed).enumerate() {
            *had = twice[word] & two | once[word] & one | !(one | two);
        }
        had
    }

    fn widen(&mut self, words: usize) {
        if words <= self.width {
            return;
        }
        let width = words.next_power_of_two().max(STEP);
        let mut wider = vec![0; self.words.len() / self.width.max(1) * width];
        for (skill, held) in self.words.chunks(self.width.max(1)).enumerate() {
            wider[skill * width..][..held.len()].copy_from_slice(held);
        }
        (self.words, self.width) = (wider, width);
        self.one.resize(width, 0);
        self.two.resize(width, 0);
    }
}

fn row(skill: u32, level: u8) -> usize {
    skill as usize * LEVELS + usize::from(level.min(LEVEL_MAX))
}
