//! What is written to, and how it is opened and committed.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;

use super::gate::Gate;
use super::replace::{Attribute, ReplaceOptions, Temporary};
use crate::io::stdout_file;

/// What is written to.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Create(PathBuf),
    Append(PathBuf),
    Replace(PathBuf, ReplaceOptions),
    Stdout,
}

/// An open target.
#[derive(Debug)]
pub(super) enum Opened {
    /// Written in place.
    Plain(File),
    /// Removed when it is dropped, unless it was committed to its path.
    Temporary(Temporary),
}

/// A file whose content counts from now on.
#[derive(Debug)]
pub(super) struct InPlace {
    /// What of the old file it does not have.
    pub(super) not_kept: Vec<Attribute>,
    /// Whether its folder is on the disk as well: otherwise a power failure may bring the old file back.
    pub(super) synced: io::Result<()>,
}

impl Target {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "fs::write",
            Self::Append(_) => "fs::append",
            Self::Replace(..) => "fs::replace",
            Self::Stdout => "io::stdout",
        }
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Self::Create(path) | Self::Append(path) | Self::Replace(path, _) => {
                format!("`{}`", path.display())
            }
            Self::Stdout => "standard output".to_owned(),
        }
    }

    /// Whether opening or writing it may wait for another process: not so for regular files.
    pub(super) fn may_wait_for_ever(&self) -> bool {
        let about = match self {
            Self::Create(path) | Self::Append(path) => std::fs::metadata(path),
            Self::Replace(..) => return false,
            Self::Stdout => stdout_file().and_then(|file| file.metadata()),
        };
        about.is_ok_and(|about| !about.is_file() && !about.is_dir())
    }

    pub(super) fn open(&self) -> io::Result<Opened> {
        match self {
            Self::Create(path) => File::create(path).map(Opened::Plain),
            Self::Append(path) => {
                OpenOptions::new().append(true).create(true).open(path).map(Opened::Plain)
            }
            Self::Replace(path, options) => Temporary::open(path, options).map(Opened::Temporary),
            Self::Stdout => stdout_file().map(Opened::Plain),
        }
    }
}

impl Opened {
    pub(super) fn file(&mut self) -> &mut File {
        match self {
            Self::Plain(file) => file,
            Self::Temporary(temporary) => temporary.file(),
        }
    }

    /// Makes what was written count. `None` if the gate was closed before. After an error, nothing counts: a sync that
    /// failed cannot be tried again.
    pub(super) fn commit(self, sync: bool, gate: &Gate) -> io::Result<Option<InPlace>> {
        match self {
            Self::Plain(file) => {
                // A pipe, a terminal or a device has nothing to sync.
                if sync && file.metadata()?.is_file() {
                    file.sync_all()?;
                }
                Ok(Some(InPlace { not_kept: Vec::new(), synced: Ok(()) }))
            }
            Self::Temporary(temporary) => temporary.commit(gate),
        }
    }

    /// Closes the file, and removes it if it is temporary, on this thread.
    pub(super) fn discard(self) {
        match self {
            Self::Plain(file) => drop(file),
            Self::Temporary(temporary) => temporary.remove(),
        }
    }
}
