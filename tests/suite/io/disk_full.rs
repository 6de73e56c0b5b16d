//! No room, or no right to write: an error that says so, and nothing half-written that counts (F88, F92).

use std::path::Path;
use std::process::Command;

use highwater::{Readable, fs};

/// Shows F88.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_device_is_an_error_with_its_place() {
    let error = Readable::once(vec![0; 4096]).pipe_to(fs::write("/dev/full")).await.unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::StorageFull));
    assert_eq!((error.stage(), error.offset()), (Some("fs::write"), Some(0)));
    assert!(error.to_string().contains("/dev/full"), "{error}");
}

/// A file system of 64 KiB in memory, unmounted on drop. Needs root.
struct Tiny<'a>(&'a Path);

impl<'a> Tiny<'a> {
    #[expect(clippy::print_stdout, reason = "shown when the test fails, or is asked for")]
    fn mount(folder: &'a Path) -> Option<Self> {
        let mounted = Self::is_done(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], folder);
        if !mounted {
            println!("skipped: mounting a tmpfs needs root");
        }
        mounted.then_some(Self(folder))
    }

    /// Has it take nothing more.
    fn seal(&self) {
        assert!(Self::is_done(&["-o", "remount,ro"], self.0));
    }

    fn is_done(arguments: &[&str], folder: &Path) -> bool {
        let mounted = Command::new("mount").args(arguments).arg(folder).status();
        mounted.is_ok_and(|status| status.success())
    }
}

impl Drop for Tiny<'_> {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg(self.0).status().unwrap().success());
    }
}

/// Shows F88.
#[tokio::test]
async fn a_full_disk_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_tiny) = Tiny::mount(folder.path()) else { return };
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

/// F92.
#[tokio::test]
async fn a_read_only_file_system_is_an_error_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let Some(tiny) = Tiny::mount(folder.path()) else { return };
    let path = folder.path().join("out");
    std::fs::write(&path, "old").unwrap();
    tiny.seal();
    for destination in [fs::replace(&path), fs::write(&path), fs::append(&path)] {
        let read = std::iter::from_fn(|| -> Option<&str> { panic!("it was read") });
        let error = Readable::from_iter(read).pipe_to(destination).run().await.unwrap_err();
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::ReadOnlyFilesystem), "{error}");
        assert!(error.to_string().contains("cannot open"), "{error}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
}
