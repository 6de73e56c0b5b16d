//! The file that lines are appended to.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use highwater::{Error, Result};

use crate::inode::{is_removed, open, same};
use crate::place::Place;

/// A log that several tasks share. Its calls run on the blocking pool, one at a time.
#[derive(Debug, Clone)]
pub(crate) struct SharedLog(Arc<Mutex<Log>>);

impl SharedLog {
    pub(crate) async fn open(place: Place) -> Result<Self> {
        let path = place.path.clone();
        let log = blocking(move || Log::open(place)).await?;
        let log = log.map_err(|error| named("cannot append to", &path, error))?;
        Ok(Self(Arc::new(Mutex::new(log))))
    }

    /// Appends whole lines, and returns how many files were put aside for that.
    pub(crate) async fn append(&self, lines: Bytes) -> Result<u64> {
        self.run("cannot write", move |log| log.append(&lines)).await
    }

    /// Opens the file at the path unless it is open already.
    pub(crate) async fn reopen(&self) -> Result<()> {
        self.run("cannot open", Log::reopen).await
    }

    async fn run<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut Log) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let log = Arc::clone(&self.0);
        let run = move || {
            // A panic leaves nothing half-way that is not looked at again.
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut log).map_err(|error| named(what, &log.given.path, error))
        };
        blocking(run).await?
    }
}

/// Whole lines in the file at a path, whatever others do to that file meanwhile.
///
/// - A line is never glued to half a line: what a failed write or another program left is cut off or ended.
/// - A file that was moved away keeps what it has; the next lines go into a new file at the path.
/// - Lines in a file that was removed are written once more, into the new file.
/// - A pipe or a device is only written to.
#[derive(Debug)]
struct Log {
    given: Place,
    /// The given place without links, as of the last (re)opening: a link that is planted there later is not followed.
    place: Place,
    file: File,
    /// The length of the file after the last write. Where it differs, another program has changed the file.
    end: u64,
    /// The length of the file without what a failed write left at its end, until that is cut off.
    whole: Option<u64>,
}

