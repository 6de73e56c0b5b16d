//! How a pipeline closes after a failure.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use super::course::{Course, drop_caught, is_raised};
use super::pump::Failure;
use crate::destination::Destination;
use crate::error::{Error, Result};
use crate::observe::Phase;
use crate::stage::{Control, StageInfo};
use crate::task::Cancelled;

impl Course<'_> {
    /// Brings the destination to its end after a failure, and waits for the jobs of the stages. `Ok` if an abort came too
    /// late: the destination has committed.
    pub(super) async fn close<D: Destination>(
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
    pub(super) async fn join(&self) {
        self.progress.enter(Phase::Joining);
        self.plan.join().await;
    }
}

/// Waits for the close of a pipeline, but no longer than `limit`. `first` is the error so far.
pub(super) async fn within(
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

/// Drops what has not gone out of the buffer, and aborts what it is written to. An error is a panic in the `Drop` of a chunk.
fn stop_letting_out(buffer: &mut Option<Control>, error: &Error) -> Result<()> {
    let Some(buffer) = buffer.take() else { return Ok(()) };
    catch_unwind(AssertUnwindSafe(|| buffer.destroy(error.clone())))
        .map_err(|payload| Error::panic(&*payload))
}
