//! Node's operators, on values: errors pass by themselves.
//!
//! They also stand before the methods of the same name of `futures::StreamExt`, which would work on results and leave
//! [`Readable`] without a word.

use std::future::Future;
use std::num::NonZeroUsize;

use super::{Pipe, Plain, Timed};
use crate::error::Result;
use crate::operators::{
    Chunks, Enumerate, Filter, FilterMap, FlatMap, Inspect, Map, Scan, Skip, SkipWhile, Take,
    TakeWhile, TryMap, Verdict,
};
use crate::readable::{Readable, Source};
use crate::stage::StageInfo;
use crate::transform::{Out, TimedTransform, Transform, TransformFn, transform_fn};

/// A readable with a [`Transform`] behind it.
pub type Piped<S, M> = Readable<Pipe<S, Plain<M>>>;

/// A readable with a [`TimedTransform`] behind it.
pub type PipedTimed<S, M> = Readable<Pipe<S, Timed<M>>>;

/// Machines behind a source.
impl<S: Source> Readable<S> {
    /// Puts a machine behind: Node's `pipe` of a `Transform`.
    pub fn pipe<M: Transform<Input = S::Chunk>>(self, machine: M) -> Piped<S, M> {
        let info = StageInfo::new(machine.name()).with_max_bytes(machine.max_bytes());
        info.meter().steady();
        self.counted_stage(info, |source, tally| Pipe::new(source, Plain(machine), tally))
    }

    /// Puts a machine behind that acts on time.
    pub fn pipe_timed<M: TimedTransform<Input = S::Chunk>>(self, machine: M) -> PipedTimed<S, M> {
        let info = StageInfo::new(machine.name()).with_max_bytes(machine.max_bytes());
        self.counted_stage(info, |source, tally| Pipe::new(source, Timed::new(machine), tally))
    }
}

/// Operators on values.
impl<S: Source> Readable<S> {
    /// Turns each chunk into another.
    pub fn map<O, F>(self, f: F) -> Piped<S, Map<S::Chunk, F>>
    where
        F: FnMut(S::Chunk) -> O,
    {
        self.pipe(Map::new(f))
    }

    /// Turns each chunk into another, or ends the stream with an error. `?` in the closure takes every standard error.
    pub fn try_map<O, F>(self, f: F) -> Piped<S, TryMap<S::Chunk, F>>
    where
        F: FnMut(S::Chunk) -> Result<O>,
    {
        self.pipe(TryMap::new(f))
    }

    /// Passes the chunks for which `f` returns true. `f` may return `Result<bool>`; its error ends the stream.
    pub fn filter<V, F>(self, f: F) -> Piped<S, Filter<S::Chunk, F>>
    where
        V: Verdict,
        F: FnMut(&S::Chunk) -> V,
    {
        self.pipe(Filter::new(f))
    }

    /// Passes the chunks for which an async closure resolves to true, asked one after the other. The future must not borrow
    /// the chunk: clone what it needs.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{Readable, Result};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// async fn is_allowed(id: u32) -> Result<bool> {
    ///     Ok(id != 2)
    /// }
    ///
    /// let allowed = Readable::from_iter(1..=3).filter_async(|id| is_allowed(*id));
    /// assert_eq!(allowed.to_vec().await?, [1, 3]);
    /// # Ok(()) }
    /// ```
    pub fn filter_async<F, Fut>(self, mut f: F) -> Readable<impl Source<Chunk = S::Chunk>>
    where
        F: FnMut(&S::Chunk) -> Fut,
        Fut: Future<Output = Result<bool>>,
    {
        self.then(move |chunk| {
            let verdict = f(&chunk);
            async move { Ok(verdict.await?.then_some(chunk)) }
        })
        .filter_map(|chunk| chunk)
    }

    /// Passes what `f` makes of each chunk, if anything.
    pub fn filter_map<O, F>(self, f: F) -> Piped<S, FilterMap<S::Chunk, F>>
    where
        F: FnMut(S::Chunk) -> Option<O>,
    {
        self.pipe(FilterMap::new(f))
    }

    /// Turns each chunk into any number of others, in order. One is held at a time, so the number has no bound.
    pub fn flat_map<It, F>(self, f: F) -> Piped<S, FlatMap<S::Chunk, It, F>>
    where
        It: IntoIterator,
        F: FnMut(S::Chunk) -> It,
    {
        self.pipe(FlatMap::new(f))
    }

    /// Node's push style for a one-off: `f` gets a state, a chunk, and where to push what comes of it.
    ///
    /// [`transform_fn`] makes the same as a value, to which a `flush` can be added.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{Readable, Result};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let seen = Readable::from_iter([1, 1, 2, 2, 1]).transform(None, |last, chunk, out| {
    ///     if *last != Some(chunk) {
    ///         out.push(chunk);
    ///     }
    ///     *last = Some(chunk);
    ///     Ok(())
    /// });
    /// assert_eq!(seen.to_vec().await?, [1, 2, 1]);
    /// # Ok(()) }
    /// ```
    pub fn transform<St, O, F>(self, state: St, f: F) -> Piped<S, TransformFn<St, S::Chunk, O, F>>
    where
        F: FnMut(&mut St, S::Chunk, &mut Out<O>) -> Result<()>,
    {
        self.pipe(transform_fn(state, f))
    }

    /// Shows each chunk to `f` and passes it on.
    pub fn inspect<F>(self, f: F) -> Piped<S, Inspect<S::Chunk, F>>
    where
        F: FnMut(&S::Chunk),
    {
        self.pipe(Inspect::new(f))
    }

    /// The first `n` chunks. The source is dropped with the last of them, not one later.
    pub fn take(self, n: usize) -> Piped<S, Take<S::Chunk>> {
        self.pipe(Take::new(n))
    }

    /// All but the first `n` chunks.
    #[doc(alias = "drop")]
    pub fn skip(self, n: usize) -> Piped<S, Skip<S::Chunk>> {
        self.pipe(Skip::new(n))
    }

    /// The chunks before the first that `f` refuses. The source is dropped there.
    pub fn take_while<V, F>(self, f: F) -> Piped<S, TakeWhile<S::Chunk, F>>
    where
        V: Verdict,
        F: FnMut(&S::Chunk) -> V,
    {
        self.pipe(TakeWhile::new(f))
    }

    /// The chunks from the first that `f` refuses.
    pub fn skip_while<V, F>(self, f: F) -> Piped<S, SkipWhile<S::Chunk, F>>
    where
        V: Verdict,
        F: FnMut(&S::Chunk) -> V,
    {
        self.pipe(SkipWhile::new(f))
    }

    /// Carries a state along; ends when `f` gives `None`.
    pub fn scan<St, O, F>(self, state: St, f: F) -> Piped<S, Scan<S::Chunk, St, F>>
    where
        F: FnMut(&mut St, S::Chunk) -> Option<O>,
    {
        self.pipe(Scan::new(state, f))
    }

    /// Numbers the chunks from 0.
    pub fn enumerate(self) -> Piped<S, Enumerate<S::Chunk>> {
        self.pipe(Enumerate::new())
    }

    /// Groups of `n` chunks; the last one may be smaller. An error comes behind the group it interrupts.
    ///
    /// # Panics
    ///
    /// If `n` is 0.
    #[track_caller]
    pub fn chunks(self, n: usize) -> Piped<S, Chunks<S::Chunk>> {
        let size = NonZeroUsize::new(n).expect("groups of 0 chunks hold nothing");
        self.pipe(Chunks::new(size))
    }
}
