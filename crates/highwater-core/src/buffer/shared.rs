//! What both ends of a buffer share: the state behind one lock, and what is done to it by writing and ending.
//!
//! No user code runs under the lock: chunks are weighed before it is taken, and what is woken or dropped is moved out
//! and dropped after it is given back. That is what the order of the declarations in each function is for.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::ledger::{Life, Limit, Refusal, Room};
use super::mark::HighWaterMark;
use super::state::{By, Lost, State};
pub(super) use super::state::{Interest, Weighed};
pub(super) use super::waiters::Wait;
use super::wakes::Wakes;
use super::write_error::WriteError;
use crate::error::{Error, Result};
use crate::observe::trace;
use crate::stage::{BufferStats, Event, StageInfo, StageStats};
use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering::Release};

pub(super) struct Shared<T> {
    state: Mutex<State<T>>,
    mark: HighWaterMark<T>,
    /// Somebody wants room since the reader last counted, or less of it: the reader counts at once, and then at the
    /// crossing, not in steps.
    pub(super) room_is_wanted: AtomicBool,
    /// The reader must look before it gives what it has taken out already: paused, destroyed, or over with an error.
    pub(super) attention: AtomicBool,
    /// Of a writer task, whose destination decides how it went: what stops it.
    pub(super) writer: Option<CancellationToken>,
    /// Whose buffer it is, and who keeps its metrics.
    pub(super) stage: &'static str,
    meter: StageStats,
}

impl<T> Shared<T> {
    pub(super) fn new(
        mark: HighWaterMark<T>,
        info: &StageInfo,
        writer: Option<CancellationToken>,
    ) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::new(&mark)),
            mark,
            room_is_wanted: AtomicBool::new(false),
            attention: AtomicBool::new(false),
            writer,
            stage: info.name(),
            meter: info.meter().clone(),
        })
    }

    /// A panic under the lock cannot come from user code, and leaves the counts as they were.
    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn mark(&self) -> &HighWaterMark<T> {
        &self.mark
    }

    #[cfg(feature = "metrics")]
    #[inline]
    pub(super) fn publish(&self) {
        self.meter.metrics().buffer(|| self.stats());
    }

    /// Whether a task writes what is buffered to a destination.
    pub(super) fn has_writer(&self) -> bool {
        self.writer.is_some()
    }

    /// What the destination said after the error that ended it.
    pub(super) fn later_failure(&self) -> Option<Error> {
        self.lock().later.clone()
    }
}

/// Writing.
impl<T> Shared<T> {
    /// Takes the chunk, or gives it back. A turn is used up either way; its room is the chunk's, and only what the chunk
    /// weighs beyond that is held against the limit.
    #[inline]
    pub(super) fn put(
        &self,
        chunk: T,
        limit: Limit,
        turn: Option<u64>,
    ) -> Result<Room, WriteError<T>> {
        let weight = self.mark.weight(&chunk);
        self.put_weighed((chunk, weight), limit, turn)
    }

    /// [`put`](Self::put) for a chunk that was weighed before.
    #[inline]
    pub(super) fn put_weighed(
        &self,
        (chunk, weight): Weighed<T>,
        limit: Limit,
        turn: Option<u64>,
    ) -> Result<Room, WriteError<T>> {
        let mut wakes = self.after();
        let mut state = self.lock();
        let kept = turn.map_or(0, |id| state.use_turn(id));
        // Before the chunk is counted, or it would find the budget used up by what it leaves to others.
        let used = kept.min(weight);
        self.free(kept - used, &mut wakes);
        match self.admit(&mut state, weight, used, limit) {
            Ok(room) => {
                state.queue.push_back((chunk, weight));
                state.announce(&mut wakes);
                if turn.is_some() {
                    self.settle(&mut state, &mut wakes);
                }
                Ok(room)
            }
            Err(refusal) => {
                let error = state.refuse(refusal);
                self.free(used, &mut wakes);
                self.settle(&mut state, &mut wakes);
                Err(WriteError::new(error, chunk))
            }
        }
    }

    /// Puts in all of a batch of this weight under one lock, as one who listens and has made sure that there is room.
    /// Gives the room that is left: none when it is full.
    pub(super) fn put_batch(
        &self,
        batch: &mut VecDeque<Weighed<T>>,
        weight: usize,
    ) -> Result<usize> {
        let mut wakes = self.after();
        let mut state = self.lock();
        let chunks = batch.len() as u64;
        let room = match self.admit(&mut state, weight, 0, Limit::None) {
            Ok(Room::Full) => 0,
            Ok(Room::Free) => state.ledger.high() - state.ledger.buffered(),
            Err(refusal) => return Err(state.refuse(refusal)),
        };
        state.chunks += chunks - 1;
        if state.queue.is_empty() {
            std::mem::swap(&mut state.queue, batch);
        } else {
            state.queue.append(batch);
        }
        state.announce(&mut wakes);
        Ok(room)
    }

    /// Counts a chunk in, and in the shared budget. So much of it was kept, and charged, before.
    #[inline]
    fn admit(
        &self,
        state: &mut State<T>,
        weight: usize,
        kept: usize,
        limit: Limit,
    ) -> Result<Room, Refusal> {
        let limit = if weight <= kept { Limit::None } else { limit };
        state.may_write(limit)?;
        state.ledger.check(weight, limit)?;
        let forced = !limit.is_one_of_room() || state.ledger.is_empty();
        if !self.charge(weight.saturating_sub(kept), forced) {
            if limit.asks() {
                self.close_gate(state);
            }
            return Err(Refusal::Full);
        }
        let room = state.ledger.admit(weight);
        state.chunks += 1;
        if !room.is_full() && self.budget_has_room() {
            return Ok(room);
        }
        self.close_gate(state);
        Ok(Room::Full)
    }

