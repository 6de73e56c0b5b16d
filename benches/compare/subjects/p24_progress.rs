//! P24: what it costs to know how far a stream is: a file, and many small chunks.

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures::{TryStreamExt as _, stream};
use highwater::meter::Progress;
use highwater::prelude::*;
use highwater::{Error, Readable};
use indicatif::ProgressBar;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::io::InspectReader;

use super::{CHUNK, block_on};
use crate::contestant::{Answer, Contestant, Role, Subject, Work};
use crate::goal::Goal;
use crate::proof::Proof;

pub(crate) const FILE: Subject = Subject {
    id: "P24",
    title: "progress of reading a file",
    work: Work::Log(Proof::Answer(|log| log.bytes.to_string())),
    contestants: &[
        Contestant::files(Role::Ours, PROGRESS, progress),
        Contestant::files(Role::Ours, WATCHED, watched),
        Contestant::files(Role::Limit, WITHOUT, without),
        Contestant::files(Role::Peer, INSPECT, inspect),
        Contestant::files(Role::Peer, BAR, bar),
        Contestant::files(Role::Aside, "tokio::fs, without it", tokio_without),
    ],
    goals: &[
        Goal::Cost { ours: PROGRESS, at_most: 1.05, of_best: &[WITHOUT] },
        Goal::Cost { ours: WATCHED, at_most: 1.05, of_best: &[WITHOUT] },
        Goal::Cost { ours: PROGRESS, at_most: 1.0, of_best: &[INSPECT, BAR] },
    ],
};

pub(crate) const CHUNKS: Subject = Subject {
    id: "P24b",
    title: "progress of small chunks",
    work: Work::Items { count: 50_000_000, expected: |n| n * SMALL.len() as u64 },
    contestants: &[
        Contestant::items(Role::Ours, PROGRESS, chunks_progress),
        Contestant::items(Role::Limit, WITHOUT, chunks_without),
        Contestant::items(Role::Peer, INSPECT_OK, chunks_inspect),
        Contestant::items(Role::Aside, "futures, without it", chunks_futures),
    ],
    goals: &[Goal::Cost { ours: PROGRESS, at_most: 1.0, of_best: &[INSPECT_OK] }],
};

const PROGRESS: &str = "highwater, progress";
const WATCHED: &str = "highwater, progress shown each 100 ms";
const WITHOUT: &str = "highwater, without it";
const INSPECT: &str = "InspectReader, into an atomic";
const BAR: &str = "InspectReader, into an indicatif bar";
const INSPECT_OK: &str = "futures inspect_ok, into an atomic";

fn progress(input: &Path, _: &Path) -> Result<Answer> {
    let progress = Progress::bytes();
    let handle = progress.handle();
    let read = highwater::fs::read(input).progress(progress).fold(0, longer);
    known(block_on(read)?, handle.done())
}

/// Looks at it as often as who draws a bar.
fn watched(input: &Path, _: &Path) -> Result<Answer> {
    let progress = Progress::bytes().with_total(std::fs::metadata(input)?.len());
    let (handle, updates) = (progress.handle(), progress.handle().updates(FRAME));
    let read = highwater::fs::read(input).progress(progress).fold(0, longer);
    let shown = updates.fold(0, |_, update| update.to_string().len());
    let (bytes, shown) = block_on(async { tokio::try_join!(read, shown) })?;
    ensure!(shown > 0, "the last update says how far it is");
    known(bytes, handle.done())
}

fn without(input: &Path, _: &Path) -> Result<Answer> {
    Ok(Answer::of(block_on(highwater::fs::read(input).fold(0, longer))?))
}

fn inspect(input: &Path, _: &Path) -> Result<Answer> {
    let done = AtomicU64::new(0);
    let bytes = block_on(async {
        let file = File::open(input).await?;
        read(InspectReader::new(file, |bytes| {
            done.fetch_add(bytes.len() as u64, Relaxed);
        }))
        .await
    })?;
    known(bytes, done.into_inner())
}

/// A bar that nobody sees counts all the same, and looks at the clock to know when to draw.
fn bar(input: &Path, _: &Path) -> Result<Answer> {
    let bar = ProgressBar::hidden();
    let bytes = block_on(async {
        let file = File::open(input).await?;
        read(InspectReader::new(file, |bytes| bar.inc(bytes.len() as u64))).await
    })?;
    known(bytes, bar.position())
}

fn tokio_without(input: &Path, _: &Path) -> Result<Answer> {
    let bytes = block_on(async { read(File::open(input).await?).await })?;
    Ok(Answer::of(bytes))
}

async fn read(mut file: impl AsyncRead + Unpin) -> Result<u64> {
    let (mut bytes, mut buffer) = (0, vec![0; CHUNK]);
    loop {
        match file.read(&mut buffer).await? {
            0 => return Ok(bytes),
            n => bytes += n as u64,
        }
    }
}

/// What was read is what is known about it.
fn known(bytes: u64, done: u64) -> Result<Answer> {
    ensure!(done == bytes, "{bytes} bytes were read, and {done} counted");
    Ok(Answer::of(bytes))
}

fn chunks_progress(n: u64) -> u64 {
    let progress = Progress::bytes();
    let handle = progress.handle();
    let bytes = Readable::from_iter(chunks(n)).progress(progress).fold(0, longer);
    let bytes = block_on(bytes).expect("these chunks do not fail");
    assert_eq!(handle.done(), bytes);
    bytes
}

fn chunks_without(n: u64) -> u64 {
    let bytes = Readable::from_iter(chunks(n)).fold(0, longer);
    block_on(bytes).expect("these chunks do not fail")
}

fn chunks_inspect(n: u64) -> u64 {
    let done = AtomicU64::new(0);
    let chunks = stream::iter(chunks(n).map(Ok::<_, Error>)).inspect_ok(|chunk| {
        done.fetch_add(chunk.len() as u64, Relaxed);
    });
    let bytes = chunks.try_fold(0, async |bytes, chunk| Ok(longer(bytes, chunk)));
    let bytes = block_on(bytes).expect("these chunks do not fail");
    assert_eq!(done.into_inner(), bytes);
    bytes
}

fn chunks_futures(n: u64) -> u64 {
    let chunks = stream::iter(chunks(n).map(Ok::<_, Error>));
    let bytes = chunks.try_fold(0, async |bytes, chunk| Ok(longer(bytes, chunk)));
    block_on(bytes).expect("these chunks do not fail")
}

/// Chunks that cost next to nothing themselves.
fn chunks(n: u64) -> impl Iterator<Item = Bytes> {
    (0..black_box(n)).map(|_| Bytes::from_static(SMALL))
}

fn longer(bytes: u64, chunk: Bytes) -> u64 {
    bytes + chunk.len() as u64
}

const SMALL: &[u8] = b"a chunk as small as a line or two, which is nothing but counted\n";
/// Between two looks.
const FRAME: Duration = Duration::from_millis(100);
