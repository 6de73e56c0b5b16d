//! Who looks at the clock: a source of samples of a counter.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;
use highwater_core::{Result, Source};
use tokio::time::{Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::tap::Counter;

/// Makes samples of a counter and the time.
pub(crate) trait Estimate: Unpin {
    type Settings: Clone + Unpin;
    type Sample;

    /// The time begins.
    fn begin(settings: Self::Settings, now: Instant, done: u64) -> Self;

    fn sample(&mut self, now: Instant, counter: &Counter) -> Self::Sample;
}

/// A sample each so often, and a last one as soon as the counter is over. The time begins when it is first polled.
pub(crate) struct Sampler<E: Estimate> {
    counter: Arc<Counter>,
    every: Duration,
    state: State<E>,
}

enum State<E: Estimate> {
    New(E::Settings),
    Running { ticks: Interval, over: Pin<Box<WaitForCancellationFutureOwned>>, estimate: E },
    Over,
}

impl<E: Estimate> Sampler<E> {
    #[track_caller]
    pub(crate) fn new(counter: Arc<Counter>, every: Duration, settings: E::Settings) -> Self {
        assert!(!every.is_zero(), "there must be time between two samples");
        Self { counter, every: every.min(FAR), state: State::New(settings) }
    }
}

impl<E: Estimate> Stream for Sampler<E> {
    type Item = Result<E::Sample>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { counter, every, state } = self.get_mut();
        if let State::New(settings) = state {
            let now = tokio::time::Instant::now();
            let mut ticks = interval_at(now + *every, *every);
            // At most one each so often, also after somebody was late.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let over = Box::pin(counter.over().clone().cancelled_owned());
            let estimate = E::begin(settings.clone(), now.into_std(), counter.done());
            *state = State::Running { ticks, over, estimate };
        }
        let State::Running { ticks, over, estimate } = state else { return Poll::Ready(None) };
        let is_over = over.as_mut().poll(cx).is_ready();
        if !is_over && ticks.poll_tick(cx).is_pending() {
            return Poll::Pending;
        }
        let sample = estimate.sample(tokio::time::Instant::now().into_std(), counter);
        if is_over {
            *state = State::Over;
        }
        Poll::Ready(Some(Ok(sample)))
    }
}

impl<E: Estimate> Source for Sampler<E> {
    type Chunk = E::Sample;
}

/// As good as never, and still a time that the clock can be added to: ten years.
const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
