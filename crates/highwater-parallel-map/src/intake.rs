//! The items of the source, and its end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use highwater_core::stage::dropped_for;
use highwater_core::{Error, Readable, Result, Source};

/// A source, until its end; then how it ended, for when the items before that are done.
pub(crate) enum Intake<S> {
    Open(Readable<S>),
    Over(Result<()>),
}

impl<S: Source + Unpin> Intake<S> {
    /// Whether no more items come.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Over(_))
    }

    /// Gives the next item to `take`; false if no more come. An error of the source and a panic of `take` end it.
    pub(crate) fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(S::Chunk),
    ) -> Poll<bool> {
        let Self::Open(source) = self else { return Poll::Ready(false) };
        let end = match Pin::new(source).poll_next(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => Ok(()),
            Poll::Ready(Some(Err(error))) => Err(error),
            Poll::Ready(Some(Ok(item))) => match catch_unwind(AssertUnwindSafe(|| take(item))) {
                Ok(()) => return Poll::Ready(true),
                Err(payload) => Err(Error::panic(&*payload)),
            },
        };
        let before = std::mem::replace(self, Self::Over(end));
        match self {
            Self::Over(Err(error)) => dropped_for(error, || drop(before)),
            _ => drop(before),
        }
        Poll::Ready(false)
    }

    /// How the source ended.
    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Self::Open(_) => Ok(()),
            Self::Over(end) => end,
        }
    }
}
