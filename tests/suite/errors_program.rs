//! The program `errors`, run as its users run it, beside GNU grep.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::program;

fn errors() -> Command {
    program("errors")
}

/// Lines of all kinds, of which some match; the last has no newline.
fn log() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut text = Vec::new();
    for n in 0..30_000 {
        let line = match n % 50 {
            0 => format!("{n} ERROR something broke\n"),
            1 => format!("{n} ERROR with a carriage return\r\n"),
            2 => "\n".to_owned(),
            3 => format!("{n} two ERROR and ERROR in one, {}\n", "long ".repeat(n % 700)),
            4 => format!("{n} \u{e4}\u{f6}\u{fc} warning\n"),
            _ => format!("{n} INFO all is well\n"),
        };
        text.extend_from_slice(line.as_bytes());
    }
    text.extend_from_slice(b"ERROR at the very end");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn grep(args: &[&str], path: &Path) -> Vec<u8> {
    let output = Command::new("grep").env("LC_ALL", "C").args(args).arg(path).output();
    output.expect("GNU grep").stdout
}

#[test]
fn it_prints_what_grep_prints() {
    let (_folder, path) = log();
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &["-aF", "ERROR"]),
        (&["-v"], &["-aFv", "ERROR"]),
        (&["-n"], &["-aFn", "ERROR"]),
        (&["-n", "-v"], &["-aFnv", "ERROR"]),
        (&["-c"], &["-aFc", "ERROR"]),
        (&["-c", "-v"], &["-aFcv", "ERROR"]),
        (&["-p", "warning", "-p", "broke"], &["-aF", "-e", "warning", "-e", "broke"]),
        (&["-e", "^[0-9]*5. INFO"], &["-aE", "^[0-9]*5. INFO"]),
        (&["-p", "not there"], &["-aF", "not there"]),
    ];
    for (ours, theirs) in cases {
        let output = errors().args(*ours).arg(&path).output().unwrap();
        let expected = grep(theirs, &path);
        assert!(output.stdout == expected, "{ours:?}");
        let none = expected.is_empty() || expected == b"0\n";
        assert_eq!(output.status.code(), Some(i32::from(none)), "{ours:?}");
    }
}

#[test]
fn standard_input_and_an_output_file() {
    let (folder, path) = log();
    let found = folder.path().join("found");
    let output = errors()
        .args(["-", "-o"])
        .arg(&found)
        .stdin(std::fs::File::open(&path).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(std::fs::read(&found).unwrap() == grep(&["-aF", "ERROR"], &path));

    let mut child = errors().arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a\nERROR b\nc").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"ERROR b\n");
}

#[test]
fn without_input_it_searches_a_sample_and_says_so() {
    let output = errors().output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success());
    assert!(said.contains("sample log") && said.contains("100,000 lines"), "{said}");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1000);
}

#[test]
fn the_summary_says_what_was_done() {
    let (_folder, path) = log();
    let said = String::from_utf8(errors().arg(&path).output().unwrap().stderr).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 1, "{said}");
    for part in ["30,001 lines", "GB/s", "peak memory", "held back by"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// One clear line, exit code 2.
fn fails(output: &Output, parts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let (folder, path) = log();
    let missing = folder.path().join("missing");
    fails(&errors().arg(&missing).output().unwrap(), &["cannot open", "missing", "No such file"]);
    fails(&errors().arg(folder.path()).output().unwrap(), &["cannot open", "is a directory"]);
    fails(&errors().args(["-e", "("]).arg(&path).output().unwrap(), &["regex"]);
    let unwritable = folder.path().join("no/folder");
    let output = errors().arg(&path).arg("-o").arg(&unwritable).output().unwrap();
    fails(&output, &["cannot open", "no/folder", "for writing"]);
    let output = errors().arg(&path).arg("-o").arg(folder.path()).output().unwrap();
    fails(&output, &["cannot open", "regular file"]);
    #[cfg(target_os = "linux")]
    fails(
        &errors().arg(&path).args(["-o", "/dev/full"]).output().unwrap(),
        &["/dev/full", "No space"],
    );
    let compressed = folder.path().join("log.gz");
    std::fs::write(&compressed, [0x1f, 0x8b, 8, 0]).unwrap();
    fails(&errors().arg(&compressed).output().unwrap(), &["gzip"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left behind");
}

/// `errors log | head`
#[test]
fn a_closed_output_ends_it_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, "ERROR again\n".repeat(1_000_000)).unwrap();
    let mut child =
        errors().arg(&path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 12]).unwrap();
    drop(output);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let found = folder.path().join("found");
    let mut child = errors()
        .args(["-", "-o"])
        .arg(&found)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // More than a pipe holds: when this returns, the program reads, so it is set up and listens.
    input.write_all("ERROR to be kept?\n".repeat(100_000).as_bytes()).unwrap();
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
