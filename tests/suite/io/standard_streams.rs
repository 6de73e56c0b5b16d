//! Standard input and output that are pipes, of the program `gz`: non-blocking ones, and those that nobody reads.

use std::fs;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::yield_now;

use bytes::Bytes;
use highwater::Readable;
use highwater::gzip::Gzip;
use highwater::prelude::*;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::ioctl_fionread;
use rustix::pipe::fcntl_getpipe_size;

use crate::support::{in_time, program};

/// `gz -dc` between two pipes.
struct Gunzip {
    child: Child,
    input: PipeWriter,
    output: PipeReader,
}

impl Gunzip {
    /// Its ends of the pipes are set to non-blocking, as a parent process or a terminal's other users may do.
    fn new(non_blocking: bool) -> Self {
        let ((stdin, input), (output, stdout)) = (pipe().unwrap(), pipe().unwrap());
        if non_blocking {
            set_non_blocking(&stdin);
            set_non_blocking(&stdout);
        }
        let mut command = listening();
        command.arg("-dc").stdin(stdin).stdout(stdout).stderr(Stdio::piped());
        Self { child: command.spawn().unwrap(), input, output }
    }

    /// Waits until its output takes no more.
    fn fill_output(&mut self) {
        self.input.write_all(&packed(&vec![0; ZEROS])).unwrap();
        let size = fcntl_getpipe_size(&self.output).unwrap();
        // The last page may be used in part.
        while ioctl_fionread(&self.output).unwrap() + 4096 <= size as u64 {
            yield_now();
        }
    }
}

fn set_non_blocking(end: impl AsFd) {
    let flags = fcntl_getfl(&end).unwrap();
    fcntl_setfl(&end, flags | OFlags::NONBLOCK).unwrap();
}

/// `gz` with the signals that a shell in the background may ignore.
fn listening() -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal").arg(program("gz").get_program());
    command
}

fn packed(text: &[u8]) -> Vec<u8> {
    let packed = Readable::once(Bytes::copy_from_slice(text)).gzip_with(Gzip::new(6)).to_bytes();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(packed).unwrap().to_vec()
}

fn terminate(child: &Child) {
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// Bytes that become more than a pipe holds.
const ZEROS: usize = 4 * 1024 * 1024;

/// Both are waited for: input that is not there yet, and output that nobody takes yet.
#[test]
fn non_blocking_standard_streams_are_waited_for() {
    in_time(|| {
        let mut gz = Gunzip::new(true);
        for n in 0..20 {
            // Each comes through before there is more to be read.
            let text = format!("member {n} of several");
            gz.input.write_all(&packed(text.as_bytes())).unwrap();
            let mut back = vec![0; text.len()];
            gz.output.read_exact(&mut back).unwrap();
            assert_eq!(String::from_utf8(back).unwrap(), text);
        }
        gz.fill_output();
        drop(gz.input);
        let mut rest = Vec::new();
        gz.output.read_to_end(&mut rest).unwrap();
        assert!(rest.len() == ZEROS && rest.iter().all(|byte| *byte == 0), "{} bytes", rest.len());
        let ended = gz.child.wait_with_output().unwrap();
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    });
}

/// A signal ends a program whose output nobody takes, blocking or not.
#[test]
fn a_signal_ends_a_program_whose_output_is_blocked() {
    for non_blocking in [false, true] {
        in_time(move || {
            let mut gz = Gunzip::new(non_blocking);
            gz.fill_output();
            terminate(&gz.child);
            assert_eq!(gz.child.wait().unwrap().code(), Some(130), "{non_blocking}");
        });
    }
}

/// The same for one that waits for somebody to open the other end of a named pipe, as its output or its input.
#[test]
fn a_signal_ends_a_program_that_opens_a_pipe() {
    for (args, thread) in [(["-", "-o"], "fs::write"), (["-c", "-d"], "fs::read")] {
        in_time(move || {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("pipe");
            assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
            let mut command = listening();
            command.args(args).arg(&path).stdin(Stdio::piped()).stdout(Stdio::null());
            let mut child = command.stderr(Stdio::null()).spawn().unwrap();
            let input = child.stdin.take();
            // The thread that opens it is there: the program listens to signals.
            while !threads(&child).contains(&thread.to_owned()) {
                yield_now();
            }
            terminate(&child);
            assert_eq!(child.wait().unwrap().code(), Some(130), "{thread}");
            drop(input);
        });
    }
}

/// The names of the threads of a process.
fn threads(child: &Child) -> Vec<String> {
    let tasks = PathBuf::from(format!("/proc/{}/task", child.id()));
    let names = fs::read_dir(tasks).unwrap().filter_map(|task| {
        // A thread may end meanwhile.
        let name = fs::read_to_string(task.ok()?.path().join("comm")).ok()?;
        Some(name.trim().to_owned())
    });
    names.collect()
}
