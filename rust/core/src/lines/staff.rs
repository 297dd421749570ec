//! What agents are able to do, for quick questions.

use super::Need;

/// So many skills have a place of their own in every agent's row.
const WIDTH_MAX: usize = 256;
/// Most agents have no more skills than this.
const FEW: usize = 16;

/// The level of every skill, by agent (slot) and skill (number): one byte each.
///
/// Costs: a level constant, of a skill beyond the 256th the logarithm of the agent's skills; a byte for every agent and skill, up to 256.
#[derive(Debug, Clone, Default)]
pub(crate) struct Staff {
    /// `width` an agent, side by side. 0: it has no such skill.
    levels: Vec<u8>,
    width: usize,
    /// Of each agent, the skills beyond, in their order.
    beyond: Vec<Box<[Need]>>,
}

/// What one agent is able to do.
#[derive(Debug, Clone)]
pub(crate) struct Able<'a> {
    levels: &'a [u8],
    beyond: &'a [Need],
    skills: Skills,
}

/// The numbers of an agent's skills: few stand in place.
#[derive(Debug, Clone)]
enum Skills {
    Few([u32; FEW], usize),
    Many(Vec<u32>),
}

impl Staff {
    /// The agent has these skills (in their order) and no others.
    pub(crate) fn declare(&mut self, agent: u32, skills: &[Need]) {
        let agent = agent as usize;
        let near = skills.partition_point(|(skill, _)| (*skill as usize) < WIDTH_MAX);
        let (near, beyond) = skills.split_at(near);
        let agents = self.beyond.len().max(agent + 1);
        let wide = if beyond.is_empty() { near.last().map_or(0, |(skill, _)| *skill as usize + 1) } else { WIDTH_MAX };
        self.widen(agents, wide);
        let row = &mut self.levels[agent * self.width..][..self.width];
        row.fill(0);
        for (skill, level) in near {
            row[*skill as usize] = *level;
        }
        self.beyond[agent] = beyond.into();
    }

    pub(crate) fn of(&self, agent: u32) -> Able<'_> {
        let first = agent as usize * self.width;
        let levels = self.levels.get(first..first + self.width).unwrap_or_default();
        // Nobody has skills beyond as long as the rows are not at their widest.
        let beyond: &[Need] = match self.beyond.get(agent as usize) {
            Some(beyond) if self.width == WIDTH_MAX => beyond,
            _ => &[],
        };
        let mut skills = Skills::Few([0; FEW], 0);
        for (first, levels) in (0..).step_by(8).zip(levels.chunks(8)) {
            skills.extend(first, levels);
        }
        for (skill, _) in beyond {
            skills.push(*skill);
        }
        Able { levels, beyond, skills }
    }

    /// The level of one skill. 0: the agent does not have it.
    pub(crate) fn level(&self, agent: u32, skill: u32) -> u8 {
        let near = self.levels.get(agent as usize * self.width + skill as usize).filter(|_| (skill as usize) < self.width);
        near.copied().unwrap_or_else(|| beyond(self.beyond.get(agent as usize).map_or(&[], |beyond| beyond), skill))
    }

    fn widen(&mut self, agents: usize, skills: usize) {
        if skills > self.width {
            let width = skills.next_power_of_two();
            let mut wider = vec![0; self.beyond.len() * width];
            for (agent, held) in self.levels.chunks(self.width.max(1)).enumerate() {
                wider[agent * width..][..held.len()].copy_from_slice(held);
            }
            (self.levels, self.width) = (wider, width);
        }
        if agents > self.beyond.len() {
            self.beyond.resize(agents, Box::default());
            self.levels.resize(agents * self.width, 0);
        }
    }
}

fn beyond(beyond: &[Need], skill: u32) -> u8 {
    beyond.binary_search_by_key(&skill, |(held, _)| *held).map_or(0, |at| beyond[at].1)
}

impl Skills {
    fn push(&mut self, skill: u32) {
        match self {
            Self::Few(few, count) if *count < FEW => {
                few[*count] = skill;
                *count += 1;
            }
            Self::Few(few, _) => *self = Self::Many(few.iter().copied().chain([skill]).collect()),
            Self::Many(many) => many.push(skill),
        }
    }

    /// Of eight skills those that are held: most are not.
    fn extend(&mut self, first: u32, levels: &[u8]) {
        let mut left = levels.iter().rev().fold(0, |all, level| all << 8 | u64::from(*level));
        while left != 0 {
            let place = left.trailing_zeros() / 8;
            left &= !(0xff << (place * 8));
            self.push(first + place);
        }
    }
}

impl Able<'_> {
    /// In no order that matters.
    pub(super) fn skills(&self) -> &[u32] {
        match &self.skills {
            Skills::Few(few, count) => &few[..*count],
            Skills::Many(many) => many,
        }
    }

    /// 0: the agent does not have the skill.
    pub(super) fn level(&self, skill: u32) -> u8 {
        self.levels.get(skill as usize).copied().unwrap_or_else(|| beyond(self.beyond, skill))
    }

    /// Nothing that is needed is missing. Levels begin at 1.
    pub(super) fn meets(&self, needs: &[Need]) -> bool {
        needs.iter().all(|(skill, level)| self.level(*skill) >= *level)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn says_what_was_declared_last(
            declared in prop::collection::vec((0..40_u32, prop::collection::btree_map(0..600_u32, 1..=10_u8, 0..40)), 1..60)
        ) {
            let mut staff = Staff::default();
            let mut last = std::collections::BTreeMap::new();
            for (agent, skills) in declared {
                let list: Vec<Need> = skills.iter().map(|(skill, level)| (*skill, *level)).collect();
                staff.declare(agent, &list);
                last.insert(agent, skills);
            }
            for agent in 0..41 {
                let skills = last.get(&agent).cloned().unwrap_or_default();
                let level = |skill| skills.get(&skill).copied().unwrap_or(0);
                let able = staff.of(agent);
                prop_assert!((0..700).all(|skill| able.level(skill) == level(skill) && staff.level(agent, skill) == level(skill)));
                prop_assert_eq!(able.skills(), skills.into_keys().collect::<Vec<_>>());
            }
        }
    }
}
