//! How late the runtime is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use highwater_core::stage::StageInfo;
use highwater_core::task::after;
use highwater_core::{Readable, Result, Source};
use tokio::time::{Instant, Sleep, sleep_until};

/// Tells how late the runtime is, as Node's `monitorEventLoopDelay` does: [`LagMonitor::new`].
pub fn lag_monitor() -> LagMonitor {
    LagMonitor::new()
}

/// Tells how late the runtime is: how much later than it should the task that reads it runs again, when a timer of it is
/// due.
///
/// A task that works for long without giving way, a thread that is not scheduled, or more tasks than threads make every
/// task late. This one does nothing but to wait for a timer again and again, and says each second how late it was; read
/// it on a task of its own. It costs a hundred timers per second.
///
/// Tokio's timers count in milliseconds, and round up: up to a millisecond, or two, is what an idle runtime shows.
/// Time between two reads does not count: a reader that is slow itself does not make the runtime look late.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use highwater_core::{Result, task};
/// use highwater_meter::LagMonitor;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let mut lags = LagMonitor::new().with_every(Duration::from_millis(50)).lags();
/// let _busy = task::spawn(async { std::thread::sleep(Duration::from_millis(60)) });
/// let lag = lags.next().await.expect("it has no end")?;
/// println!("{lag}");
/// assert!(lag.max() >= Duration::from_millis(40));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct LagMonitor {
    resolution: Duration,
    every: Duration,
}

impl LagMonitor {
    /// With a timer of 10 ms, and an answer each second.
    pub fn new() -> Self {
        Self { resolution: Duration::from_millis(10), every: Duration::from_secs(1) }
    }

    /// How long each timer is: an hour, if it is to be longer.
    ///
    /// # Panics
    ///
    /// If it is less than a millisecond, which Tokio's timers do not tell apart.
    #[track_caller]
    #[must_use]
    pub fn with_resolution(mut self, timer: Duration) -> Self {
        assert!(timer >= Duration::from_millis(1), "Tokio's timers count in milliseconds");
        self.resolution = timer.min(LONGEST);
        self
    }

    /// How long is gathered for one answer: at least one timer; an hour, if it is to be longer.
    #[must_use]
    pub fn with_every(mut self, time: Duration) -> Self {
        self.every = time.min(LONGEST);
        self
    }

    /// One [`Lag`] for each span of time. It has no end, and does not fail.
    ///
    /// It holds 16 bytes per timer of one span.
    ///
    /// # Panics
    ///
    /// If there are more than 100,000 timers in a span; and when it is read outside of a Tokio runtime with a clock.
    #[track_caller]
    pub fn lags(self) -> Readable<Lags> {
        let timers = self.every.as_nanos() / self.resolution.as_nanos() + 1;
        let most = usize::try_from(timers).ok().filter(|timers| *timers <= MOST_TIMERS);
        let most = most.expect("at most 100,000 timers in a span");
        let info = StageInfo::new("lag").with_max_bytes(most * size_of::<Duration>());
        Readable::from_source(info, Lags { plan: self, most, span: None, late: Vec::new() })
    }
}

impl Default for LagMonitor {
    fn default() -> Self {
        Self::new()
    }
}

/// The source made by [`LagMonitor::lags`].
#[must_use = "streams do nothing unless polled"]
pub struct Lags {
    plan: LagMonitor,
    /// Timers in a span.
    most: usize,
    /// The timer and when its span began. Between two spans, until somebody reads again, there is none.
    span: Option<(Pin<Box<Sleep>>, Instant)>,
    late: Vec<Duration>,
}

impl Stream for Lags {
    type Item = Result<Lag>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { plan: LagMonitor { resolution, every }, most, span, late } = self.get_mut();
        let (timer, since) = span.get_or_insert_with(|| {
            let now = Instant::now();
            *late = Vec::with_capacity(*most);
            (Box::pin(sleep_until(after(*resolution))), now)
        });
        loop {
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            late.push(now.saturating_duration_since(timer.deadline()));
            if now.saturating_duration_since(*since) >= *every {
                *span = None;
                return Poll::Ready(Some(Ok(Lag::of(std::mem::take(late)))));
            }
            timer.as_mut().reset(after(*resolution));
        }
    }
}

impl Source for Lags {
    type Chunk = Lag;
}

highwater_core::debug_fields!(Lags, plan);

/// How late the runtime was over a span of time.
///
/// It prints as `lag: 1.2 ms at the median, 3.0 ms at the 99th percentile, 41.0 ms at worst`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// In ascending order, and at least one.
    late: Vec<Duration>,
}

impl Lag {
    fn of(mut late: Vec<Duration>) -> Self {
        late.sort_unstable();
        Self { late }
    }

    /// How many timers there were.
    pub fn count(&self) -> usize {
        self.late.len()
    }

    /// The least.
    pub fn min(&self) -> Duration {
        self.percentile(0.0)
    }

    /// The most.
    pub fn max(&self) -> Duration {
        self.percentile(100.0)
    }

    /// The mean.
    pub fn mean(&self) -> Duration {
        let sum: Duration = self.late.iter().sum();
        sum / u32::try_from(self.late.len()).unwrap_or(u32::MAX)
    }

    /// What so many in a hundred were not later than: the smallest of the measured times of which that is true (nearest
    /// rank). Below 0 it is the least, above 100 the most.
    pub fn percentile(&self, percent: f64) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2⁵³ timers")]
        let rank = (percent / 100.0 * self.late.len() as f64).ceil();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float becomes the nearest number that fits"
        )]
        let index = (rank as usize).clamp(1, self.late.len()) - 1;
        self.late[index]
    }
}

impl fmt::Display for Lag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |percent| self.percentile(percent).as_secs_f64() * 1e3;
        write!(
            f,
            "lag: {:.1} ms at the median, {:.1} ms at the 99th percentile, {:.1} ms at worst",
            millis(50.0),
            millis(99.0),
            millis(100.0)
        )
    }
}

/// The longest timer, and the longest span.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// Timers in a span, at the most.
const MOST_TIMERS: usize = 100_000;
