//! `GET /reports/export`.

use bytes::Bytes;
use highwater::prelude::*;
use highwater::{Readable, Source, http};
use hyper::Request;

use super::{Answer, Api, in_time, nothing};
use crate::support::Tool;

/// The report, made in a plain way.
fn expected(rows: u64) -> String {
    let cities = ["Ulm", "\"Ys, the lost\"", "Köln", "Århus"];
    let row = |(id, city): (u64, &&str)| {
        let (customer, cents) = (id * 7919 % 100_003, id * 104_729 % 1_000_000);
        format!("{id},customer {customer},{city},{cents}\n")
    };
    let rows: String = (0..rows).zip(cities.iter().cycle()).map(row).collect();
    if rows.is_empty() { rows } else { format!("id,customer,city,cents\n{rows}") }
}

async fn export(api: &Api, accepts: Option<&str>) -> Answer {
    let mut request = Request::get("/reports/export");
    if let Some(accepts) = accepts {
        request = request.header("accept-encoding", accepts);
    }
    api.ask(request.body(nothing()).unwrap()).await
}

#[tokio::test]
async fn the_export_is_exactly_the_rows() {
    for rows in [0, 1, 1023, 1024, 1025, 30_000] {
        for blocking in [false, true] {
            let rows_argument = rows.to_string();
            let mut arguments = vec!["--rows", &rows_argument];
            arguments.extend(blocking.then_some("--blocking"));
            let api = Api::start(&arguments);
            let plain = export(&api, None).await;
            assert_eq!(plain.status(), 200);
            assert_eq!(plain.header("content-type"), Some("text/csv; charset=utf-8"));
            assert_eq!(plain.header("content-encoding"), None);
            assert!(plain.text().await == expected(rows), "{rows} rows, {blocking}");

            let packed = export(&api, Some("gzip")).await;
            assert_eq!(packed.header("content-encoding"), Some("gzip"));
            let packed = packed.bytes().await.unwrap();
            assert!(rows == 0 || packed.len() < expected(rows).len() + 100);
            let text = Readable::once(packed.clone()).gunzip().to_bytes().await.unwrap();
            assert!(text == expected(rows), "{rows} rows, {blocking}, packed");
            let gzip = Tool::new("gzip", &["gzip", "-dc"]);
            assert!(!gzip.is_there() || gzip.run(&packed) == expected(rows).as_bytes());
        }
    }
}

#[tokio::test]
async fn gzip_is_for_those_who_take_it() {
    let api = Api::start(&["--rows", "10"]);
    for (accepts, packed) in [
        ("gzip", true),
        ("GZIP", true),
        ("br, gzip", true),
        ("identity, gzip;q=0.5", true),
        ("gzip; q=1", true),
        ("*", true),
        ("gzip;q=0", false),
        ("gzip;q=0.000, *", false),
        ("*;q=0", false),
        ("br", false),
        ("gzip;q=x", false),
        ("", false),
    ] {
        let answer = export(&api, Some(accepts)).await;
        assert_eq!(answer.header("content-encoding").is_some(), packed, "{accepts}");
        assert_eq!(answer.header("vary"), Some("accept-encoding"));
    }
}

/// I42: when the client goes away, the rows are not made any more.
#[tokio::test]
async fn a_client_that_goes_away_stops_the_export() {
    for accepts in ["identity", "gzip"] {
        let mut api = Api::start(&["--rows", "1000000000000"]);
        let answer = export(&api, Some(accepts)).await;
        let mut reading = http::read(answer.response.into_body());
        assert!(in_time(reading.next()).await.unwrap().is_ok());
        drop((reading, answer.connection));
        let said = api.said().await;
        assert!(said.contains("a report was stopped at row "), "{said}");
    }
}

/// One report more than may be made is refused, and the place of one that is over, or was given up, is free.
#[tokio::test]
async fn there_are_no_more_exports_than_said() {
    let mut api = Api::start(&["--rows", "1000000000000", "--exports", "1"]);
    for _ in 0..2 {
        let first = export(&api, None).await;
        assert_eq!(first.status(), 200);
        let second = export(&api, None).await;
        assert_eq!((second.status(), second.header("retry-after")), (503, Some("1")));
        drop(first);
        // It says so when it has given its place back.
        assert!(api.said().await.contains("stopped"));
    }
}

/// I52, I4: what comes back is what was sent, byte for byte, and no faster than it is read.
#[tokio::test]
async fn the_echo_is_byte_for_byte_for_a_slow_reader() {
    let api = Api::start(&[]);
    let (sent, mut count) = tokio::sync::watch::channel(0);
    let source = Readable::from_iter((0..CHUNKS).map(move |n| {
        sent.send_replace(n + 1);
        chunk(n)
    }));
    let answer = api.post("/echo", http::body(source)).await;
    // Nothing is read, until nothing is sent any more.
    let quiet = std::time::Duration::from_millis(300);
    while tokio::time::timeout(quiet, count.changed()).await.is_ok() {}
    assert!(*count.borrow() < CHUNKS, "all was sent to a client that does not read");
    in_time(same(http::read(answer.response.into_body()))).await;
}

/// Compares what is read with the chunks that were sent, however it is cut.
async fn same<S: Source<Chunk = Bytes> + Unpin>(mut reading: Readable<S>) {
    let (mut expected, mut rest) = ((0..CHUNKS).map(chunk), Bytes::new());
    while let Some(read) = reading.next().await {
        let mut read = read.unwrap();
        while !read.is_empty() {
            if rest.is_empty() {
                rest = expected.next().expect("no more comes than was sent");
            }
            let len = rest.len().min(read.len());
            assert!(rest.split_to(len) == read.split_to(len), "another byte");
        }
    }
    assert!(rest.is_empty() && expected.next().is_none(), "not all came back");
}

/// One of the chunks, no two of which are alike.
fn chunk(n: u32) -> Bytes {
    Bytes::from(n.to_le_bytes().repeat(25_000))
}

/// 100 MB: more than all buffers between the two.
const CHUNKS: u32 = 1000;
