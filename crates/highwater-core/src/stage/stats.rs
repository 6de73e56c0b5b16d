//! What a stage tells about itself while it runs.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

#[cfg(feature = "metrics")]
use super::metrics::StageMetrics;

/// The counters of one stage, shared by the stage that writes them and the pipeline that reports them.
#[derive(Clone, Default)]
pub struct StageStats(Arc<Counters>);

#[derive(Default)]
struct Counters {
    taken: AtomicU64,
    bytes: AtomicU64,
    busy_nanos: AtomicU64,
    panicked: AtomicBool,
    steady: AtomicBool,
    /// When it last waited, it was for something of its own.
    rests: AtomicBool,
    working: AtomicUsize,
    stopwatch: OnceLock<Arc<Stopwatch>>,
    #[cfg(feature = "metrics")]
    metrics: StageMetrics,
}

impl StageStats {
    /// Runs user code of this stage: a panic in it is remembered as this stage's. Costs nothing while none panics.
    #[inline]
    pub fn watch<R>(&self, call: impl FnOnce() -> R) -> R {
        let blame = Blame(self);
        let result = call();
        std::mem::forget(blame);
        result
    }

    /// Says how many bytes the stage has given since it was made, for sources of bytes.
    pub fn publish_bytes(&self, bytes: u64) {
        self.0.bytes.store(bytes, Relaxed);
    }

    /// Says that the stage never waits for somebody else: it has the next chunk soon, or asks for one. What a pipeline
    /// of steady stages feeds is not flushed while it waits.
    pub fn steady(&self) {
        self.0.steady.store(true, Relaxed);
    }

    /// Says how many chunks the stage has in work on other tasks, for stages that start such.
    pub fn in_flight(&self, chunks: usize) {
        self.0.working.store(chunks, Relaxed);
        #[cfg(feature = "metrics")]
        self.0.metrics.in_flight(chunks);
    }

    /// Chunks in work.
    pub(crate) fn working(&self) -> usize {
        self.0.working.load(Relaxed)
    }

    /// Whether the stage itself is what it waited for: its time, or its work on a chunk.
    pub(crate) fn rests(&self) -> bool {
        self.0.rests.load(Relaxed)
    }

    /// It was paused.
    pub(crate) fn paused(&self) {
        #[cfg(feature = "metrics")]
        self.0.metrics.paused();
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn metrics(&self) -> &StageMetrics {
        &self.0.metrics
    }

    pub(crate) fn is_steady(&self) -> bool {
        self.0.steady.load(Relaxed)
    }

    pub(crate) fn measure(&self, stopwatch: &Arc<Stopwatch>) {
        self.0.stopwatch.get_or_init(|| Arc::clone(stopwatch));
    }

    pub(crate) fn stopwatch(&self) -> Option<&Arc<Stopwatch>> {
        self.0.stopwatch.get()
    }

    /// Whether it is this stopwatch that times the stage.
    pub(crate) fn is_on(&self, stopwatch: &Arc<Stopwatch>) -> bool {
        self.stopwatch().is_some_and(|mine| Arc::ptr_eq(mine, stopwatch))
    }

    #[inline]
    fn is_measured(&self) -> bool {
        self.0.stopwatch.get().is_some()
    }

    pub(crate) fn has_panicked(&self) -> bool {
        self.0.panicked.load(Relaxed)
    }

    pub(crate) fn taken(&self) -> u64 {
        self.0.taken.load(Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes.load(Relaxed)
    }

    pub(crate) fn busy(&self) -> Duration {
        Duration::from_nanos(self.0.busy_nanos.load(Relaxed))
    }
}

impl fmt::Debug for StageStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageStats").field("taken", &self.taken()).finish_non_exhaustive()
    }
}

/// Marks the stage when a panic unwinds through it; forgotten when none does.
struct Blame<'a>(&'a StageStats);

impl Drop for Blame<'_> {
    #[cold]
    fn drop(&mut self) {
        self.0.0.panicked.store(true, Relaxed);
    }
}

/// Counts the chunks of a stage, in the stage itself, and times it if the pipeline is measured.
///
/// A stage of plain values (numbers and the like, told by their having nothing to drop) is counted but not timed: the
/// look at whether to time it would cost as much as the stage.
#[derive(Debug)]
pub(crate) struct StageCounter {
    taken: u64,
    meter: StageStats,
}

impl StageCounter {
    pub(crate) fn new(meter: StageStats) -> Self {
        Self { taken: 0, meter }
    }

    /// A chunk of type `T` is about to be taken.
    #[inline]
    pub(crate) fn take<T>(&mut self) {
        self.taken += 1;
        if std::mem::needs_drop::<T>() && self.meter.is_measured() {
            self.enter();
        }
    }

    /// So many chunks were taken up to now. For a stage that counts many at once, which is not timed then.
    #[inline]
    pub(crate) fn set_taken(&mut self, taken: u64) {
        self.taken = taken;
    }

    /// One more output of a chunk of type `T`, taken before, is there.
    #[inline]
    pub(crate) fn give<T>(&self) {
        if std::mem::needs_drop::<T>() && self.meter.is_measured() {
            self.charge();
        }
    }

    /// Chunks taken so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    pub(crate) fn meter(&self) -> &StageStats {
        &self.meter
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn publish(&self) {
        self.meter.0.taken.store(self.taken(), Relaxed);
    }

    /// Publishes, and waits for a chunk.
    #[cold]
    #[inline(never)]
    pub(crate) fn rest<T>(&self) -> Poll<T> {
        self.meter.0.rests.store(false, Relaxed);
        self.publish();
        Poll::Pending
    }

    /// Publishes, and waits for something of its own.
    #[cold]
    #[inline(never)]
    pub(crate) fn rest_by_itself<T>(&self) -> Poll<T> {
        self.meter.0.rests.store(true, Relaxed);
        self.publish();
        Poll::Pending
    }

    #[cold]
    #[inline(never)]
    fn enter(&self) {
        if let Some(stopwatch) = self.meter.0.stopwatch.get() {
            stopwatch.enter(Some(&self.meter));
        }
    }

    #[cold]
    #[inline(never)]
    fn charge(&self) {
        if let Some(stopwatch) = self.meter.0.stopwatch.get() {
            stopwatch.charge(&self.meter);
        }
    }
}

/// Where the time of a measured pipeline goes: one of its stages works at a time.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch(Mutex<Option<(Instant, StageStats)>>);

impl Stopwatch {
    /// This stage works from now on; with `None`, no stage does.
    pub(crate) fn enter(&self, meter: Option<&StageStats>) {
        let now = Instant::now();
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let previous = std::mem::replace(&mut *current, meter.map(|meter| (now, meter.clone())));
        if let Some((since, previous)) = previous {
            previous.0.busy_nanos.fetch_add(nanos(now - since), Relaxed);
        }
    }

    /// It was this stage that worked since the last one began.
    fn charge(&self, meter: &StageStats) {
        if let Some((_, working)) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            *working = meter.clone();
        }
        self.enter(Some(meter));
    }
}

/// Whole nanoseconds, saturating after 584 years.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
