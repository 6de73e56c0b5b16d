//! Any `AsyncWrite` as a destination.

use std::io::ErrorKind;

use bytes::Bytes;
use highwater::{Destination, Error, Readable, io};

use highwater_test::io::{Act, Writer};

/// Small chunks, and one that is too large to gather.
fn chunks() -> Vec<Bytes> {
    let mut chunks: Vec<Bytes> = (0..50).map(|n| Bytes::from(format!("chunk {n};"))).collect();
    chunks.insert(25, Bytes::from(vec![b'x'; 20_000]));
    chunks
}

/// F11, F9: a writer that takes a byte at a time, pends or is interrupted gets the same bytes, once, and is flushed and
/// shut down in this order.
#[tokio::test]
async fn it_arrives_whole_however_it_is_taken() {
    let scripts: [Vec<Act>; 3] = [
        vec![],
        vec![Act::Pend, Act::Bytes(1), Act::Pend, Act::Pend],
        vec![Act::Fail(ErrorKind::Interrupted), Act::Bytes(3), Act::Fail(ErrorKind::Interrupted)],
    ];
    for script in scripts {
        for (step, vectored) in
            [(1, false), (1, true), (7, true), (usize::MAX, false), (usize::MAX, true)]
        {
            let mut writer = Writer::new(step, vectored, script.clone());
            let report =
                Readable::from_iter(chunks()).pipe_to(io::write(&mut writer)).run().await.unwrap();
            let whole = chunks().concat();
            assert!(
                writer.taken == whole,
                "{step} bytes at a time, vectored: {vectored}, {script:?}"
            );
            assert_eq!(report.weight_out(), whole.len() as u64);
            assert_eq!(writer.shutdowns, 1);
            assert!(writer.flushes >= 1);
        }
    }
}

/// C44: thousands of small chunks are few writes.
#[tokio::test]
async fn small_chunks_go_out_together() {
    let mut writer = Writer::new(usize::MAX, true, []);
    let lines = (0..10_000).map(|n| format!("line {n}\n"));
    Readable::from_iter(lines).pipe_to(io::write(&mut writer)).run().await.unwrap();
    assert!(writer.writes <= 4, "{} writes", writer.writes);
}

/// C44, C1: and yet what is held goes out when the source has nothing.
#[tokio::test]
async fn an_idle_source_flushes() {
    let (client, mut server) = tokio::io::duplex(1024);
    let waits =
        futures::StreamExt::chain(futures::stream::iter(["request"]), futures::stream::pending());
    let running = Readable::from_stream(waits).pipe_to(io::write(client)).spawn();
    let mut got = [0; 7];
    tokio::io::AsyncReadExt::read_exact(&mut server, &mut got).await.unwrap();
    assert_eq!(&got, b"request");
    running.abort();
    assert!(running.join().await.unwrap_err().is_aborted());
}

/// F8, F12, I34: a writer that takes nothing, or says it took more than there was, is an error and not a loop.
#[tokio::test]
async fn a_writer_that_does_not_keep_the_contract_is_an_error() {
    for (act, kind) in [(Act::Nothing, ErrorKind::WriteZero), (Act::Lie, ErrorKind::InvalidData)] {
        for vectored in [false, true] {
            let mut writer = Writer::new(usize::MAX, vectored, [Act::Bytes(3), act]);
            let result = Readable::from_iter(chunks()).pipe_to(io::write(&mut writer)).run().await;
            let error = result.unwrap_err();
            assert_eq!(error.io_kind(), Some(kind));
            assert_eq!((error.stage(), error.offset()), (Some("io::write"), Some(3)));
            assert_eq!((writer.taken.len(), writer.shutdowns), (3, 0), "aborted, not shut down");
        }
    }
}

/// Errors at the k-th operation, for every k: what was taken before is a prefix, and the writer is not shut down.
#[tokio::test]
async fn a_failure_at_any_write_leaves_a_prefix() {
    let whole = chunks().concat();
    for k in 0.. {
        let mut script = vec![Act::Bytes(1000); k];
        script.push(Act::Fail(ErrorKind::BrokenPipe));
        let mut writer = Writer::new(1000, true, script);
        let result = Readable::from_iter(chunks()).pipe_to(io::write(&mut writer)).run().await;
        assert!(whole.starts_with(&writer.taken));
        match result {
            Ok(_) => {
                assert!(k > 10 && writer.taken == whole);
                break;
            }
            Err(error) => {
                assert_eq!(error.io_kind(), Some(ErrorKind::BrokenPipe));
                assert_eq!(error.offset(), Some(1000 * k as u64));
                assert_eq!(writer.shutdowns, 0);
            }
        }
    }
}

/// C46: a flush that failed fails again; it does not turn into success.
#[tokio::test]
async fn a_failed_flush_keeps_failing() {
    let mut writer = Writer::new(usize::MAX, true, []);
    writer.fail_flush = true;
    let mut destination = io::write(&mut writer);
    Destination::write(&mut destination, "text").await.unwrap();
    for _ in 0..3 {
        let error = Destination::flush(&mut destination).await.unwrap_err();
        assert_eq!(error.io_kind(), Some(ErrorKind::StorageFull));
    }
    let error = Destination::finish(&mut destination).await.unwrap_err();
    assert_eq!(error.io_kind(), Some(ErrorKind::StorageFull));
    drop(destination);
    assert_eq!(writer.shutdowns, 0);
}

/// F3, I40: what a dropped write has accepted goes out once, from where it was.
#[tokio::test]
async fn a_dropped_write_goes_on_where_it_was() {
    let script = [Act::Bytes(10), Act::Pend, Act::Bytes(5), Act::Pend, Act::Pend];
    let mut writer = Writer::new(999, true, script);
    let mut destination = io::write(&mut writer);
    let large = Bytes::from((0..70_000_u32).map(|n| n.to_le_bytes()[0]).collect::<Vec<u8>>());
    drop(futures::poll!(std::pin::pin!(Destination::write(&mut destination, large.clone()))));
    for _ in 0..2 {
        drop(futures::poll!(std::pin::pin!(Destination::flush(&mut destination))));
    }
    Destination::finish(&mut destination).await.unwrap();
    drop(destination);
    assert!(writer.taken == large);
}

/// C15, I49: chunks before a source error are flushed to the writer, which is then dropped without a shutdown.
#[tokio::test]
async fn a_source_error_flushes_what_came_before() {
    let mut writer = Writer::new(usize::MAX, true, []);
    let failing = futures::stream::iter([Ok("a"), Ok("b"), Err(Error::corrupt("bad"))]);
    let result = Readable::from_results(failing).pipe_to(io::write(&mut writer)).run().await;
    assert!(result.unwrap_err().is_corrupt());
    assert_eq!((&writer.taken[..], writer.flushes, writer.shutdowns), (&b"ab"[..], 1, 0));
}
