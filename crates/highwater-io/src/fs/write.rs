//! Writing files while the next chunks come.

use std::io;
use std::marker::PhantomData;
use std::path::Path;

use bytes::Bytes;
use highwater_core::{Destination, Error, Result};

use super::gate::Gate;
use super::job::{Executor, Job};
use super::replace::{Attribute, ReplaceOptions};
use super::target::{InPlace, Opened, Target};
use super::writer::{PIPE, Wrote, write_all};
use crate::batch::Batch;

/// The destination made by [`fs::write`](super::write()), [`fs::append`](super::append), [`fs::replace`](super::replace)
/// and [`io::stdout`](crate::io::stdout).
///
/// Its chunks are of any type that converts into [`Bytes`]: `Vec<u8>`, `String`, `&'static str`, `Bytes`.
///
/// # Backpressure
///
/// Up to 1 MiB gathers (of small chunks, which are copied, 256 KiB) while as much is being written on the blocking pool.
///
/// A pipe, a terminal or a device is opened and written by a thread of its own, because such a call may wait for ever.
///
/// # Cancel safety
///
/// What a `write` has accepted is kept here, not in its future: if a `write` is dropped, the chunk is written all the
/// same, once, by what is called next.
///
/// An abort waits for a call on a regular file, so that nothing is made or written afterwards. It does not wait for a
/// pipe, a terminal or a device: at most the 64 KiB that are being written may still arrive there. An abort or a drop
/// while [`fs::replace`](super::replace) ends comes either before the rename, and the old file stays, or after it: then
/// the abort fails with [`is_committed`](Error::is_committed), and the pipeline succeeds, unless the folder could not be
/// synced.
#[derive(Debug)]
pub struct FileWrite<T = Bytes> {
    target: Target,
    sync: bool,
    state: State,
    batch: Batch,
    written: u64,
    gate: Gate,
    not_kept: Vec<Attribute>,
    chunk: PhantomData<fn(T)>,
}

/// ```text
///  New --open--> Opening ----------------------------> Idle <--> Writing
///                   |                                   ^  |
///                   +-(it may wait for ever)-> Waiting -+  +--finish--> Committing --> Closed
/// ```
///
/// An error of `Opening` or `Waiting` leads back to `New`, any other and an abort to `Closed`.
#[derive(Debug)]
enum State {
    New,
    Opening(Job<Opening>),
    Waiting(Job<io::Result<Opened>>, Executor),
    Idle(Opened, Executor),
    Writing(Job<Wrote>, Executor),
    Committing(Job<Committed>, Executor),
    Closed,
}

/// What the blocking pool has done to open a target.
#[derive(Debug)]
enum Opening {
    Done(io::Result<Opened>),
    /// It may wait for ever, so that a thread does it.
    Apart(Executor),
}

/// The file, or nothing if the gate was closed.
type Committed = io::Result<Option<InPlace>>;

impl ReplaceOptions {
    /// Replaces a file: [`fs::replace`](super::replace).
    pub fn replace<T>(&self, path: impl AsRef<Path>) -> FileWrite<T> {
        FileWrite::new(Target::Replace(path.as_ref().to_owned(), self.clone()))
    }
}

impl<T> FileWrite<T> {
    pub(crate) fn new(target: Target) -> Self {
        Self {
            target,
            sync: false,
            state: State::New,
            batch: Batch::default(),
            written: 0,
            gate: Gate::default(),
            not_kept: Vec::new(),
            chunk: PhantomData,
        }
    }

    /// Has the end wait until the file is on the disk (fsync). [`fs::replace`](super::replace) always does.
    #[must_use]
    pub fn sync(mut self) -> Self {
        self.sync = true;
        self
    }

    /// What the new file does not have of the one that [`fs::replace`](super::replace) has replaced; empty before the end.
    ///
    /// A program that cares prints a warning. The pipeline must borrow the destination (`pipe_to(&mut file)`), so that it
    /// can be asked afterwards.
    pub fn not_kept(&self) -> &[Attribute] {
        &self.not_kept
    }

