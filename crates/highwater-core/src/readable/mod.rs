//! The reading side: a source and the stages behind it.

mod abort;
mod catch;
mod combine;
mod flatten;
mod source;
mod sources;
mod timeout;

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use pin_project_lite::pin_project;
use tokio_util::io::StreamReader;

pub use abort::AbortOn;
pub use catch::CatchUnwind;
pub use combine::{Concat, TakeUntil, Then, UntilError, Zip};
pub use flatten::Flatten;
pub use source::Source;
pub use sources::{FromIter, FromResults, FromStream, Once};
pub use timeout::Timeout;

use crate::error::{Error, Result};
use crate::pace::Pace;
use crate::stage::{Plan, StageCounter, StageInfo};

pin_project! {
    /// Node's `Readable`: a source with operators, iterated with [`next`](Self::next) or as a [`Stream`] of results.
    ///
    /// It is lazy: nothing is read before somebody asks. The operators fuse into one state machine on the task that
    /// reads; nothing is spawned, and nothing is allocated per chunk.
    ///
    /// # Errors
    ///
    /// An error comes in its place: behind the chunks that were read before it. After it, the stream is over.
    ///
    /// # Cancel safety
    ///
    /// Dropping a `next` that has not resolved loses nothing. Dropping the readable drops its source.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{Readable, Result};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let mut even = Readable::from_iter(0..10_u32).filter(|x| x % 2 == 0).take(2);
    /// while let Some(x) = even.next().await {
    ///     println!("{}", x?);
    /// }
    /// # Ok(()) }
    /// ```
    #[doc = include_str!("methods.md")]
    #[must_use = "a readable does nothing unless it is read"]
    pub struct Readable<S> {
        #[pin]
        source: S,
        pace: Pace,
        life: Life,
        plan: Plan,
    }
}

/// How far a readable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Open,
    Ended,
    /// It has given its error.
    Failed,
    /// Made of one that had failed: it begins with an error, so that nobody takes the rest for the whole.
    Broken,
}

/// A readable whose type is only its chunk: to store it, to return it, to choose between two at run time.
pub type BoxReadable<T> = Readable<Pin<Box<dyn Stream<Item = Result<T>> + Send>>>;

/// Made of parts: what operators of other crates are written with.
impl<S> Readable<S> {
    /// A readable of a source that describes itself.
    ///
    /// The source attributes its own errors where it can say more than its name. It says
    /// `None` for ever once it is over. A source of large chunks spends Tokio's budget by their size ([`Coop`](crate::stage::Coop)).
    pub fn from_source(info: StageInfo, source: S) -> Self
    where
        S: Source,
    {
        let mut plan = Plan::default();
        plan.push(info);
        Self { source, pace: Pace::default(), life: Life::Open, plan }
    }

    /// Puts a stage behind what is there. `wrap` gets the source so far and gives the new one.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_core::Stream;
    /// use highwater_core::{Readable, Result, Source};
    /// use highwater_core::stage::StageInfo;
    ///
    /// struct Counted<S>(S);
    /// # impl<S: Stream + Unpin> Stream for Counted<S> {
    /// #     type Item = S::Item;
    /// #     fn poll_next(
    /// #         mut self: std::pin::Pin<&mut Self>,
    /// #         cx: &mut std::task::Context<'_>,
    /// #     ) -> std::task::Poll<Option<S::Item>> {
    /// #         std::pin::Pin::new(&mut self.0).poll_next(cx)
    /// #     }
    /// # }
    ///
    /// impl<S: Source + Unpin> Source for Counted<S> {
    ///     type Chunk = S::Chunk;
    /// }
    ///
    /// trait CountedExt<S> {
    ///     fn counted(self) -> Readable<Counted<S>>;
    /// }
    ///
    /// impl<S> CountedExt<S> for Readable<S> {
    ///     fn counted(self) -> Readable<Counted<S>> {
    ///         self.stage(StageInfo::new("counted"), Counted)
    ///     }
    /// }
    /// ```
    pub fn stage<S2>(mut self, info: StageInfo, wrap: impl FnOnce(S) -> S2) -> Readable<S2> {
        self.plan.push(info);
        Readable::from_parts(wrap(self.source), self.plan).behind(self.life)
    }

