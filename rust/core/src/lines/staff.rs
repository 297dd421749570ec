//! What agents are able to do, for quick questions.

use super::Need;

/// So many skills have a place of their own in every agent's row.
const WIDTH_MAX: usize = 256;

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

/// The levels of one agent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Levels<'a> {
    levels: &'a [u8],
    staff: &'a Staff,
    agent: u32,
}

impl Staff {
    /// The agent has these skills (in their order) and no others.
    pub(crate) fn declare(&mut self, agent: u32, skills: &[Need]) {
        let agent = agent as usize;
        let near = skills.partition_point(|(skill, _)| (*skill as usize) < WIDTH_MAX);
        let (near, beyond) = skills.split_at(near);
        let agents = self.beyond.len().max(agent + 1);
        self.widen(agents, near.last().map_or(0, |(skill, _)| *skill as usize + 1));
        let row = &mut self.levels[agent * self.width..][..self.width];
        row.fill(0);
        for (skill, level) in near {
            row[*skill as usize] = *level;
        }
        self.beyond[agent] = beyond.into();
    }

    pub(crate) fn of(&self, agent: u32) -> Levels<'_> {
        let first = agent as usize * self.width;
        Levels { levels: self.levels.get(first..first + self.width).unwrap_or_default(), staff: self, agent }
    }

    fn beyond(&self, agent: u32, skill: u32) -> u8 {
        let beyond = self.beyond.get(agent as usize).map_or(&[][..], |beyond| beyond);
        beyond.binary_search_by_key(&skill, |(held, _)| *held).map_or(0, |at| beyond[at].1)
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

impl Levels<'_> {
    /// 0: the agent does not have the skill.
    pub(crate) fn of(&self, skill: u32) -> u8 {
        match self.levels.get(skill as usize) {
            Some(level) => *level,
            None => self.staff.beyond(self.agent, skill),
        }
    }

    /// Nothing that is needed is missing. Levels begin at 1.
    pub(crate) fn meet(&self, needs: &[Need]) -> bool {
        needs.iter().all(|(skill, level)| self.of(*skill) >= *level)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn says_what_was_declared_last(
            declared in prop::collection::vec((0..40_u32, prop::collection::btree_map(0..600_u32, 1..=10_u8, 0..8)), 1..60)
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
                prop_assert!((0..700).all(|skill| staff.of(agent).of(skill) == skills.get(&skill).copied().unwrap_or(0)));
            }
        }
    }
}