    pub(super) fn add_writer(&self) {
        self.lock().writers += 1;
    }

    /// A writer goes. When the last one has gone, and one of them without having said that it is done, that is a premature
    /// close.
    pub(super) fn remove_writer(&self, is_done: bool) {
        let mut wakes = self.after();
        let mut state = self.lock();
        state.writers -= 1;
        state.abandoned |= !is_done;
        if state.writers > 0 {
            return;
        }
        let whole = is_done && !state.abandoned;
        let ends = self.end_writing(
            &mut state,
            (!whole).then(Error::premature_close).as_ref(),
            &mut wakes,
        );
        drop(state);
        if ends && !whole {
            self.stop_writer();
        }
    }

    /// No more writes; with an error, the reader gets it behind the last chunk. What was decided before stays.
    pub(super) fn end(&self, failure: Option<&Error>) {
        let mut wakes = self.after();
        self.end_writing(&mut self.lock(), failure, &mut wakes);
    }

    /// True the first time.
    fn end_writing(
        &self,
        state: &mut State<T>,
        failure: Option<&Error>,
        wakes: &mut Wakes,
    ) -> bool {
        let first = state.end(failure, wakes);
        if first {
            self.release_turns(state, wakes);
        }
        first
    }

    fn stop_writer(&self) {
        if let Some(stop) = &self.writer {
            stop.cancel();
        }
    }
}

/// Ending.
impl<T> Shared<T> {
    /// Everything at once: what is buffered is dropped, everybody who waits is told, and a writer task is stopped.
    pub(super) fn destroy(&self, error: Error) {
        self.fail(error, By::Handle);
    }

    /// An error of the destination: destroys, or is kept beside the error that came first.
    pub(super) fn destination_failed(&self, error: Error) {
        self.fail(error, By::Destination);
    }

    fn fail(&self, error: Error, by: By) {
        let lost;
        let mut wakes = self.after();
        let mut state = self.lock();
        lost = self.fail_all(&mut state, error, by, &mut wakes);
        let failure = state.failure.clone();
        drop(state);
        if lost.was_open && by == By::Handle {
            // Before the chunks are dropped: the `Drop` of one may panic.
            self.stop_writer();
        }
        if let (true, Some(error)) = (lost.was_open, failure) {
            trace::destroyed(self.stage, &error);
        }
    }

    /// Gives what is to be dropped behind the lock.
    fn fail_all(&self, state: &mut State<T>, error: Error, by: By, wakes: &mut Wakes) -> Lost<T> {
        let weight = state.ledger.destroy();
        let error = state.add_failure(error, weight.is_some(), by);
        let mut lost = Lost { was_open: weight.is_some(), chunks: VecDeque::new(), error };
        let Some(weight) = weight else { return lost };
        lost.chunks = std::mem::take(&mut state.queue);
        self.discharge(weight, wakes);
        self.release_turns(state, wakes);
        self.attention.store(true, Release);
        state.wake_all(wakes);
        let failure = state.failure();
        state.subscribers.tell(Event::Error(failure.clone()), wakes);
        if self.writer.is_none() {
            state.settle_outcome(Err(failure), wakes);
        }
        lost
    }

    /// The writer task is through: now it is known how it went.
    pub(super) fn complete(&self, result: Result<()>) {
        let _lost;
        let mut wakes = self.after();
        let mut state = self.lock();
        let outcome = match result {
            Ok(()) => {
                // Also behind a destroy that came too late: what was written is told as it is.
                state.ledger.conclude();
                state.subscribers.tell(Event::Finish, &mut wakes);
                Ok(())
            }
            Err(error) => {
                _lost = self.fail_all(&mut state, error, By::Handle, &mut wakes);
                Err(state.failure_and_later())
            }
        };
        state.settle_outcome(outcome, &mut wakes);
    }

    pub(super) fn pause(&self, paused: bool) {
        let mut wakes = self.after();
        let mut state = self.lock();
        if !state.ledger.pause(paused) {
            return;
        }
        let failed = state.final_failure().is_some();
        self.attention.store(paused || failed, Release);
        let event = if paused { Event::Pause } else { Event::Resume };
        state.subscribers.tell(event, &mut wakes);
        if !paused {
            // The reader may hold chunks that it has taken out already.
            wakes.extend(state.reader.take().map(|(waker, _)| waker));
        }
        drop(state);
        if paused {
            self.meter.paused();
        }
        trace::delivery(self.stage, paused);
    }

    pub(super) fn is_destroyed(&self) -> bool {
        self.lock().ledger.life() == Life::Destroyed
    }

    pub(super) fn uncork(&self) {
        let mut wakes = self.after();
        let mut state = self.lock();
        state.ledger.uncork();
        state.announce(&mut wakes);
    }

    pub(super) fn stats(&self) -> BufferStats {
        let state = self.lock();
        BufferStats {
            buffered: state.ledger.buffered(),
            peak: state.ledger.peak(),
            high_water_mark: state.ledger.high(),
            chunks: state.chunks,
            weight: state.ledger.taken(),
            drains: state.drains,
            writers: state.writers,
            waiting: state.waiters.waiting(),
            corks: state.ledger.corks(),
            is_awaited: state.reader.is_some(),
            is_paused: state.ledger.is_paused(),
        }
    }
}
