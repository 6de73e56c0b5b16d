//! Nothing runs ahead of the other side, and nothing runs on without it.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use bytes::Bytes;
use highwater::source::FromIter;
use highwater::{HighWaterMark, Readable, http, pass_through};
use http_body::Frame;
use tokio::net::TcpSocket;
use tokio::sync::watch;

use super::{Server, in_time, nothing, send, send_over};
use crate::support::poll_once;

/// So many chunks of 64 KiB, of which it is known how many were read; when the source is dropped, the sender is.
fn counted(
    chunks: usize,
) -> (Readable<FromIter<impl Iterator<Item = Bytes>>>, watch::Receiver<usize>) {
    let (count, counted) = watch::channel(0);
    let chunk = Bytes::from(vec![b'x'; CHUNK]);
    let chunks = (1..=chunks).map(move |n| {
        count.send_replace(n);
        chunk.clone()
    });
    (Readable::from_iter(chunks), counted)
}

const CHUNK: usize = 64 * 1024;
/// 256 MiB: more than all buffers between two sockets.
const MANY: usize = 4096;

/// Waits until the source is not read any more: for as long as that, nothing was.
async fn stopped(counted: &mut watch::Receiver<usize>) -> usize {
    while tokio::time::timeout(Duration::from_millis(300), counted.changed()).await.is_ok() {}
    *counted.borrow()
}

/// Waits until the source has been dropped.
async fn dropped(mut counted: watch::Receiver<usize>) -> usize {
    while counted.changed().await.is_ok() {}
    *counted.borrow()
}

/// A socket that takes little.
async fn narrow(server: &Server) -> tokio::net::TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    socket.connect(server.address).await.unwrap()
}

/// I52: the answer to a client that does not read stops, and goes on when it does.
#[tokio::test]
async fn a_slow_client_stops_the_source_of_the_answer() {
    let (readable, mut read) = counted(MANY);
    let server = Server::once(http::body(readable)).await;
    let sent = in_time(send_over(narrow(&server).await, nothing())).await;
    let mut reading = http::read(sent.response.unwrap().into_body());
    let first = in_time(reading.next()).await.unwrap().unwrap().len();
    let ahead = in_time(stopped(&mut read)).await;
    assert!(ahead < MANY / 4, "{ahead} chunks were read ahead of a client that does not read");
    let rest = in_time(reading.fold(0, |sum, chunk| sum + chunk.len())).await.unwrap();
    assert_eq!(first + rest, MANY * CHUNK);
}

/// I52: and so does the request to a server that does not read.
#[tokio::test]
async fn a_slow_server_stops_the_source_of_the_request() {
    let (go_on, may_go_on) = watch::channel(false);
    let server = Server::start(async move |request: Request| {
        let mut may_go_on = may_go_on.clone();
        let mut body = http::read(request.into_body());
        let first = body.next().await.unwrap().unwrap().len();
        may_go_on.wait_for(|go_on| *go_on).await.unwrap();
        let rest = body.fold(0, |sum, chunk| sum + chunk.len()).await.unwrap();
        (first + rest).to_string()
    });
    let (server, (readable, mut read)) = (server.await, counted(MANY));
    let look = async {
        let ahead = stopped(&mut read).await;
        assert!(ahead < MANY / 4, "{ahead} chunks were read ahead of a server that does not read");
        go_on.send_replace(true);
    };
    let (sent, ()) =
        in_time(async { tokio::join!(send(server.address, http::body(readable)), look) }).await;
    let sum = http::read(sent.response.unwrap().into_body()).to_bytes();
    assert_eq!(in_time(sum).await.unwrap(), (MANY * CHUNK).to_string());
}

/// I42: a client that goes away takes the source with it.
#[tokio::test]
async fn a_client_that_goes_away_drops_the_readable() {
    let (readable, read) = counted(usize::MAX);
    let server = Server::once(http::body(readable)).await;
    let sent = in_time(send(server.address, nothing())).await;
    let mut reading = http::read(sent.response.unwrap().into_body());
    assert!(in_time(reading.next()).await.unwrap().is_ok());
    drop(reading);
    assert!(in_time(dropped(read)).await > 0);
}

/// The same where a pipeline of its own fills the answer: it ends with a premature close.
#[tokio::test]
async fn a_client_that_goes_away_ends_the_pipeline() {
    let (writable, readable) = pass_through(HighWaterMark::bytes(CHUNK));
    let (source, read) = counted(usize::MAX);
    let running = source.pipe_to(writable).spawn();
    let server = Server::once(http::body(readable)).await;
    drop(in_time(send(server.address, nothing())).await);
    assert!(in_time(running.join()).await.unwrap_err().is_premature_close());
    assert!(in_time(dropped(read)).await > 0);
}

/// A server that answers before it has read the request takes no more of it.
#[tokio::test]
async fn a_server_that_does_not_want_the_rest_drops_the_readable() {
    let server = Server::start(async || "enough").await;
    let (readable, read) = counted(usize::MAX);
    let sent = in_time(send(server.address, http::body(readable))).await;
    drop(sent);
    in_time(dropped(read)).await;
}

/// Says how often it was asked.
struct Asked(Arc<AtomicUsize>);

impl http_body::Body for Asked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.fetch_add(1, SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
    }
}

/// I11, I16.
#[test]
fn nothing_is_read_ahead_of_demand() {
    let asked = Arc::<AtomicUsize>::default();
    let body = http::body(http::read(Asked(Arc::clone(&asked))));
    let mut reading = http::read(body);
    assert_eq!(asked.load(SeqCst), 0);
    for n in 1..=100 {
        assert!(matches!(poll_once(pin!(reading.next())), Poll::Ready(Some(Ok(_)))));
        assert_eq!(asked.load(SeqCst), n);
    }
}

/// What servers and clients ask of a body.
#[test]
fn a_body_goes_anywhere() {
    fn anywhere<B: http_body::Body + Send + Sync + Unpin + 'static>(_: &B) {}
    let not_sync = std::cell::Cell::new(None);
    anywhere(&http::body(Readable::from_iter(std::iter::from_fn(move || not_sync.take()))));
}
