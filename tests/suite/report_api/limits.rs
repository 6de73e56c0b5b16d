//! What strangers may do before they ask for anything.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Api, in_time};

/// One more than there are places for is closed, and the others are served.
#[tokio::test]
async fn connections_have_a_limit() {
    let api = Api::start(&["--connections", "2", "--head", "600"]);
    let held = TcpStream::connect(api.address).await.unwrap();
    let mut second = TcpStream::connect(api.address).await.unwrap();
    second.write_all(b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"pong\n") {
        assert!(in_time(second.read_buf(&mut answer)).await.unwrap() > 0, "it is refused");
    }
    let mut refused = TcpStream::connect(api.address).await.unwrap();
    assert!(matches!(in_time(refused.read(&mut [0])).await, Ok(0) | Err(_)));
    drop(held);
    drop(second);
    // A place is free again when the server has seen that the client is gone.
    in_time(async {
        loop {
            let mut stream = TcpStream::connect(api.address).await.unwrap();
            let asked = stream.write_all(b"GET /ping HTTP/1.0\r\n\r\n").await;
            let mut answer = String::new();
            if asked.is_ok() && stream.read_to_string(&mut answer).await.is_ok_and(|read| read > 0)
            {
                break assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
            }
        }
    })
    .await;
}

/// Whoever sends the head of a request byte by byte, or nothing at all, does not hold a place for ever.
#[tokio::test]
async fn slow_heads_are_cut_off() {
    let api = Api::start(&["--head", "1"]);
    for begin in ["", "GET /ping HTTP/1.1\r\nX-Slow: "] {
        let mut stream = TcpStream::connect(api.address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        // Closed or reset, with or without an answer.
        drop(in_time(stream.read_to_end(&mut Vec::new())).await);
    }
    assert_eq!(api.get("/ping").await.status(), 200);
}
