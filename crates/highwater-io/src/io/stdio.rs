//! Standard input and output.

use std::fs::File;
use std::io;

use highwater_core::Readable;

use crate::fs::{FileRead, FileWrite, Origin, ReadOptions, Target};

/// Reads standard input.
///
/// A file is read ahead like any other. A pipe or a terminal is read by a thread of its own, which does not keep the
/// program from ending: what it has read ahead is lost then.
///
/// # Errors
///
/// In the stream, as [`fs::read`](crate::fs::read).
///
/// # Examples
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// use highwater_io::io;
/// io::stdin().pipe_to(io::stdout()).await?;
/// # Ok(()) }
/// ```
pub fn stdin() -> Readable<FileRead> {
    ReadOptions::new().read_origin(Origin::Stdin)
}

/// Writes to standard output, past the buffer of `print!`. Chunks are gathered, and go out when the source has nothing at
/// hand.
///
/// # Errors
///
/// As [`fs::write`](crate::fs::write()); a reader that is gone is an `io::ErrorKind::BrokenPipe`.
pub fn stdout<T>() -> FileWrite<T> {
    FileWrite::new(Target::Stdout)
}

/// Standard input as a file.
#[cfg(unix)]
pub(crate) fn stdin_file() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// Standard output as a file.
#[cfg(unix)]
pub(crate) fn stdout_file() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

/// Standard input as a file.
#[cfg(windows)]
pub(crate) fn stdin_file() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

/// Standard output as a file.
#[cfg(windows)]
pub(crate) fn stdout_file() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    io::stdout().as_handle().try_clone_to_owned().map(File::from)
}
