//! Any `AsyncRead` as a readable, and back.

use std::future::Future;
use std::io::ErrorKind;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use highwater::{Error, Readable, io};
use tokio::io::{AsyncBufReadExt, AsyncReadExt};

use highwater_test::io::{Act, Reader};

const TEXT: &[u8] = b"one two three four five six seven eight nine ten";

/// F11, F9, I4: 1-byte reads, waits and interruptions between them change nothing.
#[tokio::test]
async fn it_comes_whole_however_it_is_read() {
    let scripts: [Vec<Act>; 4] = [
        vec![],
        vec![Act::Pend; 5],
        vec![Act::Fail(ErrorKind::Interrupted), Act::Bytes(3), Act::Fail(ErrorKind::Interrupted)],
        vec![Act::Bytes(1), Act::Pend, Act::Bytes(2), Act::Pend],
    ];
    for script in scripts {
        for step in [1, 7, 1000] {
            let reader = Reader::new(TEXT, step, script.clone());
            assert_eq!(io::read(reader).to_bytes().await.unwrap(), TEXT, "{script:?}, {step}");
        }
    }
}

/// C2: what was read before an error comes before it, and the error says where.
#[tokio::test]
async fn an_error_comes_behind_what_was_read() {
    let script = [Act::Bytes(5), Act::Pend, Act::Fail(ErrorKind::ConnectionReset)];
    let mut reading = io::read(Reader::new(TEXT, 9, script));
    assert_eq!(reading.next().await.unwrap().unwrap(), TEXT[..5]);
    let error = reading.next().await.unwrap().unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::ConnectionReset));
    assert_eq!((error.stage(), error.offset()), (Some("io::read"), Some(5)));
    assert!(
        reading.next().await.is_none(),
        "nothing after an error, though the reader would go on"
    );
}

/// F10: a reader that answers `WouldBlock` instead of pending is not spun on.
#[tokio::test]
async fn would_block_is_an_error_once() {
    let mut reading = io::read(Reader::new(TEXT, 9, [Act::Fail(ErrorKind::WouldBlock)]));
    assert_eq!(reading.next().await.unwrap().unwrap_err().io_kind(), Some(ErrorKind::WouldBlock));
    assert!(reading.next().await.is_none());
}

/// F2, I40.
#[tokio::test]
async fn a_dropped_next_loses_nothing() {
    let script = [Act::Pend, Act::Bytes(4), Act::Pend, Act::Pend, Act::Bytes(6), Act::Pend];
    let mut reading = io::read(Reader::new(TEXT, 3, script));
    let mut read = Vec::new();
    loop {
        match pin!(reading.next()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(chunk)) => read.extend_from_slice(&chunk.unwrap()),
            Poll::Ready(None) => break,
            Poll::Pending => {}
        }
    }
    assert_eq!(read, TEXT);
}

#[tokio::test]
async fn the_way_back_keeps_every_byte() {
    for step in [1, 5, 100] {
        let chunks: Vec<Bytes> = TEXT.chunks(step).map(Bytes::from_static).collect();
        let mut reader = Readable::from_iter(chunks).into_async_read();
        let (mut start, mut word, mut rest) = ([0; 4], Vec::new(), Vec::new());
        reader.read_exact(&mut start).await.unwrap();
        reader.read_until(b' ', &mut word).await.unwrap();
        reader.read_to_end(&mut rest).await.unwrap();
        assert_eq!([&start[..], &word, &rest].concat(), TEXT);
    }
}

#[tokio::test]
async fn an_error_comes_through_the_way_back_whole() {
    let failing = futures::stream::iter([
        Ok(Bytes::from_static(b"ab")),
        Err(Error::corrupt("bad").at_offset(2)),
    ]);
    let mut reader = Readable::from_results(failing).into_async_read();
    let mut read = Vec::new();
    let error = Error::from(reader.read_to_end(&mut read).await.unwrap_err());
    assert_eq!(read, b"ab");
    assert!(error.is_corrupt());
    assert_eq!(error.offset(), Some(2));
}
