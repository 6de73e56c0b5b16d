//! Any `AsyncWrite` as a destination.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use highwater_core::{Destination, Error, Result};
use tokio::io::AsyncWrite;

use crate::batch::Batch;

/// Writes to an `AsyncWrite`: a socket, a pipe, an encoder.
///
/// Small chunks are gathered up to 64 KiB and go out together, in one vectored write where the writer knows how, and at
/// the latest when the source has nothing at hand. The end flushes the writer and shuts it down; an abort only drops it.
///
/// # Errors
///
/// From `write`, `flush` or `finish`, with the offset in bytes of the first byte that was not written. A writer that takes
/// nothing (`Ok(0)`) is a `WriteZero` error, an `Interrupted` write is tried again.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let mut out = std::io::Cursor::new(Vec::new());
/// Readable::from_iter(["any ", "AsyncWrite"]).pipe_to(highwater_io::io::write(&mut out)).run().await?;
/// assert_eq!(out.into_inner(), b"any AsyncWrite");
/// # Ok(()) }
/// ```
pub fn write<W: AsyncWrite, T>(writer: W) -> AsyncDestination<W, T> {
    AsyncDestination {
        writer: Box::pin(writer),
        batch: Batch::default(),
        written: 0,
        ended: false,
        chunk: PhantomData,
    }
}

/// The destination made by [`io::write`](write()). Its chunks are of any type that converts into [`Bytes`].
///
/// # Cancel safety
///
/// What a `write` has accepted, and how much of it has gone out, is kept here, not in its future: if one is dropped, the
/// rest goes out with what is called next, and nothing twice.
#[derive(Debug)]
pub struct AsyncDestination<W, T = Bytes> {
    writer: Pin<Box<W>>,
    batch: Batch,
    written: u64,
    ended: bool,
    chunk: PhantomData<fn(T)>,
}

impl<W: AsyncWrite, T> AsyncDestination<W, T> {
    /// Writes until nothing waits.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while !self.batch.is_empty() {
            let writer = self.writer.as_mut();
            let (offered, result) = if writer.is_write_vectored() {
                self.batch.with_slices(|slices| {
                    let offered = slices.iter().map(|slice| slice.len()).sum();
                    (offered, writer.poll_write_vectored(cx, slices))
                })
            } else {
                let first = self.batch.first();
                (first.len(), writer.poll_write(cx, first))
            };
            match ready!(result) {
                Ok(0) => return Poll::Ready(Err(self.failed(ErrorKind::WriteZero.into()))),
                // A writer that claims more than it was given cannot be trusted with the rest.
                Ok(n) if n > offered => {
                    return Poll::Ready(Err(self.failed(ErrorKind::InvalidData.into())));
                }
                Ok(n) => {
                    self.batch.written(n);
                    self.written += n as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(self.failed(error))),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The writer.
    pub fn get_mut(&mut self) -> &mut W
    where
        W: Unpin,
    {
        &mut self.writer
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.poll_drain(cx))?;
        self.batch.release();
        self.writer.as_mut().poll_flush(cx).map_err(|error| self.failed(error))
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if !self.ended {
            ready!(self.poll_flush(cx))?;
            self.ended = true;
        }
        self.writer.as_mut().poll_shutdown(cx).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: std::io::Error) -> Error {
        Error::from(error).in_stage("io::write").at_offset(self.written)
    }
}

impl<W, T> Destination for AsyncDestination<W, T>
where
    T: Into<Bytes> + AsRef<[u8]> + Send,
    W: AsyncWrite + Send,
{
    type Chunk = T;

    async fn open(&mut self) -> Result<()> {
        if self.ended { Err(Error::write_after_end().in_stage("io::write")) } else { Ok(()) }
    }

    fn accept(&mut self, chunk: T) -> Result<Option<T>> {
        if !self.batch.has_room(chunk.as_ref().len(), GATHER, GATHER) {
            return Ok(Some(chunk));
        }
        self.batch.push(chunk.into());
        Ok(None)
    }

    async fn write(&mut self, chunk: T) -> Result<()> {
        self.batch.push(chunk.into());
        if self.batch.len() < GATHER {
            return Ok(());
        }
        poll_fn(|cx| self.poll_drain(cx)).await
    }

    async fn flush(&mut self) -> Result<()> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    async fn finish(&mut self) -> Result<()> {
        poll_fn(|cx| self.poll_finish(cx)).await
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        self.ended = true;
        self.batch = Batch::default();
        Ok(())
    }

    fn weight(&self, chunk: &T) -> usize {
        chunk.as_ref().len()
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(GATHER)
    }

    fn name(&self) -> &'static str {
        "io::write"
    }
}

/// Bytes that gather before they are written.
const GATHER: usize = 64 * 1024;
