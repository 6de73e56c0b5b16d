//! How far a stream is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use highwater_core::stage::StageInfo;
use highwater_core::{BoxReadable, Readable, Result, Transform};

use crate::sampler::{Estimate, Sampler};
use crate::snapshot::Snapshot;
use crate::speed::Smoothed;
use crate::tap::{Counter, Tap, Weigh, length, one};

/// Tells how far a stream is: how much has passed, how fast, how much is left, and when it will be over.
///
/// The machine only counts, an addition and a store per chunk, and lets the chunks pass as they are. Who wants to
/// know takes a [`handle`](Self::handle): it reads the count at any time, or gives [`updates`](ProgressHandle::updates)
/// with speed and time left, which look at the clock as often as they are asked to and not once per chunk.
///
/// It counts what it has handed on. Where the stage behind it holds chunks back, it is ahead of the destination.
///
/// # Errors
///
/// None of its own.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_meter::{MeterExt, Progress};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let progress = Progress::bytes().with_total(6);
/// let handle = progress.handle();
/// let shown = highwater_core::task::spawn(handle.updates(Duration::from_millis(100)).for_each(|update| async move {
///     println!("{update}");
///     Ok(())
/// }));
///
/// Readable::from_iter(["abc", "def"].map(Bytes::from)).progress(progress).count().await?;
/// shown.await??;
/// assert!(handle.is_complete());
/// assert_eq!((handle.done(), handle.total()), (6, Some(6)));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Progress<T>(Tap<T>);

impl<T> Progress<T> {
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
        Self(Tap::new(weigh))
    }

    /// Says how much it will be in all. It may be known later ([`ProgressHandle::set_total`]), or never.
    #[must_use]
    pub fn with_total(self, total: u64) -> Self {
        self.0.counter().set_total(total);
        self
    }

    /// Who looks at it. It may be asked for several times.
    pub fn handle(&self) -> ProgressHandle {
        ProgressHandle(Arc::clone(self.0.counter()))
    }
}

impl<T> Transform for Progress<T> {
    type Input = T;
    type Output = T;

    #[inline]
    fn write(&mut self, chunk: T) -> Result<Option<T>> {
        self.0.count(&chunk);
        Ok(Some(chunk))
    }

    fn end(&mut self) -> Result<()> {
        self.0.end();
        Ok(())
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "progress"
    }
}

/// Looks at a [`Progress`], from anywhere; cheap to clone.
///
/// While the machine runs on another thread, what it says may be some chunks old. Once [`is_over`](Self::is_over) says
/// true, it is exact.
#[derive(Debug, Clone)]
pub struct ProgressHandle(Arc<Counter>);

impl ProgressHandle {
    /// How much has passed.
    pub fn done(&self) -> u64 {
        self.0.done()
    }

    /// How much it will be in all, if that is known.
    pub fn total(&self) -> Option<u64> {
        self.0.total()
    }

    /// Says how much it will be in all, for when it becomes known only after the start.
    pub fn set_total(&self, total: u64) {
        self.0.set_total(total);
    }

    /// True when the stream has ended.
    pub fn is_complete(&self) -> bool {
        self.0.is_complete()
    }

    /// True when nothing more will pass: the stream has ended, has failed, or was dropped.
    pub fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// How far it is, at most each `every`, and once more at the end, whichever way it came. That last one comes at once
    /// and is exact.
    ///
    /// The time and the speed begin when it is first read, so it should be read from the start: on a task of its own, or
    /// beside the pipeline in `tokio::join!`. A reader who is slow gets fewer, and nobody waits for it.
    ///
    /// It never fails.
    ///
    /// # Panics
    ///
    /// If `every` is zero; and when it is read outside of a Tokio runtime with a clock.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use highwater_core::{Readable, Result, destination_fn};
    /// use highwater_meter::{MeterExt, Progress};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<()> {
    /// let progress = Progress::items().with_total(10);
    /// let updates = progress.handle().updates(Duration::from_secs(1));
    /// let slow = destination_fn(|_| async {
    ///     tokio::time::sleep(Duration::from_millis(500)).await;
    ///     Ok(())
    /// });
    /// let pipeline = Readable::from_iter(0..10).progress(progress).pipe_to(slow);
    /// let (_, updates) = tokio::try_join!(pipeline.run(), updates.to_vec())?;
    /// assert_eq!(updates.len(), 5);
    /// assert!(updates[4].is_complete() && updates[4].done() == 10);
    /// assert_eq!(updates[4].elapsed(), Duration::from_secs(5));
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn updates(&self, every: Duration) -> BoxReadable<Snapshot> {
        let updates = Sampler::<Estimator>::new(Arc::clone(&self.0), every, ());
        Readable::from_source(StageInfo::new("progress").with_max_bytes(0), updates).boxed()
    }
}

/// What stands behind the [`Updates`].
struct Estimator {
    began: Instant,
    before: u64,
    speed: Smoothed,
}

impl Estimate for Estimator {
    type Settings = ();
    type Sample = Snapshot;

    fn begin((): (), now: Instant, done: u64) -> Self {
        Self { began: now, before: done, speed: Smoothed::new(now, done) }
    }

    fn sample(&mut self, now: Instant, counter: &Counter) -> Snapshot {
        // Whether it is over is asked first: then the count is the final one.
        let (is_over, is_complete) = (counter.is_over(), counter.is_complete());
        let done = counter.done();
        self.speed.read(now, done);
        Snapshot {
            done,
            total: counter.total(),
            elapsed: now.saturating_duration_since(self.began),
            before: self.before,
            speed: self.speed.per_second(),
            is_over,
            is_complete,
        }
    }
}
