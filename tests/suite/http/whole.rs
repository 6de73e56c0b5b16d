//! What goes in comes out.

use axum::extract::Request;
use bytes::Bytes;
use highwater::prelude::*;
use highwater::{HighWaterMark, Readable, http, pass_through};
use highwater_test::{Cue, Log, Script, run_woken};

use super::{Server, answer, in_time, nothing, send};

fn echo(request: Request) -> axum::response::Response {
    answer(http::body(http::read(request.into_body())))
}

/// Chunks of all lengths up to 100 000 bytes, empty ones among them, and what they make.
fn chunks() -> (Vec<Bytes>, Vec<u8>) {
    let lengths = [0, 1, 2, 100, 0, 16_384, 65_536, 3, 100_000, 7, 0];
    let chunk = |(n, len): (usize, &usize)| Bytes::from(vec![b'a' + n.to_le_bytes()[0]; *len]);
    let chunks: Vec<Bytes> = lengths.iter().enumerate().map(chunk).collect();
    let whole = chunks.concat();
    (chunks, whole)
}

/// The client has no feature for TLS, and nobody has installed a provider of cryptography: the feature `object` must not
/// make it ask for one.
#[tokio::test]
async fn a_body_goes_there_and_back_with_reqwest_and_axum() {
    let server = Server::start(async |request: Request| echo(request)).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let (chunks, whole) = chunks();
    for known in [false, true] {
        let mut body = http::body(Readable::from_iter(chunks.clone()));
        if known {
            body = body.with_length(whole.len() as u64);
        }
        let response = client.post(server.url()).body(reqwest::Body::wrap(body)).send();
        let body = reqwest::Body::from(in_time(response).await.unwrap());
        assert_eq!(in_time(http::read(body).to_bytes()).await.unwrap(), whole, "known: {known}");
    }
}

#[tokio::test]
async fn the_length_that_is_said_is_the_content_length() {
    let server = Server::start(async |request: Request| {
        let length = http::length(request.body());
        assert_eq!(length, Some(5), "of the request");
        let body = http::read(request.into_body()).map(|chunk| chunk.to_ascii_uppercase().into());
        answer(http::body(body).with_length(5))
    });
    let server = server.await;
    let hello = http::body(Readable::from_iter(["hel", "lo"]).map(Bytes::from)).with_length(5);
    let sent = in_time(send(server.address, hello)).await;
    let response = sent.response.unwrap();
    assert_eq!(response.headers()["content-length"], "5");
    assert_eq!(http::length(response.body()), Some(5));
    let progress =
        highwater::meter::Progress::bytes().with_total(http::length(response.body()).unwrap());
    let seen = progress.handle();
    assert_eq!(
        http::read(response.into_body()).progress(progress).to_bytes().await.unwrap(),
        "HELLO"
    );
    assert_eq!((seen.done(), seen.is_complete()), (5, true));
}

/// A pipeline on a task of its own fills the answer, and reports.
#[tokio::test]
async fn a_spawned_pipeline_is_a_body() {
    let (writable, readable) = pass_through(HighWaterMark::bytes(1000));
    let numbers = Readable::from_iter(0..10_000).map(|n: u32| Bytes::from(format!("{n}\n")));
    let running = numbers.pipe_to(writable).spawn();
    let server = Server::once(http::body(readable)).await;
    let sent = in_time(send(server.address, nothing())).await;
    let lines = http::read(sent.response.unwrap().into_body()).lines().count();
    assert_eq!(in_time(lines).await.unwrap(), 10_000);
    assert_eq!(in_time(running.join()).await.unwrap().chunks_out(), 10_000);
}

/// I31: in a task that is polled only when it was woken, with waits between the chunks.
#[test]
fn no_wake_up_is_lost() {
    let text = |text: &'static str| Cue::Chunk(Bytes::from(text));
    let cues =
        [Cue::Pending, text("a"), Cue::Pending, Cue::Pending, text(""), text("b"), Cue::Pending];
    for length in [None, Some(2)] {
        let mut body = http::body(Script::new(&Log::default(), cues.clone()).readable());
        if let Some(length) = length {
            body = body.with_length(length);
        }
        let ran = run_woken(http::read(body).to_bytes()).expect("no wake-up is lost");
        assert_eq!(ran.output.unwrap(), "ab");
    }
}
