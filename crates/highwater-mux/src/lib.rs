//! Many streams into one, and one into many.
//!
//! | what | does |
//! |---|---|
//! | [`merge`], [`merge_with_handle`] | gives the chunks of many inputs as they come, in turns; inputs come and go while it runs |
//! | [`tee`](MuxExt::tee), [`broadcast`](MuxExt::broadcast) | gives every chunk to every branch |
//! | [`route`](MuxExt::route), [`route_to`](MuxExt::route_to) | gives every chunk to one branch, which a function chooses |
//! | [`demux`](MuxExt::demux) | gives every key a stream of its own |
//! | `session`, with the feature `framed` | carries many streams over one connection |
//!
//! A merge runs on the task that reads it. The others are driven by one task, which is spawned when a branch is first
//! read, ends with the last of them, and is waited for by the pipeline of the last.
//!
//! # Limits and defaults
//!
//! | limit | default | to change it |
//! |---|---|---|
//! | inputs of a merge with a handle | none: it is asked for | [`merge_with_handle`] |
//! | chunks that wait for a branch | 16 items | [`Branch::new`] |
//! | a branch that is full | the others wait for it | [`Branch::on_full`] |
//! | a branch that is dropped | the others go on | [`Branch::required`] |
//! | keys at the same time | 1024 | [`Demux::with_max_keys`] |
//! | one key more | an [`is_limit`](highwater_core::Error::is_limit) error | [`Demux::evict`] |
//! | chunks that wait for a key | 16 items | [`Demux::branch`] |
//! | new keys that wait for the consumer | 16 | none |
//!
//! A branch holds its mark and one chunk, so `n` branches with a mark of `m` hold `n * (m + 1)` at the most, and a demux
//! as much for each key.
//!
//! ```
//! use highwater_core::{Readable, Result};
//! use highwater_mux::{MuxExt as _, merge};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! let (even, odd) = Readable::from_iter(0..10_u32).route(|x| x % 2 == 0);
//! let mut all = merge([even, odd]).to_vec().await?;
//! all.sort();
//! assert!(all.into_iter().eq(0..10));
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod branch;
mod demux;
mod fan_out;
mod merge;
#[cfg(feature = "framed")]
pub mod session;
mod spread;
#[cfg(test)]
mod tests;

use std::hash::Hash;
use std::sync::PoisonError;

use highwater_core::sync::{Mutex, MutexGuard};
use highwater_core::{Readable, Source};

pub use branch::{Branch, DropCounter, OnFull};
pub use demux::{Demux, Streams};
pub use fan_out::{BranchSource, Branched};
pub use merge::{InputId, Merge, MergeHandle, Refused, merge, merge_with_handle};
pub use spread::Broadcast;

/// Ways to split a [`Readable`].
///
/// # Backpressure
///
/// A branch that is full and [waits](OnFull::Wait) holds up all: the source is read as fast as the slowest of these reads.
/// So all branches are read at the same time: who reads one to its end before the next waits for ever as soon as the
/// others are full. A branch with another policy never holds up anybody.
///
/// # Errors
///
/// An error of the source, or a panic, comes to every branch, behind the chunks before it. A branch that fails by its own
/// policy leaves the others alone, except with [`OnFull::Fail`] and [`Branch::required`].
pub trait MuxExt<S>: Sized {
    /// Gives every chunk to each of `n` branches, which wait for each other: each may be 16 chunks ahead. Spawns a task
    /// when one is first read.
    ///
    /// # Panics
    ///
    /// With an `n` of 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{Readable, Result};
    /// use highwater_mux::MuxExt as _;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let mut branches = Readable::from_iter(1..=100_u32).tee(2);
    /// let (all, few) = (branches.remove(0), branches.remove(0));
    /// let (all, few) = tokio::try_join!(all.to_vec(), few.take(3).to_vec())?;
    /// assert_eq!((all.len(), few), (100, vec![1, 2, 3]));
    /// # Ok(()) }
    /// ```
    #[track_caller]
    fn tee(self, n: usize) -> Vec<Branched<S::Chunk>>
    where
        S: Source + Send + 'static,
        S::Chunk: Clone + Send + 'static,
    {
        assert!(n > 0, "a tee of 0 branches would never be read");
        self.broadcast((0..n).map(|_| Branch::default())).1
    }

