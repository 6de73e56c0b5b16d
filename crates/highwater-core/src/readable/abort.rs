//! A readable that a token stops.

use std::ops::ControlFlow::{self, Break};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;
use tokio_util::sync::CancellationToken;

use super::{Readable, Source};
use crate::error::{Error, Result};
use crate::reason::{self, dropped_for};
use crate::stage::StageInfo;
use crate::task::Cancelled;

impl<S: Source> Readable<S> {
    /// The chunks until the token is cancelled; then the source is dropped and the stream fails with an
    /// [`is_aborted`](crate::Error::is_aborted) error, however it is read. Node's `addAbortSignal`.
    ///
    /// The token is looked at before each chunk. A pipeline behind it aborts its destination, so that a file that was to be
    /// replaced stays as it was.
    ///
    /// It stops the source and the stages before it. A stage behind it that waits, and a destination that does not complete
    /// a write, do not see the token, and chunks in a buffer behind it are delivered before the error. A pipeline opens its
    /// destination, which makes the file of `fs::write` empty, although the token is cancelled already.
    /// [`Pipeline::abort_on`](crate::Pipeline::abort_on) stops all of these as well.
    ///
    /// # Errors
    ///
    /// That of the stream, or `is_aborted`.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{CancellationToken, Readable};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
    /// let token = CancellationToken::new();
    /// let mut endless = Readable::from_iter(0_u64..).abort_on(token.clone());
    /// assert_eq!(endless.next().await.transpose()?, Some(0));
    /// token.cancel();
    /// assert!(endless.next().await.is_some_and(|next| next.is_err_and(|error| error.is_aborted())));
    /// # Ok(()) }
    /// ```
    #[doc(alias = "addAbortSignal")]
    pub fn abort_on(self, token: CancellationToken) -> Readable<AbortOn<S>> {
        let cancelled = Cancelled::new(token.clone());
        let info =
            StageInfo::new("abort_on").with_max_bytes(0).passing().token(token, cancelled.signal());
        self.stage(info, |source| AbortOn { upstream: Some(source), cancelled })
    }
}

pin_project! {
    /// The source made by [`Readable::abort_on`](crate::Readable::abort_on).
    pub struct AbortOn<S> {
        #[pin]
        upstream: Option<S>,
        cancelled: Cancelled,
    }
}

impl<S: Source> AbortOn<S> {
    /// Drops the source.
    #[cold]
    fn abort<T>(self: Pin<&mut Self>) -> Poll<Option<Result<T>>> {
        let error = Error::aborted().in_stage("abort_on");
        dropped_for(&error, || self.project().upstream.set(None));
        Poll::Ready(Some(Err(error)))
    }
}

impl<S: Source> Stream for AbortOn<S> {
    type Item = Result<S::Chunk>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.as_mut().project();
        let Some(upstream) = this.upstream.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        if this.cancelled.is_raised() {
            return self.abort();
        }
        let next = upstream.poll_next(cx);
        if next.is_pending() && this.cancelled.poll(cx) {
            return self.abort();
        }
        if let Poll::Ready(end @ (None | Some(Err(_)))) = &next {
            let error = end.as_ref().and_then(|end| end.as_ref().err());
            reason::dropped_with(error, || this.upstream.set(None));
        }
        next
    }
}

impl<S: Source> Source for AbortOn<S> {
    type Chunk = S::Chunk;

    fn poll_each<B>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut each: impl FnMut(S::Chunk) -> ControlFlow<B, Option<S::Chunk>>,
    ) -> Poll<Option<Result<B>>> {
        let mut this = self.as_mut().project();
        let Some(upstream) = this.upstream.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        if this.cancelled.is_raised() {
            return self.abort();
        }
        let signal = this.cancelled.signal();
        let polled = upstream.poll_each(cx, |chunk| match signal.is_raised() {
            true => Break(None),
            false => each(chunk).map_break(Some),
        });
        match polled {
            Poll::Ready(Some(Ok(Some(value)))) => Poll::Ready(Some(Ok(value))),
            Poll::Ready(Some(Ok(None))) => self.abort(),
            Poll::Pending if this.cancelled.poll(cx) => self.abort(),
            Poll::Pending => Poll::Pending,
            Poll::Ready(end) => {
                let error = end.and_then(Result::err);
                reason::dropped_with(error.as_ref(), || this.upstream.set(None));
                Poll::Ready(error.map(Err))
            }
        }
    }
}

debug_fields!(AbortOn<S>);
