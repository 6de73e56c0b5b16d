//! Failures of a listener to accept.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::ExponentialBuilder;

/// Counts the attempts to accept a connection that failed and were tried again, readable while the listener waits; cheap to
/// clone. Each is also an event `accept failed` of `tracing`, with the target `highwater::net` and the level `WARN`.
#[derive(Debug, Clone, Default)]
pub struct AcceptFailures(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    total: AtomicU64,
    last: Mutex<Option<String>>,
}

impl AcceptFailures {
    /// Failures so far.
    pub fn total(&self) -> u64 {
        self.0.total.load(Relaxed)
    }

    /// The message of the last one.
    pub fn last(&self) -> Option<String> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn add(&self, error: &io::Error, pause: Duration) {
        tracing::warn!(target: "highwater::net", %error, ?pause, "accept failed");
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        self.0.total.fetch_add(1, Relaxed);
    }
}

/// What a failure to accept means for the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The connection was gone before it was accepted: the next one is accepted at once.
    Next,
    /// It passes: a resource is short, or the network is down. It is tried again after a pause.
    Later,
    /// The listener is broken.
    Broken,
}

impl Verdict {
    pub(super) fn of(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted => Self::Next,
            // Linux passes on errors of the network that are pending for the new connection, see accept(2).
            ErrorKind::OutOfMemory
            | ErrorKind::PermissionDenied
            | ErrorKind::TimedOut
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown => Self::Later,
            _ if error.raw_os_error().is_some_and(|code| PASSING.contains(&code)) => Self::Later,
            _ => Self::Broken,
        }
    }
}

/// Pauses after failed accepts. Jitter makes each of them up to twice as long.
pub(super) const BACK_OFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(50))
    .with_max_delay(Duration::from_secs(1))
    .without_max_times()
    .with_jitter();

/// Codes without a kind: ENFILE, EMFILE, ENONET, EPROTO, ENOPROTOOPT, ENOBUFS, EHOSTDOWN.
#[cfg(any(target_os = "linux", target_os = "android"))]
const PASSING: [i32; 7] = [23, 24, 64, 71, 92, 105, 112];
/// Codes without a kind: WSAEMFILE, WSAENOBUFS.
#[cfg(windows)]
const PASSING: [i32; 2] = [10024, 10055];
/// Codes without a kind: ENFILE, EMFILE, ENOBUFS.
#[cfg(not(any(target_os = "linux", target_os = "android", windows)))]
const PASSING: [i32; 3] = [23, 24, 55];

#[cfg(test)]
mod tests {
    use backon::BackoffBuilder as _;

    use super::*;

    /// Shows F80.
    #[cfg(target_os = "linux")]
    #[test]
    fn only_failures_that_pass_are_tried_again() {
        let [ebadf, einval, enotsock, eopnotsupp] = [9, 22, 88, 95];
        for code in [ebadf, einval, enotsock, eopnotsupp] {
            assert_eq!(Verdict::of(&io::Error::from_raw_os_error(code)), Verdict::Broken, "{code}");
        }
        let [enomem, eperm, enetdown, etimedout] = [12, 1, 100, 110];
        for code in PASSING.into_iter().chain([enomem, eperm, enetdown, etimedout]) {
            assert_eq!(Verdict::of(&io::Error::from_raw_os_error(code)), Verdict::Later, "{code}");
        }
        let [econnaborted, econnreset, eintr] = [103, 104, 4];
        for code in [econnaborted, econnreset, eintr] {
            assert_eq!(Verdict::of(&io::Error::from_raw_os_error(code)), Verdict::Next, "{code}");
        }
    }

    /// Shows F80.
    #[test]
    fn pauses_are_doubled_up_to_a_cap_with_jitter() {
        let pauses: Vec<u128> = BACK_OFF.build().take(20).map(|pause| pause.as_millis()).collect();
        for (at, pause) in pauses.iter().enumerate() {
            let shortest = (50 << at).min(1000);
            assert!((shortest - 1..=2 * shortest).contains(pause), "{pauses:?}");
        }
        assert_eq!(pauses.len(), 20, "there is always another");
    }

    #[test]
    fn a_failure_is_counted_with_its_message() {
        let failures = AcceptFailures::default();
        assert_eq!((failures.total(), failures.last()), (0, None));
        failures.add(&io::Error::other("too many"), Duration::ZERO);
        assert_eq!((failures.total(), failures.last()), (1, Some("too many".to_owned())));
    }
}
