//! Owner, mode, access control list and extended attributes of a file that is replaced, also by a user who is not root:
//! what cannot be kept is told, and gives nobody a right.

use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use highwater::fs::{Attribute, ReplaceOptions};
use highwater::{Readable, Result};
use rustix::fs::{XattrFlags, getxattr, setxattr};
use rustix::process::geteuid;
use tempfile::TempDir;

use crate::support::{program, under_strace};

/// A folder with an old file in it, if its file system has these attributes of that file.
#[expect(clippy::print_stdout, reason = "shown when the test fails, or is asked for")]
fn old_file(attributes: &[(&str, &[u8])]) -> Option<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    std::fs::write(&path, "old").unwrap();
    for (name, value) in attributes {
        if setxattr(&path, *name, value, XattrFlags::empty()).is_err() {
            println!("skipped: the file system takes no `{name}`");
            return None;
        }
    }
    Some((folder, path))
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 4096];
    let len = getxattr(path, name, &mut value[..]).ok()?;
    value.truncate(len);
    Some(value)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o7777
}

/// Replaces it by a new one, and says what was not kept.
async fn replace(options: &ReplaceOptions, path: &Path) -> Result<Vec<Attribute>> {
    let mut file = options.replace(path);
    Readable::once("new").pipe_to(&mut file).run().await?;
    assert_eq!(std::fs::read(path).unwrap(), b"new");
    Ok(file.not_kept().to_vec())
}

/// As the system has it: `user::rw-, user:4321:r--, group::---, mask::r--, other::---`.
fn access_list() -> Vec<u8> {
    const NOBODY_IN_PARTICULAR: u32 = u32::MAX;
    let entries: [(u16, u16, u32); 5] = [
        (0x01, 6, NOBODY_IN_PARTICULAR),
        (0x02, 4, 4321),
        (0x04, 0, NOBODY_IN_PARTICULAR),
        (0x10, 4, NOBODY_IN_PARTICULAR),
        (0x20, 0, NOBODY_IN_PARTICULAR),
    ];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        list.extend(tag.to_le_bytes().into_iter().chain(rights.to_le_bytes()));
        list.extend(id.to_le_bytes());
    }
    list
}

const ACCESS: &str = "system.posix_acl_access";

