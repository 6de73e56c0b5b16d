//! One run of one contestant, with what the operating system says about it.

use std::fs::File;
use std::io::{self, Read as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use wait4::Wait4 as _;

use crate::clock;

/// What one run took.
#[derive(Debug)]
pub(crate) struct Usage {
    /// From before it was started until it was gone.
    pub(crate) wall: Duration,
    /// User and system time of all its threads.
    pub(crate) cpu: Duration,
    /// Its largest resident set, in bytes. Linux counts from the moment of the fork, so it is never below that of the
    /// harness.
    pub(crate) peak_memory: u64,
    /// What it printed, if that was not put into a file.
    pub(crate) answer: String,
}

/// Runs a command to its end. What it prints is its answer, or goes into `output`.
///
/// # Errors
///
/// It cannot be started, or it fails.
pub(crate) fn run(mut command: Command, output: Option<File>) -> Result<Usage> {
    command.stdin(Stdio::null()).stdout(output.map_or_else(Stdio::piped, Stdio::from));
    let (result, wall) = clock::timed(|| -> io::Result<_> {
        let mut child = command.spawn()?;
        // An answer is a line or two: the pipe takes it whole, so that nobody waits for anybody.
        let used = child.wait4()?;
        Ok((child, used))
    });
    let (mut child, used) = result.with_context(|| format!("running {command:?}"))?;
    ensure!(used.status.success(), "{command:?} failed: {}", used.status);
    let mut answer = String::new();
    if let Some(stdout) = &mut child.stdout {
        stdout.read_to_string(&mut answer)?;
    }
    let cpu = used.rusage.utime + used.rusage.stime;
    Ok(Usage { wall, cpu, peak_memory: used.rusage.maxrss, answer })
}

/// Whether a program is on the PATH.
pub(crate) fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}
