//! One of the streams: what comes, and where it goes out.

use std::fmt;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::io::AsyncWrite;
use futures_util::task::AtomicWaker;
use highwater_core::source::Piped;
use highwater_core::stage::{Coop, StageInfo, StageStats};
use highwater_core::sync::Mutex;
use highwater_core::{Destination, Duplex, Error, Readable, Result, Source};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::records::{RECORD, RecordDecoder, RecordEncoder};
use super::wire::Fate;
use crate::lock;

/// A stream of a [`Session`](super::Session): what the peer sends, and where what we send goes.
///
/// The sides are independent, as those of a TCP connection: the end of one is an end for the peer's reader, and the other
/// goes on. A side that is dropped before its end resets the stream when the other one is dropped, too, or is through; an
/// [`abort`](Destination::abort) resets it at once, and its error comes from the readable, too. Who only reads, and has nothing to say, says so by
/// [`finish`](Destination::finish).
///
/// After the readable is dropped, the bytes that the peer sends are discarded for as long as the writable is open. A peer
/// that sends more than 256 KiB of them has the stream reset, so that its writer fails rather than waits for a reader that
/// is gone; the writable then fails with an [`is_limit`](Error::is_limit) error.
pub type FramedStream = Duplex<Piped<Incoming, RecordDecoder>, Outgoing>;

/// The peer's records, up to 256 KiB of which wait to be read.
pub struct Incoming {
    shared: Arc<Shared>,
    unread: Arc<Unread>,
    coop: Coop,
    meter: StageStats,
    /// Bytes so far, with those that mark the ends of records.
    given: u64,
}

/// What goes to the peer: a destination, which gathers small chunks up to 16 KiB.
///
/// # Errors
///
/// [`io_kind`](Error::io_kind) is `ConnectionReset` when the peer has reset the stream: it was not read to its end.
/// [`is_limit`](Error::is_limit) when the readable was dropped and the peer continued to send. Otherwise why the session is
/// over.
pub struct Outgoing {
    shared: Option<Arc<Shared>>,
    encoder: RecordEncoder,
}

/// Streams that lost their reader since the task of the session last looked.
#[derive(Default)]
pub(super) struct Unread {
    streams: Mutex<Vec<Weak<Shared>>>,
    driver: AtomicWaker,
}

impl Unread {
    /// Gives a stream to the task of the session.
    pub(super) fn push(&self, stream: Weak<Shared>) {
        lock(&self.streams).push(stream);
        self.driver.wake();
    }

    /// Those since the last look; the task is woken when there are more.
    pub(super) fn take(&self, cx: &Context<'_>) -> Vec<Weak<Shared>> {
        self.driver.register(cx.waker());
        std::mem::take(&mut *lock(&self.streams))
    }
}

/// What both sides need.
pub(super) struct Shared {
    stream: Mutex<Link>,
    fate: Fate,
    _seat: TaskTrackerToken,
}

/// The stream underneath, or why it was reset from here.
enum Link {
    Up(yamux::Stream),
    Reset(Error),
}

/// Makes a stream, and has the peer hear of it.
pub(super) fn open(
    mut stream: yamux::Stream,
    fate: Fate,
    seat: TaskTrackerToken,
    unread: Arc<Unread>,
    cx: &mut Context<'_>,
) -> FramedStream {
    // An empty frame: it opens a stream, or says that this side has it. There is room for a first one; if the connection
    // is gone, the first read or write says so.
    drop(Pin::new(&mut stream).poll_write(cx, &[]));
    let shared = Arc::new(Shared { stream: Mutex::new(Link::Up(stream)), fate, _seat: seat });
    let info = StageInfo::new("session").with_max_bytes(WINDOW);
    let (shared_too, coop, meter) = (Arc::clone(&shared), Coop::default(), info.meter().clone());
    let incoming = Incoming { shared: shared_too, unread, coop, meter, given: 0 };
    let readable = Readable::from_source(info, incoming).pipe(RecordDecoder::default());
    Duplex::from_parts(
        readable,
        Outgoing { shared: Some(shared), encoder: RecordEncoder::default() },
    )
}

