//! Other programs.

use std::io::{Seek, Write};
use std::process::{Command, Output, Stdio};

/// A program that compresses or decompresses its standard input.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    command: Vec<String>,
}

impl Tool {
    pub(crate) fn new(name: &'static str, command: &[&str]) -> Self {
        Self { name, command: command.iter().map(|word| (*word).to_owned()).collect() }
    }

    pub(crate) fn python(name: &'static str, expression: &str) -> Self {
        let read = "import sys, io, gzip, zlib; data = sys.stdin.buffer.read()";
        let script = format!("{read}; sys.stdout.buffer.write({expression})");
        Self::new(name, &["python3", "-c", &script])
    }

    pub(crate) fn node(name: &'static str, expression: &str) -> Self {
        let read = "const zlib = require('zlib'); const data = require('fs').readFileSync(0)";
        let script = format!("{read}; require('fs').writeSync(1, {expression})");
        Self::new(name, &["node", "-e", &script])
    }

    /// Whether it is there. If it is not, the test says so and goes on without it, unless
    /// `HIGHWATER_REQUIRE_SERVICES=1`.
    #[expect(clippy::print_stdout, reason = "shown when the test fails, or is asked for")]
    pub(crate) fn is_there(&self) -> bool {
        let program = &self.command[0];
        let mut probe = Command::new(program);
        probe.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let there = probe.status().is_ok_and(|status| status.success());
        let required = std::env::var_os("HIGHWATER_REQUIRE_SERVICES").is_some_and(|v| v == "1");
        assert!(there || !required, "{program} is required, and not installed");
        if !there {
            println!("skipped: {program} is not installed");
        }
        there
    }

    /// What it makes of this input.
    pub(crate) fn output(&self, input: &[u8]) -> Output {
        // A file, not a pipe: nobody has to feed it while its output is read.
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(input).unwrap();
        file.rewind().unwrap();
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).stdin(file);
        command.output().unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// The same where it must succeed.
    #[track_caller]
    pub(crate) fn run(&self, input: &[u8]) -> Vec<u8> {
        let output = self.output(input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {}, {said}", self.name, output.status);
        output.stdout
    }
}
