//! The suite for any source.

use std::convert::Infallible;
use std::fmt::{Debug, Display};
use std::future::{Future, poll_fn, ready};
use std::pin::{Pin, pin};
use std::task::Poll;

use highwater_core::stage::StageInfo;
use highwater_core::{Readable, Report, Source};

use super::check::check;
use super::judge::given;
use super::reading::{Polls, READINGS, Reading, read, run, stays_over};
use crate::{Case, Log, Outcome, Recorder};

/// Runs a source through everything that a pipeline may do to it. `make` makes a new one for every run.
///
/// Checked, on an executor that polls only what was woken:
///
/// - it gives what the case says, and fails as the case says: read by `poll_next`, by `poll_each` in one go, with each
///   chunk given back, broken off behind every chunk and behind every third, and by both in turns;
/// - each of that also with polls for no reason, and with another waker at each poll;
/// - a task that waits is woken once the source can go on;
/// - `poll_each` hands out nothing after its closure broke off;
/// - nothing comes after the end or the error, by either method, and neither of them waits there;
/// - `size_hint` is never wrong;
/// - it can be dropped at each of its polls;
/// - it waits no more often, holds no more, and counts as many bytes as the case says;
/// - a pipeline of it ends as the case says.
///
/// Call it from a plain `#[test]`. The executor has no runtime: a source that waits for somebody else has
/// [`conformance_source_fed`].
///
/// # Panics
///
/// Something of this does not hold. The message says what.
///
/// # Examples
///
/// ```
/// use std::pin::Pin;
/// use std::task::{Context, Poll};
///
/// use futures_core::Stream;
/// use highwater_core::{Readable, Result, Source};
/// use highwater_core::stage::StageInfo;
/// use highwater_test::{Case, conformance_source};
///
/// struct Countdown(u32);
///
/// impl Stream for Countdown {
///     type Item = Result<u32>;
///     fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<u32>>> {
///         let left = self.0.checked_sub(1);
///         self.0 = left.unwrap_or(0);
///         Poll::Ready(left.map(Ok))
///     }
/// }
///
/// impl Source for Countdown {
///     type Chunk = u32;
/// }
///
/// let make = || Readable::from_source(StageInfo::new("countdown"), Countdown(3));
/// conformance_source(make, Case::source().gives([2, 1, 0]).waits_at_most(0));
/// ```
///
/// A source that begins again behind its end:
///
/// ```should_panic
/// # use std::pin::Pin;
/// # use std::task::{Context, Poll};
/// # use futures_core::Stream;
/// # use highwater_core::{Readable, Result, Source};
/// # use highwater_core::stage::StageInfo;
/// use highwater_test::{Case, conformance_source};
///
/// struct Once(bool);
///
/// impl Stream for Once {
///     type Item = Result<u32>;
///     fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<u32>>> {
///         self.0 = !self.0;
///         Poll::Ready(self.0.then_some(Ok(1)))
///     }
/// }
///
/// # impl Source for Once {
/// #     type Chunk = u32;
/// # }
/// let make = || Readable::from_source(StageInfo::new("once"), Once(false));
/// conformance_source(make, Case::source().gives([1]));
/// ```
#[track_caller]
pub fn conformance_source<S>(make: impl Fn() -> Readable<S>, case: Case<Infallible, S::Chunk>)
where
    S: Source<Chunk: Clone + Debug + Send + 'static>,
{
    conformance_source_fed(|| (make(), ready(())), case);
}

/// As [`conformance_source`], for a source that waits for somebody else: `make` makes it and the task that feeds it, which
/// runs beside the reader. Both must do without a runtime.
///
/// The task need not come to its end once the source was dropped.
///
/// # Panics
///
/// As [`conformance_source`].
///
/// # Examples
///
/// ```
/// use highwater_core::{HighWaterMark, pass_through};
/// use highwater_test::{Case, conformance_source_fed};
///
/// let make = || {
///     let (writable, readable) = pass_through(HighWaterMark::items(1));
///     let feed = async move {
///         for number in 0..3 {
///             // It fails when the reader was dropped.
///             if writable.send(number).await.is_err() {
///                 return;
///             }
///         }
///         writable.end();
///     };
///     (readable, feed)
/// };
/// conformance_source_fed(make, Case::source().gives([0, 1, 2]));
/// ```
#[track_caller]
pub fn conformance_source_fed<S, F>(
    make: impl Fn() -> (Readable<S>, F),
    case: Case<Infallible, S::Chunk>,
) where
    S: Source<Chunk: Clone + Debug + Send + 'static>,
    F: Future,
{
    let mut name = case.name.clone().unwrap_or_default();
    check("dropped before it is read", || {
        let (readable, _) = make();
        if name.is_empty() {
            name = format!("{readable:?}");
        }
        Ok(())
    });
    let subject = Subject { make: &make, case: &case, name };
    for way in READINGS {
        subject.check(way, || subject.read(way, Polls::Woken));
        subject.check(format!("{way}, with polls for no reason"), || {
            subject.read(way, Polls::Spurious)
        });
    }
    subject.check("its `size_hint`", || subject.size_hint());
    subject.drops();
    subject.check("in a pipeline", || subject.in_a_pipeline());
}

