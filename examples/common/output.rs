//! The option `-o`.

use std::path::Path;

use bytes::Bytes;
use highwater::{BoxDestination, fs, io};

/// The destination that `-o` names; standard output without it.
///
/// A regular file is replaced in one step at the end. An open descriptor (`/dev/stdout`, `/dev/stderr`, `/dev/fd/N`) is
/// written behind what it has: the shell has said whether that is kept, as in `>> log`. A device or a named pipe is
/// written as it is.
pub fn output(path: Option<&Path>) -> BoxDestination<Bytes> {
    let Some(path) = path else { return BoxDestination::new(io::stdout()) };
    match descriptor(path) {
        Some(1) => BoxDestination::new(io::stdout()),
        Some(_) => BoxDestination::new(fs::append(path)),
        None if path.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir()) => {
            BoxDestination::new(fs::write(path))
        }
        None => BoxDestination::new(fs::replace(path)),
    }
}

/// The number of the open descriptor that a path stands for.
pub fn descriptor(path: &Path) -> Option<u32> {
    match path.to_str()? {
        "/dev/stdin" => Some(0),
        "/dev/stdout" => Some(1),
        "/dev/stderr" => Some(2),
        path => {
            let number =
                path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"));
            number?.parse().ok()
        }
    }
}
