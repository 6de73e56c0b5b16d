//! How a pipeline runs.
//!
//! ```text
//!  open --> pump --> finish ----------------> drop the source, join --> report
//!    |        |         |
//!    +--------+---------+--> error, panic, abort
//!                              |
//!                              +--> drop the source --> flush, if the source failed --> abort --> join --> error
//! ```

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::Pipeline;
use super::progress::{Attended, Phase, Progress};
use crate::coop::Coop;
use crate::destination::Destination;
use crate::readable::{Meter, Plan, StageInfo};
use crate::{Error, Report, Result, Source, trace};

/// Why the work of a pipeline stopped before its end.
enum Failure {
    /// The source or a stage: what was written before is sound and goes out.
    Upstream(Error),
    /// The destination, a panic or an abort.
    Fatal(Error),
}

impl Failure {
    fn into_error(self) -> Error {
        match self {
            Self::Upstream(error) | Self::Fatal(error) => error,
        }
    }
}

impl<S, D> Pipeline<S, D> {
    /// Runs, and keeps `progress` up to date.
    ///
    /// An idle connection is hardly more than this future, so it is kept small: an `async fn` has each argument twice, and a
    /// future that is moved into another takes its space again. Here a block uses what it captured, and what is awaited
    /// through others is pinned once and lent; what is rare is boxed.
    pub(super) fn run_with<T>(self, progress: Arc<Progress>) -> impl Future<Output = Result<Report>>
    where
        S: Source<Chunk = T>,
        T: Send,
        D: Destination<T>,
    {
        let Self { source, plan, mut destination, token, name, keep_open, .. } = self;
        async move {
            let source = pin!(Some(source));
            let result = if token.as_ref().is_some_and(CancellationToken::is_cancelled) {
                Err(match drop_caught(source, &plan) {
                    Ok(()) => Error::aborted(),
                    Err(later) => Error::aborted().suppress(later),
                })
            } else {
                let course = Course { keep_open, plan: &plan, progress: &progress };
                match course.run(source, &mut destination, token.as_ref()).await {
                    Ok(()) => Ok(()),
                    Err(failure) => Err(course.close(failure, &mut destination).await),
                }
            };
            progress.enter(Phase::Joining);
            plan.join().await;
            match result {
                Ok(()) => Ok(Report::of(&progress, &plan, name)),
                Err(error) => Err(match &name {
                    Some(name) => error.in_pipeline(name),
                    None => error,
                }),
            }
        }
    }
}

/// What all steps of a run need.
struct Course<'a> {
    keep_open: bool,
    plan: &'a Plan,
    progress: &'a Progress,
}

