//! Holding a buffer from elsewhere, and hearing what happens to it.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::error::{Error, Result};

/// A handle to a buffer that neither reads nor writes: it pauses, resumes, destroys, and tells.
///
/// It keeps neither end alive: a buffer whose writers or whose reader are gone is closed all the same.
///
/// # Examples
///
/// ```
/// use highwater_core::{HighWaterMark, pass_through};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let (writable, mut readable) = pass_through(HighWaterMark::items(16));
/// let control = readable.control();
/// control.pause();
/// let _ = writable.write("held back")?;
/// assert_eq!(control.stats().buffered, 1);
/// control.resume();
/// writable.end();
/// assert_eq!(readable.next().await.transpose()?, Some("held back"));
/// assert_eq!(readable.next().await.transpose()?, None);
/// control.finished().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Control(Arc<dyn Controlled>);

/// What a [`Control`] can do, whatever the type of the chunks.
pub(crate) trait Controlled: Send + Sync {
    fn pause(&self, paused: bool);
    fn destroy(&self, error: Error);
    fn stats(&self) -> BufferStats;
    fn poll_outcome(&self, id: &mut Option<u64>, cx: &mut Context<'_>) -> Poll<Result<()>>;
    fn is_ruined(&self) -> bool;
    fn leave(&self, id: u64);
    fn subscribe(&self) -> u64;
    fn unsubscribe(&self, id: u64);
    fn poll_event(&self, id: u64, cx: &mut Context<'_>) -> Poll<Option<Event>>;
}

impl Control {
    pub(crate) fn new<C: Controlled + 'static>(buffer: Arc<C>) -> Self {
        Self(buffer)
    }

    /// Delivers nothing more until [`resume`](Self::resume). The source goes on until the buffer is at its mark.
    pub fn pause(&self) {
        self.0.pause(true);
    }

    /// Delivers again. This is the user's pause: what holds the source at the mark is not touched by it.
    pub fn resume(&self) {
        self.0.pause(false);
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.stats().is_paused
    }

    /// Drops what is buffered, and gives the reader and every writer the error, or a premature close; see
    /// [`Writable::destroy`](crate::Writable::destroy). Does nothing once the buffer is over.
    pub fn destroy(&self, error: impl Into<Option<Error>>) {
        self.0.destroy(error.into().unwrap_or_else(Error::premature_close));
    }

    /// How it is doing.
    pub fn stats(&self) -> BufferStats {
        self.0.stats()
    }

    /// Waits until the reader has seen the end, or, of a [`Writable::new`](crate::Writable::new), until the destination
    /// has finished.
    ///
    /// # Errors
    ///
    /// Why that did not come about.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe.
    pub async fn finished(&self) -> Result<()> {
        let mut place = Place { buffer: &*self.0, id: None };
        poll_fn(|cx| place.buffer.poll_outcome(&mut place.id, cx)).await
    }

    /// Resolves with the error when the buffer is destroyed by another than its reader.
    pub(crate) async fn destroyed(&self) -> Error {
        match self.finished().await {
            Err(error) if self.0.is_ruined() => error,
            _ => std::future::pending().await,
        }
    }

    /// What happens to it from now on. Costs nothing before it is asked for.
    pub fn events(&self) -> Events {
        Events { id: self.0.subscribe(), buffer: Arc::clone(&self.0) }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Control").field(&self.stats()).finish()
    }
}

struct Place<'a> {
    buffer: &'a dyn Controlled,
    id: Option<u64>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.buffer.leave(id);
        }
    }
}

/// How a buffer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BufferStats {
    /// What is buffered, in the mark's unit; what a destination is writing counts until it is written.
    pub buffered: usize,
    /// The most that was buffered at any time.
    pub peak: usize,
    /// The mark.
    pub high_water_mark: usize,
    /// Chunks taken in so far.
    pub chunks: u64,
    /// What these weighed, in the mark's unit.
    pub weight: usize,
    /// Times it was drained after it had been full.
    pub drains: u64,
    /// Writing ends.
    pub writers: usize,
    /// Writers that wait for room.
    pub waiting: usize,
    /// How many corks hold delivery.
    pub corks: usize,
    /// Whether the reader waits for a chunk.
    pub is_awaited: bool,
    /// Whether delivery is paused.
    pub is_paused: bool,
}

/// What happens to a buffer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Delivery was paused.
    Pause,
    /// Delivery goes on.
    Resume,
    /// It was full, and has room again.
    Drain,
    /// The reader has seen the end.
    End,
    /// Everything was read, or written by the destination. After an [`Error`](Self::Error) if that destroyed a destination
    /// which could not be stopped any more.
    Finish,
    /// It failed, or was destroyed.
    Error(Error),
    /// Nothing follows. Always the last.
    Close,
    /// The listener was slow: so many events before this one were left out.
    Missed(u64),
}

/// The events of a buffer, as a stream that ends with [`Event::Close`].
///
/// It holds at the most 64 events for a slow listener; then the oldest make way for an [`Event::Missed`].
pub struct Events {
    id: u64,
    buffer: Arc<dyn Controlled>,
}

impl Events {
    /// The next event; `None` after [`Event::Close`].
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.buffer.poll_event(self.id, cx)).await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.buffer.poll_event(self.id, cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.buffer.unsubscribe(self.id);
    }
}

debug_fields!(Events);
