//! Caps, cancels, and peers that do not keep to the protocol.

use std::pin::pin;

use futures::poll;
use highwater_core::Destination;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::settle;
use super::*;

/// One stream more than may be is an error, and there is room again when one is through.
#[tokio::test]
async fn no_more_streams_than_may_be() {
    let (near, far) = duplex(1024);
    let client = SessionConfig::new().with_max_streams(2).client(near);
    let mut server = SessionConfig::new().server(far);
    let first = stream(&client, &mut server).await;
    let (_second, _its_end) = stream(&client, &mut server).await;
    let error = client.open().await.unwrap_err();
    assert!(error.is_limit() && error.to_string().contains("2 streams"), "{error}");
    drop(first);
    stream(&client, &mut server).await;
}

/// I10, F68: streams of the peer beyond the cap are reset and counted; those within it live on.
#[tokio::test]
async fn streams_beyond_the_cap_are_reset() {
    let (near, far) = duplex(1024);
    let (client, mut server) =
        (SessionConfig::new().client(near), SessionConfig::new().with_max_streams(3).server(far));
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(client.open().await.unwrap());
    }
    for stream in streams.drain(3..) {
        let error = stream.readable.to_bytes().await.unwrap_err();
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::ConnectionReset));
    }
    assert_eq!(server.refused(), 7);
    let error = server.open().await.unwrap_err();
    assert!(error.is_limit() && error.to_string().contains("3 streams"), "{error}");
    for near in streams {
        let far = server.next().await.unwrap().unwrap();
        Readable::once(block(1)).pipe_to(near.writable).run().await.unwrap();
        assert_eq!(far.readable.to_bytes().await.unwrap().len(), 1);
    }
    server.open().await.unwrap();
}

/// F68: a peer that opens and drops streams without end takes no more than its places.
#[tokio::test]
async fn streams_that_come_and_go_leave_nothing() {
    let (client, mut server) = pair(1024);
    for _ in 0..2000 {
        let (near, far) = stream(&client, &mut server).await;
        drop((near, far));
    }
    assert_eq!(server.refused(), 0);
}

/// I40: an `open`, a `next` and a `write` that are dropped leave the session as it was.
#[tokio::test]
async fn what_is_dropped_loses_nothing() {
    let (client, mut server) = pair(64);
    for _ in 0..5 {
        let mut opening = pin!(client.open());
        assert!(poll!(&mut opening).is_pending());
    }
    for _ in 0..5 {
        let next = pin!(server.next());
        drop(poll!(next));
    }
    settle().await;
    let (mut near, far) = stream(&client, &mut server).await;
    let mut sent = Vec::new();
    let mut reading = task::spawn(far.readable.to_bytes());
    for n in 0..200_u8 {
        let chunk = Bytes::from(vec![n; 5000]);
        sent.extend_from_slice(&chunk);
        // What a write has accepted goes out with what is called next.
        let wrote = {
            let dropped = pin!(near.writable.write(chunk));
            poll!(dropped)
        };
        if wrote.is_pending() {
            Destination::flush(&mut near.writable).await.unwrap();
        }
    }
    assert!(poll!(&mut reading).is_pending());
    Destination::finish(&mut near.writable).await.unwrap();
    assert_eq!(reading.await.unwrap().unwrap(), sent);
}

/// F63, F66, I63: what is no frame, one that is too large, and one that ends in the middle.
#[tokio::test]
async fn a_peer_that_does_not_keep_to_the_protocol() {
    let too_large = b"\0\0\0\x01\0\0\0\x01\xFF\xFF\xFF\xFF";
    for (bytes, corrupt) in
        [(&b"GET / HTTP/1.1\r\n"[..], true), (too_large, true), (b"\0\0", false)]
    {
        let (mut peer, far) = duplex(1024);
        let mut server = SessionConfig::new().server(far);
        peer.write_all(bytes).await.unwrap();
        peer.shutdown().await.unwrap();
        let error = server.next().await.unwrap().unwrap_err();
        assert_eq!(
            (error.is_corrupt(), error.is_premature_close()),
            (corrupt, !corrupt),
            "{error:?}"
        );
        let later = server.open().await.unwrap_err();
        assert_eq!(later.is_corrupt(), corrupt, "it stays: {later:?}");
    }
}

