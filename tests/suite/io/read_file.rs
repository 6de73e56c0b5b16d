//! Reading files: whole, in part, while others change them, and without holding threads.

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io::Write;
use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use highwater::fs::{self, ReadOptions};
use highwater::{Readable, Result, Source};
use tempfile::TempDir;

/// A file of `len` bytes, no two neighbouring blocks alike.
fn file(len: usize) -> (TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let content: Vec<u8> = (0..len).map(|n| u8::try_from(n * 31 / 7 % 251).unwrap()).collect();
    std::fs::write(&path, &content).unwrap();
    (folder, path, content)
}

fn small() -> ReadOptions {
    ReadOptions::new().with_chunk_size(4096).with_read_ahead(1)
}

#[tokio::test]
async fn a_file_comes_whole_whatever_the_chunks() {
    for len in [0, 1, 4095, 4096, 4097, 100_000] {
        let (_folder, path, content) = file(len);
        for (chunk, ahead) in [(1000, 1), (4096, 3), (256 * 1024, 4)] {
            let options = ReadOptions::new().with_chunk_size(chunk).with_read_ahead(ahead);
            let read = options.read(&path).to_bytes().await.unwrap();
            assert!(read == content, "{len} bytes in chunks of {chunk}, {ahead} ahead");
        }
    }
}

#[tokio::test]
async fn a_range_is_that_part() {
    let (_folder, path, content) = file(10_000);
    let part = |range: std::ops::Range<u64>| {
        let path = path.clone();
        async move { fs::read_range(path, range).to_bytes().await.unwrap() }
    };
    assert!(part(0..0).await.is_empty());
    assert_eq!(part(10..20).await, content[10..20]);
    assert_eq!(part(0..10_000).await, content[..]);
    assert_eq!(fs::read_range(&path, 9_990..).to_bytes().await.unwrap(), content[9_990..]);
    assert_eq!(fs::read_range(&path, ..=4).to_bytes().await.unwrap(), content[..=4]);
    assert!(fs::read_range(&path, 10_000..).to_bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_range_behind_the_end_is_not_a_clean_end() {
    let (_folder, path, content) = file(10_000);
    let mut file = small().read_range(&path, 5_000..20_000);
    let mut read = Vec::new();
    let error = loop {
        match file.next().await.expect("an error before the end") {
            Ok(chunk) => read.extend_from_slice(&chunk),
            Err(error) => break error,
        }
    };
    assert_eq!(read, content[5_000..]);
    assert!(error.is_truncated());
    assert_eq!((error.stage(), error.offset()), (Some("fs::read"), Some(10_000)));
    assert!(file.next().await.is_none());
}

#[tokio::test]
async fn what_cannot_be_opened_says_which_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = fs::read(&missing).to_bytes().await.unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::NotFound));
    assert_eq!(error.stage(), Some("fs::read"));
    assert!(error.to_string().contains(&missing.display().to_string()), "{error}");
    let error = fs::read(folder.path()).to_bytes().await.unwrap_err();
    assert_eq!(error.io_kind(), Some(std::io::ErrorKind::IsADirectory));
}

/// F93: the file ends where it should not.
#[tokio::test]
async fn a_file_made_shorter_is_truncated_at_its_offset() {
    let (_folder, path, content) = file(1 << 20);
    let mut reading = small().read(&path);
    let mut read = reading.next().await.unwrap().unwrap().to_vec();
    File::options().write(true).open(&path).unwrap().set_len(64 * 1024).unwrap();
    let error = loop {
        match reading.next().await.expect("an error before the end") {
            Ok(chunk) => read.extend_from_slice(&chunk),
            Err(error) => break error,
        }
    };
    assert!(error.is_truncated(), "{error}");
    assert_eq!(error.offset(), Some(64 * 1024));
    assert!(read == content[..64 * 1024]);
    assert!(reading.next().await.is_none());
}

/// F93: what another file was renamed over is read as it was.
#[tokio::test]
async fn a_file_replaced_is_read_as_it_was() {
    let (folder, path, content) = file(1 << 20);
    let mut reading = small().read(&path);
    let mut read = reading.next().await.unwrap().unwrap().to_vec();
    let other = folder.path().join("other");
    std::fs::write(&other, b"new").unwrap();
    std::fs::rename(&other, &path).unwrap();
    read.extend_from_slice(&reading.to_bytes().await.unwrap());
    assert!(read == content);
}

#[tokio::test]
async fn a_file_that_grew_is_read_to_its_new_end() {
    let (_folder, path, content) = file(100_000);
    let mut reading = small().read(&path);
    let mut read = reading.next().await.unwrap().unwrap().to_vec();
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"more").unwrap();
    read.extend_from_slice(&reading.to_bytes().await.unwrap());
    assert!(read[..100_000] == content && read[100_000..] == *b"more");
}

