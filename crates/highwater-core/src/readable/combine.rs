//! Sources made of other sources and of futures.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{Life, Readable, Source};
use crate::error::{Error, Result};
use crate::reason;
use crate::stage::{StageCounter, StageInfo, StageStats};

/// Sources made of other sources and of futures.
impl<S: Source> Readable<S> {
    /// Turns each chunk into what an async closure makes of it, one after the other, in order.
    ///
    /// The closure returns a [`Result`]; its error ends the stream. The future lives in one box per stage, not per
    /// chunk.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: a future under way stays in the stage and goes on at the next poll.
    pub fn then<O, F, Fut>(self, f: F) -> Readable<Then<S, F, Fut>>
    where
        F: FnMut(S::Chunk) -> Fut,
        Fut: Future<Output = Result<O>>,
    {
        let info = StageInfo::new("then").with_max_bytes(0).passing();
        self.counted_stage(info, |source, tally| Then {
            upstream: Some(source),
            f,
            current: Box::pin(None),
            tally,
        })
    }

    /// The chunks of this one, then those of `next`, which is read when this one has ended.
    pub fn chain<S2>(self, next: Readable<S2>) -> Readable<Concat<S, S2>>
    where
        S2: Source<Chunk = S::Chunk>,
    {
        let second_failed = next.has_failed();
        let (second, plan) = next.into_parts();
        let sources = [self.plan.source_name(), plan.source_name()];
        let info = StageInfo::new("chain").with_max_bytes(0).combines().passing();
        let mut both = self.counted_stage(info, |first, tally| {
            let (first, second) = (Some(first), Some(second));
            Concat { first, second, second_failed, sources, tally }
        });
        both.plan.append_later(plan);
        both
    }

    /// Pairs of chunks, until one of the two ends; the other is dropped then.
    pub fn zip<S2: Source>(self, other: Readable<S2>) -> Readable<Zip<S, S2>> {
        let second_failed = other.has_failed();
        let (second, plan) = other.into_parts();
        let sources = [self.plan.source_name(), plan.source_name()];
        let info = StageInfo::new("zip").with_max_bytes(0).combines();
        let mut both = self.counted_stage(info, |first, tally| {
            let (first, second) = (Some(first), Some(second));
            Zip { first, second, held: None, sources, tally }
        });
        both.life = if second_failed { Life::Broken } else { both.life };
        both.plan.append(plan);
        both
    }

    /// The chunks until `until` resolves; the source is dropped then.
    ///
    /// This is a clean end: a destination behind it commits what it has. Use [`abort_on`](Self::abort_on) for a stop that
    /// must not be taken for the end.
    pub fn take_until<Fut: Future>(self, until: Fut) -> Readable<TakeUntil<S, Fut>> {
        let info = StageInfo::new("take_until").with_max_bytes(0).passing();
        let meter = info.meter().clone();
        let until = Box::pin(until);
        self.stage(info, |source| TakeUntil { upstream: Some(source), until, meter })
    }

    /// Ends cleanly where it would fail: the error goes to `f` instead of down the stream. For one of several sources whose
    /// end is its own business, such as a connection among those that are merged.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{Error, Readable, Result};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let mut why = None;
    /// let broken = Readable::from_iter(["1", "2", "three", "4"]).try_map(|n| Ok(n.parse::<u32>()?));
    /// assert_eq!(broken.until_error(|error| why = Some(error)).to_vec().await?, [1, 2]);
    /// assert_eq!(why.as_ref().and_then(Error::chunk), Some(2));
    /// # Ok(()) }
    /// ```
    pub fn until_error<F: FnOnce(Error)>(self, f: F) -> Readable<UntilError<S, F>> {
        let info = StageInfo::new("until_error").with_max_bytes(0);
        let meter = info.meter().clone();
        self.stage(info, |source| UntilError { upstream: Some(source), f: Some(f), meter })
    }
}

pin_project! {
    /// The source made by [`Readable::then`](crate::Readable::then).
    pub struct Then<S, F, Fut> {
        #[pin]
        upstream: Option<S>,
        f: F,
        // Boxed once, so that the stage is `Unpin` whatever the future is; the future itself comes and goes inside.
        current: Pin<Box<Option<Fut>>>,
        tally: StageCounter,
    }
}

impl<S, O, F, Fut> Stream for Then<S, F, Fut>
where
    S: Source,
    F: FnMut(S::Chunk) -> Fut,
    Fut: Future<Output = Result<O>>,
{
    type Item = Result<O>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            if let Some(future) = this.current.as_mut().as_pin_mut() {
                let Poll::Ready(result) = this.tally.meter().watch(|| future.poll(cx)) else {
                    return this.tally.rest_by_itself();
                };
                this.current.set(None);
                return Poll::Ready(Some(result.map_err(|error| {
                    let error = error.attribute("then", this.tally.taken().checked_sub(1));
                    reason::dropped_for(&error, || this.upstream.set(None));
                    error
                })));
            }
            let Some(upstream) = this.upstream.as_mut().as_pin_mut() else {
                return Poll::Ready(None);
            };
            let Poll::Ready(next) = upstream.poll_next(cx) else { return this.tally.rest() };
            match next {
                Some(Ok(chunk)) => {
                    this.tally.take::<S::Chunk>();
                    let future = this.tally.meter().watch(|| (this.f)(chunk));
                    this.current.set(Some(future));
                }
                end => {
                    let error = end.and_then(Result::err);
                    reason::dropped_with(error.as_ref(), || this.upstream.set(None));
                    this.tally.publish();
                    return Poll::Ready(error.map(Err));
                }
            }
        }
    }
}

