//! Agents in the order of idleness, asked 64 at a time.
//!
//! Agents sit in *blocks* of 64, and blocks stand in order: every agent of a block has been idle for longer than those of the next
//! one. What is true of an agent (has room for calls, is a member of this queue, has this skill at this level) is one bit in a
//! *row*; a row has one word a block. Who has all of several properties is the AND of their rows, block by block, and the longest
//! idle of them sits in the first block that is not empty.
//!
//! Cost with n agents and r rows set for an agent: `search` n/64 words a row until it has seen enough; `place` and `leave` r bits,
//! now and then half a block of agents more.

use std::ops::ControlFlow;

use crate::words::Id;

/// Agents in a block.
const BLOCK: usize = 64;
/// Two neighbours with no more agents than this together become one block.
const SPARSE: u32 = 32;
/// No block.
const NOWHERE: u32 = u32::MAX;

/// The order: idle since then (Unix ms), then id.
pub(crate) type Since = (u64, Id);
/// A property of agents.
pub(crate) type RowId = u32;

#[derive(Debug, Clone)]
struct Block {
    /// Nobody here has been idle for longer. The first block in order has no such bound.
    from: Since,
    used: u64,
    slots: Box<[u32; BLOCK]>,
}

#[derive(Debug, Clone)]
struct Seat {
    since: Since,
    block: u32,
    bit: u32,
    /// The rows that are set for this agent, in no particular order.
    rows: Vec<RowId>,
}

/// Agents by slot, in idle order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    seats: Vec<Option<Seat>>,
    blocks: Vec<Block>,
    /// Blocks in use, those of the longest idle first.
    order: Vec<u32>,
    spare: Vec<u32>,
    /// One word a block.
    rows: Vec<Vec<u64>>,
}

impl Pool {
    /// A property that nobody has yet.
    pub(crate) fn add_row(&mut self) -> RowId {
        self.rows.push(vec![0; self.blocks.len()]);
        index_of(self.rows.len() - 1)
    }

    /// Put an agent into the order, or elsewhere in it; its properties stay.
    pub(crate) fn place(&mut self, slot: u32, since: Since) {
        let rows = match self.seat(slot) {
            Some(seat) if seat.since == since => return,
            Some(_) => self.take_out(slot),
            None => Vec::new(),
        };
        self.put_in(slot, since, rows);
    }

    /// The agent is gone, and all that was true of it.
    pub(crate) fn leave(&mut self, slot: u32) {
        if self.seat(slot).is_some() {
            self.take_out(slot);
        }
    }

    /// Something is true of an agent that has a place, or not any more.
    pub(crate) fn set(&mut self, slot: u32, row: RowId, on: bool) {
        let Some(seat) = self.seats.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let held = seat.rows.iter().position(|held| *held == row);
        match (held, on) {
            (None, true) => seat.rows.push(row),
            (Some(at), false) => {
                seat.rows.swap_remove(at);
            }
            (Some(_), true) | (None, false) => return,
        }
        let (block, bit) = (seat.block as usize, seat.bit);
        self.rows[row as usize][block] ^= 1 << bit;
    }

    /// Visit the agents who have all of `rows` (at least one), the longest idle first, until `visit` has seen enough.
    pub(crate) fn search(&self, rows: &[RowId], mut visit: impl FnMut(u32) -> ControlFlow<()>) {
        let rows: Vec<&[u64]> = rows.iter().map(|row| self.rows[*row as usize].as_slice()).collect();
        let Some((first, others)) = rows.split_first() else { return };
        for number in &self.order {
            let word = *number as usize;
            let mut left = others.iter().fold(first[word], |left, row| left & row[word]);
            if left == 0 {
                continue;
            }
            let block = &self.blocks[word];
            while left != 0 {
                let bit = self.longest_idle(block, left);
                left &= !(1 << bit);
                if visit(block.slots[bit as usize]).is_break() {
                    return;
                }
            }
        }
    }

    /// How many agents have all of `rows`; counts no further than `limit`.
    pub(crate) fn count(&self, rows: &[RowId], limit: u32) -> u32 {
        let rows: Vec<&[u64]> = rows.iter().map(|row| self.rows[*row as usize].as_slice()).collect();
        let Some((first, others)) = rows.split_first() else { return 0 };
        let mut count = 0;
        for number in &self.order {
            let word = *number as usize;
            count += others.iter().fold(first[word], |left, row| left & row[word]).count_ones();
            if count >= limit {
                return limit;
            }
        }
        count
    }

    fn seat(&self, slot: u32) -> Option<&Seat> {
        self.seats.get(slot as usize)?.as_ref()
    }

    /// Since when an agent has been idle.
    pub(crate) fn since(&self, slot: u32) -> Since {
        self.seat(slot).map_or((u64::MAX, Id([0xff; 16])), |seat| seat.since)
    }

