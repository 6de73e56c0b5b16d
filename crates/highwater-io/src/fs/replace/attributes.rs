//! Owner, mode and extended attributes of the new file.

use std::fs::File;
use std::io;

use rustix::fs::{Gid, Mode, RawMode, Stat, Uid, fchmod, fchown, fstat};
use rustix::io::Errno;

use super::Attribute;
use super::place::Old;

/// The numbers of a user and a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    pub(super) user: u32,
    pub(super) group: u32,
}

impl Owner {
    pub(super) fn of(about: &Stat) -> Self {
        Self { user: about.st_uid, group: about.st_gid }
    }
}

/// The attributes that a new file should have.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) owner: Option<Owner>,
    pub(super) mode: Option<Mode>,
    /// The access control list of the old file, which is a part of its mode.
    pub(super) access: bool,
    /// Extended attributes of the old file.
    pub(super) extended: bool,
}

impl Wanted {
    /// Gives them to a file that only its owner can read until now. Returns those that it could not give.
    ///
    /// The owner comes before the mode: changing it clears the special bits, and the old mode must not be given to a
    /// file of another owner.
    pub(super) fn give(&self, file: &File, old: Option<&Old>) -> io::Result<Vec<Attribute>> {
        let mut lost = Vec::new();
        if self.extended && !lists::copy_extended(old, file) {
            lost.push(Attribute::Extended);
        }
        if let Some(owner) = self.owner {
            give_owner(file, owner, &mut lost)?;
        }
        if let Some(mode) = self.mode {
            if !lists::copy_access(old.filter(|_| self.access), file) {
                lost.push(Attribute::AccessList);
            }
            fchmod(file, allowed(mode, &mut lost))?;
        }
        Ok(lost)
    }
}

/// Sets owner and group, or only the group, as far as the process may.
fn give_owner(file: &File, owner: Owner, lost: &mut Vec<Attribute>) -> io::Result<()> {
    let now = Owner::of(&fstat(file)?);
    let (user, group) = (Uid::from_raw(owner.user), Gid::from_raw(owner.group));
    let same = now.user == owner.user && now.group == owner.group;
    if !same && fchown(file, Some(user), Some(group)).is_err() {
        // Not allowed, or the file system knows no owners.
        fchown(file, None, Some(group)).unwrap_or_default();
    }
    let now = Owner::of(&fstat(file)?);
    if now.user != owner.user {
        lost.push(Attribute::Owner);
    }
    if now.group != owner.group {
        lost.push(Attribute::Group);
    }
    Ok(())
}

/// The part of a mode that is safe after what was lost.
fn allowed(mode: Mode, lost: &mut Vec<Attribute>) -> Mode {
    let mut bits = mode.bits() & 0o7777;
    let (user, group) = (lost.contains(&Attribute::Owner), lost.contains(&Attribute::Group));
    // The bits would lend the rights of whoever owns the file now.
    let special = bits
        & if user {
            0o7000
        } else if group {
            0o2000
        } else {
            0
        };
    if special != 0 {
        bits &= !special;
        lost.push(Attribute::SpecialBits);
    }
    if group || lost.contains(&Attribute::AccessList) {
        // Neither may another group get the rights of the old one, nor others those that were taken from the group.
        let both = (bits >> 3) & bits & 0o007;
        bits = (bits & !0o077) | (both << 3) | both;
    }
    Mode::from_raw_mode(bits)
}

/// The permission bits of a number.
pub(super) fn mode(mode: u32) -> Mode {
    let bits = u16::try_from(mode & 0o7777).expect("12 bits are less than 16");
    Mode::from_raw_mode(RawMode::from(bits))
}

/// Extended attributes and access control lists, which are one kind of them.
#[cfg(target_os = "linux")]
mod lists {
    use rustix::fs::{
        XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr, lgetxattr, llistxattr,
    };

    use super::{Errno, File, Old};

    fn list(old: &Old, names: &mut [u8]) -> Result<usize, Errno> {
        match old {
            Old::Open(file) => flistxattr(file, names),
            Old::Closed(path) => llistxattr(path, names),
            Old::Gone => Err(Errno::NOENT),
        }
    }

    fn get(old: &Old, name: &[u8], value: &mut [u8]) -> Result<usize, Errno> {
        match old {
            Old::Open(file) => fgetxattr(file, name, value),
            Old::Closed(path) => lgetxattr(path, name, value),
            Old::Gone => Err(Errno::NOENT),
        }
    }

    fn copy(old: &Old, file: &File, name: &[u8]) -> Result<(), Errno> {
        let mut value = vec![0; LARGEST];
        let len = get(old, name, &mut value)?;
        fsetxattr(file, name, &value[..len], XattrFlags::empty())
    }

    /// Copies `user.*`. Those of the other kinds are given by the system and its rules.
    pub(super) fn copy_extended(old: Option<&Old>, file: &File) -> bool {
        let Some(old) = old else { return true };
        let mut names = vec![0; LARGEST];
        let len = match list(old, &mut names) {
            Ok(len) => len,
            Err(error) => return error == Errno::NOTSUP,
        };
        let names = names[..len].split(|byte| *byte == 0).filter(|name| name.starts_with(b"user."));
        // One that is lost does not take the others with it.
        names.filter(|name| copy(old, file, name).is_err()).count() == 0
    }

    /// Copies the access control list, or removes the one that the folder gave. False if there is one that was lost.
    pub(super) fn copy_access(old: Option<&Old>, file: &File) -> bool {
        let kept = match old.map(|old| copy(old, file, ACCESS)) {
            Some(Ok(()) | Err(Errno::NOTSUP)) => return true,
            None | Some(Err(Errno::NODATA)) => true,
            Some(Err(_)) => false,
        };
        let removed = fremovexattr(file, ACCESS);
        kept && matches!(removed, Ok(()) | Err(Errno::NODATA | Errno::NOTSUP))
    }

    const ACCESS: &[u8] = b"system.posix_acl_access";
    /// The most bytes of a value, and of all names, in Linux.
    const LARGEST: usize = 64 * 1024;
}

/// Elsewhere they are not kept.
#[cfg(not(target_os = "linux"))]
mod lists {
    use super::{File, Old};

    pub(super) fn copy_extended(old: Option<&Old>, _: &File) -> bool {
        old.is_none()
    }

    pub(super) fn copy_access(_: Option<&Old>, _: &File) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(bits: RawMode, mut lost: Vec<Attribute>) -> RawMode {
        allowed(Mode::from_raw_mode(bits), &mut lost).bits()
    }

    #[test]
    fn special_bits_go_with_the_owner_or_the_group() {
        assert_eq!(after(0o7755, vec![]), 0o7755);
        assert_eq!(after(0o7755, vec![Attribute::Owner]), 0o755);
        assert_eq!(after(0o6755, vec![Attribute::Group]), 0o4755);
    }

    #[test]
    fn another_group_gets_no_right_of_the_old_one() {
        assert_eq!(after(0o660, vec![Attribute::Group]), 0o600);
        assert_eq!(after(0o654, vec![Attribute::AccessList]), 0o644);
        assert_eq!(after(0o604, vec![Attribute::Group]), 0o600);
    }
}
