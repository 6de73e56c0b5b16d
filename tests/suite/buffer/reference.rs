//! What a buffer should do, written down without a lock, a waker or a thread.
//!
//! Where the buffer may choose, as with whose turn it is, the reference says what it must not do: it is asked with what
//! was seen, and answers with that if it keeps the promises.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::task::Poll;

pub(super) type Chunk = (u32, usize);
pub(super) type Who = usize;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Overflow,
    WriteAfterEnd,
    PrematureClose,
    Told(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Open,
    Ending,
    Ended,
    Destroyed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Write,
    TryWrite,
    Send,
    Turn(Who),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// With room for this weight.
    Turn(usize),
    Drain,
    Outcome,
}

#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) high: usize,
    pub(super) low: usize,
    pub(super) hard: usize,
    pub(super) queue: VecDeque<Chunk>,
    /// What writers see.
    pub(super) buffered: usize,
    pub(super) closed: bool,
    pub(super) corks: usize,
    pub(super) paused: bool,
    pub(super) life: Life,
    pub(super) failure: Option<Trouble>,
    pub(super) outcome: Option<Result<(), Trouble>>,
    pub(super) writers: usize,
    all_done: bool,
    /// Those who wait for a turn, and what it is to weigh; some may have been given it, of which nobody knows yet.
    pub(super) line: BTreeMap<Who, usize>,
    /// What is kept for those who know of their turn.
    held: BTreeMap<Who, usize>,
    has_waited: bool,
    drains: BTreeSet<Who>,
    /// The reader: taken out and not given, given and not counted as gone.
    pub(super) taken: VecDeque<Chunk>,
    pub(super) given: usize,
    /// The last step gave a chunk.
    pub(super) gave: bool,
    over: bool,
}

impl Reference {
    pub(super) fn new(high: usize, low: usize, hard: usize) -> Self {
        Self {
            high,
            low,
            hard,
            queue: VecDeque::new(),
            buffered: 0,
            closed: false,
            corks: 0,
            paused: false,
            life: Life::Open,
            failure: None,
            outcome: None,
            writers: 1,
            all_done: true,
            line: BTreeMap::new(),
            held: BTreeMap::new(),
            has_waited: false,
            drains: BTreeSet::new(),
            taken: VecDeque::new(),
            given: 0,
            gave: false,
            over: false,
        }
    }

    /// Takes the chunk, or says why not. Of a full buffer, `seen` decides within what is allowed.
    pub(super) fn put(&mut self, chunk: Chunk, how: How, seen_full: bool) -> Result<bool, Trouble> {
        let kept = match how {
            How::Turn(who) => self.held.remove(&who).unwrap_or(0),
            _ => 0,
        };
        let result = self.admit(chunk, how, kept, seen_full);
        if result.is_err() || matches!(how, How::Turn(_)) {
            self.settle();
        }
        result
    }

    fn admit(
        &mut self,
        (id, weight): Chunk,
        how: How,
        kept: usize,
        seen_full: bool,
    ) -> Result<bool, Trouble> {
        match self.life {
            Life::Open => {}
            Life::Ending | Life::Ended => return Err(self.late()),
            Life::Destroyed => return Err(self.trouble()),
        }
        // What is filled for certain, and what may be: those who wait may have been given a turn.
        let filled = [
            self.promised(),
            self.line.values().copied().fold(self.promised(), usize::saturating_add),
        ];
        let full = filled.map(|filled| self.is_full(how, filled, weight <= kept));
        // Somebody who waits may be in line still, or have been given a turn.
        let may_be_full =
            full[1] || (!self.line.is_empty() && matches!(how, How::TryWrite | How::Send));
        let full = full[0] || (may_be_full && seen_full);
        let Some(sum) = self.buffered.checked_add(weight).filter(|_| !full) else {
            return Err(Trouble::Overflow);
        };
        self.buffered = sum;
        self.queue.push_back((id, weight));
        self.closed |= sum >= self.high;
        Ok(sum >= self.high)
    }

    fn is_full(&self, how: How, filled: usize, has_room: bool) -> bool {
        match how {
            How::Write => filled > 0 && filled >= self.hard,
            How::TryWrite => filled >= self.high && (filled > 0 || self.closed),
            How::Send => self.closed || filled >= self.high && filled > 0,
            How::Turn(_) => !has_room && filled >= self.high && (filled > 0 || self.closed),
        }
    }

    /// What is buffered, and what is kept for those who know of their turn.
    pub(super) fn promised(&self) -> usize {
        self.held.values().copied().fold(self.buffered, usize::saturating_add)
    }

