//! The body of a message as a readable.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use highwater_core::stage::{Coop, StageInfo, StageStats};
use highwater_core::{Error, Readable, Result, Source};
use http::HeaderMap;
use pin_project_lite::pin_project;

/// Reads the body of a request or a response: `hyper::body::Incoming`, `axum::body::Body`, `reqwest::Body`.
///
/// Chunks are as the body gives them, and are not copied where they are [`Bytes`] already. Trailers are dropped;
/// [`read_with_trailers`] keeps them.
///
/// # Backpressure
///
/// The body is asked when the readable is, and nothing is read ahead here. What the server or the client has read from
/// the socket by then is theirs: hyper reads up to some 400 KiB over HTTP/1, and up to its window over HTTP/2.
///
/// # Cancel safety
///
/// Is cancel safe. A readable that is dropped before its end drops the body, and with HTTP/1 the connection goes with it.
///
/// # Errors
///
/// In the stream, behind the chunks before, with the offset in bytes: that of the body, such as a peer that went away
/// before the end; and a body that has fewer bytes than it said ([`is_truncated`](Error::is_truncated)), or more
/// ([`is_corrupt`](Error::is_corrupt)).
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_io::http;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// // As a server gets it.
/// let request = http::body(Readable::from_iter(["hel", "lo"]).map(Into::into)).with_length(5);
/// assert_eq!(http::length(&request), Some(5));
/// assert_eq!(http::read(request).to_bytes().await?, "hello");
/// # Ok(()) }
/// ```
pub fn read<B>(body: B) -> Readable<BodySource<B>>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    read_with_trailers(body).0
}

/// The same, and the trailers, which are there when the readable has ended.
///
/// # Errors
///
/// Those of [`read()`].
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_io::http;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let response = http::body(Readable::once("hello".into()));
/// let (readable, trailers) = http::read_with_trailers(response);
/// readable.to_bytes().await?;
/// assert!(trailers.take().is_none(), "a body made of a readable has none");
/// # Ok(()) }
/// ```
pub fn read_with_trailers<B>(body: B) -> (Readable<BodySource<B>>, Trailers)
where
    B: http_body::Body,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let info = StageInfo::new(NAME).with_max_bytes(0);
    let (meter, length, trailers) = (info.meter().clone(), length(&body), Trailers::default());
    let source = BodySource {
        body: Some(body),
        length,
        trailers: trailers.clone(),
        coop: Coop::default(),
        meter,
        given: 0,
    };
    (Readable::from_source(info, source), trailers)
}

/// How many bytes a body will have, if it says so: the `Content-Length`, the total of a progress bar.
pub fn length(body: &impl http_body::Body) -> Option<u64> {
    body.size_hint().exact()
}

/// The header fields behind a body: of [`read_with_trailers`]. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Trailers(Arc<Mutex<Option<HeaderMap>>>);

impl Trailers {
    /// Takes them out. `None` before the end of the readable, if there were none, and the second time.
    pub fn take(&self) -> Option<HeaderMap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, fields: HeaderMap) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fields);
    }
}

pin_project! {
    /// The source made by [`http::read`](read()).
    pub struct BodySource<B> {
        #[pin]
        body: Option<B>,
        // What the body said before its first byte.
        length: Option<u64>,
        trailers: Trailers,
        coop: Coop,
        meter: StageStats,
        given: u64,
    }
}

impl<B> Stream for BodySource<B>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let end = loop {
            let Some(body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
            ready!(this.coop.poll_ready(cx));
            match ready!(body.poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let chunk = take(frame, this.trailers);
                    this.coop.spend_bytes(chunk.len());
                    if chunk.is_empty() {
                        continue;
                    }
                    *this.given += chunk.len() as u64;
                    if this.length.is_some_and(|length| *this.given > length) {
                        break Err(Error::corrupt("the body is longer than it said"));
                    }
                    this.meter.publish_bytes(*this.given);
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Some(Err(error)) => break Err(Error::from_boxed(error.into())),
                None => break check_end(*this.given, *this.length),
            }
        };
        this.body.set(None);
        Poll::Ready(end.err().map(|error| Err(error.in_stage(NAME).at_offset(*this.given))))
    }
}

impl<B> Source for BodySource<B>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Chunk = Bytes;
}

/// The data of a frame, which is empty for trailers.
fn take<D: Buf>(frame: http_body::Frame<D>, trailers: &Trailers) -> Bytes {
    match frame.into_data() {
        Ok(mut data) => data.copy_to_bytes(data.remaining()),
        Err(frame) => {
            // What is neither is of a later version of HTTP, and no data.
            if let Ok(fields) = frame.into_trailers() {
                trailers.put(fields);
            }
            Bytes::new()
        }
    }
}

fn check_end(given: u64, length: Option<u64>) -> Result<()> {
    match length {
        Some(length) if given < length => {
            Err(Error::truncated(format!("the body ended after {given} of {length} bytes")))
        }
        _ => Ok(()),
    }
}

highwater_core::debug_fields!(BodySource<B>, length, given);

const NAME: &str = "http::read";
