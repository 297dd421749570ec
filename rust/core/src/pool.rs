//! Agents in the order of idleness, asked 64 at a time.
//!
//! Agents sit in *blocks* of 64, and blocks stand in order: every agent of a block has been idle for longer than those of the next
//! one. What is true of an agent (has room for calls, is a member of this queue, has this skill at this level) is one bit in a
//! *row*; a row has one word a block, in the order of the blocks. Who has all of several properties is the AND of their rows, several
//! blocks at a time, and the longest idle of them sits in the first block that is not empty.
//!
//! Which blocks can hold such agents at all is known in advance: one bit a block.
//!
//! Cost with n agents and r rows set for an agent: `search` and `count` n/4096 words a row at most, and one word a row for each block that can
//! hold such agents and its neighbours, until they have seen enough; `place` and `leave` r bits, now and then half a block of agents more, or
//! (when an agent comes between others and finds no room) n/64 words for every row there is. Memory: n/8 words for every row, or less.

mod grid;

use std::ops::ControlFlow;

use grid::{Grid, PART};

use crate::words::Id;

/// Agents in a block.
const BLOCK: usize = 64;
/// Two neighbours with no more agents than this together become one block.
const SPARSE: u32 = 16;
/// So many places may stand empty before the order is made anew, if they are more than half.
const GAPS: usize = 64;
/// The places of a part, as bits.
const PART_BITS: u64 = (1 << PART) - 1;
/// No block.
const NOWHERE: u32 = u32::MAX;

/// The order: idle since then (Unix ms), then id.
pub(crate) type Since = (u64, Id);
/// A property of agents.
pub(crate) type RowId = u32;

#[derive(Debug, Clone)]
struct Block {
    used: u64,
    /// Whoever has a higher bit has been idle for less long.
    sorted: bool,
    /// Where it stands in the order.
    spot: u32,
    slots: Box<[u32; BLOCK]>,
}

/// A place in the order of blocks.
#[derive(Debug, Clone, Copy)]
struct Spot {
    /// Nobody from here on has been idle for longer; never less than that of the place before.
    from: Since,
    /// `NOWHERE`: it stands empty.
    block: u32,
}

#[derive(Debug, Clone, Copy)]
struct Seat {
    since: Since,
    block: u32,
    bit: u32,
}

/// Agents by slot, in idle order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    seats: Vec<Option<Seat>>,
    blocks: Vec<Block>,
    /// Those of the longest idle first. The last one is not empty.
    order: Vec<Spot>,
    gaps: usize,
    spare: Vec<u32>,
    rows: usize,
    /// The rows that are set for an agent: one bit a row.
    held: Grid,
    /// Who has what, by row and place in the order.
    having: Grid,
    /// One bit a place in the order: somebody there has the property.
    some: Grid,
}

impl Pool {
    /// A property that nobody has yet.
    pub(crate) fn add_row(&mut self) -> RowId {
        self.rows += 1;
        self.widen();
        index_of(self.rows - 1)
    }

    /// Put an agent into the order, or elsewhere in it; its properties stay.
    pub(crate) fn place(&mut self, slot: u32, since: Since) {
        match self.seat(slot) {
            Some(seat) if seat.since == since => return,
            Some(_) => self.take_out(slot),
            None => {}
        }
        self.put_in(slot, since);
    }

    /// The agent is gone, and all that was true of it.
    pub(crate) fn leave(&mut self, slot: u32) {
        if self.seat(slot).is_some() {
            self.take_out(slot);
            self.held.line_mut(slot as usize).fill(0);
        }
    }

    /// Something is true of an agent that has a place, or not any more.
    pub(crate) fn set(&mut self, slot: u32, row: RowId, on: bool) {
        let Some(Seat { block, bit, .. }) = self.seat(slot).copied() else { return };
        let held = &mut self.held.line_mut(slot as usize)[row as usize / 64];
        let before = *held;
        *held = before & !(1 << (row % 64)) | u64::from(on) << (row % 64);
        if *held != before {
            self.note(row as usize, block, bit, on);
        }
    }

    /// Visit the agents who have all of `rows` (at least one), the longest idle first, until `visit` has seen enough.
    pub(crate) fn search(&self, rows: &[RowId], mut visit: impl FnMut(u32) -> ControlFlow<()>) {
        let _ = self.blocks_with(rows, |number, mut left| {
            let block = &self.blocks[number as usize];
            while left != 0 {
                let bit = if block.sorted { left.trailing_zeros() } else { self.longest_idle(block, left) };
                left &= !(1 << bit);
                visit(block.slots[bit as usize])?;
            }
            ControlFlow::Continue(())
        });
    }

