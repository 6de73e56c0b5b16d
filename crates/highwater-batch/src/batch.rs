//! Batches by number, weight and age.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use highwater_core::operators::Chunks;
use highwater_core::stage::Step;
use highwater_core::{Result, TimedTransform, Transform};

/// Gathers items into vectors, by number, weight and age: [`Batch::new`].
///
/// A batch is given as soon as one of three is reached: it has as many items as [`with_max_items`](Self::with_max_items) says, it
/// weighs as much as [`with_max_weight`](Self::with_max_weight) says, or its first item is as old as
/// [`with_max_age`](Self::with_max_age) says. It is never empty, and it never
/// weighs more than the maximum unless it is a single item. The clock of a batch starts with its first item, and is
/// looked at before every item is taken, so a batch is not late behind a source that always has something.
///
/// At the end of the input the last batch is given, and before an upstream error the one that is held: items are whole,
/// whatever comes behind them.
///
/// It holds one batch at the most, and makes room for items as they come, not for those that a maximum allows. Its
/// settings are made before its first item.
///
/// # Cancel safety
///
/// Nothing is lost when a `next` is dropped: what is held stays in the machine. To get at it when the readable is given
/// up, lend the machine and ask it for the rest:
///
/// ```
/// use std::time::Duration;
/// use highwater_batch::Batch;
/// use highwater_core::{Readable, Result};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<()> {
/// let mut batch = Batch::new().with_max_items(2).with_max_age(Duration::MAX);
/// let source = Readable::from_iter([1, 2, 3]).then(|n| async move {
///     tokio::time::sleep(Duration::from_secs(n * n)).await;
///     Ok(n)
/// });
/// let batches = source.pipe_timed(&mut batch).to_vec();
/// assert!(tokio::time::timeout(Duration::from_secs(4), batches).await.is_err());
/// assert_eq!(batch.into_remainder(), [1]);
/// # Ok(()) }
/// ```
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bytes::Bytes;
/// use highwater_batch::Batch;
/// use highwater_core::{Readable, Result};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// // Up to 3 items, or as many as come within 100 ms.
/// let three = Batch::new().with_max_items(3).with_max_age(Duration::from_millis(100));
/// assert_eq!(Readable::from_iter(1..=4).pipe_timed(three).to_vec().await?, [vec![1, 2, 3], vec![4]]);
///
/// // Up to 4 bytes; a larger item is a batch of its own.
/// let words = Readable::from_iter(["ab", "cd", "efghi", "j"].map(Bytes::from));
/// let batches = words.pipe_timed(Batch::bytes().with_max_bytes(4)).to_vec().await?;
/// assert_eq!(batches, [vec!["ab", "cd"], vec!["efghi"], vec!["j"]]);
/// # Ok(()) }
/// ```
pub struct Batch<T, W = Unweighed> {
    groups: AgelessBatch<T, W>,
    age: Duration,
    /// When the batch is given at the latest. Never, if nothing is held or if no clock goes that far.
    due: Option<Instant>,
}

impl<T> Batch<T> {
    /// Batches of at most 1000 items, no older than 1 second.
    pub fn new() -> Self {
        Self { groups: AgelessBatch::new(), age: AGE, due: None }
    }
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: AsRef<[u8]>> Batch<T, fn(&T) -> usize> {
    /// Batches of at most 1000 items and 1 MiB (2²⁰ bytes), no older than 1 second.
    pub fn bytes() -> Self {
        Batch::new().with_max_bytes(BYTES)
    }
}

impl<T, W> Batch<T, W> {
    /// The most items of a batch.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[must_use]
    #[track_caller]
    pub fn with_max_items(mut self, items: usize) -> Self {
        let items = NonZeroUsize::new(items).expect("a batch of 0 items holds nothing");
        self.groups.chunks = Chunks::new(items);
        self
    }

    /// Lets a batch have any number of items: then its weight and age alone bound what is held in memory.
    #[must_use]
    pub fn unlimited_items(self) -> Self {
        self.with_max_items(usize::MAX)
    }

    /// The most that a batch weighs, and what an item weighs. With 0 every item is a batch of its own.
    ///
    /// An item that would make the batch too heavy is the first of the next one.
    #[must_use]
    pub fn with_max_weight<F: FnMut(&T) -> usize>(self, weight: usize, weigh: F) -> Batch<T, F> {
        let groups =
            AgelessBatch { chunks: self.groups.chunks, weigh, max_weight: weight, weight: 0 };
        Batch { groups, age: self.age, due: self.due }
    }

    /// The most bytes of a batch, where an item is bytes.
    #[must_use]
    pub fn with_max_bytes(self, bytes: usize) -> Batch<T, fn(&T) -> usize>
    where
        T: AsRef<[u8]>,
    {
        self.with_max_weight(bytes, |item| item.as_ref().len())
    }

    /// How long the first item of a batch waits for others at the most. With 0 it waits for none.
    ///
    /// Tokio's timers are exact to a millisecond. A batch that is not asked for waits longer.
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Lets an item wait for others for as long as it takes. What is left is a plain [`Transform`], which needs no clock
    /// and takes as long as [`Readable::chunks`](highwater_core::Readable::chunks) per item.
    ///
    /// ```
    /// use highwater_batch::Batch;
    /// use highwater_core::{Readable, Result};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let pairs = Batch::new().with_max_items(2).unlimited_age();
    /// assert_eq!(Readable::from_iter(1..=3).pipe(pairs).to_vec().await?, [vec![1, 2], vec![3]]);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn unlimited_age(self) -> AgelessBatch<T, W> {
        self.groups
    }

