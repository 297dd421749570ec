//! Bits by line and row, 64 of a row in a word; the rows of a line stand side by side, so that what is true of one agent is found in one place.

/// Lines of words, one word a row.
#[derive(Debug, Clone, Default)]
pub(super) struct Grid {
    words: Vec<u64>,
    /// Words of a line: as many as rows, or more.
    width: usize,
}

impl Grid {
    /// Room for so many lines and rows.
    pub(super) fn widen(&mut self, lines: usize, rows: usize) {
        if rows > self.width {
            let width = rows.next_power_of_two();
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

    /// What all of `rows` have in a line.
    pub(super) fn all(&self, rows: &[u32], line: usize) -> u64 {
        let words = self.line(line);
        rows.iter().fold(u64::MAX, |left, row| left & words[*row as usize])
    }

    pub(super) fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Bits are counted through all lines: those from `at` on stand one further, and `at` is 0 in every row.
    pub(super) fn make_room(&mut self, at: usize) {
        let lines = self.words.len() / self.width.max(1);
        for row in 0..self.width {
            let mut carried = 0;
            for line in at / 64..lines {
                let word = &mut self.words[line * self.width + row];
                let stays = if line == at / 64 { *word & ((1 << (at % 64)) - 1) } else { 0 };
                let moves = *word & !stays;
                *word = stays | moves << 1 | carried;
                carried = moves >> 63;
            }
        }
    }
}
