//! Room for one writer after the other: who waits in line, who has a turn, and what is kept free for it.

use std::task::{Context, Poll};

use super::shared::Shared;
use super::state::State;
use super::waiters::{Asleep, Wait};
use super::wakes::Wakes;
use crate::error::Result;
use crate::observe::trace;
use crate::stage::Event;

impl<T> Shared<T> {
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
            if let Some(result) = self.answer(&mut state, wait, *id, &mut wakes) {
                let waited = id.is_some();
                let turn = wait.weight().filter(|_| result.is_ok());
                let (place, removed) = self.leave_line(&mut state, id, turn, &mut wakes);
                drop(state);
                drop(removed);
                if waited && wait.is_for_room() {
                    trace::drained(self.stage);
                }
                self.forget_seat(place);
                return Poll::Ready(result);
            }
            let first = id.is_none();
            seat = *id.get_or_insert_with(|| state.waiters.new_id());
            _replaced = state.waiters.sleep(seat, wait, waker);
            self.want_room();
            self.settle(&mut state, &mut wakes);
            // Whoever waits for room opens the cork: what is held is what takes the room.
            state.announce(&mut wakes);
            drop(state);
            if first && wait.is_for_room() {
                trace::full(self.stage);
            }
            let Some(budget) = self.mark().shared_budget().filter(|_| wait.is_for_room()) else {
                return Poll::Pending;
            };
            budget.register(self.seat(seat), cx.waker().clone());
            if !budget.has_room() || !self.lock().ledger.waits_for_budget() {
                return Poll::Pending;
            }
        }
    }

    /// The answer to a writer that waits, if there is one. A newcomer that gets a turn has no id yet.
    fn answer(
        &self,
        state: &mut State<T>,
        wait: Wait,
        id: Option<u64>,
        wakes: &mut Wakes,
    ) -> Option<Result<()>> {
        if let Some(answer) = state.answer(wait) {
            return Some(answer);
        }
        let Wait::Turn(weight) = wait else {
            let drains = wait == Wait::Drain && self.drain_anyway(state, wakes);
            return drains.then_some(Ok(()));
        };
        let granted = match id {
            Some(id) => state.waiters.has_turn(id) || self.take_over(state, id, wakes),
            None => !state.waiters.has_line() && self.reserve(state, weight),
        };
        granted.then_some(Ok(()))
    }

    /// Takes a waiter that is ready out of its line. With a turn it keeps its id, or gets one; otherwise a turn it may have
    /// is given up. Gives its id, and its wakers, to be dropped after the lock.
    fn leave_line(
        &self,
        state: &mut State<T>,
        id: &mut Option<u64>,
        turn: Option<usize>,
        wakes: &mut Wakes,
    ) -> (Option<u64>, [Asleep; 3]) {
        let place = *id;
        match (turn, place) {
            (Some(_), Some(_)) => {}
            (Some(weight), None) => {
                let new = state.waiters.new_id();
                state.waiters.hold(new, weight);
                *id = Some(new);
            }
            (None, _) => {
                *id = None;
                if let Some(id) = place {
                    self.release_turn(state, id, wakes);
                }
            }
        }
        let removed = place.map(|id| state.waiters.remove(id)).unwrap_or_default();
        self.settle(state, wakes);
        (place, removed)
    }

    /// Gives up a place in line, or a turn.
    pub(super) fn leave(&self, id: u64) {
        let _removed: [Asleep; 3];
        let mut wakes = self.after();
        let mut state = self.lock();
        _removed = state.waiters.remove(id);
        self.release_turn(&mut state, id, &mut wakes);
        self.settle(&mut state, &mut wakes);
        self.want_room();
        drop(state);
        self.forget_seat(Some(id));
    }

    /// Opens the gate if it may be opened, and gives turns to those in line while there is room. Whoever was given one, and
    /// the next, may have been forgotten: a reader that waits is woken to see to that.
    #[inline]
    pub(super) fn settle(&self, state: &mut State<T>, wakes: &mut Wakes) {
        self.reopen(state, wakes);
        if state.waiters.has_line() {
            self.give_turns(state, wakes);
        }
        if state.reader.is_some() && state.waiters.has_unclaimed() && may_be_taken_over(state) {
            wakes.extend(state.reader.take().map(|(waker, _)| waker));
        }
    }

    fn reopen(&self, state: &mut State<T>, wakes: &mut Wakes) {
        if state.ledger.reopen(self.budget_has_room()) {
            state.drains += 1;
            wakes.extend(state.waiters.take_drain());
            state.subscribers.tell(Event::Drain, wakes);
        }
    }

    /// Gives turns to those in line while there is room. Then wakes the next: it takes over a turn if it is polled before
    /// the one that was given it, who may have been forgotten.
    fn give_turns(&self, state: &mut State<T>, wakes: &mut Wakes) {
        while let Some((id, weight)) = state.waiters.first() {
            if !self.reserve(state, weight) {
                break;
            }
            wakes.extend(state.waiters.grant(id, weight));
        }
        wakes.extend(state.waiters.understudy());
    }

    /// Keeps this much room free, also in the shared budget, if there is any. A shared budget that is used up closes the
    /// gate.
    fn reserve(&self, state: &mut State<T>, weight: usize) -> bool {
        if !state.ledger.may_reserve(weight) {
            return false;
        }
        if !self.charge(weight, state.ledger.is_empty()) {
            self.close_gate(state);
            return false;
        }
        state.ledger.reserve(weight);
        true
    }

    /// Takes over turns of those who were given one and have not polled since, the last first, until there is room for
    /// this one.
    fn take_over(&self, state: &mut State<T>, id: u64, wakes: &mut Wakes) -> bool {
        if !may_be_taken_over(state) {
            return false;
        }
        let Some(weight) = state.waiters.may_take_over(id) else { return false };
        while let Some(kept) = state.waiters.revoke() {
            self.unreserve(state, kept, wakes);
            self.reopen(state, wakes);
            if self.reserve(state, weight) {
                state.waiters.hold(id, weight);
                return true;
            }
        }
        false
    }

    /// Takes turns from those who were given one and have not polled since, the last first, while they use up the budget
    /// that the gate waits for. Only once the reader has found nothing: they have had their chance.
    fn drain_anyway(&self, state: &mut State<T>, wakes: &mut Wakes) -> bool {
        if !state.waiters.is_starved() {
            return false;
        }
        while state.ledger.waits_for_budget() {
            let Some(kept) = state.waiters.revoke() else { return false };
            self.unreserve(state, kept, wakes);
            self.reopen(state, wakes);
        }
        state.ledger.is_open()
    }

    /// Gives up the turn of this one, if it has one.
    fn release_turn(&self, state: &mut State<T>, id: u64, wakes: &mut Wakes) {
        let kept = state.waiters.take_turn(id);
        self.unreserve(state, kept, wakes);
    }

    /// Gives up all turns: nothing can be written any more.
    pub(super) fn release_turns(&self, state: &mut State<T>, wakes: &mut Wakes) {
        let kept = state.waiters.take_turns();
        self.unreserve(state, kept, wakes);
    }

    fn unreserve(&self, state: &mut State<T>, kept: usize, wakes: &mut Wakes) {
        state.ledger.unreserve(kept);
        self.free(kept, wakes);
    }

    fn forget_seat(&self, id: Option<u64>) {
        if let (Some(budget), Some(id)) = (self.mark().shared_budget(), id) {
            budget.forget(self.seat(id));
        }
    }

    /// Told apart from those of other buffers by the address.
    fn seat(&self, id: u64) -> (usize, u64) {
        (std::ptr::from_ref(self).addr(), id)
    }
}

/// Whether a turn is of use to another than its owner: there is room, or would be without it.
fn may_be_taken_over<T>(state: &State<T>) -> bool {
    state.ledger.is_open() || state.ledger.waits_for_budget()
}
