//! Jobs whose results come in the order in which they were begun.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use highwater_core::{Error, Result};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::task::TaskTracker;

/// Jobs on the blocking pool. Dropped, it calls off those that have not begun.
#[derive(Debug)]
pub(super) struct Ordered<T> {
    slots: VecDeque<Slot<T>>,
    /// Knows which jobs are in work.
    tracker: TaskTracker,
}

#[derive(Debug)]
enum Slot<T> {
    Running(JoinHandle<Result<T>>),
    Done(Result<T>),
}

impl<T> Ordered<T> {
    pub(super) fn new(tracker: TaskTracker) -> Self {
        Self { slots: VecDeque::new(), tracker }
    }

    /// Looks which jobs are done; has the task woken for the others.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        for slot in &mut self.slots {
            if let Slot::Running(job) = slot {
                if let Poll::Ready(result) = Pin::new(job).poll(cx) {
                    *slot = Slot::Done(result.unwrap_or_else(|error| Err(failed(error))));
                }
            }
        }
    }

    /// The oldest result, if it is there.
    pub(super) fn next(&mut self) -> Option<Result<T>> {
        match self.slots.pop_front()? {
            Slot::Done(result) => Some(result),
            running => {
                self.slots.push_front(running);
                None
            }
        }
    }

    /// Jobs in work or waiting for a thread.
    pub(super) fn running(&self) -> usize {
        self.slots.iter().filter(|slot| matches!(slot, Slot::Running(_))).count()
    }

    /// Jobs whose results were not taken.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Calls off what has not begun, and forgets the rest.
    pub(super) fn clear(&mut self) {
        for slot in self.slots.drain(..) {
            if let Slot::Running(job) = slot {
                job.abort();
            }
        }
    }
}

impl<T: Send + 'static> Ordered<T> {
    /// Sends a job to the pool. The task is woken for it only after the next [`poll`](Self::poll).
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub(super) fn begin(&mut self, work: impl FnOnce() -> Result<T> + Send + 'static) {
        let token = self.tracker.token();
        let job = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(token);
            result
        });
        self.slots.push_back(Slot::Running(job));
    }
}

impl<T> Drop for Ordered<T> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A panic of the job, or the end of the runtime.
#[cold]
fn failed(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(payload) => Error::panic(&*payload),
        Err(_) => Error::premature_close(),
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::mpsc;

    use super::*;

    /// The oldest result.
    async fn next<T>(jobs: &mut Ordered<T>) -> Result<T> {
        poll_fn(|cx| {
            jobs.poll(cx);
            jobs.next().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// The first job waits for the second, which ends before it.
    #[tokio::test]
    async fn results_come_in_the_order_of_their_jobs() {
        let mut jobs = Ordered::new(TaskTracker::new());
        let (go, wait) = mpsc::channel();
        jobs.begin(move || Ok(wait.recv()? + 1));
        jobs.begin(move || {
            go.send(1)?;
            Ok(3)
        });
        assert_eq!((jobs.len(), jobs.running()), (2, 2));
        assert_eq!((next(&mut jobs).await.unwrap(), next(&mut jobs).await.unwrap()), (2, 3));
        assert!(jobs.is_empty() && jobs.next().is_none());
    }

    /// C66: an error and a panic are results in their place.
    #[tokio::test]
    async fn an_error_and_a_panic_come_in_their_place() {
        let mut jobs = Ordered::new(TaskTracker::new());
        jobs.begin(|| Ok(1));
        jobs.begin(|| Err(Error::msg("bad luck")));
        jobs.begin(|| panic!("no {}", "luck"));
        jobs.begin(|| Ok(4));
        assert_eq!(next(&mut jobs).await.unwrap(), 1);
        assert_eq!(next(&mut jobs).await.unwrap_err().to_string(), "bad luck");
        let panic = next(&mut jobs).await.unwrap_err();
        assert!(panic.is_panic());
        assert_eq!(panic.to_string(), "panicked: no luck");
        assert_eq!(next(&mut jobs).await.unwrap(), 4);
    }

    /// A dropped queue calls off what has not begun, and what has is waited for by the tracker.
    #[test]
    fn dropping_calls_off_and_the_tracker_waits() {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.max_blocking_threads(1).build().unwrap();
        let _guard = runtime.enter();
        let tracker = TaskTracker::new();
        let (has_begun, begun) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let mut jobs = Ordered::new(tracker.clone());
        let first = tell.clone();
        jobs.begin(move || {
            has_begun.send(())?;
            wait.recv()?;
            Ok(first.send("first")?)
        });
        jobs.begin(move || Ok(tell.send("second")?));
        begun.recv().unwrap();
        drop(jobs);
        tracker.close();
        assert!(!tracker.is_empty(), "the first is in work");
        go.send(()).unwrap();
        runtime.block_on(tracker.wait());
        assert_eq!(told.iter().collect::<Vec<_>>(), ["first"]);
    }

    #[test]
    fn after_the_end_of_the_runtime_it_is_a_premature_close() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let gone = runtime.handle().clone();
        runtime.shutdown_background();
        let mut jobs = Ordered::new(TaskTracker::new());
        {
            let _guard = gone.enter();
            jobs.begin(|| Ok(()));
        }
        let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert!(other.block_on(next(&mut jobs)).unwrap_err().is_premature_close());
    }
}
