//! The system refuses a call, or the process ends at one: the program `upload`, which replaces a file, under strace.
//!
//! Whatever happens, there is the old file or the whole new one (I71). After a failure nothing else is there; after a kill
//! there may be the temporary file, whose name says what it is.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use highwater::{Readable, fs as file};
use highwater_test::Seed;
use tempfile::TempDir;

use crate::support::{Tool, names, program, under_strace};

/// A folder with the old file, and the new one beside it.
struct Upload {
    folder: TempDir,
    new: Vec<u8>,
}

/// How a run ended.
struct Ran {
    status: ExitStatus,
    said: String,
    /// The calls that were watched, one per line.
    calls: String,
}

impl Upload {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let new: Vec<u8> = (0..NEW).map(|n: u32| n.to_le_bytes()[n as usize % 4]).collect();
        fs::write(folder.path().join("src"), &new).unwrap();
        fs::write(folder.path().join("dst"), "old").unwrap();
        Self { folder, new }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces the file under strace, which watches these calls and does this at the k-th of a thread.
    fn run(&self, calls: &str, fault: Option<(&str, usize)>) -> Ran {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o"]).arg(log.path()).arg(format!("--trace={calls}"));
        if let Some((what, k)) = fault {
            strace.arg(format!("--inject={calls}:{what}:when={k}"));
        }
        strace.arg(program("upload").get_program()).args([self.path("src"), self.path("dst")]);
        let output = strace.arg("--no-progress").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Ran { status: output.status, said, calls: fs::read_to_string(log).unwrap() }
    }

    fn is_old(&self) -> bool {
        fs::read(self.path("dst")).unwrap() == b"old"
    }

    fn is_new(&self) -> bool {
        fs::read(self.path("dst")).unwrap() == self.new
    }

    /// What is there beside the two files.
    fn left(&self) -> Vec<String> {
        let mut names = names(self.folder.path());
        names.retain(|name| name != "src" && name != "dst");
        names
    }
}

impl Ran {
    /// Whether the call that should go wrong came at all.
    fn was_hit(&self) -> bool {
        self.calls.contains("(INJECTED)") || self.status.signal().is_some()
    }
}

/// The program that does it, if it is there.
fn strace() -> bool {
    Tool::new("strace", &["strace"]).is_there()
}

/// Bytes of the new file: so many that they are not written by one call.
const NEW: u32 = 3_300_000;

/// F88, F95: no write can fail unseen, whichever it is.
#[test]
fn a_failure_of_any_write_leaves_the_old_file() {
    if !strace() {
        return;
    }
    let upload = Upload::new();
    for (error, says) in [
        ("ENOSPC", "No space left"),
        ("EDQUOT", "uota"),
        ("EIO", "Input/output error"),
        ("EFBIG", "too large"),
    ] {
        let mut hits = 0;
        for k in 1.. {
            let ran = upload.run("writev", Some((&format!("error={error}"), k)));
            if !ran.was_hit() {
                assert!(ran.status.success() && upload.is_new() && upload.left().is_empty());
                fs::write(upload.path("dst"), "old").unwrap();
                break;
            }
            hits += 1;
            assert_eq!(ran.status.code(), Some(2), "{}", ran.said);
            assert!(ran.said.contains("cannot write") && ran.said.contains(says), "{}", ran.said);
            assert!(upload.is_old(), "{error} at write {k}");
            assert_eq!(upload.left(), [""; 0], "{error} at write {k}");
        }
        assert!(hits >= 1, "no write was hit");
    }
}

/// F89, I72: a sync that fails is final. That of the file is not tried again, and the old file stays; by that of the
/// folder the new one is in its place, but nobody knows whether it stays there, so it is an error as well.
#[test]
fn a_failure_of_any_sync_is_an_error() {
    if !strace() {
        return;
    }
    for error in ["EIO", "ENOSPC"] {
        let upload = Upload::new();
        let ran = upload.run("fsync", Some((&format!("error={error}"), 1)));
        assert_eq!((ran.status.code(), ran.calls.lines().count()), (Some(2), 1), "{}", ran.calls);
        assert!(upload.is_old() && upload.left().is_empty(), "{:?}", upload.left());
        let ran = upload.run("fsync", Some((&format!("error={error}"), 2)));
        assert_eq!((ran.status.code(), ran.calls.lines().count()), (Some(2), 2), "{}", ran.calls);
        assert!(upload.is_new() && upload.left().is_empty(), "{:?}", upload.left());
    }
}

