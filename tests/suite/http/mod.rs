//! Bodies of HTTP messages, with real servers and clients on loopback: axum, hyper, reqwest, and plain sockets that break
//! off.

mod broken;
mod flow;
mod lengths;
mod whole;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::handler::Handler;
use axum::response::Response;
use bytes::Bytes;
use highwater::http::{self, Body};
use highwater::{Error, Readable, Source};
use highwater_core::task::{Task, spawn};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// A server of axum that answers every request in the same way. It ends when it is dropped.
struct Server {
    address: SocketAddr,
    _task: Task<()>,
}

impl Server {
    async fn start<T: 'static>(handler: impl Handler<T, ()>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = axum::serve(listener, Router::new().fallback(handler));
        Self { address, _task: spawn(async move { serving.await.unwrap() }) }
    }

    /// A server with one answer.
    async fn once(body: Body) -> Self {
        let body = Arc::new(Mutex::new(Some(body)));
        Self::start(async move || answer(body.lock().unwrap().take().expect("one request"))).await
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

/// What a handler answers.
fn answer(body: Body) -> Response {
    Response::new(axum::body::Body::new(body))
}

/// A connection of hyper with one request on its way. Dropping it cuts the connection.
struct Sent {
    response: hyper::Result<hyper::Response<Incoming>>,
    _connection: Task<hyper::Result<()>>,
}

async fn send(address: SocketAddr, body: Body) -> Sent {
    send_over(TcpStream::connect(address).await.unwrap(), body).await
}

async fn send_over(stream: TcpStream, body: Body) -> Sent {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = spawn(connection);
    let request = hyper::Request::post("/").header("host", "localhost").body(body).unwrap();
    Sent { response: sender.send_request(request).await, _connection: connection }
}

fn nothing() -> Body {
    http::body(Readable::empty())
}

/// All bytes of a readable, and the error that it ended with.
async fn read_all<S>(mut readable: Readable<S>) -> (Vec<u8>, Option<Error>)
where
    S: Source<Chunk = Bytes> + Unpin,
{
    let mut read = Vec::new();
    while let Some(chunk) = readable.next().await {
        match chunk {
            Ok(chunk) => read.extend_from_slice(&chunk),
            Err(error) => return (read, Some(error)),
        }
    }
    (read, None)
}

/// The result of what must not hang.
async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it hangs")
}
