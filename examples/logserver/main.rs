//! Takes log lines from many clients, stores them, and shows what goes on.
//!
//! ```text
//! logserver [--out FILE] [--listen ADDRESS] [--http ADDRESS] [--acknowledge] [limits, see --help]
//! ```
//!
//! Clients connect by TCP and send lines. `[time] LEVEL: message` and objects of JSON with `level` and `message` are read;
//! other lines are kept as well, and marked `UNPARSED`. Each line is stored as it came, behind the time of its arrival, its
//! source and its level, with tabs between them:
//!
//! ```text
//! 2026-01-02T03:04:05.678Z    192.0.2.7:40112    ERROR    [03:04:05] error: disk full
//! ```
//!
//! **Accepted** is a line that the operating system has taken from this program: it is in the file even if the program is
//! killed, though not if the power fails before the system has written it. With `--acknowledge` clients are told: now and
//! then they get a line with the number of their lines that are accepted, counted from the start of the connection. A
//! client that sends what was not acknowledged again, on a new connection, loses nothing, and may store a line twice.
//!
//! A file that is full gets a number, and `--keep` says how many of those are kept: the oldest goes with its lines. A file
//! that others move away or remove is noticed before the next lines are accepted, which then go into a new file; SIGHUP makes
//! the new file at once. Truncating the file removes accepted lines: move it instead.
//!
//! The first file gets the mode that the umask allows, each later one the owner, group and mode of the one before as far as
//! the process may give them. A link given as FILE is followed at the start and at SIGHUP only; a link that takes the place
//! of the file later is not. Who may write to its folder can still take the log away: use a folder of the server's own.
//!
//! Nothing is read that cannot be stored: while the disk is slow, full or broken, the lines wait at the clients.
//!
//! `http://ADDRESS/` shows lines per second, the last minute by level and by source, the alerts, and what holds the server
//! back; `/metrics` has the figures for Prometheus. Neither asks who is there: leave it on the loopback, or behind
//! something that does.
//!
//! Without `--out` it shows itself: it stores in a temporary file, and sends itself lines. After Ctrl-C or SIGTERM it takes
//! no more lines, stores and acknowledges what it has read, and ends with 0; or with 1 if that takes longer than `--drain`,
//! and with 2 if it cannot begin. A second Ctrl-C ends it at once with 130, also while a pipe or a disk takes nothing.

mod args;
mod demo;
mod inode;
mod intake;
mod lines;
mod log;
mod patience;
mod peer;
mod place;
mod record;
mod server;
mod stats;
mod store;
mod text;
mod view;
mod watch;
mod web;

use std::process::ExitCode;

use highwater::Error;
use highwater_examples::{OneLine, arguments};

fn main() -> ExitCode {
    let args: args::Args = arguments();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into(), 2),
    };
    let ended = runtime.block_on(server::run(&args));
    // A write to a disk that hangs cannot be stopped: it is not waited for.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_timeout() => failed(&error, 1),
        Err(error) => failed(&error, 2),
    }
}

fn failed(error: &Error, code: u8) -> ExitCode {
    text::say(format_args!("{}", OneLine(error)));
    ExitCode::from(code)
}
