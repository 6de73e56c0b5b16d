//! The side that connects.

use std::fmt;
use std::io;
use std::time::Duration;

use highwater_core::{Error, Result};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::timeout;

use super::connection::Socket;
use super::options::SocketOptions;

/// Settings of a connection that this side opens.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use highwater_io::net::{self, Connect};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let server = net::listen("127.0.0.1:0").await?;
/// let connect = Connect::default().with_timeout(Duration::from_secs(5));
/// let socket = connect.connect(server.address()).await?;
/// assert_eq!(socket.peer(), server.address());
/// let (incoming, outgoing) = socket.into_duplex().split();
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Connect {
    timeout: Duration,
    socket: SocketOptions,
}

impl Default for Connect {
    fn default() -> Self {
        Self { timeout: TIMEOUT, socket: SocketOptions::default() }
    }
}

impl Connect {
    /// How long an attempt may take, from the look-up of the name to the last of its addresses. 30 s unless set.
    pub fn with_timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// Options of the socket.
    pub fn with_socket(mut self, options: SocketOptions) -> Self {
        self.socket = options;
        self
    }

    /// Connects.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: the attempt is given up.
    ///
    /// # Errors
    ///
    /// The address is not known, nobody answers there, or [`is_timeout`](Error::is_timeout) when nothing answers in time;
    /// the error names the address.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with I/O and time enabled.
    pub async fn connect(&self, address: impl ToSocketAddrs + fmt::Debug) -> Result<Socket> {
        self.attempt(&address).await.map_err(|error| {
            error.context(format!("cannot connect to {address:?}")).in_stage("net::connect")
        })
    }

    async fn attempt(&self, address: &impl ToSocketAddrs) -> Result<Socket> {
        let connected = timeout(self.timeout, TcpStream::connect(address)).await;
        let stream = connected
            .map_err(|_| Error::timeout(format!("no answer within {:?}", self.timeout)))??;
        let set_up = |stream: TcpStream| -> io::Result<Socket> {
            self.socket.apply(&stream)?;
            Socket::new(stream, None)
        };
        Ok(set_up(stream)?)
    }
}

/// How long an attempt may take unless set.
const TIMEOUT: Duration = Duration::from_secs(30);

impl Socket {
    /// Connects to a TCP address with the [default limits](super#limits-and-defaults); [`Connect`] has others.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: the attempt is given up.
    ///
    /// # Errors
    ///
    /// Those of [`Connect::connect`].
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with I/O and time enabled.
    pub async fn connect(address: impl ToSocketAddrs + fmt::Debug) -> Result<Self> {
        Connect::default().connect(address).await
    }
}
