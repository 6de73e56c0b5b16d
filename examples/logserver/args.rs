//! The arguments.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::intake::Limits;
use crate::watch::Thresholds;

/// Takes log lines from many clients over TCP, stores them, and shows what goes on.
#[derive(Debug, Parser)]
#[command(name = "logserver", version)]
pub(crate) struct Args {
    /// Append to this file. Without it, the server shows itself, with lines of its own in a temporary file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Where clients connect; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:9000")]
    pub(crate) listen: String,
    /// Where browsers connect.
    #[arg(long, default_value = "127.0.0.1:9001")]
    pub(crate) http: String,
    /// Tell clients how many of their lines are stored.
    #[arg(long)]
    pub(crate) acknowledge: bool,
    /// Bytes after which a file is full and gets a number.
    #[arg(long, value_name = "BYTES", default_value_t = 64 * 1024 * 1024)]
    pub(crate) rotate: u64,
    /// Full files that are kept; the oldest go first.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(crate) keep: u64,
    /// The most connections at a time [default: 1024, or what the limit of open files leaves].
    #[arg(long, value_name = "N")]
    pub(crate) connections: Option<usize>,
    /// The most connections at a time from one address.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) per_address: usize,
    /// The most bytes of a line; what is beyond is dropped and counted.
    #[arg(long, value_name = "BYTES", default_value_t = 16 * 1024, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_line: u32,
    /// Seconds that a connection may be silent.
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0, value_parser = seconds)]
    pub(crate) idle: f64,
    /// Seconds that a line may take from its first byte to its last.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, value_parser = seconds)]
    pub(crate) line_time: f64,
    /// Seconds that a client may leave an acknowledgement unread.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    pub(crate) write_time: f64,
    /// Seconds to store and acknowledge what was read, after Ctrl-C or SIGTERM.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    pub(crate) drain: f64,
    /// Seconds of the window that alerts look at.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) window: u64,
    /// Raise an alert at so many errors in the window; 0 is never.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) alert_errors: u64,
    /// Raise an alert at so many lines in the window; 0 is never.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) alert_lines: u64,
}

impl Args {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            line: self.max_line as usize,
            idle: Duration::from_secs_f64(self.idle),
            line_time: Duration::from_secs_f64(self.line_time),
            write: Duration::from_secs_f64(self.write_time),
            acknowledge: self.acknowledge,
        }
    }

    pub(crate) fn thresholds(&self) -> Thresholds {
        Thresholds { errors: self.alert_errors, lines: self.alert_lines }
    }
}

/// A time that a clock can hold.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    let fits = (0.001..=1e6).contains(&seconds);
    if fits { Ok(seconds) } else { Err("not between 0.001 and 1000000".to_owned()) }
}