impl Course<'_> {
    /// Works until the end, a failure or the token, and drops the source.
    #[expect(clippy::manual_async_fn, reason = "an async fn has each argument twice")]
    fn run<S: Source, D: Destination<S::Chunk>>(
        &self,
        mut source: Pin<&mut Option<S>>,
        destination: &mut D,
        token: Option<&CancellationToken>,
    ) -> impl Future<Output = Result<(), Failure>>
    where
        S::Chunk: Send,
    {
        async move {
            let written_to = destination.name();
            let result = {
                let mut work = pin!(self.work(source.as_mut(), destination));
                let mut cancelled = token.map(|token| Box::pin(token.cancelled()));
                let until = poll_fn(|cx| {
                    let cancelled = cancelled.as_mut();
                    if cancelled.is_some_and(|cancelled| cancelled.as_mut().poll(cx).is_ready()) {
                        return Poll::Ready(Err(Failure::Fatal(Error::aborted())));
                    }
                    work.as_mut().poll(cx)
                });
                self.guarded(until, written_to).await
            };
            match (result, drop_caught(source, self.plan)) {
                (result, Ok(())) => result,
                (Ok(()), Err(later)) => Err(Failure::Fatal(later)),
                (Err(Failure::Upstream(error)), Err(later)) => {
                    Err(Failure::Upstream(error.or_later(later)))
                }
                (Err(Failure::Fatal(error)), Err(later)) => {
                    Err(Failure::Fatal(error.or_later(later)))
                }
            }
        }
    }

    /// Opens, pumps and finishes.
    #[expect(clippy::manual_async_fn, reason = "an async fn has each argument twice")]
    fn work<S: Source, D: Destination<S::Chunk>>(
        &self,
        mut source: Pin<&mut Option<S>>,
        destination: &mut D,
    ) -> impl Future<Output = Result<(), Failure>>
    where
        S::Chunk: Send,
    {
        async move {
            self.progress.enter(Phase::Opening);
            destination.open().await.map_err(Failure::Fatal)?;
            if let Some(source) = source.as_mut().as_pin_mut() {
                self.pump(source, destination).await?;
            }
            // The source is of no more use: its file is closed while the destination commits.
            source.set(None);
            self.progress.enter(Phase::Finishing);
            let ending = if self.keep_open {
                flush_through(destination).await
            } else {
                destination.finish().await
            };
            ending.map_err(Failure::Fatal)
        }
    }

    /// Moves chunks until the source ends.
    fn pump<S: Source, D: Destination<S::Chunk>>(
        &self,
        mut source: Pin<&mut S>,
        destination: &mut D,
    ) -> impl Future<Output = Result<(), Failure>>
    where
        S::Chunk: Send,
    {
        let (progress, meters) = (self.progress, Meters::of(self.plan));
        let mut coop = Coop::default();
        let (mut chunks, mut weight, mut unflushed) = (0_u64, 0_u64, false);
        async move {
            loop {
                progress.enter(Phase::Source);
                poll_fn(|cx| coop.poll_step(cx)).await;
                progress.time(meters.source);
                let next = poll_fn(|cx| match source.as_mut().poll_next(cx) {
                    Poll::Ready(next) => Poll::Ready(Some(next)),
                    // A pause for the sake of other tasks is not an idle source, and a file has its next chunk soon.
                    Poll::Pending
                        if unflushed
                            && tokio::task::coop::has_budget_remaining()
                            && !meters.are_steady() =>
                    {
                        Poll::Ready(None)
                    }
                    Poll::Pending => Poll::Pending,
                })
                .await;
                let chunk = match next {
                    Some(Some(chunk)) => chunk.map_err(Failure::Upstream)?,
                    Some(None) => return Ok(()),
                    None => {
                        self.flush(destination, &mut unflushed).await?;
                        continue;
                    }
                };
                if progress.gate().is_closed() {
                    Box::pin(self.halt(destination, &mut unflushed)).await?;
                }
                weight += destination.weight(&chunk) as u64;
                progress.enter(Phase::Writing);
                progress.time(meters.destination);
                destination.write(chunk).await.map_err(|error| {
                    Failure::Fatal(error.attribute(destination.name(), Some(chunks)))
                })?;
                unflushed = true;
                chunks += 1;
                progress.wrote(chunks, weight);
            }
        }
    }

    /// Waits until the pipeline goes on. Nothing is held back meanwhile.
    async fn halt<T: Send, D: Destination<T>>(
        &self,
        destination: &mut D,
        unflushed: &mut bool,
    ) -> Result<(), Failure> {
        self.flush(destination, unflushed).await?;
        self.progress.enter(Phase::Paused);
        trace::halted();
        if let Some(destination) = self.plan.stages().last() {
            destination.meter().paused();
        }
        self.progress.gate().opened().await;
        trace::resumed();
        Ok(())
    }

    /// The source has nothing at hand: what the destination holds back goes out.
    async fn flush<T: Send, D: Destination<T>>(
        &self,
        destination: &mut D,
        unflushed: &mut bool,
    ) -> Result<(), Failure> {
        if std::mem::take(unflushed) {
            self.progress.enter(Phase::Flushing);
            destination.flush().await.map_err(Failure::Fatal)?;
            self.progress.enter(Phase::Source);
        }
        Ok(())
    }

    /// Turns a panic into the error of the stage that panicked, and names the stage of any other error.
    #[expect(clippy::manual_async_fn, reason = "an async fn has each argument twice")]
    fn guarded(
        &self,
        work: impl Future<Output = Result<(), Failure>>,
        destination: &'static str,
    ) -> impl Future<Output = Result<(), Failure>> {
        async move {
            let Self { plan, progress, .. } = *self;
            match AssertUnwindSafe(Attended::new(work, progress)).catch_unwind().await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(Failure::Upstream(error))) => {
                    Err(Failure::Upstream(error.attribute(plan.source_name(), None)))
                }
                Ok(Err(Failure::Fatal(error))) if error.is_aborted() => Err(Failure::Fatal(error)),
                Ok(Err(Failure::Fatal(error))) => {
                    Err(Failure::Fatal(error.attribute(destination, None)))
                }
                Err(payload) => {
                    let stage = plan.stages().iter().find(|stage| stage.meter().has_panicked());
                    let name = match (stage, progress.phase()) {
                        (Some(stage), _) => stage.name(),
                        (None, Phase::Source | Phase::Paused) => plan.source_name(),
                        (None, _) => destination,
                    };
                    Err(Failure::Fatal(Error::panic(&*payload).in_stage(name)))
                }
            }
        }
    }

    /// Brings the destination to its end after a failure; gives the error to report.
    async fn close<T: Send, D: Destination<T>>(
        &self,
        failure: Failure,
        destination: &mut D,
    ) -> Error {
        let (mut error, sound) = match failure {
            Failure::Upstream(error) => (error, true),
            Failure::Fatal(error) => (error, false),
        };
        let name = destination.name();
        if sound {
            self.progress.enter(Phase::Flushing);
            // Without an abort to come, this is the last chance to wait for what is under way.
            let flush = async {
                let flushed = if self.keep_open {
                    flush_through(destination).await
                } else {
                    destination.flush().await
                };
                flushed.map_err(Failure::Fatal)
            };
            if let Err(later) = self.guarded(pin!(flush), name).await {
                error = error.or_later(later.into_error());
            }
        }
        if !self.keep_open {
            self.progress.enter(Phase::Aborting);
            let reason = error.clone();
            let abort = async { destination.abort(&reason).await.map_err(Failure::Fatal) };
            if let Err(later) = self.guarded(pin!(abort), name).await {
                error = error.suppress(later.into_error());
            }
        }
        error
    }
}

