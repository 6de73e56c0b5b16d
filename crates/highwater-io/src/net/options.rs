//! Options of a socket that connections of both sides share.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How a peer that is gone is noticed.
#[derive(Debug, Clone)]
pub(super) struct Options {
    keep_alive: Option<Duration>,
    untaken: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self { keep_alive: Some(KEEP_ALIVE), untaken: None }
    }
}

impl Options {
    /// Panics outside of what the system takes: it counts in seconds, Linux up to 32767.
    #[track_caller]
    pub(super) fn set_keep_alive(&mut self, idle: Option<Duration>) {
        let fits = |idle: Duration| (1..=LONGEST_KEEP_ALIVE).contains(&idle.as_secs());
        assert!(idle.is_none_or(fits), "the keep-alive time must be 1 to {LONGEST_KEEP_ALIVE} s");
        self.keep_alive = idle;
    }

    pub(super) fn set_untaken(&mut self, limit: Duration) {
        self.untaken = Some(limit.min(LONGEST_UNTAKEN));
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

/// Silence before the first probe, unless set.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// In seconds.
const LONGEST_KEEP_ALIVE: u64 = 32_767;

/// 24 days, as long as the system can count in milliseconds: as good as never.
const LONGEST_UNTAKEN: Duration = Duration::from_millis(i32::MAX as u64);

/// The longest time between two probes.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