impl<S, O, F, Fut> Source for Then<S, F, Fut>
where
    S: Source,
    F: FnMut(S::Chunk) -> Fut,
    Fut: Future<Output = Result<O>>,
{
    type Chunk = O;
}

debug_fields!(Then<S, F, Fut>, tally);

pin_project! {
    /// The source made by [`Readable::chain`](crate::Readable::chain).
    #[derive(Debug)]
    pub struct Concat<A, B> {
        #[pin]
        first: Option<A>,
        #[pin]
        second: Option<B>,
        // The second had failed before, and said so: it is a premature close, not an empty one.
        second_failed: bool,
        sources: [&'static str; 2],
        tally: StageCounter,
    }
}

impl<A: Source, B: Source<Chunk = A::Chunk>> Stream for Concat<A, B> {
    type Item = Result<A::Chunk>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let Some(first) = this.first.as_mut().as_pin_mut() {
            match ready!(first.poll_next(cx)) {
                Some(Ok(chunk)) => {
                    this.tally.take::<A::Chunk>();
                    return Poll::Ready(Some(Ok(chunk)));
                }
                None => this.first.set(None),
                Some(Err(error)) => {
                    let error = error.attribute(this.sources[0], None);
                    reason::dropped_for(&error, || {
                        this.first.set(None);
                        this.second.set(None);
                    });
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        let Some(second) = this.second.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let next = match std::mem::take(this.second_failed) {
            true => Some(Err(Error::premature_close())),
            false => ready!(second.poll_next(cx)),
        };
        match &next {
            Some(Ok(_)) => this.tally.take::<A::Chunk>(),
            end => {
                let error = end.as_ref().and_then(|end| end.as_ref().err());
                reason::dropped_with(error, || this.second.set(None));
            }
        }
        this.tally.publish();
        Poll::Ready(next.map(|item| item.map_err(|error| error.attribute(this.sources[1], None))))
    }
}

impl<A: Source, B: Source<Chunk = A::Chunk>> Source for Concat<A, B> {
    type Chunk = A::Chunk;
}

pin_project! {
    /// The source made by [`Readable::zip`](crate::Readable::zip).
    pub struct Zip<A: Source, B> {
        #[pin]
        first: Option<A>,
        #[pin]
        second: Option<B>,
        held: Option<A::Chunk>,
        sources: [&'static str; 2],
        tally: StageCounter,
    }
}

impl<A: Source, B: Source> Stream for Zip<A, B> {
    type Item = Result<(A::Chunk, B::Chunk)>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let (Some(first), Some(second)) =
            (this.first.as_mut().as_pin_mut(), this.second.as_mut().as_pin_mut())
        else {
            return Poll::Ready(None);
        };
        let (error, side) = 'end: {
            if this.held.is_none() {
                match ready!(first.poll_next(cx)) {
                    Some(Ok(chunk)) => *this.held = Some(chunk),
                    end => break 'end (end.and_then(Result::err), 0),
                }
            }
            match ready!(second.poll_next(cx)) {
                Some(Ok(chunk)) => {
                    let held =
                        this.held.take().expect("it was put there above, or by an earlier poll");
                    this.tally.take::<A::Chunk>();
                    this.tally.publish();
                    return Poll::Ready(Some(Ok((held, chunk))));
                }
                end => (end.and_then(Result::err), 1),
            }
        };
        *this.held = None;
        let error = error.map(|error| error.attribute(this.sources[side], None));
        reason::dropped_with(error.as_ref(), || {
            this.first.set(None);
            this.second.set(None);
        });
        Poll::Ready(error.map(Err))
    }
}

impl<A: Source, B: Source> Source for Zip<A, B> {
    type Chunk = (A::Chunk, B::Chunk);
}

debug_fields!(Zip<A: Source, B>, sources);

pin_project! {
    /// The source made by [`Readable::take_until`](crate::Readable::take_until).
    pub struct TakeUntil<S, Fut> {
        #[pin]
        upstream: Option<S>,
        until: Pin<Box<Fut>>,
        meter: StageStats,
    }
}

impl<S: Source, Fut: Future> Stream for TakeUntil<S, Fut> {
    type Item = Result<S::Chunk>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(upstream) = this.upstream.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let next = if this.meter.watch(|| this.until.as_mut().poll(cx)).is_ready() {
            None
        } else {
            ready!(upstream.poll_next(cx))
        };
        if !matches!(next, Some(Ok(_))) {
            let error = next.as_ref().and_then(|next| next.as_ref().err());
            reason::dropped_with(error, || this.upstream.set(None));
        }
        Poll::Ready(next)
    }
}

impl<S: Source, Fut: Future> Source for TakeUntil<S, Fut> {
    type Chunk = S::Chunk;
}

debug_fields!(TakeUntil<S, Fut>);

pin_project! {
    /// The source made by [`Readable::until_error`](crate::Readable::until_error).
    pub struct UntilError<S, F> {
        #[pin]
        upstream: Option<S>,
        f: Option<F>,
        meter: StageStats,
    }
}

impl<S: Source, F: FnOnce(Error)> Stream for UntilError<S, F> {
    type Item = Result<S::Chunk>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(upstream) = this.upstream.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let end = match ready!(upstream.poll_next(cx)) {
            Some(Ok(chunk)) => return Poll::Ready(Some(Ok(chunk))),
            end => end.and_then(Result::err),
        };
        reason::dropped_with(end.as_ref(), || this.upstream.set(None));
        if let (Some(error), Some(f)) = (end, this.f.take()) {
            this.meter.watch(|| f(error));
        }
        Poll::Ready(None)
    }
}

impl<S: Source, F: FnOnce(Error)> Source for UntilError<S, F> {
    type Chunk = S::Chunk;
}

debug_fields!(UntilError<S, F>);
