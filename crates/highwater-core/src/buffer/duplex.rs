//! A reading and a writing side that belong together.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::buffered::Buffered;
use super::mark::HighWaterMark;
use super::outcome::Outcome;
use super::pass_through;
use super::writable::Writable;
use crate::error::{Error, Result};
use crate::readable::{Readable, Source};
use crate::reason;
use crate::stage::StageInfo;

/// Node's `Duplex`: a readable and a writable that belong together, such as the two directions of a socket or a child
/// process.
///
/// The sides are independent: the end of one leaves the other open, unless [`with_half_open(false)`](Self::with_half_open) says
/// otherwise. They are used where they are, or moved apart with [`split`](Self::split).
///
/// # Examples
///
/// A stage with two ends: written at its head, read at its tail.
///
/// ```
/// use highwater_core::{Duplex, HighWaterMark, pass_through};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let (head, tail) = pass_through(HighWaterMark::items(16));
/// let double = Duplex::new(tail.map(|x: u32| x * 2), head);
/// let (readable, writable) = double.split();
/// let (written, doubled) = tokio::join!(
///     async { for x in 1..=3 { writable.send(x).await? } writable.finish().await },
///     readable.to_vec(),
/// );
/// written?;
/// assert_eq!(doubled?, [2, 4, 6]);
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Duplex<R, W> {
    /// What comes in.
    pub readable: R,
    /// Where it goes out.
    pub writable: W,
}

impl<R, W> Duplex<R, W> {
    /// Puts two sides together that know how to close each other.
    pub fn from_parts(readable: R, writable: W) -> Self {
        Self { readable, writable }
    }

    /// The two sides, apart.
    pub fn split(self) -> (R, W) {
        (self.readable, self.writable)
    }
}

impl<S: Source, T> Duplex<Readable<TiedReadable<S, T>>, Writable<T>> {
    /// Ties the sides together: an error of either destroys the other.
    pub fn new(readable: Readable<S>, writable: Writable<T>) -> Self {
        let outcome = writable.outcome();
        let readable =
            readable.stage(StageInfo::new("Duplex").with_max_bytes(0).passing(), |source| {
                TiedReadable { source: Some(source), outcome, half_open: true }
            });
        Self { readable, writable }
    }

    /// Whether the writing side stays open when the reading side has ended: Node's `allowHalfOpen`. It does unless said
    /// otherwise. If not, what was written before the end still goes out.
    #[must_use]
    pub fn with_half_open(mut self, allowed: bool) -> Self {
        self.readable.source_mut().half_open = allowed;
        self
    }
}

impl<R, T> Duplex<R, Writable<T>> {
    /// Destroys the writing side with the error, or a premature close, and drops the reading side.
    pub fn destroy(self, error: impl Into<Option<Error>>) {
        self.writable.destroy(error);
    }
}

/// Two duplexes whose sides are crossed: what is written to one is read from the other. Node's `duplexPair`.
///
/// # Examples
///
/// ```
/// use highwater_core::{HighWaterMark, duplex_pair};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let (client, mut server) = duplex_pair(HighWaterMark::items(16));
/// client.writable.send("ping").await?;
/// assert_eq!(server.readable.next().await.transpose()?, Some("ping"));
/// # Ok(()) }
/// ```
pub fn duplex_pair<T>(mark: HighWaterMark<T>) -> (BufferedDuplex<T>, BufferedDuplex<T>)
where
    T: Send + 'static,
{
    let (there, here) = pass_through(mark.clone());
    let (back, from_there) = pass_through(mark);
    (Duplex::from_parts(from_there, there), Duplex::from_parts(here, back))
}

/// A duplex between two buffers.
pub type BufferedDuplex<T> = Duplex<Readable<Buffered<T>>, Writable<T>>;

pin_project! {
    /// The reading side of a [`Duplex::new`].
    pub struct TiedReadable<S, T> {
        #[pin]
        source: Option<S>,
        outcome: Outcome<T>,
        half_open: bool,
    }
}

impl<S: Source, T> Stream for TiedReadable<S, T> {
    type Item = Result<S::Chunk>;

    /// The failure of the writing side is looked at before each chunk: what is at hand is of no use any more.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(source) = this.source.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let failure = match this.outcome.failure() {
            Some(error) => Poll::Ready(error),
            None => match source.poll_next(cx) {
                Poll::Ready(Some(Ok(chunk))) => return Poll::Ready(Some(Ok(chunk))),
                Poll::Ready(Some(Err(error))) => Poll::Ready(error),
                Poll::Ready(None) => {
                    this.source.set(None);
                    if !*this.half_open {
                        this.outcome.end();
                    }
                    return Poll::Ready(None);
                }
                Poll::Pending => this.outcome.poll_failure(cx),
            },
        };
        let error = ready!(failure);
        this.outcome.destroy(error.clone());
        reason::dropped_for(&error, || this.source.set(None));
        Poll::Ready(Some(Err(error)))
    }
}

impl<S: Source, T> Source for TiedReadable<S, T> {
    type Chunk = S::Chunk;
}

debug_fields!(TiedReadable<S, T>, half_open);
