//! Options of a socket, which connections of both sides share.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Options of a TCP socket: when a peer that is gone without a word is noticed. For [`Connect`](super::Connect) and
/// [`Listen`](super::Listen).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use highwater_io::net::{Connect, Listen, SocketOptions};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let socket = SocketOptions::default().with_keep_alive(Duration::from_secs(20));
/// let server = Listen::default().with_socket(socket.clone()).bind("127.0.0.1:0").await?;
/// Connect::default().with_socket(socket).connect(server.address()).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SocketOptions {
    keep_alive: Option<Duration>,
    untaken: Option<Duration>,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self { keep_alive: Some(KEEP_ALIVE), untaken: None }
    }
}

impl SocketOptions {
    /// Probes a peer that has been silent for `idle`, then every 15 s (or every `idle`, if that is shorter); the system
    /// fails the connection when several probes in a row are not answered. 60 s by default; whole seconds.
    ///
    /// # Panics
    ///
    /// Below 1 s, or above 32767 s: the system counts in seconds, Linux up to that.
    #[track_caller]
    pub fn with_keep_alive(mut self, idle: Duration) -> Self {
        let fits = (1..=LONGEST_KEEP_ALIVE).contains(&idle.as_secs());
        assert!(fits, "the keep-alive time must be 1 to {LONGEST_KEEP_ALIVE} s");
        self.keep_alive = Some(idle);
        self
    }

    /// Does not probe a silent peer: one that is gone without a word is noticed only when something is written to it.
    pub fn without_keep_alive(mut self) -> Self {
        self.keep_alive = None;
        self
    }

    /// Has the system reset a connection whose peer does not take what was sent to it for so long: one that reads nothing,
    /// or is gone. A time limit on writing sees that only when the buffers of both systems are full, which may be megabytes
    /// later. Only Linux knows this (`TCP_USER_TIMEOUT`, RFC 5482); elsewhere nothing is done.
    pub fn with_user_timeout(mut self, limit: Duration) -> Self {
        self.untaken = Some(limit.min(LONGEST_UNTAKEN));
        self
    }

    pub(super) fn apply(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let socket = SockRef::from(stream);
        if let Some(idle) = self.keep_alive {
            let interval = idle.min(KEEP_ALIVE_INTERVAL);
            let probes = TcpKeepalive::new().with_time(idle).with_interval(interval);
            socket.set_tcp_keepalive(&probes)?;
        }
        #[cfg(target_os = "linux")]
        if let Some(limit) = self.untaken {
            socket.set_tcp_user_timeout(Some(limit))?;
        }
        Ok(())
    }
}

/// Silence before the first probe by default.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// In seconds.
const LONGEST_KEEP_ALIVE: u64 = 32_767;

/// 24 days, as long as the system can count in milliseconds: as good as never.
const LONGEST_UNTAKEN: Duration = Duration::from_millis(i32::MAX as u64);

/// The longest time between two probes.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
