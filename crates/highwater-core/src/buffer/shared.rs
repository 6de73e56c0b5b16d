//! What both ends of a buffer share: the ledger and the chunks behind one lock, and who waits for what.
//!
//! No user code runs under the lock: chunks are weighed before it is taken, and what is woken or dropped is moved out
//! and dropped after it is given back. That is what the order of the declarations in each function is for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio_util::sync::CancellationToken;

use super::budget::Budget;
use super::control::{BufferStats, Event, Subscribers};
use super::ledger::{Ledger, Life, Limit, Refusal, Room};
use super::mark::HighWaterMark;
use super::wakes::Wakes;
use super::writable::WriteError;
use crate::readable::{Meter, StageInfo};
use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering::Release, seeded};
use crate::{Error, Result, trace};

/// A chunk and what it weighs.
pub(super) type Weighed<T> = (T, usize);

pub(super) struct Shared<T> {
    state: Mutex<State<T>>,
    mark: HighWaterMark<T>,
    /// Somebody waits for the gate to open: the reader gives back at the crossing, not in steps.
    pub(super) gate_is_closed: AtomicBool,
    /// The reader must look before it gives what it has taken out already: paused, destroyed, or over with an error.
    pub(super) attention: AtomicBool,
    /// Of a writer task, whose destination decides how it went: what stops it.
    writer: Option<CancellationToken>,
    /// Whose buffer it is, and who keeps its figures.
    stage: &'static str,
    meter: Meter,
}

pub(super) struct State<T> {
    pub(super) ledger: Ledger,
    pub(super) queue: VecDeque<Weighed<T>>,
    /// Why it was destroyed, or fails behind the last chunk.
    failure: Option<Error>,
    /// Errors of the destination that came after that one.
    later: Option<Error>,
    /// How it went, once that is known.
    outcome: Option<Result<()>>,
    writers: usize,
    /// A writer was dropped by a panic.
    abandoned: bool,
    pub(super) reader_is_gone: bool,
    reader: Option<(Waker, Interest)>,
    waiters: Waiters,
    pub(super) subscribers: Subscribers,
    chunks: u64,
    drains: u64,
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
enum By {
    /// Of one who holds an end of the buffer.
    Handle,
    /// Of the destination of a writer task.
    Destination,
}

/// What is dropped behind the lock.
struct Lost<T> {
    chunks: VecDeque<Weighed<T>>,
    error: Option<Error>,
}

/// What a writer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    Drain,
    Turn,
    Outcome,
}

/// The writers that wait, by the order in which they came.
#[derive(Default)]
struct Waiters {
    next: u64,
    /// For a turn.
    line: BTreeMap<u64, Asleep>,
    /// They were given a turn, and have not been polled since.
    granted: BTreeSet<u64>,
    /// They know of their turn, and have not used it.
    held: BTreeSet<u64>,
    drain: BTreeMap<u64, Asleep>,
    outcome: BTreeMap<u64, Asleep>,
}

/// `None` once it was woken.
type Asleep = Option<Waker>;

impl Waiters {
    fn of(&mut self, wait: Wait) -> &mut BTreeMap<u64, Asleep> {
        match wait {
            Wait::Drain => &mut self.drain,
            Wait::Turn => &mut self.line,
            Wait::Outcome => &mut self.outcome,
        }
    }

    fn want_room(&self) -> bool {
        !self.line.is_empty() || !self.drain.is_empty()
    }
}

