//! Contacts that wait in one place (a queue and a channel), by what they need: one line for each set of needs.
//!
//! Lines stand in *families*: those whose contacts need the same skills, or the same two rarest ones, at the same levels; beyond `EXACT_MAX`
//! families at whatever levels. An agent looks at the families for which its skills are enough: first at the one with the least first contact, then at
//! those whose first contact is before what was found. In each it looks at the first contacts of the lines, the least first, until it may have one.
//!
//! Cost with f families, l lines in a family and n contacts in a line: an agent's choice f/64 words for each of its skills, and of each family that
//! may hold something better the lines before the first that the agent is able to serve (of those of one class: all lines with somebody before the
//! end of the class, and log n of each). `join` and `part` log l + log n, and l moved at most.
//! Two skills make a family, so beyond `EXACT_MAX` f grows by half the square of the skills at most; it is never more than `SINGLES_MAX` and one.
//! Nothing is kept for an agent but its levels.

mod bearing;
mod family;
mod sorted;
mod staff;

use bearing::{Bearing, STEP};
use family::{Family, Wanted, NONE};
use sorted::Sorted;
pub(crate) use staff::{Able, Staff};

use crate::places::{mixed, Places};
use crate::table::Table;
use crate::words::Key;

/// So many families are made for two skills at certain levels.
const EXACT_MAX: usize = 512;
/// Up to so many for two skills at any levels.
const FAMILIES_MAX: usize = 4_096;
/// And up to so many for one.
const SINGLES_MAX: usize = 8_192;
/// The place of nobody.
const NOBODY: u128 = u128::MAX;

/// A skill (by number) and the least level.
pub(crate) type Need = (u32, u8);

/// A contact that an agent may choose: the rank of its place for the agent, its key, its slot.
pub(crate) type Choice = (u8, u128, u32);

/// The keys that are looked at: of one class, or all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Band {
    from: u128,
    /// Above the last one.
    below: u128,
}

impl Band {
    pub(crate) const ALL: Self = Self { from: 0, below: NOBODY };

    pub(crate) fn of(klass: u8) -> Self {
        let end = klass.checked_add(1).map_or(NOBODY, |next| packed(Key { klass: next, order_ms: i64::MIN, seq: 0 }));
        Self { from: packed(Key { klass, order_ms: i64::MIN, seq: 0 }), below: end }
    }
}

#[derive(Debug, Clone)]
struct Line {
    /// In the order of skills.
    needs: Box<[Need]>,
    family: u32,
    waiting: Sorted,
}

/// The contacts that wait, by slot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines {
    all: Vec<Line>,
    /// Lines by their needs, and numbers of lines that are no more.
    places: Places,
    spare: Vec<u32>,
    families: Vec<Family>,
    /// By what their contacts need.
    bearing: Bearing,
    numbers: Table<((u32, u32), u32), u32>,
    /// The first contact of each family.
    firsts: Vec<u128>,
    /// Families in which somebody waits.
    busy: Vec<u64>,
    /// How many lines need a skill.
    demand: Vec<u32>,
}

impl Lines {
    /// The contact in `slot` waits with these needs (in the order of skills). Returns the line it stands in.
    pub(crate) fn join(&mut self, needs: &[Need], key: Key, slot: u32) -> u32 {
        let number = self.line_for(needs);
        let key = packed(key);
        let line = &mut self.all[number as usize];
        let first = line.waiting.first().map_or(NOBODY, |(key, _)| key);
        line.waiting.insert(key, slot);
        if key < first {
            self.advance(number, first, (key, slot));
        }
        number
    }

    /// It waits in that line no more.
    pub(crate) fn part(&mut self, number: u32, key: Key) {
        let key = packed(key);
        let line = &mut self.all[number as usize];
        let first = line.waiting.first().map_or(NOBODY, |(key, _)| key);
        line.waiting.remove(key);
        if key == first {
            let next = line.waiting.first().unwrap_or((NOBODY, 0));
            self.advance(number, first, next);
        }
    }

