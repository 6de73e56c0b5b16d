//! The folder and the name of the file that a path leads to.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::geteuid;

/// An open folder and a name in it. Everything happens relative to the folder, so that nobody can exchange a part of the
/// path in between.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) folder: Arc<OwnedFd>,
    pub(super) name: OsString,
}

/// The file to replace, as far as its attributes can be read.
pub(super) enum Old {
    Open(File),
    /// It cannot be read. Its lists can, by this path, if `/proc` is there.
    Closed(PathBuf),
    /// It was removed, or another one took its place: whether it had lists is not known.
    Gone,
}

impl Place {
    /// Follows the links at the end of the path, if they may be followed.
    ///
    /// A link of the caller or of root is trusted. Another user's link is followed only to a file of the same user, as
    /// with Linux's `protected_symlinks`: otherwise it would let its owner choose which file is replaced.
    pub(super) fn resolve(path: &Path, follow: bool) -> io::Result<Self> {
        let mut place = Self::within(CWD, path)?;
        let mut strangers = Vec::new();
        for _ in 0..LINKS {
            let about = place.about()?;
            match about.filter(|about| kind(about) == FileType::Symlink) {
                None => return place.checked(about.as_ref(), &strangers),
                Some(_) if !follow => return Err(invalid("it is a symbolic link")),
                Some(link) => strangers.extend(stranger(link.st_uid)),
            }
            place = Self::within(&place.folder, &place.link()?)?;
        }
        Err(Errno::LOOP.into())
    }

    /// Opens the folder of a path that starts at `base`.
    fn within(base: impl AsFd, path: &Path) -> io::Result<Self> {
        let names_a_folder = path.as_os_str().as_bytes().ends_with(b"/");
        let name = path.file_name().filter(|_| !names_a_folder);
        let name = name.ok_or_else(|| invalid("the path names no file"))?.to_owned();
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = folder.unwrap_or(Path::new("."));
        let folder = retry_on_intr(|| openat(&base, folder, flags, Mode::empty()))?;
        Ok(Self { folder: Arc::new(folder), name })
    }

    /// The file at this place, or the link itself.
    pub(super) fn about(&self) -> io::Result<Option<Stat>> {
        match statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(about) => Ok(Some(about)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The file that `about` describes.
    pub(super) fn old(&self, about: &Stat) -> Old {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let is_the_same =
            |found: &Stat| found.st_dev == about.st_dev && found.st_ino == about.st_ino;
        let opened = openat(&self.folder, &self.name, flags, Mode::empty());
        let found = match &opened {
            Ok(file) => fstat(file).ok(),
            Err(_) => self.about().ok().flatten(),
        };
        match opened {
            _ if !found.as_ref().is_some_and(is_the_same) => Old::Gone,
            Ok(file) => Old::Open(file.into()),
            Err(_) => {
                let folder = self.folder.as_raw_fd().to_string();
                Old::Closed(Path::new("/proc/self/fd").join(folder).join(&self.name))
            }
        }
    }

    fn link(&self) -> io::Result<PathBuf> {
        let path = readlinkat(&self.folder, &self.name, Vec::new())?;
        Ok(PathBuf::from(OsString::from_vec(path.into_bytes())))
    }

    fn checked(self, about: Option<&Stat>, strangers: &[u32]) -> io::Result<Self> {
        if about.is_some_and(|about| !is_regular(about)) {
            return Err(invalid("only a regular file can be replaced"));
        }
        let is_theirs = |user: &u32| about.is_some_and(|about| about.st_uid == *user);
        if !strangers.iter().all(is_theirs) {
            let why = "a symbolic link of another user is not followed";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        Ok(self)
    }

    /// Another name in the same folder.
    pub(super) fn sibling(&self, name: &OsStr) -> Self {
        Self { folder: Arc::clone(&self.folder), name: name.to_owned() }
    }
}

pub(super) fn is_regular(about: &Stat) -> bool {
    kind(about) == FileType::RegularFile
}

/// The kind of a file.
fn kind(about: &Stat) -> FileType {
    FileType::from_raw_mode(about.st_mode)
}

/// The user, if it is neither the caller nor root.
fn stranger(user: u32) -> Option<u32> {
    (user != 0 && user != geteuid().as_raw()).then_some(user)
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// Links that are followed one after the other, as in Linux.
const LINKS: usize = 40;
