//! Yielding by the clock.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Instant;

use crate::coop::Coop;

/// What a loop over chunks asks before each chunk: it spends Tokio's budget as [`Coop`] does, and yields when the poll has
/// lasted about a millisecond.
///
/// A [`Readable`](crate::Readable), a machine behind it and a pipeline have one already. A source needs it that takes many
/// chunks of another before it gives one, and so does whatever moves bytes in a loop of its own.
///
/// The clock is read between runs of 1, 4, 16, 64 and 256 chunks, which costs less than 0.2 ns per chunk of a long stream.
/// A run that was slow makes the next one shorter, so no poll lasts much longer than a chunk or a millisecond. Only where
/// the first slow chunk comes after many fast ones, the rest of its run (at most 255 chunks) passes before the next look.
///
/// # Examples
///
/// ```
/// use std::task::{Context, Poll, ready};
/// use highwater_core::stage::Pace;
///
/// /// Adds up what comes, in steps that let other tasks have their turn.
/// struct Sum { pace: Pace, sum: u64 }
///
/// impl Sum {
///     fn poll(&mut self, next: impl Fn() -> Poll<Option<u64>>, cx: &mut Context<'_>) -> Poll<u64> {
///         loop {
///             ready!(self.pace.poll_step(cx));
///             match ready!(self.pace.note(next())) {
///                 Some(n) => self.sum += n,
///                 None => return Poll::Ready(self.sum),
///             }
///         }
///     }
/// }
/// ```
#[derive(Debug, Default)]
pub struct Pace {
    /// Chunks before the next look at the clock; below zero after the end.
    left: i32,
    clock: Clock,
}

impl Pace {
    /// Ready when the task may continue; otherwise it is woken after other tasks had their turn.
    #[inline]
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.left <= 0 { self.poll_look(cx) } else { Poll::Ready(()) }
    }

    /// Ready when the task may continue with one more chunk; otherwise it is woken after other tasks had their turn.
    ///
    /// Outside of a Tokio runtime it is always ready.
    #[inline]
    pub fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_ready(cx));
        self.spend_to(self.left - 1);
        Poll::Ready(())
    }

    /// Counts a large chunk as so many more, about one per KiB.
    #[inline]
    pub fn spend(&mut self, chunks: u16) {
        self.clock.coop.spend(chunks);
    }

    /// Chunks that may be taken before the next [`poll_ready`](Self::poll_ready).
    #[inline]
    pub(crate) fn left(&self) -> i32 {
        self.left
    }

    /// All but `left` of them were taken.
    #[inline]
    pub(crate) fn spend_to(&mut self, left: i32) {
        self.left = left;
    }

    /// Whether the next [`poll_ready`](Self::poll_ready) looks at the clock.
    #[inline]
    pub(crate) fn is_spent(&self) -> bool {
        self.left <= 0
    }

    /// Passes on what a part of the task answered. When it is pending, the poll of the task ends here, and the time of the
    /// next one starts anew.
    #[inline]
    pub fn note<T>(&mut self, polled: Poll<T>) -> Poll<T> {
        if polled.is_pending() {
            self.rest();
        }
        polled
    }

    /// The poll of the task ends: the next one starts its time anew.
    #[inline]
    pub(crate) fn rest(&mut self) {
        self.clock.rest();
        self.left = self.left.min(AFTER_A_WAIT.into());
    }

    #[cold]
    #[inline(never)]
    fn poll_look(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.left = ready!(self.clock.poll_run(cx)).into();
        Poll::Ready(())
    }
}

/// [`Pace`] for a loop that counts its chunks anyway, so that nothing else is counted per chunk.
#[derive(Debug, Default)]
pub(crate) struct PaceAt {
    at: u64,
    clock: Clock,
}

impl PaceAt {
    /// The count of chunks at which the loop asks again.
    #[inline]
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Ready when the task may continue after `taken` chunks.
    #[inline]
    pub(crate) fn poll_ready(&mut self, taken: u64, cx: &mut Context<'_>) -> Poll<()> {
        if taken < self.at { Poll::Ready(()) } else { self.poll_look(taken, cx) }
    }

    /// The poll of the task ends: the next one starts its time anew.
    #[inline]
    pub(crate) fn rest(&mut self) {
        self.clock.rest();
    }

