//! The one driver of machines.

mod engine;
mod flow;
mod operate;

use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

pub use engine::{Answer, Engine, Plain, Timed};
use flow::{Flow, Stop};
pub use operate::{Piped, PipedTimed};

use crate::error::{Error, Result};
use crate::pace::PaceAt;
use crate::readable::Source;
use crate::reason;
use crate::stage::StageCounter;

pin_project! {
    /// A source with a machine behind it: what [`Readable::pipe`](crate::Readable::pipe) gives.
    ///
    /// It keeps the order of chunks and errors: what the machine gave before an error comes before it, what it holds
    /// whole as well, and nothing after it. The source is dropped as soon as it is of no more use: at its end, at an
    /// error, or when the machine wants no more.
    ///
    /// # Cancel safety
    ///
    /// All state is in the pipe, none in a future: a `next` that is dropped loses nothing.
    // The states: the source is there (flowing); it is gone (draining, with the error it left if it failed); over. They
    // are told by these fields and not by one enum because that is what compiles to half the time per chunk.
    #[must_use = "streams do nothing unless polled"]
    pub struct Pipe<S, E> {
        #[pin]
        upstream: Option<S>,
        engine: E,
        failing: Option<Error>,
        over: bool,
        // For a machine that swallows all it is given.
        pace: PaceAt,
        tally: StageCounter,
    }
}

impl<S, E> Pipe<S, E> {
    pub(crate) fn new(upstream: S, engine: E, tally: StageCounter) -> Self {
        let (upstream, pace) = (Some(upstream), PaceAt::default());
        Self { upstream, engine, failing: None, over: false, pace, tally }
    }
}

debug_fields!(Pipe<S, E>, tally);

/// What happens to a pipe beside chunks.
enum Event {
    /// The machine wants no more, or has given all.
    Done,
    /// The machine failed.
    Failed(Error),
    /// The source failed.
    Broken(Error),
    /// The source has ended.
    Ended,
    /// The source has nothing now, and will wake the task.
    Idle,
    /// The machine has nothing now, and wants no chunk either.
    Resting,
}

impl<S: Source, E: Engine<Input = S::Chunk>> Pipe<S, E> {
    /// Ready with what is given, a wait, the error or the end; pending when the machine is to be read again.
    #[cold]
    #[inline(never)]
    fn turn<B>(
        self: Pin<&mut Self>,
        event: Event,
        released: &mut Option<u64>,
        cx: &mut Context<'_>,
    ) -> Poll<Poll<Option<Result<B>>>> {
        let mut this = self.project();
        let turned = match event {
            Event::Done => Err(None),
            Event::Failed(error) => Err(Some(error)),
            Event::Broken(error) => {
                reason::dropped_for(&error, || this.upstream.set(None));
                *this.failing = Some(error);
                this.tally.meter().watch(|| this.engine.release()).map_err(Some)
            }
            Event::Ended => {
                this.upstream.set(None);
                this.tally.meter().watch(|| this.engine.end()).map_err(Some)
            }
            Event::Idle | Event::Resting if this.engine.poll_due(cx) => Ok(()),
            Event::Resting => {
                this.pace.rest();
                return Poll::Ready(this.tally.rest_by_itself());
            }
            // Once per chunk and poll: a machine that says so for ever must not keep the worker. And a pause for the sake
            // of other tasks is not an idle source.
            Event::Idle
                if this.engine.flush_when_idle()
                    && *released != Some(this.tally.taken())
                    && tokio::task::coop::has_budget_remaining() =>
            {
                *released = Some(this.tally.taken());
                this.tally.meter().watch(|| this.engine.release()).map_err(Some)
            }
            Event::Idle => {
                this.pace.rest();
                return Poll::Ready(this.tally.rest());
            }
        };
        let Err(failure) = turned else { return Poll::Pending };
        this.tally.publish();
        *this.over = true;
        let failure = failure.map(|error| blame(error, this.engine, this.tally.taken()));
        let error = match (this.failing.take(), failure) {
            (Some(upstream), Some(later)) => Some(upstream.or_later(later)),
            (upstream, failure) => upstream.or(failure),
        };
        reason::dropped_with(error.as_ref(), || this.upstream.set(None));
        Poll::Ready(Poll::Ready(error.map(Err)))
    }
}