    /// Whether one who waits for a turn could have it, if nobody else had been given one.
    pub(super) fn has_room(&self) -> bool {
        let fits = self.line.values().all(|weight| self.promised().checked_add(*weight).is_some());
        // What was given before somebody waited is counted with the next chunk.
        let sure = if self.gave { self.given } else { 0 };
        let room = !self.closed && self.promised() - sure < self.high.max(1);
        self.life == Life::Open && room && fits
    }

    /// What a wait gives; a turn only if it was `seen` that one was given, and was allowed.
    pub(super) fn wait(&mut self, who: Who, wait: Wait, seen: bool) -> Poll<Result<(), Trouble>> {
        self.settle();
        if let Some(answer) = self.answer(wait, seen) {
            self.forget(who);
            if let (Wait::Turn(weight), Ok(())) = (wait, answer) {
                self.held.insert(who, weight);
            }
            return Poll::Ready(answer);
        }
        match wait {
            Wait::Turn(weight) => {
                self.has_waited = true;
                self.line.insert(who, weight);
            }
            Wait::Drain => drop(self.drains.insert(who)),
            Wait::Outcome => {}
        }
        Poll::Pending
    }

    /// A write behind a failure gets its error.
    fn late(&self) -> Trouble {
        self.failure.unwrap_or(Trouble::WriteAfterEnd)
    }

    fn answer(&self, wait: Wait, seen: bool) -> Option<Result<(), Trouble>> {
        match (wait, self.life) {
            (Wait::Outcome, _) => self.outcome,
            (_, Life::Destroyed) => Some(Err(self.trouble())),
            (Wait::Turn(_), Life::Ending | Life::Ended) => Some(Err(self.late())),
            (Wait::Drain, Life::Ending | Life::Ended) => Some(Ok(())),
            (Wait::Drain, Life::Open) => (!self.closed).then_some(Ok(())),
            (Wait::Turn(_), Life::Open) => seen.then_some(Ok(())),
        }
    }

    pub(super) fn leave(&mut self, who: Who) {
        self.forget(who);
        self.settle();
    }

    fn forget(&mut self, who: Who) {
        self.line.remove(&who);
        self.held.remove(&who);
        self.drains.remove(&who);
    }

    fn settle(&mut self) {
        if self.closed && self.life == Life::Open && self.buffered <= self.low {
            self.closed = false;
            self.drains.clear();
        }
    }

    pub(super) fn end(&mut self, failure: Option<Trouble>) {
        if self.life == Life::Open {
            self.life = Life::Ending;
            self.failure = failure;
            self.closed = false;
            self.line.clear();
            self.held.clear();
            self.drains.clear();
        }
    }

    pub(super) fn drop_writer(&mut self, done: bool) {
        self.writers -= 1;
        self.all_done &= done;
        if self.writers == 0 {
            self.end((!self.all_done).then_some(Trouble::PrematureClose));
        }
    }

    pub(super) fn destroy(&mut self, trouble: Trouble) {
        if matches!(self.life, Life::Open | Life::Ending) {
            self.life = Life::Destroyed;
            self.closed = false;
            self.buffered = 0;
            self.queue.clear();
            self.line.clear();
            self.held.clear();
            self.drains.clear();
            self.outcome = Some(Err(*self.failure.get_or_insert(trouble)));
        }
    }

    /// The end opens all.
    pub(super) fn seen_corks(&self) -> usize {
        if self.life == Life::Open { self.corks } else { 0 }
    }

    fn trouble(&self) -> Trouble {
        self.failure.unwrap_or(Trouble::PrematureClose)
    }

    /// Whether the reader gets what is there. One who waits for a turn opens a cork, unless it has been given the turn:
    /// then `seen` decides.
    fn gives(&self, while_paused: bool, seen: bool) -> bool {
        let waited_for = (!self.line.is_empty() && seen) || !self.drains.is_empty();
        let held = self.corks > 0 && !waited_for && self.life == Life::Open;
        !held && (while_paused || !self.paused)
    }

    pub(super) fn next(&mut self, seen: bool) -> Poll<Option<Result<u32, Trouble>>> {
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

    pub(super) fn readable(
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

    pub(super) fn read(&mut self, seen: bool) -> Option<u32> {
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
    pub(super) fn counts(&mut self, seen: usize) -> bool {
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
        if self.closed {
            return !self.gave || self.given == 0 || least > self.low;
        }
        self.has_waited || self.given < (self.high / 4).max(1)
    }

    pub(super) fn unshift(&mut self, chunk: Chunk) -> Result<(), Option<Trouble>> {
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
