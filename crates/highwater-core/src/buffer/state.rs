//! What the lock of a buffer guards: the ledger, the chunks, and who waits.

use std::collections::VecDeque;
use std::task::Waker;

use super::ledger::{Ledger, Life, Limit, Refusal};
use super::mark::HighWaterMark;
use super::subscribers::Subscribers;
use super::waiters::{Wait, Waiters};
use super::wakes::Wakes;
use crate::error::{Error, Result};
use crate::stage::Event;

/// A chunk and what it weighs.
pub(super) type Weighed<T> = (T, usize);

pub(super) struct State<T> {
    pub(super) ledger: Ledger,
    pub(super) queue: VecDeque<Weighed<T>>,
    /// Why it was destroyed, or fails behind the last chunk.
    pub(super) failure: Option<Error>,
    /// Errors of the destination that came after that one.
    pub(super) later: Option<Error>,
    /// How it went, once that is known.
    pub(super) outcome: Option<Result<()>>,
    pub(super) writers: usize,
    /// A writer was dropped without having said that it is done.
    pub(super) abandoned: bool,
    pub(super) reader_is_gone: bool,
    pub(super) reader: Option<(Waker, Interest)>,
    pub(super) waiters: Waiters,
    pub(super) subscribers: Subscribers,
    pub(super) chunks: u64,
    pub(super) drains: u64,
}

/// What the reader waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interest {
    /// A chunk that is delivered.
    Delivery,
    /// A chunk that is there, even while paused.
    Arrival,
}

/// Whose error it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Of one who holds an end of the buffer.
    Handle,
    /// Of the destination of a writer task.
    Destination,
}

/// What a failure leaves to be dropped behind the lock.
pub(super) struct Lost<T> {
    /// Whether it was not over before.
    pub(super) was_open: bool,
    pub(super) chunks: VecDeque<Weighed<T>>,
    #[expect(dead_code, reason = "it is only dropped")]
    pub(super) error: Option<Error>,
}

impl<T> State<T> {
    pub(super) fn new(mark: &HighWaterMark<T>) -> Self {
        Self {
            ledger: Ledger::new(mark.high(), mark.low(), mark.hard()),
            queue: VecDeque::new(),
            failure: None,
            later: None,
            outcome: None,
            writers: 1,
            abandoned: false,
            reader_is_gone: false,
            reader: None,
            waiters: Waiters::default(),
            subscribers: Subscribers::default(),
            chunks: 0,
            drains: 0,
        }
    }

    /// Nobody overtakes those who wait in line, but one who does not ask whether there is room.
    #[inline]
    pub(super) fn may_write(&self, limit: Limit) -> Result<(), Refusal> {
        let asks = limit.asks() && self.ledger.life() == Life::Open;
        if asks && self.waiters.has_line() {
            return Err(Refusal::Full);
        }
        Ok(())
    }

    /// Uses up the turn. Gives the room that was kept for it.
    #[inline]
    pub(super) fn use_turn(&mut self, id: u64) -> usize {
        let kept = self.waiters.take_turn(id);
        self.ledger.unreserve(kept);
        kept
    }

    /// How much the reader may give out before it must be counted: at most a quarter of the mark, and what leads from the
    /// high mark to the low one. Where both are the same, each chunk is counted at once.
    pub(super) fn step(&self) -> usize {
        let ledger = &self.ledger;
        if ledger.needs_drain() || self.waiters.has_line() {
            ledger.to_the_crossing()
        } else {
            (ledger.high() / 4).min(ledger.high() - ledger.low()).max(1)
        }
    }

    pub(super) fn refuse(&self, refusal: Refusal) -> Error {
        match refusal {
            Refusal::Full => Error::overflow(),
            Refusal::Ended => self.failure.clone().unwrap_or_else(Error::write_after_end),
            Refusal::Destroyed => self.failure(),
        }
    }

    /// Whether it has finished, and well.
    pub(super) fn has_finished(&self) -> bool {
        matches!(self.outcome, Some(Ok(())))
    }

    /// Why nothing can be written any more, but for a plain end.
    pub(super) fn known_failure(&self) -> Option<Error> {
        match (&self.outcome, self.ledger.life()) {
            (Some(outcome), _) => outcome.clone().err(),
            (None, Life::Destroyed) => Some(self.failure()),
            (None, _) => None,
        }
    }