/// Some files of the system say a length they do not hold: that is no truncation.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn files_of_the_system_end_cleanly() {
    for path in ["/proc/self/status", "/sys/kernel/mm/transparent_hugepage/enabled", "/dev/null"] {
        if std::path::Path::new(path).exists() {
            let read = fs::read(path).to_bytes().await.unwrap();
            assert_eq!(read.is_empty(), path == "/dev/null", "{path}");
        }
    }
}

/// F2, I40: a `next` dropped at any poll loses nothing.
#[tokio::test]
async fn a_dropped_next_loses_nothing() {
    let (_folder, path, content) = file(200_000);
    let mut reading = small().read(&path);
    let mut read = Vec::new();
    loop {
        // One poll, then the future is dropped; the wait is only for the pool to get on.
        let polled = pin!(reading.next()).poll(&mut Context::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(Some(chunk)) => read.extend_from_slice(&chunk.unwrap()),
            Poll::Ready(None) => break,
            Poll::Pending => tokio::task::yield_now().await,
        }
    }
    assert!(read == content);
}

/// C104: the pool has one thread, and no reader keeps it while nobody reads.
#[test]
fn slow_readers_hold_no_thread() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let (_folder, path, content) = file(200_000);
        let mut readers: Vec<_> = (0..100).map(|_| small().read(&path)).collect();
        let mut firsts = Vec::new();
        for reader in &mut readers {
            firsts.push(reader.next().await.unwrap().unwrap());
        }
        assert_eq!(tokio::task::spawn_blocking(|| 7).await.unwrap(), 7);
        for (first, reader) in firsts.into_iter().zip(readers) {
            let rest = reader.to_bytes().await.unwrap();
            assert!([first, rest].concat() == content);
        }
    });
}

/// I52, I16: what is read ahead stays within what was said, however long the consumer waits.
#[test]
fn no_more_is_read_ahead_than_said() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let (_folder, path, _) = file(1 << 20);
        let mut reading = ReadOptions::new().with_chunk_size(4096).with_read_ahead(2).read(&path);
        reading.next().await.unwrap().unwrap();
        // With one thread, this comes after what the reader does there.
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        let (ahead, error) = drain(reading).await;
        assert!(ahead <= 4 * 4096, "{ahead} bytes ahead");
        assert!(error.unwrap_err().is_truncated());
    });
}

async fn drain<S: Source<Chunk = Bytes> + Unpin>(mut reading: Readable<S>) -> (usize, Result<()>) {
    let mut bytes = 0;
    while let Some(chunk) = reading.next().await {
        match chunk {
            Ok(chunk) => bytes += chunk.len(),
            Err(error) => return (bytes, Err(error)),
        }
    }
    (bytes, Ok(()))
}

/// A pipe is read on a thread of its own: nothing waits for a read that may wait for ever.
#[cfg(unix)]
#[tokio::test]
async fn a_named_pipe_is_read_and_does_not_hold_the_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success(), "mkfifo");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let waiting = path.clone();
    runtime.spawn(async move { fs::read(waiting).to_bytes().await });
    // Hangs if a thread of the pool waits for a writer that never comes.
    tokio::task::spawn_blocking(move || drop(runtime)).await.unwrap();

    let other = folder.path().join("other");
    assert!(std::process::Command::new("mkfifo").arg(&other).status().unwrap().success(), "mkfifo");
    let writing = other.clone();
    let writer = std::thread::spawn(move || std::fs::write(writing, b"through the pipe"));
    assert_eq!(fs::read(&other).to_bytes().await.unwrap(), b"through the pipe"[..]);
    writer.join().unwrap().unwrap();
}

/// A pipe without a writer, which waits when it is opened, and one whose writer is silent: an abort waits for neither.
#[cfg(unix)]
#[test]
fn an_abort_does_not_wait_for_a_pipe_that_is_read() {
    for with_writer in [false, true] {
        crate::support::in_time(move || {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("pipe");
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
            let options = || File::options().read(true).write(true).open(&path);
            let writer = with_writer.then(|| options().unwrap());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let token = highwater::CancellationToken::new();
                let to = fs::write(folder.path().join("out"));
                let running = fs::read(&path).pipe_to(to).abort_on(token.clone()).run();
                let mut running = std::pin::pin!(running);
                for _ in 0..1000 {
                    assert!(futures::poll!(running.as_mut()).is_pending());
                    tokio::task::yield_now().await;
                }
                token.cancel();
                assert!(running.await.unwrap_err().is_aborted());
            });
            drop((runtime, writer));
        });
    }
}
