//! Many clients at a time: F78, F79, F80.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use super::server::{Client, Server, with_files};
use super::{setting, until, views};

fn connections() -> usize {
    setting("HIGHWATER_CONNECTIONS", 1000)
}

/// A server that takes so many connections, all from here.
fn server_for(connections: usize, more: &[&str]) -> Server {
    let most = connections.to_string();
    let arguments = ["--connections", &most, "--per-address", &most];
    Server::start(&[&arguments, more].concat())
}

/// What `logload` says, if all its lines were acknowledged.
fn load(server: &Server, arguments: &[&str]) -> String {
    let mut command = with_files("logload", None);
    let output = command.arg(server.lines.to_string()).args(arguments).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}{errors}", output.status);
    said
}

/// All at once, and every line of each is stored.
#[test]
fn a_thousand_connections_have_their_lines_stored() {
    let connections = connections();
    let server = server_for(connections, &[]);
    let said = load(&server, &["-c", &connections.to_string(), "-l", "50", "--malformed", "0.1"]);
    println!("{said}");
    println!("peak memory {} KiB of at the most {}", server.peak() >> 10, server.bound >> 10);
    assert!(server.peak() <= server.bound);
    server.wait_for("connections", 0.0);
    let lines = server.stop();
    assert_eq!(lines.len(), 50 * connections);
    let found: std::collections::BTreeSet<_> = lines.into_iter().collect();
    assert_eq!(found.len(), 50 * connections, "a line is there twice");
}

/// F78: clients that send a byte a second, and never a whole line, are cut off; who sends lines beside them does not feel it.
#[test]
fn slow_drippers_are_cut_off_and_hold_up_nobody() {
    let drippers = connections() / 10;
    let server = server_for(drippers + 1, &["--line-time", "3"]);
    let said = load(&server, &["-c", "1", "-l", "20000", "--drippers", &drippers.to_string()]);
    assert!(said.contains(&format!("{drippers} of {drippers} drippers were cut off")), "{said}");
    assert_eq!(server.metric("slow_lines_total"), drippers as f64);
    assert!(server.peak() <= server.bound);
    assert_eq!(server.stop().len(), 20_000, "half a line is not a line");
}

/// Each holds as much of a line as it may: that is what the bound is for.
/// Shows F78.
#[test]
fn lines_that_never_end_take_no_more_memory_than_is_said() {
    const LINE: usize = 64 * 1024;
    let server = server_for(301, &["--max-line", &LINE.to_string()]);
    let mut clients: Vec<Client> = (0..300).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(vec![b'x'; LINE]);
    }
    // They are all held when none has ended and each was read.
    let held = 300 * LINE as u64;
    until(|| server.peak() >= held, || format!("{} bytes are held", server.peak()));
    for client in &mut clients {
        client.send(vec![b'y'; 3 * LINE]);
        client.send("\n");
        client.acknowledged(1);
    }
    println!("peak memory {} KiB of at the most {}", server.peak() >> 10, server.bound >> 10);
    assert!(server.peak() <= server.bound);
    assert_eq!(server.metric("truncated_lines_total"), 300.0);
    drop(clients);
    assert!(server.stop().iter().all(|line| *line == [b'x'; LINE]));
}

/// F79: who is one too many is refused and counted, the others go on, and a place that is free again is given again.
#[test]
fn a_flood_is_refused_and_counted() {
    let server = server_for(50, &[]);
    let mut inside: Vec<Client> = (0..50).map(|_| server.connect()).collect();
    for client in &mut inside {
        client.send("first\n");
        client.acknowledged(1);
    }
    for _ in 0..200 {
        let mut refused = server.connect();
        assert!(refused.rest().is_ok_and(|rest| rest.is_empty()) || refused.rest().is_err());
    }
    assert_eq!(server.metric("refused_total"), 200.0);
    for client in &mut inside {
        client.send("second\n");
        client.acknowledged(2);
    }
    drop(inside);
    server.wait_for("connections", 0.0);
    let mut late = server.connect();
    late.send("third\n");
    late.acknowledged(1);
    drop(late);
    assert_eq!(server.stop().len(), 101);
}

/// F79: nobody takes all places.
#[test]
fn an_address_has_its_share() {
    let server = Server::start(&["--per-address", "3"]);
    let mut inside: Vec<Client> = (0..3).map(|_| server.connect()).collect();
    for client in &mut inside {
        client.send("in\n");
        client.acknowledged(1);
    }
    assert!(server.connect().rest().is_ok_and(|rest| rest.is_empty()));
    server.wait_for("refused_for_address_total", 1.0);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.2:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.connect(&server.lines.into()).unwrap();
    let mut other = Client::new(TcpStream::from(socket));
    other.send("in as well\n");
    other.acknowledged(1);
    drop((inside, other));
    assert_eq!(server.stop().len(), 4);
}

/// F80: without a free descriptor nobody is let in; who is in goes on, nothing spins, and then all are let in.
#[test]
fn without_descriptors_it_waits_for_one() {
    let arguments = ["--connections", "1000", "--per-address", "1000"];
    let server = Server::start_in(tempfile::tempdir().unwrap(), Some(60), &arguments);
    // A page and a client, as long as there are some.
    let mut views = views(server.page);
    let mut first = server.connect();
    first.send("first\n");
    first.acknowledged(1);
    let mut clients: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send("one\n");
    }
    let full = views.find(|view| view["connections"].as_u64() > Some(40));
    assert!(full.unwrap()["connections"].as_u64() < Some(60));
    let worked = server.worked();
    for (_, lines) in views.by_ref().take(3).zip(2..) {
        first.send("more\n");
        first.acknowledged(lines);
    }
    let worked = server.worked() - worked;
    assert!(worked < 1.0, "{worked} s of processor while it waits for some 3 s");
    let last = &clients.last().unwrap().stream;
    last.set_nonblocking(true).unwrap();
    assert_eq!(last.peek(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    last.set_nonblocking(false).unwrap();
    // One after the other they end, and those behind them come in.
    for mut client in clients {
        client.acknowledged(1);
    }
    drop((first, views));
    server.wait_for("connections", 0.0);
    assert_eq!(server.stop().len(), 104);
}
