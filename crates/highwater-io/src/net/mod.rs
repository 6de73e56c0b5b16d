//! TCP connections as duplexes, and listeners as streams of them.
//!
//! # Limits and defaults
//!
//! | limit | default | to change it |
//! |---|---|---|
//! | connections at a time | 1024, or what the limit of open files leaves: 80 % of it less 64 | [`Listen::with_max_connections`] |
//! | connections at a time from one address | 64 | [`Listen::with_max_per_address`] |
//! | time in which a peer takes nothing | none | [`SocketOptions::with_user_timeout`] |
//! | silence of a peer before it is probed (keep-alive) | 60 s, then every 15 s | [`SocketOptions::with_keep_alive`] |
//! | time to connect | 30 s | [`Connect::with_timeout`] |
//! | wait after an accept that failed for want of a resource | 50 ms, doubled up to 1 s, and a random part as long at most | none |
//!
//! A connection beyond a limit is closed at once and counted in [`Refused`]. An accept that failed and was tried again is
//! counted in [`AcceptFailures`].

mod connect;
mod connection;
mod failures;
mod listen;
mod options;
mod seats;

use highwater_core::Result;
use tokio::net::ToSocketAddrs;

pub use connect::Connect;
pub use connection::{Connection, Incoming, Outgoing, Socket};
pub use failures::AcceptFailures;
pub use listen::{Accepting, Listen, Listening, listen};
pub use options::SocketOptions;
pub use seats::Refused;

/// Connects to a TCP address with the [default limits](self#limits-and-defaults); [`Connect`] has others. Small writes are
/// not delayed (`TCP_NODELAY`).
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
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_io::net;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let mut server = net::listen("127.0.0.1:0").await?;
/// let address = server.address();
/// let client = async move {
///     let (answer, request) = net::connect(address).await?.split();
///     Readable::once("hello".into()).pipe_to(request).run().await?;
///     answer.to_bytes().await
/// };
/// let echo = async {
///     let (request, answer) = server.next().await.expect("a client comes")?.split();
///     request.pipe_to(answer).run().await
/// };
/// let (answer, _) = tokio::try_join!(client, echo)?;
/// assert_eq!(answer, "hello");
/// # Ok(()) }
/// ```
pub async fn connect(address: impl ToSocketAddrs + std::fmt::Debug) -> Result<Connection> {
    Ok(Socket::connect(address).await?.into_duplex())
}
