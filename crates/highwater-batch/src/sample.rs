//! The last item of each period.

use std::time::{Duration, Instant};

use highwater_core::stage::Step;
use highwater_core::{Result, TimedTransform};

use crate::held::Held;
use crate::nanos::from_nanos;

/// Gives the last item of each period: [`SampleLatest::new`].
///
/// The first period begins with the first item, and the others follow one another without drift. A period without an
/// item gives nothing. What is held at the end of the input, or before an upstream error, is given at once. It holds one
/// item.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use highwater_batch::BatchExt;
/// use highwater_core::{Readable, Result};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<()> {
/// // A reading every 40 ms.
/// let readings = Readable::from_iter(1..=6).then(|n| async move {
///     tokio::time::sleep(Duration::from_millis(40)).await;
///     Ok(n)
/// });
/// // The first comes at 40 ms, so the periods end at 140 ms and at 240 ms.
/// assert_eq!(readings.sample(Duration::from_millis(100)).to_vec().await?, [3, 5, 6]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct SampleLatest<T> {
    period: Duration,
    held: Held<T>,
    /// When the first item came.
    began: Option<Instant>,
}

impl<T> SampleLatest<T> {
    /// Gives one item per period.
    ///
    /// # Panics
    ///
    /// If the period is 0.
    #[track_caller]
    pub fn new(period: Duration) -> Self {
        assert!(!period.is_zero(), "a period of 0 holds no item");
        Self { period, held: Held::new(), began: None }
    }

    /// When the period ends that `now` is in.
    fn ends(&mut self, now: Instant) -> Option<Instant> {
        let began = *self.began.get_or_insert(now);
        let into = now.saturating_duration_since(began).as_nanos() % self.period.as_nanos();
        now.checked_add(self.period - from_nanos(into))
    }
}

impl<T> TimedTransform for SampleLatest<T> {
    type Input = T;
    type Output = T;

    fn write(&mut self, item: T, now: Instant) -> Result<Option<T>> {
        if self.held.is_empty() {
            let ends = self.ends(now);
            self.held.replace(item, ends);
        } else {
            self.held.refresh(item);
        }
        Ok(None)
    }

    fn read(&mut self, now: Instant) -> Result<Step<T>> {
        Ok(self.held.read(now))
    }

    fn end(&mut self, now: Instant) -> Result<()> {
        self.release(now)
    }

    fn release(&mut self, _: Instant) -> Result<()> {
        self.held.release();
        Ok(())
    }

    fn name(&self) -> &'static str {
        "sample"
    }
}
