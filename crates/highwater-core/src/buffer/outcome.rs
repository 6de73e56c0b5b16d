//! Watching a buffer from the other side of a duplex.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::shared::{Shared, Wait};
use super::writable::Writable;
use crate::{Error, Result};

/// How a writing end goes, without being one.
pub(crate) struct Outcome<T> {
    shared: Arc<Shared<T>>,
    place: Option<u64>,
}

impl<T> Writable<T> {
    pub(crate) fn outcome(&self) -> Outcome<T> {
        Outcome { shared: Arc::clone(&self.shared), place: None }
    }
}

impl<T> Outcome<T> {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.shared.poll_wait(&mut self.place, Wait::Outcome, cx)
    }

    pub(crate) fn end(&self) {
        self.shared.end(None);
    }

    pub(crate) fn destroy(&self, error: Error) {
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
