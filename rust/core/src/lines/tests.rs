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
    slot: u32,
    levels: BTreeMap<u32, u8>,
    /// The ranks of its places.
    ranks: BTreeMap<u32, u8>,
}

impl Agent {
    fn meets(&self, needs: &[Need]) -> bool {
        needs.iter().all(|(skill, level)| self.levels.get(skill).is_some_and(|held| held >= level))
    }

    fn choose<const N: usize>(&self, lines: &[Lines], staff: &Staff, (barred, klass): (u32, Option<u8>)) -> Vec<Choice> {
        let band = klass.map_or(Band::ALL, Band::of);
        let mut best = [None; N];
        for (place, rank) in &self.ranks {
            lines[*place as usize].best(staff.of(self.slot), (*rank, band), |slot| slot % 5 != barred, &mut best);
        }
        best.into_iter().flatten().collect()
    }

    fn scan(&self, waiting: &BTreeMap<u32, Waiting>, (barred, klass): (u32, Option<u8>)) -> Vec<Choice> {
        let mut found: Vec<(u8, Key, u32)> = waiting
            .iter()
            .filter(|(slot, waiting)| *slot % 5 != barred && self.meets(&waiting.needs))
            .filter(|(_, waiting)| klass.is_none_or(|klass| waiting.key.klass == klass))
            .filter_map(|(slot, waiting)| Some((*self.ranks.get(&waiting.place)?, waiting.key, *slot)))
            .collect();
        found.sort_unstable();
        found.into_iter().take(2).map(|(rank, key, slot)| (rank, packed(key), slot)).collect()
    }

    /// It is declared, for the first time or anew.
    fn declare(&self, staff: &mut Staff) {
        let skills: Vec<Need> = self.levels.iter().map(|(skill, level)| (*skill, *level)).collect();
        staff.declare(self.slot, &skills);
    }
}

fn crew(agents: Vec<Declared>, staff: &mut Staff) -> Vec<Agent> {
    let agent = |(slot, (levels, ranks)): (u32, Declared)| {
        let agent = Agent { slot, levels: levels.into_iter().collect(), ranks: ranks.into_iter().collect() };
        agent.declare(staff);
        agent
    };
    (0..).zip(agents).map(agent).collect()
}

/// Contacts come and go, one goes for each `leaves_every` that come; now and then the agents choose. Returns how many lines and families
/// there were at most.
fn compare(
    contacts: &[(u32, Vec<Need>, u8, i64)],
    agents: Vec<Declared>,
    leaves_every: usize,
) -> Result<(usize, usize), TestCaseError> {
    let (mut lines, mut waiting) = (vec![Lines::default(); 3], BTreeMap::<u32, Waiting>::new());
    let mut staff = Staff::default();
    let mut agents = crew(agents, &mut staff);
    let mut most = (0, 0);
    for (slot, (place, needs, klass, due)) in (0_u32..).zip(contacts) {
        let key = key(*klass, *due, u64::from(slot));
        let line = lines[*place as usize].join(needs, key, slot);
        waiting.insert(slot, Waiting { place: *place, needs: needs.clone(), key, line });
        if slot as usize % leaves_every == leaves_every - 1 {
            // Sometimes the first in line, often another.
            let nth = slot as usize / 3 % waiting.len();
            let gone = if slot % 4 == 0 { waiting.keys().nth(nth) } else { waiting.keys().next() }.copied();
            if let Some(gone) = gone.and_then(|gone| waiting.remove(&gone)) {
                lines[gone.place as usize].part(gone.line, gone.key);
            }
        }
        for lines in &lines {
            let (now, families) = lines.len();
            most = (most.0.max(now), most.1.max(families));
        }
        if slot % 16 == 0 || slot as usize + 1 == contacts.len() {
            for agent in &mut agents {
                if slot % 64 == 0 {
                    agent.levels.insert(slot % 5, 3);
                    agent.declare(&mut staff);
                }
                for klass in [None, Some(1), Some(2), Some(3)] {
                    let among = (slot % 6, klass);
                    let expected = agent.scan(&waiting, among);
                    prop_assert_eq!(&agent.choose::<2>(&lines, &staff, among), &expected);
                    prop_assert_eq!(&agent.choose::<1>(&lines, &staff, among)[..], &expected[..expected.len().min(1)]);
                }
            }
        }
    }
    Ok(most)
}

proptest! {
    #[test]
    fn chooses_what_a_search_finds(
        contacts in prop::collection::vec((0..3_u32, needs(5, 4), 1..3_u8, -50..50_i64), 1..400),
        agents in prop::collection::vec((needs(5, 6), prop::collection::vec((0..3_u32, 0..2_u8), 1..4)), 1..6),
        leaves_every in 1..4_usize,
    ) {
        compare(&contacts, agents, leaves_every)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn chooses_so_with_thousands_of_needs(
        contacts in prop::collection::vec((0..2_u32, needs(64, 10), 1..3_u8, -50..50_i64), 6_000..7_000),
        agents in prop::collection::vec((needs(64, 10), prop::collection::vec((0..2_u32, 0..2_u8), 1..3)), 3..6),
    ) {
        let (lines, families) = compare(&contacts, agents, 3)?;
        prop_assert!(lines > 1_500 && families <= EXACT_MAX + 1 + 64 + 64 * 63 / 2);
    }

    /// More pairs of skills than families are made for: new ones share a family of one skill, and when most have nobody left, all begin
    /// anew.
    #[test]
    fn chooses_so_with_hundreds_of_skills(
        contacts in prop::collection::vec((0..1_u32, needs(700, 10), 1..3_u8, -50..50_i64), 16_000..17_000),
        agents in prop::collection::vec((needs(700, 10), prop::collection::vec((0..1_u32, 0..2_u8), 1..2)), 2..4),
        leaves_every in 1..3_usize,
    ) {
        let (_, families) = compare(&contacts, agents, leaves_every)?;
        prop_assert!((FAMILIES_MAX..=SINGLES_MAX + 1).contains(&families));
    }
}

/// Those who wait in families that are made anew are found as before; the families in which nobody waits are gone.
#[test]
fn families_without_contacts_make_room() {
    let (mut lines, mut staff) = (Lines::default(), Staff::default());
    staff.declare(0, &[(0, 5), (9_001, 5), (9_002, 1)]);
    let stays = lines.join(&[(0, 5), (9_001, 3)], key(1, -7, 1), 77);
    for pair in (0..).take(FAMILIES_MAX) {
        let key = key(1, i64::from(pair), 2 + u64::from(pair));
        let line = lines.join(&[(2 * pair + 1, 1), (2 * pair + 2, 1)], key, pair);
        lines.part(line, key);
    }
    assert!(lines.len().1 < FAMILIES_MAX / 2, "{:?}", lines.len());
    let mut best = [None; 2];
    lines.best(staff.of(0), (3, Band::ALL), |_| true, &mut best);
    assert_eq!(best, [Some((3, packed(key(1, -7, 1)), 77)), None]);
    lines.part(stays, key(1, -7, 1));
    let mut best = [None; 1];
    lines.best(staff.of(0), (3, Band::ALL), |_| true, &mut best);
    assert_eq!(best, [None]);
}

#[test]
fn keys_keep_their_order_as_numbers() {
    let keys = [key(0, i64::MIN, 0), key(0, -1, 9), key(0, 0, 3), key(0, 0, 4), key(1, -5, 0), key(3, i64::MAX, (1 << 53) - 1)];
    assert!(keys.windows(2).all(|pair| packed(pair[0]) < packed(pair[1])));
}
