//! A client of the service: for the sample, and for the load.

use std::net::SocketAddr;

use bytes::Bytes;
use highwater::prelude::*;
use highwater::task::{Task, spawn};
use highwater::{Error, Readable, Result, http};
use highwater_examples::print;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT_ENCODING, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use indicatif::{DecimalBytes, HumanCount};
use tokio::net::TcpStream;

/// An answer, and the connection that it comes on: dropped, the connection is cut.
pub(crate) struct Answer {
    response: Response<Incoming>,
    _connection: Task<hyper::Result<()>>,
}

impl Answer {
    /// How long the body is.
    pub(crate) async fn count(self) -> Result<u64> {
        self.count_with(|_| {}).await
    }

    /// The same; `seen` is told of each chunk how long it is.
    pub(crate) async fn count_with(self, mut seen: impl FnMut(u64)) -> Result<u64> {
        let body = http::read(self.response.into_body()).map(|chunk: Bytes| chunk.len() as u64);
        body.inspect(|length| seen(*length)).fold(0, |sum, length| sum + length).await
    }
}

/// Asks on a connection of its own. Another status than 200 is an error.
pub(crate) async fn ask(
    address: SocketAddr,
    method: Method,
    path: &str,
    gzip: bool,
    body: http::Body,
) -> Result<Answer> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = spawn(connection);
    let coding = if gzip { "gzip" } else { "identity" };
    let request = Request::builder().method(method).uri(path).header(HOST, address.to_string());
    let request = request.header(ACCEPT_ENCODING, coding).body(body)?;
    let response = sender.send_request(request).await?;
    if response.status() != StatusCode::OK {
        return Err(Error::msg(format!("{path}: {}", response.status())));
    }
    Ok(Answer { response, _connection: connection })
}

pub(crate) async fn get(address: SocketAddr, path: &str, gzip: bool) -> Result<Answer> {
    ask(address, Method::GET, path, gzip, http::body(Readable::empty())).await
}

/// Asks for a little of everything, and shows what comes.
pub(crate) async fn show(address: SocketAddr) -> Result<()> {
    let pong = get(address, "/ping", false).await?.count().await?;
    print(format_args!("GET /ping            {pong} bytes"))?;
    for gzip in [false, true] {
        let bytes = get(address, "/reports/export", gzip).await?.count().await?;
        let what = if gzip { "of CSV in gzip" } else { "of CSV" };
        print(format_args!("GET /reports/export  {} {what}", DecimalBytes(bytes)))?;
    }
    let orders = (0..SAMPLE).map(|n| match n % 50_000 {
        17 => Bytes::from("{\"customer\":\"no cents\"}\n"),
        _ => format!("{{\"customer\":\"{n}\",\"cents\":{}}}\n", n % 100).into(),
    });
    let orders = http::body(Readable::from_iter(orders));
    let imported = ask(address, Method::POST, "/import", false, orders).await?;
    let imported = http::read(imported.response.into_body()).to_bytes().await?;
    print(format_args!("POST /import         {}", String::from_utf8_lossy(&imported).trim_end()))?;
    let text = http::body(Readable::from_iter((0..SAMPLE).map(|n| format!("{n}\n").into())));
    let echoed = ask(address, Method::POST, "/echo", false, text).await?;
    let lines = http::read(echoed.response.into_body()).lines().count().await?;
    print(format_args!("POST /echo           {} lines came back", HumanCount(lines)))?;
    Ok(())
}

/// Orders and lines of the sample.
const SAMPLE: u64 = 100_000;