    /// Why nothing that was written before comes out any more either.
    pub(super) fn final_failure(&self) -> Option<Error> {
        let over = matches!(self.ledger.life(), Life::Ended | Life::Destroyed);
        self.known_failure().filter(|_| over)
    }

    pub(super) fn failure(&self) -> Error {
        self.failure.clone().unwrap_or_else(Error::premature_close)
    }

    /// What a write gets when nothing can be written any more: the error of a failure, also before the reader has it.
    pub(super) fn refusal(&self) -> Option<Error> {
        match self.ledger.life() {
            Life::Open => None,
            Life::Ending | Life::Ended => Some(self.refuse(Refusal::Ended)),
            Life::Destroyed => Some(self.failure()),
        }
    }

    /// The first error, with those of the destination that came after it.
    pub(super) fn failure_and_later(&self) -> Error {
        let first = self.failure();
        self.later.clone().map_or(first.clone(), |later| first.or_later(later))
    }

    /// The first error stays, one of the destination is kept beside it. Gives back what is not kept.
    pub(super) fn add_failure(
        &mut self,
        error: Error,
        may_be_first: bool,
        by: By,
    ) -> Option<Error> {
        if may_be_first && self.failure.is_none() {
            self.failure = Some(error);
            return None;
        }
        if by == By::Handle {
            return Some(error);
        }
        self.later = Some(match self.later.take() {
            Some(first) => first.or_later(error),
            None => error,
        });
        None
    }

    /// There may be something for the reader.
    #[inline]
    pub(super) fn announce(&mut self, wakes: &mut Wakes) {
        if let Some((_, interest)) = self.reader {
            if self.gives(interest) && (!self.queue.is_empty() || self.ledger.life() != Life::Open)
            {
                wakes.extend(self.reader.take().map(|(waker, _)| waker));
            }
        }
    }

    /// Whether the reader gets what is in the queue.
    #[inline]
    pub(super) fn gives(&self, interest: Interest) -> bool {
        self.delivers(interest) && !self.ledger.is_held(self.waiters.want_room())
    }

    /// Whether a pause lets the reader have chunks.
    #[inline]
    pub(super) fn delivers(&self, interest: Interest) -> bool {
        interest == Interest::Arrival || !self.ledger.is_paused()
    }

    /// The answer to a writer that waits, if it is not a turn.
    pub(super) fn answer(&self, wait: Wait) -> Option<Result<()>> {
        if wait == Wait::Outcome {
            return self.outcome.clone();
        }
        let is_late = wait != Wait::Drain;
        match self.ledger.life() {
            Life::Destroyed => Some(Err(self.failure())),
            Life::Ending | Life::Ended if is_late => Some(Err(self.refuse(Refusal::Ended))),
            Life::Ending | Life::Ended => Some(Ok(())),
            Life::Open => (!is_late && !self.ledger.needs_drain()).then_some(Ok(())),
        }
    }

    /// True the first time.
    pub(super) fn end(&mut self, failure: Option<&Error>, wakes: &mut Wakes) -> bool {
        if !self.ledger.end() {
            return false;
        }
        self.failure = failure.cloned();
        wakes.extend(self.waiters.take_line());
        wakes.extend(self.waiters.take_drain());
        self.announce(wakes);
        true
    }

    /// The reader sees the end, or the error in the place of it.
    pub(super) fn conclude(&mut self, wakes: &mut Wakes) -> Result<bool> {
        self.ledger.conclude();
        let result = self.failure.clone().map_or(Ok(()), Err);
        let event = result.clone().map_or_else(Event::Error, |()| Event::End);
        self.subscribers.tell(event, wakes);
        if result.is_ok() {
            self.subscribers.tell(Event::Finish, wakes);
        }
        self.settle_outcome(result.clone(), wakes);
        result.map(|()| false)
    }

    pub(super) fn settle_outcome(&mut self, outcome: Result<()>, wakes: &mut Wakes) {
        if self.outcome.is_none() {
            self.outcome = Some(outcome);
            wakes.extend(self.waiters.take_outcome());
            self.subscribers.tell(Event::Close, wakes);
        }
    }

    /// Those who wait for the outcome as well: the other side of a duplex does not wait for a destination to be closed.
    pub(super) fn wake_all(&mut self, wakes: &mut Wakes) {
        wakes.extend(self.reader.take().map(|(waker, _)| waker));
        wakes.extend(self.waiters.take_line());
        wakes.extend(self.waiters.take_drain());
        wakes.extend(self.waiters.take_outcome());
    }
}
