//! A reader of something that has nothing to say waits, and does nothing else (I34): its polls and its reads are counted,
//! so that one that spins is found by a number.

#[cfg(unix)]
use std::io::Write;
#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

#[cfg(unix)]
use futures::StreamExt;
use highwater::io;
#[cfg(unix)]
use highwater::{fs, task};
use highwater_test::{Stall, Woken};
use tokio::io::AsyncWriteExt;

#[cfg(unix)]
use crate::support::in_time;

/// A pipe is read by a thread of its own. While nothing is in it, that thread waits in one read, and nobody polls.
#[cfg(unix)]
#[test]
fn an_empty_pipe_costs_neither_polls_nor_reads() {
    let (polls, reads) = in_time(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(read_a_pipe_that_is_mostly_empty())
    });
    // One to begin with, one when the thread has the pipe, two for each of two texts, one for the end.
    assert!(polls <= 7, "{polls} polls for two texts");
    // Linux alone counts the reads of a thread.
    assert!(reads.is_none_or(|reads| reads <= 2), "{reads:?} reads for two texts");
}

/// How often the source was polled, and how often its thread has read.
#[cfg(unix)]
async fn read_a_pipe_that_is_mostly_empty() -> (usize, Option<u64>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success(), "mkfifo");
    // Opened for both, it waits for nobody.
    let mut writer = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let polls = Arc::<AtomicUsize>::default();
    let (count, mut source) = (Arc::clone(&polls), fs::read(path));
    let mut texts = futures::stream::poll_fn(move |cx| {
        count.fetch_add(1, SeqCst);
        source.poll_next_unpin(cx)
    });
    let (sender, mut lengths) = tokio::sync::mpsc::channel(1);
    let reading = task::spawn(async move {
        while let Some(text) = texts.next().await {
            sender.send(text.unwrap().len()).await.unwrap();
        }
    });
    for text in ["one", "three"] {
        idle().await;
        writer.write_all(text.as_bytes()).unwrap();
        assert_eq!(lengths.recv().await, Some(text.len()));
    }
    idle().await;
    let reads = reads_of_threads("fs::read");
    drop(writer);
    reading.await.unwrap();
    (polls.load(SeqCst), reads)
}

/// So many turns of the runtime that a task that wakes itself is polled as often.
#[cfg(unix)]
async fn idle() {
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
}

/// The most reads that a thread with this name has made.
#[cfg(unix)]
fn reads_of_threads(name: &str) -> Option<u64> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let counts = threads.filter_map(|thread| {
        let thread = thread.ok()?.path();
        let comm = std::fs::read_to_string(thread.join("comm")).ok()?;
        let counts = std::fs::read_to_string(thread.join("io")).ok()?;
        let reads = counts.lines().find_map(|line| line.strip_prefix("syscr: "))?;
        (comm.trim() == name).then(|| reads.parse().unwrap())
    });
    counts.max()
}

/// The same for an `AsyncRead`, where the executor polls only what was woken.
#[test]
fn an_idle_async_read_is_polled_when_something_came() {
    let (mut client, server) = tokio::io::duplex(64);
    let mut source = io::read(server);
    let mut tasks = Woken::new();
    let texts = tasks.spawn(async move {
        let mut texts = Vec::new();
        while let Some(text) = source.next().await {
            texts.push(text.unwrap());
        }
        texts
    });
    assert_eq!(tasks.run_until_idle(), [Stall::Idle]);
    tasks.spawn(async move {
        client.write_all(b"one").await.unwrap();
        highwater_test::pend(5).await;
        client.write_all(b"two").await.unwrap();
        drop(client);
    });
    tasks.run();
    assert_eq!(texts.take().unwrap(), ["one", "two"]);
    // One to begin with, one that asked whether it is idle, one for each text; the end came with the second.
    assert!(texts.polls() <= 5, "{} polls", texts.polls());
}
