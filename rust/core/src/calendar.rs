//! Opening hours, and arithmetic in the time that they are open. Time zones, holidays and exceptions were settled when the policy was published:
//! what stands here are instants (Unix ms).
//!
//! Before its first week a calendar repeats the first one, behind its last week the last one: so a policy that nobody renews closes no site.

use crate::words::bounds::INSTANT_MAX_MS;
use crate::words::CalendarPolicy;

const MINUTE_MS: i64 = 60_000;
const WEEK_MS: i64 = 7 * 24 * 60 * MINUTE_MS;

/// Costs: every question is a binary search, and asks for no memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Calendar {
    from_ms: i64,
    end_ms: i64,
    /// Openings and closings in turn.
    edges: Vec<i64>,
    /// Time open before each opening since `from_ms`, and in all.
    before: Vec<i64>,
    /// Time open in the first week and in the last.
    first_ms: i64,
    last_ms: i64,
}

/// An instant inside the weeks, and how far from the real one.
struct Within {
    at_ms: i64,
    weeks: i64,
}

impl Calendar {
    /// The error says what is wrong with it.
    pub(crate) fn read(policy: &CalendarPolicy) -> Result<Self, &'static str> {
        if policy.weeks.iter().any(|week| week.len() % 2 != 0 || !week.is_sorted_by(|edge, next| edge < next)) {
            return Err("has a calendar whose hours are not in their order");
        }
        let mut edges: Vec<i64> = Vec::new();
        let from_ms = signed(policy.from_ms);
        let mut start_ms = from_ms;
        for number in &policy.order {
            let week = policy.weeks.get(usize::from(*number)).ok_or("has a calendar with an unknown week")?;
            for edge in week {
                let edge_ms = start_ms + i64::from(*edge) * MINUTE_MS;
                // It goes on over the end of the week.
                if edges.last() == Some(&edge_ms) {
                    edges.pop();
                } else {
                    edges.push(edge_ms);
                }
            }
            start_ms += WEEK_MS;
        }
        let before = edges.chunks_exact(2).scan(0, |sum, open| {
            *sum += open[1] - open[0];
            Some(*sum)
        });
        let before = std::iter::once(0).chain(before).collect();
        let mut calendar = Self { from_ms, end_ms: start_ms, edges, before, first_ms: 0, last_ms: 0 };
        if start_ms > from_ms {
            calendar.first_ms = calendar.inside(from_ms + WEEK_MS);
            calendar.last_ms = calendar.inside(start_ms) - calendar.inside(start_ms - WEEK_MS);
        }
        if calendar.last_ms == 0 {
            return Err("has a calendar that is not open in its last week");
        }
        Ok(calendar)
    }

    pub(crate) fn is_open(&self, at_ms: u64) -> bool {
        self.open_at(signed(at_ms))
    }

    /// When it opens or closes next, after `at_ms`. None: never.
    pub(crate) fn next_edge(&self, at_ms: u64) -> Option<u64> {
        let mut now_ms = signed(at_ms);
        let is_open = self.open_at(now_ms);
        // What does not change in a week of those that are repeated never does.
        let last_ms = now_ms.max(self.end_ms) + 2 * WEEK_MS;
        while now_ms < last_ms {
            now_ms = self.mark_after(now_ms);
            if self.open_at(now_ms) != is_open {
                return instant(now_ms);
            }
        }
        None
    }

    /// Of the time from `since_ms` to `until_ms` around an instant at which it is open: what is open without a break.
    pub(crate) fn stretch(&self, since_ms: u64, at_ms: u64, until_ms: u64) -> (u64, u64) {
        let until_ms = self.next_edge(at_ms).map_or(until_ms, |edge_ms| until_ms.min(edge_ms));
        let (mut closed_ms, mut open_ms) = (since_ms, at_ms);
        if self.between(since_ms, at_ms) == at_ms.saturating_sub(since_ms) {
            return (since_ms.min(at_ms), until_ms);
        }
        while open_ms - closed_ms > 1 {
            let middle_ms = closed_ms + (open_ms - closed_ms) / 2;
            if self.between(middle_ms, at_ms) == at_ms - middle_ms {
                open_ms = middle_ms;
            } else {
                closed_ms = middle_ms;
            }
        }
        (open_ms, until_ms)
    }

    /// The first instant by which it was open for `open_ms` since `at_ms`; of a negative time the last one from which on it was open for so long
    /// until `at_ms`. At most the last instant there is, at least 0.
    pub(crate) fn add(&self, at_ms: u64, open_ms: i64) -> u64 {
        let at_ms = signed(at_ms);
        // Longer than there are instants is as long as that: the sums below stay small enough.
        let goal_ms = self.open_until(at_ms) + open_ms.clamp(-signed(INSTANT_MAX_MS), signed(INSTANT_MAX_MS));
        let found_ms = match open_ms {
            0 => at_ms,
            1.. => self.first_by(goal_ms),
            _ => self.last_by(goal_ms).min(at_ms),
        };
        instant(found_ms.max(0)).unwrap_or(INSTANT_MAX_MS)
    }

    /// How long it is open from `since_ms` to `until_ms`; nothing, if that is before.
    pub(crate) fn between(&self, since_ms: u64, until_ms: u64) -> u64 {
        u64::try_from(self.open_until(signed(until_ms)) - self.open_until(signed(since_ms))).unwrap_or(0)
    }

    /// Time open since `from_ms`; before that it is negative.
    fn open_until(&self, at_ms: i64) -> i64 {
        let Within { at_ms, weeks } = self.within(at_ms);
        let repeated_ms = if weeks < 0 { self.first_ms } else { self.last_ms };
        self.inside(at_ms) + weeks * repeated_ms
    }

    /// The first instant with so much time open until then.
    fn first_by(&self, goal_ms: i64) -> i64 {
        let all_ms = self.all_ms();
        if goal_ms <= 0 {
            let Some(weeks) = (-goal_ms).checked_div(self.first_ms) else { return 0 };
            return self.first_inside(goal_ms + (weeks + 1) * self.first_ms) - (weeks + 1) * WEEK_MS;
        }
        let weeks = (goal_ms - all_ms + self.last_ms - 1).div_euclid(self.last_ms).max(0);
        self.first_inside(goal_ms - weeks * self.last_ms).saturating_add(weeks.saturating_mul(WEEK_MS))
    }

    /// The last instant with no more time open until then.
    fn last_by(&self, goal_ms: i64) -> i64 {
        let all_ms = self.all_ms();
        if goal_ms < 0 {
            // It was never open before, so no instant is the one: the first that is known, not one of decades ago.
            let Some(weeks) = (self.first_ms - 1 - goal_ms).checked_div(self.first_ms) else { return self.from_ms };
            return self.last_inside(goal_ms + weeks * self.first_ms) - weeks * WEEK_MS;
        }
        let weeks = if goal_ms < all_ms { 0 } else { (goal_ms - all_ms) / self.last_ms + 1 };
        self.last_inside(goal_ms - weeks * self.last_ms).saturating_add(weeks.saturating_mul(WEEK_MS))
    }

    /// `goal_ms` is more than nothing and no more than there is.
    fn first_inside(&self, goal_ms: i64) -> i64 {
        let pair = self.before.partition_point(|before_ms| *before_ms < goal_ms).saturating_sub(1);
        self.opening(pair) + goal_ms - self.before[pair]
    }

    /// `goal_ms` is less than there is.
    fn last_inside(&self, goal_ms: i64) -> i64 {
        let pair = self.before.partition_point(|before_ms| *before_ms <= goal_ms).saturating_sub(1);
        self.opening(pair) + goal_ms - self.before[pair]
    }

    fn opening(&self, pair: usize) -> i64 {
        self.edges.get(2 * pair).copied().unwrap_or(self.end_ms)
    }

    fn all_ms(&self) -> i64 {
        self.before.last().copied().unwrap_or(0)
    }

    /// Time open from `from_ms` to an instant within the weeks.
    fn inside(&self, at_ms: i64) -> i64 {
        let passed = self.passed(at_ms);
        let open_ms = if passed % 2 == 1 { at_ms - self.edges[passed - 1] } else { 0 };
        self.before[passed / 2] + open_ms
    }

    fn open_at(&self, at_ms: i64) -> bool {
        self.passed(self.within(at_ms).at_ms) % 2 == 1
    }

    /// Edges up to an instant within the weeks.
    fn passed(&self, at_ms: i64) -> usize {
        self.edges.partition_point(|edge_ms| *edge_ms <= at_ms)
    }

    fn within(&self, at_ms: i64) -> Within {
        let weeks = if at_ms < self.from_ms {
            (at_ms - self.from_ms).div_euclid(WEEK_MS)
        } else if at_ms >= self.end_ms {
            (at_ms - self.end_ms) / WEEK_MS + 1
        } else {
            0
        };
        Within { at_ms: at_ms - weeks * WEEK_MS, weeks }
    }

    /// The next instant at which it may open or close: an edge, or where what is repeated begins anew.
    fn mark_after(&self, at_ms: i64) -> i64 {
        let Within { at_ms, weeks } = self.within(at_ms);
        let next_ms = self.edges.get(self.passed(at_ms)).copied().unwrap_or(self.end_ms);
        let most_ms = if weeks < 0 { self.from_ms + WEEK_MS } else { self.end_ms };
        next_ms.min(most_ms) + weeks * WEEK_MS
    }
}

