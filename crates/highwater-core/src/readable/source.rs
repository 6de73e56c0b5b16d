//! What chunks come from.

use std::ops::{ControlFlow, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::error::Result;

/// A source of chunks: a [`Stream`] of results with [`Error`](crate::Error) that says what its chunks are.
///
/// # Examples
///
/// A stream of one's own is a source when it says so:
///
/// ```
/// use std::pin::Pin;
/// use std::task::{Context, Poll};
///
/// use futures_core::Stream;
/// use highwater_core::{Readable, Result, Source};
/// use highwater_core::stage::StageInfo;
///
/// struct Countdown(u32);
///
/// impl Stream for Countdown {
///     type Item = Result<u32>;
///     fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<u32>>> {
///         let left = self.0.checked_sub(1);
///         self.0 = left.unwrap_or(0);
///         Poll::Ready(left.map(Ok))
///     }
/// }
///
/// impl Source for Countdown {
///     type Chunk = u32;
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let countdown = Readable::from_source(StageInfo::new("countdown"), Countdown(3));
/// assert_eq!(countdown.to_vec().await?, [2, 1, 0]);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source of chunks",
    label = "a stream of `Result<T, highwater::Error>` is one when it says so: `impl Source for .. {{ type Chunk = T; }}`",
    note = "a stream of plain values: `Readable::from_stream`; of results: `Readable::from_results`; an `AsyncRead`: `highwater::io::read`"
)]
pub trait Source: Stream<Item = Result<Self::Chunk>> {
    /// What it gives: `Bytes` in byte mode, anything else in object mode.
    type Chunk;

    /// Hands out chunks for as long as there are some and `each` says to go on: what [`Iterator::try_for_each`] is to
    /// [`Iterator::next`].
    ///
    /// A chunk that is of no use can be given back, so that the source makes the next one of it: `Continue(Some(chunk))`.
    ///
    /// It is ready with the value that `each` broke off with, behind the chunk it did so at; with the error; or with
    /// `None`, the end. A source that overrides it does what `poll_next` until then would do: a loop around one chunk
    /// after the other is only made tighter, by keeping in registers what `poll_next` has to load and to store.
    ///
    /// The stages on the way count their chunks, but are not timed: a measured pipeline reads one chunk after the other.
    ///
    /// # Errors
    ///
    /// Those of the source, in their place.
    #[inline]
    fn poll_each<B>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut each: impl FnMut(Self::Chunk) -> ControlFlow<B, Option<Self::Chunk>>,
    ) -> Poll<Option<Result<B>>>
    where
        Self: Sized,
    {
        loop {
            match ready!(self.as_mut().poll_next(cx)) {
                Some(Ok(chunk)) => {
                    if let ControlFlow::Break(value) = each(chunk) {
                        return Poll::Ready(Some(Ok(value)));
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<S: Source + Unpin> Source for &mut S {
    type Chunk = S::Chunk;

    #[inline]
    fn poll_each<B>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        each: impl FnMut(S::Chunk) -> ControlFlow<B, Option<S::Chunk>>,
    ) -> Poll<Option<Result<B>>> {
        Pin::new(&mut **self).poll_each(cx, each)
    }
}

impl<S: Source + Unpin + ?Sized> Source for Box<S> {
    type Chunk = S::Chunk;
}

impl<P: DerefMut<Target: Source> + Unpin> Source for Pin<P> {
    type Chunk = <P::Target as Source>::Chunk;
}

impl<T> Source for dyn Stream<Item = Result<T>> + Send + '_ {
    type Chunk = T;
}

impl<T> Source for dyn Stream<Item = Result<T>> + '_ {
    type Chunk = T;
}
