//! Writing files while the next chunks come.

use std::io::{self, ErrorKind, Write};

use bytes::Bytes;
use highwater_core::{Destination, Error, Result};
use tokio::task::{JoinError, JoinHandle};

use super::target::{Opened, Target};
use crate::batch::Batch;

/// The destination made by [`fs::write`](super::write()), [`fs::append`](super::append), [`fs::replace`](super::replace)
/// and [`io::stdout`](crate::io::stdout).
///
/// It takes whatever becomes [`Bytes`]: `Vec<u8>`, `String`, `&'static str`, `Bytes`.
///
/// # Backpressure
///
/// Up to 1 MiB gathers (of small chunks, which are copied, 256 KiB) while as much is being written on the blocking pool.
///
/// # Cancel safety
///
/// What a `write` has accepted is kept here, not in its future: if a `write` is dropped, the chunk is written all the
/// same, once, by what is called next.
#[derive(Debug)]
pub struct FileWrite {
    target: Target,
    sync: bool,
    state: State,
    batch: Batch,
    written: u64,
}

/// ```text
///  New --open--> Opening --> Idle <--> Writing      (a job has the file)
///   ^               |          |          |
///   +---an error----+          +----------+--finish, abort or an error--> Closed
/// ```
#[derive(Debug)]
enum State {
    New,
    Opening(JoinHandle<io::Result<Opened>>),
    Idle(Opened),
    Writing(JoinHandle<Job>),
    Closed,
}

/// What a job gives back: the file unless it was committed, how much it wrote, and how it went.
#[derive(Debug)]
struct Job {
    file: Option<Opened>,
    written: u64,
    result: io::Result<()>,
}

impl FileWrite {
    pub(crate) fn new(target: Target) -> Self {
        Self { target, sync: false, state: State::New, batch: Batch::default(), written: 0 }
    }

    /// Has the end wait until the file is on the disk (fsync). [`fs::replace`](super::replace) always does.
    #[must_use]
    pub fn sync(mut self) -> Self {
        self.sync = true;
        self
    }

    /// Hands what has gathered to a job, as soon as the one before it is done.
    async fn send(&mut self) -> Result<()> {
        self.settle().await?;
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        self.start(move |file| write_all(file, batch))
    }

    /// Waits until no job has the file.
    async fn settle(&mut self) -> Result<()> {
        // The handle stays in its place while it is waited for: this future may be dropped.
        match &mut self.state {
            State::Opening(job) => {
                let opened = job.await;
                self.state = State::New;
                self.opened(opened)
            }
            State::Writing(job) => {
                let done = job.await;
                self.state = State::Closed;
                self.wrote(done)
            }
            State::New | State::Idle(_) | State::Closed => Ok(()),
        }
    }

    fn opened(&mut self, opened: Result<io::Result<Opened>, JoinError>) -> Result<()> {
        let name = self.target.name();
        let file = opened.map_err(|error| Error::from(error).in_stage(name))?;
        let file = file.map_err(|error| {
            let what = format!("cannot open {} for writing", self.target.describe());
            Error::from(error).context(what).in_stage(name)
        })?;
        self.state = State::Idle(file);
        Ok(())
    }

    fn wrote(&mut self, done: Result<Job, JoinError>) -> Result<()> {
        let done = done.map_err(|error| self.place(error.into()))?;
        self.written += done.written;
        match done.result {
            Ok(()) => {
                self.state = done.file.map_or(State::Closed, State::Idle);
                Ok(())
            }
            Err(error) => {
                // What failed half-way is not tried again; a temporary file goes here.
                let what = format!("cannot write {}", self.target.describe());
                Err(self.place(Error::from(error).context(what)))
            }
        }
    }

    /// Runs a job on the open file.
    fn start(&mut self, job: impl FnOnce(Opened) -> Job + Send + 'static) -> Result<()> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Idle(file) => {
                self.state = State::Writing(tokio::task::spawn_blocking(move || job(file)));
                Ok(())
            }
            State::New => {
                self.state = State::New;
                Err(self.place(Error::msg("write before open")))
            }
            State::Closed | State::Opening(_) | State::Writing(_) => {
                Err(self.place(Error::write_after_end()))
            }
        }
    }

    fn place(&self, error: Error) -> Error {
        error.in_stage(self.target.name()).at_offset(self.written)
    }
}

impl<T: Into<Bytes> + AsRef<[u8]> + Send> Destination<T> for FileWrite {
    async fn open(&mut self) -> Result<()> {
        self.settle().await?;
        match self.state {
            State::New => {
                let target = self.target.clone();
                self.state = State::Opening(tokio::task::spawn_blocking(move || target.open()));
                self.settle().await
            }
            State::Closed => Err(self.place(Error::write_after_end())),
            // Kept open by the pipeline before.
            State::Opening(_) | State::Idle(_) | State::Writing(_) => Ok(()),
        }
    }

    async fn write(&mut self, chunk: T) -> Result<()> {
        self.batch.push(chunk.into());
        if self.batch.len() >= GATHER || self.batch.copied() >= GATHER_SMALL {
            return self.send().await;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        if self.batch.is_empty() { self.settle().await } else { self.send().await }
    }

    async fn finish(&mut self) -> Result<()> {
        self.send().await?;
        self.settle().await?;
        let sync = self.sync;
        self.start(move |file| Job { file: None, written: 0, result: file.commit(sync) })?;
        self.settle().await
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        // A job under way is waited for, so that nothing is made or written after this.
        let settled = self.settle().await;
        self.batch = Batch::default();
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Idle(file) => {
                tokio::task::spawn_blocking(move || drop(file)).await?;
                settled
            }
            _ => settled,
        }
    }

    fn weight(&self, chunk: &T) -> usize {
        chunk.as_ref().len()
    }

    fn holds(&self) -> Option<usize> {
        Some(2 * GATHER)
    }

    fn name(&self) -> &'static str {
        self.target.name()
    }
}

/// Writes a batch on the blocking pool.
fn write_all(mut file: Opened, mut batch: Batch) -> Job {
    let mut written = 0;
    let result = loop {
        if batch.is_empty() {
            break Ok(());
        }
        match batch.with_slices(|slices| file.file().write_vectored(slices)) {
            Ok(0) => break Err(ErrorKind::WriteZero.into()),
            Ok(n) => {
                batch.written(n);
                written += n as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
    };
    Job { file: Some(file), written, result }
}

/// Bytes that gather before they are written.
const GATHER: usize = 1024 * 1024;
/// Bytes of small chunks that gather before they are written: these are memory of its own.
const GATHER_SMALL: usize = 256 * 1024;