    /// Hands what has gathered to a job, as soon as the one before it is done.
    async fn send(&mut self) -> Result<()> {
        self.settle().await?;
        if self.batch.is_empty() {
            return Ok(());
        }
        let (file, on) = self.take_file()?;
        let (batch, gate) = (std::mem::take(&mut self.batch), self.gate.clone());
        let most = if on.may_wait_for_ever() { PIPE } else { usize::MAX };
        let job = on.run(move || write_all(file, batch, most, &gate), Wrote::discard);
        self.state = State::Writing(job, on);
        Ok(())
    }

    /// Waits until no job has the file. True if a commit has succeeded.
    async fn settle(&mut self) -> Result<bool> {
        let mut committed = false;
        while self.job().is_some() {
            committed |= self.step().await?;
        }
        Ok(committed)
    }

    /// The executor of the job that runs now. Opening begins on the pool.
    fn job(&self) -> Option<&Executor> {
        match &self.state {
            State::Opening(_) => Some(&Executor::Pool),
            State::Waiting(_, on) | State::Writing(_, on) | State::Committing(_, on) => Some(on),
            State::New | State::Idle(..) | State::Closed => None,
        }
    }

    /// Waits for the job that runs now. True if it was a commit and has succeeded.
    async fn step(&mut self) -> Result<bool> {
        // The job stays in its place while it is waited for: this future may be dropped.
        match &mut self.state {
            State::Opening(job) => match job.await {
                Ok(Opening::Apart(on)) => self.open_apart(on),
                Ok(Opening::Done(opened)) => self.opened(Ok(opened), Executor::Pool)?,
                Err(error) => self.opened(Err(error), Executor::Pool)?,
            },
            State::Waiting(job, on) => {
                let (opened, on) = (job.await, on.clone());
                self.opened(opened, on)?;
            }
            State::Writing(job, on) => {
                let (wrote, on) = (job.await, on.clone());
                self.wrote(wrote, on)?;
            }
            State::Committing(job, _) => {
                let committed = job.await;
                return self.committed(committed);
            }
            State::New | State::Idle(..) | State::Closed => {}
        }
        Ok(false)
    }

    fn open_apart(&mut self, on: Executor) {
        let target = self.target.clone();
        let job = on.run(move || target.open(), |opened| opened.map_or((), Opened::discard));
        self.state = State::Waiting(job, on);
    }

    fn opened(&mut self, opened: Result<io::Result<Opened>>, on: Executor) -> Result<()> {
        let name = self.target.name();
        self.state = State::New;
        let file = opened.map_err(|error| error.in_stage(name))?.map_err(|error| {
            let what = format!("cannot open {} for writing", self.target.describe());
            Error::from(error).context(what).in_stage(name)
        })?;
        self.state = State::Idle(file, on);
        Ok(())
    }

    fn wrote(&mut self, wrote: Result<Wrote>, on: Executor) -> Result<()> {
        self.state = State::Closed;
        let wrote = wrote.map_err(|error| self.place(error))?;
        self.written += wrote.written;
        let file = wrote.file.map_err(|error| self.failed(error))?;
        self.state = State::Idle(file, on);
        Ok(())
    }

    fn committed(&mut self, committed: Result<Committed>) -> Result<bool> {
        self.state = State::Closed;
        let committed = committed.map_err(|error| self.place(error))?;
        let committed = committed.map_err(|error| self.failed(error))?;
        let Some(InPlace { not_kept, synced }) = committed else { return Ok(false) };
        self.not_kept = not_kept;
        synced.map(|()| true).map_err(|error| {
            let what =
                format!("{} is replaced, but its folder cannot be synced", self.target.describe());
            self.place(Error::from(error).context(what)).suppress(Error::committed())
        })
    }

    /// The open file, which goes to a job.
    fn take_file(&mut self) -> Result<(Opened, Executor)> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Idle(file, on) => Ok((file, on)),
            State::New => {
                self.state = State::New;
                Err(self.place(Error::msg("write before open")))
            }
            // No job runs: each caller has settled.
            _ => Err(self.place(Error::write_after_end())),
        }
    }

    /// What failed half-way is not tried again.
    fn failed(&self, error: io::Error) -> Error {
        let what = format!("cannot write {}", self.target.describe());
        self.place(Error::from(error).context(what))
    }

    fn place(&self, error: Error) -> Error {
        error.in_stage(self.target.name()).at_offset(self.written)
    }
}

