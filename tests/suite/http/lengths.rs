//! Bodies that are not as long as they say.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use highwater::{Error, Readable, http};
use http_body::{Frame, SizeHint};

use super::{Server, in_time, nothing, read_all, send};

fn hello() -> http::Body {
    http::body(Readable::from_iter(["hel", "", "lo"]).map(Bytes::from))
}

/// What the readable of a body gives, from hand to hand.
async fn direct(body: http::Body) -> (Vec<u8>, Option<Error>) {
    read_all(http::read(body)).await
}

#[tokio::test]
async fn a_body_keeps_to_its_length_or_fails() {
    for (length, read, says) in [
        (0, "", Some("longer")),
        (2, "", Some("longer")),
        (3, "", Some("longer")),
        (4, "hel", Some("longer")),
        (5, "hello", None),
        (6, "hello", Some("1 bytes are missing")),
        (u64::MAX, "hello", Some("are missing")),
    ] {
        let (given, error) = direct(hello().with_length(length)).await;
        assert_eq!(given, read.as_bytes(), "length {length}");
        assert_eq!(error.is_some(), says.is_some(), "length {length}: {error:?}");
        let said = error.as_ref().map_or_else(String::new, ToString::to_string);
        assert!(said.contains(says.unwrap_or_default()), "length {length}: {said}");
        assert!(error.is_none_or(|error| error.stage() == Some("http::body")));
    }
}

/// The chunk with the last byte waits for the end: what fails there, such as a digest, is seen.
#[tokio::test]
async fn an_error_in_the_place_of_the_end_is_seen() {
    let chunks = [Ok("hel"), Ok("lo"), Err(Error::corrupt("another digest"))];
    let readable = Readable::from_results(futures::stream::iter(chunks)).map(Bytes::from);
    let (read, error) = direct(http::body(readable).with_length(5)).await;
    assert_eq!(read, b"hel");
    assert!(error.is_some_and(|error| error.is_corrupt()));
}

/// The same over a connection: fewer bytes break it off, and of more none is taken for the next message.
#[tokio::test]
async fn a_wrong_content_length_breaks_the_answer_off() {
    for length in [4, 6] {
        let server = Server::once(hello().with_length(length)).await;
        let sent = in_time(send(server.address, nothing())).await;
        // hyper sends the head with the first bytes, and nothing at all if there is an error by then.
        let Ok(response) = sent.response else { continue };
        assert_eq!(response.headers()["content-length"], length.to_string());
        let (read, error) = in_time(read_all(http::read(response.into_body()))).await;
        assert!(b"hello".starts_with(&read[..]) && read.len() < 6, "{read:?}");
        assert!(error.is_some(), "a clean end of {} bytes", read.len());
    }
}

/// A body of somebody else, with a length that it need not have.
struct Lying(VecDeque<&'static str>, u64);

impl http_body::Body for Lying {
    type Data = &'static [u8];
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|data| Ok(Frame::data(data.as_bytes()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.1)
    }
}

#[tokio::test]
async fn a_body_that_lies_is_found_out() {
    let lying = |length| Lying(VecDeque::from(["hel", "", "lo"]), length);
    for (length, read) in [(0, ""), (4, "hel"), (5, "hello"), (6, "hello"), (u64::MAX, "hello")] {
        let (given, error) = read_all(http::read(lying(length))).await;
        assert_eq!(given, read.as_bytes());
        assert_eq!(error.is_none(), length == 5, "length {length}");
        let Some(error) = error else { continue };
        assert_eq!((error.is_corrupt(), error.is_truncated()), (length < 5, length > 5));
        assert!(length < 5 || error.to_string().contains(&format!("after 5 of {length} bytes")));
    }
}
