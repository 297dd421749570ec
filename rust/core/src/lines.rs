//! Contacts that wait in one place (a queue and a channel), by what they need: one line for each set of needs.
//!
//! An agent chooses among the heads of the lines it is able to serve. With few different sets of needs that is all. When there
//! are too many, further sets share lines: those with the same two hardest needs, then those with the same hardest need, then all. In a
//! shared line every contact is looked at by itself.
//!
//! Cost with l lines: an agent's choice l/64 words and the heads of its lines, in a shared line also the contacts before the first
//! that it is able to serve; `join` and `part` the logarithm of the line's length. Lines are never more than `LINES_MAX` and one. Which
//! agent is able to serve which line is found out when the agent asks, once a line.

use std::collections::BTreeMap;

use crate::index::Slots;
use crate::words::Key;

/// So many lines have a set of needs for themselves.
const OWN_MAX: usize = 1_024;
/// And so many more are shared by sets that have something in common.
const LINES_MAX: usize = 4_096;
/// The place of nobody.
const NOBODY: u128 = u128::MAX;

/// A skill (by number) and the least level.
pub(crate) type Need = (u32, u8);

/// What the contacts of a line have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Needs {
    /// All they need, in the order of skills.
    All(Box<[Need]>),
    /// These needs, perhaps with others.
    Some(Box<[Need]>),
}

impl Needs {
    /// What everybody in the line needs.
    fn shared(&self) -> &[Need] {
        let (Self::All(needs) | Self::Some(needs)) = self;
        needs
    }
}

#[derive(Debug, Clone)]
struct Line {
    needs: Needs,
    waiting: BTreeMap<u128, u32>,
}

/// The contacts that wait, by slot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines {
    all: Vec<Line>,
    numbers: BTreeMap<Needs, u32>,
    /// The first of each line, in its order.
    heads: Vec<u128>,
    /// Lines in which somebody waits.
    busy: Vec<u64>,
    /// Agents that have asked, by slot.
    askers: Slots<u32>,
    able: Able,
}

/// What agents are able to serve, as far as they have asked: one bit a line, `width` words an agent, side by side.
#[derive(Debug, Clone, Default)]
struct Able {
    words: Vec<u64>,
    width: usize,
    /// How many lines each agent has asked about.
    known: Vec<u32>,
}

/// A contact that an agent may choose: the rank of its place for the agent, its key, its slot.
pub(crate) type Choice = (u8, u128, u32);

impl Able {
    /// The bits of an agent, and of how many lines they tell.
    fn of(&self, agent: u32) -> (&[u64], usize) {
        let first = agent as usize * self.width;
        let words = self.words.get(first..first + self.width).unwrap_or_default();
        (words, self.known.get(agent as usize).map_or(0, |known| *known as usize))
    }

    /// Room for so many agents and lines. What was known stays.
    fn widen(&mut self, agents: usize, words: usize) {
        if words > self.width {
            let width = words.next_power_of_two();
            let mut wider = vec![0; self.known.len() * width];
            for (agent, held) in self.words.chunks(self.width.max(1)).enumerate() {
                wider[agent * width..][..held.len()].copy_from_slice(held);
            }
            (self.words, self.width) = (wider, width);
        }
        if agents > self.known.len() {
            self.known.resize(agents, 0);
            self.words.resize(agents * self.width, 0);
        }
    }
}

impl Lines {
    /// The contact in `slot` waits with these needs (in the order of skills). Returns the line it stands in.
    pub(crate) fn join(&mut self, needs: &[Need], key: Key, slot: u32) -> u32 {
        let number = self.line_for(needs);
        let key = packed(key);
        let line = &mut self.all[number as usize];
        line.waiting.insert(key, slot);
        let head = &mut self.heads[number as usize];
        *head = (*head).min(key);
        self.busy[number as usize / 64] |= 1 << (number % 64);
        number
    }

    /// It waits in that line no more.
    pub(crate) fn part(&mut self, number: u32, key: Key) {
        let key = packed(key);
        let line = &mut self.all[number as usize];
        line.waiting.remove(&key);
        if self.heads[number as usize] == key {
            self.heads[number as usize] = line.waiting.first_key_value().map_or(NOBODY, |(key, _)| *key);
            if line.waiting.is_empty() {
                self.busy[number as usize / 64] &= !(1 << (number % 64));
            }
        }
    }

    /// The agent in `slot` has changed, or is gone: what it is able to serve must be asked again.
    pub(crate) fn forget(&mut self, agent: u32) {
        if let Some(asker) = self.askers.give_back(&agent) {
            self.able.known[asker as usize] = 0;
            self.able.words[asker as usize * self.able.width..][..self.able.width].fill(0);
        }
    }

    /// Find out about lines that the agent has not asked about yet. `serves` says whether it meets needs.
    pub(crate) fn learn(&mut self, agent: u32, serves: impl Fn(&[Need]) -> bool) {
        let asker = self.askers.take(agent) as usize;
        self.able.widen(asker + 1, self.busy.len());
        let known = std::mem::replace(&mut self.able.known[asker], index_of(self.all.len()));
        if known as usize == self.all.len() {
            return;
        }
        let words = &mut self.able.words[asker * self.able.width..][..self.able.width];
        for (number, line) in self.all.iter().enumerate().skip(known as usize) {
            if serves(line.needs.shared()) {
                words[number / 64] |= 1 << (number % 64);
            }
        }
    }

