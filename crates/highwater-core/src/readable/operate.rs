//! Node's operators, on values: errors pass by themselves.
//!
//! They also stand before the methods of the same name of `futures::StreamExt`, which would work on results and leave
//! [`Readable`] without a word.

use std::future::Future;
use std::num::NonZeroUsize;

use tokio_util::sync::CancellationToken;

use super::{
    AbortOn, Concat, Life, Piped, Readable, Source, StageInfo, TakeUntil, Then, UntilError, Zip,
};
use crate::operators::{
    Chunks, Enumerate, Filter, FilterMap, FlatMap, Inspect, Map, Scan, Skip, SkipWhile, Take,
    TakeWhile, TryMap, Verdict,
};
use crate::task::Cancelled;
use crate::{Error, Out, Result, TransformFn, transform_fn};

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

    /// Turns each chunk into what an async closure makes of it, one after the other, in order.
    ///
    /// The closure returns a [`Result`]; its error ends the stream. The future lives in one box per stage, not per
    /// chunk.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: a future under way stays in the stage and goes on at the next poll.
    pub fn then<O, F, Fut>(self, f: F) -> Readable<Then<S, F, Fut>>
    where
        F: FnMut(S::Chunk) -> Fut,
        Fut: Future<Output = Result<O>>,
    {
        let info = StageInfo::new("then").with_max_bytes(0).passing();
        let meter = info.meter().clone();
        self.stage(info, |source| Then::new(source, f, meter))
    }

    /// The chunks of this one, then those of `next`, which is read when this one has ended.
    pub fn chain<S2>(self, next: Readable<S2>) -> Readable<Concat<S, S2>>
    where
        S2: Source<Chunk = S::Chunk>,
    {
        let second_failed = next.has_failed();
        let (second, plan) = next.into_parts();
        let sources = [self.plan.source_name(), plan.source_name()];
        let info = StageInfo::new("chain").with_max_bytes(0).combines().passing();
        let meter = info.meter().clone();
        let mut both =
            self.stage(info, |first| Concat::new(first, second, second_failed, sources, meter));
        both.plan.append_later(plan);
        both
    }

    /// Pairs of chunks, until one of the two ends; the other is dropped then.
    pub fn zip<S2: Source>(self, other: Readable<S2>) -> Readable<Zip<S, S2>> {
        let second_failed = other.has_failed();
        let (second, plan) = other.into_parts();
        let sources = [self.plan.source_name(), plan.source_name()];
        let info = StageInfo::new("zip").with_max_bytes(0).combines();
        let meter = info.meter().clone();
        let mut both = self.stage(info, |first| Zip::new(first, second, sources, meter));
        both.life = if second_failed { Life::Broken } else { both.life };
        both.plan.append(plan);
        both
    }

    /// The chunks until `until` resolves; the source is dropped then.
    ///
    /// This is a clean end: a destination behind it commits what it has. Use [`abort_on`](Self::abort_on) for a stop that
    /// must not be taken for the end.
    pub fn take_until<Fut: Future>(self, until: Fut) -> Readable<TakeUntil<S, Fut>> {
        let info = StageInfo::new("take_until").with_max_bytes(0).passing();
        let meter = info.meter().clone();
        self.stage(info, |source| TakeUntil::new(source, until, meter))
    }

    /// The chunks until the token is cancelled; then the source is dropped and the stream fails with an
    /// [`is_aborted`](crate::Error::is_aborted) error, however it is read. Node's `addAbortSignal`.
    ///
    /// The token is looked at before each chunk. A pipeline behind it aborts its destination, so that a file that was to be
    /// replaced stays as it was.
    ///
    /// It stops the source and the stages before it. A stage behind it that waits, and a destination that does not complete
    /// a write, do not see the token, and chunks in a buffer behind it are delivered before the error. A pipeline opens its
    /// destination, which makes the file of `fs::write` empty, although the token is cancelled already.
    /// [`Pipeline::abort_on`](crate::Pipeline::abort_on) stops all of these as well.
    ///
    /// # Errors
    ///
    /// That of the stream, or `is_aborted`.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{CancellationToken, Readable};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
    /// let token = CancellationToken::new();
    /// let mut endless = Readable::from_iter(0_u64..).abort_on(token.clone());
    /// assert_eq!(endless.next().await.transpose()?, Some(0));
    /// token.cancel();
    /// assert!(endless.next().await.is_some_and(|next| next.is_err_and(|error| error.is_aborted())));
    /// # Ok(()) }
    /// ```
    #[doc(alias = "addAbortSignal")]
    pub fn abort_on(self, token: CancellationToken) -> Readable<AbortOn<S>> {
        let cancelled = Cancelled::new(token.clone());
        let info =
            StageInfo::new("abort_on").with_max_bytes(0).passing().token(token, cancelled.signal());
        self.stage(info, |source| AbortOn::new(source, cancelled))
    }

    /// Ends cleanly where it would fail: the error goes to `f` instead of down the stream. For one of several sources whose
    /// end is its own business, such as a connection among those that are merged.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{Error, Readable, Result};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let mut why = None;
    /// let broken = Readable::from_iter(["1", "2", "three", "4"]).try_map(|n| Ok(n.parse::<u32>()?));
    /// assert_eq!(broken.until_error(|error| why = Some(error)).to_vec().await?, [1, 2]);
    /// assert_eq!(why.as_ref().and_then(Error::chunk), Some(2));
    /// # Ok(()) }
    /// ```
    pub fn until_error<F: FnOnce(Error)>(self, f: F) -> Readable<UntilError<S, F>> {
        let info = StageInfo::new("until_error").with_max_bytes(0);
        let meter = info.meter().clone();
        self.stage(info, |source| UntilError::new(source, f, meter))
    }
}
