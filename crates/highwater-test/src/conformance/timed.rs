//! The suite for a machine that acts on time.

use std::fmt::Debug;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use highwater_core::{Error, Readable, Result, Source, StageInfo, TimedTransform};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::check::{Place, assert_no_runtime, check};
use super::gauged::Gauged;
use super::judge::{given, released};
use super::reading::{Reading, read, stays_over};
use super::simulation::{Ending, Manner, simulate};
use crate::case::shorten;
use crate::cuts::points;
use crate::script::SOURCE_FAILED;
use crate::{Case, Outcome};

/// Runs a [`TimedTransform`] through everything that a pipeline may do to it, without waiting for any of it.
///
/// The chunks of a case come at times, counted from its start, in ascending order, and so do its outputs:
/// `(Duration, chunk)`. [`Case::ends_at`] says when the input ends; unless said otherwise that is with its last chunk.
///
/// Checked by hand, with the time passed in:
///
/// - it gives what the case says, when it says; it fails as the case says;
/// - read again for no reason, at the same time or before the one it named, it says the same;
/// - it never names a time that has come already, which would be a loop that spins;
/// - it copes with a driver that is an hour late, or a century;
/// - when the input fails behind any chunk, it releases what the case says;
/// - it can be dropped behind any chunk; it copes with an input without chunks, and holds no more than the case allows.
///
/// And in a pipeline, on Tokio's clock, which is paused: the same outputs at the same times and the same error, which
/// comes behind what is released; nothing comes behind the end. Times are compared there if all of them are whole
/// milliseconds: Tokio's timers know no others.
///
/// Call it from a plain `#[test]`.
///
/// # Panics
///
/// Something of this does not hold. The message says what, for which case. Called within a runtime, it panics as well.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use highwater_core::{Result, Step, TimedTransform};
/// use highwater_test::{Case, conformance_timed};
///
/// /// Gives each chunk 10 ms later, and takes no other until then.
/// #[derive(Default)]
/// struct Delay(Option<(Instant, u32)>);
///
/// impl TimedTransform for Delay {
///     type Input = u32;
///     type Output = u32;
///
///     fn write(&mut self, chunk: u32, now: Instant) -> Result<Option<u32>> {
///         self.0 = Some((now + Duration::from_millis(10), chunk));
///         Ok(None)
///     }
///
///     fn read(&mut self, now: Instant) -> Result<Step<u32>> {
///         Ok(match self.0 {
///             None => Step::NeedsInput,
///             Some((at, _)) if now < at => Step::NotBefore(at),
///             Some((_, chunk)) => {
///                 self.0 = None;
///                 Step::Output(chunk)
///             }
///         })
///     }
/// }
///
/// let ms = Duration::from_millis;
/// conformance_timed(Delay::default, [
///     Case::new([(ms(0), 1), (ms(3), 2), (ms(50), 3)]).gives([(ms(10), 1), (ms(20), 2), (ms(60), 3)]),
/// ]);
/// ```
#[track_caller]
pub fn conformance_timed<M>(
    make: impl Fn() -> M,
    cases: impl IntoIterator<Item = Case<(Duration, M::Input), (Duration, M::Output)>>,
) where
    M: TimedTransform,
    M::Input: Clone,
    M::Output: PartialEq + Debug + 'static,
{
    assert_no_runtime();
    let cases: Vec<_> = cases.into_iter().collect();
    assert!(!cases.is_empty(), "a suite without cases shows nothing");
    check("an input without chunks", || {
        simulate(&mut make(), [], Ending::Ends(Duration::ZERO), Manner::Spurious);
        Ok(())
    });
    for (index, case) in cases.iter().enumerate() {
        let times: Vec<Duration> = case.input.iter().map(|(at, _)| *at).collect();
        assert!(times.is_sorted(), "the times of the chunks ascend: {times:?}");
        let subject = Subject { make: &make, case, name: case.describe(index) };
        subject.whole();
        for k in points(case.input.len()) {
            subject.broken_off(k);
        }
    }
}

type TimedCase<M> = Case<At<<M as TimedTransform>::Input>, At<<M as TimedTransform>::Output>>;
/// When something comes, and what.
type At<T> = (Duration, T);

/// A machine, and what must come of it.
struct Subject<'a, M: TimedTransform, F> {
    make: &'a F,
    case: &'a TimedCase<M>,
    name: String,
}

