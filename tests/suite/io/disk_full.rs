//! No room: an error that says so, and nothing half-written that counts (F88).

use std::path::Path;
use std::process::Command;

use highwater::{Readable, fs};

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_device_is_an_error_with_its_place() {
    let error = Readable::once(vec![0; 4096]).pipe_to(fs::write("/dev/full")).await.unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::StorageFull));
    assert_eq!((error.stage(), error.offset()), (Some("fs::write"), Some(0)));
    assert!(error.to_string().contains("/dev/full"), "{error}");
}

/// A file system of 64 KiB, unmounted on drop. Needs root.
struct Tiny<'a>(&'a Path);

impl<'a> Tiny<'a> {
    fn mount(folder: &'a Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(folder)
            .status()
            .is_ok_and(|status| status.success());
        mounted.then_some(Self(folder))
    }
}

impl Drop for Tiny<'_> {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg(self.0).status().unwrap().success());
    }
}

#[tokio::test]
async fn a_full_disk_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_tiny) = Tiny::mount(folder.path()) else {
        println!("skipped: mounting a tmpfs needs root");
        return;
    };
    let path = folder.path().join("out");
    std::fs::write(&path, "old").unwrap();
    let too_much = Readable::from_iter(vec![vec![b'x'; 10_000]; 20]);
    let error = too_much.pipe_to(fs::replace(&path)).await.unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::StorageFull));
    assert_eq!(error.stage(), Some("fs::replace"));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the temporary file is gone");
    // There is room again for what fits.
    Readable::once("new").pipe_to(fs::replace(&path)).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
}
