//! Replacing a file: the old one or the whole new one, never half, and nothing left behind (I71, F88 to F92).

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use highwater::{CancellationToken, Error, Readable, fs};

use crate::support::{names, poll_once};

#[tokio::test]
async fn at_the_end_the_new_file_is_there_and_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    for text in ["first", "second, over the first"] {
        Readable::once(text).pipe_to(fs::replace(&path)).await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(names(folder.path()), ["out"]);
    }
}

#[tokio::test]
async fn until_the_end_the_old_file_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    std::fs::write(&path, "old").unwrap();
    let look = path.clone();
    let source = Readable::from_iter(vec![vec![b'n'; 600 * 1024]; 4])
        .inspect(move |_| assert_eq!(std::fs::read(&look).unwrap(), b"old"));
    source.pipe_to(fs::replace(&path)).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 4 * 600 * 1024);
}

#[tokio::test]
async fn an_error_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    std::fs::write(&path, "old").unwrap();
    let source = || futures::stream::iter([Ok("new"), Err(Error::corrupt("bad"))]);
    let error = Readable::from_results(source()).pipe_to(fs::replace(&path)).await.unwrap_err();
    assert!(error.is_corrupt() && error.suppressed().is_empty());
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["out"]);

    let panics = Readable::once("new").map(|_| -> &str { panic!("in the stage") });
    assert!(panics.pipe_to(fs::replace(&path)).await.unwrap_err().is_panic());
    assert_eq!(names(folder.path()), ["out"]);
}

/// I47, I51, F19: dropped or aborted at its k-th poll, for every k, it leaves the old file or the whole new one.
#[test]
fn stopped_at_any_poll_it_leaves_no_half() {
    for abort in [false, true] {
        let mut finished = false;
        for polls in 0.. {
            assert!(polls < 500, "it never finishes");
            // One thread in the pool: what is sent there last comes last.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .max_blocking_threads(1)
                .build()
                .unwrap();
            finished = runtime.block_on(stop_after(polls, abort));
            if finished {
                break;
            }
        }
        assert!(finished);
    }
}

/// Polls a pipeline a number of times, stops it, and looks at what is left. True if it had finished by then.
async fn stop_after(polls: usize, abort: bool) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    std::fs::write(&path, "old").unwrap();
    let new = vec![b'n'; 700 * 1024];
    let token = CancellationToken::new();
    let source = Readable::from_iter([new.clone(), new]);
    let mut finished = false;
    {
        let mut running =
            pin!(source.pipe_to(fs::replace(&path)).abort_on(token.clone()).into_future());
        for _ in 0..polls {
            if let Poll::Ready(result) =
                running.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            {
                result.unwrap();
                finished = true;
                break;
            }
            tokio::task::spawn_blocking(|| ()).await.unwrap();
        }
        if abort && !finished {
            token.cancel();
            // The result agrees with the file: too late is a success.
            let aborted = match running.as_mut().await {
                Ok(_) => false,
                Err(error) => {
                    assert!(error.is_aborted(), "{error}");
                    true
                }
            };
            let old = std::fs::read(&path).unwrap() == b"old";
            assert_eq!(aborted, old, "after {polls} polls");
        }
    }
    // After a drop, a job under way still has to end; it cleans up by itself, and never replaces the file any more.
    let at_drop = std::fs::metadata(&path).unwrap().len();
    tokio::task::spawn_blocking(|| ()).await.unwrap();
    assert_eq!(names(folder.path()), ["out"], "after {polls} polls");
    let len = std::fs::metadata(&path).unwrap().len();
    assert_eq!(len, at_drop, "replaced after the drop, after {polls} polls");
    assert!(len == 3 || len == 2 * 700 * 1024, "{len} bytes after {polls} polls");
    assert!(!finished || len > 3);
    finished
}

/// I51, A7: an abort while the file is being opened waits for that: nothing is made behind it.
#[test]
fn an_abort_while_it_opens_waits_for_that() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        // As long as the pool is busy, nothing is opened.
        let (free, held) = std::sync::mpsc::channel();
        let busy = tokio::task::spawn_blocking(move || held.recv().unwrap());
        let (token, to) = (CancellationToken::new(), fs::replace(folder.path().join("out")));
        let mut running =
            pin!(Readable::once("new").pipe_to(to).abort_on(token.clone()).into_future());
        assert!(poll_once(running.as_mut()).is_pending());
        token.cancel();
        assert!(poll_once(running.as_mut()).is_pending(), "it does not wait");
        free.send(()).unwrap();
        assert!(running.await.unwrap_err().is_aborted());
        assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
        busy.await.unwrap();
    });
}

