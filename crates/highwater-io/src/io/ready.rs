//! Waiting for a file that is set to non-blocking.

use std::fs::File;
use std::io;

/// Blocks until a read gives something, the end or an error.
#[cfg(unix)]
pub(crate) fn wait_until_readable(file: &File) -> io::Result<()> {
    wait(file, rustix::event::PollFlags::IN)
}

/// Blocks until a write takes something or fails.
#[cfg(unix)]
pub(crate) fn wait_until_writable(file: &File) -> io::Result<()> {
    wait(file, rustix::event::PollFlags::OUT)
}

#[cfg(unix)]
fn wait(file: &File, until: rustix::event::PollFlags) -> io::Result<()> {
    use rustix::event::{PollFd, poll};
    match poll(&mut [PollFd::new(file, until)], None) {
        // The caller tries again.
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Elsewhere files are not set to non-blocking.
#[cfg(not(unix))]
pub(crate) fn wait_until_readable(_: &File) -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}

/// Elsewhere files are not set to non-blocking.
#[cfg(not(unix))]
pub(crate) fn wait_until_writable(_: &File) -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}
