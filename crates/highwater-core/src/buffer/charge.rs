//! The room that a buffer takes of its mark and of a shared budget, and gives back.

use super::budget::Budget;
use super::shared::Shared;
use super::state::State;
use super::wakes::Wakes;
use crate::sync::Ordering::Release;

impl<T> Shared<T> {
    /// Closes the gate, of which the reader is told.
    pub(super) fn close_gate(&self, state: &mut State<T>) {
        state.ledger.close();
        self.want_room();
    }

    /// Has the reader count what it has given out.
    pub(super) fn want_room(&self) {
        self.room_is_wanted.store(true, Release);
    }

    /// What was kept for a turn is free again: also in the shared budget, and for the reader, who counts by how much room is
    /// wanted.
    pub(super) fn free(&self, kept: usize, wakes: &mut Wakes) {
        if kept > 0 {
            self.discharge(kept, wakes);
            self.want_room();
        }
    }

    /// Counts in the shared budget what is to be held. Without force not if the budget is used up.
    #[inline]
    pub(super) fn charge(&self, weight: usize, forced: bool) -> bool {
        weight == 0
            || self.mark().shared_budget().is_none_or(|budget| budget.charge(weight, forced))
    }

    #[inline]
    pub(super) fn discharge(&self, weight: usize, wakes: &mut Wakes) {
        if let Some(budget) = self.mark().shared_budget() {
            if weight > 0 {
                budget.release(weight, wakes);
            }
        }
    }

    pub(super) fn budget_has_room(&self) -> bool {
        self.mark().shared_budget().is_none_or(Budget::has_room)
    }
}
