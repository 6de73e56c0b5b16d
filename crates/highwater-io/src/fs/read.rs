//! Reading files ahead, in bursts.

use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::ops::{Bound, RangeBounds};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use futures_core::Stream;
use highwater_core::stage::{Coop, RunsOn, StageInfo, StageStats};
use highwater_core::{Error, Readable, Result, Source};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::reader::{Read, Reader, report};
use crate::io::stdin_file;

/// How a file is read.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
/// use highwater_io::fs::ReadOptions;
/// let thrifty = ReadOptions::new().chunk_size(16 * 1024).read_ahead(1);
/// assert!(!thrifty.read("Cargo.toml").to_bytes().await?.is_empty());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ReadOptions {
    pub(super) chunk: NonZeroUsize,
    pub(super) ahead: NonZeroUsize,
}

impl ReadOptions {
    /// Chunks of 256 KiB, four read ahead.
    pub fn new() -> Self {
        let four = NonZeroUsize::MIN.saturating_add(3);
        Self { chunk: NonZeroUsize::MIN.saturating_add(CHUNK - 1), ahead: four }
    }

    /// Bytes per chunk. The last chunk of a file, and those of a pipe, are smaller.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    #[must_use]
    pub fn chunk_size(mut self, bytes: usize) -> Self {
        self.chunk = NonZeroUsize::new(bytes).expect("chunks of 0 bytes hold nothing");
        self
    }

    /// Chunks that are read before they are asked for.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    #[must_use]
    pub fn read_ahead(mut self, chunks: usize) -> Self {
        self.ahead =
            NonZeroUsize::new(chunks).expect("reading is done ahead: by 1 chunk at the least");
        self
    }

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

    /// How many buffers that came back wait for reuse: as many as are read ahead, or as a destination gathers.
    pub(super) fn kept(&self) -> usize {
        self.ahead.get().max(BEHIND)
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
        let (meter, coop) = (info.meter().clone(), Coop::default());
        let state = State::Idle { origin, options: self.clone() };
        Readable::from_source(info, FileRead { state, coop, jobs, meter, given: 0 })
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What is read.
#[derive(Debug)]
pub(crate) enum Origin {
    Path { path: PathBuf, start: u64, end: Option<u64> },
    Stdin,
}

impl Origin {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Path { .. } => "fs::read",
            Self::Stdin => "io::stdin",
        }
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Self::Path { path, .. } => format!("`{}`", path.display()),
            Self::Stdin => "standard input".to_owned(),
        }
    }

    /// Whether opening or reading it may wait for somebody else: not so for regular files.
    fn may_wait_for_ever(&self) -> bool {
        let about = match self {
            Self::Path { path, .. } => std::fs::metadata(path),
            Self::Stdin => stdin_file().and_then(|file| file.metadata()),
        };
        about.is_ok_and(|about| !about.is_file() && !about.is_dir())
    }
}

/// The source made by [`fs::read`](super::read).
///
/// # Cancel safety
///
/// Chunks read ahead stay in it; a `next` that is dropped loses nothing.
pub struct FileRead {
    state: State,
    coop: Coop,
    jobs: TaskTracker,
    meter: StageStats,
    given: u64,
}

/// ```text
///  Idle --first poll--> Reading { a burst under way } <--------------+
///                          | read-ahead full          | a quarter of it is left
///                          +--> Reading { parked } ---+
///                          | end or error, and all is given
///                          +--> Over
/// ```
enum State {
    Idle { origin: Origin, options: ReadOptions },
    Reading { chunks: mpsc::Receiver<Read>, burst: Burst, ahead: usize },
    Over,
}

/// Who has the file.
enum Burst {
    /// A job on the blocking pool, which gives it back when the read-ahead is full.
    Running(JoinHandle<Option<Box<Reader>>>),
    /// Nobody: the read-ahead is full.
    Parked(Box<Reader>),
    /// A thread of its own, or nobody any more: all was read.
    Away,
}