    /// How many agents have all of `rows`; counts no further than `limit`.
    pub(crate) fn count(&self, rows: &[RowId], limit: u32) -> u32 {
        let mut count = 0;
        let _ = self.blocks_with(rows, |_, who| {
            count += who.count_ones();
            if count < limit {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        count.min(limit)
    }

    /// Visit the blocks in which somebody has all of `rows`, and who that is.
    fn blocks_with(&self, rows: &[RowId], mut visit: impl FnMut(u32, u64) -> ControlFlow<()>) -> ControlFlow<()> {
        if rows.is_empty() {
            return ControlFlow::Continue(());
        }
        for word in 0..self.order.len().div_ceil(BLOCK) {
            let mut left = self.some.all(rows, word);
            while left != 0 {
                let part = left.trailing_zeros() as usize / PART;
                left &= !(PART_BITS << (part * PART));
                let first = word * BLOCK + part * PART;
                let having = self.having.all_of(rows, first / PART);
                for (at, who) in (first..).zip(having).filter(|(_, who)| *who != 0) {
                    visit(self.order[at].block, who)?;
                }
            }
        }
        ControlFlow::Continue(())
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

    /// Something is true of an agent of a block from now on, or not any more.
    fn note(&mut self, row: usize, block: u32, bit: u32, on: bool) {
        let spot = self.blocks[block as usize].spot as usize;
        let having = self.having.word_mut(row, spot);
        let some = self.some.word_mut(spot / BLOCK, row);
        if on {
            *having |= 1 << bit;
            *some |= 1 << (spot % BLOCK);
        } else {
            *having &= !(1 << bit);
            *some &= !(u64::from(*having == 0) << (spot % BLOCK));
        }
    }

    /// The same for all that is true of an agent.
    fn note_all(&mut self, slot: u32, block: u32, bit: u32, on: bool) {
        let at = self.blocks[block as usize].spot as usize;
        let (some, place) = (self.some.line_mut(at / BLOCK), 1 << (at % BLOCK));
        for (word, held) in self.held.line(slot as usize).iter().enumerate() {
            let mut left = *held;
            while left != 0 {
                let row = word * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let having = self.having.word_mut(row, at);
                if on {
                    *having |= 1 << bit;
                    some[row] |= place;
                } else {
                    *having &= !(1 << bit);
                    if *having == 0 {
                        some[row] &= !place;
                    }
                }
            }
        }
    }

    fn put_in(&mut self, slot: u32, since: Since) {
        let number = self.block_for(since);
        if self.seats.len() <= slot as usize {
            self.seats.resize(slot as usize + 1, None);
            self.widen();
        }
        self.sit(slot, since, number);
    }

    /// Take a place in a block that has room.
    fn sit(&mut self, slot: u32, since: Since, number: u32) {
        let is_last = self.blocks[number as usize].sorted && self.newest(number).is_none_or(|newest| newest < since);
        let block = &mut self.blocks[number as usize];
        let behind = u64::BITS - block.used.leading_zeros();
        let bit = if is_last && behind < u64::BITS { behind } else { (!block.used).trailing_zeros() };
        // Behind all others, in time and by its bit: or nothing is known any more.
        block.sorted = block.used == 0 || is_last && bit == behind;
        block.used |= 1 << bit;
        block.slots[bit as usize] = slot;
        self.seats[slot as usize] = Some(Seat { since, block: number, bit });
        self.note_all(slot, number, bit, true);
    }

    fn take_out(&mut self, slot: u32) {
        let Some(seat) = self.seat(slot).copied() else { return };
        self.rise(slot);
        self.seats[slot as usize] = None;
        self.tidy(seat.block);
    }

    /// Leave the place in the block.
    fn rise(&mut self, slot: u32) {
        let Some(seat) = self.seat(slot).copied() else { return };
        self.note_all(slot, seat.block, seat.bit, false);
        self.blocks[seat.block as usize].used &= !(1 << seat.bit);
    }

    /// These agents, in their order, sit in a block that is empty but for some of them.
    fn gather(&mut self, slots: &[u32], number: u32) {
        for slot in slots {
            self.rise(*slot);
        }
        for slot in slots {
            self.sit(*slot, self.since(*slot), number);
        }
    }

    /// Since when the one has been idle who has been so for the least time of a block.
    fn newest(&self, number: u32) -> Option<Since> {
        let block = &self.blocks[number as usize];
        if block.sorted {
            return (block.used != 0).then(|| self.since(block.slots[63 - block.used.leading_zeros() as usize]));
        }
        self.members(number).map(|slot| self.since(slot)).max()
    }

    /// Who sits in a block, by their bits.
    fn members(&self, number: u32) -> impl Iterator<Item = u32> + '_ {
        let block = &self.blocks[number as usize];
        block.slots.iter().enumerate().filter(|(bit, _)| block.used & (1 << bit) != 0).map(|(_, slot)| *slot)
    }

    /// A block with room for somebody idle since then.
    fn block_for(&mut self, since: Since) -> u32 {
        let Some(last) = self.order.last() else { return self.new_block(0, since) };
        let comes_last = last.from <= since;
        let at = if comes_last { self.order.len() - 1 } else { self.spot_for(since) };
        let number = self.order[at].block;
        if since < self.order[at].from {
            // Longer idle than everybody: whatever stands before is empty.
            self.order[..=at].iter_mut().for_each(|spot| spot.from = spot.from.min(since));
        }
        // Whoever comes last should have the last bit: so the block stays sorted.
        let closed = comes_last && self.blocks[number as usize].used.leading_zeros() == 0;
        if closed && self.newest(number).is_some_and(|newest| newest < since) {
            return self.new_block(self.order.len(), since);
        }
        if self.blocks[number as usize].used == u64::MAX {
            return self.split(at, since);
        }
        number
    }

    /// The last place whose agents have been idle no less long; or else the first at all.
    fn spot_for(&self, since: Since) -> usize {
        let behind = self.order.partition_point(|spot| spot.from <= since);
        let stands = |at: &usize| self.order[*at].block != NOWHERE;
        (0..behind).rev().find(stands).or_else(|| (behind..self.order.len()).find(stands)).unwrap_or(0)
    }

    /// The younger half of a full block moves to a new one behind it. Returns the one for somebody idle since then.
    fn split(&mut self, at: usize, since: Since) -> u32 {
        let number = self.order[at].block;
        let mut slots: Vec<u32> = self.members(number).collect();
        slots.sort_unstable_by_key(|slot| self.since(*slot));
        let moving = slots.split_off(BLOCK / 2);
        let middle = self.since(moving[0]);
        let behind = self.new_block(at + 1, middle);
        self.gather(&moving, behind);
        self.gather(&slots, number);
        if since < middle {
            number
        } else {
            behind
        }
    }

    /// An empty block leaves the order; a sparse one takes in the next, if that is sparse too.
    fn tidy(&mut self, number: u32) {
        let Block { used, spot, .. } = self.blocks[number as usize];
        if used == 0 {
            return self.retire(number);
        }
        if used.count_ones() > SPARSE / 2 {
            return;
        }
        // Not far: what is behind many empty places is found when they are gone.
        let mut behind = self.order[spot as usize + 1..].iter().take(4).map(|spot| spot.block);
        let Some(next) = behind.find(|next| *next != NOWHERE) else { return };
        if used.count_ones() + self.blocks[next as usize].used.count_ones() > SPARSE {
            return;
        }
        let mut slots: Vec<u32> = self.members(number).chain(self.members(next)).collect();
        slots.sort_unstable_by_key(|slot| self.since(*slot));
        self.gather(&slots, number);
        self.retire(next);
    }

    /// Nobody sits in the block any more.
    fn retire(&mut self, number: u32) {
        self.spare.push(number);
        self.order[self.blocks[number as usize].spot as usize].block = NOWHERE;
        self.gaps += 1;
        while self.order.last().is_some_and(|spot| spot.block == NOWHERE) {
            self.order.pop();
            self.gaps -= 1;
        }
        if self.gaps > GAPS && self.gaps * 2 > self.order.len() {
            self.close_up();
        }
    }

    /// No place in the order stands empty.
    fn close_up(&mut self) {
        let kept: Vec<usize> = (0..self.order.len()).filter(|at| self.order[*at].block != NOWHERE).collect();
        self.having.keep_columns(&kept);
        self.order.retain(|spot| spot.block != NOWHERE);
        self.gaps = 0;
        self.some.clear();
        for (at, spot) in self.order.iter().enumerate() {
            self.blocks[spot.block as usize].spot = index_of(at);
            let some = self.some.line_mut(at / BLOCK);
            for (row, some) in (0..self.rows).zip(some) {
                *some |= u64::from(self.having.line(row)[at] != 0) << (at % BLOCK);
            }
        }
    }

    /// An empty block at this place of the order.
    fn new_block(&mut self, at: usize, from: Since) -> u32 {
        let number = self.spare.pop().unwrap_or_else(|| {
            self.blocks.push(Block { used: 0, sorted: true, spot: 0, slots: Box::new([NOWHERE; BLOCK]) });
            index_of(self.blocks.len() - 1)
        });
        let spot = Spot { from, block: number };
        match self.order.get_mut(at) {
            None => self.order.push(spot),
            Some(gap) if gap.block == NOWHERE => {
                *gap = spot;
                self.gaps -= 1;
                // Whoever would have come there is in this block.
                let gaps = self.order[at + 1..].iter_mut().take_while(|spot| spot.block == NOWHERE);
                gaps.for_each(|gap| gap.from = gap.from.max(from));
            }
            Some(_) => {
                self.order.insert(at, spot);
                self.widen();
                self.some.make_room(at);
                self.having.insert_column(at, self.order.len() - 1);
                for spot in self.order[at + 1..].iter().filter(|spot| spot.block != NOWHERE) {
                    self.blocks[spot.block as usize].spot += 1;
                }
            }
        }
        self.blocks[number as usize].spot = index_of(at);
        self.blocks[number as usize].sorted = true;
        self.widen();
        number
    }

    fn widen(&mut self) {
        self.held.widen(self.seats.len(), self.rows.div_ceil(64));
        self.having.widen(self.rows, self.order.len().next_multiple_of(PART));
        self.some.widen(self.order.len().div_ceil(BLOCK), self.rows);
    }
}

/// Slots, rows and blocks are counted in 32 bits: there is no memory for more.
fn index_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or_else(|_| unreachable!("more than four thousand million"))
}

#[cfg(test)]
mod tests;