/// Whose time it is, in a measured pipeline.
#[derive(Clone, Copy)]
struct Meters<'a> {
    stages: &'a [StageInfo],
    source: Option<&'a Meter>,
    destination: Option<&'a Meter>,
}

impl<'a> Meters<'a> {
    fn of(plan: &'a Plan) -> Self {
        let stages = plan.stages();
        let (source, destination) = (stages.first(), stages.last());
        Self {
            stages,
            source: source.map(StageInfo::meter),
            destination: destination.map(StageInfo::meter),
        }
    }

    /// Whether nothing before the destination waits for somebody else.
    fn are_steady(&self) -> bool {
        let before = self.stages.split_last().map_or(&[][..], |(_, before)| before);
        before.iter().all(|stage| stage.meter().is_steady())
    }
}

/// Sends what the destination holds back, and waits until it has arrived.
async fn flush_through<T: Send, D: Destination<T>>(destination: &mut D) -> Result<()> {
    destination.flush().await?;
    destination.flush().await
}

/// Drops the source; a panic in its `Drop` is an error like any other.
fn drop_caught<S>(mut source: Pin<&mut Option<S>>, plan: &Plan) -> Result<()> {
    catch_unwind(AssertUnwindSafe(|| source.set(None)))
        .map_err(|payload| Error::panic(&*payload).in_stage(plan.source_name()))
}