    /// As [`stage`](Self::stage), for a stage that counts its chunks.
    pub(crate) fn counted_stage<S2>(
        self,
        info: StageInfo,
        wrap: impl FnOnce(S, StageCounter) -> S2,
    ) -> Readable<S2> {
        let tally = StageCounter::new(info.meter().clone());
        self.stage(info, |source| wrap(source, tally))
    }

    /// As [`stage`](Self::stage), for a stage that gives chunks of its own before it reads its source.
    ///
    /// `wrap` gets the error of a source that had failed before, which the stage gives in the place of the source's chunks.
    pub fn stage_behind<S2>(
        mut self,
        info: StageInfo,
        wrap: impl FnOnce(S, Option<Error>) -> S2,
    ) -> Readable<S2> {
        let failed = self.has_failed().then(|| claim(Error::premature_close(), &self.plan));
        self.plan.push(info);
        Readable::from_parts(wrap(self.source, failed), self.plan)
    }

    /// The readable for whoever reads it from here on: one that has failed and said so begins with a premature close, so
    /// that nobody takes it for an empty one. For operators that do not put a [`stage`](Self::stage) behind it.
    pub fn handed_over(self) -> Self {
        let life = self.life;
        self.behind(life)
    }

    /// Takes over how far the readable was that this one is made of.
    fn behind(mut self, before: Life) -> Self {
        if matches!(before, Life::Failed | Life::Broken) {
            self.life = Life::Broken;
        }
        self
    }

    /// Whether it has failed, or is made of one that had.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.life, Life::Failed | Life::Broken)
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn source_ref(&self) -> &S {
        &self.source
    }

    pub(crate) fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    pub(crate) fn into_parts(self) -> (S, Plan) {
        (self.source, self.plan)
    }

    pub(crate) fn from_parts(source: S, plan: Plan) -> Self {
        Self { source, pace: Pace::default(), life: Life::Open, plan }
    }
}

/// Reading and connecting.
impl<S: Source> Readable<S> {
    /// The next chunk; `None` at the end, and for ever after it or after an error.
    ///
    /// A source of user code that is not `Unpin` needs [`pinned`](Self::pinned) first.
    ///
    /// # Cancel safety
    ///
    /// Is cancel safe: a chunk is either given or still there.
    ///
    /// # Errors
    ///
    /// The error of the source or of a stage, once, in its place.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "the name of async iteration, too")]
    pub fn next(&mut self) -> Next<'_, S>
    where
        Self: Movable,
    {
        Next(Pin::new(self))
    }

    /// Forgets the type of the source.
    pub fn boxed(self) -> BoxReadable<S::Chunk>
    where
        S: Send + 'static,
    {
        let life = self.life;
        let (source, plan) = self.into_parts();
        let boxed: BoxReadable<S::Chunk> = Readable::from_parts(Box::pin(source), plan);
        boxed.behind(life)
    }

    /// Pins the source on the heap, for [`next`](Self::next) on a source of user code that is not `Unpin`.
    pub fn pinned(self) -> Readable<Pin<Box<S>>> {
        let life = self.life;
        let (source, plan) = self.into_parts();
        Readable::from_parts(Box::pin(source), plan).behind(life)
    }

    /// A readable that borrows this one: an operator takes part of it, the rest is still there afterwards.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{Readable, Result};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let mut all = Readable::from_iter(0..5);
    /// assert_eq!(all.by_ref().take(2).to_vec().await?, [0, 1]);
    /// assert_eq!(all.to_vec().await?, [2, 3, 4]);
    /// # Ok(()) }
    /// ```
    pub fn by_ref(&mut self) -> Readable<&mut Self>
    where
        S: Unpin,
    {
        let (plan, life) = (self.plan.clone(), self.life);
        Readable::from_parts(self, plan).behind(life)
    }

    /// The way back: an `AsyncRead` and `AsyncBufRead` of its bytes, without copying chunks.
    ///
    /// # Cancel safety
    ///
    /// A chunk that is partly read stays in the reader.
    ///
    /// # Errors
    ///
    /// Those of the stream come as [`std::io::Error`], which gives them back whole when it is turned into [`Error`]
    /// again.
    ///
    /// # Examples
    ///
    /// ```
    /// use bytes::Bytes;
    /// use highwater_core::{Readable, Result};
    /// use tokio::io::{AsyncBufReadExt, AsyncReadExt};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let mut reader = Readable::from_iter(["one\ntw", "o\n"].map(Bytes::from)).into_async_read();
    /// let (mut line, mut rest) = (String::new(), String::new());
    /// reader.read_line(&mut line).await?;
    /// reader.read_to_string(&mut rest).await?;
    /// assert_eq!((line.as_str(), rest.as_str()), ("one\n", "two\n"));
    /// # Ok(()) }
    /// ```
    pub fn into_async_read(self) -> StreamReader<Self, Bytes>
    where
        S: Source<Chunk = Bytes>,
    {
        StreamReader::new(self.handed_over())
    }

