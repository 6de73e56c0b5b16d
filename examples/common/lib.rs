//! What the programs share: how they say what went wrong and how far they are, how they are interrupted, and how much
//! memory they took.
#![forbid(unsafe_code)]

#[cfg(any(feature = "http", feature = "logserver"))]
mod serve;

use std::error::Error as StdError;
use std::fmt;
use std::io::IsTerminal;
use std::path::Path;

use highwater::{CancellationToken, Error};
use indicatif::{ProgressBar, ProgressStyle};

#[cfg(any(feature = "http", feature = "logserver"))]
pub use serve::serve;

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

/// Cancelled by Ctrl-C, and on Unix by `kill`, so that nothing half-written stays.
///
/// # Panics
///
/// Outside of a Tokio runtime.
pub fn interrupt() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    // Heard from here on, not from when the task first runs.
    let signalled = signalled();
    let wait = async move {
        if signalled.await.is_ok() {
            cancelled.cancel();
        }
    };
    // It lives as long as the program.
    std::mem::forget(highwater::task::spawn(wait));
    token
}

#[cfg(unix)]
fn signalled() -> impl Future<Output = std::io::Result<()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupted, terminated) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        let (mut interrupted, mut terminated) = (interrupted?, terminated?);
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        Ok(())
    }
}

#[cfg(not(unix))]
fn signalled() -> impl Future<Output = std::io::Result<()>> {
    tokio::signal::ctrl_c()
}

/// A bar that moves when the size of the input is known and somebody looks.
pub fn progress_bar(input: Option<&Path>, hidden: bool) -> ProgressBar {
    let size = input.and_then(|path| path.metadata().ok());
    let size = size.filter(std::fs::Metadata::is_file).map(|about| about.len());
    let (Some(size), false, true) = (size, hidden, std::io::stderr().is_terminal()) else {
        return ProgressBar::hidden();
    };
    let template = "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(size).with_style(style)
}
