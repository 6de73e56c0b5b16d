//! What the programs share: how they say what went wrong, how they are stopped, and how much memory they took.
#![forbid(unsafe_code)]

use std::error::Error as StdError;
use std::fmt;

use highwater::{CancellationToken, Error};

/// An error with all its causes on one line, as a program shows it.
///
/// # Examples
///
/// ```
/// use highwater::Error;
/// let missing = Error::from(std::io::Error::from(std::io::ErrorKind::NotFound));
/// let line = highwater_examples::OneLine(&missing.context("cannot open `a`")).to_string();
/// assert_eq!(line, "cannot open `a`: entity not found");
/// ```
#[derive(Debug)]
pub struct OneLine<'a>(pub &'a Error);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut cause = StdError::source(&**self.0);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        // Some say what is wrong on several lines, with a picture.
        let words: Vec<&str> = text.split_whitespace().collect();
        f.write_str(&words.join(" "))
    }
}

/// Cancelled by Ctrl-C, so that nothing half-written stays. It listens as long as the program lives.
///
/// # Panics
///
/// Outside of a Tokio runtime.
pub fn interrupt() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    let wait = async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            cancelled.cancel();
        }
    };
    std::mem::forget(highwater::task::spawn(wait));
    token
}

/// True when the reader of standard output has gone: it has all it wants, as in `errors log | head`.
pub fn is_closed_output(error: &Error) -> bool {
    error.stage() == Some("io::stdout") && error.io_kind() == Some(std::io::ErrorKind::BrokenPipe)
}

/// The most memory the process has had resident so far, in bytes. `None` where the system does not say.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
