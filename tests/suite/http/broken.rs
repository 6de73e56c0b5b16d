//! A message that breaks off is an error on the other side, never a shorter message.

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use axum::extract::Request;
use bytes::Bytes;
use highwater::{Buffered, Error, HighWaterMark, Readable, Writable, http, pass_through};
use highwater_core::task::{Task, spawn};
use http_body::Body as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::{Server, in_time, nothing, read_all, send};
use crate::support::poll_once;

/// What makes a message of two chunks, which then fails when it is told to.
fn failing() -> (Writable<Bytes>, Readable<Buffered<Bytes>>) {
    let (writable, readable) = pass_through(HighWaterMark::items(4));
    for chunk in ["hel", "lo"] {
        writable.try_write(Bytes::from(chunk)).unwrap();
    }
    (writable, readable)
}

fn body(readable: Readable<Buffered<Bytes>>, length: Option<u64>) -> http::Body {
    match length {
        None => http::body(readable),
        Some(length) => http::body(readable).with_length(length),
    }
}

/// What of it is sent before the error: the last byte of a known length is not.
fn before_the_error(length: Option<u64>) -> &'static [u8] {
    if length == Some(5) { b"hel" } else { b"hello" }
}

#[tokio::test]
async fn an_error_of_the_readable_truncates_the_answer() {
    for length in [None, Some(5), Some(100)] {
        let (writable, readable) = failing();
        let server = Server::once(body(readable, length)).await;
        let mut client = TcpStream::connect(server.address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let (mut answer, there) = (Vec::new(), before_the_error(length));
        while !answer.windows(2).any(|end| end == &there[there.len() - 2..]) {
            assert!(
                in_time(client.read_buf(&mut answer)).await.unwrap() > 0,
                "it is not all there"
            );
        }
        writable.fail(Error::corrupt("no such row"));
        // A reset ends it as well.
        drop(in_time(client.read_to_end(&mut answer)).await);
        let (message, answer) = (answer.escape_ascii().to_string(), &answer[..]);
        assert!(!answer.ends_with(b"\r\n0\r\n\r\n"), "{message}");
        assert!(length != Some(5) || !answer.ends_with(b"hello"), "{message}");
    }
}

/// The same as a client of ours sees it.
#[tokio::test]
async fn a_truncated_answer_is_an_error() {
    for length in [None, Some(5), Some(100)] {
        let (writable, readable) = failing();
        let server = Server::once(body(readable, length)).await;
        let sent = in_time(send(server.address, nothing())).await;
        let (mut reading, there) =
            (http::read(sent.response.unwrap().into_body()), before_the_error(length));
        let mut read = Vec::new();
        while read.len() < there.len() {
            read.extend_from_slice(&in_time(reading.next()).await.expect("it goes on").unwrap());
        }
        writable.fail(Error::corrupt("no such row"));
        let (rest, error) = in_time(read_all(reading)).await;
        assert_eq!((read.as_slice(), rest.len()), (there, 0));
        let error = error.unwrap_or_else(|| panic!("a clean end, with length {length:?}"));
        assert_eq!((error.stage(), error.offset()), (Some("http::read"), Some(read.len() as u64)));
    }
}

/// What a server has read of a request: the bytes, and the error at their end.
type Seen = (Vec<u8>, Option<Error>);

/// A server that says how much it has read of a request so far, and at its end what.
async fn reading() -> (Server, mpsc::Receiver<usize>, mpsc::Receiver<Seen>) {
    let ((counts, count), (sender, seen)) = (mpsc::channel(100), mpsc::channel(1));
    let server = Server::start(async move |request: Request| {
        counts.send(0).await.unwrap();
        let mut sum = 0;
        let body = http::read(request.into_body()).inspect(|chunk: &Bytes| {
            sum += chunk.len();
            counts.try_send(sum).unwrap();
        });
        let read = read_all(body).await;
        sender.send(read).await.unwrap();
    });
    (server.await, count, seen)
}

#[tokio::test]
async fn an_error_of_the_readable_truncates_the_request() {
    for length in [None, Some(5), Some(100)] {
        let (server, mut count, mut seen) = reading().await;
        let ((writable, readable), there) = (failing(), before_the_error(length));
        let fail = async {
            while count.recv().await.unwrap() < there.len() {}
            writable.fail(Error::corrupt("no such row"));
        };
        let (sent, ()) =
            in_time(async { tokio::join!(send(server.address, body(readable, length)), fail) })
                .await;
        let refused = Error::from(sent.response.unwrap_err());
        let said = highwater_examples::OneLine(&refused).to_string();
        assert!(said.contains("no such row"), "{said}");
        let (read, error) = in_time(seen.recv()).await.unwrap();
        assert_eq!(read, there);
        assert!(error.is_some(), "a clean end, with length {length:?}");
    }
}

/// F97: a request that ends after k bytes of its body, for every k: by FIN and by reset.
#[tokio::test]
async fn a_request_cut_at_any_byte_is_an_error() {
    let (server, mut count, mut seen) = reading().await;
    for body in [LENGTH, CHUNKED] {
        let message = format!("POST / HTTP/1.1\r\nhost: localhost\r\n{body}");
        let begin = message.find("\r\n\r\n").unwrap() + 4;
        for (cut, reset) in (begin..=message.len()).flat_map(|cut| [(cut, false), (cut, true)]) {
            let mut client = TcpStream::connect(server.address).await.unwrap();
            client.write_all(&message.as_bytes()[..cut]).await.unwrap();
            // The server has the request; now it loses the client.
            while in_time(count.recv()).await.unwrap() > 0 {}
            let whole = cut == message.len();
            if reset && !whole {
                client.set_zero_linger().unwrap();
            }
            let client = Some(client).filter(|_| whole);
            let (read, error) = in_time(seen.recv()).await.unwrap();
            assert!(b"hello world".starts_with(&read[..]), "{cut}: {read:?}");
            assert_eq!(error.is_none(), whole, "{cut} of {}: {error:?}", message.len());
            assert!(!whole || read == b"hello world");
            while count.try_recv().is_ok() {}
            drop(client);
        }
    }
}

const LENGTH: &str = "content-length: 11\r\n\r\nhello world";
const CHUNKED: &str = "transfer-encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n";

/// A server that sends these bytes to each client, and closes.
struct Raw {
    address: SocketAddr,
    message: Arc<Mutex<Vec<u8>>>,
    _task: Task<()>,
}

impl Raw {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let message = Arc::<Mutex<Vec<u8>>>::default();
        let sent = Arc::clone(&message);
        let serve = async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    assert!(client.read_buf(&mut request).await.unwrap() > 0);
                }
                let message = sent.lock().unwrap().clone();
                client.write_all(&message).await.unwrap();
            }
        };
        Self { address, message, _task: spawn(serve) }
    }

    /// What a client gets for this answer.
    async fn ask(&self, answer: &[u8]) -> super::Sent {
        *self.message.lock().unwrap() = answer.to_vec();
        in_time(send(self.address, nothing().with_length(0))).await
    }
}

