//! Readables that come out of a readable.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{Readable, Source};
use crate::error::Result;
use crate::pace::Pace;
use crate::reason;
use crate::stage::{StageCounter, StageInfo};

pin_project! {
    /// The source made by [`Readable::flatten`](crate::Readable::flatten).
    pub struct Flatten<S, I> {
        #[pin]
        outer: Option<S>,
        // Boxed, so that the stage is `Unpin` whatever the inner readables are.
        inner: Option<Pin<Box<Readable<I>>>>,
        // Many inner readables in a row may be empty.
        pace: Pace,
        tally: StageCounter,
    }
}

impl<S: Source<Chunk = Readable<I>>, I: Source> Readable<S> {
    /// Reads readables one after the other: the chunks of each, in order. With [`map`](Self::map) before it, it is Node's
    /// `flatMap` over streams.
    ///
    /// The next readable is asked for when the one before it has ended. Dropping the stage drops the one that is read.
    ///
    /// # Errors
    ///
    /// An error of an inner readable ends the stream, and drops the outer one.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{Readable, Result};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let counts = Readable::from_iter([2, 0, 3]).map(|n| Readable::from_iter(0..n)).flatten();
    /// assert_eq!(counts.to_vec().await?, [0, 1, 0, 1, 2]);
    /// # Ok(()) }
    /// ```
    pub fn flatten(self) -> Readable<Flatten<S, I>> {
        let info = StageInfo::new("flatten").with_max_bytes(0);
        self.counted_stage(info, |outer, tally| Flatten {
            outer: Some(outer),
            inner: None,
            pace: Pace::default(),
            tally,
        })
    }
}

impl<S: Source<Chunk = Readable<I>>, I: Source> Stream for Flatten<S, I> {
    type Item = Result<I::Chunk>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        loop {
            if let Some(inner) = this.inner {
                match inner.as_mut().poll_next(cx) {
                    Poll::Ready(Some(Ok(chunk))) => return Poll::Ready(Some(Ok(chunk))),
                    Poll::Ready(Some(Err(error))) => {
                        reason::dropped_for(&error, || {
                            *this.inner = None;
                            this.outer.set(None);
                        });
                        return Poll::Ready(Some(Err(error)));
                    }
                    Poll::Ready(None) => *this.inner = None,
                    Poll::Pending => {
                        this.pace.rest();
                        return this.tally.rest_by_itself();
                    }
                }
            }
            ready!(this.pace.poll_ready(cx));
            let Some(outer) = this.outer.as_mut().as_pin_mut() else { return Poll::Ready(None) };
            match outer.poll_next(cx) {
                Poll::Ready(Some(Ok(inner))) => {
                    this.pace.spend_to(this.pace.left() - 1);
                    this.tally.take::<S::Chunk>();
                    *this.inner = Some(Box::pin(inner.handed_over()));
                }
                Poll::Ready(end) => {
                    this.outer.set(None);
                    this.tally.publish();
                    return Poll::Ready(end.and_then(Result::err).map(Err));
                }
                Poll::Pending => {
                    this.pace.rest();
                    return this.tally.rest();
                }
            }
        }
    }
}

impl<S: Source<Chunk = Readable<I>>, I: Source> Source for Flatten<S, I> {
    type Chunk = I::Chunk;
}

debug_fields!(Flatten<S, I>, tally);
