//! `AsyncRead`, `AsyncWrite`, standard input and output.

mod read;
mod stdio;
mod write;

use bytes::Bytes;
use highwater_core::{Readable, Source};
use tokio_util::io::StreamReader;

pub use read::{AsyncSource, read};
pub use stdio::{stdin, stdout};
pub(crate) use stdio::{stdin_file, stdout_file};
pub use write::{AsyncDestination, write};

/// The way back: a readable of bytes as an `AsyncRead` and `AsyncBufRead`.
pub trait IntoAsyncReadExt<S> {
    /// Makes an `AsyncRead` and `AsyncBufRead` of it, without copying chunks.
    ///
    /// # Cancel safety
    ///
    /// A chunk that is partly read stays in the reader.
    ///
    /// # Errors
    ///
    /// Those of the stream come as `io::Error`, which gives them back whole when it is turned into
    /// [`Error`](highwater_core::Error) again.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use highwater_core::{Readable, Result};
    /// use highwater_io::IntoAsyncReadExt;
    /// use tokio::io::{AsyncBufReadExt, AsyncReadExt};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let mut reader = Readable::from_iter(["one\ntw", "o\n"].map(Bytes::from)).into_async_read();
    /// let (mut line, mut rest) = (String::new(), String::new());
    /// reader.read_line(&mut line).await?;
    /// reader.read_to_string(&mut rest).await?;
    /// assert_eq!((line.as_str(), rest.as_str()), ("one\n", "two\n"));
    /// # Ok(()) }
    /// ```
    fn into_async_read(self) -> StreamReader<Readable<S>, Bytes>
    where
        S: Source<Chunk = Bytes>;
}

impl<S> IntoAsyncReadExt<S> for Readable<S> {
    fn into_async_read(self) -> StreamReader<Self, Bytes>
    where
        S: Source<Chunk = Bytes>,
    {
        StreamReader::new(self)
    }
}
