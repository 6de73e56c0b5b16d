//! One connection, in every state that it can be left in: F81, F82, F86, F87.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::server::{Client, Server};
use super::until;
use crate::support::program;

/// Resets the connection, as a crash of the client's machine may do.
fn reset(client: Client) {
    SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
}

/// F81: whatever becomes of a connection, that of the others does not change, and nothing of it is left.
#[test]
fn a_connection_may_end_in_any_state() {
    let server = Server::start(&[]);
    let mut witness = server.connect();
    let mut lines = 0;
    let mut well = |witness: &mut Client| {
        lines += 1;
        witness.send(format!("witness {lines}\n"));
        witness.acknowledged(lines);
    };
    // Before anything was sent: reset, closed, half closed.
    reset(server.connect());
    drop(server.connect());
    let mut half = server.connect();
    half.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(half.rest().unwrap(), "");
    well(&mut witness);
    // Within a line: it counts if the client has ended there, and not if it broke.
    let mut broken = server.connect();
    broken.send("whole\nbroken");
    broken.acknowledged(1);
    reset(broken);
    server.wait_for("broken_total", 1.0);
    let mut ended = server.connect();
    ended.send("ended");
    ended.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(ended.rest().unwrap(), "1\n");
    well(&mut witness);
    // After lines, with answers that nobody has read.
    let mut unread = server.connect();
    unread.send("unread 1\nunread 2\n");
    server.wait_for("lines_total{level=\"unparsed\"}", 6.0);
    drop(unread);
    let mut gone = server.connect();
    gone.send("gone\n");
    gone.stream.shutdown(Shutdown::Both).unwrap();
    drop(gone);
    well(&mut witness);
    server.wait_for("connections", 1.0);
    drop(witness);
    let mut stored = server.stop();
    stored.sort_unstable();
    let expected =
        ["ended", "gone", "unread 1", "unread 2", "whole", "witness 1", "witness 2", "witness 3"];
    assert_eq!(stored, expected.map(|line| line.as_bytes().to_vec()));
}

/// F86, F78: silence is as good as a machine that is gone.
#[test]
fn a_silent_connection_is_closed() {
    let server = Server::start(&["--idle", "0.2"]);
    let mut silent = server.connect();
    silent.send("one\n");
    assert_eq!(silent.rest().unwrap(), "1\n");
    server.wait_for("idle_total", 1.0);
    assert_eq!(server.stop(), [b"one"]);
}

/// F82: a client that reads no answer is given up, and until then costs what its lines cost.
#[test]
fn a_client_that_reads_no_answer_is_given_up() {
    let server = Server::start(&["--write-time", "0.5"]);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // So little room on the way that it is soon full.
    socket.set_recv_buffer_size(1024).unwrap();
    socket.set_tcp_mss(536).unwrap();
    socket.connect(&server.lines.into()).unwrap();
    let mut deaf = Client::new(TcpStream::from(socket));
    // It may be closed while this is sent.
    let mut send = || deaf.stream.write_all(b"line\n").is_err();
    until(|| send() || server.metric("unanswered_total") > 0.0, || "it is answered".to_owned());
    server.wait_for("unanswered_total", 1.0);
    server.wait_for("connections", 0.0);
    assert!(server.peak() <= server.bound);
    let mut other = server.connect();
    other.send("other\n");
    other.acknowledged(1);
    drop(other);
    let stored = server.stop();
    assert_eq!(stored.iter().filter(|line| *line == b"other").count(), 1);
    assert!(stored.len() > 100 && stored.iter().all(|line| line == b"line" || line == b"other"));
}

/// F87: a port that is taken is an error that names it, for either.
#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    for (listen, http) in [(address.as_str(), "127.0.0.1:0"), ("127.0.0.1:0", address.as_str())] {
        let mut server = program("logserver");
        server.args(["--listen", listen, "--http", http, "--out"]).arg(&log);
        let output = server.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains(&address) && said.contains("in use"), "{said}");
    }
}

/// F87: where there is an IPv6, that works as well.
#[test]
fn the_other_protocol_works_too() {
    if TcpListener::bind("[::1]:0").is_err() {
        println!("skipped: no IPv6 here");
        return;
    }
    let server = Server::start(&["--listen", "[::1]:0"]);
    let mut client = server.connect();
    client.send("six\n");
    client.acknowledged(1);
    let mut byte = [0];
    client.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.stream.read(&mut byte).unwrap(), 0);
}