    /// The two best contacts for an agent, of those in `best` and those here, where the agent has this rank: least rank, then least key.
    /// `serves` as in `learn`, for lines that have come up since; `takes` says whether the agent may have a contact, whose needs it may not
    /// meet if the line is `shared`.
    pub(crate) fn two_best(
        &self,
        agent: u32,
        rank: u8,
        serves: impl Fn(&[Need]) -> bool,
        takes: impl Fn(u32, bool) -> bool,
        best: &mut [Option<Choice>; 2],
    ) {
        let worse = |best: &[Option<Choice>; 2], key: u128| best[1].is_some_and(|(r, k, _)| (r, k) <= (rank, key));
        let (able, known) = self.askers.of(&agent).map_or((&[][..], 0), |asker| self.able.of(asker));
        for (word, busy) in self.busy.iter().enumerate() {
            let mut left = busy & (able.get(word).copied().unwrap_or(0) | from(known, word));
            while left != 0 {
                let number = word * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let line = &self.all[number];
                if worse(best, self.heads[number]) || (number >= known && !serves(line.needs.shared())) {
                    continue;
                }
                let shared = matches!(line.needs, Needs::Some(_));
                for (key, slot) in &line.waiting {
                    if worse(best, *key) {
                        break;
                    }
                    if takes(*slot, shared) {
                        insert(best, (rank, *key, *slot));
                    }
                }
            }
        }
    }

    /// Nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.busy.iter().all(|word| *word == 0)
    }

    /// Lines there are: what the cost depends on.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Too many lines have nobody in them: number the others anew. True if the caller has to ask `line` again for those who wait.
    pub(crate) fn tidy(&mut self) -> Option<BTreeMap<u32, u32>> {
        let busy: usize =
            if self.all.len() < OWN_MAX { return None } else { self.busy.iter().map(|word| word.count_ones() as usize).sum() };
        if busy * 2 > self.all.len() {
            return None;
        }
        let before = std::mem::take(self);
        let mut moved = BTreeMap::new();
        for (number, line) in (0..).zip(before.all) {
            if let Some((head, _)) = line.waiting.first_key_value() {
                let head = *head;
                let new = self.add(line.needs);
                self.heads[new as usize] = head;
                self.busy[new as usize / 64] |= 1 << (new % 64);
                self.all[new as usize].waiting = line.waiting;
                moved.insert(number, new);
            }
        }
        Some(moved)
    }

    fn line_for(&mut self, needs: &[Need]) -> u32 {
        let all = Needs::All(needs.into());
        if let Some(number) = self.numbers.get(&all).copied() {
            return number;
        }
        if self.all.len() < OWN_MAX {
            return self.add(all);
        }
        let mut hardest = needs.to_vec();
        hardest.sort_unstable_by_key(|(skill, level)| (std::cmp::Reverse(*level), *skill));
        for held in [2, 1, 0] {
            // By skill alone: the same two skills at other levels share the line.
            let shared = Needs::Some(hardest.iter().take(held).map(|(skill, _)| (*skill, 1)).collect());
            if let Some(number) = self.numbers.get(&shared).copied() {
                return number;
            }
            if hardest.len() >= held && (self.all.len() < LINES_MAX || held == 0) {
                return self.add(shared);
            }
        }
        unreachable!("a line for all needs is always made")
    }

    fn add(&mut self, needs: Needs) -> u32 {
        let number = index_of(self.all.len());
        self.numbers.insert(needs.clone(), number);
        self.all.push(Line { needs, waiting: BTreeMap::new() });
        self.heads.push(NOBODY);
        self.busy.resize(self.all.len().div_ceil(64), 0);
        number
    }
}

/// The lines of a word that stand at `known` or behind it.
fn from(known: usize, word: usize) -> u64 {
    match known.saturating_sub(word * 64) {
        0 => u64::MAX,
        behind if behind >= 64 => 0,
        behind => u64::MAX << behind,
    }
}

fn insert(best: &mut [Option<Choice>; 2], found: Choice) {
    // A contact that waits in two places is one choice.
    if best.iter().flatten().any(|(rank, key, slot)| *slot == found.2 && (*rank, *key) <= (found.0, found.1)) {
        return;
    }
    match best[0] {
        Some(first) if first.2 == found.2 => best[0] = Some(found),
        Some(first) if (first.0, first.1) <= (found.0, found.1) => best[1] = Some(found),
        first => *best = [Some(found), first],
    }
}

/// Lines are few.
fn index_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or_else(|_| unreachable!("more than four thousand million lines"))
}

/// A key as one number in the same order: class, then due time (moved to be positive), then arrival.
fn packed(key: Key) -> u128 {
    let due = u128::from(key.order_ms.cast_unsigned() ^ (1 << 63));
    (u128::from(key.klass) << 120) | (due << 56) | u128::from(key.seq)
}

#[cfg(test)]
mod tests;