/// A source, and what must come of it.
struct Subject<'a, T, M> {
    make: &'a M,
    case: &'a Case<Infallible, T>,
    name: String,
}

impl<S, F, M> Subject<'_, S::Chunk, M>
where
    S: Source<Chunk: Clone + Debug + Send + 'static>,
    F: Future,
    M: Fn() -> (Readable<S>, F),
{
    #[track_caller]
    fn check(&self, what: impl Display, work: impl FnOnce() -> Result<(), String>) {
        check(format_args!("{what} ({})", self.name), work);
    }

    fn read(&self, way: Reading, polls: Polls) -> Result<(), String> {
        let reading = async |mut source: Pin<&mut S>| {
            let mut outcome = Outcome::new();
            let take = |chunk: S::Chunk| {
                outcome.outputs.push(chunk.clone());
                Ok(Some(chunk))
            };
            outcome.error = read(source.as_mut(), way, take).await?;
            stays_over(source)?;
            Ok::<_, String>(outcome)
        };
        let (outcome, count) = self.run(polls, reading)?;
        given(self.case, &outcome?, 0, 0)?;
        match self.case.waits {
            Some(most) if polls == Polls::Woken && count - 1 > most => {
                Err(format!("it waits {} times where {most} are enough", count - 1))
            }
            _ => Ok(()),
        }
    }

    /// It says how many items are left. An error is one of them, and may come instead of any number.
    fn size_hint(&self) -> Result<(), String> {
        let reading = async |mut source: Pin<&mut S>| {
            let mut hints = vec![source.size_hint()];
            while let Some(item) = poll_fn(|cx| source.as_mut().poll_next(cx)).await {
                hints.push(source.size_hint());
                if item.is_err() {
                    break;
                }
            }
            hints
        };
        let (hints, _) = self.run(Polls::Woken, reading)?;
        for (left, (least, most)) in hints.into_iter().rev().enumerate() {
            let too_many = least > left && self.case.fails.is_none();
            if too_many || most.is_some_and(|most| most < left) {
                return Err(format!("it is {least} to {most:?} where {left} items are left"));
            }
        }
        Ok(())
    }

    /// Drops it at each of its polls; what it holds is measured on the way.
    #[track_caller]
    fn drops(&self) {
        for poll in (1..=MOST_DROPS).chain([usize::MAX]) {
            let mut over = false;
            self.check(format!("dropped at its poll {poll}"), || {
                let before = self.case.bound.as_ref().map_or(0, |bound| (bound.gauge)());
                over = self.drops_at(poll, before)?;
                match self.case.bound.as_ref().map_or(0, |bound| bound.held(before)) {
                    0 => Ok(()),
                    held => Err(format!("{held} are left behind")),
                }
            });
            if over {
                break;
            }
        }
    }

    /// True when the source was over before that.
    fn drops_at(&self, poll: usize, before: usize) -> Result<bool, String> {
        let reading = async |mut source: Pin<&mut S>| {
            let mut polls = 0;
            let all = poll_fn(|cx| {
                while polls < poll {
                    polls += 1;
                    let polled = source
                        .as_mut()
                        .poll_next(cx)
                        .map(|item| item.is_some_and(|item| item.is_ok()));
                    self.case.bound.iter().for_each(|bound| bound.measure(before));
                    match polled {
                        Poll::Ready(true) => {}
                        Poll::Ready(false) => return Poll::Ready(true),
                        Poll::Pending if polls < poll => return Poll::Pending,
                        Poll::Pending => {}
                    }
                }
                Poll::Ready(false)
            });
            all.await
        };
        Ok(self.run(Polls::Woken, reading)?.0)
    }

    fn in_a_pipeline(&self) -> Result<(), String> {
        let (readable, feed) = (self.make)();
        let log = Log::default();
        let pipeline = readable.pipe_to(Recorder::new(&log)).run();
        let result = run(Polls::Woken, pipeline, feed)?.0;
        let bytes = match &result {
            Ok(report) => Some(report.weight_in()),
            Err(error) => error.report().map(Report::weight_in),
        };
        let outcome = Outcome { outputs: log.written(), error: result.err(), ..Outcome::new() };
        given(self.case, &outcome, 0, 0)?;
        match self.case.bytes {
            Some(due) if bytes != Some(due) => {
                Err(format!("it counts {bytes:?} bytes where {due} are due"))
            }
            _ => Ok(()),
        }
    }

    /// Reads the source itself, without the readable around it, which would hide what comes behind the end.
    fn run<T>(
        &self,
        polls: Polls,
        reading: impl AsyncFnOnce(Pin<&mut S>) -> T,
    ) -> Result<(T, usize), String> {
        let (readable, feed) = (self.make)();
        let mut source = None;
        drop(readable.stage(StageInfo::new("source"), |inner| source = Some(inner)));
        let source = source.expect("a stage gets its source at once");
        run(polls, async move { reading(pin!(source)).await }, feed)
    }
}

/// Polls at which a source is dropped.
const MOST_DROPS: usize = 64;