impl Stream for FileRead {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        ready!(this.coop.poll_ready(cx));
        loop {
            let (chunks, burst, ahead) = match &mut this.state {
                State::Over => return Poll::Ready(None),
                State::Idle { .. } => {
                    this.start();
                    continue;
                }
                State::Reading { chunks, burst, ahead } => (chunks, burst, *ahead),
            };
            match chunks.poll_recv(cx) {
                Poll::Ready(Some(Ok(Some(chunk)))) => {
                    // Asked in passing: that the file is back is no reason to wake who has chunks to work on.
                    let passing = &mut Context::from_waker(Waker::noop());
                    if chunks.len() <= ahead.div_ceil(4) && burst.poll_back(passing).is_ready() {
                        burst.resume(&this.jobs);
                    }
                    return Poll::Ready(Some(Ok(this.give(chunk))));
                }
                Poll::Ready(end) => {
                    this.state = State::Over;
                    return Poll::Ready(match end {
                        Some(Ok(_)) => None,
                        Some(Err(error)) => Some(Err(error)),
                        // The reader went without a word: its job panicked, or the runtime shuts down.
                        None => Some(Err(Error::premature_close())),
                    });
                }
                Poll::Pending => {
                    // The queue is empty: either somebody fills it, or the burst has to be sent again.
                    ready!(burst.poll_back(cx));
                    if !burst.resume(&this.jobs) {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl Source for FileRead {
    type Chunk = Bytes;
}

impl FileRead {
    fn start(&mut self) {
        if let State::Idle { origin, options } = std::mem::replace(&mut self.state, State::Over) {
            let ahead = options.ahead.get();
            let (sender, chunks) = mpsc::channel(ahead);
            let burst = begin(origin, options, sender, self.jobs.token(), self.meter.clone());
            self.state = State::Reading { chunks, burst, ahead };
        }
    }

    fn give(&mut self, chunk: Bytes) -> Bytes {
        self.given += chunk.len() as u64;
        self.meter.publish_bytes(self.given);
        self.coop.spend(u16::try_from(chunk.len() / 1024).unwrap_or(u16::MAX).max(1));
        chunk
    }
}

impl fmt::Debug for FileRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileRead").field("given", &self.given).finish_non_exhaustive()
    }
}

impl Burst {
    /// Ready when the file is back, or will not come back.
    fn poll_back(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Self::Running(job) = self {
            *self = match ready!(Pin::new(job).poll(cx)) {
                Ok(Some(reader)) => Self::Parked(reader),
                Ok(None) | Err(_) => Self::Away,
            };
        }
        Poll::Ready(())
    }

    /// Sends the reader to the pool again, if it is here. False if it is elsewhere.
    fn resume(&mut self, jobs: &TaskTracker) -> bool {
        match std::mem::replace(self, Self::Away) {
            Self::Parked(reader) => {
                let token = jobs.token();
                *self = Self::Running(tokio::task::spawn_blocking(move || reader.burst(token)));
                true
            }
            elsewhere => {
                *self = elsewhere;
                false
            }
        }
    }
}

/// Opens, and reads the first burst.
fn begin(
    origin: Origin,
    options: ReadOptions,
    sender: mpsc::Sender<Read>,
    token: TaskTrackerToken,
    meter: StageStats,
) -> Burst {
    Burst::Running(tokio::task::spawn_blocking(move || {
        if origin.may_wait_for_ever() {
            on_a_thread(origin, options, sender);
            return None;
        }
        let reader = Reader::open_or_report(&origin, &options, sender)?;
        meter.steady();
        reader.burst(token)
    }))
}

/// Reads a pipe, a terminal or a device: a read of it may wait for ever, so it waits where nothing waits for it.
fn on_a_thread(origin: Origin, options: ReadOptions, sender: mpsc::Sender<Read>) {
    let (name, spare) = (origin.name(), sender.clone());
    let thread = std::thread::Builder::new().name(name.to_owned());
    let pump = move || {
        if let Some(reader) = Reader::open_or_report(&origin, &options, sender) {
            reader.pump();
        }
    };
    if let Err(error) = thread.spawn(pump) {
        report(&spare, Error::from(error).context("cannot start a thread").in_stage(name));
    }
}

/// Buffers that a destination has which writes 1 MiB while as much gathers. Without a place for those that come back, each
/// would be allocated afresh, and its pages with it.
const BEHIND: usize = 8;
/// Bytes per chunk: large enough for few system calls, small enough for the second-level cache.
const CHUNK: usize = 256 * 1024;