#[cfg(unix)]
#[tokio::test]
async fn mode_and_link_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("out"), folder.path().join("link"));
    std::fs::write(&path, "old").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o751)).unwrap();
    symlink("out", &link).unwrap();
    Readable::once("new").pipe_to(fs::replace(&link)).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o751);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(names(folder.path()), ["link", "out"]);
}

/// F92: the folder goes away while the file is written.
#[tokio::test]
async fn a_folder_that_goes_away_is_an_error() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let gone = folder.clone();
    let source = Readable::from_iter(vec![vec![b'n'; 600 * 1024]; 4])
        .inspect(move |_| drop(std::fs::remove_dir_all(&gone)));
    let error = source.pipe_to(fs::replace(folder.join("out"))).await.unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::NotFound), "{error}");
    assert_eq!(error.stage(), Some("fs::replace"));
    assert!(names(outer.path()).is_empty());
}

/// F92: the temporary file is beside what a link points to, so that the rename never crosses file systems.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_link_to_another_file_system_is_followed_there() {
    use std::os::unix::fs::{MetadataExt, symlink};
    let (here, there) = (tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")), Path::new("/dev/shm"));
    let (here, there) = (here.unwrap(), tempfile::tempdir_in(there).unwrap());
    let device = |folder: &Path| folder.metadata().unwrap().dev();
    if device(here.path()) == device(there.path()) {
        println!("skipped: there is only one file system");
        return;
    }
    let (link, path) = (here.path().join("link"), there.path().join("out"));
    symlink(&path, &link).unwrap();
    std::fs::write(&path, "old").unwrap();
    let look = there.path().to_owned();
    let source = Readable::once("new").inspect(move |_| {
        let names = names(&look);
        assert!(names.len() == 2 && names[0].starts_with(".out."), "{names:?}");
    });
    source.pipe_to(fs::replace(&link)).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    assert_eq!(
        (names(here.path()), names(there.path())),
        (vec!["link".into()], vec!["out".into()])
    );
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path(), Path::new("/dev/null")] {
        let error = Readable::once("new").pipe_to(fs::replace(path)).await.unwrap_err();
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::InvalidInput), "{error}");
    }
    assert!(names(folder.path()).is_empty());
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
}

/// The mode of the only other file in the folder.
#[cfg(unix)]
fn mode_of_the_temporary(folder: &Path, name: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    let names = names(folder);
    let temporary = names.iter().find(|other| *other != name).expect("it is being written");
    std::fs::metadata(folder.join(temporary)).unwrap().permissions().mode() & 0o7777
}

#[cfg(unix)]
#[tokio::test]
async fn a_temporary_file_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    std::fs::write(&path, "old").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    let look = folder.path().to_owned();
    let source = Readable::once("new")
        .inspect(move |_| assert_eq!(mode_of_the_temporary(&look, "out"), 0o600));
    source.pipe_to(fs::replace(&path)).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
}

#[cfg(unix)]
#[tokio::test]
async fn a_given_mode_is_exact_and_given_at_the_end() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let look = folder.path().to_owned();
    let source = Readable::once("new")
        .inspect(move |_| assert_eq!(mode_of_the_temporary(&look, "out"), 0o600));
    let to = fs::ReplaceOptions::new().with_mode(0o666).replace(&path);
    source.pipe_to(to).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o666);
}

#[cfg(unix)]
#[tokio::test]
async fn owner_and_special_bits_are_kept_together() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    std::fs::write(&path, "old").unwrap();
    if chown(&path, Some(1234), Some(1235)).is_err() {
        println!("skipped: giving a file away needs root");
        return;
    }
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o6750)).unwrap();
    let mut file = fs::replace(&path);
    Readable::once("new").pipe_to(&mut file).run().await.unwrap();
    assert!(file.not_kept().is_empty(), "{:?}", file.not_kept());
    let about = std::fs::metadata(&path).unwrap();
    assert_eq!((about.uid(), about.gid(), about.mode() & 0o7777), (1234, 1235, 0o6750));
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_of_another_user_is_not_followed() {
    use std::os::unix::fs::{chown, lchown, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("out"), folder.path().join("link"));
    std::fs::write(&path, "old").unwrap();
    symlink("out", &link).unwrap();
    if lchown(&link, Some(1234), None).is_err() {
        println!("skipped: giving a link away needs root");
        return;
    }
    let error = Readable::once("new").pipe_to(fs::replace(&link)).await.unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::PermissionDenied), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    // To a file of the same user, it is that user's affair.
    chown(&path, Some(1234), None).unwrap();
    Readable::once("new").pipe_to(fs::replace(&link)).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    let to = fs::ReplaceOptions::new().with_follow_links(false).replace(&link);
    let error = Readable::once("newer").pipe_to(to).run().await.unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::InvalidInput), "{error}");
    assert_eq!(names(folder.path()), ["link", "out"]);
}

