//! What one stage does, as counters and gauges for the recorders of the crate `metrics`.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{Counter, Gauge, SharedString, counter, gauge};
use tokio::time::Instant;

use super::{BufferStats, StageInfo};

/// Kept while a pipeline runs that the stage is of.
///
/// A gauge is the sum over all stages with its labels: each adds what it has changed by, so that the sum is never
/// negative, and takes all of it back in the end. What is published is read under the lock: of two threads the one that
/// publishes last has read last.
#[derive(Default)]
pub(crate) struct StageMetrics {
    is_kept: AtomicBool,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    handles: Option<Handles>,
    /// Counted so far, over all the pipelines that the stage was of.
    chunks: u64,
    weight: u64,
}

/// What is counted of every stage, and what only some of them have.
struct Handles {
    chunks: Counter,
    weight: Option<Counter>,
    pauses: Option<Counter>,
    in_flight: Option<Shown>,
    buffer: Option<Buffer>,
}

struct Buffer {
    buffered: Shown,
    room: Waited,
    data: Waited,
}

/// Where a stage is in its pipeline.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Source,
    Between,
    Destination,
}

impl StageMetrics {
    /// Keeps them from now on, under these labels.
    pub(crate) fn keep(&self, pipeline: &SharedString, stage: &StageInfo, place: Place) {
        self.kept().handles = Some(Handles::new(pipeline, stage, place));
        self.is_kept.store(true, Relaxed);
    }

    /// Takes the gauges back.
    pub(crate) fn close(&self) {
        self.is_kept.store(false, Relaxed);
        self.kept().handles = None;
    }

    /// How many chunks it took, and what they weighed, since it was made.
    pub(crate) fn took(&self, chunks: u64, weight: u64) {
        self.kept().count(chunks, weight);
    }

    /// The buffer has changed.
    #[inline]
    pub(crate) fn buffer(&self, stats: impl Fn() -> BufferStats) {
        if self.is_kept.load(Relaxed) {
            let mut kept = self.kept();
            let stats = stats();
            kept.count(stats.chunks, stats.weight as u64);
            let handles = kept.handles.as_mut();
            if let Some(buffer) = handles.and_then(|handles| handles.buffer.as_mut()) {
                buffer.show(&stats);
            }
        }
    }

    /// So many chunks are in work.
    pub(crate) fn in_flight(&self, chunks: usize) {
        let mut kept = self.kept();
        let handles = kept.handles.as_mut();
        if let Some(in_flight) = handles.and_then(|handles| handles.in_flight.as_mut()) {
            in_flight.set(chunks);
        }
    }

    pub(crate) fn paused(&self) {
        let kept = self.kept();
        if let Some(pauses) = kept.handles.as_ref().and_then(|handles| handles.pauses.as_ref()) {
            pauses.increment(1);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn count(&mut self, chunks: u64, weight: u64) {
        let Some(handles) = &self.handles else { return };
        handles.chunks.increment(chunks.saturating_sub(self.chunks));
        if let Some(counter) = &handles.weight {
            counter.increment(weight.saturating_sub(self.weight));
        }
        (self.chunks, self.weight) = (self.chunks.max(chunks), self.weight.max(weight));
    }
}

impl Handles {
    fn new(pipeline: &SharedString, info: &StageInfo, place: Place) -> Self {
        let (pipeline, stage) = (|| pipeline.clone(), info.name());
        // The buffer that a destination writes to is a stage of the pipeline that reads it.
        let buffers = info.known_buffer().is_some() && place != Place::Destination;
        let blocked = |who: &'static str| {
            Waited::new(counter!(
                "highwater_blocked_microseconds_total",
                "pipeline" => pipeline(), "stage" => stage, "waits_for" => who
            ))
        };
        Self {
            chunks: counter!("highwater_chunks_total", "pipeline" => pipeline(), "stage" => stage),
            weight: (buffers || place != Place::Between).then(
                || counter!("highwater_weight_total", "pipeline" => pipeline(), "stage" => stage),
            ),
            pauses: (buffers || place == Place::Destination).then(
                || counter!("highwater_pauses_total", "pipeline" => pipeline(), "stage" => stage),
            ),
            in_flight: info.known_jobs().map(|_| {
                Shown::new(
                    gauge!("highwater_in_flight", "pipeline" => pipeline(), "stage" => stage),
                )
            }),
            buffer: buffers.then(|| Buffer {
                buffered: Shown::new(
                    gauge!("highwater_buffered", "pipeline" => pipeline(), "stage" => stage),
                ),
                room: blocked("room"),
                data: blocked("data"),
            }),
        }
    }
}

impl Buffer {
    fn show(&mut self, stats: &BufferStats) {
        self.buffered.set(stats.buffered);
        self.room.is(stats.waiting > 0);
        self.data.is(stats.is_awaited);
    }
}

/// A part of a gauge.
pub(crate) struct Shown {
    gauge: Gauge,
    value: usize,
}

impl Shown {
    pub(crate) fn new(gauge: Gauge) -> Self {
        Self { gauge, value: 0 }
    }

    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
    pub(crate) fn set(&mut self, value: usize) {
        let before = std::mem::replace(&mut self.value, value);
        if value >= before {
            self.gauge.increment((value - before) as f64);
        } else {
            self.gauge.decrement((before - value) as f64);
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// The time that somebody has waited, counted when the wait is over: the clock is read where one begins or ends.
struct Waited {
    counter: Counter,
    since: Option<Instant>,
    owed: Duration,
}

impl Waited {
    fn new(counter: Counter) -> Self {
        Self { counter, since: None, owed: Duration::ZERO }
    }

    /// Somebody waits from now on, or nobody does.
    fn is(&mut self, waits: bool) {
        if waits == self.since.is_some() {
            return;
        }
        let now = Instant::now();
        match self.since.take() {
            Some(since) => count(&self.counter, &mut self.owed, now - since),
            None => self.since = Some(now),
        }
    }
}

impl Drop for Waited {
    fn drop(&mut self) {
        self.is(false);
    }
}

/// Counts time; what is less than a microsecond is owed.
pub(crate) fn count(counter: &Counter, owed: &mut Duration, spent: Duration) {
    *owed += spent;
    let whole = owed.as_micros();
    *owed -= Duration::from_nanos(u64::try_from(whole * 1000).unwrap_or(u64::MAX));
    counter.increment(u64::try_from(whole).unwrap_or(u64::MAX));
}
