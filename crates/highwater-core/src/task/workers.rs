//! Threads of Tokio's pool for blocking calls, and the work that waits for them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};

use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::error::{Error, Result};
use crate::sync::{Mutex, MutexGuard, run_blocking};

/// Works on as many pieces at a time as it has threads, each a thread of Tokio's pool for blocking calls.
///
/// A thread that is through with one piece takes the next by itself: to be woken for it takes as long as a small piece. A
/// thread ends when none waits, so that no thread is held for nothing.
///
/// Dropping them cancels what no thread has begun, and raises a flag that the work may look at; its tracker knows the
/// threads that still work.
///
/// # Examples
///
/// ```
/// use highwater_core::task::Workers;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let workers = Workers::new(2, |n: u64, _| (1..=n).product::<u64>(), Default::default());
/// let made = [5, 10].map(|n| workers.submit(n));
/// for (made, expected) in made.into_iter().zip([120, 3_628_800]) {
///     assert_eq!(made.await??, expected);
/// }
/// # Ok(()) }
/// ```
pub struct Workers<J, R, F> {
    shared: Arc<Shared<J, R, F>>,
    jobs: TaskTracker,
    threads: usize,
}

struct Shared<J, R, F> {
    work: F,
    state: Mutex<State<J, R>>,
    /// They are gone: nobody wants what is being made.
    cancelled: AtomicBool,
}

struct State<J, R> {
    waiting: VecDeque<(J, oneshot::Sender<Result<R>>)>,
    busy: usize,
}

impl<J, R, F> Workers<J, R, F>
where
    J: Send + 'static,
    R: Send + 'static,
    F: Fn(J, &AtomicBool) -> R + Send + Sync + 'static,
{
    /// Calls `work` with each piece, and with a flag that is raised when nobody wants the result any more. The tracker
    /// counts the threads.
    ///
    /// # Panics
    ///
    /// With 0 threads.
    #[track_caller]
    pub fn new(threads: usize, work: F, jobs: TaskTracker) -> Self {
        assert!(threads > 0, "workers need at least 1 thread");
        let state = Mutex::new(State { waiting: VecDeque::new(), busy: 0 });
        let shared = Arc::new(Shared { work, state, cancelled: AtomicBool::new(false) });
        Self { shared, jobs, threads }
    }

    /// Has a piece worked on. The result is an error if the work panics ([`is_panic`](Error::is_panic)); the receiver fails
    /// if the runtime shuts down, or the workers are dropped, before a thread has begun it.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    #[track_caller]
    pub fn submit(&self, piece: J) -> oneshot::Receiver<Result<R>> {
        let (done, receiver) = oneshot::channel();
        let mut state = self.shared.lock();
        state.waiting.push_back((piece, done));
        if state.busy < self.threads {
            state.busy += 1;
            drop(state);
            let worker = Worker { shared: Arc::clone(&self.shared), has_ended: false };
            run_blocking(&self.jobs, move || worker.run());
        }
        receiver
    }
}

impl<J, R, F> Shared<J, R, F> {
    fn lock(&self) -> MutexGuard<'_, State<J, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What runs on a thread.
struct Worker<J, R, F> {
    shared: Arc<Shared<J, R, F>>,
    /// It is not counted any more.
    has_ended: bool,
}

impl<J, R, F> Worker<J, R, F> {
    /// The next piece; `None` if the thread is to end.
    fn next(&mut self) -> Option<(J, oneshot::Sender<Result<R>>)> {
        let mut state = self.shared.lock();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.busy -= 1;
            self.has_ended = true;
        }
        next
    }
}

impl<J, R, F: Fn(J, &AtomicBool) -> R> Worker<J, R, F> {
    fn run(mut self) {
        while let Some((piece, done)) = self.next() {
            let Shared { work, cancelled, .. } = &*self.shared;
            let made = catch_unwind(AssertUnwindSafe(|| work(piece, cancelled)));
            // Nobody may want it any more.
            drop(done.send(made.map_err(|payload| Error::panic(&*payload))));
        }
    }
}

impl<J, R, F> Drop for Worker<J, R, F> {
    /// The runtime shuts down, and this has no thread: what waits for one is given up, so that nobody waits for it.
    fn drop(&mut self) {
        if !self.has_ended {
            let waiting = {
                let mut state = self.shared.lock();
                state.busy -= 1;
                std::mem::take(&mut state.waiting)
            };
            drop(waiting);
        }
    }
}

impl<J, R, F> Drop for Workers<J, R, F> {
    fn drop(&mut self) {
        self.shared.cancelled.store(true, Relaxed);
        // Taken out first, so that the lock is free while they are dropped.
        let waiting = std::mem::take(&mut self.shared.lock().waiting);
        drop(waiting);
    }
}

