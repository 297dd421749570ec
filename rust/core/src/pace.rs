//! How fast queues have served of late: what the last contacts waited, and how long agents were busy with one. Part of the state, and empty
//! unless the policy asks for it.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::state::{Agent, Work};
use crate::words::{Id, Name};

/// So many are remembered of a queue and class.
pub(crate) const REMEMBERED: usize = 32;

/// What is worked out of waits is multiplied by the margin, in parts of this: never less than that, and four times as much at most.
pub(crate) const WHOLE: u64 = 1 << 16;
pub(crate) const MARGIN_MAX: u64 = 4 * WHOLE;
/// Who waits longer than was stated widens the margin by four such parts of it, a fifth, who does not narrows it by one: it rests where about one
/// of five does. Queues with few contacts learn it in a day.
const MARGIN_STEPS: u64 = 20;

/// What is known of each queue and class, and which engagements are under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pace {
    recent: BTreeMap<(Name, u8), Recent>,
    /// Primary engagements that are not over, wrap-up included, by contact and attempt.
    open: BTreeMap<(Id, u32), Open>,
}

/// Of one queue and class, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recent {
    /// When contacts were answered, and after what wait.
    waits: VecDeque<(u64, u64)>,
    /// How long contacts took agents, wrap-up included.
    handled_ms: VecDeque<u64>,
    /// None, which is the whole: nobody was answered yet to whom a wait was stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    margin: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    began_ms: u64,
    /// What it has taken of its agent, once it is over and wrapped up.
    spent_ms: u64,
}

impl Pace {
    pub(crate) fn is_empty(&self) -> bool {
        self.recent.is_empty() && self.open.is_empty()
    }

    pub(crate) fn of(&self, queue: &Name, klass: u8) -> Option<&Recent> {
        self.recent.get(&(queue.clone(), klass))
    }

    /// Queues that a new policy does not ask about are forgotten; what is under way is dropped with the last of them.
    pub(crate) fn keep(&mut self, asked: impl Fn(&Name) -> bool, any: bool) {
        self.recent.retain(|(queue, _), _| asked(queue));
        if !any {
            self.open.clear();
        }
    }

    pub(crate) fn answered(&mut self, queue: &Name, klass: u8, at_ms: u64, wait_ms: u64) {
        remember(&mut self.recent.entry((queue.clone(), klass)).or_default().waits, (at_ms, wait_ms));
    }

    /// Four fifths were to wait no longer than was stated, and this one did, or did not.
    pub(crate) fn learn(&mut self, queue: &Name, klass: u8, longer: bool) {
        let recent = self.recent.entry((queue.clone(), klass)).or_default();
        let step = recent.margin() / MARGIN_STEPS;
        let margin = if longer { recent.margin() + 4 * step } else { recent.margin() - step };
        recent.margin = Some(margin.clamp(WHOLE, MARGIN_MAX));
    }

    pub(crate) fn begun(&mut self, contact: Id, attempt: u32, at_ms: u64) {
        self.open.insert((contact, attempt), Open { began_ms: at_ms, spent_ms: 0 });
    }

    /// The conversation is over: without a wrap-up the contact is done with.
    pub(crate) fn ended(&mut self, attempt: (Id, u32), at_ms: u64, (agent, work): (&Agent, &Work), wraps: bool) {
        let Some(open) = self.open.get_mut(&attempt) else { return };
        open.spent_ms = share(at_ms.saturating_sub(open.began_ms), work.full_cost.unwrap_or(work.cost), work, agent);
        if !wraps {
            self.done(attempt, work);
        }
    }

    /// So is its wrap-up, which began at `began_ms`. Its cost is its own; `before`: but for that of what was dormant, below level 4.
    pub(crate) fn wrapped(
        &mut self,
        attempt: (Id, u32),
        (began_ms, at_ms): (u64, u64),
        (agent, work): (&Agent, &Work),
        before: bool,
    ) {
        let Some(open) = self.open.get_mut(&attempt) else { return };
        let cost = work.full_cost.filter(|_| before).unwrap_or(work.cost);
        open.spent_ms += share(at_ms.saturating_sub(began_ms), cost, work, agent);
        self.done(attempt, work);
    }

