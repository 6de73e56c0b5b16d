//! Work for the processor, a bounded number at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use highwater_core::{Error, Result};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// Runs functions on Tokio's pool for blocking calls, so many at a time; the others wait in line.
///
/// It has no threads of its own, so it costs nothing while it is idle, and may be cloned, kept and used again.
///
/// # Examples
///
/// ```
/// use highwater_parallel_map::WorkerPool;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let pool = WorkerPool::new(2);
/// let (a, b) = tokio::try_join!(pool.run(|| Ok(1 + 1)), pool.run(|| Ok("two")))?;
/// assert_eq!((a, b), (2, "two"));
/// pool.drained().await;
/// assert_eq!((pool.size(), pool.queued()), (2, 0));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct WorkerPool {
    size: usize,
    free: Arc<Semaphore>,
    queued: Arc<AtomicUsize>,
    jobs: TaskTracker,
}

impl WorkerPool {
    /// So many at a time.
    ///
    /// # Panics
    ///
    /// With 0, or more than [`Semaphore::MAX_PERMITS`].
    #[track_caller]
    pub fn new(size: usize) -> Self {
        let size = crate::item::checked(size);
        Self {
            size,
            free: Arc::new(Semaphore::new(size)),
            queued: Arc::default(),
            jobs: TaskTracker::new(),
        }
    }

    /// How many run at a time.
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many wait for their turn.
    pub fn queued(&self) -> usize {
        self.queued.load(SeqCst)
    }

    /// Waits for its turn, first come, first served, and runs the function.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its turn, nothing is run. Dropped while it runs, the function runs on to its end, and its result is
    /// lost.
    ///
    /// # Errors
    ///
    /// The function's; [`is_panic`](Error::is_panic) if it panics.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub async fn run<R: Send + 'static>(
        &self,
        f: impl FnOnce() -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let waits = Queued::new(&self.queued);
        let turn = Arc::clone(&self.free).acquire_owned().await;
        drop(waits);
        let turn = turn.map_err(|_| Error::aborted())?;
        let job = self.jobs.spawn_blocking(move || {
            let result = f();
            drop(turn);
            result
        });
        job.await?
    }

    /// Waits until nothing runs. It can be used again afterwards.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe.
    pub async fn drained(&self) {
        self.jobs.close();
        self.jobs.wait().await;
        self.jobs.reopen();
    }
}

/// Counts one that waits, for as long as it does.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}