impl<M, F> Subject<'_, M, F>
where
    M: TimedTransform,
    M::Input: Clone,
    M::Output: PartialEq + Debug,
    F: Fn() -> M,
{
    #[track_caller]
    fn whole(&self) {
        let (name, chunks) = (&self.name, &self.case.input);
        let ending = Ending::Ends(self.end());
        let by_hand = |manner| simulate(&mut (self.make)(), chunks.iter().cloned(), ending, manner);
        let judge = |outcome: &Outcome<_>| {
            let takes = self.case.takes.unwrap_or(chunks.len());
            given(self.case, outcome, takes, chunks.len())
        };
        check(format_args!("what it gives, and when ({name})"), || judge(&by_hand(Manner::Exact)));
        check(format_args!("read for no reason ({name})"), || judge(&by_hand(Manner::Spurious)));
        if let Some(bound) = &self.case.bound {
            check(format_args!("what it holds ({name})"), || {
                let mut machine = Gauged::new(self.make, bound);
                simulate(&mut machine, chunks.iter().cloned(), ending, Manner::Exact);
                Ok(())
            });
        }
        for late in [Duration::from_secs(3600), Duration::from_secs(100 * 365 * 24 * 3600)] {
            check(format_args!("read {} s late ({name})", late.as_secs()), || {
                match by_hand(Manner::Late(late)).error {
                    Some(error) if self.case.fails.is_none() => Err(format!("it fails: {error}")),
                    _ => Ok(()),
                }
            });
        }
        self.piped(chunks.len(), ending, &by_hand(Manner::Exact), "in a pipeline");
    }

    #[track_caller]
    fn broken_off(&self, k: usize) {
        let name = &self.name;
        let all = self.case.input.len();
        let at = self.case.input.get(k).map_or_else(|| self.end(), |(at, _)| *at);
        let place = format!("behind {k} of {all} chunks");
        let by_hand = |ending| {
            let chunks = self.case.input[..k].iter().cloned();
            simulate(&mut (self.make)(), chunks, ending, Manner::Exact)
        };
        check(format_args!("dropped {place} ({name})"), || {
            by_hand(Ending::Dropped);
            Ok(())
        });
        check(format_args!("an error of the input {place} ({name})"), || {
            released(self.case, &by_hand(Ending::Fails(at)), k, k == all)
        });
        let what = format!("in a pipeline, with an error of the input {place}");
        self.piped(k, Ending::Fails(at), &by_hand(Ending::Fails(at)), &what);
    }

    /// The first `k` chunks through the driver, by Tokio's clock.
    #[track_caller]
    fn piped(
        &self,
        k: usize,
        ending: Ending,
        by_hand: &Outcome<(Duration, M::Output)>,
        what: &str,
    ) {
        for way in [Reading::Next, Reading::Each { run: usize::MAX, gives_back: false }] {
            check(format_args!("{what} ({}, {way})", self.name), || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .start_paused(true)
                    .build()
                    .map_err(|error| format!("no runtime: {error}"))?;
                let arrivals = self.case.input[..k].to_vec();
                let read =
                    async { timeout(LONG, read_timed((self.make)(), arrivals, ending, way)).await };
                compare(&runtime.block_on(read).map_err(|_| "it hangs")??, by_hand)
            });
        }
    }

    /// When the input ends.
    fn end(&self) -> Duration {
        self.case.input.last().map_or(Duration::ZERO, |(at, _)| *at).max(self.case.ends_at)
    }
}

async fn read_timed<M: TimedTransform>(
    machine: M,
    chunks: Vec<(Duration, M::Input)>,
    ending: Ending,
    way: Reading,
) -> Result<Outcome<At<M::Output>>, String> {
    let start = Instant::now();
    let arrivals = Arrivals { start, chunks: chunks.into_iter(), next: None, ending, timer: None };
    let mut readable =
        Readable::from_source(StageInfo::new("arrivals"), arrivals).pipe_timed(machine);
    let mut outcome = Outcome::new();
    let take = |output| {
        outcome.outputs.push((start.elapsed(), output));
        Ok(None)
    };
    outcome.error = read(Pin::new(&mut readable), way, take).await?;
    stays_over(Pin::new(&mut readable))?;
    Ok(outcome)
}

fn compare<O: PartialEq + Debug>(
    seen: &Outcome<At<O>>,
    by_hand: &Outcome<At<O>>,
) -> Result<(), String> {
    let exact = by_hand.outputs.iter().all(|(at, _)| at.subsec_nanos() % 1_000_000 == 0);
    let same = seen.outputs.len() == by_hand.outputs.len()
        && seen.outputs.iter().zip(&by_hand.outputs).all(
            |((at, output), (expected_at, expected))| {
                output == expected && (at == expected_at || !exact)
            },
        );
    if !same {
        let (given, expected) = (shorten(&seen.outputs), shorten(&by_hand.outputs));
        return Err(format!("it gives {given}\n    where it gives {expected} by hand"));
    }
    match (&seen.error, &by_hand.error) {
        (None, None) => {}
        (Some(one), Some(two)) if Place::of(one) == Place::of(two) => {}
        (one, two) => return Err(format!("its error is {one:?}\n    where it is {two:?} by hand")),
    }
    Ok(())
}

/// Gives chunks at their times, and ends or fails at its own.
struct Arrivals<T> {
    start: Instant,
    chunks: std::vec::IntoIter<(Duration, T)>,
    /// The chunk that waits for its time.
    next: Option<(Duration, T)>,
    ending: Ending,
    timer: Option<Pin<Box<Sleep>>>,
}

// No chunk is ever pinned in place.
impl<T> Unpin for Arrivals<T> {}

impl<T> Stream for Arrivals<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.next.is_none() {
            this.next = this.chunks.next();
        }
        let at = match (&this.next, this.ending) {
            (Some((at, _)), _) => *at,
            (None, Ending::Ends(at) | Ending::Fails(at)) => at,
            (None, Ending::Dropped) => return Poll::Pending,
        };
        let at = this.start + at;
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(match (this.next.take(), this.ending) {
            (Some((_, chunk)), _) => Some(Ok(chunk)),
            (None, Ending::Fails(_)) => Some(Err(Error::msg(SOURCE_FAILED))),
            (None, _) => None,
        })
    }
}

impl<T> Source for Arrivals<T> {
    type Chunk = T;
}

/// Longer than anything waits, and short enough for a timer of Tokio.
const LONG: Duration = Duration::from_secs(365 * 24 * 3600);