/// F9: a sync or an open that a signal interrupts is done again.
#[test]
fn an_interrupted_call_is_repeated() {
    if !strace() {
        return;
    }
    for k in [1, 2] {
        let upload = Upload::new();
        let ran = upload.run("fsync", Some(("error=EINTR", k)));
        assert!(ran.was_hit() && ran.status.success(), "{} {}", ran.said, ran.calls);
        assert_eq!(ran.calls.lines().count(), 3, "{}", ran.calls);
        assert!(upload.is_new() && upload.left().is_empty(), "{:?}", upload.left());
    }
}

/// F92: the folder does not take the new file, for whatever reason.
#[test]
fn a_failure_of_the_rename_leaves_the_old_file() {
    if !strace() {
        return;
    }
    let upload = Upload::new();
    for (error, says) in [
        ("EROFS", "Read-only"),
        ("EPERM", "not permitted"),
        ("EACCES", "denied"),
        ("EXDEV", "ross-device"),
    ] {
        let ran = upload.run(RENAMES, Some((&format!("error={error}"), 1)));
        assert!(ran.status.code() == Some(2) && ran.said.contains(says), "{}", ran.said);
        assert!(upload.is_old() && upload.left().is_empty(), "{error}: {:?}", upload.left());
    }
}

/// F89: the error of a pipeline says that the new file is in its place where only the folder could not be synced.
#[test]
fn a_file_whose_folder_cannot_be_synced_is_committed() {
    let me = "io::system_faults::a_file_whose_folder_cannot_be_synced_is_committed";
    if !under_strace(me, "fsync:error=EIO:when=2") {
        return;
    }
    let upload = Upload::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let replace = Readable::once(upload.new.clone()).pipe_to(file::replace(upload.path("dst")));
    let error = runtime.block_on(replace.run()).unwrap_err();
    assert!(error.is_committed(), "{error:?}");
    assert!(error.to_string().contains("dst` is replaced"), "{error}");
    assert_eq!(error.downcast_ref::<io::Error>().unwrap().raw_os_error(), Some(EIO));
    assert!(upload.is_new() && upload.left().is_empty(), "{:?}", upload.left());
}

/// Its number on Linux.
const EIO: i32 = 5;

const RENAMES: &str = "rename,renameat,renameat2";

/// F90: a new file takes its name in one step, where the file system can do that: it never has two names.
#[test]
fn a_new_file_takes_its_name_without_a_link() {
    if under_strace(
        "io::system_faults::a_new_file_takes_its_name_without_a_link",
        "linkat:error=EPERM",
    ) {
        create_new_beside_an_old_file();
    }
}

/// F92: where the file system cannot do that, the name is taken all the same.
#[test]
fn a_new_file_takes_its_name_by_a_link_if_it_must() {
    let me = "io::system_faults::a_new_file_takes_its_name_by_a_link_if_it_must";
    if under_strace(me, "renameat2:error=EINVAL") {
        create_new_beside_an_old_file();
    }
}

