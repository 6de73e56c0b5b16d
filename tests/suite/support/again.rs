//! A test that runs again where the system refuses calls.

use std::process::Command;

use super::Tool;

/// True in a process where strace does this to calls of the system, for example `fsync:error=EIO:when=2`. Anywhere else it
/// starts such a process for the test of this name, which must pass there; without strace it does nothing.
pub(crate) fn under_strace(test: &str, inject: &str) -> bool {
    if std::env::var_os(AGAIN).is_some_and(|name| name == test) {
        return true;
    }
    if Tool::new("strace", &["strace"]).is_there() {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o", "/dev/null", "--inject", inject]);
        strace.arg(std::env::current_exe().unwrap()).args([test, "--exact", "--nocapture"]);
        let output = strace.env(AGAIN, test).output().unwrap();
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(output.status.success() && said[0].contains("1 passed"), "{}", said.concat());
    }
    false
}

const AGAIN: &str = "HIGHWATER_UNDER_STRACE";
