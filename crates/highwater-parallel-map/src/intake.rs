//! The items of the source, and its end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use highwater_core::{Error, Readable, Result, Source, dropped_for};

/// A source, until its end; then how it ended, for when the items before that are done.
pub(crate) struct Intake<S> {
    source: Option<Readable<S>>,
    end: End,
}

enum End {
    Clean,
    Failed(Error),
    /// Unwinds once more at the end, so that the stage which panicked is known by the same means as ever.
    Panicked(Box<dyn Any + Send>),
}

impl<S: Source + Unpin> Intake<S> {
    pub(crate) fn new(source: Readable<S>) -> Self {
        Self { source: Some(source), end: End::Clean }
    }

    /// Whether no more items come.
    pub(crate) fn is_over(&self) -> bool {
        self.source.is_none()
    }

    /// Gives the next item to `take`; false if no more come. A panic of either ends the source.
    pub(crate) fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(S::Chunk),
    ) -> Poll<bool> {
        let Some(source) = &mut self.source else { return Poll::Ready(false) };
        let polled = catch_unwind(AssertUnwindSafe(|| {
            Pin::new(source).poll_next(cx).map(|next| next.map(|item| item.map(take)))
        }));
        let end = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Some(Ok(())))) => return Poll::Ready(true),
            Ok(Poll::Ready(Some(Err(error)))) => End::Failed(error),
            Ok(Poll::Ready(None)) => End::Clean,
            Err(payload) => End::Panicked(payload),
        };
        let source = self.source.take();
        if let End::Failed(error) = &end {
            dropped_for(error, || drop(source));
        }
        self.end = end;
        Poll::Ready(false)
    }

    /// How the source ended.
    ///
    /// # Panics
    ///
    /// If the source did.
    pub(crate) fn finish(self) -> Result<()> {
        match self.end {
            End::Clean => Ok(()),
            End::Failed(error) => Err(error),
            End::Panicked(payload) => resume_unwind(payload),
        }
    }
}