/// Creates one that was not there, and not one that was.
fn create_new_beside_an_old_file() {
    let (upload, options) = (Upload::new(), file::ReplaceOptions::new().create_new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let create = |path: PathBuf, made_meanwhile: bool| {
        let made = path.clone();
        let source = Readable::once("created").inspect(move |_| {
            if made_meanwhile {
                fs::write(&made, "old").unwrap();
            }
        });
        runtime.block_on(source.pipe_to(options.replace(path)).run())
    };
    create(upload.path("fresh"), false).unwrap();
    assert_eq!(fs::read(upload.path("fresh")).unwrap(), b"created");
    fs::remove_file(upload.path("dst")).unwrap();
    let error = create(upload.path("dst"), true).unwrap_err();
    assert_eq!(error.io_kind(), Some(io::ErrorKind::AlreadyExists), "{error}");
    assert!(upload.is_old() && upload.left() == ["fresh"], "{:?}", upload.left());
}

/// F91: what a power failure may leave is decided by the order: all is written, then the file is synced, then it takes the
/// place of the old one, then the folder is synced.
#[test]
fn a_file_is_on_the_disk_before_it_takes_its_place() {
    if !strace() {
        return;
    }
    let upload = Upload::new();
    let ran = upload.run(&format!("writev,fsync,{RENAMES}"), None);
    assert!(ran.status.success() && upload.is_new(), "{}", ran.said);
    // `PID call(…) = …`, and a call that took its time is resumed on a line of its own.
    let calls = ran.calls.lines().filter(|line| !line.contains("resumed>"));
    let mut order: Vec<&str> = calls
        .filter_map(|line| line.split_whitespace().nth(1)?.split('(').next())
        .map(|call| if call.starts_with("rename") { "rename" } else { call })
        .collect();
    order.dedup();
    assert_eq!(order, ["writev", "fsync", "rename", "fsync"]);
}

/// F90: killed at every call that changes the folder, in turn. strace counts the calls of each thread, and those that end a
/// file come from one: the sync of the file, the rename, the sync of the folder.
#[test]
fn killed_at_any_call_there_is_one_of_the_two_files() {
    if !strace() {
        return;
    }
    for (calls, old, new) in [("writev", 1, 0), ("fsync", 1, 1), (RENAMES, 1, 0)] {
        let (mut olds, mut news, mut left) = (0, 0, 0);
        for k in 1.. {
            let upload = Upload::new();
            let ran = upload.run(calls, Some(("signal=KILL", k)));
            if !ran.was_hit() {
                assert!(ran.status.success() && upload.is_new() && upload.left().is_empty());
                break;
            }
            left += after_a_kill(&upload, &format!("{calls} {k}"));
            *(if upload.is_old() { &mut olds } else { &mut news }) += 1;
        }
        tell(&format!("killed at {calls}: old file {olds} times, new {news}; {left} files left"));
        assert!(olds >= old && news >= new && left == olds, "{calls}: {olds}, {news}, {left}");
    }
}

/// F90: the same at random, while it reads and, every fourth time, while it ends. `HIGHWATER_KILL_POINTS` says how often:
/// 20 times if it is not set; `HIGHWATER_TEST_SEED` repeats the places, as far as processes can be repeated.
#[test]
fn killed_anywhere_there_is_one_of_the_two_files() {
    let points = std::env::var("HIGHWATER_KILL_POINTS").map_or(20, |n| n.parse().unwrap());
    let seed = Seed::fresh();
    let (mut random, mut olds, mut left) = (seed, 0, 0);
    for point in 1..=points {
        let (upload, ends) = (Upload::new(), point % 4 == 0);
        let mut command = program("upload");
        command.arg("-").arg(upload.path("dst")).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut input = child.stdin.take();
        let bytes = if ends { upload.new.len() } else { random.below(upload.new.len()) };
        input.as_mut().unwrap().write_all(&upload.new[..bytes]).unwrap();
        if ends {
            // From now on it finishes; a look at the folder takes some microseconds.
            input = None;
            (0..random.below(2000)).for_each(|_| drop(upload.left()));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        drop(input);
        left += after_a_kill(&upload, &format!("point {point}, at {bytes} bytes, seed {seed}"));
        olds += usize::from(upload.is_old());
    }
    tell(&format!("killed {points} times, seed {seed}: {olds} times the old file; {left} left"));
    assert!(olds >= points - points / 4 && left >= 1, "{olds} of {points} were killed in time");
}

/// Looks at what a kill has left, which does not disturb who comes next; how many files that is.
fn after_a_kill(upload: &Upload, when: &str) -> usize {
    assert!(upload.is_old() || upload.is_new(), "{when}: neither the old file nor the new one");
    let (was_old, left) = (upload.is_old(), upload.left());
    let temporary = |name: &String| name.starts_with(".dst.") && name.ends_with(".tmp");
    assert!(left.len() <= 1 && left.iter().all(temporary), "{when}: {left:?}");
    let again = program("upload").args([upload.path("src"), upload.path("dst")]).output().unwrap();
    assert!(again.status.success() && upload.is_new() && upload.left() == left, "{when}");
    if was_old {
        fs::write(upload.path("dst"), "old").unwrap();
    }
    left.len()
}

/// F95: the largest file that the process may write. The signal that comes with it ends a program that does not ignore it,
/// as a kill does.
#[test]
fn a_file_that_may_not_be_so_large_leaves_the_old_file() {
    let limited = |upload: &Upload, before: &str| {
        let script = format!("{before} exec prlimit --fsize=1500000 \"$0\" \"$@\"");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).arg(program("upload").get_program());
        shell.args([upload.path("src"), upload.path("dst")]).output().unwrap()
    };
    if !Tool::new("prlimit", &["prlimit"]).is_there() {
        return;
    }
    let upload = Upload::new();
    let output = limited(&upload, "trap '' XFSZ;");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("too large"), "{said}");
    assert!(upload.is_old() && upload.left().is_empty(), "{:?}", upload.left());

    let output = limited(&upload, "");
    assert_eq!(output.status.signal(), Some(SIGXFSZ));
    assert!(upload.is_old());
    assert_eq!(after_a_kill(&upload, "the signal"), 1);
}

/// Its number on Linux.
const SIGXFSZ: i32 = 25;

fn tell(what: &str) {
    drop(writeln!(io::stderr(), "upload: {what}"));
}
