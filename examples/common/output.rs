//! The option `-o`.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use highwater::{BoxDestination, fs, io};

/// The destination that `-o` names; standard output without it.
///
/// A regular file is replaced in one step at the end. An open [`Descriptor`] is written behind what it has: the shell has
/// said whether that is kept, as in `>> log`. A device or a named pipe is written as it is.
pub fn output(path: Option<&Path>) -> BoxDestination<Bytes> {
    let Some(path) = path else { return BoxDestination::new(io::stdout()) };
    match Descriptor::of(path) {
        Some(Descriptor::Stdout) => BoxDestination::new(io::stdout()),
        Some(Descriptor::Other) => BoxDestination::new(fs::append(path)),
        None if path.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir()) => {
            BoxDestination::new(fs::write(path))
        }
        None => BoxDestination::new(fs::replace(path)),
    }
}

/// A file that is open already, and has a path all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Descriptor {
    /// Standard output.
    Stdout,
    /// Another one, of this process or of another.
    Other,
}

impl Descriptor {
    /// The descriptor that a path stands for: `/dev/stdout`, `/dev/fd/3`, `/proc/self/fd/3`, or a link to one of them.
    pub fn of(path: &Path) -> Option<Self> {
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            if let Some(descriptor) = Self::at(&path) {
                return Some(descriptor);
            }
            let target = path.read_link().ok()?;
            path = folder(&path).join(target);
        }
        None
    }

    /// The descriptor whose own name the path is: that name is a link, but to the file and not to what is open.
    fn at(path: &Path) -> Option<Self> {
        let (folder, name) = (folder(path).canonicalize().ok()?, path.file_name()?);
        let is_own = folder == Path::new("/dev/fd")
            || Path::new("/proc/self").canonicalize().is_ok_and(|own| folder.starts_with(own));
        let is_open = folder.ends_with("fd") && (is_own || folder.starts_with("/proc"));
        is_open.then_some(if is_own && name == "1" { Self::Stdout } else { Self::Other })
    }
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// As many as Linux follows.
const MOST_LINKS: u32 = 40;
