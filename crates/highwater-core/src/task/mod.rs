//! The one place that spawns.

mod crew;
mod signal;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

pub(crate) use signal::{Cancelled, Signal};

pub use crew::Crew;
use tokio::task::{JoinError, JoinHandle};

/// A spawned task that ends with its handle: dropping the handle aborts it.
#[derive(Debug)]
pub struct Task<T>(Option<JoinHandle<T>>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.abort();
    }
}

impl<T> Task<T> {
    /// Asks the task to end at its next await, as dropping this does; awaiting it then waits until it has.
    pub fn abort(&self) {
        if let Some(handle) = &self.0 {
            handle.abort();
        }
    }

    /// Lets the task go on without its handle. For a task that something else is sure to end.
    pub(crate) fn detach(mut self) {
        self.0.take();
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Some(handle) => Pin::new(handle).poll(cx),
            None => Poll::Pending,
        }
    }
}

/// Spawns a task on the current Tokio runtime.
///
/// # Panics
///
/// Outside of a Tokio runtime.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "this is the place that ties a task to its handle")]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Task(Some(tokio::spawn(future)))
}
