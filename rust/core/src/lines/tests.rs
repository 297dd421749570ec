//! The lines against a list that is searched for every question.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
struct Waiting {
    place: u32,
    needs: Vec<Need>,
    key: Key,
    line: u32,
}

fn needs(skills: u32, levels: u8) -> impl proptest::strategy::Strategy<Value = Vec<Need>> {
    prop::collection::btree_map(0..skills, 1..=levels, 0..4).prop_map(|needs| needs.into_iter().collect())
}

fn key(klass: u8, order_ms: i64, seq: u64) -> Key {
    Key { klass, order_ms, seq }
}

/// An agent's skills, and the ranks of its places.
type Declared = (Vec<Need>, Vec<(u32, u8)>);

struct Agent {
    levels: BTreeMap<u32, u8>,
    ranks: BTreeMap<u32, u8>,
    slot: u32,
}

impl Agent {
    fn meets(&self, needs: &[Need]) -> bool {
        needs.iter().all(|(skill, level)| self.levels.get(skill).is_some_and(|held| held >= level))
    }

    fn choose(&self, lines: &mut [Lines], waiting: &BTreeMap<u32, Waiting>, barred: u32) -> [Option<Choice>; 2] {
        let takes = |slot: u32, shared: bool| slot % 5 != barred && (!shared || self.meets(&waiting[&slot].needs));
        let mut best = [None; 2];
        for (place, rank) in &self.ranks {
            let lines = &mut lines[*place as usize];
            // Some learn, others do not.
            if self.slot.is_multiple_of(2) {
                lines.learn(self.slot, |needs| self.meets(needs));
            }
            lines.two_best(self.slot, *rank, |needs| self.meets(needs), takes, &mut best);
        }
        best
    }

    fn scan(&self, waiting: &BTreeMap<u32, Waiting>, barred: u32) -> Vec<Choice> {
        let mut found: Vec<(u8, Key, u32)> = waiting
            .iter()
            .filter(|(slot, waiting)| *slot % 5 != barred && self.meets(&waiting.needs))
            .filter_map(|(slot, waiting)| Some((*self.ranks.get(&waiting.place)?, waiting.key, *slot)))
            .collect();
        found.sort_unstable();
        found.into_iter().take(2).map(|(rank, key, slot)| (rank, packed(key), slot)).collect()
    }
}

fn staff(agents: Vec<Declared>) -> Vec<Agent> {
    let agent = |(slot, (levels, ranks)): (u32, Declared)| Agent {
        levels: levels.into_iter().collect(),
        ranks: ranks.into_iter().collect(),
        slot,
    };
    (0..).zip(agents).map(agent).collect()
}

/// Contacts come and go; after each the agents choose.
fn compare(
    skills: u32,
    contacts: &[(u32, Vec<Need>, u8, i64)],
    mut agents: Vec<Agent>,
    leaves_every: usize,
) -> Result<usize, TestCaseError> {
    let (mut lines, mut waiting) = (vec![Lines::default(); 3], BTreeMap::<u32, Waiting>::new());
    assert!(skills > 0);
    for (slot, (place, needs, klass, due)) in (0_u32..).zip(contacts) {
        let key = key(*klass, *due, u64::from(slot));
        let line = lines[*place as usize].join(needs, key, slot);
        waiting.insert(slot, Waiting { place: *place, needs: needs.clone(), key, line });
        if slot as usize % leaves_every == leaves_every - 1 {
            let gone = *waiting.keys().nth(slot as usize / 3 % waiting.len()).unwrap_or(&0);
            if let Some(gone) = waiting.remove(&gone) {
                lines[gone.place as usize].part(gone.line, gone.key);
            }
        }
        for (place, lines) in (0..).zip(&mut lines) {
            let moved = lines.tidy();
            for waiting in waiting.values_mut().filter(|waiting| waiting.place == place) {
                waiting.line = moved.as_ref().map_or(waiting.line, |moved| moved[&waiting.line]);
            }
        }
        if slot % 16 == 0 || slot as usize + 1 == contacts.len() {
            for agent in &mut agents {
                // An agent who is declared anew asks again.
                if slot % 64 == 0 {
                    agent.levels.insert(slot % 5, 3);
                    for lines in &mut lines {
                        lines.forget(agent.slot);
                    }
                }
                let chosen: Vec<Choice> = agent.choose(&mut lines, &waiting, slot % 6).into_iter().flatten().collect();
                prop_assert_eq!(chosen, agent.scan(&waiting, slot % 6));
            }
        }
    }
    Ok(lines.iter().map(Lines::len).max().unwrap_or(0))
}

proptest! {
    #[test]
    fn chooses_what_a_search_finds(
        contacts in prop::collection::vec((0..3_u32, needs(5, 4), 1..3_u8, -50..50_i64), 1..400),
        agents in prop::collection::vec((needs(5, 6), prop::collection::vec((0..3_u32, 0..2_u8), 1..4)), 1..6),
        leaves_every in 1..4_usize,
    ) {
        let agents = staff(agents);
        compare(5, &contacts, agents, leaves_every)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn chooses_so_with_thousands_of_needs(
        contacts in prop::collection::vec((0..2_u32, needs(64, 10), 1..3_u8, -50..50_i64), 6_000..7_000),
        agents in prop::collection::vec((needs(64, 10), prop::collection::vec((0..2_u32, 0..2_u8), 1..3)), 3..6),
    ) {
        let agents = staff(agents);
        let lines = compare(64, &contacts, agents, 3)?;
        prop_assert!(lines <= LINES_MAX + 1);
    }
}

#[test]
fn keys_keep_their_order_as_numbers() {
    let keys = [key(0, i64::MIN, 0), key(0, -1, 9), key(0, 0, 3), key(0, 0, 4), key(1, -5, 0), key(3, i64::MAX, (1 << 53) - 1)];
    assert!(keys.windows(2).all(|pair| packed(pair[0]) < packed(pair[1])));
}
