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
use crate::{Error, Report, Result, Source};

/// Why the work of a pipeline stopped before its end.
enum Failure {
    /// The source or a stage: what was written before is sound and goes out.
    Upstream(Error),
    /// The destination, a panic or an abort.
    Fatal(Error),
}

impl<S, D> Pipeline<S, D> {
    /// Runs, and keeps `progress` up to date.
    pub(super) async fn run_with<T>(self, progress: &Arc<Progress>) -> Result<Report>
    where
        S: Source<Chunk = T>,
        T: Send,
        D: Destination<T>,
    {
        let Self { source, plan, mut destination, token, name, keep_open, .. } = self;
        let result = if token.as_ref().is_some_and(CancellationToken::is_cancelled) {
            let source = pin!(Some(source));
            match drop_caught(source) {
                Ok(()) => Err(Error::aborted()),
                Err(later) => Err(Error::aborted().suppress(later.in_stage(plan.source_name()))),
            }
        } else {
            let mut source = pin!(Some(source));
            let written_to = destination.name();
            let meters = Meters::of(&plan);
            let work = work(source.as_mut(), &mut destination, keep_open, progress, meters);
            let work = Attended::new(until(token, work), Arc::clone(progress));
            let mut result = guarded(work, &plan, progress, written_to).await;
            if let Err(later) = drop_caught(source) {
                let later = later.in_stage(plan.source_name());
                result = Err(match result {
                    Ok(()) => Failure::Fatal(later),
                    Err(Failure::Upstream(error)) => Failure::Upstream(error.or_later(later)),
                    Err(Failure::Fatal(error)) => Failure::Fatal(error.or_later(later)),
                });
            }
            match result {
                Ok(()) => Ok(()),
                Err(failure) => {
                    Err(close(failure, &mut destination, keep_open, &plan, progress).await)
                }
            }
        };
        plan.join().await;
        match result {
            Ok(()) => Ok(Report::of(progress, &plan, name)),
            Err(error) => Err(match &name {
                Some(name) => error.in_pipeline(name),
                None => error,
            }),
        }
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

/// Opens, pumps and finishes.
async fn work<S: Source, D: Destination<S::Chunk>>(
    mut source: Pin<&mut Option<S>>,
    destination: &mut D,
    keep_open: bool,
    progress: &Progress,
    meters: Meters<'_>,
) -> Result<(), Failure>
where
    S::Chunk: Send,
{
    progress.enter(Phase::Destination);
    destination.open().await.map_err(Failure::Fatal)?;
    if let Some(source) = source.as_mut().as_pin_mut() {
        pump(source, destination, progress, meters).await?;
    }
    // The source is of no more use: its file is closed while the destination commits.
    source.set(None);
    progress.enter(Phase::Destination);
    let ending =
        if keep_open { flush_through(destination).await } else { destination.finish().await };
    ending.map_err(Failure::Fatal)
}

/// Moves chunks until the source ends.
async fn pump<S: Source, D: Destination<S::Chunk>>(
    mut source: Pin<&mut S>,
    destination: &mut D,
    progress: &Progress,
    meters: Meters<'_>,
) -> Result<(), Failure>
where
    S::Chunk: Send,
{
    let mut coop = Coop::default();
    let (mut chunks, mut weight, mut unflushed) = (0_u64, 0_u64, false);
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
        let Some(next) = next else {
            flush(destination, &mut unflushed, progress).await?;
            continue;
        };
        let Some(chunk) = next else { return Ok(()) };
        let chunk = chunk.map_err(Failure::Upstream)?;
        if progress.gate().is_closed() {
            flush(destination, &mut unflushed, progress).await?;
            progress.enter(Phase::Paused);
            progress.gate().opened().await;
        }
        weight += destination.weight(&chunk) as u64;
        progress.enter(Phase::Destination);
        progress.time(meters.destination);
        destination
            .write(chunk)
            .await
            .map_err(|error| Failure::Fatal(error.attribute(destination.name(), Some(chunks))))?;
        unflushed = true;
        chunks += 1;
        progress.wrote(chunks, weight);
    }
}

/// Sends what the destination holds back, and waits until it has arrived.
async fn flush_through<T: Send, D: Destination<T>>(destination: &mut D) -> Result<()> {
    destination.flush().await?;
    destination.flush().await
}

/// The source has nothing at hand: what the destination holds back goes out.
async fn flush<T: Send, D: Destination<T>>(
    destination: &mut D,
    unflushed: &mut bool,
    progress: &Progress,
) -> Result<(), Failure> {
    if std::mem::take(unflushed) {
        progress.enter(Phase::Destination);
        destination.flush().await.map_err(Failure::Fatal)?;
        progress.enter(Phase::Source);
    }
    Ok(())
}

/// Gives way to the token.
async fn until(
    token: Option<CancellationToken>,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    match token {
        None => work.await,
        Some(token) => {
            let (mut cancelled, mut work) = (pin!(token.cancelled()), pin!(work));
            poll_fn(|cx| match cancelled.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Err(Failure::Fatal(Error::aborted()))),
                Poll::Pending => work.as_mut().poll(cx),
            })
            .await
        }
    }
}

