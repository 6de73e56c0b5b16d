//! Parts that the programs share: the command line, messages and progress, interrupts, outputs, and the memory they took.
#![forbid(unsafe_code)]

mod arguments;
mod message;
mod output;
#[cfg(any(feature = "http", feature = "logserver"))]
mod serve;
mod signals;
mod sums;
mod unpack;

use std::io::IsTerminal;
use std::path::Path;

use highwater::Error;
use indicatif::{ProgressBar, ProgressStyle};

pub use arguments::{arguments, try_arguments};
pub use message::{OneLine, escaped, print, say, say_not_kept};
pub use output::{Descriptor, output};
#[cfg(any(feature = "http", feature = "logserver"))]
pub use serve::serve;
pub use signals::{interrupt, interrupt_unless_hangup};
pub use sums::{escaped_name, sum_line};
pub use unpack::Unpack;

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
