//! The watchdog that runs every test binary: see `.cargo/watchdog`.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with a program that is named like a test binary, or is not.
struct Programs(tempfile::TempDir);

impl Programs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, script: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Runs it as cargo would.
    fn run(&self, name: &str, script: &str, limit: &str) -> Output {
        let watchdog = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cargo/watchdog");
        let mut command = Command::new(watchdog);
        command.arg(self.write(name, script)).env("HIGHWATER_TEST_LIMIT", limit).output().unwrap()
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const REPORT: &str = "echo 'test a::slow has been running for over 60 seconds'";

/// What the harness reports is named and ended, together with what it has started and what ignores the first signal.
#[test]
fn a_test_that_hangs_is_named_and_ended() {
    let script = format!("(trap '' TERM; sleep 600) & {REPORT}; wait; sleep 600");
    let output = Programs::new().run("deps/tests-0123", &script, "60");
    assert_eq!(output.status.code(), Some(101));
    let told = text(&output.stderr);
    assert!(told.contains("test a::slow hangs") && told.contains("tests-0123"), "{told}");
    assert!(text(&output.stdout).contains("running for over 60 seconds"));
}

/// With one test thread nothing is reported; silence is.
#[test]
fn a_binary_that_says_nothing_is_ended() {
    // Five seconds longer than the limit is silence.
    let output =
        Programs::new().run("deps/tests-0123", "printf 'test b::still ... '; sleep 600", "-4");
    assert_eq!(output.status.code(), Some(101));
    let told = text(&output.stderr);
    assert!(told.contains("no output for 1 seconds after \"b::still\""), "{told}");
}

/// A test that was reported and has ended since is no hang; neither is one that may run longer.
#[test]
fn a_slow_test_may_end() {
    let script = format!("{REPORT}; echo 'test a::slow ... ok'; sleep 2; exit 7");
    let output = Programs::new().run("deps/tests-0123", &script, "60");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(7), ""));
    let output = Programs::new().run("deps/tests-0123", &format!("{REPORT}; sleep 2"), "120");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

/// Benches and programs are started as they are: nothing of what they print is looked at.
#[test]
fn programs_are_started_as_they_are() {
    let script = format!("{REPORT}; sleep 2; cat; exit 5");
    let output = Programs::new().run("debug/program", &script, "60");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(5), ""));
}