/// F67: who grants more than a window can hold is told that this breaks the protocol, and all of its streams fail when it
/// goes.
/// Shows I63.
#[tokio::test]
async fn credit_that_overflows_ends_the_session() {
    let (mut peer, far) = duplex(1024);
    let mut server = SessionConfig::new().server(far);
    peer.write_all(&[update(OPENS, 0), update(0, u32::MAX)].concat()).await.unwrap();
    let mut stream = server.next().await.unwrap().unwrap();
    let mut frame = [0; 12];
    while frame[1] != GO_AWAY {
        peer.read_exact(&mut frame).await.unwrap();
    }
    assert_eq!(frame[8..], PROTOCOL_ERROR);
    peer.shutdown().await.unwrap();
    assert!(server.next().await.unwrap().is_err());
    assert!(stream.readable.next().await.unwrap().is_err());
}

/// F67: grants of nothing, without end, cost the peer and no stream.
#[tokio::test]
async fn credit_of_nothing_changes_nothing() {
    let (mut peer, far) = duplex(1024);
    let mut server = SessionConfig::new().server(far);
    peer.write_all(&update(OPENS, 0)).await.unwrap();
    let stream = server.next().await.unwrap().unwrap();
    let nothing = update(0, 0).repeat(1000);
    for _ in 0..100 {
        peer.write_all(&nothing).await.unwrap();
    }
    peer.write_all(b"\0\0\0\0\0\0\0\x01\0\0\0\x06\0\x02hi\0\0").await.unwrap();
    assert_eq!(stream.readable.to_bytes().await.unwrap(), "hi");
}

/// F71: 100 000 frames of data with no bytes are neither kept nor taken for an end, though nobody reads the stream.
#[tokio::test]
async fn empty_frames_without_end_change_nothing() {
    let (mut peer, far) = duplex(1024);
    let mut server = SessionConfig::new().server(far);
    peer.write_all(&update(OPENS, 0)).await.unwrap();
    let stream = server.next().await.unwrap().unwrap();
    let empty = b"\0\0\0\0\0\0\0\x01\0\0\0\0".repeat(1000);
    for _ in 0..100 {
        peer.write_all(&empty).await.unwrap();
    }
    peer.write_all(b"\0\0\0\0\0\0\0\x01\0\0\0\x06\0\x02hi\0\0").await.unwrap();
    assert_eq!(stream.readable.to_bytes().await.unwrap(), "hi");
}

/// Stream 1 may send so many bytes more: a frame by hand.
fn update(flags: u8, credit: u32) -> [u8; 12] {
    let [a, b, c, d] = credit.to_be_bytes();
    [0, 1, 0, flags, 0, 0, 0, 1, a, b, c, d]
}

/// The flag of the first frame of a stream.
const OPENS: u8 = 1;
/// The kind of a frame that ends a session, and what it says in place of a length.
const GO_AWAY: u8 = 3;
const PROTOCOL_ERROR: [u8; 4] = [0, 0, 0, 1];

/// The end of a session waits for a peer that does not close, but not for ever.
#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_close_is_not_waited_for_for_ever() {
    let (mut peer, far) = duplex(1 << 20);
    let server = SessionConfig::new().server(far);
    let leaving = server.finish();
    let error = leaving.await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    let mut said = Vec::new();
    peer.read_to_end(&mut said).await.unwrap();
    assert!(said.windows(2).any(|header| header == [0, 3]), "a farewell: {said:?}");
}

/// No stream at all is a mistake.
#[test]
#[should_panic(expected = "0 streams")]
fn no_stream_is_a_mistake() {
    drop(SessionConfig::new().with_max_streams(0));
}
