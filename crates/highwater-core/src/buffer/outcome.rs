//! Watching a buffer from the other side of a duplex.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::shared::{Shared, Wait};
use super::writable::Writable;
use crate::error::Error;
use crate::sync::Ordering::Acquire;

/// How a writing end goes, without being one.
pub(super) struct Outcome<T> {
    shared: Arc<Shared<T>>,
    place: Option<u64>,
}

impl<T> Writable<T> {
    pub(super) fn outcome(&self) -> Outcome<T> {
        Outcome { shared: Arc::clone(&self.shared), place: None }
    }
}

impl<T> Outcome<T> {
    /// Why it failed, if it did: looked at before each chunk.
    #[inline]
    pub(super) fn failure(&self) -> Option<Error> {
        if self.shared.attention.load(Acquire) { self.shared.lock().final_failure() } else { None }
    }

    /// The error of a failure, as soon as there is one. Pending for ever without one.
    pub(super) fn poll_failure(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let outcome = self.shared.poll_wait(&mut self.place, Wait::Outcome, cx);
        match (self.failure(), outcome) {
            (Some(error), _) | (None, Poll::Ready(Err(error))) => Poll::Ready(error),
            _ => Poll::Pending,
        }
    }

    pub(super) fn end(&self) {
        self.shared.end(None);
    }

    pub(super) fn destroy(&self, error: Error) {
        self.shared.destroy(error);
    }
}

impl<T> Drop for Outcome<T> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.shared.leave(place);
        }
    }
}