impl<T> Shared<T> {
    pub(super) fn new(
        mark: HighWaterMark<T>,
        info: &StageInfo,
        writer: Option<CancellationToken>,
    ) -> Arc<Self> {
        let state = State {
            ledger: Ledger::new(mark.high(), mark.get_low(), mark.get_hard()),
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
        };
        Arc::new(Self {
            state: Mutex::new(state),
            mark,
            gate_is_closed: AtomicBool::new(false),
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
        self.meter.figures().buffer(|| self.stats());
    }

    /// Whether a task writes what is buffered to a destination.
    pub(super) fn has_writer(&self) -> bool {
        self.writer.is_some()
    }

    /// What the destination said after the error that ended it.
    pub(super) fn later_failure(&self) -> Option<Error> {
        self.lock().later.clone()
    }

    fn budget_has_room(&self) -> bool {
        self.mark.shared_budget().is_none_or(Budget::has_room)
    }
}

/// Writing.
impl<T> Shared<T> {
    #[inline]
    pub(super) fn put(
        &self,
        chunk: T,
        limit: Limit,
        turn: Option<u64>,
    ) -> Result<Room, WriteError<T>> {
        let weight = self.mark.weight(&chunk);
        let mut wakes = self.after();
        let mut state = self.lock();
        if turn.is_some() {
            state.use_turn(turn);
        }
        match self.admit(&mut state, weight, limit, &mut wakes) {
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
        let room = match self.admit(&mut state, weight, Limit::Turn, &mut wakes) {
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

    /// Counts a chunk in, and in the shared budget.
    #[inline]
    fn admit(
        &self,
        state: &mut State<T>,
        weight: usize,
        limit: Limit,
        wakes: &mut Wakes,
    ) -> Result<Room, Refusal> {
        state.may_write(limit, self)?;
        self.charge(weight)?;
        let room =
            state.ledger.admit(weight, limit).inspect_err(|_| self.discharge(weight, wakes))?;
        state.chunks += 1;
        if !room.is_full() && self.budget_has_room() {
            return Ok(room);
        }
        state.ledger.close();
        self.gate_is_closed.store(true, Release);
        Ok(Room::Full)
    }

    fn charge(&self, weight: usize) -> Result<(), Refusal> {
        let fits = self.mark.shared_budget().is_none_or(|budget| budget.charge(weight));
        if fits { Ok(()) } else { Err(Refusal::Full) }
    }

    fn discharge(&self, weight: usize, wakes: &mut Wakes) {
        if let Some(budget) = self.mark.shared_budget() {
            if weight > 0 {
                budget.release(weight, wakes);
            }
        }
    }

    /// Opens the gate if it may be opened, and gives turns to those in line while there is room.
    #[inline]
    pub(super) fn settle(&self, state: &mut State<T>, wakes: &mut Wakes) {
        if state.ledger.reopen(self.budget_has_room()) {
            self.gate_is_closed.store(false, Release);
            state.drains += 1;
            wakes.extend(wakers(&mut state.waiters.drain));
            state.subscribers.tell(Event::Drain, wakes);
        }
        if !state.waiters.line.is_empty() {
            state.give_turns(wakes);
        }
    }

    /// Waits for what a writer waits for. `id` keeps its place in line until it is ready or [`leave`](Self::leave)s; a
    /// turn stays in `id`.
    pub(super) fn poll_wait(
        &self,
        id: &mut Option<u64>,
        wait: Wait,
        cx: &mut Context<'_>,
    ) -> Poll<Result<()>> {
        loop {
            let waker = cx.waker().clone();
            let (_replaced, seat);
            let mut wakes = self.after();
            let mut state = self.lock();
            self.settle(&mut state, &mut wakes);
            if let Some(result) = state.answer(wait, *id) {
                let waited = id.is_some();
                let (removed, place) = state.leave_line(id, wait, result.is_ok());
                state.give_turns(&mut wakes);
                drop(state);
                drop(removed);
                if waited && wait != Wait::Outcome {
                    trace::drained(self.stage);
                }
                self.forget_seat(place);
                return Poll::Ready(result);
            }
            let waiters = &mut state.waiters;
            let first = id.is_none();
            seat = *id.get_or_insert_with(|| {
                waiters.next += 1;
                waiters.next
            });
            _replaced = state.waiters.of(wait).insert(seat, Some(waker)).flatten();
            state.give_turns(&mut wakes);
            // Whoever waits for room opens the cork: what is held is what takes the room.
            state.announce(&mut wakes);
            drop(state);
            if first && wait != Wait::Outcome {
                trace::full(self.stage);
            }
            let Some(budget) = self.mark.shared_budget().filter(|_| wait != Wait::Outcome) else {
                return Poll::Pending;
            };
            budget.register(self.seat(seat), cx.waker().clone());
            if seeded!("no second look at the budget")
                || !budget.has_room()
                || !self.lock().ledger.waits_for_budget()
            {
                return Poll::Pending;
            }
        }
    }

    /// Gives up a place in line, or a turn.
    pub(super) fn leave(&self, id: u64) {
        let _removed: [Option<Asleep>; 3];
        let mut wakes = self.after();
        let mut state = self.lock();
        let waiters = &mut state.waiters;
        _removed =
            [waiters.line.remove(&id), waiters.drain.remove(&id), waiters.outcome.remove(&id)];
        if !seeded!("a dropped turn is lost") {
            state.use_turn(Some(id));
        }
        self.settle(&mut state, &mut wakes);
        drop(state);
        self.forget_seat(Some(id));
    }

    fn forget_seat(&self, id: Option<u64>) {
        if let (Some(budget), Some(id)) = (self.mark.shared_budget(), id) {
            budget.forget(self.seat(id));
        }
    }

    /// Told apart from those of other buffers by the address.
    fn seat(&self, id: u64) -> (usize, u64) {
        (std::ptr::from_ref(self).addr(), id)
    }

    pub(super) fn add_writer(&self) {
        self.lock().writers += 1;
    }

    /// A writer goes. The last one that goes without having said that it is through leaves a premature close.
    pub(super) fn remove_writer(&self, is_done: bool) {
        let mut wakes = self.after();
        let mut state = self.lock();
        state.writers -= 1;
        state.abandoned |= !is_done && std::thread::panicking();
        if state.writers > 0 {
            return;
        }
        let whole = (is_done && !state.abandoned) || seeded!("a dropped writer is an end");
        let ends =
            self.close_gate(&mut state, (!whole).then(Error::premature_close).as_ref(), &mut wakes);
        drop(state);
        if ends && !whole {
            self.stop_writer();
        }
    }

    /// No more writes; with an error, the reader gets it behind the last chunk. What was decided before stays.
    pub(super) fn end(&self, failure: Option<&Error>) {
        let mut wakes = self.after();
        self.close_gate(&mut self.lock(), failure, &mut wakes);
    }

    /// True the first time.
    fn close_gate(&self, state: &mut State<T>, failure: Option<&Error>, wakes: &mut Wakes) -> bool {
        let first = state.end(failure, wakes);
        if first {
            self.gate_is_closed.store(false, Release);
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
        if self.fail(error, By::Handle) {
            self.stop_writer();
        }
    }

    /// An error of the destination: destroys, or is kept beside the error that came first.
    pub(super) fn destination_failed(&self, error: Error) {
        self.fail(error, By::Destination);
    }

    /// False if it was over before.
    fn fail(&self, error: Error, by: By) -> bool {
        let mut _lost = Lost { chunks: VecDeque::new(), error: None };
        let mut wakes = self.after();
        let mut state = self.lock();
        let fails = self.fail_all(&mut state, error, by, &mut _lost, &mut wakes);
        let failure = state.failure.clone();
        drop(state);
        if let (true, Some(error)) = (fails, failure) {
            trace::destroyed(self.stage, &error);
        }
        fails
    }

    fn fail_all(
        &self,
        state: &mut State<T>,
        error: Error,
        by: By,
        lost: &mut Lost<T>,
        wakes: &mut Wakes,
    ) -> bool {
        let weight = state.ledger.destroy();
        lost.error = state.add_failure(error, weight.is_some(), by);
        let Some(weight) = weight else { return false };
        lost.chunks = std::mem::take(&mut state.queue);
        if seeded!("dropped under the lock") {
            lost.chunks.clear();
        }
        if !seeded!("a budget is not given back") {
            self.discharge(weight, wakes);
        }
        self.attention.store(!seeded!("nobody looks after a destroy"), Release);
        if !seeded!("a destroy wakes nobody") {
            state.wake_all(wakes);
        }
        let failure = state.failure();
        state.subscribers.tell(Event::Error(failure.clone()), wakes);
        if self.writer.is_none() {
            state.settle_outcome(Err(failure), wakes);
        }
        true
    }

    /// The writer task is through: now it is known how it went.
    pub(super) fn complete(&self, result: Result<()>) {
        let mut _lost = Lost { chunks: VecDeque::new(), error: None };
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
                self.fail_all(&mut state, error, By::Handle, &mut _lost, &mut wakes);
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
            if !seeded!("a resume wakes nobody") {
                wakes.extend(state.reader.take().map(|(waker, _)| waker));
            }
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
        if !seeded!("an uncork wakes nobody") {
            state.announce(&mut wakes);
        }
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
            waiting: state.waiters.line.len() + state.waiters.drain.len(),
            corks: state.ledger.corks(),
            is_awaited: state.reader.is_some(),
            is_paused: state.ledger.is_paused(),
        }
    }
}

/// Reading.
impl<T> Shared<T> {
    /// Takes out all that is there if `taken` is empty; says what the reader gets if it is not a chunk.
    pub(super) fn poll_take(
        &self,
        taken: &mut VecDeque<Weighed<T>>,
        interest: Interest,
        cx: &mut Context<'_>,
    ) -> Poll<Result<bool>> {
        let waker = cx.waker().clone();
        let _replaced;
        let mut wakes = self.after();
        let mut state = self.lock();
        match state.ledger.life() {
            Life::Destroyed => return Poll::Ready(Err(state.failure())),
            Life::Ended => return Poll::Ready(state.failure.clone().map_or(Ok(false), Err)),
            // A cork holds what is in the queue, not what was taken out of it before.
            Life::Open | Life::Ending if !taken.is_empty() && state.delivers(interest) => {
                return Poll::Ready(Ok(true));
            }
            Life::Open | Life::Ending if state.gives(interest) => {
                if !state.queue.is_empty() {
                    std::mem::swap(&mut state.queue, taken);
                    return Poll::Ready(Ok(true));
                }
                if state.ledger.life() == Life::Ending {
                    // A writer task has its destination to finish: it can be destroyed until that is done.
                    if self.writer.is_some() {
                        return Poll::Ready(state.failure.clone().map_or(Ok(false), Err));
                    }
                    self.attention.fetch_or(state.failure.is_some(), Release);
                    return Poll::Ready(state.conclude(&mut wakes));
                }
            }
            Life::Open | Life::Ending => {}
        }
        if state.reader.is_none() || !seeded!("the first waker stays") {
            _replaced = state.reader.replace((waker, interest));
        }
        Poll::Pending
    }

    /// What is there now, unless it is held or gone.
    pub(super) fn take_now(&self, taken: &mut VecDeque<Weighed<T>>) {
        let mut state = self.lock();
        if state.gives(Interest::Arrival) && state.ledger.life() != Life::Destroyed {
            std::mem::swap(&mut state.queue, taken);
        }
    }

    /// Counts as gone what the reader has given out. Gives how much more may go before that must be said again.
    pub(super) fn give_back(&self, weight: usize) -> usize {
        let mut wakes = self.after();
        let mut state = self.lock();
        if state.ledger.life() != Life::Destroyed {
            self.discharge(weight, &mut wakes);
        }
        state.ledger.give_back(weight);
        self.settle(&mut state, &mut wakes);
        let ledger = &state.ledger;
        let step = if ledger.needs_drain() {
            ledger.buffered().saturating_sub(ledger.low())
        } else {
            ledger.high() / 4
        };
        step.max(1)
    }

    /// How much may be written before the low mark is reached, if somebody waits for that.
    pub(super) fn until_drained(&self) -> usize {
        let ledger = &self.lock().ledger;
        let full = ledger.needs_drain() && ledger.buffered() > ledger.low();
        if full { ledger.buffered() - ledger.low() } else { usize::MAX }
    }

    /// Counts in what the reader puts back, unless it is too late.
    pub(super) fn put_back(&self, weight: usize) -> Result<()> {
        let mut wakes = self.after();
        let mut state = self.lock();
        match state.ledger.life() {
            Life::Open | Life::Ending => {
                self.charge(weight).map_err(|refusal| state.refuse(refusal))?;
                if let Err(refusal) = state.ledger.put_back(weight) {
                    self.discharge(weight, &mut wakes);
                    return Err(state.refuse(refusal));
                }
                wakes.extend(state.reader.take().map(|(waker, _)| waker));
                Ok(())
            }
            Life::Ended => Err(Error::msg("unshift after the end")),
            Life::Destroyed => Err(state.failure()),
        }
    }

    /// The reader is gone, and is not woken any more.
    pub(super) fn forget_reader(&self) {
        let _waker;
        let mut state = self.lock();
        _waker = state.reader.take();
        state.reader_is_gone = true;
    }
}

impl<T> State<T> {
    /// Uses up the turn, if one was given.
    #[inline]
    fn use_turn(&mut self, turn: Option<u64>) {
        let waiters = &mut self.waiters;
        if turn.is_some_and(|id| waiters.held.remove(&id) || waiters.granted.remove(&id)) {
            self.ledger.ungrant();
        }
    }

    /// Gives turns to those in line while there is room. Then wakes the next: it takes over a turn if it is polled before
    /// the one that was given it, who may have been forgotten.
    fn give_turns(&mut self, wakes: &mut Wakes) {
        let Waiters { line, granted, .. } = &mut self.waiters;
        while self.ledger.may_grant() {
            let next =
                if seeded!("last come, first served") { line.pop_last() } else { line.pop_first() };
            let Some((id, waker)) = next else { break };
            self.ledger.grant();
            granted.insert(id);
            wakes.extend(waker);
        }
        if !granted.is_empty() && self.ledger.is_open() && !seeded!("a forgotten turn is kept") {
            if let Some(mut first) = line.first_entry() {
                wakes.extend(first.get_mut().take());
            }
        }
    }

    /// Takes the turn that was given to this one, or over from the last one that was given one and has not been polled.
    fn take_turn(&mut self, id: u64) -> bool {
        let Waiters { line, granted, held, .. } = &mut self.waiters;
        let mine = granted.remove(&id);
        let next = line.first_key_value().is_some_and(|(first, _)| *first == id);
        let takes_over = next && self.ledger.is_open();
        let taken = mine || held.contains(&id) || (takes_over && granted.pop_last().is_some());
        if taken {
            held.insert(id);
        }
        taken
    }

    /// Nobody overtakes those who wait in line, but one who does not ask whether there is room.
    #[inline]
    fn may_write(&mut self, limit: Limit, shared: &Shared<T>) -> Result<(), Refusal> {
        let asks = matches!(limit, Limit::Gate | Limit::High) && self.ledger.life() == Life::Open;
        if asks && !self.waiters.line.is_empty() && !seeded!("newcomers overtake") {
            return Err(Refusal::Full);
        }
        if asks && self.ledger.buffered() > 0 && !shared.budget_has_room() {
            self.ledger.close();
            return Err(Refusal::Full);
        }
        Ok(())
    }

    fn refuse(&self, refusal: Refusal) -> Error {
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

    fn failure(&self) -> Error {
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
    fn failure_and_later(&self) -> Error {
        let first = self.failure();
        self.later.clone().map_or(first.clone(), |later| first.or_later(later))
    }

    /// The first error stays, one of the destination is kept beside it. Gives back what is not kept.
    fn add_failure(&mut self, error: Error, may_be_first: bool, by: By) -> Option<Error> {
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
    fn announce(&mut self, wakes: &mut Wakes) {
        if let Some((_, interest)) = self.reader {
            if self.gives(interest) && (!self.queue.is_empty() || self.ledger.life() != Life::Open)
            {
                wakes.extend(self.reader.take().map(|(waker, _)| waker));
            }
        }
    }

    /// Whether the reader gets what is in the queue.
    #[inline]
    fn gives(&self, interest: Interest) -> bool {
        self.delivers(interest) && !self.ledger.is_held(self.waiters.want_room())
    }

    /// Whether a pause lets the reader have chunks.
    #[inline]
    fn delivers(&self, interest: Interest) -> bool {
        interest == Interest::Arrival || !self.ledger.is_paused()
    }

    /// The answer to a writer that waits, if there is one.
    fn answer(&mut self, wait: Wait, id: Option<u64>) -> Option<Result<()>> {
        if wait == Wait::Outcome {
            return self.outcome.clone();
        }
        match self.ledger.life() {
            Life::Destroyed => return Some(Err(self.failure())),
            Life::Ending | Life::Ended => {
                let late = wait == Wait::Turn;
                return Some(if late { Err(self.refuse(Refusal::Ended)) } else { Ok(()) });
            }
            Life::Open => {}
        }
        match (wait, id) {
            (Wait::Drain, _) => (!self.ledger.needs_drain()).then_some(Ok(())),
            (_, Some(id)) => self.take_turn(id).then_some(Ok(())),
            (_, None) => {
                let free = self.waiters.line.is_empty() && self.ledger.may_grant();
                free.then_some(Ok(()))
            }
        }
    }

    /// Takes a waiter that is ready out of its line. One that got a turn keeps its id; one that has none yet gets it
    /// here.
    fn leave_line(
        &mut self,
        id: &mut Option<u64>,
        wait: Wait,
        ok: bool,
    ) -> (Option<Asleep>, Option<u64>) {
        if wait == Wait::Turn && ok {
            let turn = *id.get_or_insert_with(|| {
                self.waiters.next += 1;
                self.waiters.held.insert(self.waiters.next);
                self.ledger.grant();
                self.waiters.next
            });
            return (self.waiters.line.remove(&turn), Some(turn));
        }
        let place = id.take();
        self.use_turn(place);
        (place.and_then(|id| self.waiters.of(wait).remove(&id)), place)
    }

    /// True the first time.
    fn end(&mut self, failure: Option<&Error>, wakes: &mut Wakes) -> bool {
        if !self.ledger.end() {
            return false;
        }
        self.failure = failure.cloned();
        if seeded!("an error overtakes") && failure.is_some() {
            self.queue.clear();
        }
        wakes.extend(wakers(&mut self.waiters.line));
        wakes.extend(wakers(&mut self.waiters.drain));
        self.announce(wakes);
        true
    }

    /// The reader sees the end, or the error in the place of it.
    fn conclude(&mut self, wakes: &mut Wakes) -> Result<bool> {
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

    fn settle_outcome(&mut self, outcome: Result<()>, wakes: &mut Wakes) {
        if self.outcome.is_none() {
            self.outcome = Some(if seeded!("every outcome is good") { Ok(()) } else { outcome });
            wakes.extend(wakers(&mut self.waiters.outcome));
            self.subscribers.tell(Event::Close, wakes);
        }
    }

    /// Those who wait for the outcome as well: the other side of a duplex does not wait for a destination to be closed.
    fn wake_all(&mut self, wakes: &mut Wakes) {
        wakes.extend(self.reader.take().map(|(waker, _)| waker));
        wakes.extend(wakers(&mut self.waiters.line));
        wakes.extend(wakers(&mut self.waiters.drain));
        wakes.extend(wakers(&mut self.waiters.outcome));
    }
}

fn wakers(waiters: &mut BTreeMap<u64, Asleep>) -> impl Iterator<Item = Waker> {
    std::mem::take(waiters).into_values().flatten()
}
