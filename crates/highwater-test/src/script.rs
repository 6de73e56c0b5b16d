//! A source that follows a script.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use highwater_core::stage::StageInfo;
use highwater_core::{Error, Readable, Result, Source, debug_fields};

use crate::{Event, Log};

/// What a [`Script`] does when it is polled; behind the last cue it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cue<T> {
    /// Gives a chunk.
    Chunk(T),
    /// Is pending once, and wakes the task.
    Pending,
    /// Is pending from here on, and wakes nobody.
    Forever,
    /// Fails with "source failed".
    Error,
    /// Fails with a premature close, as a reader does whose writer went away without a word.
    PrematureClose,
    /// Panics.
    Panic,
}

impl<T> Cue<T> {
    /// The cues that give these chunks, one after the other.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_test::Cue;
    /// assert_eq!(Cue::chunks([1, 2]), [Cue::Chunk(1), Cue::Chunk(2)]);
    /// ```
    pub fn chunks(chunks: impl IntoIterator<Item = T>) -> Vec<Self> {
        chunks.into_iter().map(Self::Chunk).collect()
    }

    /// The error it fails with, if it does.
    pub(crate) fn error(&self) -> Option<Error> {
        match self {
            Self::Error => Some(Error::msg(SOURCE_FAILED)),
            Self::PrematureClose => Some(Error::premature_close()),
            Self::Chunk(_) | Self::Pending | Self::Forever | Self::Panic => None,
        }
    }
}

/// A source that follows a script, and says in its [`Log`] when it is polled and dropped.
///
/// Polled after its end or its error it fails, with an error that says so: nothing of it must be seen.
///
/// # Panics
///
/// At [`Cue::Panic`], and when it is polled a hundred times after its end.
///
/// # Examples
///
/// ```
/// use highwater_test::{Cue, Event, Log, Script, run_woken};
///
/// let log = Log::default();
/// let script = [Cue::Chunk(1), Cue::Pending, Cue::Chunk(2), Cue::Error];
/// let mut readable = Script::new(&log, script).readable().map(|x| 10 * x);
/// let all = async {
///     let mut given = Vec::new();
///     while let Some(Ok(x)) = readable.next().await {
///         given.push(x);
///     }
///     given
/// };
/// let ran = run_woken(all).expect("every wake-up arrives");
/// assert_eq!((ran.output, ran.polls), (vec![10, 20], 2));
/// assert_eq!(log.count(Event::Poll), 4);
/// ```
pub struct Script<T> {
    cues: VecDeque<Cue<T>>,
    log: Log<T>,
    polls_after_end: usize,
    over: bool,
    panics_on_drop: bool,
}

impl<T> Script<T> {
    /// Follows these cues, and then ends.
    pub fn new(log: &Log<T>, cues: impl IntoIterator<Item = Cue<T>>) -> Self {
        let (cues, log) = (cues.into_iter().collect(), log.clone());
        Self { cues, log, polls_after_end: 0, over: false, panics_on_drop: false }
    }

    /// Has it panic when it is dropped.
    #[must_use]
    pub fn panics_on_drop(mut self) -> Self {
        self.panics_on_drop = true;
        self
    }

    /// A readable of it, named `script`.
    pub fn readable(self) -> Readable<Self> {
        Readable::from_source(StageInfo::new("script").with_max_bytes(0), self)
    }
}

// No chunk is ever pinned in place.
impl<T> Unpin for Script<T> {}

impl<T> Stream for Script<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            self.log.push(Event::PollAfterEnd);
            self.polls_after_end += 1;
            assert!(self.polls_after_end < 100, "polled on and on after its end");
            return Poll::Ready(Some(Err(Error::msg("the source was polled after its end"))));
        }
        self.log.push(Event::Poll);
        match self.cues.pop_front() {
            Some(Cue::Chunk(chunk)) => Poll::Ready(Some(Ok(chunk))),
            Some(Cue::Pending) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Cue::Forever) => {
                self.cues.push_front(Cue::Forever);
                Poll::Pending
            }
            Some(Cue::Panic) => panic!("source panicked"),
            last => {
                self.over = true;
                Poll::Ready(last.and_then(|cue| cue.error()).map(Err))
            }
        }
    }
}

impl<T> Source for Script<T> {
    type Chunk = T;
}

impl<T> Drop for Script<T> {
    fn drop(&mut self) {
        self.log.push(Event::SourceDropped);
        if self.panics_on_drop {
            panic!("drop panicked");
        }
    }
}

debug_fields!(Script<T>, over);

/// The cues that give these chunks, over and over.
pub(crate) fn cues<T: Clone>(chunks: &[T]) -> impl Iterator<Item = Cue<T>> + Clone + '_ {
    chunks.iter().cloned().map(Cue::Chunk)
}

/// What [`Cue::Error`] says.
pub(crate) const SOURCE_FAILED: &str = "source failed";