    /// The items that were taken and not given: nothing is lost of a stream that is given up.
    #[must_use]
    pub fn into_remainder(self) -> Vec<T> {
        self.groups.into_remainder()
    }
}

impl<T, W: Weigh<T>> TimedTransform for Batch<T, W> {
    type Input = T;
    type Output = Vec<T>;

    #[inline]
    fn write(&mut self, item: T, now: Instant) -> Result<Option<Vec<T>>> {
        let is_first = self.groups.chunks.held().is_empty();
        let batch = self.groups.write(item)?;
        if self.groups.chunks.held().is_empty() {
            self.due = None;
        } else if is_first || batch.is_some() {
            self.due = now.checked_add(self.age);
        }
        Ok(batch)
    }

    #[inline]
    fn read(&mut self, now: Instant) -> Result<Step<Vec<T>>> {
        if self.due.is_some_and(|due| due <= now) {
            self.release(now)?;
        }
        Ok(match (self.groups.read()?, self.due) {
            (Some(batch), _) => Step::Output(batch),
            (None, Some(due)) => Step::NeedsInputOr(due),
            (None, None) => Step::NeedsInput,
        })
    }

    fn end(&mut self, now: Instant) -> Result<()> {
        self.release(now)
    }

    /// Gives the items held, so that none is lost before an upstream error.
    fn release(&mut self, _: Instant) -> Result<()> {
        self.due = None;
        self.groups.release()
    }

    fn name(&self) -> &'static str {
        "batch"
    }
}

impl<T, W> fmt::Debug for Batch<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("held", &self.groups.chunks.held().len())
            .field("weight", &self.groups.weight)
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}

/// A [`Batch`] without a clock: [`Batch::unlimited_age`].
///
/// It gathers by number and weight alone, and holds an incomplete batch for as long as its source takes.
pub struct AgelessBatch<T, W = Unweighed> {
    chunks: Chunks<T>,
    weigh: W,
    max_weight: usize,
    /// Of what is held, which is always less than the maximum: a batch that reaches it is given.
    weight: usize,
}

impl<T> AgelessBatch<T> {
    fn new() -> Self {
        Self { chunks: Chunks::new(ITEMS), weigh: Unweighed, max_weight: usize::MAX, weight: 0 }
    }
}

impl<T, W> AgelessBatch<T, W> {
    /// The items that were taken and not given: nothing is lost of a stream that is given up.
    #[must_use]
    pub fn into_remainder(self) -> Vec<T> {
        self.chunks.into_remainder()
    }
}

impl<T, W: Weigh<T>> Transform for AgelessBatch<T, W> {
    type Input = T;
    type Output = Vec<T>;

    #[inline]
    fn write(&mut self, item: T) -> Result<Option<Vec<T>>> {
        if !W::WEIGHS {
            return self.chunks.write(item);
        }
        let weight = self.weigh.weigh(&item);
        let mut batch = None;
        if weight > self.max_weight - self.weight {
            self.release()?;
            batch = self.chunks.read()?;
        }
        self.weight = self.weight.saturating_add(weight);
        if let Some(full) = self.chunks.write(item)? {
            self.weight = 0;
            return Ok(Some(full));
        }
        if self.weight >= self.max_weight {
            self.release()?;
        }
        if batch.is_some() { Ok(batch) } else { self.chunks.read() }
    }

    #[inline]
    fn read(&mut self) -> Result<Option<Vec<T>>> {
        self.chunks.read()
    }

    fn end(&mut self) -> Result<()> {
        self.release()
    }

    /// Gives the items held, so that none is lost before an upstream error.
    fn release(&mut self) -> Result<()> {
        self.weight = 0;
        self.chunks.release()
    }

    fn name(&self) -> &'static str {
        "batch"
    }
}

impl<T, W> fmt::Debug for AgelessBatch<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgelessBatch")
            .field("held", &self.chunks.held().len())
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

/// Says what an item weighs: a closure, or [`Unweighed`].
pub trait Weigh<T> {
    /// False if every item weighs 0: then none is asked for its weight.
    const WEIGHS: bool = true;

    /// The weight of an item.
    fn weigh(&mut self, item: &T) -> usize;
}

impl<T, F: FnMut(&T) -> usize> Weigh<T> for F {
    #[inline]
    fn weigh(&mut self, item: &T) -> usize {
        self(item)
    }
}

/// Items weigh nothing: a batch is as heavy as it likes.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Unweighed;

impl<T> Weigh<T> for Unweighed {
    const WEIGHS: bool = false;

    #[inline]
    fn weigh(&mut self, _: &T) -> usize {
        0
    }
}

/// Items of a batch, unless said otherwise.
const ITEMS: NonZeroUsize = NonZeroUsize::new(1000).expect("not zero");
/// Bytes of a batch of bytes, unless said otherwise.
const BYTES: usize = 1 << 20;
/// How long the first item waits, unless said otherwise.
const AGE: Duration = Duration::from_secs(1);
