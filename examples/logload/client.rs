//! Connections that send lines, and connections that drip.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use highwater::prelude::*;
use highwater::rate_limit::Limiter;
use highwater::{CancellationToken, Error, Readable, Result, io};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::{Instant, sleep};

use crate::latency::Latencies;

/// What the lines are like.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) lines: u64,
    pub(crate) malformed: f64,
    pub(crate) errors: f64,
    pub(crate) limiter: Option<Limiter>,
}

/// A connection that sends lines.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) stream: TcpStream,
    pub(crate) settings: Arc<Settings>,
}

/// What became of a connection.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) number: usize,
    /// Lines that were handed to the system.
    pub(crate) sent: u64,
    pub(crate) acknowledged: u64,
    pub(crate) latencies: Latencies,
    pub(crate) broken: bool,
}

impl Client {
    /// Sends all lines, and reads acknowledgements until the server closes.
    pub(crate) async fn run(self, stop: CancellationToken) -> Outcome {
        let Self { number, stream, settings } = self;
        let (answers, outgoing) = io::duplex(stream).split();
        let flying = Mutex::new(VecDeque::new());
        let lock = || flying.lock().unwrap_or_else(PoisonError::into_inner);
        let block = if settings.limiter.is_some() { 1 } else { BLOCK };
        let last = settings.lines.div_ceil(block);
        let blocks = Readable::from_iter(0..last).take_until(stop.cancelled_owned());
        let blocks = match settings.limiter.clone() {
            Some(limiter) => blocks.rate_limit(limiter).boxed(),
            None => blocks.boxed(),
        };
        let mut sent = 0;
        let lines = blocks.map(|at| {
            let end = settings.lines.min((at + 1) * block);
            lock().push_back((end, Instant::now()));
            sent = end;
            Bytes::from((at * block..end).map(|n| settings.line(number, n)).collect::<String>())
        });
        let sending = async { lines.pipe_to(outgoing).run().await.map(drop) };
        let (mut acknowledged, mut latencies) = (0, Latencies::default());
        let reading = async {
            let mut answers = answers.lines();
            while let Some(answer) = answers.next().await {
                acknowledged = answer?.as_str()?.parse()?;
                let mut flying = lock();
                let is_acknowledged = |(end, _): &(u64, Instant)| *end <= acknowledged;
                while let Some((_, since)) = flying.front().copied().filter(is_acknowledged) {
                    flying.pop_front();
                    latencies.record(since.elapsed());
                }
            }
            Ok::<(), Error>(())
        };
        // Also after the server took no more, it may have said something.
        let (sending, reading) = tokio::join!(sending, reading);
        let broken = sending.is_err() || reading.is_err();
        Outcome { number, sent, acknowledged, latencies, broken }
    }
}

impl Settings {
    /// Line `n` of a connection; all kinds are spread evenly, and apart from each other.
    fn line(&self, connection: usize, n: u64) -> String {
        let falls =
            |n: u64, share: f64| ((n + 1) as f64 * share).floor() > (n as f64 * share).floor();
        if falls(n, self.malformed) {
            return format!("nobody knows what c{connection} n{n} means\n");
        }
        let level = if falls(n + 5, self.errors) { "ERROR" } else { "INFO" };
        if n % 10 == 9 {
            return format!(
                "{{\"level\":\"{level}\",\"message\":\"request c{connection} n{n} done\"}}\n"
            );
        }
        let took = n * 7919 % 997;
        format!(
            "[{n}] {level}: request c{connection} n{n} took {took} ms, and nothing else happened\n"
        )
    }
}

/// A connection that sends a line that never ends.
#[derive(Debug)]
pub(crate) struct Dripper(pub(crate) TcpStream);

impl Dripper {
    /// Drips until the server closes. Whether it did.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> bool {
        let drip = async {
            let (mut reader, mut writer) = self.0.split();
            let mut nowhere = tokio::io::sink();
            let closed = tokio::io::copy(&mut reader, &mut nowhere);
            let drip = async {
                while writer.write_all(b"x").await.is_ok() {
                    sleep(Duration::from_secs(1)).await;
                }
            };
            tokio::select! {
                _ = closed => {}
                () = drip => {}
            }
        };
        stop.run_until_cancelled(drip).await.is_some()
    }
}

/// Connects, from 127.0.0.`local` if that is asked for.
pub(crate) async fn connect(address: &str, local: Option<u8>) -> Result<TcpStream> {
    let connect = async {
        let Some(local) = local else { return TcpStream::connect(address).await };
        let server = lookup_host(address).await?.find(SocketAddr::is_ipv4);
        let server = server.ok_or(std::io::ErrorKind::AddrNotAvailable)?;
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::new(127, 0, 0, local), 0).into())?;
        socket.connect(server).await
    };
    let named = |error| Error::from(error).context(format!("cannot connect to `{address}`"));
    connect.await.map_err(named)
}

/// Lines that are sent together, unless there is a rate.
const BLOCK: u64 = 64;
