//! The file does not take what comes: F83, F88.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::server::{Client, Server, ended, signal, stored};
use super::until;
use crate::support::program;

/// Bytes of a line that is sent below, with its newline.
const LINE: usize = 13;

/// F83: while the file takes nothing, clients are held up, nothing is acknowledged, memory does not grow, and nothing is
/// lost.
#[test]
fn a_stalled_file_holds_up_the_clients() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = pipe(folder.path());
    // For both: so that neither end waits for the other to be opened.
    let reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let server = Server::start(&["--out", pipe.to_str().unwrap()]);
    let mut client = server.connect();
    // More than all buffers on the way take.
    let text: String = (0..4_000_000).map(|n| format!("line {n:07}\n")).collect();
    let sent = send_until_stuck(&mut client, &text);
    let peak = server.peak();
    println!("{} KiB of lines were taken, with {} KiB of memory", sent >> 10, peak >> 10);
    assert!(sent < text.len() && peak <= server.bound);
    assert_eq!(server.metric("lines_total{level=\"unparsed\"}"), 0.0);
    client.stream.set_nonblocking(true).unwrap();
    assert!(client.stream.peek(&mut [0]).is_err(), "nothing is acknowledged");
    client.stream.set_nonblocking(false).unwrap();

    // The file takes lines again.
    let lines = sent.div_ceil(LINE);
    let reading = std::thread::spawn(move || {
        let read = BufReader::new(reader).lines().take(lines);
        read.map(|line| line.unwrap().rsplit('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    });
    client.send(&text[sent..lines * LINE]);
    let found = reading.join().unwrap();
    assert!(found.iter().enumerate().all(|(n, line)| *line == format!("line {n:07}")));
    server.wait_for("lines_total{level=\"unparsed\"}", lines as f64);
    drop(client);
    drop(server);
}

/// Sends until nothing is taken any more; gives how many bytes were.
fn send_until_stuck(client: &mut Client, text: &str) -> usize {
    client.stream.set_nonblocking(true).unwrap();
    let (mut sent, mut stuck) = (0, 0);
    until(
        || {
            loop {
                match client.stream.write(&text.as_bytes()[sent..]) {
                    Ok(written) => (sent, stuck) = (sent + written, 0),
                    Err(error) => break assert_eq!(error.kind(), ErrorKind::WouldBlock),
                }
            }
            stuck += 1;
            stuck == 200
        },
        || "more and more is taken".to_owned(),
    );
    client.stream.set_nonblocking(false).unwrap();
    sent
}

/// F88: a disk that stays full is said once, nothing is acknowledged, and the server ends in time, and not with 0.
/// Shows F83.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_not_waited_for_for_ever() {
    let mut server = Server::start(&["--out", "/dev/full", "--drain", "0.5"]);
    let mut client = server.connect();
    client.send("lost?\n");
    server.wait_for("storing_fails", 1.0);
    server.signal("TERM");
    assert_eq!(server.ended().code(), Some(1));
    assert!(client.rest().is_err() || client.rest().unwrap().is_empty());
    let said = server.said();
    assert_eq!(said.matches("trying again").count(), 1, "{said}");
    assert!(said.contains("cannot write `/dev/full`"), "{said}");
    assert!(said.contains("could not be stored within 500ms") && said.contains("0 lines stored"));
}

/// A file system of 256 KiB, unmounted on drop.
struct Tiny(TempDir);

impl Tiny {
    /// `None`, and a line that says so, where it cannot be mounted.
    #[expect(clippy::print_stdout, reason = "shown when the test fails, or is asked for")]
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(folder.path());
        if !mount.status().is_ok_and(|status| status.success()) {
            println!("skipped: mounting a tmpfs needs root");
            return None;
        }
        Some(Self(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A server that has room for some hundred lines there until `ballast` is removed.
    fn full(&self) -> Server {
        fs::write(self.path("ballast"), vec![0; 200 * 1024]).unwrap();
        Server::start(&["--out", self.path("log").to_str().unwrap()])
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg(self.0.path()).status().unwrap().success());
    }
}

/// F88, F83: when there is room again, all is stored, each line once and whole.
#[test]
fn a_disk_with_room_again_takes_every_line() {
    let Some(disk) = Tiny::mount() else { return };
    let mut server = disk.full();
    let mut client = server.connect();
    let lines: Vec<String> = (0..1500).map(|n| format!("line {n}")).collect();
    client.send(lines.join("\n") + "\n");
    server.wait_for("storing_fails", 1.0);
    fs::remove_file(disk.path("ballast")).unwrap();
    client.acknowledged(1500);
    server.wait_for("storing_fails", 0.0);
    drop(client);
    server.signal("TERM");
    assert!(server.ended().success());
    let found = stored(disk.0.path());
    assert!(found.iter().eq(lines.iter().map(|line| line.as_bytes())), "{} lines", found.len());
}

/// The end of the file is cut off to where it was, and not filled up with NULs to where it was.
#[test]
fn a_log_truncated_while_the_disk_is_full_has_whole_lines_and_no_nuls() {
    let Some(disk) = Tiny::mount() else { return };
    let mut server = disk.full();
    let mut client = server.connect();
    client.send("first\n");
    client.acknowledged(1);
    // More than there is room for, and less than there will be.
    let lines: Vec<String> = (0..1500).map(|n| format!("line {n}")).collect();
    client.send(lines.join("\n") + "\n");
    server.wait_for("storing_fails", 1.0);
    OpenOptions::new().write(true).open(disk.path("log")).unwrap().set_len(0).unwrap();
    fs::remove_file(disk.path("ballast")).unwrap();
    client.acknowledged(1501);
    drop(client);
    server.signal("TERM");
    assert!(server.ended().success());
    let found = stored(disk.0.path());
    let sent: Vec<_> = lines.into_iter().map(String::into_bytes).collect();
    // What was in the file when it was truncated is lost; the last lines came later.
    assert!(!found.is_empty() && sent.ends_with(&found), "{} lines", found.len());
}

fn pipe(folder: &Path) -> PathBuf {
    let pipe = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    pipe
}

/// It waits for a reader of the pipe before it listens.
#[cfg(target_os = "linux")]
#[test]
fn a_server_whose_pipe_nobody_opens_ends_at_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program("logserver");
    command.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--out"]);
    let mut child = command.arg(pipe(folder.path())).stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let hears_term = || {
        let text = fs::read_to_string(&status).unwrap();
        let caught = text.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << (15 - 1)) != 0
    };
    until(hears_term, || "it does not listen for SIGTERM".to_owned());
    signal(&child, "TERM");
    assert_eq!(ended(&mut child).code(), Some(0));
}

/// The write under way cannot be stopped; the program can.
#[test]
fn a_server_whose_pipe_is_full_ends_in_time_and_at_once_when_asked_twice() {
    for (drain, first, again, code) in [("0.5", "TERM", None, 1), ("1000", "INT", Some("INT"), 130)]
    {
        let folder = tempfile::tempdir().unwrap();
        let pipe = pipe(folder.path());
        let reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let mut server = Server::start(&["--out", pipe.to_str().unwrap(), "--drain", drain]);
        send_until_stuck(&mut server.connect(), &"line\n".repeat(4_000_000));
        server.signal(first);
        if let Some(again) = again {
            // The first may not have been heard yet.
            let ends = || {
                server.signal(again);
                server.is_over()
            };
            until(ends, || "it does not end".to_owned());
        }
        assert_eq!(server.ended().code(), Some(code), "{}", server.said());
        drop(reader);
    }
}
