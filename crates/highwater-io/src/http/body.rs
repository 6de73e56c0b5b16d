//! A readable as the body of a message.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use highwater_core::{BoxReadable, Error, Readable, Result, Source};
use http_body::{Frame, SizeHint};

/// Makes the body of a request or a response: for `axum::body::Body::new`, `reqwest::Body::wrap`, and hyper as it is.
///
/// Nothing runs before the body is sent. A body of unknown length is sent in chunks; [`Body::with_length`] says how long it is.
/// It has no trailers.
///
/// What a spawned [`Pipeline`](highwater_core::Pipeline) writes becomes a body by way of a buffer
/// ([`pass_through`](highwater_core::pass_through)): its writing end is the destination, its reading end is given here.
///
/// # Backpressure
///
/// The readable is asked when the peer takes more. What the server or the client holds in front of the socket is theirs:
/// hyper gathers up to some 400 KiB over HTTP/1.
///
/// # Cancel safety
///
/// A body that is dropped drops the readable, with its source and its tasks: when the peer goes away, the work stops.
/// Nobody is left who could wait for the job of an [`offload`](Readable::offload), which ends after the chunk it is at.
///
/// # Errors
///
/// An error of the readable is the error of the body: the server or the client breaks the message off, and the peer sees
/// that something is missing, never a clean end. By then a status of 200 is sent; what can fail early should do so before
/// the answer.
///
/// # Examples
///
/// ```
/// use highwater_core::{Error, HighWaterMark, Readable, Result, pass_through};
/// use highwater_io::http;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let rows = Readable::from_iter(0..3).try_map(|n| match n {
///     2 => Err(Error::corrupt("no such row")),
///     n => Ok(format!("{n}\n").into()),
/// });
/// let mut answer = http::read(http::body(rows));
/// assert_eq!(answer.next().await.unwrap()?, "0\n");
/// assert_eq!(answer.next().await.unwrap()?, "1\n");
/// assert!(answer.next().await.unwrap().unwrap_err().is_corrupt());
///
/// // Of a pipeline that runs on a task of its own, and reports.
/// let (writable, readable) = pass_through(HighWaterMark::bytes(64 * 1024));
/// let running = Readable::once("all of it".into()).pipe_to(writable).spawn();
/// assert_eq!(http::read(http::body(readable)).to_bytes().await?, "all of it");
/// assert_eq!(running.join().await?.weight_out(), 9);
/// # Ok(()) }
/// ```
pub fn body<S>(readable: Readable<S>) -> Body
where
    S: Source<Chunk = Bytes> + Send + 'static,
{
    Body { readable: Mutex::new(Some(readable.boxed())), left: None, last: None }
}

/// A body made by [`http::body`](body()).
pub struct Body {
    /// Until it has ended. The lock is never taken: it makes the body `Sync`, as reqwest wants it.
    readable: Mutex<Option<BoxReadable<Bytes>>>,
    /// Of the length that was said, what the readable has not given yet.
    left: Option<u64>,
    /// The chunk that made it up to the length. It goes out when the readable has ended well.
    last: Option<Bytes>,
}

impl Body {
    /// Says how many bytes it will have, which is sent as the `Content-Length`. Fewer or more are an error of the body.
    ///
    /// The chunk with the last byte waits until the readable has ended: an error in the place of its end, such as that of a
    /// digest that is not the right one, still breaks the body off.
    #[must_use]
    pub fn with_length(mut self, bytes: u64) -> Self {
        self.left = Some(bytes);
        self
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let readable = self.readable.get_mut().unwrap_or_else(PoisonError::into_inner);
        loop {
            let Some(reading) = readable else { return Poll::Ready(None) };
            let end = match ready!(Pin::new(reading).poll_next(cx)) {
                Some(Ok(chunk)) if chunk.is_empty() => continue,
                Some(Ok(chunk)) => {
                    let Some(left) = &mut self.left else { return Poll::Ready(Some(Ok(chunk))) };
                    match left.checked_sub(chunk.len() as u64) {
                        Some(0) => {
                            (*left, self.last) = (0, Some(chunk));
                            continue;
                        }
                        Some(rest) => {
                            *left = rest;
                            return Poll::Ready(Some(Ok(chunk)));
                        }
                        None => Some(Err(wrong("the body is longer than was said"))),
                    }
                }
                Some(Err(error)) => Some(Err(error)),
                None => match self.left {
                    Some(left @ 1..) => {
                        Some(Err(wrong(format!("{left} bytes are missing of the body"))))
                    }
                    _ => self.last.take().map(Ok),
                },
            };
            *readable = None;
            return Poll::Ready(end);
        }
    }
}

/// The server has said how long it is, so this is not the fault of the input.
#[cold]
fn wrong(what: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::msg(what).in_stage("http::body")
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>>>> {
        let chunk = ready!(self.poll_chunk(cx));
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.last.as_ref().map_or(0, |chunk| chunk.len() as u64);
        self.left.map_or_else(SizeHint::default, |left| SizeHint::with_exact(left + held))
    }
}

highwater_core::debug_fields!(Body, left);
