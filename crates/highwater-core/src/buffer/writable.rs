//! The writing end.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::ledger::{Life, Limit, Room};
use super::mark::HighWaterMark;
use super::shared::{Shared, Wait};
use super::write_error::WriteError;
use crate::error::{Error, Result};
use crate::stage::Control;

/// Node's `Writable`, the handle: the writing end of a buffer.
///
/// There are two ways to write. [`write`](Self::write) is Node's: it never waits; it takes the chunk and answers
/// [`Room::Full`] when the writer should wait for [`drain`](Self::drain). That is for **one** writer. Many writers, each
/// with its clone, use [`send`](Self::send) or [`reserve`](Self::reserve), or the [`Sink`](futures_sink::Sink): they
/// wait for room in line, first come, first served.
///
/// # Ends
///
/// - [`end`](Self::end): nobody writes any more. What is buffered is still read, then the reader sees the end.
/// - [`done`](Self::done): this handle has written all it had; the end comes when every handle has said so.
/// - dropping a handle without either is a premature close, behind the chunks written before, once the last handle is
///   gone, in whatever order they go: an end is never guessed.
/// - [`fail`](Self::fail): the reader gets an error behind the chunks written before.
/// - [`destroy`](Self::destroy): the reader gets the error at once, and what is buffered is dropped.
///
/// When the reading end fails, writers get its error: of the stage that fails while it reads, or of the pipeline.
///
/// # Examples
///
/// ```
/// use highwater_core::{HighWaterMark, pass_through};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let (writable, mut readable) = pass_through(HighWaterMark::items(16));
/// let producer = async move {
///     for n in 0..100_u32 {
///         if writable.write(n)?.is_full() {
///             writable.drain().await?;
///         }
///     }
///     writable.finish().await
/// };
/// let consumer = async {
///     let mut sum = 0;
///     while let Some(n) = readable.next().await {
///         sum += n?;
///     }
///     Ok(sum)
/// };
/// let ((), sum) = tokio::try_join!(producer, consumer)?;
/// assert_eq!(sum, 4950);
/// # Ok(()) }
/// ```
pub struct Writable<T> {
    pub(super) shared: Arc<Shared<T>>,
    /// The place in line of its `Sink`, or its turn.
    pub(super) turn: Option<u64>,
    is_done: bool,
}

/// Writing.
impl<T> Writable<T> {
    pub(super) fn of(shared: Arc<Shared<T>>) -> Self {
        Self { shared, turn: None, is_done: false }
    }

    /// Takes the chunk, and says whether there is room for more. Never waits.
    ///
    /// # Backpressure
    ///
    /// After [`Room::Full`], wait for [`drain`](Self::drain). Who goes on writing is refused at the hard mark. The answer
    /// counts what is buffered, not the room that is kept for permits of others.
    ///
    /// # Errors
    ///
    /// The chunk comes back in a [`WriteError`], whose [`error`](WriteError::error) is: [`is_overflow`](Error::is_overflow)
    /// at the hard mark, [`is_write_after_end`](Error::is_write_after_end), the error with which it failed or was destroyed,
    /// the error of the stage or pipeline that read it, or a premature close when the reader is gone without one.
    #[inline]
    pub fn write(&self, chunk: T) -> Result<Room, WriteError<T>> {
        self.shared.put(chunk, Limit::Hard, None)
    }

    /// Takes the chunk if nobody waits in line, and what is buffered and what is kept for permits are together below the
    /// high mark.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); [`is_overflow`](Error::is_overflow) at the high mark already.
    #[inline]
    pub fn try_write(&self, chunk: T) -> Result<(), WriteError<T>> {
        self.shared.put(chunk, Limit::High, None).map(|_| ())
    }

    /// Waits for room in line, then writes.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe for the stream, which is as if this had not been called; the chunk is dropped with the future.
    /// [`reserve`](Self::reserve) first, and nothing is lost.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), but never for want of room.
    #[inline]
    pub async fn send(&self, chunk: T) -> Result<(), WriteError<T>> {
        let weight = self.shared.mark().weight(&chunk);
        let chunk = match self.shared.put_weighed((chunk, weight), Limit::Gate, None) {
            Err(refused) if refused.error.is_overflow() => refused.chunk,
            result => return result.map(|_| ()),
        };
        match self.reserve_weight(weight).await {
            Ok(permit) => permit.send_weighed(chunk, weight),
            Err(error) => Err(WriteError::new(error, chunk)),
        }
    }

