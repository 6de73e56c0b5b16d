//! Messages of all programs: nothing in a name or an argument reaches the terminal as something it obeys.

use std::ffi::OsStr;
use std::process::{Output, Stdio};

use crate::support::program;

const PROGRAMS: [&str; 17] = [
    "backpressure",
    "batch-insert",
    "checksum",
    "errors",
    "etl",
    "gz",
    "lag",
    "logload",
    "logserver",
    "multiplex",
    "objects",
    "orders",
    "proxy",
    "report-api",
    "run",
    "thumbnails",
    "upload",
];

/// A name that colours the terminal, begins lines, and has two blanks in it.
const NAME: &str = "no\u{1b}[31m\r\n  such";
/// The same, as messages show it.
const SHOWN: &str = r"no\u{1b}[31m\r\n  such";

fn run<A: AsRef<OsStr>>(name: &str, args: &[A]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    program(name).current_dir(folder.path()).args(args).output().unwrap()
}

#[track_caller]
fn tells(output: &Output, what: &str) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(!output.status.success(), "{what}: {said:?}");
    assert!(said.contains(SHOWN), "{what}: {said:?}");
    let obeyed = said.chars().any(|char| char.is_control() && char != '\n');
    assert!(!obeyed, "{what}: {said:?}");
}

#[test]
fn wrong_command_lines_are_shown_escaped() {
    for name in PROGRAMS {
        let output = run(name, &[format!("--{NAME}")]);
        let code = if name == "gz" { 1 } else { 2 };
        assert_eq!(output.status.code(), Some(code), "{name}");
        tells(&output, name);
    }
    for (name, option) in [("errors", "--max-line"), ("upload", "--sha256"), ("gz", "--trailing")] {
        tells(&run(name, &[option, NAME]), name);
    }
}

#[test]
fn names_of_files_are_shown_exactly_and_escaped() {
    let orders = format!("{NAME}.csv");
    let url = format!("sqlite:{NAME}");
    let cases: [(&str, &[&str]); 15] = [
        ("batch-insert", &[NAME]),
        ("checksum", &[NAME]),
        ("checksum", &["-c", NAME]),
        ("errors", &[NAME]),
        ("etl", &["--from", &url]),
        ("gz", &[NAME]),
        ("gz", &["-d", NAME]),
        ("logload", &[NAME]),
        ("multiplex", &[NAME]),
        ("objects", &["--store", NAME]),
        ("orders", &[&orders]),
        ("run", &["-i", NAME]),
        ("run", &["--", NAME]),
        ("thumbnails", &[NAME, "small"]),
        ("upload", &[NAME, "there"]),
    ];
    for (name, args) in cases {
        tells(&run(name, args), name);
    }
    let inside = format!("missing/{NAME}");
    for (name, args) in [
        ("errors", ["/dev/null", "-o", &inside]),
        ("gz", ["/dev/null", "-o", &inside]),
        ("upload", ["/dev/null", &inside, "--no-progress"]),
        ("logserver", ["--out", &inside, "--listen=127.0.0.1:0"]),
    ] {
        tells(&run(name, &args), name);
    }
}

/// `lag | true`: nobody reads the answer, and the work is done all the same.
#[test]
fn a_closed_output_is_no_failure_of_the_work() {
    for (name, args) in [
        ("lag", &["--seconds", "1"][..]),
        ("multiplex", &[]),
        ("proxy", &[]),
        ("report-api", &["--rows", "10"]),
        ("thumbnails", &[]),
    ] {
        let mut command = program(name);
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{name}: {said}");
    }
}
