//! The program `multiplex`, run as its users run it: alone, and as a client and a server.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};

use crate::support::program;

fn multiplex() -> Command {
    program("multiplex")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The lines of a program that has ended well, in words.
fn lines(output: &Output) -> Vec<Vec<String>> {
    assert!(output.status.success(), "{}", text(&output.stderr));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    text(&output.stdout).lines().map(words).collect()
}

/// A server in a process of its own, and its address.
struct Server(Child, String);

impl Server {
    fn start() -> Self {
        let mut child = multiplex()
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").expect("it says where").to_owned();
        Self(child, address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn without_arguments_it_sends_samples() {
    let output = multiplex().output().unwrap();
    let lines = lines(&output);
    let names: Vec<_> = lines.iter().map(|line| line[3].as_str()).collect();
    assert_eq!(names, ["short", "middling", "long"]);
    for line in &lines {
        assert_eq!(line[1], line[2]);
    }
    assert_eq!(lines[0][1], "short: line 0\n".len().to_string());
    assert!(text(&output.stderr).contains("sending three samples"));
}

/// The digests are those of the files, through a server in another process as well.
#[test]
fn files_come_back_as_they_were_sent() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = [0, 1, 16_382, 16_383, 3_000_000];
    let files = lengths.map(|length| folder.path().join(length.to_string()));
    for (file, length) in files.iter().zip(lengths) {
        std::fs::write(file, vec![b'x'; length]).unwrap();
    }
    let digests = Command::new("sha256sum").args(&files).output().expect("GNU coreutils");
    let digests = text(&digests.stdout);
    let server = Server::start();
    for to in [&[][..], &["--to", &server.1]] {
        let lines = lines(&multiplex().args(&files).args(to).output().unwrap());
        assert_eq!(lines.len(), files.len());
        for ((line, length), digest) in lines.iter().zip(lengths).zip(digests.lines()) {
            assert_eq!(line[0], digest[..64]);
            assert_eq!((&line[1], &line[2]), (&length.to_string(), &length.to_string()));
        }
    }
}

#[test]
fn what_cannot_be_sent_is_named() {
    let output = multiplex().arg("/no/such/file").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/no/such/file"), "{}", text(&output.stderr));
    let output = multiplex().args(["--to", "127.0.0.1:1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("127.0.0.1:1"), "{}", text(&output.stderr));
    let output = multiplex().args(["--listen", "127.0.0.1:0", "file"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let output = multiplex().arg("--help").output().unwrap();
    assert!(output.status.success() && text(&output.stdout).contains("--listen"));
}

/// F70: a server that is killed in the middle is an error, and no short answer.
#[test]
fn a_server_that_is_killed_is_an_error() {
    let server = Server::start();
    let mut client = multiplex()
        .args(["-", "--to", &server.1])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    // More than a pipe holds: when this returns, the client sends.
    input.write_all(&vec![b'x'; 1_000_000]).unwrap();
    drop(server);
    let output = client.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let said = text(&output.stderr);
    assert!(said.contains("session") && said.lines().count() == 1, "{said}");
    drop(input);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_both() {
    let interrupt = |child: &Child| {
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    };
    let mut server = Server::start();
    let mut client = multiplex()
        .args(["-", "--to", &server.1])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    input.write_all(&vec![b'x'; 1_000_000]).unwrap();
    interrupt(&client);
    assert_eq!(client.wait().unwrap().code(), Some(130));
    interrupt(&server.0);
    assert_eq!(server.0.wait().unwrap().code(), Some(0));
}

#[test]
fn standard_input_is_sent_only_once() {
    let output = program("multiplex").args(["-", "-"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(said.contains("standard input can be sent only once"), "{said}");
}
