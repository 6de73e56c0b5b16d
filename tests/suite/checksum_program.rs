//! The program `checksum`, run as its users run it, beside the programs of GNU coreutils.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::program;

/// What is run in a folder, in the plain locale.
fn run<A: AsRef<OsStr>>(mut command: Command, folder: &Path, args: &[A], input: &str) -> Output {
    command.current_dir(folder).env("LC_ALL", "C").args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that does not read is no failure.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

fn checksum(folder: &Path, args: &[&str], input: &str) -> Output {
    run(program("checksum"), folder, args, input)
}

fn coreutils(name: &str, folder: &Path, args: &[&str], input: &str) -> Output {
    run(Command::new(name), folder, args, input)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What was said, whoever said it.
fn said(output: &Output, by: &str) -> String {
    text(&output.stderr).lines().map(|line| line.replacen(by, "", 1) + "\n").collect()
}

/// Files with names of all kinds; contents of all lengths.
fn files() -> (TempDir, Vec<&'static str>) {
    let folder = tempfile::tempdir().unwrap();
    let names = vec![
        "plain",
        " a space before",
        "and behind ",
        "*star",
        "line\nfeed",
        "carriage\rreturn",
        "back\\slash",
        "\\at the start",
        "all\\of\r\nthem",
        "umlaut ä",
        "#hash",
        "tab\there",
        "(parentheses)",
    ];
    for (n, name) in names.iter().enumerate() {
        std::fs::write(folder.path().join(name), "x".repeat(n * 40_000)).unwrap();
    }
    (folder, names)
}

/// I59: byte for byte, names that need an escape included.
#[test]
fn it_prints_what_coreutils_print() {
    let (folder, names) = files();
    for (algorithm, theirs) in
        [("sha256", "sha256sum"), ("SHA-512", "sha512sum"), ("sha1", "sha1sum"), ("md5", "md5sum")]
    {
        let args = [&["-a", algorithm], &names[..]].concat();
        let ours = checksum(folder.path(), &args, "");
        let theirs = coreutils(theirs, folder.path(), &names, "");
        assert!(ours.stdout == theirs.stdout, "{}\n{}", text(&ours.stdout), text(&theirs.stdout));
        assert!(ours.status.success() && theirs.status.success() && ours.stderr.is_empty());
    }
}

/// A name that is no text.
#[cfg(unix)]
#[test]
fn a_name_may_be_any_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let name = OsStr::from_bytes(b"not \xff text");
    std::fs::write(folder.path().join(name), "x").unwrap();
    let ours = run(program("checksum"), folder.path(), &[name], "");
    let theirs = run(Command::new("sha256sum"), folder.path(), &[name], "");
    assert!(!ours.stdout.is_empty() && ours.stdout == theirs.stdout);
    std::fs::write(folder.path().join("sums"), &ours.stdout).unwrap();
    let checked = checksum(folder.path(), &["-c", "sums"], "");
    assert_eq!(checked.stdout, b"not \xff text: OK\n");
}

#[test]
fn standard_input() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&[][..], &["-"]] {
        let ours = checksum(folder.path(), args, "hello");
        assert_eq!(ours.stdout, coreutils("sha256sum", folder.path(), args, "hello").stdout);
        assert!(ours.status.success());
    }
}

/// One reader at a time, in order: the first has all of it.
#[test]
fn standard_input_given_twice_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let input = "x".repeat(3_000_000);
    std::fs::write(folder.path().join("file"), &input).unwrap();
    for args in
        [&["-", "-"][..], &["-", "file", "-", "-"], &["/dev/stdin", "-"], &["-", "/dev/stdin"]]
    {
        let ours = checksum(folder.path(), args, &input);
        let theirs = coreutils("sha256sum", folder.path(), args, &input);
        assert_eq!(text(&ours.stdout), text(&theirs.stdout), "{args:?}");
        assert!(ours.status.success(), "{args:?}");
    }
}

