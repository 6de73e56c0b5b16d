//! What is written to, and how it is opened and committed.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::io::stdout_file;

/// What is written to.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Create(PathBuf),
    Append(PathBuf),
    Replace(PathBuf),
    Stdout,
}

/// An open target.
#[derive(Debug)]
pub(super) enum Opened {
    /// Written in place.
    Plain(File),
    /// Removed when it is dropped, unless it was committed to its path.
    Temporary(NamedTempFile, PathBuf),
}

impl Target {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "fs::write",
            Self::Append(_) => "fs::append",
            Self::Replace(_) => "fs::replace",
            Self::Stdout => "io::stdout",
        }
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Self::Create(path) | Self::Append(path) | Self::Replace(path) => {
                format!("`{}`", path.display())
            }
            Self::Stdout => "standard output".to_owned(),
        }
    }

    pub(super) fn open(&self) -> io::Result<Opened> {
        match self {
            Self::Create(path) => File::create(path).map(Opened::Plain),
            Self::Append(path) => {
                OpenOptions::new().append(true).create(true).open(path).map(Opened::Plain)
            }
            Self::Replace(path) => beside(path),
            Self::Stdout => stdout_file().map(Opened::Plain),
        }
    }
}

impl Opened {
    pub(super) fn file(&mut self) -> &mut File {
        match self {
            Self::Plain(file) => file,
            Self::Temporary(file, _) => file.as_file_mut(),
        }
    }

    /// Makes what was written count. After an error, nothing of it does: a sync that failed cannot be tried again.
    pub(super) fn commit(self, sync: bool) -> io::Result<()> {
        match self {
            Self::Plain(file) => {
                // A pipe, a terminal or a device has nothing to sync.
                if sync && file.metadata()?.is_file() {
                    file.sync_all()?;
                }
                Ok(())
            }
            Self::Temporary(file, path) => {
                file.as_file().sync_all()?;
                file.persist(&path).map_err(|failed| failed.error)?;
                sync_folder(&path)
            }
        }
    }
}

/// Makes a temporary file in the folder of `path`, with the mode that the file at `path` has or would get.
fn beside(path: &Path) -> io::Result<Opened> {
    // A link stays: what it points to is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let old = match path.metadata() {
        Ok(about) if !about.is_file() => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "only a regular file can be replaced",
            ));
        }
        Ok(about) => Some(about.permissions()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
    };
    let prefix = format!(".{}.", name.to_string_lossy());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(all);
    let file = builder.tempfile_in(folder(&path))?;
    if let Some(mode) = old {
        file.as_file().set_permissions(mode)?;
    }
    Ok(Opened::Temporary(file, path))
}

/// The folder a path is in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a rename survive a power failure.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

/// Elsewhere a folder cannot be opened to sync it.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
