//! What the reader gets.

use std::task::Poll;

use super::{Chunk, Life, Reference, Trouble};

impl Reference {
    /// Whether the reader gets what is there. One who waits for a turn opens a cork, unless it has been given the turn:
    /// then `seen` decides; with a budget also for those who wait for a drain, for the gate may have been open for a moment.
    fn gives(&self, while_paused: bool, seen: bool) -> bool {
        let for_drain = !self.drains.is_empty() && (seen || self.share.is_none());
        let waited_for = for_drain || (!self.line.is_empty() && seen);
        let held = self.corks > 0 && !waited_for && self.life == Life::Open;
        !held && (while_paused || !self.paused)
    }

    pub(in super::super) fn next(&mut self, seen: bool) -> Poll<Option<Result<u32, Trouble>>> {
        let given = (!self.paused && self.life != Life::Destroyed).then(|| self.give()).flatten();
        if let Some(id) = given {
            return Poll::Ready(Some(Ok(id)));
        }
        if self.over {
            return Poll::Ready(None);
        }
        match self.readable(false, seen) {
            Poll::Ready(Ok(true)) => Poll::Ready(self.give().map(Ok)),
            Poll::Ready(end) => {
                self.over = true;
                Poll::Ready(end.err().map(Err))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    pub(in super::super) fn readable(
        &mut self,
        while_paused: bool,
        seen: bool,
    ) -> Poll<Result<bool, Trouble>> {
        if self.given > 0 {
            self.give_back();
        }
        match self.life {
            Life::Destroyed => return Poll::Ready(Err(self.trouble())),
            Life::Ended => return Poll::Ready(self.failure.map_or(Ok(false), Err)),
            Life::Open | Life::Ending => {}
        }
        if self.gives(while_paused, seen) {
            self.take_out();
        }
        if self.paused && !while_paused {
            return Poll::Pending;
        }
        if !self.taken.is_empty() {
            return Poll::Ready(Ok(true));
        }
        if self.life == Life::Open {
            return Poll::Pending;
        }
        self.life = Life::Ended;
        self.outcome = Some(self.failure.map_or(Ok(()), Err));
        Poll::Ready(self.failure.map_or(Ok(false), Err))
    }

    pub(in super::super) fn read(&mut self, seen: bool) -> Option<u32> {
        if self.over || self.life == Life::Destroyed {
            return None;
        }
        if self.gives(true, seen) {
            self.take_out();
        }
        self.give()
    }

    fn take_out(&mut self) {
        if self.taken.is_empty() {
            std::mem::swap(&mut self.taken, &mut self.queue);
        }
    }

    fn give(&mut self) -> Option<u32> {
        let (id, weight) = self.taken.pop_front()?;
        self.given += weight;
        self.gave = true;
        if self.taken.is_empty() {
            self.give_back();
        }
        Some(id)
    }

    fn give_back(&mut self) {
        let given = std::mem::take(&mut self.given);
        self.count(given);
    }

    fn count(&mut self, given: usize) {
        if self.life != Life::Destroyed {
            self.buffered -= given;
        }
        self.settle();
    }

    /// B19: the buffer counts as gone what was given when it likes, but no later than after a quarter of the mark, and at
    /// the crossing. True if what was seen is that.
    pub(in super::super) fn counts(&mut self, seen: usize) -> bool {
        if self.life == Life::Destroyed {
            self.given = 0;
            return seen == 0;
        }
        let least = self.buffered - self.given;
        if !(least..=self.buffered).contains(&seen) {
            return false;
        }
        let counted = self.buffered - seen;
        self.given -= counted;
        if counted > 0 {
            self.count(counted);
        }
        if self.life != Life::Open {
            return true;
        }
        let by_the_crossing = !self.gave || self.given == 0 || least > self.low;
        let by_steps = self.has_waited || self.given < (self.high / 4).max(1);
        match (self.closed, self.is_gate_seen) {
            (true, true) => by_the_crossing,
            // The gate may be open or closed by now.
            (true, false) => by_the_crossing || by_steps,
            (false, _) => by_steps,
        }
    }

    pub(in super::super) fn unshift(&mut self, chunk: Chunk) -> Result<(), Option<Trouble>> {
        match self.life {
            Life::Ended => return Err(None),
            Life::Destroyed => return Err(Some(self.trouble())),
            Life::Open | Life::Ending => {}
        }
        if self.given >= chunk.1 {
            self.given -= chunk.1;
        } else {
            let full = self.buffered > 0 && self.buffered >= self.hard;
            let sum = self.buffered.checked_add(chunk.1).filter(|_| !full);
            self.buffered = sum.ok_or(Some(Trouble::Overflow))?;
        }
        self.taken.push_front(chunk);
        Ok(())
    }
}
