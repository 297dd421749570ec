//! What agents are able to do, as numbers.

use super::Need;

/// The skills of every agent, by slot: numbers and levels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Staff(Vec<Box<[Need]>>);

/// What one agent is able to do. Costs: a level the logarithm of the agent's skills.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Able<'a>(&'a [Need]);

impl Staff {
    /// The agent has these skills (in their order) and no others.
    pub(crate) fn declare(&mut self, agent: u32, skills: &[Need]) {
        if self.0.len() <= agent as usize {
            self.0.resize(agent as usize + 1, Box::default());
        }
        self.0[agent as usize] = skills.into();
    }

    pub(crate) fn of(&self, agent: u32) -> Able<'_> {
        Able(self.0.get(agent as usize).map_or(&[], |skills| skills))
    }
}

impl Able<'_> {
    /// In their order.
    pub(super) fn skills(&self) -> &[Need] {
        self.0
    }

    /// 0: the agent does not have the skill.
    pub(crate) fn level(&self, skill: u32) -> u8 {
        let at = self.0.partition_point(|(held, _)| *held < skill);
        self.0.get(at).map_or(0, |(held, level)| if *held == skill { *level } else { 0 })
    }

    /// Nothing that is needed is missing. Levels begin at 1.
    pub(super) fn meets(&self, needs: &[Need]) -> bool {
        needs.iter().all(|(skill, level)| self.level(*skill) >= *level)
    }
}
