//! Lines whose contacts need the same skills, or the same two rarest ones: at the same levels, or where there are many, at whatever levels.

use super::staff::Able;
use super::{Need, NOBODY};

/// No skill.
pub(super) const NONE: u32 = u32::MAX;
/// So many more lines than there are with somebody in them stay for those who may come.
const EMPTY_MAX: usize = 8;
/// Fewer lines are looked through.
const SEVERAL: usize = 12;

/// What all contacts of a family need: two skills in their order, one, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) skills: [u32; 2],
    /// The least levels; 0: its lines differ in them.
    pub(super) levels: [u8; 2],
}

impl Wanted {
    pub(super) fn needs(&self) -> impl Iterator<Item = Need> {
        self.skills.into_iter().zip(self.levels)
    }

    pub(super) fn key(&self) -> ((u32, u32), u32) {
        let ([one, two], [first, second]) = (self.skills, self.levels);
        ((one, two), u32::from(first) << 8 | u32::from(second))
    }

    /// Whoever has the skills at the family's levels has them at those of each line.
    fn is_exact(&self) -> bool {
        self.needs().all(|(skill, level)| skill == NONE || level != 0)
    }
}

/// A line, as those see it who look for a contact.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// The first contact's; `NOBODY` if there is none.
    pub(super) key: u128,
    pub(super) slot: u32,
    pub(super) line: u32,
    /// The least levels of the family's skills.
    levels: [u8; 2],
    /// More is needed than the family's skills.
    pub(super) more: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Family {
    wanted: Wanted,
    exact: bool,
    /// In the order of their first contacts; those without stand last.
    heads: Vec<Head>,
    empty: usize,
}

impl Family {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self { wanted, exact: wanted.is_exact(), heads: Vec::new(), empty: 0 }
    }

    /// The least key of all.
    pub(super) fn first(&self) -> u128 {
        self.heads.first().map_or(NOBODY, |head| head.key)
    }

    /// A line in which nobody waits yet.
    pub(super) fn add(&mut self, line: u32, needs: &[Need]) {
        let level = |skill| needs.iter().find(|(needed, _)| *needed == skill).map_or(0, |(_, level)| *level);
        let [one, two] = self.wanted.skills;
        let covered = usize::from(one != NONE) + usize::from(two != NONE);
        let head = Head { key: NOBODY, slot: 0, line, levels: [level(one), level(two)], more: needs.len() > covered };
        self.heads.push(head);
        self.empty += 1;
    }

    /// Another contact is the first of a line (`NOBODY`: none), where it was the one with the key `from`.
    pub(super) fn advance(&mut self, line: u32, from: u128, (key, slot): (u128, u32)) {
        let begin = if self.heads.len() < SEVERAL { 0 } else { self.heads.partition_point(|head| head.key < from) };
        // Among those without contacts the last came last.
        let Some(at) = self.heads[begin..].iter().rposition(|head| head.line == line).map(|at| begin + at) else { return };
        let head = Head { key, slot, ..self.heads[at] };
        let to = if key < from {
            let to = before(&self.heads[..at], key);
            self.heads.copy_within(to..at, to + 1);
            to
        } else {
            let to = at + before(&self.heads[at + 1..], key);
            self.heads.copy_within(at + 1..=to, at);
            to
        };
        self.heads[to] = head;
        self.empty = self.empty + usize::from(key == NOBODY) - usize::from(from == NOBODY);
    }

    /// Lines in which nobody waits, if there are too many of them: they are no more.
    pub(super) fn sweep(&mut self) -> Vec<u32> {
        let busy = self.heads.len() - self.empty;
        if self.empty <= busy + EMPTY_MAX {
            return Vec::new();
        }
        self.empty = 0;
        self.heads.drain(busy..).map(|head| head.line).collect()
    }

    /// The lines, the least first.
    pub(super) fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// The levels that somebody holds of the family's skills, who has these skills at the family's levels.
    pub(super) fn held(&self, able: Able<'_>) -> [u8; 2] {
        if self.exact {
            return [u8::MAX; 2];
        }
        self.wanted.skills.map(|skill| if skill == NONE { 0 } else { able.level(skill) })
    }
}

/// How many of them, in their order, stand before a key.
fn before(heads: &[Head], key: u128) -> usize {
    if heads.len() < SEVERAL {
        heads.iter().take_while(|head| head.key < key).count()
    } else {
        heads.partition_point(|head| head.key < key)
    }
}

impl Head {
    /// The family's skills are held at levels that are high enough.
    pub(super) fn within(&self, held: [u8; 2]) -> bool {
        self.levels[0] <= held[0] && self.levels[1] <= held[1]
    }
}
