//! What a buffer should do, written down without a lock, a waker or a thread.

use std::collections::{BTreeSet, VecDeque};
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
    Turn,
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
    line: BTreeSet<Who>,
    /// Given a turn and not polled since; know of their turn.
    granted: BTreeSet<Who>,
    held: BTreeSet<Who>,
    waited: BTreeSet<Who>,
    drains: BTreeSet<Who>,
    /// The reader: taken out and not given, given and not counted as gone, when to count, whether it knew of the gate.
    pub(super) taken: VecDeque<Chunk>,
    pub(super) given: usize,
    step: usize,
    knew: bool,
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
            line: BTreeSet::new(),
            granted: BTreeSet::new(),
            held: BTreeSet::new(),
            waited: BTreeSet::new(),
            drains: BTreeSet::new(),
            taken: VecDeque::new(),
            given: 0,
            step: 1,
            knew: false,
            over: false,
        }
    }

    pub(super) fn put(&mut self, chunk: Chunk, how: How) -> Result<bool, Trouble> {
        if let How::Turn(who) = how {
            self.held.remove(&who);
        }
        let result = self.admit(chunk, how);
        if result.is_err() || matches!(how, How::Turn(_)) {
            self.settle();
        }
        result
    }

    fn admit(&mut self, (id, weight): Chunk, how: How) -> Result<bool, Trouble> {
        match self.life {
            Life::Open => {}
            Life::Ending | Life::Ended => return Err(self.late()),
            Life::Destroyed => return Err(self.trouble()),
        }
        let full = match how {
            How::Write => self.buffered > 0 && self.buffered >= self.hard,
            How::TryWrite => {
                !self.line.is_empty()
                    || self.buffered >= self.high && (self.buffered > 0 || self.closed)
            }
            How::Send => {
                !self.line.is_empty()
                    || self.closed
                    || self.buffered >= self.high && self.buffered > 0
            }
            How::Turn(_) => false,
        };
        let Some(sum) = self.buffered.checked_add(weight).filter(|_| !full) else {
            return Err(Trouble::Overflow);
        };
        self.buffered = sum;
        self.queue.push_back((id, weight));
        self.closed |= sum >= self.high;
        Ok(sum >= self.high)
    }

    pub(super) fn wait(&mut self, who: Who, wait: Wait) -> Poll<Result<(), Trouble>> {
        self.settle();
        if let Some(answer) = self.answer(who, wait) {
            self.forget(who);
            if wait == Wait::Turn && answer.is_ok() {
                self.held.insert(who);
            }
            return Poll::Ready(answer);
        }
        match wait {
            Wait::Turn => {
                self.waited.insert(who);
                self.line.insert(who);
            }
            Wait::Drain => drop(self.drains.insert(who)),
            Wait::Outcome => {}
        }
        self.settle();
        Poll::Pending
    }

    /// A write behind a failure gets its error.
    fn late(&self) -> Trouble {
        self.failure.unwrap_or(Trouble::WriteAfterEnd)
    }

    fn answer(&mut self, who: Who, wait: Wait) -> Option<Result<(), Trouble>> {
        match (wait, self.life) {
            (Wait::Outcome, _) => self.outcome,
            (_, Life::Destroyed) => Some(Err(self.trouble())),
            (Wait::Turn, Life::Ending | Life::Ended) => Some(Err(self.late())),
            (Wait::Drain, Life::Ending | Life::Ended) => Some(Ok(())),
            (Wait::Drain, Life::Open) => (!self.closed).then_some(Ok(())),
            (Wait::Turn, Life::Open) => {
                // The first in line takes over the turn of one that was not polled since.
                let first = self.line.first() == Some(&who) && !self.closed;
                let newcomer = !self.waited.contains(&who);
                let ready = self.granted.contains(&who)
                    || first && self.granted.pop_last().is_some()
                    || newcomer && self.line.is_empty() && self.may_grant();
                ready.then_some(Ok(()))
            }
        }
    }

    pub(super) fn leave(&mut self, who: Who) {
        self.forget(who);
        self.settle();
    }

    fn forget(&mut self, who: Who) {
        self.line.remove(&who);
        self.granted.remove(&who);
        self.held.remove(&who);
        self.drains.remove(&who);
    }

    fn may_grant(&self) -> bool {
        self.life == Life::Open
            && !self.closed
            && self.buffered.saturating_add(self.granted.len() + self.held.len()) < self.high.max(1)
    }

    fn settle(&mut self) {
        if self.closed && self.life == Life::Open && self.buffered <= self.low {
            self.closed = false;
            self.drains.clear();
        }
        while !self.line.is_empty() && self.may_grant() {
            self.granted.extend(self.line.pop_first());
        }
    }

    pub(super) fn end(&mut self, failure: Option<Trouble>) {
        if self.life == Life::Open {
            self.life = Life::Ending;
            self.failure = failure;
            self.closed = false;
            self.line.clear();
            self.drains.clear();
        }
    }

    pub(super) fn drop_writer(&mut self, done: bool) {
        self.writers -= 1;
        if self.writers == 0 {
            self.end((!done).then_some(Trouble::PrematureClose));
        }
    }

    pub(super) fn destroy(&mut self, trouble: Trouble) {
        if matches!(self.life, Life::Open | Life::Ending) {
            self.life = Life::Destroyed;
            self.closed = false;
            self.buffered = 0;
            self.queue.clear();
            self.line.clear();
            self.drains.clear();
            self.outcome = Some(Err(*self.failure.get_or_insert(trouble)));
        }
    }

    fn trouble(&self) -> Trouble {
        self.failure.unwrap_or(Trouble::PrematureClose)
    }

    /// Whether the reader gets what is there.
    fn gives(&self, while_paused: bool) -> bool {
        let waited_for = !self.line.is_empty() || !self.drains.is_empty();
        let held = self.corks > 0 && !waited_for && self.life == Life::Open;
        !held && (while_paused || !self.paused)
    }

    pub(super) fn next(&mut self) -> Poll<Option<Result<u32, Trouble>>> {
        let given = (!self.paused && self.life != Life::Destroyed).then(|| self.give()).flatten();
        if let Some(id) = given {
            return Poll::Ready(Some(Ok(id)));
        }
        if self.over {
            return Poll::Ready(None);
        }
        match self.readable(false) {
            Poll::Ready(Ok(true)) => Poll::Ready(self.give().map(Ok)),
            Poll::Ready(end) => {
                self.over = true;
                Poll::Ready(end.err().map(Err))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    pub(super) fn readable(&mut self, while_paused: bool) -> Poll<Result<bool, Trouble>> {
        if self.given > 0 {
            self.give_back();
        }
        match self.life {
            Life::Destroyed => return Poll::Ready(Err(self.trouble())),
            Life::Ended => return Poll::Ready(self.failure.map_or(Ok(false), Err)),
            Life::Open | Life::Ending => {}
        }
        if self.gives(while_paused) {
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

    pub(super) fn read(&mut self) -> Option<u32> {
        if self.over || self.life == Life::Destroyed {
            return None;
        }
        if self.gives(true) {
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
        if self.taken.is_empty() || self.given >= self.step || self.closed && !self.knew {
            self.give_back();
        }
        Some(id)
    }

    fn give_back(&mut self) {
        self.knew = self.closed;
        let given = std::mem::take(&mut self.given);
        if self.life != Life::Destroyed {
            self.buffered -= given;
        }
        self.settle();
        let step = if self.closed { self.buffered.saturating_sub(self.low) } else { self.high / 4 };
        self.step = step.max(1);
    }

    pub(super) fn unshift(&mut self, chunk: Chunk) -> Result<(), Option<Trouble>> {
        match self.life {
            Life::Ended => return Err(None),
            Life::Destroyed => return Err(Some(self.trouble())),
            Life::Open | Life::Ending => {}
        }
        let sum = self.buffered.checked_add(chunk.1);
        self.buffered = sum.ok_or(Some(Trouble::Overflow))?;
        self.taken.push_front(chunk);
        Ok(())
    }
}
