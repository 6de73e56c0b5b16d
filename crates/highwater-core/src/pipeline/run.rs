//! How a pipeline runs.
//!
//! ```text
//!  open --> pump --> finish ----------------> drop the source, join --> report
//!    |        |         |
//!    +--------+---------+--> error, panic, abort
//!                              |
//!                              +--> drop the source --> flush, if the source failed --> abort --> join --> error
//!                                                                                         |
//!                                         it was aborted, but has committed: report <-----+
//! ```

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::Pipeline;
use super::progress::{Phase, Progress, TimedFuture};
use super::pump::Pump;
use crate::destination::Destination;
use crate::readable::{Plan, StageInfo};
use crate::task::Cancelled;
use crate::{Control, Error, Report, Result, Source, reason};

/// Why the work of a pipeline stopped before its end.
pub(super) enum Failure {
    /// The source or a stage: what was written before is sound and goes out.
    Upstream(Error),
    /// The destination, a panic or an abort.
    Fatal(Error),
}

impl Failure {
    fn error(&self) -> &Error {
        match self {
            Self::Upstream(error) | Self::Fatal(error) => error,
        }
    }

    /// Adds an error that came later.
    fn or_later(self, later: Error) -> Self {
        match self {
            Self::Upstream(error) => Self::Upstream(error.or_later(later)),
            Self::Fatal(error) => Self::Fatal(error.or_later(later)),
        }
    }

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
    pub(super) fn run_with(self, progress: Arc<Progress>) -> impl Future<Output = Result<Report>>
    where
        S: Source<Chunk: Send>,
        D: Destination<Chunk = S::Chunk>,
    {
        let Self {
            source,
            has_failed,
            plan,
            mut destination,
            token,
            close_timeout,
            name,
            keep_open,
            ..
        } = self;
        async move {
            let source = pin!(Some(source));
            let written_to = destination.name();
            let result = if token.as_ref().is_some_and(CancellationToken::is_cancelled) {
                let error = Error::aborted();
                let name = plan.source_name();
                let dropped = reason::dropped_with(Some(&error), || drop_caught(source, name));
                progress.enter(Phase::Joining);
                plan.join().await;
                Err(match dropped {
                    Ok(()) => error,
                    Err(later) => error.or_later(later),
                })
            } else {
                let mut cancelled = token.map(Cancelled::new);
                let course = Course { has_failed, keep_open, plan: &plan, progress: &progress };
                match course.run(source, &mut destination, &mut cancelled).await {
                    Ok(()) => {
                        course.join().await;
                        Ok(())
                    }
                    Err(failure) => {
                        let first = failure.error().clone();
                        let close = course.close(failure, &mut destination, &mut cancelled);
                        within(close_timeout, first, Box::pin(close)).await
                    }
                }
            };
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(destination)))
                .map_err(|payload| Error::panic(&*payload).in_stage(written_to));
            match both(result, dropped) {
                Ok(()) => Ok(Report::of(&progress, &plan, name)),
                Err(error) => {
                    let error = name.iter().fold(error, Error::in_pipeline);
                    let report = Report::of(&progress, &plan, name);
                    Err(error.with_report(Arc::new(report)))
                }
            }
        }
    }
}

/// What all steps of a run need.
struct Course<'a> {
    has_failed: bool,
    keep_open: bool,
    plan: &'a Plan,
    progress: &'a Progress,
}