#[test]
fn a_list_may_name_standard_input_unless_it_comes_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let input = "x".repeat(3_000_000);
    let full = text(&coreutils("sha256sum", folder.path(), &["-"], &input).stdout);
    let empty = text(&coreutils("sha256sum", folder.path(), &["-"], "").stdout);
    let list = format!("{full}{empty}{empty}");
    std::fs::write(folder.path().join("sums"), &list).unwrap();
    for (args, input) in
        [(&["-c", "sums"][..], &input), (&["-c", "sums", "sums"], &input), (&["-c", "-w"], &list)]
    {
        let ours = checksum(folder.path(), args, input);
        let theirs = coreutils("sha256sum", folder.path(), args, input);
        assert_eq!(text(&ours.stdout), text(&theirs.stdout), "{args:?}");
        assert_eq!(said(&ours, "checksum: "), said(&theirs, "sha256sum: "), "{args:?}");
        assert_eq!(ours.status.code(), theirs.status.code(), "{args:?}");
    }
}

/// `checksum -c sums | head -1`
#[test]
fn a_file_that_fails_is_told_though_nobody_reads_the_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let right = text(&checksum(folder.path(), &["file"], "").stdout);
    for (last, code) in [(format!("{}  file\n", "0".repeat(64)), 1), (right.clone(), 0)] {
        std::fs::write(folder.path().join("sums"), right.repeat(5_000) + &last).unwrap();
        let mut command = program("checksum");
        command.current_dir(folder.path()).args(["-c", "sums"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        output.read_exact(&mut [0; 8]).unwrap();
        drop(output);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr).contains("did NOT match"), code == 1);
    }
}

/// What cannot be read is said, the others are printed, and the exit code shows it.
#[test]
fn files_that_cannot_be_read() {
    let (folder, _) = files();
    let args = ["plain", "missing", ".", "*star"];
    let ours = checksum(folder.path(), &args, "");
    let theirs = coreutils("sha256sum", folder.path(), &args, "");
    assert_eq!(ours.stdout, theirs.stdout);
    assert_eq!((ours.status.code(), theirs.status.code()), (Some(1), Some(1)));
    let said = said(&ours, "checksum: ");
    assert_eq!(said, "missing: No such file or directory\n.: is a directory\n");
}

/// Many files, of which the first is the longest: the order is that of the command line.
#[test]
fn the_order_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..60).map(|n| format!("file{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        let length = if n % 20 == 0 { 3_000_000 } else { n };
        std::fs::write(folder.path().join(name), vec![b'x'; length]).unwrap();
    }
    let args: Vec<&str> = names.iter().map(String::as_str).collect();
    let ours = checksum(folder.path(), &args, "");
    assert!(ours.stdout == coreutils("sha256sum", folder.path(), &args, "").stdout);
}

/// Each checks what the other has printed.
#[test]
fn it_checks_what_coreutils_print_and_they_check_what_it_prints() {
    let (folder, names) = files();
    for print in [&["-b"][..], &[], &["--tag"]] {
        let sums = coreutils("sha256sum", folder.path(), &[print, &names].concat(), "");
        let list = text(&sums.stdout);
        let ours = checksum(folder.path(), &["-c"], &list);
        let theirs = coreutils("sha256sum", folder.path(), &["-c"], &list);
        assert!(ours.status.success() && theirs.status.success());
        assert_eq!(ours.stdout.iter().filter(|byte| **byte == b'\n').count(), names.len());
    }
    let sums = checksum(folder.path(), &names, "");
    let theirs = coreutils("sha256sum", folder.path(), &["-c", "--quiet"], &text(&sums.stdout));
    assert!(theirs.status.success() && theirs.stdout.is_empty());
}

/// A list with everything that can be wrong with one.
fn list(folder: &Path) -> String {
    let sums = coreutils("sha256sum", folder, &["plain", "*star", "line\nfeed"], "");
    let wrong = "0".repeat(64);
    format!(
        "{}# a comment\n\ngarbage\n{wrong}  plain\n{wrong}  line\\nfeed\n\\{wrong}  line\\nfeed\n{wrong}  missing\n",
        text(&sums.stdout)
    )
}