#[tokio::test]
async fn extended_attributes_are_kept_where_that_is_asked_for() {
    let attributes: [(&str, &[u8]); 2] = [("user.origin", b"somewhere"), ("user.empty", b"")];
    let Some((_folder, path)) = old_file(&attributes) else { return };
    let options = ReplaceOptions::new();
    assert_eq!(replace(&options.clone().keep_extended_attributes(), &path).await.unwrap(), []);
    for (name, value) in attributes {
        assert_eq!(attribute(&path, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(replace(&options, &path).await.unwrap(), [], "they were not asked for");
    assert_eq!(attribute(&path, "user.origin"), None);
}

#[tokio::test]
async fn an_access_control_list_is_kept() {
    let Some((_folder, path)) = old_file(&[(ACCESS, &access_list())]) else { return };
    assert_eq!(mode(&path), 0o640, "the group bits are the mask");
    assert_eq!(replace(&ReplaceOptions::new(), &path).await.unwrap(), []);
    assert_eq!(attribute(&path, ACCESS), Some(access_list()));
    assert_eq!(mode(&path), 0o640);
}

/// The list that a folder gives to new files does not open a file that had none.
#[tokio::test]
async fn a_list_of_the_folder_is_not_added() {
    let Some((folder, path)) = old_file(&[]) else { return };
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    let default = "system.posix_acl_default";
    if setxattr(folder.path(), default, &access_list(), XattrFlags::empty()).is_err() {
        println!("skipped: the file system takes no `{default}`");
        return;
    }
    assert_eq!(replace(&ReplaceOptions::new(), &path).await.unwrap(), []);
    assert_eq!((attribute(&path, ACCESS), mode(&path)), (None, 0o640));
}

/// The system takes neither: both are told, and the group does not get the rights of the mask.
#[test]
fn lists_that_cannot_be_kept_are_told() {
    let me = "io::replace_attributes::lists_that_cannot_be_kept_are_told";
    if !under_strace(me, "fsetxattr:error=EPERM") {
        return;
    }
    let list = access_list();
    let Some((_folder, path)) = old_file(&[(ACCESS, &list), ("user.a", b"b")]) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let options = ReplaceOptions::new().keep_extended_attributes();
    let lost = runtime.block_on(replace(&options, &path)).unwrap();
    assert_eq!(lost, [Attribute::Extended, Attribute::AccessList]);
    assert_eq!((attribute(&path, ACCESS), mode(&path)), (None, 0o600));
}

/// The system lets the owner go nowhere: the bits that would lend the rights of the process go with it.
#[test]
fn an_owner_that_cannot_be_kept_is_told() {
    let me = "io::replace_attributes::an_owner_that_cannot_be_kept_is_told";
    if !under_strace(me, "fchown:error=EPERM") {
        return;
    }
    let Some((_folder, path)) = old_file(&[]) else { return };
    if chown(&path, Some(1234), Some(1235)).is_err() {
        println!("skipped: giving a file away needs root");
        return;
    }
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o6775)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let lost = runtime.block_on(replace(&ReplaceOptions::new(), &path)).unwrap();
    assert_eq!(lost, [Attribute::Owner, Attribute::Group, Attribute::SpecialBits]);
    assert_eq!(mode(&path), 0o755);
}

/// A user without any rights, who has a folder and copies of the programs.
struct Nobody {
    folder: TempDir,
}

/// The number of the user and of the group.
const NOBODY: u32 = 65534;

impl Nobody {
    /// Only root can become somebody else.
    #[expect(clippy::print_stdout, reason = "shown when the test fails, or is asked for")]
    fn new() -> Option<Self> {
        if !geteuid().is_root() {
            println!("skipped: becoming another user needs root");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        Some(Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file with this owner, group and mode.
    fn file(&self, name: &str, (user, group, mode): (u32, u32, u32), text: &[u8]) -> PathBuf {
        let path = self.path(name);
        drop(std::fs::remove_file(&path));
        std::fs::write(&path, text).unwrap();
        chown(&path, Some(user), Some(group)).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        path
    }

    /// Runs a program as that user. The original may be where only root looks.
    fn run(&self, name: &str, args: &[OsString]) -> Output {
        let copy = self.path(name);
        if !copy.exists() {
            std::fs::copy(program(name).get_program(), &copy).unwrap();
        }
        Command::new(copy).args(args).uid(NOBODY).gid(NOBODY).output().unwrap()
    }

    /// Replaces `dst` by `src`.
    fn upload(&self, dst: &Path) -> Output {
        let src = self.file("src", (0, 0, 0o644), b"new");
        self.run("upload", &[src.into(), dst.into(), "--no-progress".into()])
    }
}

/// Owner, group and mode.
fn owned(path: &Path) -> (u32, u32, u32) {
    let about = std::fs::metadata(path).unwrap();
    (about.uid(), about.gid(), about.mode() & 0o7777)
}

fn warning(output: &Output) -> &str {
    assert!(output.status.success(), "{output:?}");
    let said = std::str::from_utf8(&output.stderr).unwrap();
    said.lines().find_map(|line| line.split_once("could not keep ")).map_or("", |(_, what)| what)
}

/// A file of another user becomes the caller's: set-user-ID goes, no group gains a right, and a warning says so.
#[test]
fn a_user_who_replaces_a_file_gains_and_lends_no_right() {
    let Some(nobody) = Nobody::new() else { return };
    let (owner, bits) = ("owner", "special mode bits");
    for (old, new, lost) in [
        ((NOBODY, NOBODY, 0o4755), (NOBODY, NOBODY, 0o4755), vec![]),
        ((1234, NOBODY, 0o6775), (NOBODY, NOBODY, 0o775), vec![owner, bits]),
        ((1234, 1235, 0o6755), (NOBODY, NOBODY, 0o755), vec![owner, "group", bits]),
        ((1234, 1235, 0o640), (NOBODY, NOBODY, 0o600), vec![owner, "group"]),
        ((NOBODY, 1235, 0o2770), (NOBODY, NOBODY, 0o700), vec!["group", bits]),
    ] {
        let dst = nobody.file("dst", old, b"old");
        let output = nobody.upload(&dst);
        assert_eq!(warning(&output), lost.join(", "), "{old:?}");
        assert_eq!(std::fs::read(&dst).unwrap(), b"new");
        assert_eq!(owned(&dst), new, "{old:?}");
    }
}

/// The access control list of a file that the caller cannot read is kept.
#[test]
fn a_list_of_a_file_that_cannot_be_read_is_kept() {
    let Some(nobody) = Nobody::new() else { return };
    let dst = nobody.file("dst", (1234, NOBODY, 0o600), b"old");
    if setxattr(&dst, ACCESS, &access_list(), XattrFlags::empty()).is_err() {
        println!("skipped: the file system takes no `{ACCESS}`");
        return;
    }
    assert_eq!(warning(&nobody.upload(&dst)), "owner");
    assert_eq!(attribute(&dst, ACCESS), Some(access_list()));
    assert_eq!(owned(&dst), (NOBODY, NOBODY, 0o640));
}

/// `gz -d` keeps owner and mode where it may, and leaves a set-user-ID file alone, as gzip does.
#[test]
fn a_set_user_id_file_lends_nobody_elses_rights_when_it_is_unpacked() {
    let Some(nobody) = Nobody::new() else { return };
    let mut packed = Command::new("gzip");
    std::fs::write(nobody.path("evil"), "text").unwrap();
    let packed = packed.arg("-c").arg(nobody.path("evil")).output().unwrap().stdout;
    let out = nobody.path("evil");
    for (mode, unpacked) in [(0o744, true), (0o4755, false)] {
        let evil = nobody.file("evil.gz", (1234, 1235, mode), &packed);
        let args = [OsString::from("-dk"), evil.into()];
        for (by_root, expected) in [(false, (NOBODY, NOBODY, mode)), (true, (1234, 1235, mode))] {
            drop(std::fs::remove_file(&out));
            let output = match by_root {
                true => program("gz").args(&args).output().unwrap(),
                false => nobody.run("gz", &args),
            };
            if unpacked {
                assert_eq!(warning(&output), if by_root { "" } else { "owner, group" });
                assert_eq!(owned(&out), expected);
            } else {
                assert_eq!((output.status.code(), out.exists()), (Some(2), false), "{output:?}");
            }
        }
    }
}

/// A link that another user has planted is not followed to a file of the caller.
#[test]
fn a_planted_link_is_not_followed_by_a_user() {
    let Some(nobody) = Nobody::new() else { return };
    let (mine, link) = (nobody.file("mine", (NOBODY, NOBODY, 0o644), b"old"), nobody.path("link"));
    symlink("mine", &link).unwrap();
    lchown(&link, Some(1234), Some(1235)).unwrap();
    let output = nobody.upload(&link);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("another user"), "{said}");
    assert_eq!(std::fs::read(&mine).unwrap(), b"old");
    // A link of root is trusted.
    lchown(&link, Some(0), Some(0)).unwrap();
    assert_eq!(warning(&nobody.upload(&link)), "");
    assert_eq!(std::fs::read(&mine).unwrap(), b"new");
}
