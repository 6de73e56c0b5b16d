//! The new file before it takes the place of the old one.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, Stat, fsync, linkat, openat, renameat, unlinkat};
#[cfg(target_os = "linux")]
use rustix::fs::{RenameFlags, renameat_with};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::geteuid;

use super::attributes::{Owner, Wanted};
use super::place::{Place, is_regular};
use super::{Attribute, ReplaceOptions};
use crate::fs::gate::Gate;
use crate::fs::target::InPlace;

/// The new file until it takes the place of the old one. A drop removes it, on the blocking pool if there is one.
#[derive(Debug)]
pub(in crate::fs) struct Temporary(Option<Box<Inner>>);

#[derive(Debug)]
struct Inner {
    file: File,
    here: Place,
    target: Place,
    /// The old file when this one was created.
    old: Option<Stat>,
    options: ReplaceOptions,
}

impl Temporary {
    pub(in crate::fs) fn open(path: &Path, options: &ReplaceOptions) -> io::Result<Self> {
        let target = Place::resolve(path, options.follow)?;
        let old = target.about()?;
        if old.is_some() && options.create_new {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        // Without an old file and a mode, it is created as any file: the umask and the folder decide.
        let private = old.is_some() || options.mode.is_some();
        let mode = Mode::from_raw_mode(if private { 0o600 } else { 0o666 });
        let (file, here) = create_beside(&target, mode)?;
        let options = options.clone();
        Ok(Self(Some(Box::new(Inner { file, here, target, old, options }))))
    }

    pub(in crate::fs) fn file(&mut self) -> &mut File {
        &mut self.0.as_mut().expect("it is taken by value only").file
    }

    /// Sets the attributes, syncs the file, renames it over the old one, and syncs the folder. `None` if the gate was
    /// closed before the rename; an error only if there was no rename.
    pub(in crate::fs) fn commit(mut self, gate: &Gate) -> io::Result<Option<InPlace>> {
        let inner = self.0.take().expect("it is taken by value only");
        let ready = inner.prepare();
        let renamed = match ready {
            Ok(_) => gate.pass(|| inner.rename()).transpose(),
            Err(_) => Ok(None),
        };
        if !matches!(renamed, Ok(Some(()))) {
            inner.remove();
            return renamed.and(ready.map(|_| None));
        }
        let synced = retry_on_intr(|| fsync(&inner.target.folder)).map_err(io::Error::from);
        ready.map(|not_kept| Some(InPlace { not_kept, synced }))
    }

    /// Removes the file, on this thread.
    pub(in crate::fs) fn remove(mut self) {
        self.0.take().into_iter().for_each(|inner| inner.remove());
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let Some(inner) = self.0.take() else { return };
        match tokio::runtime::Handle::try_current() {
            // Removing a large file takes long.
            Ok(runtime) => {
                let removal = Removal(Some(inner));
                drop(runtime.spawn_blocking(move || drop(removal)));
            }
            Err(_) => inner.remove(),
        }
    }
}

/// Removes the file when it is dropped: also with a job that a runtime which shuts down never runs.
struct Removal(Option<Box<Inner>>);

impl Drop for Removal {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(|inner| inner.remove());
    }
}

impl Inner {
    /// Gives the file its attributes, and waits until it is on the disk.
    fn prepare(&self) -> io::Result<Vec<Attribute>> {
        let old = self.target.about()?.filter(|now| self.is_trusted(now)).or(self.old);
        let wanted = Wanted {
            owner: self.options.owner.or(old.as_ref().map(Owner::of)),
            mode: self.options.mode.or(old.as_ref().map(|old| Mode::from_raw_mode(old.st_mode))),
            access: self.options.mode.is_none(),
            extended: self.options.extended,
        };
        let old = old.as_ref().map(|about| self.target.old(about));
        let lost = wanted.give(&self.file, old.as_ref())?;
        self.file.sync_all()?;
        Ok(lost)
    }

    /// Whether the new file takes its attributes from the file that is there now. Another user who put a file or a link
    /// there since the start would otherwise decide who may read the new file.
    fn is_trusted(&self, now: &Stat) -> bool {
        let owner = self.old.as_ref().map_or_else(|| geteuid().as_raw(), |old| old.st_uid);
        is_regular(now) && now.st_uid == owner
    }

    fn rename(&self) -> io::Result<()> {
        let (from, to) = (&self.here, &self.target);
        if !self.options.create_new {
            return Ok(renameat(&from.folder, &from.name, &to.folder, &to.name)?);
        }
        match rename_new(from, to) {
            // The system or its file system knows no such rename. A link never replaces anything either.
            Err(Errno::NOSYS | Errno::INVAL | Errno::NOTSUP) => {
                linkat(&from.folder, &from.name, &to.folder, &to.name, AtFlags::empty())?;
                unlinkat(&from.folder, &from.name, AtFlags::empty()).unwrap_or_default();
                Ok(())
            }
            renamed => Ok(renamed?),
        }
    }

    /// A file that cannot be removed stays: nobody could do anything about it.
    fn remove(self) {
        drop(self.file);
        unlinkat(&self.here.folder, &self.here.name, AtFlags::empty()).unwrap_or_default();
    }
}

/// Renames a file unless the new name is taken. In one step: a kill cannot leave the file with both names.
#[cfg(target_os = "linux")]
fn rename_new(from: &Place, to: &Place) -> Result<(), Errno> {
    let flags = RenameFlags::NOREPLACE;
    renameat_with(&from.folder, &from.name, &to.folder, &to.name, flags)
}

#[cfg(not(target_os = "linux"))]
fn rename_new(_: &Place, _: &Place) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

/// Creates a file with a new name in the folder of `target`.
fn create_beside(target: &Place, mode: Mode) -> io::Result<(File, Place)> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for _ in 0..TRIES {
        let here = target.sibling(&temporary_name(&target.name));
        match retry_on_intr(|| openat(&here.folder, &here.name, flags, mode)) {
            Ok(file) => return Ok((File::from(file), here)),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Errno::EXIST.into())
}

/// `.NAME.XXXXXX.tmp`. A long name is shortened, so that the new one is not longer.
fn temporary_name(name: &OsStr) -> OsString {
    let name = name.as_bytes();
    let mut kept = if name.len() > LONG { name.len() - AROUND } else { name.len() };
    // Some file systems refuse half a character.
    while kept < name.len() && name[kept] & 0b1100_0000 == 0b1000_0000 {
        kept -= 1;
    }
    let number = RandomState::new().hash_one(name.len()) & 0xff_ffff;
    let name = [b".", &name[..kept], format!(".{number:06x}.tmp").as_bytes()].concat();
    OsString::from_vec(name)
}

/// Bytes of the dots, the random part and `tmp`.
const AROUND: usize = 12;
/// Bytes from which on a name is shortened. File systems take 143 or more.
const LONG: usize = 100;
/// Names that are tried.
const TRIES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_name_is_at_most_as_long_as_a_long_name() {
        for name in ["x".repeat(255), "ä".repeat(127), "€".repeat(85), "𝄞".repeat(63)] {
            let short = temporary_name(OsStr::new(&name)).into_string().expect("whole characters");
            assert!(short.len() <= name.len(), "{} of {} bytes", short.len(), name.len());
        }
        assert_eq!(temporary_name(OsStr::new("out")).len(), 3 + AROUND);
    }
}