/// The same lines on standard output, the same words on standard error, the same exit codes.
#[test]
fn it_checks_as_coreutils_check() {
    let (folder, _) = files();
    let list = list(folder.path());
    let modes: &[&[&str]] = &[
        &[],
        &["--quiet"],
        &["--status"],
        &["--strict"],
        &["-w"],
        &["-w", "--strict"],
        &["--strict", "--status"],
    ];
    for mode in modes {
        let args = [&["-c"], *mode].concat();
        let ours = checksum(folder.path(), &args, &list);
        let theirs = coreutils("sha256sum", folder.path(), &args, &list);
        assert_eq!(text(&ours.stdout), text(&theirs.stdout), "{mode:?}");
        // A name with a newline is quoted by coreutils in a way of their own.
        let plain = |said: String| {
            let mut lines: Vec<_> = said.lines().map(str::to_owned).collect();
            lines.retain(|line| !line.contains("line"));
            lines.sort();
            lines
        };
        let (ours_said, theirs_said) = (said(&ours, "checksum: "), said(&theirs, "sha256sum: "));
        assert_eq!(plain(ours_said), plain(theirs_said), "{mode:?}");
        assert_eq!((ours.status.code(), theirs.status.code()), (Some(1), Some(1)), "{mode:?}");
    }
}

/// One line each, read as coreutils read it.
#[test]
fn every_kind_of_line() {
    let (folder, _) = files();
    let sum = text(&coreutils("sha256sum", folder.path(), &["plain"], "").stdout);
    let (digest, _) = sum.split_once(' ').unwrap();
    let upper = digest.to_uppercase();
    let lines = [
        format!("{digest}  plain"),
        format!("{digest}  plain\n\n"),
        format!("{digest} *plain\r\n"),
        format!("{digest}  plain\r"),
        format!("  \t{digest}  plain\n"),
        format!("{digest}\t plain\n"),
        format!("{upper}  plain\n"),
        format!("SHA256 (plain) = {digest}\n"),
        format!("SHA256(plain)= {digest}\n"),
        format!("SHA512 (plain) = {digest}\n"),
        "SHA256 (plain)\n".to_owned(),
        format!("\\SHA256 (plain) = {digest}\n"),
        format!("{digest}\n"),
        format!("{digest} \n"),
        format!("{}  plain\n", &digest[1..]),
        format!("{digest}0  plain\n"),
        format!("{}x  plain\n", &digest[1..]),
        format!("\\{digest}  pl\\ain\n"),
        format!("\\{digest}  plain\\\n"),
        format!("#{digest}  plain\n"),
        format!("{digest}  plain\n \n"),
        "\\".to_owned(),
        String::new(),
    ];
    for line in lines {
        let ours = checksum(folder.path(), &["-c"], &line);
        let theirs = coreutils("sha256sum", folder.path(), &["-c"], &line);
        assert_eq!(text(&ours.stdout), text(&theirs.stdout), "{line:?}");
        assert_eq!(said(&ours, "checksum: "), said(&theirs, "sha256sum: "), "{line:?}");
        assert_eq!(ours.status.code(), theirs.status.code(), "{line:?}");
    }
}

/// Several lists, of which one is not there.
#[test]
fn several_lists() {
    let (folder, _) = files();
    let sum = checksum(folder.path(), &["plain"], "").stdout;
    std::fs::write(folder.path().join("sums"), sum).unwrap();
    let args = ["-c", "sums", "missing", "sums"];
    let ours = checksum(folder.path(), &args, "");
    let theirs = coreutils("sha256sum", folder.path(), &args, "");
    assert_eq!(ours.stdout, theirs.stdout);
    assert_eq!(said(&ours, "checksum: "), said(&theirs, "sha256sum: "));
    assert_eq!((ours.status.code(), theirs.status.code()), (Some(1), Some(1)));
}

#[test]
fn a_wrong_command_line() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["--quiet"][..], &["-a", "sha257"], &["--nonsense"]] {
        let output = checksum(folder.path(), args, "");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    let said = text(&checksum(folder.path(), &["-a", "sha257"], "").stderr);
    assert!(said.contains("there are sha256, sha512, blake3"), "{said}");
}

/// `checksum * | head`, and an output that is full.
#[test]
fn an_output_that_takes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let mut command = program("checksum");
    command.current_dir(folder.path()).args(vec!["file"; 20_000]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 12]).unwrap();
    drop(output);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));

    #[cfg(target_os = "linux")]
    {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = program("checksum");
        command.current_dir(folder.path()).arg("file").stdout(full);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("No space left"), "{}", text(&output.stderr));
    }
}