impl Course<'_> {
    /// Works until the end, a failure or the token, and drops the source.
    #[expect(clippy::manual_async_fn, reason = "an async fn has each argument twice")]
    fn run<S: Source<Chunk: Send>, D: Destination<Chunk = S::Chunk>>(
        &self,
        mut source: Pin<&mut Option<S>>,
        destination: &mut D,
        cancelled: &mut Option<Cancelled>,
    ) -> impl Future<Output = Result<(), Failure>> {
        async move {
            let written_to = destination.name();
            let result = {
                let signal = cancelled.as_ref().map(|cancelled| Arc::clone(cancelled.signal()));
                let pump = Pump::new(self.plan, self.progress, signal);
                let work = pin!(Some(self.work(source.as_mut(), destination, pump)));
                self.guarded(work, cancelled, written_to).await
            };
            let error = result.as_ref().err().map(Failure::error);
            let name = self.plan.source_name();
            // Whoever writes to the source learns of the error.
            let dropped = reason::dropped_with(error, || drop_caught(source, name));
            match (result, dropped) {
                (result, Ok(())) => result,
                (Ok(()), Err(later)) => Err(Failure::Fatal(later)),
                (Err(failure), Err(later)) => Err(failure.or_later(later)),
            }
        }
    }

    /// Opens, pumps and finishes.
    #[expect(clippy::manual_async_fn, reason = "an async fn has each argument twice")]
    fn work<S: Source<Chunk: Send>, D: Destination<Chunk = S::Chunk>>(
        &self,
        mut source: Pin<&mut Option<S>>,
        destination: &mut D,
        pump: Pump<'_>,
    ) -> impl Future<Output = Result<(), Failure>> {
        async move {
            self.progress.enter(Phase::Opening);
            destination.open().await.map_err(Failure::Fatal)?;
            if self.has_failed {
                return Err(Failure::Upstream(Error::premature_close()));
            }
            if let Some(source) = source.as_mut().as_pin_mut() {
                pump.run(source, destination).await?;
            }
            // The source is of no more use: its file is closed while the destination commits.
            source.set(None);
            self.progress.enter(Phase::Finishing);
            let ending =
                if self.keep_open { destination.flush().await } else { destination.finish().await };
            ending.map_err(Failure::Fatal)
        }
    }

    /// Polls the work until it ends or the token is cancelled, then drops it. Turns a panic into the error of the stage
    /// that panicked, and names the stage of any other error.
    #[expect(clippy::manual_async_fn, reason = "an async fn has each argument twice")]
    fn guarded<F: Future<Output = Result<(), Failure>>>(
        &self,
        mut work: Pin<&mut Option<F>>,
        cancelled: &mut Option<Cancelled>,
        destination: &'static str,
    ) -> impl Future<Output = Result<(), Failure>> {
        async move {
            let until = poll_fn(|cx| {
                if is_raised(cancelled, cx) {
                    return Poll::Ready(Err(Failure::Fatal(Error::aborted())));
                }
                work.as_mut().as_pin_mut().map_or(Poll::Ready(Ok(())), |work| work.poll(cx))
            });
            let result =
                match AssertUnwindSafe(TimedFuture::new(until, self.progress)).catch_unwind().await
                {
                    Ok(result) => self.named(result, destination),
                    Err(payload) => Err(Failure::Fatal(
                        Error::panic(&*payload).in_stage(self.panicked(destination)),
                    )),
                };
            // What the work still holds is user code as well: a chunk, the future of a write.
            match (result, drop_caught(work, destination)) {
                (result, Ok(())) => result,
                (Ok(()), Err(later)) => Err(Failure::Fatal(later)),
                (Err(failure), Err(later)) => Err(failure.or_later(later)),
            }
        }
    }

    /// Names the stage of an error that no stage has claimed.
    fn named(&self, result: Result<(), Failure>, destination: &'static str) -> Result<(), Failure> {
        result.map_err(|failure| match failure {
            Failure::Upstream(error) => {
                Failure::Upstream(error.attribute(self.plan.source_name(), None))
            }
            Failure::Fatal(error) if error.is_aborted() => Failure::Fatal(error),
            Failure::Fatal(error) => Failure::Fatal(error.attribute(destination, None)),
        })
    }

    /// The stage that panicked.
    fn panicked(&self, destination: &'static str) -> &'static str {
        let stage = self.plan.stages().iter().find(|stage| stage.meter().has_panicked());
        match (stage, self.progress.phase()) {
            (Some(stage), _) => stage.name(),
            (None, Phase::Source | Phase::Paused) => self.plan.source_name(),
            (None, _) => destination,
        }
    }

    /// Brings the destination to its end after a failure, and waits for the jobs of the stages. `Ok` if an abort came too
    /// late: the destination has committed.
    async fn close<D: Destination>(
        &self,
        failure: Failure,
        destination: &mut D,
        cancelled: &mut Option<Cancelled>,
    ) -> Result<()> {
        let sound = matches!(failure, Failure::Upstream(_));
        let mut error = failure.into_error();
        // What lets out by itself what it has, when it is aborted for an error of the source.
        let lets_out = sound && !self.keep_open;
        let mut letting_out = if lets_out { self.buffer_written_to() } else { None };
        if sound {
            if let Err(later) = self.flush_last(destination, cancelled).await {
                error = error.or_later(later.into_error());
                if let Err(later) = stop_letting_out(&mut letting_out, &error) {
                    error = error.or_later(later);
                }
            }
        }
        let aborted = if self.keep_open {
            Ok(())
        } else {
            let aborting = self.abort(destination, &error, &mut letting_out, cancelled);
            let (aborted, stopped) = aborting.await;
            if let Some(later) = stopped {
                error = error.or_later(later);
            }
            aborted
        };
        self.join().await;
        match aborted {
            Ok(()) => Err(error),
            Err(too_late) if too_late.is_all_committed() && error.is_aborted() => Ok(()),
            Err(later) => Err(error.or_later(later)),
        }
    }

    /// What was written before an error of the source is sound: it goes out, and has arrived before the abort.
    async fn flush_last<D: Destination>(
        &self,
        destination: &mut D,
        cancelled: &mut Option<Cancelled>,
    ) -> Result<(), Failure> {
        self.progress.enter(Phase::Flushing);
        let name = destination.name();
        let flush = async { destination.flush().await.map_err(Failure::Fatal) };
        self.guarded(pin!(Some(flush)), cancelled, name).await
    }

    /// Has the destination undo what it did. The token does not interrupt that, but only a buffer that lets out first what
    /// it has; then there is an error that says so.
    async fn abort<D: Destination>(
        &self,
        destination: &mut D,
        error: &Error,
        letting_out: &mut Option<Control>,
        cancelled: &mut Option<Cancelled>,
    ) -> (Result<()>, Option<Error>) {
        self.progress.enter(Phase::Aborting);
        let (name, mut stopped) = (destination.name(), None);
        let abort = async {
            let mut abort = pin!(destination.abort(error));
            let aborted = poll_fn(|cx| {
                if letting_out.is_some() && is_raised(cancelled, cx) {
                    let panic = stop_letting_out(letting_out, error).err();
                    stopped = Some(panic.map_or_else(Error::aborted, |panic| {
                        Error::aborted().or_later(panic.in_stage(name))
                    }));
                }
                abort.as_mut().poll(cx)
            });
            aborted.await.map_err(Failure::Fatal)
        };
        let aborted = self.guarded(pin!(Some(abort)), &mut None, name).await;
        (aborted.map_err(Failure::into_error), stopped)
    }

    /// The buffer that the destination is, if it is one.
    fn buffer_written_to(&self) -> Option<Control> {
        self.plan.stages().last().and_then(StageInfo::known_buffer).cloned()
    }

    /// Waits for the jobs of the stages.
    async fn join(&self) {
        self.progress.enter(Phase::Joining);
        self.plan.join().await;
    }
}

