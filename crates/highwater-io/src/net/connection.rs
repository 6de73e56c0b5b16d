//! The two directions of a TCP connection.

use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use highwater_core::stage::StageInfo;
use highwater_core::{Control, Destination, Duplex, Error, Readable, Result, Source};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::seats::Seat;
use crate::io::{AsyncDestination, AsyncSource, read, write};

/// A TCP connection: what [`connect`](super::connect) and [`listen`](super::listen()) give.
pub type Connection = Duplex<Readable<Incoming>, Outgoing>;

/// What the peer sends, as chunks of up to 64 KiB. A connection that waits holds no buffer.
#[derive(Debug)]
pub struct Incoming {
    source: AsyncSource<ReadHalf>,
    peer: SocketAddr,
}

impl Incoming {
    /// The address of the peer.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }
}

impl Stream for Incoming {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.source).poll_next(cx)
    }
}

impl Source for Incoming {
    type Chunk = Bytes;
}

/// The writing half: a destination of [`Bytes`], as [`io::write`](crate::io::write()) is one. Other chunks go through
/// `.map(Bytes::from)`.
///
/// The end of a stream shuts the direction down, which the peer sees as an end; the other direction goes on. Without it,
/// after an abort or a drop, the connection is reset when both directions are dropped: the peer must not take what was cut
/// off for the whole, nor nothing at all for an empty answer. Who only reads, and has nothing to say, says so by
/// [`finish`](Destination::finish).
#[derive(Debug)]
pub struct Outgoing {
    destination: AsyncDestination<WriteHalf>,
    peer: SocketAddr,
}

impl Outgoing {
    /// The address of the peer.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }
}

#[deny(clippy::missing_trait_methods)]
impl Destination for Outgoing {
    type Chunk = Bytes;

    async fn open(&mut self) -> Result<()> {
        Destination::open(&mut self.destination).await
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.destination.write(chunk).await
    }

    fn accept(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        self.destination.accept(chunk)
    }

    async fn flush(&mut self) -> Result<()> {
        Destination::flush(&mut self.destination).await
    }

    async fn on_idle(&mut self) -> Result<()> {
        self.destination.on_idle().await
    }

    async fn finish(&mut self) -> Result<()> {
        Destination::finish(&mut self.destination).await
    }

    async fn abort(&mut self, error: &Error) -> Result<()> {
        Destination::abort(&mut self.destination, error).await
    }

    fn weight(&self, chunk: &Bytes) -> usize {
        self.destination.weight(chunk)
    }

    fn max_bytes(&self) -> Option<usize> {
        Destination::max_bytes(&self.destination)
    }

    fn buffer(&self) -> Option<Control> {
        Destination::buffer(&self.destination)
    }

    fn name(&self) -> &'static str {
        "net::Outgoing"
    }
}

/// A TCP connection as one `AsyncRead` and `AsyncWrite`, for [`io::copy_duplex`](crate::io::copy_duplex) and the like: what
/// [`Listening::accept`](super::Listening::accept) and [`Socket::connect`] give.
///
/// As with [`Outgoing`], a drop without a shutdown resets the connection.
#[derive(Debug)]
pub struct Socket {
    reader: ReadHalf,
    writer: WriteHalf,
    peer: SocketAddr,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, seat: Option<Seat>) -> io::Result<Self> {
        let peer = stream.peer_addr()?;
        let shared = Arc::new(Shared { stream, _seat: seat });
        Ok(Self { reader: ReadHalf(Arc::clone(&shared)), writer: WriteHalf::new(shared), peer })
    }

    /// The address of the peer.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The socket, for options that have no method here: `socket2::SockRef::from(socket.get_ref())`.
    ///
    /// Reading or writing through it takes bytes out of the order of the streams.
    pub fn get_ref(&self) -> &TcpStream {
        &self.reader.0.stream
    }

    /// Both directions, as a duplex.
    pub fn into_duplex(self) -> Connection {
        let Self { reader, writer, peer } = self;
        let info = StageInfo::new("net::Incoming").with_max_bytes(0);
        let readable = read(reader).stage(info, |source| Incoming { source, peer });
        Duplex::from_parts(readable, Outgoing { destination: write(writer), peer })
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.writer.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(cx)
    }
}

#[derive(Debug)]
struct Shared {
    stream: TcpStream,
    _seat: Option<Seat>,
}

#[derive(Debug)]
pub(super) struct ReadHalf(Arc<Shared>);

impl AsyncRead for ReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.stream.poll_read_ready(cx))?;
            match self.0.stream.try_read(buffer.initialize_unfilled()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result.map(|n| buffer.advance(n))),
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct WriteHalf {
    socket: Arc<Shared>,
    /// It was shut down.
    ended: bool,
}

impl WriteHalf {
    fn new(socket: Arc<Shared>) -> Self {
        Self { socket, ended: false }
    }

    fn poll_try(
        &self,
        cx: &mut Context<'_>,
        attempt: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket.stream.poll_write_ready(cx))?;
            match attempt(&self.socket.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_try(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_try(cx, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        SockRef::from(&self.socket.stream).shutdown(Shutdown::Write)?;
        self.ended = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for WriteHalf {
    fn drop(&mut self) {
        if !self.ended {
            // A socket that is closed with this resets; if it cannot be set, the connection is gone already.
            drop(SockRef::from(&self.socket.stream).set_linger(Some(Duration::ZERO)));
        }
    }
}
