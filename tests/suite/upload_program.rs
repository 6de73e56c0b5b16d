//! The program `upload`, run as its users run it: what it refuses leaves nothing behind.

use std::io::Write;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::{Child, ChildStdin};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::support::{names, program};

fn upload() -> Command {
    program("upload")
}

/// A folder with a file of so many bytes, and the place where it goes, where something is already.
fn files(length: usize) -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (src, dst) = (folder.path().join("src"), folder.path().join("dst"));
    std::fs::write(&src, content(length)).unwrap();
    std::fs::write(&dst, "old").unwrap();
    (folder, src, dst)
}

fn content(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

fn sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().expect("GNU coreutils");
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// It has ended with `code`, has said this in one line, and the old file is alone with the source.
fn refused(output: &Output, code: i32, parts: &[&str], folder: &Path) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(output.stdout.is_empty());
    assert_eq!(std::fs::read(folder.join("dst")).unwrap(), b"old");
    assert_eq!(names(folder), ["dst", "src"]);
}

#[test]
fn a_file_is_taken_whole() {
    for length in [0, 1, 700_000] {
        let (folder, src, dst) = files(length);
        let digest = sha256(&src);
        let most = length.to_string();
        let output = upload()
            .args([&src, &dst])
            .args(["--max-size", &most, "--sha256", &digest.to_uppercase()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), format!("{digest}  {}\n", dst.display()));
        assert!(text(&output.stderr).contains("held back by"));
        assert_eq!(std::fs::read(&dst).unwrap(), content(length));
        assert_eq!(names(folder.path()), ["dst", "src"]);
    }
}

#[test]
fn standard_input_is_taken() {
    let (_folder, src, dst) = files(300_000);
    let input = std::fs::File::open(&src).unwrap();
    let output = upload().arg("-").arg(&dst).stdin(input).output().unwrap();
    assert!(output.status.success());
    assert_eq!(std::fs::read(&dst).unwrap(), content(300_000));
}

/// No more than the rate says: it takes so long at the least.
#[test]
fn a_rate_is_kept() {
    let (_folder, src, dst) = files(100_000);
    let start = Instant::now();
    let output = upload().args([&src, &dst]).args(["--rate", "200000"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(std::fs::read(&dst).unwrap(), content(100_000));
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());
    let zero = upload().args([&src, &dst]).args(["--rate", "0"]).output().unwrap();
    assert_eq!(zero.status.code(), Some(2));
}

/// It runs at once, and cleans up.
#[test]
fn without_arguments_it_takes_a_sample() {
    let folder = tempfile::tempdir().unwrap();
    let output = upload().env("TMPDIR", folder.path()).output().unwrap();
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("taking a sample") && said.contains("67.11 MB"), "{said}");
    assert!(names(folder.path()).is_empty());
}

/// I59, F49: what is too long, and what is not what it should be.
#[test]
fn what_is_refused_leaves_the_old_file() {
    let (folder, src, dst) = files(700_000);
    for most in ["0", "262144", "699999"] {
        let output = upload().args([&src, &dst]).args(["--max-size", most]).output().unwrap();
        refused(&output, 1, &[&format!("more than {most} bytes")], folder.path());
    }
    let digest = sha256(&src);
    let other = digest.replace('0', "1");
    let output = upload().args([&src, &dst]).args(["--sha256", &other]).output().unwrap();
    refused(&output, 1, &[&digest, &other], folder.path());
}

#[test]
fn other_failures_leave_the_old_file() {
    let (folder, src, dst) = files(10);
    let output = upload().arg(folder.path().join("missing")).arg(&dst).output().unwrap();
    refused(&output, 2, &["cannot open", "missing", "No such file"], folder.path());
    let output = upload().args([&src, &folder.path().join("no/folder")]).output().unwrap();
    refused(&output, 2, &["cannot open", "no/folder"], folder.path());
    let output = upload().args([&src, folder.path()]).output().unwrap();
    refused(&output, 2, &["regular file"], folder.path());
}