    /// Waits in line for room, and keeps it for the chunk to come.
    ///
    /// The room is that of one item, or, in a mark that weighs its chunks, all of the mark, for the chunk is not known yet;
    /// with [`reserve_weight`](Self::reserve_weight) several permits fit beside each other. As with every write, a turn
    /// comes when what is buffered and kept is below the high mark, and may then go beyond it. Nobody who waits for room
    /// gets what is kept.
    ///
    /// A turn that was given to a `reserve` or `send` that is not polled any more passes to the next in line, so that one
    /// which is forgotten locks up nobody. A permit keeps its room until it is used or dropped.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: nothing is lost; a turn that was given passes on to the next in line.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), but never for want of room.
    pub async fn reserve(&self) -> Result<Permit<'_, T>> {
        self.reserve_weight(self.shared.mark().place()).await
    }

    /// [`reserve`](Self::reserve) for a chunk of this weight, in the mark's unit; less than 1 counts as 1.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe, as `reserve` is.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use highwater_core::{HighWaterMark, pass_through};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
    /// let (writable, _readable) = pass_through(HighWaterMark::<Bytes>::bytes(8));
    /// let four = writable.reserve_weight(4).await?;
    /// let five = writable.reserve_weight(5).await?;
    /// assert!(writable.try_write(Bytes::from_static(b"a")).is_err(), "all room is kept");
    /// five.send(Bytes::from_static(b"12345"))?;
    /// four.send(Bytes::from_static(b"1234"))?;
    /// # Ok(()) }
    /// ```
    pub async fn reserve_weight(&self, weight: usize) -> Result<Permit<'_, T>> {
        let wait = Wait::Turn(weight.max(1));
        let mut permit = Permit { shared: &self.shared, id: None };
        poll_fn(|cx| permit.poll(wait, cx)).await?;
        Ok(permit)
    }

    /// Waits until the buffer is drained: it never was full, or has fallen to its low mark. Opens a cork.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe.
    ///
    /// # Errors
    ///
    /// It was destroyed, or the reader is gone.
    pub async fn drain(&self) -> Result<()> {
        self.wait(Wait::Drain).await
    }

    async fn wait(&self, wait: Wait) -> Result<()> {
        let mut place = Permit { shared: &self.shared, id: None };
        poll_fn(|cx| place.poll(wait, cx)).await
    }

    /// Holds back delivery, so that what is written goes out in one piece: until the last cork is dropped, the end, or
    /// somebody waits for room.
    pub fn cork(&self) -> Cork<'_, T> {
        self.shared.lock().ledger.cork();
        Cork { shared: &self.shared }
    }
}

/// Ending.
impl<T> Writable<T> {
    /// No more writes, by anybody. May be called again; the first time counts.
    pub fn end(&self) {
        self.shared.end(None);
    }

    /// This handle has written all it had. The stream ends when every handle has said so; one that is dropped without a
    /// word makes it a premature close.
    pub fn done(mut self) {
        self.is_done = true;
    }

    /// Ends with an error: the reader gets it behind the chunks written before, and every later write at once. Does nothing
    /// after an end.
    pub fn fail(&self, error: impl Into<Error>) {
        self.shared.end(Some(&error.into()));
    }

    /// Ends, and waits until all was read, or, of a [`Writable::new`], written, flushed and closed.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: it has ended, and may be waited for again.
    ///
    /// # Errors
    ///
    /// The destination's, the one it was destroyed with, or a premature close when the reader is gone.
    pub async fn finish(&self) -> Result<()> {
        self.end();
        self.finished().await
    }

    /// Waits until somebody has ended it and all was read, or, of a [`Writable::new`], written, flushed and closed.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish).
    pub async fn finished(&self) -> Result<()> {
        self.wait(Wait::Outcome).await
    }

