//! How a pipeline moves chunks.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;

use super::progress::{Phase, Progress};
use super::run::Failure;
use crate::destination::Destination;
use crate::pace::Pace;
use crate::readable::{Meter, Plan, StageInfo};
use crate::task::Signal;
use crate::{Error, Result, Source, trace};

/// Moves chunks from the source to the destination, one by one.
pub(super) struct Pump<'a> {
    plan: &'a Plan,
    progress: &'a Progress,
    /// Raised by an abort.
    signal: Option<Arc<Signal>>,
    pace: Pace,
    unflushed: bool,
}

impl<'a> Pump<'a> {
    pub(super) fn new(plan: &'a Plan, progress: &'a Progress, signal: Option<Arc<Signal>>) -> Self {
        Self { plan, progress, signal, pace: Pace::default(), unflushed: false }
    }

    /// Moves chunks until the source ends.
    pub(super) fn run<S: Source, D: Destination<S::Chunk>>(
        mut self,
        mut source: Pin<&mut S>,
        destination: &mut D,
    ) -> impl Future<Output = Result<(), Failure>>
    where
        S::Chunk: Send,
    {
        let (progress, meters) = (self.progress, Meters::of(self.plan));
        let mut ruin = Ruin::Unknown(self.plan);
        let (mut chunks, mut weight) = (0_u64, 0_u64);
        async move {
            loop {
                progress.enter(Phase::Source);
                poll_fn(|cx| self.pace.poll_step(cx)).await;
                progress.time(meters.source);
                let next = poll_fn(|cx| self.poll_source(source.as_mut(), meters, cx)).await;
                let chunk = match next {
                    Some(Some(chunk)) => chunk.map_err(Failure::Upstream)?,
                    Some(None) => return Ok(()),
                    None => {
                        self.flush(destination).await?;
                        continue;
                    }
                };
                if progress.gate().is_closed() {
                    Box::pin(self.halt(destination)).await?;
                }
                if self.signal.as_ref().is_some_and(|signal| signal.is_raised()) {
                    return Err(Failure::Fatal(Error::aborted()));
                }
                weight += destination.weight(&chunk) as u64;
                progress.enter(Phase::Writing);
                progress.time(meters.destination);
                let written = {
                    let mut write = pin!(destination.write(chunk));
                    poll_fn(|cx| match write.as_mut().poll(cx) {
                        Poll::Ready(written) => Poll::Ready(Ok(written)),
                        Poll::Pending => self.pace.note(ruin.poll(cx).map(Err)),
                    })
                    .await
                };
                written.map_err(Failure::Fatal)?.map_err(|error| {
                    Failure::Fatal(error.attribute(destination.name(), Some(chunks)))
                })?;
                self.unflushed = true;
                chunks += 1;
                progress.wrote(chunks, weight);
            }
        }
    }

    /// What the source gives. `None` if it is idle and the destination has something to flush.
    #[inline]
    fn poll_source<S: Source>(
        &mut self,
        source: Pin<&mut S>,
        meters: Meters<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Option<Result<S::Chunk>>>> {
        match source.poll_next(cx) {
            Poll::Ready(next) => Poll::Ready(Some(next)),
            // A pause for the sake of other tasks is not an idle source, and a file has its next chunk soon.
            Poll::Pending
                if self.unflushed
                    && tokio::task::coop::has_budget_remaining()
                    && !meters.are_steady() =>
            {
                Poll::Ready(None)
            }
            Poll::Pending => self.pace.note(Poll::Pending),
        }
    }

    /// Waits until the pipeline goes on. Nothing is held back meanwhile.
    async fn halt<T: Send, D: Destination<T>>(
        &mut self,
        destination: &mut D,
    ) -> Result<(), Failure> {
        self.flush(destination).await?;
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
        &mut self,
        destination: &mut D,
    ) -> Result<(), Failure> {
        if std::mem::take(&mut self.unflushed) {
            self.progress.enter(Phase::Flushing);
            destination.flush().await.map_err(Failure::Fatal)?;
            self.progress.enter(Phase::Source);
        }
        self.pace.rest();
        Ok(())
    }
}

/// Whether the source was destroyed or aborted: the one thing that a source says unasked, while the destination writes.
enum Ruin<'a> {
    Unknown(&'a Plan),
    Watched(Option<BoxFuture<'static, Error>>),
}

impl Ruin<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if let Self::Unknown(plan) = self {
            *self = Self::Watched(plan.ruin());
        }
        match self {
            Self::Watched(Some(ruin)) => ruin.as_mut().poll(cx),
            _ => Poll::Pending,
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
