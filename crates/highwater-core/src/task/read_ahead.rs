//! Reading ahead on the blocking pool.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::error::{Error, Result};

/// What one read gave: a chunk, the end, or an error. Nothing follows the last two.
pub type Read<T> = Result<Option<T>>;

/// What is read by calls that block.
pub trait BlockingRead: Send + 'static {
    /// What it gives.
    type Chunk: Send + 'static;

    /// The next reads: at least one, and at the most `most`, as long as they come quickly.
    fn read_some(&mut self, most: usize) -> Vec<Read<Self::Chunk>>;
}

/// Opens a reader, on the pool. `None` says that somebody else has the sender now, such as a thread for what may wait for
/// ever.
type Open<T, R> = Box<dyn FnOnce(&mpsc::Sender<Read<T>>) -> Result<Option<R>> + Send>;

/// Reads ahead in bursts on Tokio's pool for blocking calls: a burst ends when the read-ahead is full, and the next begins
/// when a quarter of it is left. In between, no thread is held.
///
/// # Cancel safety
///
/// Is cancel safe: chunks read ahead stay in it. Dropping it ends the burst behind the read it is at; its tracker knows when.
pub struct ReadAhead<T, R> {
    state: State<T, R>,
    ahead: usize,
    jobs: TaskTracker,
}

/// ```text
///  Idle --first poll--> Reading { a burst under way } <--------------+
///                          | read-ahead full          | a quarter of it is left
///                          +--> Reading { parked } ---+
///                          | end or error, and all is given
///                          +--> Over
/// ```
enum State<T, R> {
    Idle(Open<T, R>),
    Reading { chunks: mpsc::Receiver<Read<T>>, burst: Burst<T, R> },
    Over,
}

/// Who has the reader.
enum Burst<T, R> {
    /// A job on the pool, which gives it back when the read-ahead is full.
    Running(JoinHandle<Option<Box<Reader<T, R>>>>),
    /// Nobody: the read-ahead is full.
    Parked(Box<Reader<T, R>>),
    /// A thread of its own, or nobody any more: all was read.
    Away,
}

/// A reader, and where its chunks go.
struct Reader<T, R> {
    reader: R,
    sender: mpsc::Sender<Read<T>>,
}

impl<T: Send + 'static, R: BlockingRead<Chunk = T>> ReadAhead<T, R> {
    /// Up to so many chunks ahead. `open` runs on the pool when the first chunk is asked for, and the bursts are counted by
    /// `jobs`.
    ///
    /// # Panics
    ///
    /// If `ahead` is 0.
    #[track_caller]
    pub fn new(
        ahead: usize,
        jobs: TaskTracker,
        open: impl FnOnce(&mpsc::Sender<Read<T>>) -> Result<Option<R>> + Send + 'static,
    ) -> Self {
        assert!(ahead > 0, "reading is done ahead: by 1 chunk at the least");
        Self { state: State::Idle(Box::new(open)), ahead, jobs }
    }

    /// The next chunk; `None` at the end and after an error.
    ///
    /// # Errors
    ///
    /// Those of the reader; a [premature close](Error::is_premature_close) if it panicked, or the runtime shuts down.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        loop {
            let State::Reading { chunks, burst } = &mut self.state else {
                match std::mem::replace(&mut self.state, State::Over) {
                    State::Idle(open) => self.state = begin(open, self.ahead, self.jobs.token()),
                    _ => return Poll::Ready(None),
                }
                continue;
            };
            match chunks.poll_recv(cx) {
                Poll::Ready(Some(Ok(Some(chunk)))) => {
                    // Asked in passing: that the reader is back is no reason to wake who has chunks to work on.
                    let passing = &mut Context::from_waker(Waker::noop());
                    if chunks.len() <= self.ahead.div_ceil(4) && burst.poll_back(passing).is_ready()
                    {
                        burst.resume(&self.jobs);
                    }
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Poll::Ready(end) => {
                    self.state = State::Over;
                    // A reader that goes without a word panicked, or the runtime shuts down.
                    return Poll::Ready(end.unwrap_or(Err(Error::premature_close())).transpose());
                }
                Poll::Pending => {
                    // The queue is empty: either somebody fills it, or the burst has to be sent again.
                    ready!(burst.poll_back(cx));
                    if !burst.resume(&self.jobs) {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

// Nothing in it is pinned.
impl<T, R> Unpin for ReadAhead<T, R> {}

debug_fields!(ReadAhead<T, R>, ahead);

/// Opens, and reads the first burst.
fn begin<T: Send + 'static, R: BlockingRead<Chunk = T>>(
    open: Open<T, R>,
    ahead: usize,
    token: TaskTrackerToken,
) -> State<T, R> {
    let (sender, chunks) = mpsc::channel(ahead);
    let burst = Burst::Running(spawn_blocking(move || match open(&sender) {
        Ok(reader) => Box::new(Reader { reader: reader?, sender }).burst(token),
        Err(error) => {
            // A consumer that is gone does not want it.
            drop(sender.blocking_send(Err(error)));
            None
        }
    }));
    State::Reading { chunks, burst }
}

impl<T: Send + 'static, R: BlockingRead<Chunk = T>> Burst<T, R> {
    /// Ready when the reader is back, or will not come back.
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
                *self = Self::Running(spawn_blocking(move || reader.burst(token)));
                true
            }
            elsewhere => {
                *self = elsewhere;
                false
            }
        }
    }
}

impl<T, R: BlockingRead<Chunk = T>> Reader<T, R> {
    /// Reads until the read-ahead is full, and gives itself back then; nothing when all was read. The token outlives the
    /// reader, whose file is closed when the job is over.
    fn burst(mut self: Box<Self>, token: TaskTrackerToken) -> Option<Box<Self>> {
        let is_full = self.fill();
        let parked = is_full.then_some(self);
        drop(token);
        parked
    }

    /// True when the read-ahead is full, false when all was read or nobody wants more.
    fn fill(&mut self) -> bool {
        while !self.sender.is_closed() {
            let free = self.sender.capacity();
            if free == 0 {
                return true;
            }
            // Half of the read-ahead at a time: waking the consumer for each chunk costs more than reading it.
            let reads = self.reader.read_some(free.min(self.sender.max_capacity().div_ceil(2)));
            let is_last = !matches!(reads.last(), Some(Ok(Some(_))));
            let Ok(permits) = self.sender.try_reserve_many(reads.len()) else { return false };
            permits.zip(reads).for_each(|(permit, read)| permit.send(read));
            if is_last {
                return false;
            }
        }
        false
    }
}
