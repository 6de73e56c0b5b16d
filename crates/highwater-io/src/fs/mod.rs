//! Files.
//!
//! The calls run on Tokio's blocking pool, many at a time: a read fills the read-ahead in one visit, a write takes all
//! that has gathered. No thread of the pool is held while the other side of the pipeline is slow.

mod gate;
mod input;
mod job;
mod options;
mod read;
mod replace;
mod target;
mod write;
mod writer;

use std::ops::RangeBounds;
use std::path::Path;

use highwater_core::Readable;

pub(crate) use options::Origin;
pub use options::ReadOptions;
pub use read::FileRead;
pub use replace::{Attribute, ReplaceOptions};
pub(crate) use target::Target;
pub use write::FileWrite;

/// Reads a file: chunks of 256 KiB, four of them read ahead ([`ReadOptions`] for other numbers).
///
/// The file is opened at the first read, not here.
///
/// # Errors
///
/// In the stream: the file cannot be opened or read. A file that was made shorter while it was read ends in an
/// [`is_truncated`](highwater_core::Error::is_truncated) error at the offset where it ended, not in a clean end; one that
/// grew is read to its new end. A file that another one was renamed over is read to the end as it was.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let mut bytes = 0;
/// let mut file = highwater_io::fs::read("Cargo.toml");
/// while let Some(chunk) = file.next().await {
///     bytes += chunk?.len();
/// }
/// assert!(bytes > 0);
/// # Ok(()) }
/// ```
pub fn read(path: impl AsRef<Path>) -> Readable<FileRead> {
    ReadOptions::new().read(path)
}

/// Reads part of a file: bytes `range.start` up to `range.end`, without an end to the end of the file.
///
/// # Errors
///
/// As [`read`]; a range that reaches behind the end of the file ends in an
/// [`is_truncated`](highwater_core::Error::is_truncated) error.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// let start = highwater_io::fs::read_range("Cargo.toml", ..9).to_bytes().await?;
/// assert_eq!(&start[..], b"[package]");
/// # Ok(()) }
/// ```
pub fn read_range(path: impl AsRef<Path>, range: impl RangeBounds<u64>) -> Readable<FileRead> {
    ReadOptions::new().read_range(path, range)
}

/// Writes a file, which is made empty first if it is there.
///
/// Small chunks are gathered, and the file is written while the next chunks come. What was written stays there when the
/// pipeline fails; [`replace`] writes all or nothing.
///
/// # Errors
///
/// From `open`, `write`, `flush` or `finish`, with the path: the file cannot be made or written. The offset is that of
/// the first byte that was not written.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let path = tempfile::tempdir()?.keep().join("numbers");
/// Readable::from_iter(0..3).map(|x| format!("{x}\n")).pipe_to(highwater_io::fs::write(&path)).await?;
/// assert_eq!(std::fs::read(&path)?, b"0\n1\n2\n");
/// # Ok(()) }
/// ```
pub fn write<T>(path: impl AsRef<Path>) -> FileWrite<T> {
    FileWrite::new(Target::Create(path.as_ref().to_owned()))
}

/// Writes at the end of a file, which is made if it is not there.
///
/// # Errors
///
/// As [`write()`].
pub fn append<T>(path: impl AsRef<Path>) -> FileWrite<T> {
    FileWrite::new(Target::Append(path.as_ref().to_owned()))
}

/// Replaces a file by a new one, in one step at the end: whoever looks sees the old file or the whole new one.
///
/// The chunks go to a temporary file in the same folder, named `.NAME.XXXXXX.tmp`. At the end it is synced to disk,
/// renamed over the old one, and the folder is synced. If the pipeline fails, is aborted or dropped before the rename, the
/// temporary file is removed and the old one is as it was. [`ReplaceOptions`] change what follows.
///
/// On Unix, owner, group, mode and (on Linux) access control list of the old file are kept. Until the rename, only the
/// caller can read the temporary file. Where the process may not keep the owner or the group, the set-user-ID and
/// set-group-ID bits go, and a new group gets no right that others do not have; [`FileWrite::not_kept`] tells. Other
/// extended attributes, times and hard links are not kept. A file that is new has the mode that the umask leaves.
///
/// A symbolic link at the path is followed if it belongs to the caller or to root, or to the owner of the file that it
/// leads to; another one is a `PermissionDenied` error. If it leads to no file, the file is created where it leads to.
/// Links among the folders of the path are followed once, when the file is opened.
///
/// A process that is killed leaves the temporary file behind, also by a Ctrl-C, `SIGTERM` or `SIGHUP` that it does not
/// handle, or by the `SIGXFSZ` of a file that is larger than it may be. A program that handles these signals cancels the
/// token of [`abort_on`](highwater_core::Pipeline::abort_on), and the file is removed before the pipeline resolves. A file
/// that is left behind disturbs nobody, and can be found by its name.
///
/// # Errors
///
/// As [`write()`], also when syncing or renaming fails. A path that is there and not a regular file is refused. If it is
/// the folder that cannot be synced, the new file is in its place, but may not survive a power failure: this error is
/// [`is_committed`](highwater_core::Error::is_committed).
pub fn replace<T>(path: impl AsRef<Path>) -> FileWrite<T> {
    ReplaceOptions::new().replace(path)
}
