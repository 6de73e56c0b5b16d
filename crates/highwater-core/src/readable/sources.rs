//! Readables of what is there already: iterators and streams.

use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{Readable, Source};
use crate::coop::Coop;
use crate::error::{Error, Result};
use crate::stage::StageInfo;

/// The source made by [`Readable::from_iter`].
pub struct FromIter<I> {
    iter: I,
    over: bool,
}

/// The source made by [`Readable::once`] and [`Readable::empty`].
pub type Once<T> = FromIter<std::option::IntoIter<T>>;

impl<I: Iterator> Readable<FromIter<I>> {
    /// Reads an iterator. It runs on the task that reads, so it should not block.
    #[expect(
        clippy::should_implement_trait,
        reason = "a readable is not collected from items; Node calls it `from`"
    )]
    pub fn from_iter(iter: impl IntoIterator<IntoIter = I>) -> Self {
        let source = FromIter { iter: iter.into_iter(), over: false };
        Self::from_source(StageInfo::new("from_iter").with_max_bytes(0), source)
    }
}

impl<T> Readable<Once<T>> {
    /// One chunk.
    pub fn once(chunk: T) -> Self {
        Self::from_iter(Some(chunk))
    }

    /// No chunk.
    pub fn empty() -> Self {
        Self::from_iter(None)
    }
}

// The iterator is never pinned.
impl<I> Unpin for FromIter<I> {}

impl<I: Iterator> Stream for FromIter<I> {
    type Item = Result<I::Item>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_each(cx, ControlFlow::Break)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.over { (0, Some(0)) } else { self.iter.size_hint() }
    }
}

impl<I: Iterator> Source for FromIter<I> {
    type Chunk = I::Item;

    #[inline]
    fn poll_each<B>(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut each: impl FnMut(I::Item) -> ControlFlow<B, Option<I::Item>>,
    ) -> Poll<Option<Result<B>>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        let stopped = this.iter.try_for_each(|chunk| each(chunk).map_continue(drop));
        this.over = stopped.is_continue();
        Poll::Ready(stopped.break_value().map(Ok))
    }
}

debug_fields!(FromIter<I>);

pin_project! {
    /// The source made by [`Readable::from_stream`].
    pub struct FromStream<S> {
        #[pin]
        stream: Option<S>,
        coop: Coop,
    }
}

impl<S: Stream> Readable<FromStream<S>> {
    /// Reads a stream of plain values. A stream that is not `Unpin` wants [`pinned`](Readable::pinned) for
    /// [`next`](Readable::next).
    pub fn from_stream(stream: S) -> Self {
        let source = FromStream { stream: Some(stream), coop: Coop::default() };
        Self::from_source(StageInfo::new("from_stream"), source)
    }
}

impl<S: Stream> Stream for FromStream<S> {
    type Item = Result<S::Item>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(stream) = this.stream.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        ready!(this.coop.poll_ready(cx));
        let next = ready!(stream.poll_next(cx));
        this.coop.spend(1);
        if next.is_none() {
            this.stream.set(None);
        }
        Poll::Ready(next.map(Ok))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

impl<S: Stream> Source for FromStream<S> {
    type Chunk = S::Item;
}

debug_fields!(FromStream<S>);

pin_project! {
    /// The source made by [`Readable::from_results`].
    pub struct FromResults<S> {
        #[pin]
        stream: Option<S>,
        coop: Coop,
    }
}

impl<S> Readable<FromResults<S>> {
    /// Reads a stream of results. The first error ends it, and the stream is dropped.
    pub fn from_results<T, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<T, E>>,
        E: Into<Error>,
    {
        let source = FromResults { stream: Some(stream), coop: Coop::default() };
        Self::from_source(StageInfo::new("from_results"), source)
    }
}

impl<S, T, E> Stream for FromResults<S>
where
    S: Stream<Item = Result<T, E>>,
    E: Into<Error>,
{
    type Item = Result<T>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(stream) = this.stream.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        ready!(this.coop.poll_ready(cx));
        let next = ready!(stream.poll_next(cx));
        this.coop.spend(1);
        match next {
            Some(Ok(chunk)) => Poll::Ready(Some(Ok(chunk))),
            end => {
                this.stream.set(None);
                Poll::Ready(end.map(|item| item.map_err(Into::into)))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.stream.as_ref().map_or(Some(0), |stream| stream.size_hint().1))
    }
}

impl<S, T, E> Source for FromResults<S>
where
    S: Stream<Item = Result<T, E>>,
    E: Into<Error>,
{
    type Chunk = T;
}

debug_fields!(FromResults<S>);
