//! A listener as a stream of connections.

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use backon::{BackoffBuilder as _, ExponentialBackoff};
use futures_core::Stream;
use highwater_core::stage::StageInfo;
use highwater_core::{Error, Readable, Result, Source};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::time::{Sleep, sleep};

use super::connection::{Connection, Socket};
use super::failures::{AcceptFailures, BACK_OFF, Verdict};
use super::options::SocketOptions;
use super::seats::{Refused, Seats};

/// Listens on a TCP address with the [default limits](super#limits-and-defaults). Port 0 picks a free one.
///
/// # Cancel safety
///
/// Is cancel safe: either it listens or it does not.
///
/// # Errors
///
/// The address cannot be bound, such as a port that is in use; the error names it.
pub async fn listen(address: impl ToSocketAddrs + fmt::Debug) -> Result<Listening> {
    Listen::default().bind(address).await
}

/// Settings of a listener.
///
/// # Examples
///
/// ```
/// use highwater_io::net::Listen;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let server = Listen::default().with_max_connections(10_000).with_max_per_address(10_000).bind("127.0.0.1:0").await?;
/// assert_eq!(server.refused().total(), 0);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Listen {
    connections: usize,
    per_address: usize,
    socket: SocketOptions,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            connections: default_connections(1),
            per_address: PER_ADDRESS,
            socket: SocketOptions::default(),
        }
    }
}

impl Listen {
    /// The default limits where each connection takes a second descriptor, such as one to another server: where the limit
    /// of open files decides, half as many connections.
    pub fn proxy() -> Self {
        Self { connections: default_connections(2), ..Self::default() }
    }

    /// The most connections at a time.
    pub fn with_max_connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// The most connections at a time from one IP address.
    pub fn with_max_per_address(mut self, most: usize) -> Self {
        self.per_address = most;
        self
    }

    /// Options of the sockets of its connections.
    pub fn with_socket(mut self, options: SocketOptions) -> Self {
        self.socket = options;
        self
    }

    /// Listens.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: either it listens or it does not.
    ///
    /// # Errors
    ///
    /// The address cannot be bound; the error names it.
    pub async fn bind(self, address: impl ToSocketAddrs + fmt::Debug) -> Result<Listening> {
        let named = |error: std::io::Error| {
            let message = format!("cannot listen on {address:?}");
            Error::from(error).context(message).in_stage("net::listen")
        };
        let listener = TcpListener::bind(&address).await.map_err(named)?;
        let address = listener.local_addr().map_err(named)?;
        let seats = Seats::new(self.connections, self.per_address);
        let accepting = Accepting {
            listener,
            seats,
            socket: self.socket,
            rest: None,
            pauses: None,
            failures: AcceptFailures::default(),
            broken: None,
        };
        Ok(Listening { accepting, address })
    }
}

/// A listener: a stream of [`Connection`]s. Dropping it closes the port; connections go on.
pub struct Listening {
    accepting: Accepting,
    address: SocketAddr,
}

impl Listening {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that are open.
    pub fn open(&self) -> usize {
        self.accepting.seats.open()
    }

    /// The most connections that may be open.
    pub fn most(&self) -> usize {
        self.accepting.seats.most
    }

    /// Connections that were closed at once for want of a free place.
    pub fn refused(&self) -> &Refused {
        &self.accepting.seats.refused
    }

    /// Attempts to accept a connection that failed and were tried again.
    pub fn accept_failures(&self) -> &AcceptFailures {
        &self.accepting.failures
    }

    /// The listening socket, for options that have no method here: `socket2::SockRef::from(listening.get_ref())`.
    pub fn get_ref(&self) -> &TcpListener {
        &self.accepting.listener
    }

    /// The next connection. Never `None`.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: a connection is either given or still waits.
    ///
    /// # Errors
    ///
    /// The listener is broken; every later call gives the same error. A failure that passes is waited out: a connection
    /// that was gone before it was accepted, no free descriptor or memory, a network that is down. Those that need a pause
    /// are [counted](Self::accept_failures).
    pub async fn next(&mut self) -> Option<Result<Connection>> {
        Some(self.accept().await.map(Socket::into_duplex))
    }

    /// The next connection as one `AsyncRead` and `AsyncWrite`, for [`io::copy_duplex`](crate::io::copy_duplex).
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe, as [`next`](Self::next) is.
    ///
    /// # Errors
    ///
    /// Those of [`next`](Self::next).
    pub async fn accept(&mut self) -> Result<Socket> {
        poll_fn(|cx| self.accepting.poll_accept(cx)).await
    }

    /// As a readable, with its operators.
    pub fn into_readable(self) -> Readable<Accepting> {
        Readable::from_source(StageInfo::new("net::listen").with_max_bytes(0), self.accepting)
    }
}

highwater_core::debug_fields!(Listening, address);

/// The source of [`Listening::into_readable`].
pub struct Accepting {
    listener: TcpListener,
    seats: Arc<Seats>,
    socket: SocketOptions,
    rest: Option<Pin<Box<Sleep>>>,
    /// The pauses to come while one accept after the other fails.
    pauses: Option<ExponentialBackoff>,
    failures: AcceptFailures,
    /// Why nothing is accepted any more.
    broken: Option<Error>,
}

impl Accepting {
    /// Gives a connection a place, or drops it.
    fn admit(&self, stream: TcpStream, peer: SocketAddr) -> Option<Socket> {
        let seat = self.seats.take(peer.ip())?;
        // A connection that fails here was reset in the meantime.
        self.socket.apply(&stream).ok()?;
        Socket::new(stream, Some(seat)).ok()
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Socket>> {
        loop {
            if let Some(error) = &self.broken {
                return Poll::Ready(Err(error.clone()));
            }
            if let Some(rest) = &mut self.rest {
                ready!(rest.as_mut().poll(cx));
                self.rest = None;
            }
            match ready!(self.listener.poll_accept(cx)) {
                Ok((stream, peer)) => {
                    self.pauses = None;
                    if let Some(socket) = self.admit(stream, peer) {
                        return Poll::Ready(Ok(socket));
                    }
                }
                Err(error) => self.failed(error),
            }
        }
    }

    fn failed(&mut self, error: std::io::Error) {
        match Verdict::of(&error) {
            Verdict::Next => {}
            Verdict::Later => {
                let pauses = self.pauses.get_or_insert_with(|| BACK_OFF.build());
                let pause = pauses.next().expect("it has no last one");
                self.failures.add(&error, pause);
                self.rest = Some(Box::pin(sleep(pause)));
            }
            Verdict::Broken => {
                let error = Error::from(error).context("cannot accept connections");
                self.broken = Some(error.in_stage("net::listen"));
            }
        }
    }
}

impl Stream for Accepting {
    type Item = Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_accept(cx).map_ok(Socket::into_duplex).map(Some)
    }
}

impl Source for Accepting {
    type Chunk = Connection;
}

highwater_core::debug_fields!(Accepting, listener);

/// 80 % of the descriptors that may be open, less 64 for everything else, for connections that take so many each; not above
/// 1024.
fn default_connections(descriptors: usize) -> usize {
    let files = open_files().unwrap_or(MOST_CONNECTIONS * 4);
    ((files / 5 * 4).saturating_sub(64) / descriptors).clamp(1, MOST_CONNECTIONS)
}

/// The soft limit of open files, where the system tells.
fn open_files() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

const MOST_CONNECTIONS: usize = 1024;
const PER_ADDRESS: usize = 64;
