//! The suite for a machine that acts on time.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use highwater_core::{Error, Readable, TimedTransform};
use tokio::time::{Instant, sleep_until, timeout};

use super::check::{assert_no_runtime, check, same_error};
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
/// use highwater_core::{Result, TimedTransform};
/// use highwater_core::stage::Step;
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
                let read = reads_as_by_hand((self.make)(), arrivals, ending, by_hand, way);
                runtime.block_on(async { timeout(LONG, read).await }).map_err(|_| "it hangs")?
            });
        }
    }

    /// When the input ends.
    fn end(&self) -> Duration {
        self.case.input.last().map_or(Duration::ZERO, |(at, _)| *at).max(self.case.ends_at)
    }
}

/// Reads the chunks and the end at their times, through the driver; what comes out must be what came by hand.
async fn reads_as_by_hand<M>(
    machine: M,
    chunks: Vec<At<M::Input>>,
    ending: Ending,
    by_hand: &Outcome<At<M::Output>>,
    way: Reading,
) -> Result<(), String>
where
    M: TimedTransform,
    M::Output: PartialEq + Debug,
{
    let start = Instant::now();
    let chunks = chunks.into_iter().map(|(at, chunk)| (at, Ok(Some(chunk))));
    let end = match ending {
        Ending::Ends(at) => Some((at, Ok(None))),
        Ending::Fails(at) => Some((at, Err(Error::msg(SOURCE_FAILED)))),
        Ending::Dropped => None,
    };
    let arrivals = Readable::from_iter(chunks.chain(end)).then(|(at, item)| async move {
        sleep_until(start + at).await;
        item
    });
    let mut readable = arrivals.filter_map(|chunk| chunk).pipe_timed(machine);
    let exact = by_hand.outputs.iter().all(|(at, _)| at.subsec_nanos() % 1_000_000 == 0);
    let mut given = 0;
    let take = |output| {
        let at = start.elapsed();
        let due = by_hand.outputs.get(given);
        given += 1;
        match due {
            Some((due_at, due)) if *due == output && (at == *due_at || !exact) => Ok(None),
            due => {
                let (output, due) = (shorten(&(at, output)), shorten(&due));
                Err(format!("output {} is {output}\n    where it is {due} by hand", given - 1))
            }
        }
    };
    let error = read(Pin::new(&mut readable), way, take).await?;
    if given < by_hand.outputs.len() {
        return Err(format!("it ends after {given} of {} outputs", by_hand.outputs.len()));
    }
    same_error(error.as_ref(), by_hand.error.as_ref())?;
    stays_over(Pin::new(&mut readable))
}

/// Longer than anything waits, and short enough for a timer of Tokio.
const LONG: Duration = Duration::from_secs(365 * 24 * 3600);