    /// [`tee`](Self::tee) with a policy for each branch, and a handle by which more branches come while it runs.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{HighWaterMark, Readable, Result};
    /// use highwater_mux::{Branch, DropCounter, MuxExt as _, OnFull};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let dropped = DropCounter::default();
    /// let latest = Branch::new(HighWaterMark::items(1)).on_full(OnFull::DropOldest(dropped.clone()));
    /// let (_, mut branches) = Readable::from_iter(0..100_u32).broadcast([Branch::default(), latest]);
    /// let (latest, all) = (branches.remove(1), branches.remove(0));
    /// assert_eq!(all.to_vec().await?.len(), 100);
    /// assert_eq!((latest.to_vec().await?, dropped.count()), (vec![99], 99));
    /// # Ok(()) }
    /// ```
    fn broadcast(
        self,
        branches: impl IntoIterator<Item = Branch<S::Chunk>>,
    ) -> (Broadcast<S::Chunk>, Vec<Branched<S::Chunk>>)
    where
        S: Source + Send + 'static,
        S::Chunk: Clone + Send + 'static;

    /// Two branches: the chunks that `f` approves, and the others. A chunk for a branch that was dropped is dropped.
    ///
    /// There is an example at the [crate].
    fn route(
        self,
        mut f: impl FnMut(&S::Chunk) -> bool + Send + 'static,
    ) -> (Branched<S::Chunk>, Branched<S::Chunk>)
    where
        S: Source + Send + 'static,
        S::Chunk: Send + 'static,
    {
        let branches = [Branch::default(), Branch::default()];
        let [yes, no] = self.route_to(branches, move |chunk| usize::from(!f(chunk)));
        (yes, no)
    }

    /// Gives each chunk to the branch whose index, from 0, `choose` tells; one that is not there ends all with an error.
    /// A chunk for a branch that was dropped is dropped, unless that is [`required`](Branch::required).
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{HighWaterMark, Readable, Result};
    /// use highwater_mux::{Branch, MuxExt as _};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let branches = [1, 8, 64].map(|items| Branch::new(HighWaterMark::items(items)));
    /// let [a, b, c] = Readable::from_iter(0..9_usize).route_to(branches, |x| x % 3);
    /// let (a, b, c) = tokio::try_join!(a.to_vec(), b.to_vec(), c.to_vec())?;
    /// assert_eq!((a, b, c), (vec![0, 3, 6], vec![1, 4, 7], vec![2, 5, 8]));
    /// # Ok(()) }
    /// ```
    fn route_to<const N: usize>(
        self,
        branches: [Branch<S::Chunk>; N],
        choose: impl FnMut(&S::Chunk) -> usize + Send + 'static,
    ) -> [Branched<S::Chunk>; N]
    where
        S: Source + Send + 'static,
        S::Chunk: Send + 'static;

    /// A stream for each key, given with its key when its first chunk comes. See [`Demux`] for the limits.
    ///
    /// Reading the keys is what drives the streams: when that readable is dropped before its end, the streams close
    /// prematurely. A key whose stream was dropped gets a new one with its next chunk.
    ///
    /// There is an example at [`Demux`].
    fn demux<K, F>(self, demux: Demux<S::Chunk, F>) -> Streams<K, S::Chunk>
    where
        S: Source + Send + 'static,
        S::Chunk: Send + 'static,
        K: Hash + Eq + Clone + Send + 'static,
        F: FnMut(&S::Chunk) -> K + Send + 'static;
}

impl<S> MuxExt<S> for Readable<S> {
    fn broadcast(
        self,
        branches: impl IntoIterator<Item = Branch<S::Chunk>>,
    ) -> (Broadcast<S::Chunk>, Vec<Branched<S::Chunk>>)
    where
        S: Source + Send + 'static,
        S::Chunk: Clone + Send + 'static,
    {
        spread::spread("tee", self, branches, spread::ToAll)
    }

    fn route_to<const N: usize>(
        self,
        branches: [Branch<S::Chunk>; N],
        choose: impl FnMut(&S::Chunk) -> usize + Send + 'static,
    ) -> [Branched<S::Chunk>; N]
    where
        S: Source + Send + 'static,
        S::Chunk: Send + 'static,
    {
        let (_, readables) = spread::spread("route", self, branches, spread::ToOne(choose));
        readables.try_into().expect("there is a readable for each branch")
    }

    fn demux<K, F>(self, demux: Demux<S::Chunk, F>) -> Streams<K, S::Chunk>
    where
        S: Source + Send + 'static,
        S::Chunk: Send + 'static,
        K: Hash + Eq + Clone + Send + 'static,
        F: FnMut(&S::Chunk) -> K + Send + 'static,
    {
        demux::demux(self, demux)
    }
}

/// Nothing that is locked here is left half-way by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
