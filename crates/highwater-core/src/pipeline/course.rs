//! The steps of a run: open, pump, finish, under a token.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;

use super::pump::{Failure, Pump};
use crate::destination::Destination;
use crate::error::{Error, Result};
use crate::observe::{Phase, Progress, TimedFuture};
use crate::readable::Source;
use crate::reason;
use crate::stage::Plan;
use crate::task::Cancelled;

/// What all steps of a run need.
pub(super) struct Course<'a> {
    pub(super) has_failed: bool,
    pub(super) keep_open: bool,
    pub(super) plan: &'a Plan,
    pub(super) progress: &'a Progress,
}

impl Course<'_> {
    /// Works until the end, a failure or the token, and drops the source.
    #[expect(clippy::manual_async_fn, reason = "an async fn has each argument twice")]
    pub(super) fn run<S: Source<Chunk: Send>, D: Destination<Chunk = S::Chunk>>(
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
    pub(super) fn guarded<F: Future<Output = Result<(), Failure>>>(
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
}

/// Whether there is a token that was cancelled; if it was not, the task is woken when it is.
pub(super) fn is_raised(cancelled: &mut Option<Cancelled>, cx: &mut Context<'_>) -> bool {
    cancelled.as_mut().is_some_and(|cancelled| cancelled.poll(cx))
}

/// Drops what is in there; a panic in its `Drop` is an error like any other.
pub(super) fn drop_caught<T>(mut dropped: Pin<&mut Option<T>>, stage: &'static str) -> Result<()> {
    catch_unwind(AssertUnwindSafe(|| dropped.set(None)))
        .map_err(|payload| Error::panic(&*payload).in_stage(stage))
}
