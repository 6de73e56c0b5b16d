//! Any stream of bytes that is read and written.

use highwater_core::{Duplex, Readable};
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf, split};

use super::{AsyncDestination, AsyncSource, read, write};

/// What [`duplex`] gives.
pub type AsyncDuplex<S> =
    Duplex<Readable<AsyncSource<ReadHalf<S>>>, AsyncDestination<WriteHalf<S>>>;

/// Both directions of an `AsyncRead` and `AsyncWrite`: a socket, a pipe pair, a TLS session.
///
/// Nothing is spawned and no buffer is held while nothing moves. The writing side is a destination;
/// [`Writable::new`](highwater_core::Writable::new) makes a handle of it. A TCP connection is better made with
/// [`net::connect`](crate::net::connect), whose halves need no lock and whose abort the peer can tell from an end.
///
/// # Examples
///
/// ```
/// use highwater_core::Result;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let (client, server) = tokio::io::duplex(1024);
/// // An echo server is a readable piped to its own writable.
/// let (readable, writable) = highwater_io::io::duplex(server).split();
/// let echo = readable.pipe_to(writable);
///
/// let (answers, mut requests) = highwater_io::io::duplex(client).split();
/// let request = highwater_core::Readable::once("hello".into()).pipe_to(&mut requests).run();
/// let (_, _, answer) = tokio::try_join!(echo.run(), request, answers.to_bytes())?;
/// assert_eq!(answer, "hello");
/// # Ok(()) }
/// ```
pub fn duplex<S: AsyncRead + AsyncWrite>(stream: S) -> AsyncDuplex<S> {
    let (reader, writer) = split(stream);
    Duplex::from_parts(read(reader), write(writer))
}
