//! What a reader has left.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use highwater_core::{Error, Result, Source};
use pin_project_lite::pin_project;

pin_project! {
    /// The rest of a chunk, then the chunks behind it: what
    /// [`into_readable`](crate::BinaryReader::into_readable) gives.
    #[derive(Debug)]
    #[must_use = "streams do nothing unless polled"]
    pub struct Rest<S> {
        first: Bytes,
        // Gone as soon as it is over.
        #[pin]
        source: Option<S>,
        // The source had failed before: the rest is cut off.
        failed: Option<Error>,
    }
}

impl<S> Rest<S> {
    pub(super) fn new(first: Bytes, source: Option<S>, failed: Option<Error>) -> Self {
        Self { first, source, failed }
    }
}

impl<S: Source<Chunk = Bytes>> Stream for Rest<S> {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let mut this = self.project();
        if !this.first.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(this.first))));
        }
        let Some(source) = this.source.as_mut().as_pin_mut() else {
            return Poll::Ready(this.failed.take().map(Err));
        };
        let next = ready!(source.poll_next(cx));
        if !matches!(next, Some(Ok(_))) {
            this.source.set(None);
        }
        Poll::Ready(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let first = usize::from(!self.first.is_empty());
        let failed = usize::from(self.failed.is_some());
        let source = self.source.as_ref().map_or((failed, Some(failed)), Stream::size_hint);
        (source.0.saturating_add(first), source.1.and_then(|most| most.checked_add(first)))
    }
}

impl<S: Source<Chunk = Bytes>> Source for Rest<S> {
    type Chunk = Bytes;
}
