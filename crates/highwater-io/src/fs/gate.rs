//! The point of no return of a destination.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Decides between the rename that commits a file and an abort or a drop: the rename happens before `close`, or never.
#[derive(Debug, Clone, Default)]
pub(super) struct Gate(Arc<Mutex<bool>>);

impl Gate {
    /// Runs `step` unless the gate is closed. A `close` at the same time waits for `step`.
    pub(super) fn pass<R>(&self, step: impl FnOnce() -> R) -> Option<R> {
        let closed = self.closed();
        (!*closed).then(step)
    }

    /// Lets no later step pass.
    pub(super) fn close(&self) {
        *self.closed() = true;
    }

    pub(super) fn is_closed(&self) -> bool {
        *self.closed()
    }

    fn closed(&self) -> MutexGuard<'_, bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
