//! Any `AsyncRead` as a readable.

use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use highwater_core::stage::{Coop, StageInfo, StageStats};
use highwater_core::{Error, Readable, Result, Source};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, ReadBuf};

use crate::pool::Pool;

/// Reads an `AsyncRead`: a socket, a pipe, a decoder. Chunks are as the reader gives them, up to 64 KiB.
///
/// A buffer is taken from a shared pool when the reader is polled, and given back when it has nothing: a connection that
/// waits holds none.
///
/// # Cancel safety
///
/// Is cancel safe as far as the reader's `poll_read` is: a chunk that was read is given or still there.
///
/// # Errors
///
/// In the stream, with the offset in bytes; an `Interrupted` read is tried again.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let text: &[u8] = b"any AsyncRead";
/// assert_eq!(&highwater_io::io::read(text).to_bytes().await?[..], text);
/// # Ok(()) }
/// ```
pub fn read<R: AsyncRead>(reader: R) -> Readable<AsyncSource<R>> {
    let info = StageInfo::new("io::read").with_max_bytes(BUFFER);
    let (meter, coop) = (info.meter().clone(), Coop::default());
    Readable::from_source(info, AsyncSource { reader: Some(reader), coop, meter, given: 0 })
}

pin_project! {
    /// The source made by [`io::read`](read()).
    pub struct AsyncSource<R> {
        #[pin]
        reader: Option<R>,
        coop: Coop,
        meter: StageStats,
        given: u64,
    }
}

impl<R: AsyncRead> Stream for AsyncSource<R> {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(mut reader) = this.reader.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let mut buffer = POOL.take();
        let result = loop {
            ready!(this.coop.poll_ready(cx));
            let mut space = ReadBuf::new(buffer.space());
            let result = ready!(reader.as_mut().poll_read(cx, &mut space));
            this.coop.spend_bytes(space.filled().len());
            match result {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result.map(|()| space.filled().len()),
            }
        };
        match result {
            Ok(0) => {
                this.reader.set(None);
                Poll::Ready(None)
            }
            Ok(n) => {
                *this.given += n as u64;
                this.meter.publish_bytes(*this.given);
                Poll::Ready(Some(Ok(buffer.freeze(n))))
            }
            Err(error) => {
                this.reader.set(None);
                Poll::Ready(Some(Err(Error::from(error)
                    .in_stage("io::read")
                    .at_offset(*this.given))))
            }
        }
    }
}

impl<R: AsyncRead> Source for AsyncSource<R> {
    type Chunk = Bytes;
}

highwater_core::debug_fields!(AsyncSource<R>, given);

/// Bytes of a buffer.
const BUFFER: usize = 64 * 1024;

/// Up to 4 MiB of buffers wait here for the next reader of the process.
static POOL: LazyLock<Pool> = LazyLock::new(|| Pool::new(BUFFER, 64));