fn signed(at_ms: u64) -> i64 {
    // No instant of a word is greater.
    i64::try_from(at_ms.min(INSTANT_MAX_MS)).unwrap_or(i64::MAX)
}

fn instant(at_ms: i64) -> Option<u64> {
    u64::try_from(at_ms).ok().filter(|at_ms| *at_ms <= INSTANT_MAX_MS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::words::Name;

    const WEEK: u64 = WEEK_MS.unsigned_abs();
    const MINUTE: u64 = MINUTE_MS.unsigned_abs();
    const FROM_MS: u64 = 3 * WEEK;

    fn calendar(weeks: Vec<Vec<u32>>, order: Vec<u8>) -> Result<Calendar, &'static str> {
        let name = Name::new("office").unwrap();
        Calendar::read(&CalendarPolicy { name, from_ms: FROM_MS, weeks, order })
    }

    /// Openings and closings of a week, in hours, as pairs that may touch.
    fn weeks() -> impl Strategy<Value = Vec<Vec<u32>>> {
        let week = prop::collection::btree_set(0..=168_u32, 0..6).prop_map(|hours| {
            let even = hours.len() / 2 * 2;
            hours.into_iter().take(even).map(|hour| hour * 60).collect::<Vec<u32>>()
        });
        prop::collection::vec(week, 1..4)
    }

    /// Asked hour by hour: nothing opens or closes in between.
    struct Naive {
        weeks: Vec<Vec<u32>>,
        order: Vec<u8>,
    }

    impl Naive {
        fn is_open(&self, at_ms: u64) -> bool {
            // `FROM_MS` is a whole number of weeks.
            let week = usize::try_from((at_ms / WEEK).saturating_sub(FROM_MS / WEEK)).unwrap().min(self.order.len() - 1);
            let minute = u32::try_from(at_ms % WEEK / MINUTE).unwrap();
            self.weeks[usize::from(self.order[week])].chunks(2).any(|open| (open[0]..open[1]).contains(&minute))
        }

        fn between(&self, since_ms: u64, until_ms: u64) -> u64 {
            (since_ms / MINUTE..until_ms / MINUTE).filter(|minute| self.is_open(minute * MINUTE)).count() as u64 * MINUTE
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Before, in and behind its weeks: what a search minute by minute finds.
        #[test]
        fn it_says_what_a_search_finds(
            weeks in weeks(), order in prop::collection::vec(0..3_u8, 1..4), at in 0..8 * 7 * 24 * 60_u64, span in 0..3 * 7 * 24 * 60_u64,
        ) {
            let order: Vec<u8> = order.iter().map(|number| number % u8::try_from(weeks.len()).unwrap()).collect();
            let naive = Naive { weeks: weeks.clone(), order: order.clone() };
            let open = !weeks[usize::from(*order.last().unwrap())].is_empty();
            let calendar = calendar(weeks, order);
            prop_assert_eq!(calendar.is_ok(), open);
            let Ok(calendar) = calendar else { return Ok(()) };
            let (at_ms, until_ms) = (at * MINUTE, (at + span) * MINUTE);
            prop_assert_eq!(calendar.is_open(at_ms), naive.is_open(at_ms));
            prop_assert_eq!(calendar.between(at_ms, until_ms), naive.between(at_ms, until_ms));
            prop_assert_eq!(calendar.between(until_ms, at_ms), 0);
            if naive.is_open(at_ms) {
                let day = 24 * 60;
                let begins = (at.saturating_sub(day)..at).rev().find(|minute| !naive.is_open(minute * MINUTE)).map(|minute| minute + 1);
                let ends = (at..at + day).find(|minute| !naive.is_open(minute * MINUTE));
                let around = [begins.unwrap_or(at.saturating_sub(day)), ends.unwrap_or(at + day)].map(|minute| minute * MINUTE);
                let asked = calendar.stretch(at.saturating_sub(day) * MINUTE, at_ms, (at + day) * MINUTE);
                prop_assert_eq!(asked, (around[0], around[1]));
            }
            let hours = (at + 1..at + 10 * 7 * 24 * 60).map(|minute| minute * MINUTE);
            let edge = hours.clone().find(|later_ms| naive.is_open(*later_ms) != naive.is_open(at_ms));
            prop_assert_eq!(calendar.next_edge(at_ms), edge);
            // The first instant by which, and the last one from which on, it was open for that long.
            let open_ms = naive.between(at_ms, until_ms);
            let due_ms = calendar.add(at_ms, signed(open_ms));
            prop_assert!((at_ms..=until_ms).contains(&due_ms));
            prop_assert_eq!(naive.between(at_ms, due_ms), open_ms);
            prop_assert!(open_ms == 0 || naive.is_open(due_ms - MINUTE));
            let since_ms = calendar.add(until_ms, -signed(open_ms));
            prop_assert!((at_ms..=until_ms).contains(&since_ms));
            prop_assert_eq!(naive.between(since_ms, until_ms), open_ms);
            prop_assert!(open_ms == 0 || naive.is_open(since_ms));
        }
    }

    #[test]
    fn what_is_always_open_has_no_edge() {
        let always = calendar(vec![vec![0, 10_080]], vec![0, 0, 0]).unwrap();
        assert!(always.is_open(0) && always.is_open(100 * WEEK));
        assert_eq!(always.next_edge(0), None);
        assert_eq!(always.next_edge(FROM_MS + 7), None);
        assert_eq!(always.next_edge(100 * WEEK), None);
        assert_eq!(always.add(5, 99 * WEEK_MS), 5 + 99 * WEEK);
        assert_eq!(always.add(99 * WEEK, -WEEK_MS), 98 * WEEK);
    }

    #[test]
    fn nothing_lies_before_a_first_week_that_is_closed() {
        let shut = calendar(vec![vec![], vec![540, 1_020]], vec![0, 1]).unwrap();
        assert_eq!(shut.add(FROM_MS + WEEK, -1), FROM_MS);
        assert_eq!(shut.add(FROM_MS - 7, -1), FROM_MS - 7);
        assert_eq!(shut.add(0, 1), FROM_MS + WEEK + 540 * MINUTE + 1);
    }

    #[test]
    fn instants_end_where_words_do() {
        let office = calendar(vec![vec![540, 1_020]], vec![0]).unwrap();
        assert_eq!(office.add(INSTANT_MAX_MS, 1 << 40), INSTANT_MAX_MS);
        assert_eq!(office.add(u64::MAX, i64::MAX), INSTANT_MAX_MS);
        assert_eq!(office.add(0, i64::MIN / 2), 0);
        assert_eq!(office.next_edge(u64::MAX), None);
    }

    #[test]
    fn flaws_are_named() {
        let flaw = |weeks: Vec<Vec<u32>>, order| calendar(weeks, order).unwrap_err();
        assert!(flaw(vec![vec![60, 60]], vec![0]).contains("order"));
        assert!(flaw(vec![vec![60, 120, 180]], vec![0]).contains("order"));
        assert!(flaw(vec![vec![60, 120]], vec![1]).contains("unknown week"));
        assert!(flaw(vec![vec![60, 120], vec![]], vec![0, 1]).contains("not open"));
        assert!(flaw(vec![vec![60, 120]], vec![]).contains("not open"));
    }
}
