//! A source connected to a destination.

mod close;
mod collect;
mod course;
mod handle;
mod joint;
mod pump;
mod run;

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use handle::PipelineHandle;
use joint::Joined;
pub use joint::{Joint, Takes};

use crate::error::Result;
use crate::observe::{Explanation, Observed, Progress, Report, Stall, Watch};
use crate::readable::{Readable, Source};
use crate::stage::{Plan, StageInfo, Stopwatch};

/// A source connected to a destination, with the guarantees of Node's `pipeline()`.
///
/// It does nothing until it is [awaited](#impl-IntoFuture-for-Pipeline<J>), [`run`](Self::run) or
/// [`spawn`](Self::spawn)ed. Then:
///
/// 1. The destination is opened; nothing is read before.
/// 2. Chunks are written one by one. The source is not read while a write has not completed.
/// 3. On the first failure everything is stopped. If it is the source's or a stage's, the chunks read before it have been
///    written and are flushed.
/// 4. The source and every stage are dropped, and a destination that was opened, or failed to, is finished or aborted: each
///    exactly once, on every path, a panic in user code included. [`keep_open`](Self::keep_open) leaves it to the caller.
/// 5. It resolves after all of that, with a [`Report`] or the first real error; later errors are
///    [`suppressed`](crate::Error::suppressed) in it.
///
/// # Cancel safety
///
/// Is *not* cancel safe: dropping the future drops source and destination, and a chunk between the two is lost. To stop
/// in order, use [`abort_on`](Self::abort_on) or [`PipelineHandle::abort`].
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result, destination_fn};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let pipeline = Readable::from_iter(0..10)
///     .map(|x| x + 1)
///     .pipe_to(destination_fn(|x: i32| async move { assert!(x > 0); Ok(()) }))
///     .with_name("numbers");
/// println!("{}", pipeline.explain());
/// let report = pipeline.await?;
/// println!("{report}");
/// # Ok(()) }
/// ```
#[must_use = "a pipeline does nothing unless it is awaited, run or spawned"]
pub struct Pipeline<J> {
    joint: J,
    /// The source had failed before, and said so.
    has_failed: bool,
    plan: Arc<Plan>,
    token: Option<CancellationToken>,
    close_timeout: Option<Duration>,
    name: Option<Arc<str>>,
    keep_open: bool,
    stopwatch: Option<Arc<Stopwatch>>,
    watch: Option<Box<Watch>>,
}

impl<S: Source> Readable<S> {
    /// Connects to a destination. Nothing runs before the [`Pipeline`] is awaited, run or spawned.
    pub fn pipe_to<D: Takes<S::Chunk>>(
        self,
        destination: D,
    ) -> Pipeline<impl Joint<Source = S, Destination = D>>
    where
        S::Chunk: Send,
    {
        let info = StageInfo::new(destination.name())
            .with_max_bytes(destination.max_bytes())
            .with_buffer(destination.buffer());
        let has_failed = self.has_failed();
        let (source, mut plan) = self.into_parts();
        plan.push(info);
        Pipeline::new(Joined(source, destination), has_failed, plan)
    }
}

/// The future of an awaited [`Pipeline`].
pub type PipelineFuture = Pin<Box<dyn Future<Output = Result<Report>> + Send>>;

impl<J> Pipeline<J> {
    fn new(joint: J, has_failed: bool, plan: Plan) -> Self {
        Self {
            joint,
            has_failed,
            plan: Arc::new(plan),
            token: None,
            close_timeout: None,
            name: None,
            keep_open: false,
            stopwatch: None,
            watch: None,
        }
    }

    /// Stops when the token is cancelled: the destination is aborted, and the result is an
    /// [`is_aborted`](crate::Error::is_aborted) error. With a token that is cancelled already, nothing is started.
    ///
    /// The token is looked at before each chunk, and while the source, a stage or the destination waits: the future of an
    /// `open`, a `write`, a `flush` or a `finish` in progress is dropped. After a failure of the source it still stops the
    /// last flush, and a [`Writable`](crate::Writable) that lets out what was written before. A destination that has committed already cannot undo that: then the pipeline has succeeded, and the
    /// result says so. An abort that has begun is waited for; [`with_close_timeout`](Self::with_close_timeout) limits that.
    pub fn abort_on(mut self, token: CancellationToken) -> Self {
        self.token = Some(token);
        self
    }

    /// Limits the time that a failed or aborted pipeline takes to close: its last flush, the destination's
    /// [`abort`](crate::Destination::abort), and the wait for jobs of its stages. By default there is no limit.
    /// It does not limit the `finish` of a pipeline that has not failed; [`abort_on`](Self::abort_on) stops that.
    ///
    /// When it is over, the destination is dropped as it is. The error stays the first one, with a
    /// [timeout](crate::Error::is_timeout) among its [suppressed](crate::Error::suppressed) ones. It is on Tokio's clock.
    pub fn with_close_timeout(mut self, limit: Duration) -> Self {
        self.close_timeout = Some(limit);
        self
    }

