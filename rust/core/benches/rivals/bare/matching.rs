//! Who is given whom: the class heaps of the twin.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::words::{Bytes, Id};
use super::{Agent, BareSteps, Class, Phase, ABLE_MAX, EMPTY};

/// Why an offer was made.
struct Why {
    looked: &'static [u8],
    able: u32,
    runner_up: Option<Id>,
    decided: &'static [u8],
}

const SEQ_BITS: u32 = 32;
const ORDER_ZERO: u64 = 1 << 60;

/// A place in line: when it is due, who came first, and where it is known.
pub(super) fn in_line(order_ms: i64, seq: u32, slot: u32) -> u128 {
    let order = ORDER_ZERO.checked_add_signed(order_ms).unwrap();
    u128::from(order) << (2 * SEQ_BITS) | u128::from(seq) << SEQ_BITS | u128::from(slot)
}

fn slot_of(place: u128) -> u32 {
    (place & u128::from(u32::MAX)).try_into().unwrap()
}

fn seq_of(place: u128) -> u32 {
    (place >> SEQ_BITS & u128::from(u32::MAX)).try_into().unwrap()
}

fn order_of(place: u128) -> i64 {
    u64::try_from(place >> (2 * SEQ_BITS)).unwrap().wrapping_sub(ORDER_ZERO).cast_signed()
}

impl BareSteps {
    /// The class of contacts with these requirements, which stand there in their only form.
    pub(super) fn class_of(&mut self, needs: &[u8]) -> u32 {
        if let Some(number) = self.numbers.get(needs) {
            return *number;
        }
        let mut reader = Bytes::new(needs);
        let wanted: Vec<(&[u8], u8)> = (0..reader.array()).map(|_| reader.requirement()).collect();
        assert!(wanted.iter().all(|(skill, _)| self.rules.skills.contains(*skill)), "the policy knows every skill");
        let number = u32::try_from(self.classes.len()).unwrap();
        let mut pool = BinaryHeap::new();
        for (slot, agent) in (0..).zip(&mut self.agents) {
            if suits(&agent.skills, &wanted) {
                agent.served.push(number);
                pool.extend(agent.idle_since_ms.map(|since_ms| Reverse((since_ms, agent.id, slot))));
            }
        }
        let able = u32::try_from(pool.len()).unwrap();
        self.numbers.insert(needs.into(), number);
        self.classes.push(Class { heap: BinaryHeap::new(), pool, able });
        self.heads.push(EMPTY);
        number
    }

    /// Another contact stands in line; an idle agent may take it at once.
    pub(super) fn queue(&mut self, number: u32, place: u128, cause: u32) {
        let class = &mut self.classes[number as usize];
        class.heap.push(Reverse(place));
        let head = &mut self.heads[number as usize];
        *head = place.min(*head);
        if class.able > 0 {
            self.look(number, place, cause);
        }
    }

    /// The agent is free: the first in line, or the pool.
    pub(super) fn fill(&mut self, agent: u32, cause: u32) {
        let free = &mut self.agents[agent as usize];
        // The best two of all heads, so that what follows the first of them is known without another look at all.
        let (mut first, mut second, mut number) = (EMPTY, EMPTY, 0);
        for served in &free.served {
            let head = self.heads[*served as usize];
            if head < first {
                (first, second, number) = (head, first, *served);
            } else if head < second {
                second = head;
            }
        }
        if first == EMPTY {
            free.idle_since_ms = Some(self.t_ms);
            for number in &free.served {
                let class = &mut self.classes[*number as usize];
                class.pool.push(Reverse((self.t_ms, free.id, agent)));
                class.able += 1;
            }
            return;
        }
        let next = self.leave(number).min(second);
        let (runner_up, decided): (_, &[u8]) = if next == EMPTY {
            (None, b"\xa4only")
        } else {
            let differs: &[u8] = if order_of(next) == order_of(first) { b"\xa7arrival" } else { b"\xa3due" };
            (Some(self.contacts[slot_of(next) as usize].id), differs)
        };
        let idle = self.classes[number as usize].able + 1;
        self.offer(first, agent, cause, &Why { looked: b"\xa5agent", able: idle, runner_up, decided });
    }

    /// The head of a class has been taken: the next one.
    fn leave(&mut self, number: u32) -> u128 {
        let heap = &mut self.classes[number as usize].heap;
        heap.pop();
        let next = heap.peek().map_or(EMPTY, |Reverse(place)| *place);
        self.heads[number as usize] = next;
        next
    }

    /// Somebody idle can serve the contact that has just arrived: the one who is idle for longest.
    fn look(&mut self, number: u32, place: u128, cause: u32) {
        let class = &mut self.classes[number as usize];
        let idle = class.able;
        let (since_ms, _, agent) = class.longest(&self.agents).expect("somebody is idle");
        self.agents[agent as usize].idle_since_ms = None;
        class.pool.pop();
        let next = class.longest(&self.agents);
        for served in &self.agents[agent as usize].served {
            self.classes[*served as usize].able -= 1;
        }
        // Whoever waited before could not be served, so nobody stands before it in its class.
        self.leave(number);
        let (runner_up, decided): (_, &[u8]) = match next {
            None => (None, b"\xa4only"),
            Some((other_ms, id, _)) => (Some(id), if other_ms == since_ms { b"\xa8agent_id" } else { b"\xa4idle" }),
        };
        self.offer(place, agent, cause, &Why { looked: b"\xa7contact", able: idle, runner_up, decided });
    }

    fn offer(&mut self, place: u128, agent: u32, cause: u32, why: &Why) {
        let slot = slot_of(place);
        let contact = &mut self.contacts[slot as usize];
        let deadline_ms = self.at_ms + self.rules.offer_ttl_ms;
        contact.attempt += 1;
        (contact.phase, contact.agent, contact.deadline_ms) = (Phase::Offered, agent, deadline_ms);
        let (id, attempt, wait_ms) = (contact.id, contact.attempt, self.at_ms - contact.entered_ms);
        self.offers.push_back((deadline_ms, slot));
        let agent_id = self.agents[agent as usize].id;
        self.line(13, Some(&id), Some(&agent_id), true, cause);
        let (at_ms, rules) = (self.at_ms, &self.rules);
        self.room.bin(|room| {
            room.put([0x9e, 13]);
            room.uint(at_ms);
            room.put([attempt]);
            room.raw(&rules.queue_form);
            room.uint(deadline_ms);
            room.uint(rules.cost);
            room.put(*b"\x00\xa6routed");
            room.uint(wait_ms);
            rules.key(room, order_of(place), seq_of(place));
            room.put([0x96]);
            room.raw(why.looked);
            room.raw(&rules.strategy_form);
            room.uint(u64::from(why.able.min(ABLE_MAX)));
            room.put([0]);
            room.id_or_nil(why.runner_up.as_ref());
            room.raw(why.decided);
            room.put(*b"\xc0\xa7primary\xc2");
        });
    }
}

impl Class {
    /// Who of the idle agents is so for longest; those who no longer are go.
    fn longest(&mut self, agents: &[Agent]) -> Option<(u64, Id, u32)> {
        while let Some(Reverse((since_ms, id, slot))) = self.pool.peek().copied() {
            if agents[slot as usize].idle_since_ms == Some(since_ms) {
                return Some((since_ms, id, slot));
            }
            self.pool.pop();
        }
        None
    }
}

fn suits(skills: &[(Box<[u8]>, u8)], wanted: &[(&[u8], u8)]) -> bool {
    wanted.iter().all(|(wanted, least)| skills.iter().any(|(skill, level)| **skill == **wanted && level >= least))
}
