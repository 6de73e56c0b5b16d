//! The program `proxy`, run as its users run it, with a rate and without one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use crate::support::program;

/// The proxy in front of a server, and its address.
struct Proxy(Child, String);

impl Proxy {
    fn start(to: &TcpListener, options: &[&str]) -> Self {
        Self::spawn(program("proxy"), to, options)
    }

    fn spawn(mut command: Command, to: &TcpListener, options: &[&str]) -> Self {
        let mut child = command
            .args(["--to", &to.local_addr().unwrap().to_string()])
            .args(options)
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

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Sends so many bytes through, and gives what the server got.
fn send_through(options: &[&str], bytes: usize) -> Vec<u8> {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::start(&server, options);
    let mut client = TcpStream::connect(&proxy.1).unwrap();
    let (mut there, _) = server.accept().unwrap();
    client.write_all(&content(bytes)).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut got = Vec::new();
    there.read_to_end(&mut got).unwrap();
    // The other direction is still open.
    there.write_all(b"answer").unwrap();
    drop(there);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "answer");
    got
}

fn content(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

#[test]
fn all_passes_in_both_directions() {
    assert_eq!(send_through(&[], 1_000_000), content(1_000_000));
}

/// No more than the rate says: it takes so long at the least.
#[test]
fn a_rate_is_kept() {
    let start = Instant::now();
    assert_eq!(send_through(&["--rate", "200000"], 100_000), content(100_000));
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());
}

/// F70: a server that is cut off is not taken for one that has ended, with a rate as without one.
#[test]
fn what_is_cut_off_is_reset() {
    for options in [&[][..], &["--rate", "1000000"]] {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::start(&server, options);
        let mut client = TcpStream::connect(&proxy.1).unwrap();
        let (there, _) = server.accept().unwrap();
        client.write_all(b"unread").unwrap();
        let mut first = [0; 1];
        there.peek(&mut first).unwrap();
        // Closed with something unread: a reset.
        drop(there);
        let error = client.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
}

#[test]
fn without_arguments_it_shows_itself() {
    let output = program("proxy").args(["--rate", "100000000"]).output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "1088890 bytes came back\n");
    let zero = program("proxy").args(["--rate", "0"]).output().unwrap();
    assert_eq!(zero.status.code(), Some(2));
}

/// Each connection takes two descriptors: as many are let in as there are descriptors for, and the others are refused.
#[cfg(target_os = "linux")]
#[test]
fn connections_are_refused_before_descriptors_run_out() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 256; exec \"$@\"", "sh"]).arg(program("proxy").get_program());
    let proxy = Proxy::spawn(command, &server, &["--per-address", "1000"]);
    // 80 % of 256 less 64, and two each.
    let most = 70;
    let clients: Vec<TcpStream> =
        (0..most).map(|_| TcpStream::connect(&proxy.1).unwrap()).collect();
    let served: Vec<TcpStream> = clients.iter().map(|_| server.accept().unwrap().0).collect();
    let mut refused = TcpStream::connect(&proxy.1).unwrap();
    assert!(matches!(refused.read(&mut [0]), Ok(0) | Err(_)));
    // Which of them belongs to which client is not known.
    for mut there in served {
        there.write_all(b"x").unwrap();
    }
    for mut client in clients {
        client.read_exact(&mut [0]).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut proxy = Proxy::start(&server, &[]);
    let pid = proxy.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(proxy.0.wait().unwrap().code(), Some(0));
}