impl<S: Source, E: Engine<Input = S::Chunk>> Stream for Pipe<S, E> {
    type Item = Result<E::Output>;

    /// The way of a chunk. All else is left to `turn`: a third fewer instructions per chunk.
    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let (mut released, mut time) = (None, E::Time::default());
        loop {
            let mut this = self.as_mut().project();
            // Without its source it is draining, or over: then the machine is left alone.
            if this.upstream.is_none() && *this.over {
                return Poll::Ready(None);
            }
            let event = match this.tally.meter().watch(|| this.engine.read(&mut time)) {
                Ok(Answer::Output(output)) => {
                    this.tally.give::<E::Input>();
                    return Poll::Ready(Some(Ok(output)));
                }
                Ok(Answer::Input) => match this.upstream.as_mut().as_pin_mut() {
                    None => Event::Done,
                    Some(upstream) => match upstream.poll_next(cx) {
                        Poll::Ready(Some(Ok(chunk))) => {
                            this.tally.take::<E::Input>();
                            let first =
                                this.tally.meter().watch(|| this.engine.write(chunk, &mut time));
                            if this.engine.is_done() {
                                this.upstream.set(None);
                            }
                            match first {
                                Ok(Some(output)) => return Poll::Ready(Some(Ok(output))),
                                // A machine that swallows all it is given must not keep the worker.
                                Ok(None) => {
                                    let taken = this.tally.taken();
                                    if this.pace.poll_ready(taken, cx).is_pending() {
                                        return this.tally.rest();
                                    }
                                    continue;
                                }
                                Err(error) => Event::Failed(error),
                            }
                        }
                        Poll::Ready(Some(Err(error))) => Event::Broken(error),
                        Poll::Ready(None) => Event::Ended,
                        Poll::Pending => Event::Idle,
                    },
                },
                Ok(Answer::Wait) => Event::Resting,
                Ok(Answer::Done) => Event::Done,
                Err(error) => Event::Failed(error),
            };
            if let Poll::Ready(given) = self.as_mut().turn(event, &mut released, cx) {
                return given;
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.over.then_some(0))
    }
}

impl<S: Source, E: Engine<Input = S::Chunk>> Source for Pipe<S, E> {
    type Chunk = E::Output;

    /// As `poll_next` until then, but what is there for the sake of one chunk is done once for many.
    #[inline]
    fn poll_each<B>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut each: impl FnMut(E::Output) -> ControlFlow<B, Option<E::Output>>,
    ) -> Poll<Option<Result<B>>> {
        let (mut released, mut last) = (None, None);
        loop {
            let mut this = self.as_mut().project();
            if this.upstream.is_none() && *this.over {
                return Poll::Ready(None);
            }
            let mut flow = Flow { engine: &mut *this.engine, tally: &mut *this.tally };
            let upstream = this.upstream.as_mut().as_pin_mut();
            let stop = match (flow.give(last.take(), &mut E::Time::default(), &mut each), upstream)
            {
                (ControlFlow::Break(stop), _) => stop,
                (ControlFlow::Continue(()), None) => Stop::Event(Event::Done),
                (ControlFlow::Continue(()), Some(upstream)) => {
                    flow.pass(this.pace.at(), upstream, &mut each, cx)
                }
            };
            let event = match stop {
                Stop::Broken(value) => return Poll::Ready(Some(Ok(value))),
                Stop::Satisfied(output) => {
                    this.upstream.set(None);
                    last = output;
                    continue;
                }
                Stop::Swallowed => {
                    if this.pace.poll_ready(this.tally.taken(), cx).is_pending() {
                        return this.tally.rest();
                    }
                    continue;
                }
                Stop::Event(event) => event,
            };
            if let Poll::Ready(given) = self.as_mut().turn(event, &mut released, cx) {
                return given;
            }
        }
    }
}

/// Says which machine failed, and at which of its chunks.
#[cold]
fn blame<E: Engine>(error: Error, engine: &E, taken: u64) -> Error {
    error.attribute(engine.name(), taken.checked_sub(1))
}
