//! Whole steps: frames as tests/benchmarks/steps.py recorded them, given to a router one by one.
//!
//! The file: a count of frames that set the site up, then every frame as turn, inbox sequence, time stored, length and bytes.

use cordboard_core::{FrameRef, Router};

pub(crate) const SITE: &str = "bench";
pub(crate) const INBOX: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

pub(crate) struct Frame {
    pub(crate) at_ms: u64,
    pub(crate) inbox_seq: u64,
    pub(crate) stored_ms: u64,
    pub(crate) data: Vec<u8>,
}

impl Frame {
    /// How many set the site up, and all of them.
    pub(crate) fn read(bytes: &[u8]) -> (u64, Vec<Self>) {
        let mut rest = bytes;
        let setup = number(&mut rest);
        let mut frames = Vec::new();
        while !rest.is_empty() {
            let (at_ms, inbox_seq, stored_ms) = (number(&mut rest), number(&mut rest), number(&mut rest));
            let length = usize::try_from(number(&mut rest)).unwrap();
            let (data, after) = rest.split_at(length);
            rest = after;
            frames.push(Self { at_ms, inbox_seq, stored_ms, data: data.to_vec() });
        }
        (setup, frames)
    }
}

/// A router and what it is still to be told.
pub(crate) struct Steps {
    pub(crate) router: Router,
    frames: std::vec::IntoIter<Frame>,
}

impl Steps {
    /// The site is set up already.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let (setup, frames) = Frame::read(bytes);
        let mut router = Router::new(SITE).unwrap();
        router.take_over(INBOX, frames[0].at_ms - 1).unwrap();
        let mut steps = Self { router, frames: frames.into_iter() };
        for _ in 0..setup {
            steps.commits();
        }
        steps
    }

    /// How many turns are left.
    pub(crate) fn left(&self) -> usize {
        self.frames.len()
    }

    /// One turn with the next frame.
    pub(crate) fn commits(&mut self) -> Vec<Vec<u8>> {
        let Frame { at_ms, inbox_seq, stored_ms, data } = self.frames.next().expect("more frames than were recorded are asked for");
        self.router.step(&[FrameRef { inbox_seq, stored_ms, data: &data }], at_ms).unwrap()
    }

    /// One turn, and the first four bytes of its commit's hash.
    pub(crate) fn step(&mut self) -> u32 {
        self.commits();
        first_part(self.router.position().hash)
    }

    /// The frames are no longer needed: so that only the router's own memory is left.
    pub(crate) fn forget_frames(&mut self) {
        self.frames = Vec::new().into_iter();
    }
}

/// As much of a hash as a course says of what it found.
pub(crate) fn first_part(hash: [u8; 32]) -> u32 {
    u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]])
}

fn number(rest: &mut &[u8]) -> u64 {
    let (head, after) = rest.split_at(8);
    *rest = after;
    u64::from_le_bytes(head.try_into().unwrap())
}