    /// The best contacts for somebody who is able to do this, of those in `best` and those here, where it has this rank: least rank, then
    /// least key. `takes` says whether it may have a contact, whose needs it meets.
    pub(crate) fn best<const N: usize>(
        &self,
        able: Able<'_>,
        (rank, band): (u8, Band),
        takes: impl Fn(u32) -> bool,
        best: &mut [Option<Choice>; N],
    ) {
        let mut bound = bound(best, rank).min(band.below);
        for (step, busy) in self.busy.chunks(STEP).enumerate() {
            if busy.iter().all(|word| *word == 0) {
                continue;
            }
            let mut left = self.bearing.had(able.skills(), step * STEP);
            left.iter_mut().zip(busy.iter().chain(&[0; STEP])).for_each(|(left, busy)| *left &= busy);
            // The least of them first: then most others need not be looked at.
            let (number, next) = self.least_of(step, &left);
            if self.firsts.get(number).is_some_and(|first| *first < bound) {
                bound = self.best_of(&self.families[number], able, (rank, band), &takes, best);
            }
            if next > half(bound) {
                continue;
            }
            for (word, mut left) in left.into_iter().enumerate() {
                while left != 0 {
                    let other = number_of(step, word, left);
                    left &= left - 1;
                    if other != number && self.firsts[other] < bound {
                        bound = self.best_of(&self.families[other], able, (rank, band), &takes, best);
                    }
                }
            }
        }
    }

    /// The family among these with the least first contact, and where the others begin: by the greater halves of the keys, which say nearly
    /// always who is first.
    fn least_of(&self, step: usize, families: &[u64]) -> (usize, u64) {
        let (mut least, mut of, mut next) = (u64::MAX, usize::MAX, u64::MAX);
        for (word, mut left) in families.iter().copied().enumerate() {
            while left != 0 {
                let number = number_of(step, word, left);
                left &= left - 1;
                let first = half(self.firsts[number]);
                next = next.min(least.max(first));
                of = if first < least { number } else { of };
                least = least.min(first);
            }
        }
        (of, next)
    }

    /// The same of a family. Returns what must be below from now on, to be among the best.
    fn best_of<const N: usize>(
        &self,
        family: &Family,
        able: Able<'_>,
        (rank, band): (u8, Band),
        takes: impl Fn(u32) -> bool,
        best: &mut [Option<Choice>; N],
    ) -> u128 {
        let held = family.held(able);
        let mut least = bound(best, rank).min(band.below);
        for head in family.heads() {
            if head.key >= least {
                break;
            }
            if !head.within(held) || (head.more && !able.meets(&self.all[head.line as usize].needs)) {
                continue;
            }
            if head.key >= band.from && takes(head.slot) {
                least = insert(best, (rank, head.key, head.slot)).min(band.below);
                if head.key >= least {
                    break;
                }
            }
            for (key, slot) in self.all[head.line as usize].waiting.since(band.from.max(head.key + 1)) {
                if key >= least {
                    break;
                }
                if takes(slot) {
                    least = insert(best, (rank, key, slot)).min(band.below);
                }
            }
        }
        least
    }

