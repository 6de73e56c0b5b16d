//! A budget that several buffers share.

use super::{How, Life, Reference};

/// What a budget allows, and what the others use of it: at least, and at most, for turns may have been given of which
/// nobody knows yet.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Share {
    pub(in super::super) limit: usize,
    pub(in super::super) least: usize,
    pub(in super::super) most: usize,
}

impl Reference {
    /// What this buffer uses of a budget, at least and at most.
    pub(in super::super) fn uses(&self) -> [usize; 2] {
        self.filled()
    }

    /// Whether the budget is used up: for certain, and perhaps.
    pub(super) fn used_up(&self) -> [bool; 2] {
        self.used_up_with(0)
    }

    fn used_up_with(&self, kept: usize) -> [bool; 2] {
        let Some(share) = self.share else { return [false; 2] };
        let [least, most] = self.filled();
        [share.least + least, share.most + most].map(|used| used + kept >= share.limit)
    }

    pub(super) fn may_be_used_up(&self) -> bool {
        self.used_up()[1]
    }

    /// Whether a chunk is refused for the budget: for certain, and perhaps. Not one that waited for its room, and not one
    /// for an empty buffer; `write` and a sink that was ready are not held to it.
    pub(super) fn is_over(&self, how: How, kept: usize, fits: bool) -> [bool; 2] {
        let is_held_to_it = match how {
            How::Write | How::Sink(_) => false,
            How::TryWrite | How::Send => true,
            How::Turn(_) => !fits,
        };
        let (used_up, filled) = (self.used_up_with(kept), self.filled());
        [0, 1].map(|at| is_held_to_it && used_up[at] && filled[at] > 0)
    }

    /// Whether the budget lets a closed gate open: for certain, and perhaps. That of an empty buffer it does. Perhaps it did
    /// so before the last turn was given, or between two turns.
    pub(super) fn may_open(&self) -> [bool; 2] {
        let Some(share) = self.share else { return [true; 2] };
        let (used_up, [_, most]) = (self.used_up(), self.filled());
        let had_room = share.least + self.buffered < share.limit;
        [!used_up[1] || most == 0, had_room || self.buffered == 0]
    }

    /// Whether the gate may be as it was seen. The budget closes it, and opens it when somebody looks.
    pub(in super::super) fn gate(&mut self, is_closed: bool) -> bool {
        let may_be = if is_closed {
            self.closed || (self.share.is_some() && (self.was_closed || self.may_be_used_up()))
        } else {
            let low = self.life == Life::Open && self.buffered <= self.low;
            !self.closed || (self.share.is_some() && low && self.may_open()[1])
        };
        if is_closed {
            self.closed = true;
        } else {
            self.open();
        }
        may_be
    }
}
