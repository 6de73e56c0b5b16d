//! The one place that spawns.

mod lazy;
mod read_ahead;
mod signal;
mod workers;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pub use lazy::LazyTask;
pub use read_ahead::{BlockingRead, Read, ReadAhead};
pub(crate) use signal::{Cancelled, Signal};

use tokio::time::Instant;
pub use workers::Workers;

use crate::sync::{JoinError, JoinHandle};

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

/// The time so long from now, on Tokio's clock; a time that the clock cannot hold is 30 years away.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let now = tokio::time::Instant::now();
/// assert_eq!(highwater_core::task::after(Duration::from_secs(1)) - now, Duration::from_secs(1));
/// assert!(highwater_core::task::after(Duration::MAX) > now);
/// # }
/// ```
pub fn after(time: Duration) -> Instant {
    later(Instant::now(), time)
}

/// The time so long after another one: [`after`].
pub(crate) fn later(than: Instant, time: Duration) -> Instant {
    than.checked_add(time).unwrap_or_else(|| than + NEVER)
}

/// 30 years.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Spawns a task on the current Tokio runtime.
///
/// # Panics
///
/// Outside of a Tokio runtime.
#[track_caller]
#[cfg_attr(
    not(hw_shuttle),
    expect(
        clippy::disallowed_methods,
        reason = "this is the place that ties a task to its handle"
    )
)]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[cfg(not(hw_shuttle))]
    let handle = tokio::spawn(future);
    #[cfg(hw_shuttle)]
    let handle = shuttle::future::spawn(future);
    Task(Some(handle))
}