impl Shared {
    pub(super) fn poll<T>(
        &self,
        poll: impl FnOnce(Pin<&mut yamux::Stream>) -> Poll<Option<T>>,
    ) -> Poll<Result<T>> {
        match &mut *lock(&self.stream) {
            Link::Up(stream) => {
                let polled = ready!(poll(Pin::new(stream)));
                Poll::Ready(polled.ok_or_else(|| self.lost()))
            }
            Link::Reset(error) => Poll::Ready(Err(error.clone())),
        }
    }

    /// Why nothing goes any more, if not for something here.
    #[cold]
    fn lost(&self) -> Error {
        self.fate.get().cloned().unwrap_or_else(|| {
            let reset = Error::from(std::io::Error::from(ErrorKind::ConnectionReset));
            reset.context("the peer has reset the stream").in_stage("session")
        })
    }

    /// Has the peer see an error. What it sent before it has reset the stream itself can still be read.
    pub(super) fn reset(&self, error: &Error) {
        let mut link = lock(&self.stream);
        if matches!(&*link, Link::Up(stream) if !stream.is_closed()) {
            let stream = std::mem::replace(&mut *link, Link::Reset(error.clone()));
            // Dropping it is what resets it, and may wake the other side.
            drop(link);
            drop(stream);
        }
    }
}

impl Stream for Incoming {
    type Item = Result<Bytes>;

    /// It never ends: what does not give the mark has failed.
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(self.coop.poll_ready(cx));
        let packet = ready!(self.shared.poll(|stream| poll_packet(stream, cx)))?;
        self.given += packet.len() as u64;
        self.meter.publish_bytes(self.given);
        self.coop.spend_bytes(packet.len());
        Poll::Ready(Some(Ok(packet)))
    }
}

/// The next bytes of a stream; `None` at its end, whatever that was.
pub(super) fn poll_packet(
    stream: Pin<&mut yamux::Stream>,
    cx: &mut Context<'_>,
) -> Poll<Option<Bytes>> {
    stream.poll_next(cx).map(|packet| packet.and_then(Result::ok).map(Bytes::from_owner))
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.unread.push(Arc::downgrade(&self.shared));
    }
}

impl Source for Incoming {
    type Chunk = Bytes;
}

impl Outgoing {
    /// Sends what is complete or, if asked for, all.
    fn poll_send(&mut self, all: bool, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Some(shared) = &self.shared else {
            return Poll::Ready(Err(Error::write_after_end().in_stage("session")));
        };
        while let Some(bytes) = self.encoder.next_part(all) {
            let sent = ready!(shared.poll(|stream| stream.poll_write(cx, bytes).map(Result::ok)))?;
            self.encoder.sent(sent);
        }
        if !all {
            return Poll::Ready(Ok(()));
        }
        shared.poll(|stream| stream.poll_flush(cx).map(Result::ok))
    }

    async fn send(&mut self, all: bool) -> Result<()> {
        poll_fn(|cx| self.poll_send(all, cx)).await
    }
}

impl Destination for Outgoing {
    type Chunk = Bytes;

    async fn open(&mut self) -> Result<()> {
        if self.shared.is_some() {
            Ok(())
        } else {
            Err(Error::write_after_end().in_stage("session"))
        }
    }

    fn accept(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        Ok(self.encoder.accept(chunk))
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.encoder.push(chunk);
        self.send(false).await
    }

    async fn flush(&mut self) -> Result<()> {
        self.send(true).await
    }

    async fn finish(&mut self) -> Result<()> {
        self.send(true).await?;
        self.encoder.end();
        self.send(true).await?;
        self.shared = None;
        Ok(())
    }

    async fn abort(&mut self, error: &Error) -> Result<()> {
        if let Some(shared) = self.shared.take() {
            shared.reset(error);
        }
        Ok(())
    }

    fn weight(&self, chunk: &Bytes) -> usize {
        chunk.len()
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(RECORD + QUEUED * RECORD)
    }

    fn name(&self) -> &'static str {
        "session"
    }
}

highwater_core::debug_fields!(Incoming, given);

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("open", &self.shared.is_some()).finish_non_exhaustive()
    }
}

/// What waits to be read of a stream, in bytes, unless the session lets windows grow: the protocol says so.
pub(super) const WINDOW: usize = 256 * 1024;

/// Frames of a stream that wait for the connection: yamux has a channel for 10, and one for each of two senders.
const QUEUED: usize = 12;
