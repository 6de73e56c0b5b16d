//! The connection underneath: for yamux the traits of futures, and for us a look at how it ended.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use futures_util::io::{AsyncRead, AsyncWrite};
use highwater_core::Error;
use highwater_core::sync::Mutex;
use tokio::io::{AsyncRead as TokioRead, AsyncWrite as TokioWrite, BufStream, ReadBuf};

use crate::lock;

/// Why a session is over. The first reason stays.
pub(super) type Fate = Arc<OnceLock<Error>>;

/// It goes away, and opens nothing any more.
#[cold]
pub(super) fn leaving() -> Error {
    Error::write_after_end().context("the session is going away").in_stage("session")
}

/// A connection that two look at: yamux, and who closes it in the end.
pub(super) struct Wire<C> {
    connection: Arc<Mutex<BufStream<C>>>,
    fate: Fate,
}

impl<C: TokioRead + TokioWrite + Unpin> Wire<C> {
    pub(super) fn new(connection: C, fate: Fate) -> Self {
        let buffered = BufStream::with_capacity(READ_AHEAD, WRITE_BEHIND, connection);
        Self { connection: Arc::new(Mutex::new(buffered)), fate }
    }

    fn poll<T>(
        &self,
        poll: impl FnOnce(Pin<&mut BufStream<C>>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        // Nobody else polls it at the same time: the lock is never waited for.
        let polled = poll(Pin::new(&mut lock(&self.connection)));
        polled.map_err(|error| {
            let kind = error.kind();
            drop(self.fate.set(Error::from(error).in_stage("session")));
            kind.into()
        })
    }

    /// Shuts the writing direction down, as far as that was not done.
    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|connection| connection.poll_shutdown(cx))
    }

    /// Reads to the end, and drops what comes.
    pub(super) fn poll_discard(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [0; 1024];
        loop {
            let mut space = ReadBuf::new(&mut space);
            ready!(self.poll(|connection| connection.poll_read(cx, &mut space)))?;
            if space.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<C> Clone for Wire<C> {
    fn clone(&self) -> Self {
        Self { connection: Arc::clone(&self.connection), fate: Arc::clone(&self.fate) }
    }
}

impl<C: TokioRead + TokioWrite + Unpin> AsyncRead for Wire<C> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut space = ReadBuf::new(space);
        ready!(self.poll(|connection| connection.poll_read(cx, &mut space)))?;
        let read = space.filled().len();
        if read == 0 {
            // Whoever goes in peace says so, and is not read any further.
            let cut = Error::premature_close().context("the connection ended without a farewell");
            drop(self.fate.set(cut.in_stage("session")));
        }
        Poll::Ready(Ok(read))
    }
}

impl<C: TokioRead + TokioWrite + Unpin> AsyncWrite for Wire<C> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(|connection| connection.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(|connection| connection.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_shutdown(cx)
    }
}

/// Bytes read from the connection at a time.
const READ_AHEAD: usize = 64 * 1024;

/// Room for a frame with its header, so that they go out together.
const WRITE_BEHIND: usize = 32 * 1024;
