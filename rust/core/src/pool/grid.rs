//! Bits by line and column, 64 of them in a word; the columns of a line stand side by side, so that what is asked for together is found in
//! one place.

/// Words that are looked at together.
pub(super) const PART: usize = 8;
/// From so many on, the words of a line are no power of two: those of one column would get in each other's way in the processor's caches.
const LONG: usize = 64;

/// Lines of words.
#[derive(Debug, Clone, Default)]
pub(super) struct Grid {
    words: Vec<u64>,
    /// Words of a line: as many as columns, or more.
    width: usize,
}

impl Grid {
    /// Room for so many lines and columns.
    pub(super) fn widen(&mut self, lines: usize, columns: usize) {
        if columns > self.width {
            let width = columns.next_power_of_two();
            let width = if width < LONG { width } else { width + PART };
            let mut wider = vec![0; self.words.len() / self.width.max(1) * width];
            for (line, held) in self.words.chunks(self.width.max(1)).enumerate() {
                wider[line * width..][..held.len()].copy_from_slice(held);
            }
            (self.words, self.width) = (wider, width);
        }
        if lines * self.width > self.words.len() {
            self.words.resize(lines * self.width, 0);
        }
    }

    pub(super) fn line(&self, line: usize) -> &[u64] {
        &self.words[line * self.width..][..self.width]
    }

    pub(super) fn line_mut(&mut self, line: usize) -> &mut [u64] {
        &mut self.words[line * self.width..][..self.width]
    }

    pub(super) fn word_mut(&mut self, line: usize, column: usize) -> &mut u64 {
        &mut self.words[line * self.width + column]
    }

    /// What all of these columns have in a line.
    pub(super) fn all(&self, columns: &[u32], line: usize) -> u64 {
        let words = self.line(line);
        columns.iter().fold(u64::MAX, |left, column| left & words[*column as usize])
    }

    /// What all of these lines have in the columns of a part, which must be there as a whole.
    pub(super) fn all_of(&self, lines: &[u32], part: usize) -> [u64; PART] {
        let mut left = [u64::MAX; PART];
        for line in lines {
            let words = &self.line(*line as usize)[part * PART..][..PART];
            left.iter_mut().zip(words).for_each(|(left, word)| *left &= word);
        }
        left
    }

    pub(super) fn clear(&mut self) {
        self.words.fill(0);
    }

    /// In every line the words from column `at` to `end` stand one further, and `at` is empty.
    pub(super) fn insert_column(&mut self, at: usize, end: usize) {
        for line in self.words.chunks_exact_mut(self.width.max(1)) {
            line.copy_within(at..end, at + 1);
            line[at] = 0;
        }
    }

    /// In every line these columns, in their order, and no others.
    pub(super) fn keep_columns(&mut self, kept: &[usize]) {
        for line in self.words.chunks_exact_mut(self.width.max(1)) {
            (0..).zip(kept).for_each(|(to, from)| line[to] = line[*from]);
            line[kept.len()..].fill(0);
        }
    }

    /// Bits are counted through all lines: those from `at` on stand one further, and `at` is 0 in every column.
    pub(super) fn make_room(&mut self, at: usize) {
        let lines = self.words.len() / self.width.max(1);
        for column in 0..self.width {
            let mut carried = 0;
            for line in at / 64..lines {
                let word = &mut self.words[line * self.width + column];
                let stays = if line == at / 64 { *word & ((1 << (at % 64)) - 1) } else { 0 };
                let moves = *word & !stays;
                *word = stays | moves << 1 | carried;
                carried = moves >> 63;
            }
        }
    }
}
