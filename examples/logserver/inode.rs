//! Whether a file is still the one at its path, and who may read it.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Opens a file to append to it, or makes it, with the owner and mode of `like`. Regular files are opened to read as well.
///
/// A path that is a link to a regular file is an error, and so is one that is a link to nothing.
pub(crate) fn open(path: &Path, like: Option<&Metadata>) -> io::Result<File> {
    match create(path, like) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => existing(path),
        made => made,
    }
}

fn existing(path: &Path) -> io::Result<File> {
    let there = path.symlink_metadata()?;
    // A pipe that is opened to read as well would never say that its reader has gone.
    let file = OpenOptions::new().read(there.is_file()).append(true).open(path);
    let file = match file {
        Err(error) if error.kind() == ErrorKind::NotFound && there.is_symlink() => {
            return Err(io::Error::other("it is a link to nothing"));
        }
        file => file?,
    };
    let about = file.metadata()?;
    if about.is_file() && !same(&there, &about) {
        return Err(io::Error::other("it is a link, or was replaced while it was opened"));
    }
    Ok(file)
}

#[cfg(unix)]
fn create(path: &Path, like: Option<&Metadata>) -> io::Result<File> {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
    let mut options = OpenOptions::new();
    options.read(true).append(true).create_new(true);
    let Some(like) = like else { return options.open(path) };
    let file = options.mode(0o600).open(path)?;
    let about = file.metadata()?;
    let mut mode = like.mode() & 0o777;
    if (about.uid(), about.gid()) != (like.uid(), like.gid())
        && fchown(&file, Some(like.uid()), Some(like.gid())).is_err()
        && fchown(&file, None, Some(like.gid())).is_err()
    {
        // Another group must not get what the group before was given.
        mode &= 0o707;
    }
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    Ok(file)
}

#[cfg(unix)]
pub(crate) fn same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Whether no path leads to the file any more.
#[cfg(unix)]
pub(crate) fn is_removed(about: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(about) == 0
}

#[cfg(not(unix))]
fn create(path: &Path, _: Option<&Metadata>) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create_new(true).open(path)
}

/// Elsewhere a file cannot be told from another.
#[cfg(not(unix))]
pub(crate) fn same(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(not(unix))]
pub(crate) fn is_removed(_: &Metadata) -> bool {
    false
}
