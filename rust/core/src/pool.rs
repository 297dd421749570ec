//! Agents in the order of idleness, asked 64 at a time.
//!
//! Agents sit in *blocks* of 64, and blocks stand in order: every agent of a block has been idle for longer than those of the next
//! one. What is true of an agent (has room for calls, is a member of this queue, has this skill at this level) is one bit in a
//! *row*; a row has one word a block. Who has all of several properties is the AND of their rows, block by block, and the longest
//! idle of them sits in the first block that is not empty.
//!
//! Which blocks can hold such agents at all is known in advance, one bit a block.
//!
//! Cost with n agents and r rows set for an agent: `search` and `count` n/4096 words a row, and one word a row for each block that can hold
//! such agents, until they have seen enough; `place` and `leave` r bits, now and then half a block of agents more.

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
    rows: Vec<Row>,
}

/// Who has a property.
#[derive(Debug, Clone, Default)]
struct Row {
    /// One word a block.
    words: Vec<u64>,
    /// One bit a block: somebody in it has the property.
    some: Vec<u64>,
}

impl Row {
    fn add(&mut self, block: u32, bits: u64) {
        self.words[block as usize] |= bits;
        if bits != 0 {
            self.some[block as usize / BLOCK] |= 1 << (block % 64);
        }
    }

    fn take(&mut self, block: u32, bits: u64) {
        let word = &mut self.words[block as usize];
        *word &= !bits;
        if *word == 0 {
            self.some[block as usize / BLOCK] &= !(1 << (block % 64));
        }
    }

    fn widen(&mut self, blocks: usize) {
        self.words.resize(blocks, 0);
        self.some.resize(blocks.div_ceil(BLOCK), 0);
    }
}

impl Pool {
    /// A property that nobody has yet.
    pub(crate) fn add_row(&mut self) -> RowId {
        let mut row = Row::default();
        row.widen(self.blocks.len());
        self.rows.push(row);
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
        let (block, bits) = (seat.block, 1 << seat.bit);
        if on {
            self.rows[row as usize].add(block, bits);
        } else {
            self.rows[row as usize].take(block, bits);
        }
    }

    /// Visit the agents who have all of `rows` (at least one), the longest idle first, until `visit` has seen enough.
    pub(crate) fn search(&self, rows: &[RowId], mut visit: impl FnMut(u32) -> ControlFlow<()>) {
        let some = self.some(rows);
        if some.iter().all(|word| *word == 0) {
            return;
        }
        for number in self.order.iter().filter(|number| some[**number as usize / BLOCK] & (1 << (**number % 64)) != 0) {
            let block = &self.blocks[*number as usize];
            let mut left = self.all(rows, *number);
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
        let mut count = 0;
        for (word, mut left) in (0..).zip(self.some(rows)) {
            while left != 0 {
                count += self.all(rows, word * 64 + left.trailing_zeros()).count_ones();
                left &= left - 1;
                if count >= limit {
                    return limit;
                }
            }
        }
        count
    }

    /// The blocks in which somebody has each of the properties, one bit a block.
    fn some(&self, rows: &[RowId]) -> Vec<u64> {
        let Some((first, others)) = rows.split_first() else { return Vec::new() };
        let mut some = self.rows[*first as usize].some.clone();
        for row in others {
            some.iter_mut().zip(&self.rows[*row as usize].some).for_each(|(word, other)| *word &= other);
        }
        some
    }

    /// Who of a block has all of the properties.
    fn all(&self, rows: &[RowId], block: u32) -> u64 {
        rows.iter().fold(u64::MAX, |left, row| left & self.rows[*row as usize].words[block as usize])
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
            self.rows[*row as usize].add(number, 1 << bit);
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
        let (from, bit) = (seat.block, seat.bit);
        let block = &mut self.blocks[number as usize];
        let new_bit = (!block.used).trailing_zeros();
        block.used |= 1 << new_bit;
        block.slots[new_bit as usize] = slot;
        for row in &seat.rows {
            let row = &mut self.rows[*row as usize];
            row.take(from, 1 << bit);
            row.add(number, 1 << new_bit);
        }
        (seat.block, seat.bit) = (number, new_bit);
        self.blocks[from as usize].used &= !(1 << bit);
    }

    fn take_out(&mut self, slot: u32) -> Vec<RowId> {
        let Some(seat) = self.seats[slot as usize].take() else { return Vec::new() };
        for row in &seat.rows {
            self.rows[*row as usize].take(seat.block, 1 << seat.bit);
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
            row.widen(self.blocks.len());
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
