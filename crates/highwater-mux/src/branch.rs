//! One of the ways out, and what happens when it is full.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use highwater_core::stage::StageInfo;
use highwater_core::sync::Mutex;
use highwater_core::{Buffered, Error, HighWaterMark, Readable, Result, Writable, pass_through};

use crate::lock;

/// The settings of a branch. By default it holds 16 items, and who is ahead waits for it.
#[must_use]
pub struct Branch<T> {
    mark: HighWaterMark<T>,
    on_full: OnFull,
    required: bool,
}

/// What becomes of a chunk for a branch that is at its high mark.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum OnFull {
    /// It waits, and the other branches with it.
    Wait,
    /// The oldest in the branch make room for it. They are counted.
    DropOldest(DropCounter),
    /// The branch does without it. It is counted.
    DropNewest(DropCounter),
    /// All branches end with an [`is_limit`](highwater_core::Error::is_limit) error.
    Fail,
    /// This branch ends with an [`is_limit`](highwater_core::Error::is_limit) error behind what it holds; the others go on.
    Detach,
}

/// Counts the chunks that a branch went without.
#[derive(Debug, Clone, Default)]
pub struct DropCounter(Arc<AtomicU64>);

impl DropCounter {
    /// How many so far.
    pub fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn add(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl<T> Branch<T> {
    /// A branch that holds this much before it is full; only [`OnFull::Wait`] heeds its low mark.
    pub fn new(mark: HighWaterMark<T>) -> Self {
        Self { mark, on_full: OnFull::Wait, required: false }
    }

    /// What happens when it is full.
    pub fn on_full(mut self, policy: OnFull) -> Self {
        self.on_full = policy;
        self
    }

    /// When it is dropped before its end, the next chunk for it ends all branches with an
    /// [`is_premature_close`](highwater_core::Error::is_premature_close) error. Otherwise the others go on.
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Both ends of the branch.
    pub(crate) fn open(self) -> (BranchWriter<T>, Readable<BranchReader<T>>)
    where
        T: Send + 'static,
    {
        let Self { mut mark, on_full, required } = self;
        if !matches!(on_full, OnFull::Wait) {
            // Nobody waits for it to drain. Each chunk that is taken out counts as gone at once, so that the branch is not
            // taken for full while it has room.
            let high = mark.high();
            mark = mark.with_low(high);
        }
        let info = StageInfo::new("branch").with_max_bytes(0);
        if !matches!(on_full, OnFull::DropOldest(_)) {
            let (writable, readable) = pass_through(mark);
            let writer = BranchWriter { writable, on_full, required, front: None };
            return (writer, readable.stage(info, BranchReader::Own));
        }
        let (writable, readable) = pass_through(mark);
        let mut front = None;
        let readable = readable.stage(info, |buffered| {
            let inner = Readable::from_source(StageInfo::new("branch"), buffered);
            let shared = Arc::new(Mutex::new(Some(inner)));
            front = Some(Arc::clone(&shared));
            BranchReader::Shared(shared)
        });
        (BranchWriter { writable, on_full, required, front }, readable)
    }
}

impl<T> Default for Branch<T> {
    fn default() -> Self {
        Self::new(HighWaterMark::items(DEFAULT_ITEMS))
    }
}

impl<T> Clone for Branch<T> {
    fn clone(&self) -> Self {
        let (mark, on_full) = (self.mark.clone(), self.on_full.clone());
        Self { mark, on_full, required: self.required }
    }
}

impl<T> fmt::Debug for Branch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Branch")
            .field("mark", &self.mark)
            .field("on_full", &self.on_full)
            .field("required", &self.required)
            .finish()
    }
}

/// A reading end that the writing end may take the oldest out of.
pub(crate) type Front<T> = Arc<Mutex<Option<Readable<Buffered<T>>>>>;

/// The reading end of a branch.
pub(crate) enum BranchReader<T> {
    Own(Buffered<T>),
    Shared(Front<T>),
}

/// The writing end of a branch. Dropped without an end, it closes prematurely.
pub(crate) struct BranchWriter<T> {
    writable: Writable<T>,
    on_full: OnFull,
    required: bool,
    front: Option<Front<T>>,
}

/// What became of a chunk.
pub(crate) enum Offered<T> {
    /// The branch has it, or does without.
    Done,
    /// It has to wait.
    Full(T),
    /// The branch takes no more.
    Gone(T),
}

impl<T> BranchWriter<T> {
    /// Puts a chunk in without waiting.
    ///
    /// # Errors
    ///
    /// All branches end.
    pub(crate) fn offer(&self, chunk: T) -> Result<Offered<T>> {
        let Err(refused) = self.writable.try_write(chunk) else { return Ok(Offered::Done) };
        let (error, chunk) = refused.into_parts();
        if !error.is_overflow() {
            return self.gone(chunk);
        }
        match &self.on_full {
            OnFull::Wait => Ok(Offered::Full(chunk)),
            OnFull::DropOldest(dropped) => self.replace(chunk, dropped),
            OnFull::DropNewest(dropped) => {
                dropped.add();
                Ok(Offered::Done)
            }
            OnFull::Fail => Err(self.full()),
            OnFull::Detach => {
                self.writable.fail(self.full());
                Ok(Offered::Gone(chunk))
            }
        }
    }

    /// Puts in a chunk that has to wait.
    pub(crate) async fn wait(&self, chunk: T) -> Result<Offered<T>> {
        match self.writable.send(chunk).await {
            Ok(()) => Ok(Offered::Done),
            Err(refused) => self.gone(refused.into_chunk()),
        }
    }

    /// Both: never [`Offered::Full`].
    pub(crate) async fn give(&self, chunk: T) -> Result<Offered<T>> {
        match self.offer(chunk)? {
            Offered::Full(chunk) => self.wait(chunk).await,
            done => Ok(done),
        }
    }

    /// Ends the branch as all of them end.
    pub(crate) fn end(&self, result: &Result<()>) {
        match result {
            Ok(()) => self.writable.end(),
            Err(error) => self.writable.fail(error.clone()),
        }
    }

    /// Whether nobody reads it any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.writable.is_destroyed()
    }

    fn replace(&self, mut chunk: T, dropped: &DropCounter) -> Result<Offered<T>> {
        // Dropped behind the lock, because that may run code of the user.
        let mut oldest = Vec::new();
        let mut front = self.front.as_ref().map(|front| lock(front));
        loop {
            let reader = front.as_mut().and_then(|front| front.as_mut());
            let taken = reader.and_then(Readable::read);
            let nothing_left = taken.is_none();
            if !nothing_left {
                dropped.add();
            }
            oldest.extend(taken);
            let Err(refused) = self.writable.try_write(chunk) else { return Ok(Offered::Done) };
            let full = refused.error().is_overflow();
            chunk = refused.into_chunk();
            if !full {
                return self.gone(chunk);
            }
            // A budget that others share may be spent although the branch is empty.
            if nothing_left {
                dropped.add();
                return Ok(Offered::Done);
            }
        }
    }

    fn gone(&self, chunk: T) -> Result<Offered<T>> {
        if self.required {
            return Err(Error::premature_close().context("a required branch was dropped"));
        }
        Ok(Offered::Gone(chunk))
    }

    #[cold]
    fn full(&self) -> Error {
        let high = self.writable.high_water_mark().high();
        Error::limit(format!("a branch is full at its high mark of {high}"))
    }
}

const DEFAULT_ITEMS: usize = 16;
