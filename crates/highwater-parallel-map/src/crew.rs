//! Threads of Tokio's pool for blocking calls, and the batches that wait for them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use highwater_core::{Error, Result};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// As many batches at work as there are lanes. A lane that is through with one takes the next by itself: to be woken for it
/// takes as long as a small batch. A lane ends when none waits, so that no thread is held for nothing.
pub(crate) struct Crew<T, F, U> {
    shared: Arc<Shared<T, F, U>>,
    jobs: TaskTracker,
    lanes: usize,
}

/// Results up to the first that failed, and how long they took.
pub(crate) struct Done<U> {
    pub(crate) results: Vec<Result<U>>,
    pub(crate) took: Duration,
}

struct Shared<T, F, U> {
    f: F,
    state: Mutex<State<T, U>>,
    /// The crew is gone: nobody wants what is being made.
    stop: AtomicBool,
}

struct State<T, U> {
    waiting: VecDeque<Batch<T, U>>,
    busy: usize,
}

struct Batch<T, U> {
    items: Vec<T>,
    /// The number of the first item.
    first: u64,
    done: oneshot::Sender<Done<U>>,
}

impl<T, F, U> Crew<T, F, U>
where
    T: Send + 'static,
    U: Send + 'static,
    F: Fn(T) -> Result<U> + Send + Sync + 'static,
{
    pub(crate) fn new(lanes: usize, f: F, jobs: TaskTracker) -> Self {
        let state = Mutex::new(State { waiting: VecDeque::new(), busy: 0 });
        let shared = Arc::new(Shared { f, state, stop: AtomicBool::new(false) });
        Self { shared, jobs, lanes }
    }

    /// Has a batch worked on. The receiver fails if a drop in the middle of it panics, or the runtime shuts down.
    pub(crate) fn hand_out(&self, items: Vec<T>, first: u64) -> oneshot::Receiver<Done<U>> {
        let (done, receiver) = oneshot::channel();
        let mut state = self.shared.lock();
        state.waiting.push_back(Batch { items, first, done });
        if state.busy < self.lanes {
            state.busy += 1;
            drop(state);
            let shared = Arc::clone(&self.shared);
            drop(self.jobs.spawn_blocking(move || shared.work()));
        }
        receiver
    }
}

impl<T, F, U> Shared<T, F, U> {
    fn lock(&self) -> MutexGuard<'_, State<T, U>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch for a lane; `None` if the lane is to end.
    fn next(&self) -> Option<Batch<T, U>> {
        let mut state = self.lock();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.busy -= 1;
        }
        next
    }
}

impl<T, F: Fn(T) -> Result<U>, U> Shared<T, F, U> {
    fn work(&self) {
        while let Some(Batch { items, first, done }) = self.next() {
            // The function's own panics are results; this is for those of what it drops.
            let made = catch_unwind(AssertUnwindSafe(|| self.work_on(items, first)));
            if let Ok(made) = made {
                // Nobody may want it any more.
                drop(done.send(made));
            }
        }
    }

    fn work_on(&self, items: Vec<T>, first: u64) -> Done<U> {
        let started = Instant::now();
        let mut results = Vec::with_capacity(items.len());
        for (index, item) in (first..).zip(items) {
            if self.stop.load(Relaxed) {
                break;
            }
            let result = catch_unwind(AssertUnwindSafe(|| (self.f)(item)))
                .unwrap_or_else(|payload| Err(Error::panic(&*payload)))
                .map_err(|error| error.at_chunk(index));
            let failed = result.is_err();
            results.push(result);
            if failed {
                break;
            }
        }
        Done { results, took: started.elapsed() }
    }
}

impl<T, F, U> Drop for Crew<T, F, U> {
    fn drop(&mut self) {
        self.shared.stop.store(true, Relaxed);
        // Taken out first, so that the lock is free while they are dropped.
        let waiting = std::mem::take(&mut self.shared.lock().waiting);
        drop(waiting);
    }
}
