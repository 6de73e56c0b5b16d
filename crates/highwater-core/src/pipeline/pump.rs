//! How a pipeline moves chunks.

use std::future::{Future, poll_fn};
use std::ops::ControlFlow::{Break, Continue};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;

use crate::destination::Destination;
use crate::error::{Error, Result};
use crate::observe::{Phase, Progress, trace};
use crate::pace::Pace;
use crate::readable::Source;
use crate::stage::{Plan, StageInfo, StageStats};
use crate::task::Signal;

/// Why the work of a pipeline stopped before its end.
pub(super) enum Failure {
    /// The source or a stage: what was written before is sound and goes out.
    Upstream(Error),
    /// The destination, a panic or an abort.
    Fatal(Error),
}

impl Failure {
    pub(super) fn error(&self) -> &Error {
        match self {
            Self::Upstream(error) | Self::Fatal(error) => error,
        }
    }

    /// Adds an error that came later.
    pub(super) fn or_later(self, later: Error) -> Self {
        match self {
            Self::Upstream(error) => Self::Upstream(error.or_later(later)),
            Self::Fatal(error) => Self::Fatal(error.or_later(later)),
        }
    }

    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Upstream(error) | Self::Fatal(error) => error,
        }
    }
}

/// Moves chunks from the source to the destination.
///
/// While the destination accepts chunks, they move in runs: one call of the source hands out all that are ready. A chunk
/// that is not accepted is written, which waits; then chunks are read one by one until one is accepted again. Before each
/// chunk, the pump checks for a pause and for an abort.
pub(super) struct Pump<'a> {
    plan: &'a Plan,
    progress: &'a Progress,
    /// Raised by an abort.
    signal: Option<Arc<Signal>>,
    meters: Meters<'a>,
    pace: Pace,
    /// Whether the destination accepted the last chunk.
    accepts: bool,
    /// Whether it has taken a chunk since it was last told that the source is idle.
    unflushed: bool,
    chunks: u64,
    weight: u64,
}

/// Why the flow of chunks stops.
enum Halt<T> {
    /// The run is over.
    Spent,
    /// A pause or an abort comes before this chunk.
    Signal(T),
    /// The destination did not accept this chunk.
    Refused(T),
    Failed(Error),
    /// The source has no chunk ready.
    Idle,
    Ended,
}

impl<T> Halt<T> {
    /// Whether the last chunk that was read has not been taken.
    fn has_chunk(&self) -> bool {
        matches!(self, Self::Signal(_) | Self::Refused(_) | Self::Failed(_))
    }
}

impl<'a> Pump<'a> {
    pub(super) fn new(plan: &'a Plan, progress: &'a Progress, signal: Option<Arc<Signal>>) -> Self {
        Self {
            plan,
            progress,
            signal,
            meters: Meters::of(plan),
            pace: Pace::default(),
            accepts: false,
            unflushed: false,
            chunks: 0,
            weight: 0,
        }
    }

    /// Moves chunks until the source ends.
    pub(super) fn run<S: Source<Chunk: Send>, D: Destination<Chunk = S::Chunk>>(
        mut self,
        mut source: Pin<&mut S>,
        destination: &mut D,
    ) -> impl Future<Output = Result<(), Failure>> {
        let mut ruin = Ruin::Unknown(self.plan);
        async move {
            loop {
                self.progress.enter(Phase::Source);
                match poll_fn(|cx| self.poll_flow(source.as_mut(), destination, cx)).await? {
                    Halt::Ended => return Ok(()),
                    Halt::Spent => {}
                    Halt::Idle => self.on_idle(destination).await?,
                    Halt::Failed(error) => return Err(self.failed(error, destination)),
                    Halt::Refused(chunk) => self.write(chunk, destination, &mut ruin).await?,
                    Halt::Signal(chunk) => {
                        if self.progress.gate().is_closed() {
                            Box::pin(self.halt(destination)).await?;
                        }
                        if self.is_aborted() {
                            return Err(Failure::Fatal(Error::aborted()));
                        }
                        self.write(chunk, destination, &mut ruin).await?;
                    }
                }
            }
        }
    }