/// F52, and a source without a place to go.
#[test]
fn a_wrong_command_line() {
    let (_folder, src, dst) = files(10);
    let digest = sha256(&src);
    for (wrong, says) in [
        (&digest[1..], "64 hex digits, not 63"),
        (&digest[2..], "64 hex digits, not 62"),
        (&format!("{}x", &digest[1..]), "no hex digit"),
    ] {
        let output = upload().args([&src, &dst]).args(["--sha256", wrong]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
        assert_eq!(std::fs::read(&dst).unwrap(), b"old");
    }
    assert_eq!(upload().arg(&src).output().unwrap().status.code(), Some(2));
}

/// As `sha256sum` prints names that need an escape.
#[cfg(unix)]
#[test]
fn the_line_is_that_of_sha256sum() {
    let (folder, src, _) = files(10);
    for name in ["line\nfeed", "back\\slash", "carriage\rreturn", "umlaut ä"] {
        let dst = folder.path().join(name);
        let output = upload().args([&src, &dst]).output().unwrap();
        let theirs = Command::new("sha256sum").arg(&dst).output().unwrap();
        assert!(output.status.success());
        assert_eq!(text(&output.stdout), text(&theirs.stdout));
    }
}

/// The file is taken, and the exit code does not say that it was refused.
#[cfg(target_os = "linux")]
#[test]
fn an_output_that_takes_no_line_is_no_refusal() {
    let (folder, src, dst) = files(10);
    let (reader, closed) = std::io::pipe().unwrap();
    drop(reader);
    let output = upload().args([&src, &dst]).stdout(closed).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(std::fs::read(&dst).unwrap(), content(10));

    std::fs::write(&dst, "old").unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = upload().args([&src, &dst]).stdout(full).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("DST is replaced") && said.contains("No space"), "{said}");
    assert_eq!(std::fs::read(&dst).unwrap(), content(10));
    assert_eq!(names(folder.path()), ["dst", "src"]);
}

/// Whatever a name holds, a terminal obeys none of it.
#[cfg(unix)]
#[test]
fn control_bytes_of_a_name_are_escaped() {
    let (folder, _, dst) = files(10);
    let output =
        upload().arg(folder.path().join("red\u{1b}[31m\u{202e}")).arg(&dst).output().unwrap();
    refused(&output, 2, &[r"red\u{1b}[31m\u{202e}"], folder.path());
    assert!(!text(&output.stderr).contains('\u{1b}'));
}

/// A program that has begun to read its standard input, and so listens to signals. `signals` is an option of `env`.
#[cfg(unix)]
fn reading(signals: &str, dst: &Path) -> (Child, ChildStdin) {
    let mut command = Command::new("env");
    command.arg(signals).arg(upload().get_program()).arg("-").arg(dst);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // More than a pipe holds: when this returns, the program reads.
    input.write_all(&content(1_000_000)).unwrap();
    (child, input)
}

#[cfg(unix)]
fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_signal_leaves_the_old_file() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let (folder, _, dst) = files(10);
        let (mut child, _input) = reading("--default-signal", &dst);
        send(signal, &child);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        assert_eq!(std::fs::read(&dst).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["dst", "src"]);
    }
}

/// Under `nohup` it goes on when the terminal is closed.
#[cfg(target_os = "linux")]
#[test]
fn a_hangup_that_is_ignored_does_not_stop_it() {
    let (_folder, _, dst) = files(10);
    let (mut child, input) = reading("--ignore-signal=HUP", &dst);
    send("-HUP", &child);
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(std::fs::read(&dst).unwrap(), content(1_000_000));
}

/// `upload new /dev/stdout >> kept`: the file behind a descriptor is not replaced.
#[cfg(target_os = "linux")]
#[test]
fn an_open_descriptor_is_refused_and_its_file_kept() {
    let (folder, src, _) = files(10);
    let kept = folder.path().join("kept");
    std::fs::write(&kept, "before").unwrap();
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let out = std::fs::File::options().append(true).open(&kept).unwrap();
        let output = upload().arg(&src).arg(name).stdout(out).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {}", text(&output.stderr));
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), "before");
    }
}