/// A link has the mode 0777, which must not become that of the new file.
#[cfg(unix)]
#[tokio::test]
async fn a_link_that_takes_the_place_of_the_old_file_lends_it_no_mode() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    std::fs::write(&path, "old").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    let place = path.clone();
    let source = Readable::once("new").inspect(move |_| {
        std::fs::remove_file(&place).unwrap();
        symlink("elsewhere", &place).unwrap();
    });
    source.pipe_to(fs::replace(&path)).await.unwrap();
    let about = std::fs::symlink_metadata(&path).unwrap();
    assert_eq!((about.is_file(), about.permissions().mode() & 0o7777), (true, 0o640));
}

/// F92: what another user puts at the path before the end gives the new file neither owner nor mode.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_another_user_puts_there_gives_no_attributes() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
    if lchown(tempfile::NamedTempFile::new().unwrap(), Some(1234), None).is_err() {
        println!("skipped: giving a file away needs root");
        return;
    }
    for (with_a_link, with_an_old_file) in
        [(false, false), (false, true), (true, false), (true, true)]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        if with_an_old_file {
            std::fs::write(&path, "old").unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        }
        let plant = path.clone();
        let source = Readable::once("secret").inspect(move |_| {
            drop(std::fs::remove_file(&plant));
            if with_a_link {
                symlink("/nowhere", &plant).unwrap();
            } else {
                std::fs::write(&plant, "theirs").unwrap();
                std::fs::set_permissions(&plant, PermissionsExt::from_mode(0o4777)).unwrap();
            }
            lchown(&plant, Some(1234), Some(1234)).unwrap();
        });
        source.pipe_to(fs::replace(&path)).await.unwrap();
        let about = std::fs::symlink_metadata(&path).unwrap();
        let ours = std::fs::metadata(folder.path()).unwrap().uid();
        assert_eq!((about.is_file(), about.uid()), (true, ours));
        assert_eq!(about.mode() & 0o7022, 0, "mode {:o}", about.mode());
        assert!(!with_an_old_file || about.mode() & 0o7777 == 0o600, "mode {:o}", about.mode());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_no_file_creates_it() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("out", &link).unwrap();
    Readable::once("new").pipe_to(fs::replace(&link)).await.unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::read(folder.path().join("out")).unwrap(), b"new");
}

#[tokio::test]
async fn a_name_of_any_length_that_the_file_system_takes_can_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    for len in [100, 101, 243, 244, 255] {
        let path = folder.path().join("n".repeat(len));
        Readable::once("new").pipe_to(fs::replace(&path)).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }
    assert_eq!(names(folder.path()).len(), 5);
}

#[tokio::test]
async fn create_new_never_replaces_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let options = fs::ReplaceOptions::new().create_new();
    let made = path.clone();
    let source = Readable::once("new").inspect(move |_| std::fs::write(&made, "old").unwrap());
    for error in [
        source.pipe_to(options.replace(&path)).await.unwrap_err(),
        Readable::once("new").pipe_to(options.replace(&path)).await.unwrap_err(),
    ] {
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::AlreadyExists), "{error}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["out"]);
}

/// I46: a runtime that shuts down drops a pipeline, and the temporary file is removed, although no job runs any more.
#[test]
fn a_runtime_that_shuts_down_leaves_no_temporary_file() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let running = runtime.block_on(async {
        let (opened, is_open) = tokio::sync::oneshot::channel();
        let mut opened = Some(opened);
        // It is polled when the file is open, and then it never has a chunk.
        let silent = futures::stream::poll_fn(move |_| {
            opened.take().into_iter().for_each(|opened| opened.send(()).unwrap_or_default());
            Poll::<Option<&str>>::Pending
        });
        let to = fs::replace(folder.path().join("out"));
        let running = Readable::from_stream(silent).pipe_to(to).spawn();
        is_open.await.unwrap();
        running
    });
    assert_eq!(names(folder.path()).len(), 1);
    runtime.shutdown_background();
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
    drop(running);
}
