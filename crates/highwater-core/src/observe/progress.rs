//! How far a pipeline is, and what it waits for.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::stage::{StageStats, Stopwatch};

/// Shared by the pipeline that runs and those who ask how it is.
///
/// The clock is read when the task is polled and when it stops, never per chunk; the counters are plain stores.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    chunks: AtomicU64,
    weight: AtomicU64,
    phase: AtomicU8,
    clock: Mutex<Option<Clock>>,
    gate: Gate,
    /// There when the pipeline is measured.
    stopwatch: Option<Arc<Stopwatch>>,
}

/// What the pipeline would wait for if it stopped now.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    #[default]
    Source,
    Opening,
    Writing,
    Flushing,
    Finishing,
    Aborting,
    Paused,
    /// All is closed; jobs of a stage still run.
    Joining,
}

/// In the order of their numbers.
const PHASES: [Phase; 8] = [
    Phase::Source,
    Phase::Opening,
    Phase::Writing,
    Phase::Flushing,
    Phase::Finishing,
    Phase::Aborting,
    Phase::Paused,
    Phase::Joining,
];

/// Where the time of a pipeline went.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) elapsed: Duration,
    pub(crate) busy: Duration,
    pub(crate) source: Duration,
    pub(crate) destination: Duration,
    pub(crate) paused: Duration,
}

#[derive(Debug)]
struct Clock {
    started: Instant,
    since: Instant,
    /// What it does since then: waits for something, or works.
    waits_for: Option<Phase>,
    /// Nanoseconds of work, then those of waiting for the source, for the destination, and for a resume: half the space of durations.
    spent: [u64; 4],
}

impl Phase {
    /// Whose time it is, by its place in [`Clock::spent`].
    fn side(self) -> usize {
        match self {
            Self::Source => 1,
            Self::Paused => 3,
            _ => 2,
        }
    }
}

impl Progress {
    pub(crate) fn new(stopwatch: Option<Arc<Stopwatch>>) -> Self {
        Self { stopwatch, ..Self::default() }
    }

    /// Times the stages from here on as the work of `meter`, if they are timed.
    #[inline]
    pub(crate) fn time(&self, meter: Option<&StageStats>) {
        if let Some(stopwatch) = &self.stopwatch {
            stopwatch.enter(meter);
        }
    }

    /// Whether the stages are timed.
    pub(crate) fn is_timed(&self) -> bool {
        self.stopwatch.is_some()
    }

    /// Says what a wait from here on is for.
    #[inline]
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    /// Says how much the destination has taken.
    #[inline]
    pub(crate) fn wrote(&self, chunks: u64, weight: u64) {
        self.chunks.store(chunks, Relaxed);
        self.weight.store(weight, Relaxed);
    }

    pub(crate) fn phase(&self) -> Phase {
        let phase = usize::from(self.phase.load(Relaxed));
        PHASES.get(phase).copied().unwrap_or_default()
    }

    pub(crate) fn chunks(&self) -> u64 {
        self.chunks.load(Relaxed)
    }

    pub(crate) fn weight(&self) -> u64 {
        self.weight.load(Relaxed)
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The times up to now.
    pub(crate) fn times(&self) -> Times {
        let mut clock = self.clock();
        clock.as_mut().map_or_else(Times::default, |clock| {
            let waits_for = clock.waits_for;
            clock.turn(waits_for);
            let [busy, source, destination, paused] = clock.spent.map(Duration::from_nanos);
            Times { elapsed: clock.since - clock.started, busy, source, destination, paused }
        })
    }

    /// The task goes on, or stops.
    fn turn(&self, waits_for: Option<Phase>) {
        let now = Instant::now;
        self.clock()
            .get_or_insert_with(|| Clock {
                started: now(),
                since: now(),
                waits_for: None,
                spent: [0; 4],
            })
            .turn(waits_for);
    }

    fn clock(&self) -> MutexGuard<'_, Option<Clock>> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock {
    fn turn(&mut self, waits_for: Option<Phase>) {
        let now = Instant::now();
        let nanos = u64::try_from((now - self.since).as_nanos()).unwrap_or(u64::MAX);
        let spent = &mut self.spent[self.waits_for.map_or(0, Phase::side)];
        *spent = spent.saturating_add(nanos);
        self.since = now;
        self.waits_for = waits_for;
    }
}

/// What [`PipelineHandle::pause`](crate::PipelineHandle::pause) closes.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    closed: AtomicBool,
    opened: Notify,
}

impl Gate {
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
    }

    pub(crate) fn open(&self) {
        self.closed.store(false, SeqCst);
        self.opened.notify_waiters();
    }

    /// Resolves when the gate is open.
    pub(crate) async fn opened(&self) {
        loop {
            // Created before the check: it then sees every `open` that comes after.
            let opened = self.opened.notified();
            if !self.closed.load(SeqCst) {
                return;
            }
            opened.await;
        }
    }
}

pin_project! {
    /// Keeps the time of a future: what it works, and what it waits for.
    pub(crate) struct TimedFuture<'a, F> {
        #[pin]
        future: F,
        progress: &'a Progress,
    }
}

impl<'a, F> TimedFuture<'a, F> {
    pub(crate) fn new(future: F, progress: &'a Progress) -> Self {
        Self { future, progress }
    }
}

impl<F: Future> Future for TimedFuture<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.progress.turn(None);
        let result = this.future.poll(cx);
        // Without budget the task waits for its turn, not for a side.
        let waits = result.is_pending() && tokio::task::coop::has_budget_remaining();
        this.progress.turn(waits.then(|| this.progress.phase()));
        this.progress.time(None);
        result
    }
}