/// F97: an answer that ends after k bytes, for every k.
#[tokio::test]
async fn an_answer_cut_at_any_byte_is_an_error() {
    let server = Raw::start().await;
    for body in [LENGTH, CHUNKED] {
        let message = format!("HTTP/1.1 200 OK\r\n{body}");
        for cut in 0..=message.len() {
            let sent = server.ask(&message.as_bytes()[..cut]).await;
            let (read, error) = match sent.response {
                Ok(response) => in_time(read_all(http::read(response.into_body()))).await,
                Err(error) => (Vec::new(), Some(error.into())),
            };
            assert!(b"hello world".starts_with(&read[..]), "{cut}: {read:?}");
            assert_eq!(error.is_none(), cut == message.len(), "{cut}: {error:?}");
        }
    }
}

#[tokio::test]
async fn trailers_are_there_at_the_end() {
    let server = Raw::start().await;
    let message =
        format!("HTTP/1.1 200 OK\r\n{}", CHUNKED.replace("0\r\n\r\n", "0\r\nx-sum: 7\r\n\r\n"));
    let sent = server.ask(message.as_bytes()).await;
    let (readable, trailers) = http::read_with_trailers(sent.response.unwrap().into_body());
    assert!(trailers.take().is_none());
    assert_eq!(in_time(readable.to_bytes()).await.unwrap(), "hello world");
    assert_eq!(trailers.take().expect("one field")["x-sum"], "7");
    assert!(trailers.take().is_none());
}

/// I54: a panic of the readable breaks the answer off as well.
#[tokio::test]
async fn a_panic_truncates_the_answer() {
    let chunks = Readable::from_iter(0..).map(|n: u64| match n {
        0..100 => Bytes::from(vec![b'x'; 100_000]),
        _ => panic!("in the readable of an answer"),
    });
    let server = Server::once(http::body(chunks)).await;
    let sent = in_time(send(server.address, nothing())).await;
    let (read, error) = in_time(read_all(http::read(sent.response.unwrap().into_body()))).await;
    assert!(read.len() <= 10_000_000 && error.is_some(), "{} bytes", read.len());
}

/// I38.
#[test]
fn nothing_comes_after_the_error() {
    let (writable, readable) = failing();
    writable.fail(Error::corrupt("no such row"));
    let mut body = http::body(readable);
    let mut frame = || poll_once(pin!(poll_fn(|cx| Pin::new(&mut body).poll_frame(cx))));
    for chunk in ["hel", "lo"] {
        let Poll::Ready(Some(Ok(frame))) = frame() else { panic!("no {chunk}") };
        assert_eq!(frame.into_data().unwrap(), chunk);
    }
    assert!(matches!(frame(), Poll::Ready(Some(Err(error))) if error.is_corrupt()));
    assert!((0..3).all(|_| matches!(frame(), Poll::Ready(None))));
}
