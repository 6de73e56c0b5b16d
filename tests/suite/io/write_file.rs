//! Writing files: in order, gathered, while chunks come, and to the end.

#[cfg(unix)]
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
#[cfg(unix)]
use std::pin::{Pin, pin};

use bytes::Bytes;
#[cfg(unix)]
use highwater::{CancellationToken, HighWaterMark, Writable};
use highwater::{Destination, Error, Readable, fs};

#[cfg(unix)]
use crate::support::in_time;

#[tokio::test]
async fn what_comes_is_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    // Small and large chunks in turn, more than is gathered at once.
    let chunks: Vec<Bytes> = (0_u32..400)
        .map(|n| Bytes::from(n.to_string().repeat(1 + (n % 7 * 1999) as usize)))
        .collect();
    let report =
        Readable::from_iter(chunks.clone()).pipe_to(fs::write(&path).sync()).await.unwrap();
    let whole = chunks.concat();
    assert!(std::fs::read(&path).unwrap() == whole);
    assert_eq!((report.chunks_out(), report.weight_out()), (400, whole.len() as u64));
}

#[tokio::test]
async fn an_old_file_is_emptied_or_added_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    std::fs::write(&path, "something longer").unwrap();
    Readable::once("new").pipe_to(fs::write(&path)).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    Readable::once(" more").pipe_to(fs::append(&path)).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new more");
    Readable::once("made").pipe_to(fs::append(folder.path().join("fresh"))).await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("fresh")).unwrap(), b"made");
}

/// N132: several sources into one file.
#[tokio::test]
async fn a_file_kept_open_takes_the_next_pipeline() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let mut file = fs::write(&path);
    Readable::once("one ").pipe_to(&mut file).keep_open().run().await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"one ", "flushed, though it goes on");
    Readable::once("two").pipe_to(&mut file).run().await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"one two");
    let late = Readable::once("three").pipe_to(&mut file).run().await.unwrap_err();
    assert!(late.is_write_after_end());
    assert_eq!(std::fs::read(&path).unwrap(), b"one two");
}

/// C15: what came before an error is in the file.
#[tokio::test]
async fn a_source_error_leaves_what_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let source = futures::stream::iter([Ok("a"), Ok("b"), Err(Error::corrupt("bad"))]);
    let error = Readable::from_results(source).pipe_to(fs::write(&path)).await.unwrap_err();
    assert!(error.is_corrupt());
    assert_eq!(std::fs::read(&path).unwrap(), b"ab");
}

#[tokio::test]
async fn what_cannot_be_opened_stops_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no/such/folder");
    let source =
        Readable::from_iter(std::iter::from_fn(|| -> Option<&str> { panic!("it was read") }));
    let error = source.pipe_to(fs::write(&path)).await.unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::NotFound));
    assert_eq!(error.stage(), Some("fs::write"));
    assert!(error.to_string().contains("no/such/folder"), "{error}");
}

/// F3: a write that is dropped has been accepted: it is there once.
#[tokio::test]
async fn a_dropped_write_is_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let mut file = fs::write(&path);
    Destination::open(&mut file).await.unwrap();
    let mut whole = Vec::new();
    for n in 0..8_u8 {
        // Large enough to be sent at once, so that the second waits for the first.
        let chunk = Bytes::from(vec![n; 600 * 1024]);
        whole.extend_from_slice(&chunk);
        let write = Destination::write(&mut file, chunk);
        drop(futures::poll!(std::pin::pin!(write)));
    }
    Destination::finish(&mut file).await.unwrap();
    assert!(std::fs::read(&path).unwrap() == whole);
}

/// Runs this with a pipe that nobody reads: opening it for writing waits for ever without a reader, and with one, so does
/// writing more than it holds.
#[cfg(unix)]
fn with_a_pipe(run: impl AsyncFnOnce(&Path) + Copy + Send + 'static) {
    for with_reader in [false, true] {
        in_time(move || {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("pipe");
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
            // Opened for both, it waits for nobody.
            let options = || std::fs::File::options().read(true).write(true).open(&path);
            let reader = with_reader.then(|| options().unwrap());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(run(&path));
            drop((runtime, reader));
        });
    }
}

/// Polls until it is stuck.
#[cfg(unix)]
async fn until_stuck<F: Future>(mut running: Pin<&mut F>) {
    for _ in 0..1000 {
        assert!(futures::poll!(running.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
}

#[cfg(unix)]
#[test]
fn an_abort_does_not_wait_for_a_pipe() {
    type Way = fn(PathBuf) -> fs::FileWrite<Vec<u8>>;
    for to in [fs::write as Way, fs::append] {
        with_a_pipe(async move |path| {
            let token = CancellationToken::new();
            let chunks = std::iter::repeat_n(vec![b'x'; 100 * 1024], 40);
            let to = to(path.to_owned());
            let running = Readable::from_iter(chunks).pipe_to(to).abort_on(token.clone());
            let mut running = pin!(running.run());
            until_stuck(running.as_mut()).await;
            token.cancel();
            assert!(running.await.unwrap_err().is_aborted());
        });
    }
}

/// I45: the same when the source has failed, and the chunks before its error do not get out; and behind a buffer.
#[cfg(unix)]
#[test]
fn an_abort_after_a_failure_does_not_wait_for_a_pipe() {
    let failing = |n| if n < 2 { Ok(vec![b'x'; 400 * 1024]) } else { Err(Error::msg("broken")) };
    with_a_pipe(async move |path| {
        let token = CancellationToken::new();
        let chunks = Readable::from_iter(0..).try_map(failing);
        let mut running = pin!(chunks.pipe_to(fs::write(path)).abort_on(token.clone()).run());
        until_stuck(running.as_mut()).await;
        token.cancel();
        // Without a reader it is stuck in `open`, before the source is read.
        let error = running.await.unwrap_err();
        assert!(error.is_aborted() || error.suppressed()[0].is_aborted(), "{error:?}");
    });
    with_a_pipe(async move |path| {
        let token = CancellationToken::new();
        let buffered = Writable::new(fs::write(path), HighWaterMark::items(8));
        let chunks = Readable::from_iter(0..).try_map(failing);
        let mut running = pin!(chunks.pipe_to(buffered).abort_on(token.clone()).run());
        until_stuck(running.as_mut()).await;
        token.cancel();
        assert!(running.await.unwrap_err().suppressed()[0].is_aborted());
    });
}

/// I29: nor does a destroy, whatever its error.
#[cfg(unix)]
#[test]
fn a_destroy_does_not_wait_for_a_pipe() {
    with_a_pipe(async |path| {
        let writable = Writable::new(fs::write(path), HighWaterMark::items(8));
        for _ in 0..3 {
            writable.send(vec![b'x'; 300 * 1024]).await.unwrap();
        }
        until_stuck(pin!(writable.finished())).await;
        writable.destroy(Error::msg("enough"));
        assert_eq!(writable.finished().await.unwrap_err().to_string(), "enough");
    });
}
