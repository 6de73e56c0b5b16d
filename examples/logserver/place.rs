//! Where lines are stored, and the names of full files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The path of the log. Full files get a number behind it: `log.1` is the oldest, then `log.2`.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    /// Bytes after which a file is full.
    pub(crate) full: u64,
    /// Full files that are kept.
    pub(crate) keep: u64,
}

impl Place {
    /// The same place without links in its path. Pipes that have no path of their own stay as they are.
    pub(crate) fn resolved(&self) -> io::Result<Self> {
        let path = match self.path.canonicalize() {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let name = self.path.file_name().ok_or(error)?;
                self.folder().canonicalize()?.join(name)
            }
            Err(error) => return Err(error),
        };
        Ok(Self { path, ..self.clone() })
    }

    /// Gives the file the next number.
    pub(crate) fn put_aside(&self) -> io::Result<()> {
        let numbers = self.numbers()?;
        let next = match numbers.last() {
            None => 1,
            Some(last) => match last.checked_add(1) {
                Some(next) => next,
                None => self.renumber(&numbers)?,
            },
        };
        fs::rename(&self.path, self.numbered(next))
    }

    /// Removes the oldest full files if there are too many.
    pub(crate) fn remove_oldest(&self) -> io::Result<()> {
        let numbers = self.numbers()?;
        let keep = usize::try_from(self.keep).unwrap_or(usize::MAX);
        let many = numbers.len().saturating_sub(keep);
        numbers[..many].iter().try_for_each(|number| fs::remove_file(self.numbered(*number)))
    }

    /// Numbers the full files from 1, in their order, and returns the next number.
    fn renumber(&self, numbers: &[u64]) -> io::Result<u64> {
        let mut next = 1;
        for number in numbers {
            // Each goes to its own place or to one that is free: the numbers ascend and begin at 1 or above.
            fs::rename(self.numbered(*number), self.numbered(next))?;
            next += 1;
        }
        Ok(next)
    }

    /// The numbers of the full files, the oldest first. A name that this program does not give is not one of them.
    fn numbers(&self) -> io::Result<Vec<u64>> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned() + ".";
        let mut numbers = Vec::new();
        for entry in fs::read_dir(self.folder())? {
            let entry = entry?.file_name();
            let number = entry.to_str().and_then(|entry| entry.strip_prefix(&name));
            let number = number.filter(|text| !text.starts_with(['0', '+']));
            numbers.extend(number.and_then(|text| text.parse::<u64>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn numbered(&self, number: u64) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }

    fn folder(&self) -> &Path {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.unwrap_or(Path::new("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn place(folder: &TempDir) -> Place {
        Place { path: folder.path().join("log"), full: 0, keep: 3 }
    }

    fn texts(folder: &TempDir, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| fs::read_to_string(folder.path().join(name)).unwrap()).collect()
    }

    /// There is no number after the largest.
    #[test]
    fn full_files_are_numbered_anew_when_the_numbers_are_used_up() {
        let folder = tempfile::tempdir().unwrap();
        let last = format!("log.{}", u64::MAX);
        for (name, text) in [("log.1", "a"), ("log.7", "b"), (last.as_str(), "c"), ("log", "d")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let place = place(&folder);
        place.put_aside().unwrap();
        assert_eq!(texts(&folder, &["log.1", "log.2", "log.3", "log.4"]), ["a", "b", "c", "d"]);
        assert!(!place.path.exists() && !folder.path().join(last).exists());
        place.remove_oldest().unwrap();
        assert_eq!(place.numbers().unwrap(), [2, 3, 4]);
    }

    #[test]
    fn files_with_other_names_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let others =
            ["log.0", "log.01", "log.+2", "log.3.gz", "log.-4", "log.18446744073709551616"];
        for name in others {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let place = Place { keep: 0, ..place(&folder) };
        fs::write(&place.path, "full").unwrap();
        place.put_aside().unwrap();
        assert_eq!(texts(&folder, &["log.1"]), ["full"]);
        place.remove_oldest().unwrap();
        assert_eq!(texts(&folder, &others), others);
        assert!(place.numbers().unwrap().is_empty());
    }
}