    fn done(&mut self, attempt: (Id, u32), work: &Work) {
        if let Some(open) = self.open.remove(&attempt) {
            let recent = self.recent.entry((work.queue.clone(), work.klass)).or_default();
            remember(&mut recent.handled_ms, open.spent_ms);
        }
    }
}

/// What a snapshot claims of them.
impl Pace {
    /// The most that is remembered of anything.
    pub(crate) fn longest(&self) -> usize {
        self.recent.values().map(|recent| recent.waits.len().max(recent.handled_ms.len())).max().unwrap_or(0)
    }

    pub(crate) fn durations_ms(&self) -> impl Iterator<Item = u64> + '_ {
        let waits = self.recent.values().flat_map(|recent| recent.waits.iter().map(|(_, wait_ms)| *wait_ms));
        let handled = self.recent.values().flat_map(|recent| recent.handled_ms.iter().copied());
        waits.chain(handled).chain(self.open.values().map(|open| open.spent_ms))
    }

    pub(crate) fn margins(&self) -> impl Iterator<Item = u64> + '_ {
        self.recent.values().map(Recent::margin)
    }

    pub(crate) fn instants_ms(&self) -> impl Iterator<Item = u64> + '_ {
        let waits = self.recent.values().flat_map(|recent| recent.waits.iter().map(|(at_ms, _)| *at_ms));
        waits.chain(self.open.values().map(|open| open.began_ms))
    }
}

impl Recent {
    /// Waits of those who were answered at `since_ms` or later, shortest first.
    pub(crate) fn waits_since(&self, since_ms: u64) -> Vec<u64> {
        let late = self.waits.iter().filter(|(at_ms, _)| *at_ms >= since_ms);
        let mut waits: Vec<u64> = late.map(|(_, wait_ms)| *wait_ms).collect();
        waits.sort_unstable();
        waits
    }

    pub(crate) fn margin(&self) -> u64 {
        self.margin.unwrap_or(WHOLE)
    }

    /// The least wait that with the margin is so long.
    pub(crate) fn without_margin_ms(&self, wait_ms: u64) -> u64 {
        wait_ms.saturating_mul(WHOLE).div_ceil(self.margin())
    }

    /// How long one contact takes an agent, on average.
    pub(crate) fn handled_ms(&self) -> Option<u64> {
        let count = self.handled_ms.len() as u64;
        (count > 0).then(|| self.handled_ms.iter().sum::<u64>() / count)
    }
}

fn remember<T>(ring: &mut VecDeque<T>, sample: T) {
    if ring.len() == REMEMBERED {
        ring.pop_front();
    }
    ring.push_back(sample);
}

/// What of this time was the agent's whole: who has room for four such contacts gives each a quarter.
fn share(time_ms: u64, cost: u32, work: &Work, agent: &Agent) -> u64 {
    let at_once = agent.channels.get(&work.channel).map_or(1, |enabled| u128::from(enabled.max_concurrent.max(1)));
    let (cost, capacity) = (u128::from(cost), u128::from(agent.capacity.max(1)));
    let part = (cost * at_once).clamp(capacity, capacity * at_once);
    u64::try_from(u128::from(time_ms) * part / (capacity * at_once)).unwrap_or(time_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The margin after so many, of whom every one in `longer` waits longer than was stated.
    fn margin(count: usize, longer: usize) -> u64 {
        let (mut pace, queue) = (Pace::default(), Name::new("orders").unwrap());
        (1..=count).for_each(|number| pace.learn(&queue, 1, number % longer == 0));
        pace.of(&queue, 1).unwrap().margin()
    }

    #[test]
    fn the_margin_rests_where_one_of_five_waits_longer() {
        let [before, right, more, less] = [(6, 3), (60, 5), (12, 3), (129, 10)].map(|(count, longer)| margin(count, longer));
        assert!(WHOLE < before && before < more, "{before} {more}");
        assert!(right.abs_diff(WHOLE) <= WHOLE / 5, "{right}");
        assert_eq!([less, margin(1_000, 1)], [WHOLE, MARGIN_MAX]);
    }
}
