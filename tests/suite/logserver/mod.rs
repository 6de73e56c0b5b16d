//! The programs `logserver` and `logload`, run as their users run them.
//!
//! `HIGHWATER_CONNECTIONS` says how many connections there are at a time: 1000 if it is not set, and a tenth as many slow
//! drippers. `HIGHWATER_SIGTERMS` says how often the server is ended under load: 10 times if it is not set.

mod browser;
mod connections;
mod crowd;
mod files;
mod page;
mod server;
mod shutdown;
mod stalls;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::Duration;
use tokio::time::Instant;

/// Waits for a condition, or fails with what `why` says.
#[track_caller]
fn until(mut condition: impl FnMut() -> bool, why: impl Fn() -> String) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{}", why());
        sleep(Duration::from_millis(5));
    }
}

/// Sends a request of HTTP, and gives the body of the answer, which must be a good one.
fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = BufReader::new(stream);
    let mut head = Vec::new();
    while head.last().is_none_or(|line: &String| !line.trim_end().is_empty()) {
        let mut line = String::new();
        assert!(answer.read_line(&mut line).unwrap() > 0, "{method} {path}: {head:?}");
        head.push(line);
    }
    let length = head.iter().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
    });
    let mut body = vec![0; length.unwrap()];
    answer.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    assert!(head[0].starts_with("HTTP/1.1 200 "), "{method} {path}: {head:?} {body}");
    body
}

fn get(address: SocketAddr, path: &str) -> String {
    request(address, "GET", path, "")
}

/// What the server tells the page, every second.
fn views(page: SocketAddr) -> impl Iterator<Item = serde_json::Value> {
    let mut stream = TcpStream::connect(page).unwrap();
    stream.write_all(b"GET /events HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.filter_map(|line| Some(serde_json::from_str(line.strip_prefix("data: ")?).unwrap()))
}

/// A number from the environment.
fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |number| number.parse().unwrap())
}
