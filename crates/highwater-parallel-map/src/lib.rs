//! Work on many items of a stream at the same time.
//!
//! | method | what runs | what comes out |
//! |---|---|---|
//! | [`parallel_map`](ParallelMapExt::parallel_map) | an async function, a task per item | in the order of the input |
//! | [`parallel_map_unordered`](ParallelMapExt::parallel_map_unordered) | the same | as they are done |
//! | [`parallel_map_by_key`](ParallelMapExt::parallel_map_by_key) | the same, one at a time per key | in the order of the input per key |
//! | [`parallel_for_each`](ParallelMapExt::parallel_for_each) | an async function, a task per item | nothing: it resolves to the report |
//! | [`parallel_map_cpu`](ParallelMapExt::parallel_map_cpu) | a plain function, on the pool for blocking calls | in the order of the input |
//!
//! Each item has a task of its own, and a task drives them all: the work goes on while the consumer is busy, and an item
//! that holds a lock which the consumer wants is never left half-way.
//!
//! # Limits and defaults
//!
//! | limit | default | to change it |
//! |---|---|---|
//! | items started and not given | the number that is asked for | none |
//! | their weight | none | [`ParallelMap::with_max_weight`] |
//! | results that wait for the consumer | as many again | none |
//! | time per item | none | [`ParallelMap::with_timeout`] |
//! | attempts per item | 1 | [`ParallelMap::with_retries`] |
//! | an item that fails | ends the stream | [`ParallelMap::on_failure`] |
//!
//! ```
//! use highwater_core::{Readable, Result};
//! use highwater_parallel_map::ParallelMapExt as _;
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! let squares = Readable::from_iter(1..=5_u64).parallel_map(4, |x| async move {
//!     tokio::task::yield_now().await;
//!     Ok(x * x)
//! });
//! assert_eq!(squares.to_vec().await?, [1, 4, 9, 16, 25]);
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod alarm;
mod cpu;
mod driver;
mod flight;
mod intake;
mod item;
mod load;
mod pool;
#[cfg(test)]
mod tests;
mod window;

use std::future::{Future, ready};
use std::hash::Hash;

use highwater_core::{Buffered, Readable, Report, Result, Source};

pub use item::ParallelMap;
pub use pool::WorkerPool;
use window::Keys;

/// Maps on [`Readable`].
///
/// # Backpressure
///
/// With `n` items started and not given, the source is not read; `n` results more may wait for the consumer.
///
/// # Errors
///
/// An item that fails, or panics ([`is_panic`](highwater_core::Error::is_panic)), ends the stream with its error, which has
/// the item's index in the input as its [`chunk`](highwater_core::Error::chunk). In order, what came before it is given
/// first; otherwise it comes when it happens. Nothing is started once it has failed. The error comes when no item runs
/// any more: those that still do are cancelled, or, with [`parallel_map_cpu`](Self::parallel_map_cpu), left to end. An
/// error or a panic of the source comes behind the items before it.
///
/// # Panics
///
/// With an `n` of 0.
pub trait ParallelMapExt<S>: Into<Readable<S>> {
    /// Spawns a task per item, at the most `n` at a time, when it is first read. Gives the results in the order of the
    /// input.
    #[track_caller]
    fn parallel_map<U, F, Fut>(self, n: usize, f: F) -> Readable<Buffered<U>>
    where
        S: Source + Send + 'static,
        S::Chunk: Send + 'static,
        U: Send + 'static,
        F: Fn(S::Chunk) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<U>> + Send + 'static,
    {
        self.into().parallel_map_with(ParallelMap::new(n, f))
    }

    /// [`parallel_map`](Self::parallel_map) with results as they come.
    #[track_caller]
    fn parallel_map_unordered<U, F, Fut>(self, n: usize, f: F) -> Readable<Buffered<U>>
    where
        S: Source + Send + 'static,
        S::Chunk: Send + 'static,
        U: Send + 'static,
        F: Fn(S::Chunk) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<U>> + Send + 'static,
    {
        self.into().parallel_map_with(ParallelMap::new(n, f).unordered())
    }

    /// [`parallel_map`](Self::parallel_map) that keeps the order of items with the same key, and runs one of them at a
    /// time. Items that wait for their key count among the `n`.
    #[track_caller]
    fn parallel_map_by_key<K, U, F, Fut>(
        self,
        n: usize,
        key: impl FnMut(&S::Chunk) -> K + Send + 'static,
        f: F,
    ) -> Readable<Buffered<U>>
    where
        S: Source + Send + 'static,
        S::Chunk: Send + 'static,
        K: Hash + Eq + Clone + Send + 'static,
        U: Send + 'static,
        F: Fn(S::Chunk) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<U>> + Send + 'static,
    {
        driver::map(self.into(), ParallelMap::new(n, f).unordered(), Some(Keys::new(key)))
    }

    /// Calls an async function for each item, at most `n` at a time, and resolves to the report once all are done: Node's
    /// `forEach(f, { concurrency: n })`. It is [`parallel_map_unordered`](Self::parallel_map_unordered), whose results
    /// are dropped.
    ///
    /// # Errors
    ///
    /// The first error of the function or of the source. Nothing is started after it, and the calls in flight are
    /// cancelled before it is returned.
    ///
    /// # Cancel safety
    ///
    /// Is *not* cancel safe: a drop cancels the calls in flight, and their items are lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    /// use highwater_core::{Readable, Result};
    /// use highwater_parallel_map::ParallelMapExt as _;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// static SUM: AtomicU64 = AtomicU64::new(0);
    /// let add = |n| async move {
    ///     SUM.fetch_add(n, Relaxed);
    ///     Ok(())
    /// };
    /// let report = Readable::from_iter(1..=100_u64).parallel_for_each(8, add).await?;
    /// assert_eq!((SUM.load(Relaxed), report.chunks_in()), (5050, 100));
    /// # Ok(()) }
    /// ```
    #[track_caller]
    fn parallel_for_each<F, Fut>(
        self,
        n: usize,
        f: F,
    ) -> impl Future<Output = Result<Report>> + Send
    where
        S: Source + Send + 'static,
        S::Chunk: Send + 'static,
        F: Fn(S::Chunk) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.parallel_map_unordered(n, f).for_each(|()| ready(Ok(())))
    }

    /// Any of these, with a time limit, retries, or a policy for items that fail.
    fn parallel_map_with<U, F, Fut>(self, map: ParallelMap<S::Chunk, F>) -> Readable<Buffered<U>>
    where
        S: Source + Send + 'static,
        S::Chunk: Send + 'static,
        U: Send + 'static,
        F: Fn(S::Chunk) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<U>> + Send + 'static,
    {
        driver::map(self.into(), map, None::<Keys<_, (), _>>)
    }

    /// Runs a function that keeps the processor busy on Tokio's pool for blocking calls, in `n` jobs at a time, and gives
    /// the results in the order of the input. Items cross in batches that take about a millisecond, so that small ones are
    /// worth it, too: up to 256 of them, `n` batches at work and `n` that wait. A job stops between two items when the
    /// readable is dropped.
    #[track_caller]
    fn parallel_map_cpu<U, F>(self, n: usize, f: F) -> Readable<Buffered<U>>
    where
        S: Source + Send + 'static,
        S::Chunk: Send + 'static,
        U: Send + 'static,
        F: Fn(S::Chunk) -> Result<U> + Send + Sync + 'static,
    {
        cpu::map(self.into(), item::checked(n), f)
    }
}

impl<S> ParallelMapExt<S> for Readable<S> {}
