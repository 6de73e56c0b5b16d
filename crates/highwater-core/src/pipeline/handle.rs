//! The handle of a spawned pipeline.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio_util::sync::CancellationToken;

use crate::error::Result;
use crate::observe::{Progress, Report};
use crate::stage::Plan;
use crate::task::Task;

/// A pipeline that runs on a task of its own. Dropping it drops the pipeline.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result, destination_fn};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let running = Readable::from_iter(0..).pipe_to(destination_fn(|_: u64| async { Ok(()) })).spawn();
/// tokio::task::yield_now().await;
/// println!("{}", running.stats());
/// running.abort();
/// assert!(running.join().await.unwrap_err().is_aborted());
/// # Ok(()) }
/// ```
#[must_use = "dropping the handle stops the pipeline"]
pub struct PipelineHandle {
    result: Shared<BoxFuture<'static, Result<Report>>>,
    stop: CancellationToken,
    progress: Arc<Progress>,
    plan: Arc<Plan>,
    name: Option<Arc<str>>,
}

impl PipelineHandle {
    pub(super) fn new(
        task: Task<Result<Report>>,
        stop: CancellationToken,
        progress: Arc<Progress>,
        plan: Arc<Plan>,
        name: Option<Arc<str>>,
    ) -> Self {
        let result = async move { task.await? }.boxed().shared();
        Self { result, stop, progress, plan, name }
    }

    /// Writes no further chunk until [`resume`](Self::resume): one is held at the most, and what was written is flushed.
    pub fn pause(&self) {
        self.progress.gate().close();
    }

    /// Goes on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.progress.gate().open();
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.progress.gate().is_closed()
    }

    /// Stops it in order: the destination is aborted, every stage is closed, and the result is an
    /// [`is_aborted`](crate::Error::is_aborted) error. No chunk is written after the pipeline has seen it. Does nothing
    /// once the pipeline is over.
    pub fn abort(&self) {
        self.stop.cancel();
    }

    /// How it is doing, while it runs or after.
    pub fn stats(&self) -> Report {
        Report::of(&self.progress, &self.plan, self.name.clone())
    }

    /// Waits until it is over. May be called again, and by several tasks.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::run`](crate::Pipeline::run).
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: the pipeline goes on.
    pub async fn finished(&self) -> Result<Report> {
        self.result.clone().await
    }

    /// Waits until it is over.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::run`](crate::Pipeline::run).
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: dropping the future drops the pipeline. [`finished`](Self::finished) does not.
    pub async fn join(self) -> Result<Report> {
        self.result.await
    }
}

impl fmt::Debug for PipelineHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelineHandle")
            .field("name", &self.name)
            .field("paused", &self.is_paused())
            .finish_non_exhaustive()
    }
}
