//! The reader's side of what both ends share.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use super::ledger::{Life, Refusal};
use super::shared::Shared;
use super::state::{Interest, Weighed};
use crate::error::{Error, Result};
use crate::sync::Ordering::Release;

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
        let looks_again = state.waiters.starve(|waker| wakes.push(waker));
        _replaced = state.reader.replace((waker, interest));
        drop(state);
        if looks_again {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
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
