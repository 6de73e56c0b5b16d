//! What a buffer should do, written down without a lock, a waker or a thread.
//!
//! Where the buffer may choose, as with whose turn it is, the reference says what it must not do: it is asked with what
//! was seen, and answers with that if it keeps the promises.

mod reading;
mod share;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::task::Poll;

pub(super) use share::Share;

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
    /// With a permit.
    Turn(Who),
    /// A sink that was ready.
    Sink(Who),
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
    /// The part of the others in a budget.
    pub(super) share: Option<Share>,
    /// Before this step the gate was closed, or the budget used up.
    was_closed: bool,
    /// Whether the gate is as it was seen: with a budget, and sinks as the only handles, nobody knows.
    pub(super) is_gate_seen: bool,
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
            share: None,
            was_closed: false,
            is_gate_seen: true,
        }
    }

    /// A step begins.
    pub(super) fn begin(&mut self) {
        self.gave = false;
        self.was_closed = self.closed || self.may_be_used_up();
    }

    /// Takes the chunk, or says why not, and whether it is full then. Where turns that nobody knows of may matter, what was
    /// `seen` decides within what is allowed: the answer, or nothing if it was refused as full.
    pub(super) fn put(
        &mut self,
        chunk: Chunk,
        how: How,
        seen: Option<bool>,
    ) -> Result<bool, Trouble> {
        let (How::Turn(who) | How::Sink(who)) = how else {
            let result = self.admit(chunk, how, 0, seen);
            if result.is_err() {
                self.settle();
            }
            return result;
        };
        let kept = self.held.remove(&who).unwrap_or(0);
        let result = self.admit(chunk, how, kept, seen);
        self.settle();
        result
    }

    fn admit(
        &mut self,
        (id, weight): Chunk,
        how: How,
        kept: usize,
        seen: Option<bool>,
    ) -> Result<bool, Trouble> {
        match self.life {
            Life::Open => {}
            Life::Ending | Life::Ended => return Err(self.late()),
            Life::Destroyed => return Err(self.trouble()),
        }
        let fits = weight <= kept;
        let full = self.filled().map(|filled| self.is_full(how, filled, fits));
        let over = self.is_over(how, kept, fits);
        // Somebody who waits may be in line still, or have been given a turn.
        let gives_way = !self.line.is_empty() && matches!(how, How::TryWrite | How::Send);
        let may_be_full = full[1] || over[1] || gives_way;
        let full = full[0] || over[0] || (may_be_full && seen.is_none());
        let Some(sum) = self.buffered.checked_add(weight).filter(|_| !full) else {
            return Err(Trouble::Overflow);
        };
        self.buffered = sum;
        self.queue.push_back((id, weight));
        let used_up = self.used_up();
        let full = sum >= self.high || used_up[0] || (used_up[1] && seen == Some(true));
        self.closed |= full;
        Ok(full)
    }

    /// What is filled for certain, and what may be: those who wait may have been given a turn.
    fn filled(&self) -> [usize; 2] {
        let line = self.line.values().copied();
        [self.promised(), line.fold(self.promised(), usize::saturating_add)]
    }

    fn is_full(&self, how: How, filled: usize, has_room: bool) -> bool {
        match how {
            How::Write => filled > 0 && filled >= self.hard,
            How::TryWrite => filled >= self.high && (filled > 0 || self.closed),
            How::Send => self.closed || filled >= self.high && filled > 0,
            How::Turn(_) => !has_room && filled >= self.high && (filled > 0 || self.closed),
            How::Sink(_) => !has_room && filled >= self.hard && (filled > 0 || self.closed),
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
        let open = !self.closed || (self.buffered <= self.low && self.may_open()[0]);
        let room = open && self.promised() - sure < self.high.max(1) && self.may_open()[0];
        self.life == Life::Open && room && fits
    }

    /// What a wait gives; a turn only if it was `seen` that one was given, and was allowed.
    pub(super) fn wait(&mut self, who: Who, wait: Wait, seen: bool) -> Poll<Result<(), Trouble>> {
        self.settle();
        if let Some(answer) = self.answer(wait, seen) {
            self.forget(who);
            if let (Wait::Turn(weight), Ok(())) = (wait, answer) {
                // For which the gate was open, at least for a moment.
                self.closed &= self.buffered > self.low || !self.may_open()[1];
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

    /// Whether a wait would be over for certain.
    pub(super) fn is_ready(&self, wait: Wait) -> bool {
        let drains = wait == Wait::Drain && self.buffered <= self.low && self.may_open()[0];
        drains || self.answer(wait, false).is_some()
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
            (Wait::Drain, Life::Open) => {
                let may_open = seen && self.buffered <= self.low && self.may_open()[1];
                (!self.closed || may_open).then_some(Ok(()))
            }
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
        let low = self.life == Life::Open && self.buffered <= self.low;
        if self.closed && low && self.may_open()[0] {
            self.open();
        }
    }

    fn open(&mut self) {
        self.closed = false;
        self.drains.clear();
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

    /// Whether a destroy drops this chunk; with the reader goes what that has taken out.
    pub(super) fn drops(&self, id: u32, with_reader: bool) -> bool {
        let destroys = matches!(self.life, Life::Open | Life::Ending);
        let holds = |chunks: &VecDeque<Chunk>| chunks.iter().any(|chunk| chunk.0 == id);
        (destroys && holds(&self.queue)) || (with_reader && holds(&self.taken))
    }

    /// The end opens all.
    pub(super) fn seen_corks(&self) -> usize {
        if self.life == Life::Open { self.corks } else { 0 }
    }

    fn trouble(&self) -> Trouble {
        self.failure.unwrap_or(Trouble::PrematureClose)
    }
}