    /// Drops what is buffered, and gives the reader and every writer the error, or a premature close. The first call
    /// counts; it does nothing once the stream is over.
    ///
    /// The destination of a [`Writable::new`] is aborted, also while it finishes. One that cannot be stopped any more and
    /// finishes is reported as it is: [`finished`](Self::finished) then returns `Ok`.
    pub fn destroy(&self, error: impl Into<Option<Error>>) {
        self.shared.destroy(error.into().unwrap_or_else(Error::premature_close));
    }
}

/// Asking.
impl<T> Writable<T> {
    /// What is buffered, in the mark's unit. What a destination is writing counts until it is written.
    pub fn buffered(&self) -> usize {
        self.shared.lock().ledger.buffered()
    }

    /// The mark.
    pub fn high_water_mark(&self) -> &HighWaterMark<T> {
        self.shared.mark()
    }

    /// Whether it was full and has not drained since: Node's `writableNeedDrain`.
    pub fn needs_drain(&self) -> bool {
        self.shared.lock().ledger.needs_drain()
    }

    /// How many corks hold it: none after the end.
    pub fn corks(&self) -> usize {
        self.shared.lock().ledger.corks()
    }

    /// Whether it was told to end.
    pub fn is_ended(&self) -> bool {
        matches!(self.shared.lock().ledger.life(), Life::Ending | Life::Ended)
    }

    /// Whether everything was read, or written by the destination.
    pub fn is_finished(&self) -> bool {
        self.shared.lock().has_finished()
    }

    /// Whether it was destroyed, or its reader is gone.
    pub fn is_destroyed(&self) -> bool {
        self.shared.lock().ledger.life() == Life::Destroyed
    }

    /// Why it failed, if it did.
    pub fn error(&self) -> Option<Error> {
        self.shared.lock().known_failure()
    }
}

impl<T: Send + 'static> Writable<T> {
    /// A handle that pauses, destroys, and tells.
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.shared))
    }
}

impl<T> Clone for Writable<T> {
    /// One more writing end.
    fn clone(&self) -> Self {
        self.shared.add_writer();
        Self::of(Arc::clone(&self.shared))
    }
}

impl<T> Drop for Writable<T> {
    fn drop(&mut self) {
        if let Some(id) = self.turn {
            self.shared.leave(id);
        }
        self.shared.remove_writer(self.is_done);
    }
}

impl<T> fmt::Debug for Writable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writable").field("stats", &self.shared.stats()).finish_non_exhaustive()
    }
}

/// Room for one chunk, given by [`Writable::reserve`]. Dropping it gives the room to the next in line.
#[must_use = "dropping it gives the room to the next in line"]
pub struct Permit<'a, T> {
    shared: &'a Shared<T>,
    id: Option<u64>,
}

impl<T> Permit<'_, T> {
    /// Writes into the room that was kept.
    ///
    /// # Errors
    ///
    /// The chunk comes back if the stream was ended, was destroyed, or lost its reader in the meantime; with
    /// [`is_overflow`](Error::is_overflow), if it is heavier than what was reserved and there is no room for it.
    pub fn send(self, chunk: T) -> Result<(), WriteError<T>> {
        // A panic of the weigher drops the permit, and gives up its room.
        let weight = self.shared.mark().weight(&chunk);
        self.send_weighed(chunk, weight)
    }

    fn send_weighed(mut self, chunk: T, weight: usize) -> Result<(), WriteError<T>> {
        let turn = self.id.take();
        self.shared.put_weighed((chunk, weight), Limit::Room, turn).map(|_| ())
    }

    fn poll(&mut self, wait: Wait, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.shared.poll_wait(&mut self.id, wait, cx)
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.shared.leave(id);
        }
    }
}

debug_fields!(Permit<'a, T>);

/// Holds back delivery while it lives: see [`Writable::cork`].
#[must_use = "dropping it uncorks"]
pub struct Cork<'a, T> {
    shared: &'a Shared<T>,
}

impl<T> Drop for Cork<'_, T> {
    fn drop(&mut self) {
        self.shared.uncork();
    }
}

debug_fields!(Cork<'a, T>);