debug_fields!(Workers<J, R, F>, threads);

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    /// A panic is the result of its piece, and the thread goes on.
    #[tokio::test]
    async fn a_panic_ends_no_lane() {
        let workers =
            Workers::new(1, |n: u8, _| 10_u8.checked_div(n).expect("not zero"), TaskTracker::new());
        let made = [5, 0, 2].map(|n| workers.submit(n));
        let [first, panic, last] = made.map(|made| async { made.await.unwrap() });
        assert_eq!(first.await.unwrap(), 2);
        let error = panic.await.unwrap_err();
        assert!(error.is_panic() && error.to_string().contains("not zero"), "{error}");
        assert_eq!(last.await.unwrap(), 5);
    }

    /// Not more than its threads at a time, and what is handed out meanwhile follows without a new thread.
    #[tokio::test]
    async fn a_lane_takes_the_next_by_itself() {
        let (tracker, (tell, told)) = (TaskTracker::new(), mpsc::channel());
        let work = move |wait: mpsc::Receiver<()>, _: &AtomicBool| {
            tell.send(std::thread::current().id()).unwrap();
            wait.recv_timeout(AT_MOST).unwrap();
        };
        let workers = Workers::new(1, work, tracker.clone());
        let made: Vec<_> = (0..3)
            .map(|_| {
                let (go, wait) = mpsc::channel();
                (workers.submit(wait), go)
            })
            .collect();
        let thread = told.recv_timeout(AT_MOST).unwrap();
        for (index, (made, go)) in made.into_iter().enumerate() {
            assert!(tracker.len() == 1 && told.try_recv().is_err(), "one at a time");
            go.send(()).unwrap();
            made.await.unwrap().unwrap();
            if index < 2 {
                assert_eq!(told.recv_timeout(AT_MOST).unwrap(), thread);
            }
        }
        tracker.close();
        tracker.wait().await;
    }

    /// A piece that comes when all threads have ended has a thread again.
    #[tokio::test]
    async fn a_crew_that_is_idle_works_again() {
        let tracker = TaskTracker::new();
        let workers = Workers::new(1, |n: u8, _: &AtomicBool| n, tracker.clone());
        for n in 0..3 {
            let mut made = workers.submit(n);
            tracker.close();
            tracker.wait().await;
            tracker.reopen();
            assert_eq!(made.try_recv().expect("a thread has ended").unwrap(), n);
        }
    }

    /// Without a runtime there are no threads, and nobody waits for them.
    /// Shows F18.
    #[test]
    fn after_the_end_of_the_runtime_the_receiver_fails() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let gone = runtime.handle().clone();
        runtime.shutdown_background();
        let workers = Workers::new(1, |n: u8, _: &AtomicBool| n, TaskTracker::new());
        let _guard = gone.enter();
        for _ in 0..2 {
            assert!(matches!(workers.submit(1).try_recv(), Err(TryRecvError::Closed)));
        }
    }

    /// A dropped workers calls off what has not begun, tells what has, and the tracker waits for that.
    #[tokio::test]
    async fn dropping_cancels_and_the_tracker_waits() {
        let (tracker, (has_begun, begun), (go, wait)) =
            (TaskTracker::new(), mpsc::channel(), mpsc::channel::<()>());
        let wait = Mutex::new(wait);
        let work = move |_: u8, cancelled: &AtomicBool| {
            has_begun.send(()).unwrap();
            wait.lock().unwrap().recv_timeout(AT_MOST).unwrap();
            cancelled.load(Relaxed)
        };
        let workers = Workers::new(1, work, tracker.clone());
        let (first, mut second) = (workers.submit(1), workers.submit(2));
        begun.recv_timeout(AT_MOST).unwrap();
        drop(workers);
        tracker.close();
        assert!(matches!(second.try_recv(), Err(TryRecvError::Closed)) && !tracker.is_empty());
        go.send(()).unwrap();
        assert!(first.await.unwrap().unwrap(), "it can see that nobody wants it");
        tracker.wait().await;
        assert!(begun.try_recv().is_err(), "the second never begins");
    }

    /// Without a thread is a mistake.
    #[test]
    #[should_panic(expected = "at least 1 thread")]
    fn no_thread_is_a_mistake() {
        drop(Workers::new(0, |n: u8, _: &AtomicBool| n, TaskTracker::new()));
    }

    /// What is not told by then never will be: the test fails instead of hanging.
    const AT_MOST: Duration = Duration::from_secs(60);
}