    /// Itself: every readable stays over once it is over.
    pub fn fuse(self) -> Self {
        self
    }
}

impl<S: Source> Stream for Readable<S> {
    type Item = Result<S::Chunk>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if this.pace.is_spent() {
            // The end is looked at here, where a chunk does not come by: it is marked by a spent pace.
            if *this.life != Life::Open {
                return Poll::Ready(rest(this.life, this.plan).map(Err));
            }
            ready!(this.pace.poll_ready(cx));
        }
        this.pace.spend_to(this.pace.left() - 1);
        let item = ready!(this.pace.note(this.source.poll_next(cx)));
        if let Some(Ok(chunk)) = item {
            return Poll::Ready(Some(Ok(chunk)));
        }
        *this.life = if item.is_some() { Life::Failed } else { Life::Ended };
        this.pace.spend_to(0);
        Poll::Ready(item.map(|item| item.map_err(|error| claim(error, this.plan))))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.life {
            Life::Open => self.source.size_hint(),
            Life::Broken => (1, Some(1)),
            Life::Ended | Life::Failed => (0, Some(0)),
        }
    }
}

impl<S: Source> Source for Readable<S> {
    type Chunk = S::Chunk;

    #[inline]
    fn poll_each<B>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut each: impl FnMut(S::Chunk) -> ControlFlow<B, Option<S::Chunk>>,
    ) -> Poll<Option<Result<B>>> {
        let mut this = self.project();
        if *this.life != Life::Open {
            return Poll::Ready(rest(this.life, this.plan).map(Err));
        }
        ready!(this.pace.poll_ready(cx));
        loop {
            let mut left = this.pace.left();
            let polled = this.source.as_mut().poll_each(cx, |chunk| {
                left -= 1;
                let back = each(chunk).map_break(Some)?;
                if left == 0 { ControlFlow::Break(None) } else { ControlFlow::Continue(back) }
            });
            this.pace.spend_to(left);
            match ready!(this.pace.note(polled)) {
                Some(Ok(None)) => ready!(this.pace.poll_ready(cx)),
                Some(Ok(Some(value))) => return Poll::Ready(Some(Ok(value))),
                end => {
                    let error = end.and_then(Result::err);
                    *this.life = if error.is_some() { Life::Failed } else { Life::Ended };
                    this.pace.spend_to(0);
                    return Poll::Ready(error.map(|error| Err(claim(error, this.plan))));
                }
            }
        }
    }
}

/// A readable that may be moved between two polls: of a source that is `Unpin`.
#[diagnostic::on_unimplemented(
    message = "a source that is not `Unpin` cannot be read by `next` as it is",
    label = "put `.pinned()` before it",
    note = "`readable.pinned()` keeps the source on the heap; a pipeline, `to_vec` and the like do not need it"
)]
pub trait Movable: Unpin {}

#[diagnostic::do_not_recommend]
impl<S: Unpin> Movable for Readable<S> {}

/// The future of [`Readable::next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Next<'a, S>(Pin<&'a mut Readable<S>>);

impl<S: Source> Future for Next<'_, S> {
    type Output = Option<Result<S::Chunk>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll_next(cx)
    }
}

/// What a readable gives that is not open: the error of one that is broken, once, and then nothing.
#[cold]
fn rest(life: &mut Life, plan: &Plan) -> Option<Error> {
    let broken = *life == Life::Broken;
    if broken {
        *life = Life::Failed;
    }
    broken.then(|| claim(Error::premature_close(), plan))
}

/// Attributes an error that no stage has claimed to the source.
#[cold]
fn claim(error: Error, plan: &Plan) -> Error {
    error.attribute(plan.source_name(), None)
}

impl<S> fmt::Debug for Readable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.plan.stages().iter().map(StageInfo::name).collect();
        f.debug_tuple("Readable").field(&names.join(" -> ")).finish()
    }
}
