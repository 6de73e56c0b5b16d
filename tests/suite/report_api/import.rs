//! `POST /import`.

use bytes::Bytes;
use highwater::{HighWaterMark, Readable, http, pass_through};
use serde::Deserialize;

use super::{Api, in_time};

#[derive(Debug, Deserialize)]
struct Imported {
    orders: u64,
    cents: u64,
    bad: u64,
    errors: Vec<BadLine>,
    stopped: Option<String>,
}

#[derive(Debug, Deserialize)]
struct BadLine {
    line: u64,
    byte: u64,
    error: String,
}

/// The status, and what was imported.
async fn import(api: &Api, body: http::Body) -> (u16, Imported) {
    let answer = api.post("/import", body).await;
    let status = answer.status();
    (status, serde_json::from_str(&answer.text().await).unwrap())
}

fn text(text: impl Into<Bytes>) -> http::Body {
    http::body(Readable::once(text.into()))
}

fn order(n: u64) -> String {
    format!("{{\"customer\":\"{n}\",\"cents\":{n}}}\n")
}

#[tokio::test]
async fn bad_lines_are_told_with_their_numbers() {
    let api = Api::start(&["--max-line", "1000"]);
    let long = format!("{{\"customer\":\"{}\",\"cents\":1}}", "x".repeat(1000));
    let lines =
        [&order(1), "oops\n", "\n", &order(2), &long, "\n{\"customer\":\"no cents\"}\n", &order(3)];
    let (status, seen) = import(&api, text(lines.concat())).await;
    assert_eq!((status, seen.orders, seen.cents, seen.bad), (200, 3, 6, 3));
    let places: Vec<_> = seen.errors.iter().map(|bad| (bad.line, bad.byte)).collect();
    let (second, fifth) = (order(1).len() as u64, (order(1) + "oops\n\n" + &order(2)).len() as u64);
    assert_eq!(places, [(2, second), (5, fifth), (6, fifth + long.len() as u64 + 1)]);
    let said: Vec<&str> = seen.errors.iter().map(|bad| bad.error.as_str()).collect();
    for (said, says) in said.iter().zip(["expected value", "1000 bytes", "missing field `cents`"]) {
        assert!(said.contains(says), "{said}");
    }
    assert!(seen.stopped.is_none());
}

/// Many chunks, cut anywhere; of many bad lines the first hundred are told.
#[tokio::test]
async fn an_import_of_many_lines() {
    let api = Api::start(&[]);
    let all: String =
        (0..50_000).map(|n| if n % 10 == 9 { "[]\n".into() } else { order(n) }).collect();
    let all = Bytes::from(all);
    let chunks: Vec<Bytes> =
        (0..all.len()).step_by(7777).map(|at| all.slice(at..all.len().min(at + 7777))).collect();
    let (status, seen) = import(&api, http::body(Readable::from_iter(chunks))).await;
    let sum = (0..50_000_u64).filter(|n| n % 10 != 9).sum::<u64>();
    assert_eq!((status, seen.orders, seen.cents, seen.bad), (200, 45_000, sum, 5000));
    assert_eq!(
        seen.errors.iter().map(|bad| bad.line).collect::<Vec<_>>(),
        (1..=100).map(|n| n * 10).collect::<Vec<_>>()
    );
}

/// An import that cannot go on says how far it came.
#[tokio::test]
async fn what_ends_an_import_is_told() {
    let orders = || order(1) + &order(2);
    let limit = orders().len().to_string();
    let api = Api::start(&["--max-body", &limit]);
    let (status, seen) = import(&api, text(orders())).await;
    assert_eq!((status, seen.orders, seen.stopped), (200, 2, None));

    let (status, seen) = import(&api, text(orders() + &order(3))).await;
    assert_eq!((status, seen.orders), (413, 2));
    assert!(seen.stopped.unwrap().contains(&format!("more than {limit} bytes")));

    let (status, seen) = import(&api, text(order(1) + "{\"customer\":")).await;
    assert_eq!((status, seen.orders), (400, 1));
    assert!(seen.stopped.unwrap().contains("line 2"));

    // A client that has something to say, and then says nothing.
    let api = Api::start(&["--idle", "1"]);
    let (writable, readable) = pass_through(HighWaterMark::items(4));
    writable.try_write(Bytes::from(order(1))).unwrap();
    let (status, seen) = in_time(import(&api, http::body(readable))).await;
    assert_eq!((status, seen.orders), (408, 1));
    assert!(seen.stopped.unwrap().contains("idle_timeout"));
    drop(writable);
}

/// Nothing is an import of nothing.
#[tokio::test]
async fn an_empty_import() {
    let api = Api::start(&[]);
    let (status, seen) = import(&api, super::nothing()).await;
    assert_eq!((status, seen.orders, seen.bad, seen.cents), (200, 0, 0, 0));
    assert!(seen.errors.is_empty());
}