impl<T: Into<Bytes> + AsRef<[u8]> + Send> Destination for FileWrite<T> {
    type Chunk = T;

    async fn open(&mut self) -> Result<()> {
        self.settle().await?;
        match self.state {
            State::New => {
                let target = self.target.clone();
                let job = Executor::Pool.run(move || Opening::of(&target), Opening::discard);
                self.state = State::Opening(job);
                self.settle().await.map(drop)
            }
            State::Closed => Err(self.place(Error::write_after_end())),
            // Kept open by the pipeline before.
            _ => Ok(()),
        }
    }

    fn accept(&mut self, chunk: T) -> Result<Option<T>> {
        if !self.batch.has_room(chunk.as_ref().len(), GATHER, GATHER_SMALL) {
            return Ok(Some(chunk));
        }
        self.batch.push(chunk.into());
        Ok(None)
    }

    async fn write(&mut self, chunk: T) -> Result<()> {
        self.batch.push(chunk.into());
        if self.batch.len() >= GATHER || self.batch.copied() >= GATHER_SMALL {
            return self.send().await;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.send().await?;
        self.settle().await.map(drop)
    }

    /// Hands what has gathered to a job, once the job before it is done.
    async fn on_idle(&mut self) -> Result<()> {
        self.send().await
    }

    async fn finish(&mut self) -> Result<()> {
        self.send().await?;
        self.settle().await?;
        let (sync, gate) = (self.sync, self.gate.clone());
        let (file, on) = self.take_file()?;
        let job = on.run(move || file.commit(sync, &gate), drop);
        self.state = State::Committing(job, on);
        self.settle().await.map(drop)
    }

    async fn abort(&mut self, _: &Error) -> Result<()> {
        // What should arrive was flushed, and has: nothing else is waited for in a pipe.
        self.gate.close();
        self.batch = Batch::default();
        // A job on a regular file is waited for, so that nothing is made or written after this.
        let mut settled = Ok(false);
        while self.job().is_some_and(|on| !on.may_wait_for_ever()) {
            settled = self.step().await;
        }
        if let State::Idle(file, on) = std::mem::replace(&mut self.state, State::Closed) {
            let closed = on.run(move || file.discard(), drop);
            if !on.may_wait_for_ever() {
                closed.await.map_err(|error| self.place(error))?;
            }
        }
        if settled? { Err(self.place(Error::committed())) } else { Ok(()) }
    }

    fn weight(&self, chunk: &T) -> usize {
        chunk.as_ref().len()
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(2 * GATHER)
    }

    fn name(&self) -> &'static str {
        self.target.name()
    }
}

/// Waits for a rename that has begun: afterwards the file at the path stays as it is.
impl<T> Drop for FileWrite<T> {
    fn drop(&mut self) {
        self.gate.close();
    }
}

impl Opening {
    fn of(target: &Target) -> Self {
        if !target.may_wait_for_ever() {
            return Self::Done(target.open());
        }
        Executor::thread(target.name()).map_or_else(|error| Self::Done(Err(error)), Self::Apart)
    }

    fn discard(self) {
        if let Self::Done(Ok(file)) = self {
            file.discard();
        }
    }
}

/// Bytes that gather before they are written.
const GATHER: usize = 1024 * 1024;
/// Bytes of small chunks that gather before they are written: these are memory of its own.
const GATHER_SMALL: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// An abort beside a commit whose folder cannot be synced: the file is in its place, and the failure is told.
    #[tokio::test]
    async fn an_abort_tells_a_failure_after_the_rename() {
        let in_place = || InPlace {
            not_kept: vec![Attribute::Owner],
            synced: Err(io::ErrorKind::StorageFull.into()),
        };
        let job = Executor::Pool.run(move || Ok(Some(in_place())), drop);
        let mut file: FileWrite = super::super::replace("out");
        file.state = State::Committing(job, Executor::Pool);
        let error = Destination::abort(&mut file, &Error::aborted()).await.unwrap_err();
        assert!(error.is_committed(), "{error:?}");
        assert_eq!(error.io_kind(), Some(io::ErrorKind::StorageFull));
        assert_eq!(file.not_kept(), [Attribute::Owner]);
    }
}
