//! The end of the program (F85).
#![cfg(unix)]

use highwater::http;
use tokio::net::TcpStream;

use super::{Api, in_time};

/// What is under way is finished, and nothing new is begun.
#[tokio::test]
async fn a_termination_drains() {
    let mut api = Api::start(&["--rows", "1000000", "--drain", "600"]);
    let answer = api.get("/reports/export").await;
    let mut reading = http::read(answer.response.into_body());
    let first = in_time(reading.next()).await.unwrap().unwrap();
    api.terminate();
    // It does not listen any more.
    let listens = async || TcpStream::connect(api.address).await.is_ok();
    in_time(async { while listens().await {} }).await;
    assert!(api.child.try_wait().unwrap().is_none(), "it is still at work");
    let (lines, last) = (first.iter().filter(|byte| **byte == b'\n').count(), Some(first));
    let counted = reading.fold((lines, last), |(lines, _), chunk| {
        (lines + chunk.iter().filter(|byte| **byte == b'\n').count(), Some(chunk))
    });
    let (lines, last) = in_time(counted).await.unwrap();
    assert_eq!(lines, 1_000_001);
    assert!(last.unwrap().ends_with(b"\n"));
    drop(answer.connection);
    assert_eq!(ended(&mut api).await, Some(0));
}

/// What takes too long is cut off, and the client sees that it was.
#[tokio::test]
async fn what_is_under_way_for_too_long_is_cut_off() {
    let mut api = Api::start(&["--rows", "1000000000000", "--drain", "0"]);
    let answer = api.get("/reports/export").await;
    let mut reading = http::read(answer.response.into_body());
    assert!(in_time(reading.next()).await.unwrap().is_ok());
    api.terminate();
    assert!(api.said().await.contains("cut off what was under way after 0 s"));
    assert!(in_time(reading.count()).await.is_err(), "a clean end");
    assert_eq!(ended(&mut api).await, Some(1));
}

/// Whatever it waits for.
#[tokio::test]
async fn a_ctrl_c_after_a_signal_ends_it_at_once() {
    for first in ["-INT", "-TERM"] {
        let mut api = Api::start(&["--rows", "1000000000000", "--drain", "600"]);
        let answer = api.get("/reports/export").await;
        api.send(first);
        // The first signal is heard, and the answer is still under way.
        let listens = async || TcpStream::connect(api.address).await.is_ok();
        in_time(async { while listens().await {} }).await;
        assert!(api.child.try_wait().unwrap().is_none());
        api.send("-INT");
        assert_eq!(ended(&mut api).await, Some(130), "{first}");
        drop(answer);
    }
}

/// Nobody is connected, or nobody asks for anything.
#[tokio::test]
async fn with_nothing_under_way_it_ends_at_once() {
    let mut api = Api::start(&[]);
    let answer = api.get("/ping").await;
    let idle = answer.connection;
    api.terminate();
    assert_eq!(ended(&mut api).await, Some(0));
    drop(idle);
    assert!(api.stdout.next().is_none(), "it says nothing more");
}

async fn ended(api: &mut Api) -> Option<i32> {
    let wait = async {
        loop {
            if let Some(status) = api.child.try_wait().unwrap() {
                return status.code();
            }
            tokio::task::yield_now().await;
        }
    };
    in_time(wait).await
}
