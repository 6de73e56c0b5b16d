//! How fast a stream goes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use highwater_core::stage::StageInfo;
use highwater_core::{BoxReadable, Readable, Result, Transform};

use crate::sampler::{Estimate, Sampler};
use crate::speed::Rolling;
use crate::tap::{Counter, Tap, Weigh, length, one};

/// Tells how fast a stream goes, over the last so many seconds: for one that goes on for ever, where
/// [`Progress`](crate::Progress) is for one that ends.
///
/// The machine only counts, an addition and a store per chunk, and lets the chunks pass as they are. The clock is
/// looked at by the [`samples`](ThroughputHandle::samples) of its [`handle`](Self::handle), as often as they are asked to.
///
/// # Errors
///
/// None of its own.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use highwater_core::{Readable, Result, destination_fn};
/// use highwater_meter::{MeterExt, Throughput};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<()> {
/// let throughput = Throughput::items().with_window(Duration::from_secs(10));
/// let samples = throughput.handle().samples(Duration::from_secs(1)).take(3);
/// let slow = destination_fn(|_| async {
///     tokio::time::sleep(Duration::from_millis(100)).await;
///     Ok(())
/// });
/// let endless = Readable::from_iter(std::iter::repeat(0)).throughput(throughput).pipe_to(slow).spawn();
/// let samples = samples.to_vec().await?;
/// assert!((9.0..12.0).contains(&samples[2].per_second()));
/// endless.abort();
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Throughput<T> {
    tap: Tap<T>,
    window: Duration,
}

impl<T> Throughput<T> {
    /// Counts bytes.
    pub fn bytes() -> Self
    where
        T: AsRef<[u8]>,
    {
        Self::weighed(length)
    }

    /// Counts chunks.
    pub fn items() -> Self {
        Self::weighed(one)
    }

    /// Counts what `weigh` says of each chunk. Beyond 2⁶⁴ - 1 it stays there.
    pub fn weighed(weigh: Weigh<T>) -> Self {
        Self { tap: Tap::new(weigh), window: WINDOW }
    }

    /// Over what time the speed is: ten seconds unless said otherwise.
    ///
    /// # Panics
    ///
    /// If it is zero.
    #[track_caller]
    #[must_use]
    pub fn with_window(mut self, window: Duration) -> Self {
        assert!(!window.is_zero(), "a speed needs some time");
        self.window = window;
        self
    }

    /// Who looks at it. It may be asked for several times; the window is that of now.
    pub fn handle(&self) -> ThroughputHandle {
        ThroughputHandle { counter: Arc::clone(self.tap.counter()), window: self.window }
    }
}

impl<T> Transform for Throughput<T> {
    type Input = T;
    type Output = T;

    #[inline]
    fn write(&mut self, chunk: T) -> Result<Option<T>> {
        self.tap.count(&chunk);
        Ok(Some(chunk))
    }

    fn end(&mut self) -> Result<()> {
        self.tap.end();
        Ok(())
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "throughput"
    }
}

/// Looks at a [`Throughput`], from anywhere; cheap to clone.
#[derive(Debug, Clone)]
pub struct ThroughputHandle {
    counter: Arc<Counter>,
    window: Duration,
}

impl ThroughputHandle {
    /// How much has passed.
    pub fn done(&self) -> u64 {
        self.counter.done()
    }

    /// How fast it goes, at most each `every`, and once more when the stream is over, whichever way.
    ///
    /// The time begins when it is first read; until a window has gone by, the speed is that over the time so far. A reader
    /// who is slow gets fewer, and nobody waits for it. It never fails.
    ///
    /// It holds one reading of 24 bytes per sample in the window, and room for as many again.
    ///
    /// # Panics
    ///
    /// If `every` is zero, or so short that more than 10,000 samples fit into the window; and when it is read outside of a
    /// Tokio runtime with a clock.
    #[track_caller]
    pub fn samples(&self, every: Duration) -> BoxReadable<ThroughputReading> {
        let samples = Sampler::<Rolling>::new(Arc::clone(&self.counter), every, self.window);
        let readings = usize::try_from(self.window.as_nanos() / every.as_nanos()).ok();
        let readings = readings.filter(|readings| *readings <= MOST_READINGS);
        // Three more: where the window begins, the last one, and what is pushed before another is popped.
        let most = 3 + readings.expect("at most 10,000 samples in a window");
        // What grows one by one may have twice the room it needs.
        let holds = 2 * most * size_of::<(Instant, u64)>();
        Readable::from_source(StageInfo::new("throughput").with_max_bytes(holds), samples).boxed()
    }
}

/// How fast a stream went over the window before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThroughputReading {
    done: u64,
    per_second: f64,
}

impl ThroughputReading {
    /// How much has passed since the start.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// How much passed per second, over the window.
    pub fn per_second(&self) -> f64 {
        self.per_second
    }
}

impl Estimate for Rolling {
    type Settings = Duration;
    type Sample = ThroughputReading;

    fn begin(window: Duration, now: Instant, done: u64) -> Self {
        Self::new(window, now, done)
    }

    fn sample(&mut self, now: Instant, counter: &Counter) -> ThroughputReading {
        let done = counter.done();
        ThroughputReading { done, per_second: self.read(now, done) }
    }
}

/// The usual window.
const WINDOW: Duration = Duration::from_secs(10);
/// Samples that are held at the most.
const MOST_READINGS: usize = 10_000;
