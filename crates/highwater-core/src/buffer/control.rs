//! Holding a buffer from elsewhere, and hearing what happens to it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::ledger::Life;
use super::shared::{Shared, Wait};
use super::wakes::Wakes;
use crate::{Error, Result};

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
pub struct Control(Arc<dyn Remote>);

/// What a [`Control`] can do, whatever the type of the chunks.
trait Remote: Send + Sync {
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

impl<T: Send> Remote for Shared<T> {
    fn pause(&self, paused: bool) {
        self.pause(paused);
    }

    fn destroy(&self, error: Error) {
        self.destroy(error);
    }

    fn stats(&self) -> BufferStats {
        self.stats()
    }

    fn poll_outcome(&self, id: &mut Option<u64>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll_wait(id, Wait::Outcome, cx)
    }

    fn is_ruined(&self) -> bool {
        let state = self.lock();
        state.ledger.life() == Life::Destroyed && !state.reader_is_gone
    }

    fn leave(&self, id: u64) {
        self.leave(id);
    }

    fn subscribe(&self) -> u64 {
        self.lock().subscribers.add()
    }

    fn unsubscribe(&self, id: u64) {
        let subscriber = self.lock().subscribers.remove(id);
        drop(subscriber);
    }

    fn poll_event(&self, id: u64, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let waker = cx.waker().clone();
        let _replaced;
        let mut state = self.lock();
        _replaced = state.subscribers.listen(id, waker);
        state.subscribers.next(id)
    }
}

impl Control {
    pub(super) fn new<T: Send + 'static>(shared: Arc<Shared<T>>) -> Self {
        Self(shared)
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
        let mut place = Place { remote: &*self.0, id: None };
        poll_fn(|cx| place.remote.poll_outcome(&mut place.id, cx)).await
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
        Events { id: self.0.subscribe(), remote: Arc::clone(&self.0) }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Control").field(&self.stats()).finish()
    }
}

struct Place<'a> {
    remote: &'a dyn Remote,
    id: Option<u64>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.remote.leave(id);
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
    remote: Arc<dyn Remote>,
}

impl Events {
    /// The next event; `None` after [`Event::Close`].
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.remote.poll_event(self.id, cx)).await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.remote.poll_event(self.id, cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.remote.unsubscribe(self.id);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

/// Those who listen to a buffer.
#[derive(Default)]
pub(super) struct Subscribers {
    next: u64,
    all: BTreeMap<u64, Subscriber>,
    closed: bool,
}

#[derive(Default)]
pub(super) struct Subscriber {
    queue: VecDeque<Event>,
    missed: u64,
    waker: Option<Waker>,
}

impl Subscribers {
    /// Notes an event for all; they are woken when `wakes` is dropped.
    #[inline]
    pub(super) fn tell(&mut self, event: Event, wakes: &mut Wakes) {
        self.closed |= matches!(event, Event::Close);
        if !self.all.is_empty() {
            self.tell_all(&event, wakes);
        }
    }

    #[cold]
    fn tell_all(&mut self, event: &Event, wakes: &mut Wakes) {
        for subscriber in self.all.values_mut() {
            if subscriber.queue.len() == EVENTS_HELD {
                subscriber.queue.pop_front();
                subscriber.missed += 1;
            }
            subscriber.queue.push_back(event.clone());
            wakes.extend(subscriber.waker.take());
        }
    }

    fn add(&mut self) -> u64 {
        self.next += 1;
        self.all.insert(self.next, Subscriber::default());
        self.next
    }

    fn remove(&mut self, id: u64) -> Option<Subscriber> {
        self.all.remove(&id)
    }

    fn listen(&mut self, id: u64, waker: Waker) -> Option<Waker> {
        self.all.get_mut(&id).and_then(|subscriber| subscriber.waker.replace(waker))
    }

    fn next(&mut self, id: u64) -> Poll<Option<Event>> {
        let closed = self.closed;
        let Some(subscriber) = self.all.get_mut(&id) else { return Poll::Ready(None) };
        if subscriber.missed > 0 {
            return Poll::Ready(Some(Event::Missed(std::mem::take(&mut subscriber.missed))));
        }
        match subscriber.queue.pop_front() {
            Some(event) => Poll::Ready(Some(event)),
            None if closed => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

const EVENTS_HELD: usize = 64;