impl Log {
    fn open(given: Place) -> io::Result<Self> {
        let place = given.resolved()?;
        let file = open(&place.path, None)?;
        let mut log = Self { given, place, file, end: 0, whole: None };
        let about = log.file.metadata()?;
        if about.is_file() {
            log.end_last_line(about.len())?;
        }
        Ok(log)
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<u64> {
        let mut rotations = 0;
        loop {
            let about = self.file.metadata()?;
            if !about.is_file() {
                return self.write(lines).map(|()| rotations);
            }
            rotations += u64::from(self.prepare(&about)?);
            self.write(lines)?;
            self.end = self.file.metadata()?.len();
            if !is_removed(&self.file.metadata()?) {
                return Ok(rotations);
            }
        }
    }

    fn reopen(&mut self) -> io::Result<()> {
        let place = self.given.resolved()?;
        let about = self.file.metadata()?;
        if place.path.metadata().is_ok_and(|there| same(&there, &about)) {
            self.place = place;
            return Ok(());
        }
        self.replace(open(&place.path, Some(&about))?);
        self.place = place;
        Ok(())
    }

    /// Makes the file at the path one that lines can be appended to. True if a full one was put aside.
    fn prepare(&mut self, about: &Metadata) -> io::Result<bool> {
        if self.is_moved(about)? {
            self.replace(open(&self.place.path, Some(about))?);
        }
        self.cut()?;
        let about = self.file.metadata()?;
        if about.len() < self.place.full {
            self.end_last_line(about.len())?;
            return Ok(false);
        }
        self.place.put_aside()?;
        self.replace(open(&self.place.path, Some(&about))?);
        self.place.remove_oldest()?;
        Ok(true)
    }

    fn replace(&mut self, file: File) {
        (self.file, self.end, self.whole) = (file, 0, None);
    }

    /// Whether the path has another file now, or none.
    fn is_moved(&self, about: &Metadata) -> io::Result<bool> {
        match self.place.path.symlink_metadata() {
            Ok(there) => Ok(!same(&there, about)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut rest = lines;
        while !rest.is_empty() {
            let error = match self.file.write(rest) {
                Ok(0) => ErrorKind::WriteZero.into(),
                Ok(written) => {
                    rest = &rest[written..];
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            let written = lines.len() - rest.len();
            // What cannot be cut off now is cut off before the next write.
            return self.take_back(written).and(Err(error));
        }
        Ok(())
    }

    /// Cuts off the last bytes, which a write that failed has left.
    fn take_back(&mut self, written: usize) -> io::Result<()> {
        let about = self.file.metadata()?;
        if about.is_file() && written > 0 {
            self.whole = Some(about.len().saturating_sub(written as u64));
            self.cut()?;
        }
        Ok(())
    }

    /// Shortens the file to whole lines. It may be shorter already: then it stays so, for a longer one would get NULs.
    fn cut(&mut self) -> io::Result<()> {
        if let Some(whole) = self.whole {
            if self.file.metadata()?.len() > whole {
                self.file.set_len(whole)?;
            }
            self.whole = None;
        }
        Ok(())
    }

    /// Ends the last line of a file of this length if its writer did not.
    fn end_last_line(&mut self, length: u64) -> io::Result<()> {
        if length != self.end && length > 0 {
            let mut last = [0];
            self.file.seek(SeekFrom::Start(length - 1))?;
            self.file.read_exact(&mut last)?;
            if last != *b"\n" {
                self.file.write_all(b"\n")?;
            }
        }
        Ok(())
    }
}

fn named(what: &str, path: &std::path::Path, error: io::Error) -> Error {
    Error::from(error).context(format!("{what} `{}`", path.display()))
}

/// Runs what blocks on the pool for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    Ok(tokio::task::spawn_blocking(work).await?)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::path::PathBuf;
    use tempfile::TempDir;

    struct Case {
        folder: TempDir,
        log: Log,
    }

    impl Case {
        fn new() -> Self {
            Self::full_at(u64::MAX)
        }

        fn full_at(full: u64) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let place = Place { path: folder.path().join("log"), full, keep: 9 };
            Self { log: Log::open(place).unwrap(), folder }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn text(&self, name: &str) -> String {
            fs::read_to_string(self.path(name)).unwrap()
        }

        fn append(&mut self, lines: &str) {
            self.log.append(lines.as_bytes()).unwrap();
        }
    }

    /// Half of a write is in the file and cannot be cut off yet, when the file is truncated.
    #[test]
    fn a_file_that_was_truncated_after_a_failed_write_has_no_nuls() {
        let mut case = Case::new();
        case.append("one\n");
        case.log.file.write_all(b"tw").unwrap();
        case.log.whole = Some(4);
        case.log.file.set_len(0).unwrap();
        case.append("two\n");
        assert_eq!(case.text("log"), "two\n");
    }

    #[test]
    fn what_a_failed_write_left_is_cut_off() {
        let mut case = Case::new();
        case.append("one\n");
        case.log.file.write_all(b"tw").unwrap();
        case.log.take_back(2).unwrap();
        assert_eq!(case.text("log"), "one\n");
        // Truncated before it is cut off: only the bytes of the failed write are left.
        case.log.file.set_len(0).unwrap();
        case.log.file.write_all(b"tw").unwrap();
        case.log.take_back(2).unwrap();
        case.append("two\n");
        assert_eq!(case.text("log"), "two\n");
    }

    #[test]
    fn a_line_cut_in_two_by_a_truncation_is_ended() {
        let mut case = Case::new();
        case.append("one\ntwo\n");
        case.log.file.set_len(6).unwrap();
        case.append("three\n");
        assert_eq!(case.text("log"), "one\ntw\nthree\n");
    }

    #[test]
    fn lines_go_into_a_new_file_when_theirs_was_moved_or_removed() {
        let mut case = Case::new();
        case.append("one\n");
        fs::rename(case.path("log"), case.path("moved")).unwrap();
        case.append("two\n");
        fs::remove_file(case.path("log")).unwrap();
        case.append("three\n");
        fs::write(case.path("other"), "other\n").unwrap();
        fs::rename(case.path("other"), case.path("log")).unwrap();
        case.append("four\n");
        assert_eq!(
            (case.text("moved"), case.text("log")),
            ("one\n".into(), "other\nfour\n".into())
        );
    }

    #[test]
    fn reopening_makes_the_file_and_follows_the_given_link_again() {
        let mut case = Case::new();
        fs::rename(case.path("log"), case.path("old")).unwrap();
        case.log.reopen().unwrap();
        assert_eq!(case.text("log"), "");
        fs::rename(case.path("log"), case.path("target")).unwrap();
        symlink(case.path("target"), case.path("log")).unwrap();
        case.log.reopen().unwrap();
        case.append("one\n");
        case.log.reopen().unwrap();
        assert_eq!(case.text("target"), "one\n");
    }

    #[test]
    fn a_link_that_was_planted_is_not_followed() {
        let mut case = Case::new();
        fs::write(case.path("victim"), "mine").unwrap();
        for target in ["victim", "nothing"] {
            fs::remove_file(case.path("log")).unwrap();
            symlink(case.path(target), case.path("log")).unwrap();
            let error = case.log.append(b"one\n").unwrap_err();
            assert!(error.to_string().contains("link"), "{error}");
        }
        assert_eq!(case.text("victim"), "mine");
        assert!(!case.path("nothing").exists());
    }

    #[test]
    fn a_new_file_has_mode_and_owner_of_the_one_before() {
        let mut case = Case::full_at(4);
        let before = fs::metadata(case.path("log")).unwrap();
        fs::set_permissions(case.path("log"), fs::Permissions::from_mode(0o620)).unwrap();
        // Only root may give a file away.
        let owner = if before.uid() == 0 { 1 } else { before.uid() };
        std::os::unix::fs::chown(case.path("log"), Some(owner), None).unwrap();
        case.append("one\n");
        case.append("two\n");
        assert_eq!((case.text("log.1"), case.text("log")), ("one\n".into(), "two\n".into()));
        let about = fs::metadata(case.path("log")).unwrap();
        assert_eq!((about.mode() & 0o7777, about.uid()), (0o620, owner));
    }
}
