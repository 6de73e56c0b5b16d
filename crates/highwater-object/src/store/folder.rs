//! What is special about a store that is a folder.

use std::fs::ReadDir;
use std::io::{self, ErrorKind};
use std::path::{Path as FilePath, PathBuf};

use highwater_core::{Error, Result};
use object_store::local::LocalFileSystem;
use object_store::path::Path;

/// Opens the folder, and gives its path without links.
pub(super) fn open(path: &FilePath, sync: bool) -> Result<(LocalFileSystem, PathBuf)> {
    let cannot = |error: io::Error| {
        Error::from(error).context(format!("cannot open the folder `{}`", path.display()))
    };
    let root = path.canonicalize().map_err(cannot)?;
    if !root.is_dir() {
        return Err(cannot(ErrorKind::NotADirectory.into()));
    }
    let files = LocalFileSystem::new_with_prefix(&root)
        .map_err(|error| crate::error::failed(format_args!("open `{}`", root.display()), error))?;
    Ok((files.with_fsync(sync), root))
}

/// Refuses a path of which any part is a symbolic link. A part that is not there ends the search: there is nothing behind.
pub(super) async fn refuse_links(root: &FilePath, key: &Path) -> Result<()> {
    let mut path = root.to_owned();
    let segments: Vec<String> = key.parts().map(|part| part.as_ref().to_owned()).collect();
    let look = move || -> io::Result<Option<PathBuf>> {
        for segment in segments {
            path.push(segment);
            match path.symlink_metadata() {
                Ok(about) if about.is_symlink() => return Ok(Some(path)),
                Ok(_) => {}
                // What is there, and what is wrong with it, is for the store to say.
                Err(_) => break,
            }
        }
        Ok(None)
    };
    match tokio::task::spawn_blocking(look).await?? {
        None => Ok(()),
        Some(link) => {
            let refused = io::Error::from(ErrorKind::PermissionDenied);
            let what = format!("`{}` is a symbolic link, which is not followed", link.display());
            Err(Error::from(refused).context(what))
        }
    }
}

/// A folder that is read page by page. `None` before it is opened.
#[derive(Debug)]
pub(crate) struct Entries {
    path: PathBuf,
    open: Option<ReadDir>,
}

impl Entries {
    pub(crate) fn new(root: &FilePath, prefix: &Path) -> Self {
        let path = prefix.parts().fold(root.to_owned(), |path, part| path.join(part.as_ref()));
        Self { path, open: None }
    }

    /// The names of up to `most` further regular files, and the error that ended them early. Fewer names say that there
    /// are no more.
    pub(crate) fn next(&mut self, most: usize) -> (Vec<String>, Option<io::Error>) {
        let mut names = Vec::new();
        let error = self.read(most, &mut names).err();
        (names, error)
    }

    fn read(&mut self, most: usize, names: &mut Vec<String>) -> io::Result<()> {
        let entries = match &mut self.open {
            Some(entries) => entries,
            None => match self.path.read_dir() {
                Ok(entries) => self.open.insert(entries),
                // A prefix without objects is no folder.
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            },
        };
        for entry in entries {
            let entry = entry?;
            // A name that is not UTF-8 is the key of nothing.
            if let (true, Ok(name)) =
                (entry.file_type()?.is_file(), entry.file_name().into_string())
            {
                names.push(name);
            }
            if names.len() == most {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key;

    /// F94: no part of a path may be a link, whether it leads out of the folder or not.
    #[cfg(unix)]
    #[tokio::test]
    async fn links_are_refused() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let link = |from: &str, to: &FilePath| {
            std::os::unix::fs::symlink(to, root.path().join(from)).unwrap()
        };
        std::fs::create_dir(root.path().join("real")).unwrap();
        link("out", outside.path());
        link("in", &root.path().join("real"));
        link("real/broken", FilePath::new("/nowhere"));
        for key in ["out", "out/a", "in/a", "real/broken"] {
            let error = refuse_links(root.path(), &key::parse(key).unwrap()).await.unwrap_err();
            assert_eq!(error.io_kind(), Some(ErrorKind::PermissionDenied), "{key}: {error}");
        }
        for key in ["real", "real/a", "new/deep/a"] {
            refuse_links(root.path(), &key::parse(key).unwrap()).await.unwrap();
        }
    }

    #[test]
    fn a_folder_is_read_in_pages() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("p/deeper")).unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(root.path().join("p").join(name), "").unwrap();
        }
        let mut entries = Entries::new(root.path(), &key::parse("p").unwrap());
        let (first, second) = (entries.next(2).0, entries.next(2).0);
        assert_eq!((first.len(), second.len()), (2, 1));
        let mut names = [first, second].concat();
        names.sort();
        assert_eq!(names, ["a", "b", "c"]);
        let (names, error) = Entries::new(root.path(), &key::parse("q").unwrap()).next(2);
        assert!(names.is_empty() && error.is_none());
        let (names, error) = Entries::new(root.path(), &key::parse("p/a").unwrap()).next(2);
        assert!(names.is_empty() && error.is_some());
    }

    #[test]
    fn what_is_no_folder_cannot_be_opened() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(open(&file, true).unwrap_err().io_kind(), Some(ErrorKind::NotADirectory));
        assert_eq!(
            open(&root.path().join("no"), true).unwrap_err().io_kind(),
            Some(ErrorKind::NotFound)
        );
    }
}
