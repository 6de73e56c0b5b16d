//! Sources that must not take too long.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

use super::{Readable, Source};
use crate::error::{Error, Result};
use crate::reason;
use crate::stage::StageInfo;
use crate::task::after;

/// Time limits, on Tokio's clock. What is too late is an [`is_timeout`](Error::is_timeout) error, and the source is dropped.
///
/// Only the time in which the source is waited for counts: a slow consumer is never taken for a slow source.
impl<S: Source> Readable<S> {
    /// Fails when the source is asked and gives no chunk for so long. The time starts anew with every chunk.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use highwater_core::{HighWaterMark, pass_through};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> highwater_core::Result<()> {
    /// let (writable, readable) = pass_through(HighWaterMark::items(4));
    /// let mut readable = readable.idle_timeout(Duration::from_secs(30));
    /// writable.send("one").await?;
    /// assert_eq!(readable.next().await.transpose()?, Some("one"));
    /// assert!(readable.next().await.unwrap().unwrap_err().is_timeout());
    /// # Ok(()) }
    /// ```
    pub fn idle_timeout(self, limit: Duration) -> Readable<Timeout<S>> {
        self.limited("idle_timeout", Applies::ToEach, limit)
    }

    /// Fails when the first chunk, or the end, does not come for so long after the source is first asked.
    pub fn first_timeout(self, limit: Duration) -> Readable<Timeout<S>> {
        self.limited("first_timeout", Applies::ToFirst, limit)
    }

    /// Fails when the end has not come so long after the source is first asked, however much it gives. This one counts all
    /// time, the consumer's as well.
    pub fn total_timeout(self, limit: Duration) -> Readable<Timeout<S>> {
        self.limited("total_timeout", Applies::ToAll, limit)
    }

    fn limited(
        self,
        name: &'static str,
        applies: Applies,
        limit: Duration,
    ) -> Readable<Timeout<S>> {
        let info = StageInfo::new(name).with_max_bytes(0).passing();
        self.stage(info, |source| Timeout {
            source: Some(source),
            name,
            applies,
            limit,
            timer: None,
        })
    }
}

pin_project! {
    /// A source with a time limit: see [`Readable::idle_timeout`].
    pub struct Timeout<S> {
        #[pin]
        source: Option<S>,
        name: &'static str,
        applies: Applies,
        limit: Duration,
        timer: Option<Pin<Box<Sleep>>>,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applies {
    ToEach,
    ToFirst,
    ToAll,
    /// The first chunk has come in time.
    NoMore,
}

impl<S: Source> Stream for Timeout<S> {
    type Item = Result<S::Chunk>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(source) = this.source.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let mut late = false;
        // Looked at before the source, so that no chunk is read and then lost.
        if *this.applies == Applies::ToAll {
            late = is_late(this.timer, *this.limit, cx);
        }
        let mut polled = if late { Poll::Pending } else { source.poll_next(cx) };
        match (&polled, *this.applies) {
            (_, Applies::ToAll | Applies::NoMore) => {}
            (Poll::Pending, _) => late = is_late(this.timer, *this.limit, cx),
            (Poll::Ready(_), applies) => {
                *this.timer = None;
                if applies == Applies::ToFirst {
                    *this.applies = Applies::NoMore;
                }
            }
        }
        if late {
            let error = Error::timeout(describe(*this.applies, *this.limit));
            polled = Poll::Ready(Some(Err(error.in_stage(this.name))));
        }
        match &polled {
            Poll::Ready(None) => this.source.set(None),
            Poll::Ready(Some(Err(error))) => {
                reason::dropped_for(error, || this.source.set(None));
            }
            _ => {}
        }
        polled
    }
}

impl<S: Source> Source for Timeout<S> {
    type Chunk = S::Chunk;
}

debug_fields!(Timeout<S>, applies, limit);

/// Starts the timer if it does not run; else the task is woken when it is over.
fn is_late(timer: &mut Option<Pin<Box<Sleep>>>, limit: Duration, cx: &mut Context<'_>) -> bool {
    timer.get_or_insert_with(|| Box::pin(sleep_until(after(limit)))).as_mut().poll(cx).is_ready()
}

fn describe(applies: Applies, limit: Duration) -> String {
    match applies {
        Applies::ToAll => format!("no end after {limit:?}"),
        Applies::ToFirst => format!("no first chunk after {limit:?}"),
        Applies::ToEach | Applies::NoMore => format!("no chunk for {limit:?}"),
    }
}
