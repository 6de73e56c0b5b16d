//! What is served over HTTP.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use super::server::Server;
use super::{get, until, views};

/// The page is whole in itself: nothing comes from elsewhere.
#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let server = Server::start(&[]);
    let page = get(server.page, "/");
    let linked = page.split(['"']).filter(|word| word.starts_with('/')).collect::<Vec<_>>();
    assert_eq!(linked, ["/page.css", "/page.js"]);
    for path in linked.into_iter().chain(["/"]) {
        let text = get(server.page, path);
        assert!(!text.contains("://") && !text.contains("innerHTML"), "{path}");
    }
}

/// Every line of it is empty, a comment or a name with a value, and each name has a type.
#[test]
fn the_metrics_are_what_prometheus_reads() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send("[1] ERROR: e\n{\"level\":\"warn\",\"message\":\"w\"}\nneither\n");
    client.acknowledged(3);
    // The stages come with the first second.
    let has_stages = || get(server.page, "/metrics").contains("stage_busy{stage=\"store\"}");
    until(has_stages, || "no stages".to_owned());
    let text = get(server.page, "/metrics");
    let mut typed = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix("# ") {
            let words: Vec<&str> = comment.split(' ').collect();
            if words[0] == "TYPE" {
                assert!(["counter", "gauge"].contains(&words[2]), "{line}");
                typed.push(words[1]);
            }
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok_and(|value| value >= 0.0), "{line}");
        assert_eq!(name.split('{').next(), typed.last().copied(), "{line}");
    }
    for (what, value) in [
        ("lines_total{level=\"error\"}", 1.0),
        ("lines_total{level=\"warn\"}", 1.0),
        ("lines_total{level=\"unparsed\"}", 1.0),
        ("bytes_total", 49.0),
        ("connections", 1.0),
        ("alert{what=\"errors\"}", 0.0),
    ] {
        assert_eq!(server.metric(what), value, "{what}");
    }
}

/// An event every second, with what was stored, by level and by source; and an alert that comes and goes.
#[test]
fn events_tell_what_goes_on() {
    let server = Server::start(&["--window", "2", "--alert-errors", "5"]);
    let mut views = views(server.page);
    let mut client = server.connect();
    client.send("[1] ERROR: bad\n".repeat(7) + "[1] INFO: good\n");
    client.acknowledged(8);
    let raised = |view: &serde_json::Value| view["alerts"][0]["raised"] == true;
    let view = views.find(raised).unwrap();
    assert_eq!(view["window"], serde_json::json!([0, 0, 1, 0, 7, 0]));
    assert_eq!(view["sources"], serde_json::json!([["127.0.0.1", 8]]));
    assert_eq!(view["alerts"][0]["count"], 7);
    assert_eq!(view["errors"].as_array().unwrap().len(), 1, "the last of each batch");
    assert_eq!(view["stored"], 8);
    let past = view["past"].as_array().unwrap().iter();
    assert_eq!(past.filter(|second| **second == serde_json::json!([0, 0, 1, 0, 7, 0])).count(), 1);
    let stages: Vec<&str> =
        view["stages"].as_array().unwrap().iter().map(|stage| stage[0].as_str().unwrap()).collect();
    assert_eq!(stages, ["merge", "parse", "buffer", "store"]);
    assert!(view["bottleneck"].as_str().unwrap().contains("the source merge"));
    let view = views.find(|view| !raised(view)).unwrap();
    assert_eq!(view["window"], serde_json::json!([0, 0, 0, 0, 0, 0]));
}

/// A browser that begins a request and never ends it is closed, and one too many is refused.
/// Shows F79.
#[test]
fn browsers_have_limits_as_well() {
    let server = Server::start(&[]);
    let slow: Vec<TcpStream> = (0..64)
        .map(|_| {
            let mut stream = TcpStream::connect(server.page).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
            stream
        })
        .collect();
    let mut late = String::new();
    let refused = TcpStream::connect(server.page).unwrap();
    assert_eq!(BufReader::new(refused).read_line(&mut late).unwrap_or(0), 0);
    // Lines are taken all the same.
    let mut client = server.connect();
    client.send("one\n");
    client.acknowledged(1);
    // They are closed in the end, and their places are free.
    until(
        || {
            let mut stream = TcpStream::connect(server.page).unwrap();
            let mut answer = String::new();
            drop(stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n"));
            BufReader::new(stream).read_line(&mut answer).is_ok_and(|read| read > 0)
        },
        || "no browser is let in".to_owned(),
    );
    drop(slow);
}