    /// Gives it a name, for errors and reports.
    pub fn with_name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Leaves the destination open: it is flushed at the end, but neither finished nor aborted. Node's `{ end: false }`.
    ///
    /// With `pipe_to(&mut destination)` several sources can be written one after the other.
    pub fn keep_open(mut self) -> Self {
        self.keep_open = true;
        self
    }

    /// Times the stages one by one, for [`Report::stages`]. It reads the clock for every chunk and stage, some 30 ns each;
    /// without it, nothing is timed per chunk.
    ///
    /// Stages of plain values (numbers and the like: what has nothing to drop) are not timed: the clock would cost
    /// more than they do.
    pub fn with_stage_timing(mut self) -> Self {
        self.stopwatch = self.plan.measure();
        self
    }

    /// Tells when nothing has moved for so long: who waits for whom, as a [`Stall`], once to `tell` and once as a warning of
    /// `tracing`. When something has moved since, it tells of the next stall again.
    ///
    /// Something moves when a stage, a buffer or the destination takes a chunk, or the source gives bytes; a pipeline that is
    /// slow but moves is never told of. It is looked at on the pipeline's own task and on Tokio's clock, each time the task is
    /// polled and when the time is over, so that a stall is reported one to two periods after the pipeline stops moving. What
    /// keeps the worker thread busy without an await delays it as well. A panic of `tell` is caught and goes no further.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{Readable, Result, destination_fn};
    /// use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<()> {
    /// let stuck = destination_fn(|_: u32| std::future::pending::<Result<()>>());
    /// let (told, stalls) = std::sync::mpsc::channel();
    /// let running = Readable::from_iter(0..10)
    ///     .pipe_to(stuck)
    ///     .stall_after(Duration::from_secs(30), move |stall| drop(told.send(stall.to_string())))
    ///     .spawn();
    /// tokio::time::sleep(Duration::from_secs(31)).await;
    /// assert_eq!(
    ///     stalls.try_recv()?,
    ///     "nothing has moved for 30s; destination_fn is waited for: from_iter waits to be asked; \
    ///      destination_fn writes a chunk",
    /// );
    /// # drop(running);
    /// # Ok(()) }
    /// ```
    pub fn stall_after(
        mut self,
        time: Duration,
        tell: impl FnMut(&Stall) + Send + 'static,
    ) -> Self {
        self.watch = Some(Box::new(Watch::new(time, tell)));
        self
    }

    /// Says what it is made of, before it runs: the stages, where each runs, and how much memory they hold at the most.
    pub fn explain(&self) -> Explanation {
        Explanation::of(self.name.clone(), &self.plan)
    }

    /// Runs it on the caller's task. Source, stages and destination may borrow.
    ///
    /// # Errors
    ///
    /// The first real one of the source, a stage or the destination; a panic in one of them; or an abort.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: see [`Pipeline`].
    pub fn run(mut self) -> impl Future<Output = Result<Report>>
    where
        J: Joint,
    {
        let progress = Progress::new(self.stopwatch.take());
        self.observed(Arc::new(progress))
    }

    /// Spawns a task that runs it. The task ends with the handle.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    #[track_caller]
    pub fn spawn(mut self) -> PipelineHandle
    where
        J: Joint<Source: Send> + Send + 'static,
    {
        let stop =
            self.token.take().map_or_else(CancellationToken::new, |token| token.child_token());
        self.token = Some(stop.clone());
        let (name, plan) = (self.name.clone(), self.plan.clone());
        let progress = Arc::new(Progress::new(self.stopwatch.take()));
        let task = crate::task::spawn(self.observed(Arc::clone(&progress)));
        PipelineHandle::new(task, stop, progress, plan, name)
    }

    /// Runs, and is seen.
    fn observed(mut self, progress: Arc<Progress>) -> impl Future<Output = Result<Report>>
    where
        J: Joint,
    {
        let (name, plan, watch) = (self.name.clone(), self.plan.clone(), self.watch.take());
        let work = self.run_with(Arc::clone(&progress));
        Observed::new(work, name, plan, progress, watch)
    }
}

impl<J> IntoFuture for Pipeline<J>
where
    J: Joint<Source: Send> + Send + 'static,
{
    type Output = Result<Report>;
    type IntoFuture = PipelineFuture;

    /// Runs it on the caller's task, in a box. What borrows goes through [`run`](Pipeline::run).
    fn into_future(self) -> PipelineFuture {
        Box::pin(self.run())
    }
}

debug_fields!(Pipeline<J>, name, plan);
