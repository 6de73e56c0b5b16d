//! The writing end as the rest of the world knows it: a `Sink`, a `Destination`, an `AsyncWrite`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_sink::Sink;
use tokio::io::AsyncWrite;

use super::ledger::Limit;
use super::shared::{Shared, Wait};
use super::writable::Writable;
use crate::destination::Destination;
use crate::error::{Error, Result};
use crate::stage::Control;

impl<T> Unpin for Writable<T> {}

/// Waits in line for room, and keeps as much as [`reserve`](Self::reserve) does from `poll_ready` to `start_send`. Closing ends the stream for all handles and waits until it is finished.
///
/// A flush has nothing to do: what is written is with the reader, or with the writer task, which flushes its destination
/// whenever it has nothing at hand.
impl<T> Sink<T> for Writable<T> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let me = self.get_mut();
        me.shared.poll_wait(&mut me.turn, Wait::Turn(me.shared.mark().place()), cx)
    }

    fn start_send(self: Pin<&mut Self>, chunk: T) -> Result<()> {
        let me = self.get_mut();
        // A panic of the weigher leaves the turn where it is.
        let weight = me.shared.mark().weight(&chunk);
        let turn = me.turn.take();
        Ok(me.shared.put_weighed((chunk, weight), Limit::Hard, turn).map(|_| ())?)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(self.error().map_or(Ok(()), Err))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let me = self.get_mut();
        me.end();
        me.shared.poll_wait(&mut me.turn, Wait::Outcome, cx)
    }
}

/// Copies what is written into chunks no longer than the high mark. Shutting down ends the stream and waits until it is
/// finished.
impl AsyncWrite for Writable<Bytes> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        ready!(self.as_mut().poll_ready(cx))?;
        let taken = bytes.len().min(self.high_water_mark().high().max(1));
        self.start_send(Bytes::copy_from_slice(&bytes[..taken]))?;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Sink::poll_flush(self, cx).map_err(Into::into)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Sink::poll_close(self, cx).map_err(Into::into)
    }
}

/// Chunks of a pipeline wait for room like those of any other writer.
///
/// When the pipeline fails, the reader gets the error behind the chunks written before, as with
/// [`fail`](Writable::fail); an abort signal [destroys](Writable::destroy) it. With a [`Writable::new`], the pipeline then
/// waits until the destination was aborted, and keeps an error of that. An abort signal meanwhile destroys it as well.
impl<T: Send + 'static> Destination for Writable<T> {
    type Chunk = T;

    async fn open(&mut self) -> Result<()> {
        self.shared.lock().refusal().map_or(Ok(()), Err)
    }

    fn accept(&mut self, chunk: T) -> Result<Option<T>> {
        let weight = self.high_water_mark().weight(&chunk);
        match self.shared.put_weighed((chunk, weight), Limit::Gate, None) {
            Ok(_) => Ok(None),
            Err(refused) if refused.error().is_overflow() => Ok(Some(refused.into_chunk())),
            Err(refused) => Err(refused.into()),
        }
    }

    async fn write(&mut self, chunk: T) -> Result<()> {
        Ok(self.send(chunk).await?)
    }

    /// Returns at once: a chunk has arrived here when the buffer has it. Its reader may well wait for this pipeline to
    /// end, so that waiting for the reader could be waiting for oneself; [`finish`](Self::finish) does wait.
    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        Self::finish(self).await
    }

    async fn abort(&mut self, error: &Error) -> Result<()> {
        if error.is_write_after_end() && self.is_ended() {
            // Somebody else has ended it, and what was written by others is still whole.
            return Ok(());
        }
        if error.is_aborted() {
            self.destroy(error.clone());
        } else {
            self.fail(error.clone());
        }
        if !self.shared.has_writer() {
            return Ok(());
        }
        let _unless_closed = DestroyOnDrop { shared: &self.shared, error };
        match self.finished().await {
            Ok(()) => Err(Error::committed()),
            // Why it was aborted is known to the pipeline.
            Err(_) => self.shared.later_failure().map_or(Ok(()), Err),
        }
    }

    fn weight(&self, chunk: &T) -> usize {
        self.high_water_mark().weight(chunk)
    }

    fn max_bytes(&self) -> Option<usize> {
        self.high_water_mark().max_bytes()
    }

    fn buffer(&self) -> Option<Control> {
        Some(self.control())
    }

    fn name(&self) -> &'static str {
        "Writable"
    }
}

/// Whoever does not wait any more until it is closed has it closed at once. Does nothing once it is closed.
struct DestroyOnDrop<'a, T> {
    shared: &'a Shared<T>,
    error: &'a Error,
}

impl<T> Drop for DestroyOnDrop<'_, T> {
    fn drop(&mut self) {
        self.shared.destroy(self.error.clone());
    }
}