/// Waits for the close of a pipeline, but no longer than `limit`. `first` is the error so far.
async fn within(
    limit: Option<Duration>,
    first: Error,
    close: Pin<Box<impl Future<Output = Result<()>>>>,
) -> Result<()> {
    let Some(limit) = limit else { return close.await };
    let mut close = Some(close);
    let closed = poll_fn(|cx| match &mut close {
        Some(close) => close.as_mut().poll(cx),
        None => Poll::Ready(Ok(())),
    });
    match tokio::time::timeout(limit, closed).await {
        Ok(result) => result,
        Err(_) => {
            let late = Error::timeout(format!("the destination did not close within {limit:?}"));
            let dropped = drop_caught(pin!(close), "pipeline");
            let error = first.suppress(late);
            Err(match dropped {
                Ok(()) => error,
                Err(later) => error.or_later(later),
            })
        }
    }
}

/// Whether there is a token that was cancelled; if it was not, the task is woken when it is.
fn is_raised(cancelled: &mut Option<Cancelled>, cx: &mut Context<'_>) -> bool {
    cancelled.as_mut().is_some_and(|cancelled| cancelled.poll(cx))
}

/// Drops what has not gone out of the buffer, and aborts what it is written to. An error is a panic in the `Drop` of a chunk.
fn stop_letting_out(buffer: &mut Option<Control>, error: &Error) -> Result<()> {
    let Some(buffer) = buffer.take() else { return Ok(()) };
    catch_unwind(AssertUnwindSafe(|| buffer.destroy(error.clone())))
        .map_err(|payload| Error::panic(&*payload))
}

/// The first error of two steps.
fn both(first: Result<()>, then: Result<()>) -> Result<()> {
    match (first, then) {
        (Err(first), Err(later)) => Err(first.or_later(later)),
        (first, then) => first.and(then),
    }
}

/// Drops what is in there; a panic in its `Drop` is an error like any other.
fn drop_caught<T>(mut dropped: Pin<&mut Option<T>>, stage: &'static str) -> Result<()> {
    catch_unwind(AssertUnwindSafe(|| dropped.set(None)))
        .map_err(|payload| Error::panic(&*payload).in_stage(stage))
}
