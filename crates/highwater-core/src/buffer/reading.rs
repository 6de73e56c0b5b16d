//! The reader's side of what both ends share.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use super::ledger::{Life, Refusal};
use super::shared::Shared;
use super::state::{Interest, State, Weighed};
use super::wakes::Wakes;
use crate::error::{Error, Result};
use crate::sync::{MutexGuard, Ordering::Release};

impl<T> Shared<T> {
    /// Takes out all that is there if `taken` is empty; says what the reader gets if it is not a chunk.
    pub(super) fn poll_take(
        &self,
        taken: &mut VecDeque<Weighed<T>>,
        interest: Interest,
        cx: &mut Context<'_>,
    ) -> Poll<Result<bool>> {
        let waker = cx.waker().clone();
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
        Self::sleep(state, (waker, interest), &mut wakes, cx);
        Poll::Pending
    }

    /// Has the reader woken when there is something. Its waker was cloned before the lock was taken.
    fn sleep(
        mut state: MutexGuard<'_, State<T>>,
        waiting: (Waker, Interest),
        wakes: &mut Wakes,
        cx: &Context<'_>,
    ) {
        let looks_again = state.waiters.starve(|waker| wakes.push(waker));
        let replaced = state.reader.replace(waiting);
        drop(state);
        drop(replaced);
        if looks_again {
            cx.waker().wake_by_ref();
        }
    }

    /// Ready when something is there beside what was taken out, or nothing more will come.
    pub(super) fn poll_arrival(&self, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut wakes = self.after();
        let state = self.lock();
        let is_there = !state.queue.is_empty() && state.gives(Interest::Arrival);
        if is_there || state.ledger.life() != Life::Open {
            return Poll::Ready(());
        }
        Self::sleep(state, (waker, Interest::Arrival), &mut wakes, cx);
        Poll::Pending
    }

    /// Takes out what is there beside what was taken, unless it is held or gone. Whether more may come.
    pub(super) fn take_more(&self, taken: &mut VecDeque<Weighed<T>>) -> bool {
        let lost;
        let mut state = self.lock();
        match state.ledger.life() {
            // What was taken out is dropped behind the lock.
            Life::Destroyed => lost = std::mem::take(taken),
            _ => {
                lost = VecDeque::new();
                if state.gives(Interest::Arrival) {
                    taken.append(&mut state.queue);
                }
            }
        }
        let may_come = state.ledger.life() == Life::Open || !state.queue.is_empty();
        drop(state);
        drop(lost);
        may_come
    }

    /// What is there now, unless it is held or gone. Who reads in vain again and again is as good as one who waits.
    pub(super) fn take_now(&self, taken: &mut VecDeque<Weighed<T>>) {
        let mut wakes = self.after();
        let mut state = self.lock();
        if state.gives(Interest::Arrival) && state.ledger.life() != Life::Destroyed {
            std::mem::swap(&mut state.queue, taken);
        }
        if taken.is_empty() {
            state.waiters.starve(|waker| wakes.push(waker));
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
        self.room_is_wanted.store(false, Release);
        state.step()
    }

    /// Counts in what the reader puts back, unless it is too late, or the buffer is at its hard mark. `given` is what the
    /// reader has given out and still counts as buffered: a chunk that fits into it only changes places.
    pub(super) fn put_back(&self, weight: usize, given: &mut usize) -> Result<()> {
        let mut wakes = self.after();
        let mut state = self.lock();
        match state.ledger.life() {
            Life::Open | Life::Ending if *given >= weight => *given -= weight,
            Life::Open | Life::Ending => {
                state.ledger.may_put_back(weight).map_err(|refusal| state.refuse(refusal))?;
                if !self.charge(weight, true) {
                    return Err(state.refuse(Refusal::Full));
                }
                state.ledger.put_back(weight);
            }
            Life::Ended => return Err(Error::msg("unshift after the end")),
            Life::Destroyed => return Err(state.failure()),
        }
        wakes.extend(state.reader.take().map(|(waker, _)| waker));
        Ok(())
    }

    /// The reader is gone, and is not woken any more.
    pub(super) fn forget_reader(&self) {
        let _waker;
        let mut state = self.lock();
        _waker = state.reader.take();
        state.reader_is_gone = true;
    }
}