    fn longest_idle(&self, block: &Block, among: u64) -> u32 {
        let mut left = among & (among - 1);
        let mut best = among.trailing_zeros();
        while left != 0 {
            let bit = left.trailing_zeros();
            left &= left - 1;
            if self.since(block.slots[bit as usize]) < self.since(block.slots[best as usize]) {
                best = bit;
            }
        }
        best
    }

    fn put_in(&mut self, slot: u32, since: Since, rows: Vec<RowId>) {
        let at = self.order.partition_point(|number| self.blocks[*number as usize].from <= since).saturating_sub(1);
        let number = self.room_at(at, since);
        let block = &mut self.blocks[number as usize];
        let bit = (!block.used).trailing_zeros();
        block.used |= 1 << bit;
        block.slots[bit as usize] = slot;
        for row in &rows {
            self.rows[*row as usize][number as usize] |= 1 << bit;
        }
        if self.seats.len() <= slot as usize {
            self.seats.resize(slot as usize + 1, None);
        }
        self.seats[slot as usize] = Some(Seat { since, block: number, bit, rows });
    }

    /// A block with room at place `at` of the order, for somebody idle since then.
    fn room_at(&mut self, at: usize, since: Since) -> u32 {
        let Some(number) = self.order.get(at).copied() else {
            let number = self.new_block(since);
            self.order.push(number);
            return number;
        };
        if self.blocks[number as usize].used != u64::MAX {
            return number;
        }
        let is_last = at + 1 == self.order.len();
        let newest = self.blocks[number as usize].slots.iter().map(|slot| self.since(*slot)).max();
        if is_last && newest.is_some_and(|newest| newest < since) {
            let number = self.new_block(since);
            self.order.push(number);
            return number;
        }
        let middle = self.split(at);
        self.order[if since < middle { at } else { at + 1 }]
    }

    /// The younger half of a full block moves to a new one behind it, which begins at what is returned.
    fn split(&mut self, at: usize) -> Since {
        let number = self.order[at];
        let mut slots = self.blocks[number as usize].slots.to_vec();
        slots.sort_unstable_by_key(|slot| self.since(*slot));
        let moving = slots.split_off(BLOCK / 2);
        let middle = moving.first().map_or((0, Id([0; 16])), |slot| self.since(*slot));
        let behind = self.new_block(middle);
        self.order.insert(at + 1, behind);
        for slot in moving {
            self.move_to(slot, behind);
        }
        middle
    }

    fn move_to(&mut self, slot: u32, number: u32) {
        let Some(seat) = self.seats[slot as usize].as_mut() else { return };
        let (from, bit) = (seat.block as usize, seat.bit);
        let block = &mut self.blocks[number as usize];
        let new_bit = (!block.used).trailing_zeros();
        block.used |= 1 << new_bit;
        block.slots[new_bit as usize] = slot;
        for row in &seat.rows {
            let words = &mut self.rows[*row as usize];
            words[from] &= !(1 << bit);
            words[number as usize] |= 1 << new_bit;
        }
        (seat.block, seat.bit) = (number, new_bit);
        self.blocks[from].used &= !(1 << bit);
    }

    fn take_out(&mut self, slot: u32) -> Vec<RowId> {
        let Some(seat) = self.seats[slot as usize].take() else { return Vec::new() };
        for row in &seat.rows {
            self.rows[*row as usize][seat.block as usize] &= !(1 << seat.bit);
        }
        self.blocks[seat.block as usize].used &= !(1 << seat.bit);
        self.tidy(seat.block);
        seat.rows
    }

    /// An empty block leaves the order; a sparse one takes in the next, if that is sparse too.
    fn tidy(&mut self, number: u32) {
        let held = self.blocks[number as usize].used.count_ones();
        if held > SPARSE / 2 {
            return;
        }
        let from = self.blocks[number as usize].from;
        let Some(at) = self.order.iter().position(|each| *each == number) else { return };
        if held == 0 {
            self.order.remove(at);
            self.spare.push(number);
            return;
        }
        let Some(next) = self.order.get(at + 1).copied() else { return };
        if held + self.blocks[next as usize].used.count_ones() > SPARSE {
            return;
        }
        let mut left = self.blocks[next as usize].used;
        while left != 0 {
            let slot = self.blocks[next as usize].slots[left.trailing_zeros() as usize];
            left &= left - 1;
            self.move_to(slot, number);
        }
        self.order.remove(at + 1);
        self.spare.push(next);
        self.blocks[number as usize].from = from;
    }

    fn new_block(&mut self, from: Since) -> u32 {
        if let Some(number) = self.spare.pop() {
            self.blocks[number as usize].from = from;
            return number;
        }
        self.blocks.push(Block { from, used: 0, slots: Box::new([NOWHERE; BLOCK]) });
        for row in &mut self.rows {
            row.push(0);
        }
        index_of(self.blocks.len() - 1)
    }
}

/// Slots, rows and blocks are counted in 32 bits: there is no memory for more.
fn index_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or_else(|_| unreachable!("more than four thousand million"))
}

#[cfg(test)]
mod tests;