/// Turns a panic into the error of the stage that panicked, and names the stage of any other error.
async fn guarded(
    work: impl Future<Output = Result<(), Failure>>,
    plan: &Plan,
    progress: &Progress,
    destination: &'static str,
) -> Result<(), Failure> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Failure::Upstream(error))) => {
            Err(Failure::Upstream(error.attribute(plan.source_name(), None)))
        }
        Ok(Err(Failure::Fatal(error))) if error.is_aborted() => Err(Failure::Fatal(error)),
        Ok(Err(Failure::Fatal(error))) => Err(Failure::Fatal(error.attribute(destination, None))),
        Err(payload) => {
            let stage = plan.stages().iter().find(|stage| stage.meter().has_panicked());
            let name = match (stage, progress.phase()) {
                (Some(stage), _) => stage.name(),
                (None, Phase::Destination) => destination,
                (None, _) => plan.source_name(),
            };
            Err(Failure::Fatal(Error::panic(&*payload).in_stage(name)))
        }
    }
}

/// Drops the source; a panic in its `Drop` is an error like any other.
fn drop_caught<S>(mut source: Pin<&mut Option<S>>) -> Result<()> {
    catch_unwind(AssertUnwindSafe(|| source.set(None))).map_err(|payload| Error::panic(&*payload))
}

/// Brings the destination to its end after a failure; gives the error to report.
async fn close<T: Send, D: Destination<T>>(
    failure: Failure,
    destination: &mut D,
    keep_open: bool,
    plan: &Plan,
    progress: &Arc<Progress>,
) -> Error {
    let (mut error, sound) = match failure {
        Failure::Upstream(error) => (error, true),
        Failure::Fatal(error) => (error, false),
    };
    let name = destination.name();
    if sound {
        progress.enter(Phase::Destination);
        // Without an abort to come, this is the last chance to wait for what is under way.
        let flush = async {
            let flushed = if keep_open {
                flush_through(destination).await
            } else {
                destination.flush().await
            };
            flushed.map_err(Failure::Fatal)
        };
        let flush = Attended::new(flush, Arc::clone(progress));
        error = and_then(error, guarded(flush, plan, progress, name).await);
    }
    if !keep_open {
        progress.enter(Phase::Destination);
        let reason = error.clone();
        let abort = async { destination.abort(&reason).await.map_err(Failure::Fatal) };
        let abort = Attended::new(abort, Arc::clone(progress));
        if let Err(Failure::Upstream(later) | Failure::Fatal(later)) =
            guarded(abort, plan, progress, name).await
        {
            error = error.suppress(later);
        }
    }
    error
}

/// Keeps what went wrong on closing beside what went wrong before.
fn and_then(error: Error, later: Result<(), Failure>) -> Error {
    match later {
        Ok(()) => error,
        Err(Failure::Upstream(later) | Failure::Fatal(later)) => error.or_later(later),
    }
}