    #[cold]
    #[inline(never)]
    fn poll_look(&mut self, taken: u64, cx: &mut Context<'_>) -> Poll<()> {
        self.at = taken + u64::from(ready!(self.clock.poll_run(cx)));
        Poll::Ready(())
    }
}

/// How long the poll has lasted, and how many chunks pass before the next look.
#[derive(Debug)]
struct Clock {
    coop: Coop,
    run: u16,
    /// When the run began, in microseconds after the poll.
    run_began: u32,
    poll_began: Option<Instant>,
    /// The poll begins after a wait: its first look costs no read of the clock.
    rested: bool,
}

impl Default for Clock {
    fn default() -> Self {
        Self { coop: Coop::default(), run: 1, run_began: 0, poll_began: None, rested: false }
    }
}

impl Clock {
    #[inline]
    fn rest(&mut self) {
        self.poll_began = None;
        self.rested = true;
    }

    /// The chunks that may pass now.
    fn poll_run(&mut self, cx: &mut Context<'_>) -> Poll<u16> {
        let yielded = if self.is_late() { self.coop.poll_yield(cx) } else { Poll::Ready(()) };
        let run =
            if yielded.is_ready() { self.coop.poll_take(self.run, cx) } else { Poll::Pending };
        if run.is_pending() {
            self.poll_began = None;
        }
        run
    }

    /// Looks at the clock: adapts the length of a run, and tells whether the poll has lasted long enough.
    fn is_late(&mut self) -> bool {
        if std::mem::take(&mut self.rested) {
            return false;
        }
        let Some(began) = self.poll_began else {
            (self.poll_began, self.run_began) = (Some(Instant::now()), 0);
            return false;
        };
        let age = began.elapsed();
        let micros = u32::try_from(age.as_micros()).unwrap_or(u32::MAX);
        match micros.saturating_sub(self.run_began) {
            0..FAST_MICROS => self.run = (self.run * FASTER).min(LONGEST_RUN),
            SLOW_MICROS.. => self.run = (self.run / FASTER).max(1),
            _ => {}
        }
        self.run_began = micros;
        age >= LONG
    }
}

/// After this time a poll yields at the next look.
const LONG: Duration = Duration::from_micros(750);
/// A run of less than this time makes the next one longer.
const FAST_MICROS: u32 = 60;
/// A run of this time or more makes the next one shorter.
const SLOW_MICROS: u32 = 250;
/// By how much a run gets longer or shorter.
const FASTER: u16 = 4;
/// Chunks of the longest run: the clock, read as rarely as that, costs too little to be measured.
const LONGEST_RUN: u16 = 256;
/// Chunks of the longest run after a wait: what waited may have become slow.
const AFTER_A_WAIT: u16 = 16;

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// The lengths of the runs, of chunks that take this time each, until the pace yields.
    async fn runs_until_yield(clock: &mut Clock, chunk: Duration) -> Vec<u16> {
        let mut runs = Vec::new();
        while let Poll::Ready(run) = clock.poll_run(&mut Context::from_waker(Waker::noop())) {
            runs.push(run);
            tokio::time::advance(chunk * u32::from(run)).await;
        }
        runs
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_chunk_ends_every_poll() {
        let mut clock = Clock::default();
        for _ in 0..3 {
            assert_eq!(runs_until_yield(&mut clock, Duration::from_millis(2)).await, [1]);
            tokio::task::yield_now().await;
        }
        assert_eq!(runs_until_yield(&mut clock, Duration::from_micros(400)).await, [1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn fast_chunks_pass_in_longer_runs_for_a_millisecond() {
        let ten = runs_until_yield(&mut Clock::default(), Duration::from_micros(10)).await;
        assert_eq!(ten, [1, 4, 16, 16, 16, 16, 16]);
        tokio::task::yield_now().await;
        let one = runs_until_yield(&mut Clock::default(), Duration::from_micros(1)).await;
        assert_eq!(one, [[1, 4, 16].as_slice(), &[64; 12]].concat());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_starts_the_time_anew() {
        let (mut pace, mut cx) = (Pace::default(), Context::from_waker(Waker::noop()));
        for _ in 0..100 {
            assert!(pace.poll_ready(&mut cx).is_ready());
            pace.spend_to(pace.left() - 1);
            assert!(pace.note(Poll::<()>::Pending).is_pending());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    }
}
