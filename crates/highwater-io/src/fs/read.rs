//! Reading files ahead, in bursts.

use std::ops::{Bound, RangeBounds};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use highwater_core::stage::{Coop, RunsOn, StageInfo, StageStats};
use highwater_core::task::{BlockingRead, Read, ReadAhead};
use highwater_core::{Error, Readable, Result, Source};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::input::Input;
use super::options::{Origin, ReadOptions};

impl ReadOptions {
    /// Reads a file: [`fs::read`](super::read).
    pub fn read(&self, path: impl AsRef<Path>) -> Readable<FileRead> {
        self.read_range(path, ..)
    }

    /// Reads part of a file: [`fs::read_range`](super::read_range).
    pub fn read_range(
        &self,
        path: impl AsRef<Path>,
        range: impl RangeBounds<u64>,
    ) -> Readable<FileRead> {
        let start = match range.start_bound() {
            Bound::Unbounded => 0,
            Bound::Included(start) => *start,
            Bound::Excluded(start) => start.saturating_add(1),
        };
        let end = match range.end_bound() {
            Bound::Unbounded => None,
            Bound::Included(end) => Some(end.saturating_add(1)),
            Bound::Excluded(end) => Some(*end),
        };
        self.read_origin(Origin::Path { path: path.as_ref().to_owned(), start, end })
    }

    pub(crate) fn read_origin(&self, origin: Origin) -> Readable<FileRead> {
        // What a path leads to is known when it is opened.
        let waits = matches!(origin, Origin::Stdin) && origin.may_wait_for_ever();
        let runs = if waits { RunsOn::Thread } else { RunsOn::BlockingPool };
        // Beside those read ahead and those that wait for reuse, one is being read and one is with the consumer.
        let chunks = self.ahead.get().saturating_add(self.kept()).saturating_add(2);
        let most = chunks.saturating_mul(self.chunk.get());
        let jobs = TaskTracker::new();
        let info = StageInfo::new(origin.name())
            .with_runs_on(runs)
            .with_max_bytes(most)
            .with_jobs(jobs.clone());
        let meter = info.meter().clone();
        let (options, steady) = (self.clone(), meter.clone());
        let ahead = ReadAhead::new(self.ahead.get(), jobs, move |sender| {
            if origin.may_wait_for_ever() {
                read_on_a_thread(origin, options, sender.clone())?;
                return Ok(None);
            }
            let input = Input::open(&origin, &options)?;
            steady.steady();
            Ok(Some(input))
        });
        Readable::from_source(info, FileRead { ahead, coop: Coop::default(), meter, given: 0 })
    }
}

/// The source made by [`fs::read`](super::read).
///
/// # Cancel safety
///
/// Chunks read ahead stay in it; a `next` that is dropped loses nothing.
pub struct FileRead {
    ahead: ReadAhead<Bytes, Input>,
    coop: Coop,
    meter: StageStats,
    given: u64,
}

highwater_core::debug_fields!(FileRead, given);

impl Stream for FileRead {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(self.coop.poll_ready(cx));
        let next = ready!(self.ahead.poll_next(cx));
        if let Some(Ok(chunk)) = &next {
            self.given += chunk.len() as u64;
            self.meter.publish_bytes(self.given);
            self.coop.spend_bytes(chunk.len());
        }
        Poll::Ready(next)
    }
}

impl Source for FileRead {
    type Chunk = Bytes;
}

impl BlockingRead for Input {
    type Chunk = Bytes;

    fn read_some(&mut self, most: usize) -> Vec<Read<Bytes>> {
        let start = Instant::now();
        let mut reads = Vec::with_capacity(most);
        loop {
            reads.push(self.read());
            let more = matches!(reads.last(), Some(Ok(Some(_)))) && reads.len() < most;
            if !more || start.elapsed() > QUICK {
                return reads;
            }
        }
    }
}

/// Reads a pipe, a terminal or a device: a read of it may wait for ever, so it waits where nothing waits for it.
fn read_on_a_thread(
    origin: Origin,
    options: ReadOptions,
    sender: mpsc::Sender<Read<Bytes>>,
) -> Result<()> {
    let name = origin.name();
    let read_all = move || {
        let mut input = Input::open(&origin, &options);
        loop {
            let read = match &mut input {
                Ok(input) => input.read(),
                Err(error) => Err(error.clone()),
            };
            let is_last = !matches!(read, Ok(Some(_)));
            if sender.blocking_send(read).is_err() || is_last {
                return;
            }
        }
    };
    match std::thread::Builder::new().name(name.to_owned()).spawn(read_all) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::from(error).context("cannot start a thread").in_stage(name)),
    }
}

/// A chunk that took longer to read is not held back for the next one.
const QUICK: Duration = Duration::from_micros(200);