    /// Lines and families there are: what the cost depends on.
    #[cfg(test)]
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.all.len() - self.spare.len(), self.families.len())
    }

    /// Another contact is the first of a line.
    fn advance(&mut self, line: u32, from: u128, to: (u128, u32)) {
        let number = self.all[line as usize].family as usize;
        let family = &mut self.families[number];
        family.advance(line, from, to);
        let first = family.first();
        self.firsts[number] = first;
        let bit = 1 << (number % 64);
        if first == NOBODY {
            self.busy[number / 64] &= !bit;
        } else {
            self.busy[number / 64] |= bit;
        }
        if to.0 == NOBODY {
            for gone in self.families[number].sweep() {
                self.remove(gone);
            }
        }
    }

    fn line_for(&mut self, needs: &[Need]) -> u32 {
        let hash = spread(needs);
        if let Some((_, number)) = self.places.find(hash, |number| *self.all[number].needs == *needs) {
            return index_of(number);
        }
        self.regroup();
        for (skill, _) in needs {
            let known = self.demand.len().max(*skill as usize + 1);
            self.demand.resize(known, 0);
            self.demand[*skill as usize] += 1;
        }
        let family = self.family_for(needs);
        let number = self.spare.pop().unwrap_or(index_of(self.all.len()));
        match self.all.get_mut(number as usize) {
            Some(line) => (line.needs, line.family) = (needs.into(), family),
            None => self.all.push(Line { needs: needs.into(), family, waiting: Sorted::default() }),
        }
        self.places.insert(hash, number, |_| false);
        self.families[family as usize].add(number, needs);
        number
    }

    /// Nobody waits in the line, and it is in no family any more.
    fn remove(&mut self, number: u32) {
        let needs = std::mem::take(&mut self.all[number as usize].needs);
        if let Some((place, _)) = self.places.find(spread(&needs), |found| found == number as usize) {
            self.places.remove(place);
        }
        needs.iter().for_each(|(skill, _)| self.demand[*skill as usize] -= 1);
        self.spare.push(number);
    }

    /// The family of contacts with these needs: that of the two skills that the fewest lines need, and if there are too many of these, of one.
    fn family_for(&mut self, needs: &[Need]) -> u32 {
        let (one, two) = self.rarest(needs);
        let pair = if two == NONE { [one, NONE] } else { [one.min(two), one.max(two)] };
        let level = |skill| needs.iter().find(|(needed, _)| *needed == skill).map_or(0, |(_, level)| *level);
        let kinds = [(pair, pair.map(level), EXACT_MAX), (pair, [0; 2], FAMILIES_MAX), ([one, NONE], [0; 2], SINGLES_MAX)];
        for (skills, levels, most) in kinds {
            let wanted = Wanted { skills, levels };
            if let Some(number) = self.numbers.get(&wanted.key()) {
                return *number;
            }
            if self.families.len() < most {
                return self.add_family(wanted);
            }
        }
        let anything = Wanted { skills: [NONE; 2], levels: [0; 2] };
        self.numbers.get(&anything.key()).copied().unwrap_or_else(|| self.add_family(anything))
    }

    /// The two skills that the fewest lines need, the rarest first.
    fn rarest(&self, needs: &[Need]) -> (u32, u32) {
        let demand = |skill: u32| self.demand.get(skill as usize).map_or((u32::MAX, skill), |lines| (*lines, skill));
        needs.iter().fold((NONE, NONE), |(one, two), (skill, _)| match demand(*skill) {
            rarer if rarer < demand(one) => (*skill, one),
            rarer if rarer < demand(two) => (one, *skill),
            _ => (one, two),
        })
    }

    /// There are too many families, and in most of them nobody waits: begin again with the lines in which somebody does.
    fn regroup(&mut self) {
        let busy = || self.busy.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        if self.families.len() < FAMILIES_MAX || busy() * 2 > self.families.len() {
            return;
        }
        let families = std::mem::take(&mut self.families);
        (self.bearing, self.firsts, self.busy, self.numbers) = (Bearing::default(), Vec::new(), Vec::new(), Table::new());
        for head in families.iter().flat_map(Family::heads) {
            if head.key == NOBODY {
                self.remove(head.line);
                continue;
            }
            let needs = std::mem::take(&mut self.all[head.line as usize].needs);
            let family = self.family_for(&needs);
            self.families[family as usize].add(head.line, &needs);
            (self.all[head.line as usize].needs, self.all[head.line as usize].family) = (needs, family);
            self.advance(head.line, NOBODY, (head.key, head.slot));
        }
    }

    fn add_family(&mut self, wanted: Wanted) -> u32 {
        let number = index_of(self.families.len());
        self.families.push(Family::new(wanted));
        self.bearing.add(number as usize, &wanted);
        self.firsts.push(NOBODY);
        self.busy.resize(self.families.len().div_ceil(64), 0);
        self.numbers.insert(wanted.key(), number);
        number
    }
}

/// The greater half of a key.
#[allow(clippy::cast_possible_truncation)] // shifted
fn half(key: u128) -> u64 {
    (key >> 64) as u64
}

/// The number of the first of these families, one bit each, of which there are `STEP` words a step.
fn number_of(step: usize, word: usize, families: u64) -> usize {
    (step * STEP + word) * 64 + families.trailing_zeros() as usize
}

/// What must be below, to be among the best of this rank.
fn bound<const N: usize>(best: &[Option<Choice>; N], rank: u8) -> u128 {
    match best[N - 1] {
        Some((held, key, _)) if held == rank => key,
        Some((held, ..)) if held < rank => 0,
        _ => NOBODY,
    }
}

/// Returns what must be below from now on.
fn insert<const N: usize>(best: &mut [Option<Choice>; N], found: Choice) -> u128 {
    let before = |held: &Choice| (held.0, held.1) <= (found.0, found.1);
    // A contact that waits in two places is one choice.
    let same = best.iter().position(|held| held.is_some_and(|held| held.2 == found.2));
    if same.and_then(|at| best[at]).is_none_or(|held| !before(&held)) {
        let at = best.iter().take_while(|held| held.as_ref().is_some_and(before)).count();
        best.copy_within(at..same.unwrap_or(N - 1), at + 1);
        best[at] = Some(found);
    }
    bound(best, found.0)
}

/// Where to look for needs: the same on every machine.
fn spread(needs: &[Need]) -> u64 {
    needs.iter().fold(0, |hash, (skill, level)| mixed(u128::from(hash) << 64 | u128::from(*skill) << 8 | u128::from(*level)))
}

/// Lines are few.
fn index_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or_else(|_| unreachable!("more than four thousand million"))
}

/// A key as one number in the same order: class, then due time (moved to be positive), then arrival.
fn packed(key: Key) -> u128 {
    let due = u128::from(key.order_ms.cast_unsigned() ^ (1 << 63));
    (u128::from(key.klass) << 120) | (due << 56) | u128::from(key.seq)
}

#[cfg(test)]
mod tests;
