//! A temporary file, by its path.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::ReplaceOptions;
use crate::fs::gate::Gate;
use crate::fs::target::InPlace;

/// The new file until it takes the place of the old one. Removed when it is dropped.
#[derive(Debug)]
pub(in crate::fs) struct Temporary {
    file: NamedTempFile,
    path: PathBuf,
    create_new: bool,
}

impl Temporary {
    pub(in crate::fs) fn open(path: &Path, options: &ReplaceOptions) -> io::Result<Self> {
        let is_link = path.symlink_metadata().is_ok_and(|about| about.is_symlink());
        if is_link && !options.follow {
            return Err(invalid("the path is a symbolic link"));
        }
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        match path.metadata() {
            Ok(_) if options.create_new => return Err(io::ErrorKind::AlreadyExists.into()),
            Ok(about) if !about.is_file() => {
                return Err(invalid("only a regular file can be replaced"));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let file = tempfile::Builder::new()
            .prefix(".highwater.")
            .suffix(".tmp")
            .tempfile_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Self { file, path, create_new: options.create_new })
    }

    pub(in crate::fs) fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Syncs the file and renames it. `None` if the gate was closed before.
    pub(in crate::fs) fn commit(self, gate: &Gate) -> io::Result<Option<InPlace>> {
        self.file.as_file().sync_all()?;
        let Self { file, path, create_new } = self;
        let renamed = gate
            .pass(|| if create_new { file.persist_noclobber(&path) } else { file.persist(&path) });
        match renamed {
            None => Ok(None),
            // Elsewhere a folder cannot be synced.
            Some(Ok(_)) => Ok(Some(InPlace { not_kept: Vec::new(), synced: Ok(()) })),
            Some(Err(failed)) => Err(failed.error),
        }
    }

    /// Removes the file, on this thread.
    pub(in crate::fs) fn remove(self) {}
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}