    /// Moves chunks for as long as the destination accepts them.
    fn poll_flow<S: Source, D: Destination<Chunk = S::Chunk>>(
        &mut self,
        mut source: Pin<&mut S>,
        destination: &mut D,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Halt<S::Chunk>, Failure>> {
        loop {
            ready!(self.pace.poll_ready(cx));
            let run = if self.accepts { self.pace.left() } else { 1 };
            let (mut left, mut weight) = (run, self.weight);
            let meter = self.meters.destination;
            let (gate, aborted) = (self.progress.gate(), self.signal.as_deref());
            let mut each = |chunk| {
                left -= 1;
                if gate.is_closed() || aborted.is_some_and(Signal::is_raised) {
                    return Break(Halt::Signal(chunk));
                }
                let accepted =
                    watch(meter, || (destination.weight(&chunk), destination.accept(chunk)));
                match accepted {
                    (its, Ok(None)) => {
                        weight += its as u64;
                        if left == 0 { Break(Halt::Spent) } else { Continue(None) }
                    }
                    (_, Ok(Some(chunk))) => Break(Halt::Refused(chunk)),
                    (_, Err(error)) => Break(Halt::Failed(error)),
                }
            };
            let polled = if self.accepts {
                source.as_mut().poll_each(cx, each)
            } else {
                self.progress.time(self.meters.source);
                source.as_mut().poll_next(cx).map(|next| {
                    self.progress.time(self.meters.destination);
                    next.map(|chunk| {
                        chunk.map(|chunk| each(chunk).break_value().unwrap_or(Halt::Spent))
                    })
                })
            };
            let read = run - left;
            self.pace.spend_to(self.pace.left() - read);
            let took = read
                - i32::from(matches!(&polled, Poll::Ready(Some(Ok(halt))) if halt.has_chunk()));
            if took > 0 {
                // A pipeline that times its stages reads one chunk at a time.
                self.accepts = !self.progress.is_timed();
                self.unflushed = true;
                self.chunks += took.unsigned_abs() as u64;
                self.weight = weight;
                self.progress.wrote(self.chunks, weight);
            }
            return Poll::Ready(match polled {
                Poll::Ready(Some(Ok(Halt::Spent))) => continue,
                Poll::Ready(Some(Ok(halt))) => Ok(halt),
                Poll::Ready(Some(Err(error))) => Err(Failure::Upstream(error)),
                Poll::Ready(None) => Ok(Halt::Ended),
                // A yield to other tasks is not an idle source, and a file has its next chunk soon.
                Poll::Pending
                    if self.unflushed
                        && tokio::task::coop::has_budget_remaining()
                        && !self.meters.are_steady() =>
                {
                    Ok(Halt::Idle)
                }
                Poll::Pending => {
                    self.pace.rest();
                    return Poll::Pending;
                }
            });
        }
    }

    fn is_aborted(&self) -> bool {
        self.signal.as_deref().is_some_and(Signal::is_raised)
    }

    /// Writes a chunk that the destination did not accept.
    async fn write<D: Destination>(
        &mut self,
        chunk: D::Chunk,
        destination: &mut D,
        ruin: &mut Ruin<'_>,
    ) -> Result<(), Failure> {
        let weight = destination.weight(&chunk) as u64;
        self.accepts = false;
        self.progress.enter(Phase::Writing);
        self.progress.time(self.meters.destination);
        let written = {
            let mut write = pin!(destination.write(chunk));
            poll_fn(|cx| match write.as_mut().poll(cx) {
                Poll::Ready(written) => Poll::Ready(Ok(written)),
                Poll::Pending => self.pace.note(ruin.poll(cx).map(Err)),
            })
            .await
        };
        let written = written.map_err(Failure::Fatal)?;
        written.map_err(|error| self.failed(error, destination))?;
        self.unflushed = true;
        self.chunks += 1;
        self.weight += weight;
        self.progress.wrote(self.chunks, self.weight);
        Ok(())
    }

    /// The error of the destination at the current chunk.
    #[cold]
    fn failed<D: Destination>(&self, error: Error, destination: &D) -> Failure {
        Failure::Fatal(error.attribute(destination.name(), Some(self.chunks)))
    }

    /// Waits until the pipeline is resumed. No chunk is held back meanwhile.
    async fn halt<D: Destination>(&mut self, destination: &mut D) -> Result<(), Failure> {
        self.on_idle(destination).await?;
        self.progress.enter(Phase::Paused);
        trace::halted();
        if let Some(destination) = self.plan.stages().last() {
            destination.meter().paused();
        }
        self.progress.gate().opened().await;
        trace::resumed();
        Ok(())
    }

    /// The source has no chunk ready: the chunks that the destination holds back are sent.
    async fn on_idle<D: Destination>(&mut self, destination: &mut D) -> Result<(), Failure> {
        if std::mem::take(&mut self.unflushed) {
            self.progress.enter(Phase::Flushing);
            destination.on_idle().await.map_err(Failure::Fatal)?;
            self.progress.enter(Phase::Source);
        }
        self.pace.rest();
        Ok(())
    }
}

/// Runs the call; a panic is remembered as that of this stage.
#[inline]
fn watch<R>(meter: Option<&StageStats>, call: impl FnOnce() -> R) -> R {
    match meter {
        Some(meter) => meter.watch(call),
        None => call(),
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
    source: Option<&'a StageStats>,
    destination: Option<&'a StageStats>,
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
