//! What a chain is made of.

use std::future::pending;
use std::sync::{Arc, Weak};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, select_all};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Control, StageStats, Stopwatch};
use crate::error::Error;
use crate::task::Signal;

/// One stage as the pipeline sees it: what other crates' operators describe themselves with in
/// [`Readable::stage`](crate::Readable::stage).
///
/// # Examples
///
/// ```
/// use highwater_core::stage::StageInfo;
/// let info = StageInfo::new("decode").with_max_bytes(64 * 1024);
/// assert_eq!(info.name(), "decode");
/// ```
#[derive(Clone)]
pub struct StageInfo {
    name: &'static str,
    runs: RunsOn,
    max_bytes: Option<usize>,
    meter: StageStats,
    jobs: Option<TaskTracker>,
    buffer: Option<Control>,
    combines: bool,
    /// Of its source, a failure that nobody waits for is its own.
    passes: bool,
    /// It is read when the stages before it have ended.
    is_later: bool,
    token: Option<(CancellationToken, Weak<Signal>)>,
}

/// Where a stage does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunsOn {
    /// On the task that reads it, together with its neighbours.
    Fused,
    /// On a task of its own.
    Task,
    /// On Tokio's pool for blocking calls.
    BlockingPool,
    /// On a thread of its own.
    Thread,
}

impl StageInfo {
    /// A fused stage that does not say how much it holds.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            runs: RunsOn::Fused,
            max_bytes: None,
            meter: StageStats::default(),
            jobs: None,
            buffer: None,
            combines: false,
            passes: false,
            is_later: false,
            token: None,
        }
    }

    /// Says where it does its work.
    #[must_use]
    pub fn with_runs_on(mut self, runs: RunsOn) -> Self {
        self.runs = runs;
        self
    }

    /// Says how many bytes it holds at the most beside the chunk that passes through it.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: impl Into<Option<usize>>) -> Self {
        self.max_bytes = bytes.into();
        self
    }

    /// Has the pipeline wait for these jobs after it has dropped the stage and before it resolves.
    #[must_use]
    pub fn with_jobs(mut self, jobs: TaskTracker) -> Self {
        self.jobs = Some(jobs);
        self
    }

    /// Says that it ends in this buffer, so that a pipeline can tell why nothing moves.
    #[must_use]
    pub fn with_buffer(mut self, control: impl Into<Option<Control>>) -> Self {
        self.buffer = control.into();
        self
    }

    /// Says that it makes one source of several, and counts what it takes of all.
    pub(crate) fn combines(mut self) -> Self {
        self.combines = true;
        self
    }

    pub(crate) fn is_combining(&self) -> bool {
        self.combines
    }

    /// Says that it gives what its source gives, one by one: when that is destroyed, it is as well.
    pub(crate) fn passing(mut self) -> Self {
        self.passes = true;
        self
    }

    /// Says that it fails when this token is cancelled, for as long as its signal is there.
    pub(crate) fn token(mut self, token: CancellationToken, signal: &Arc<Signal>) -> Self {
        self.token = Some((token, Arc::downgrade(signal)));
        self
    }

    /// Its name in errors and reports.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The counters that the stage keeps.
    pub fn meter(&self) -> &StageStats {
        &self.meter
    }

    pub(crate) fn known_jobs(&self) -> Option<&TaskTracker> {
        self.jobs.as_ref()
    }

    pub(crate) fn known_buffer(&self) -> Option<&Control> {
        self.buffer.as_ref()
    }

    /// Resolves when it was destroyed or aborted while it was still read.
    fn ruin(&self) -> Option<BoxFuture<'static, Error>> {
        let name = self.name;
        if let Some((token, signal)) = self.token.clone() {
            let aborted = async move {
                token.cancelled().await;
                if signal.strong_count() == 0 {
                    return pending().await;
                }
                Error::aborted().in_stage(name)
            };
            return Some(aborted.boxed());
        }
        let control = self.buffer.clone()?;
        Some(async move { control.destroyed().await.attribute(name, None) }.boxed())
    }

    pub(crate) fn where_it_runs(&self) -> RunsOn {
        self.runs
    }

    pub(crate) fn most_held(&self) -> Option<usize> {
        self.max_bytes
    }
}

debug_fields!(StageInfo, name, runs, max_bytes);

/// The stages of a chain: the source first and, in a pipeline, the destination last.
#[derive(Debug, Default, Clone)]
pub(crate) struct Plan(Vec<StageInfo>);

impl Plan {
    pub(crate) fn push(&mut self, info: StageInfo) {
        // Few and made once: no space for more is kept for as long as the pipeline runs.
        self.0.reserve_exact(1);
        self.0.push(info);
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn stages(&self) -> &[StageInfo] {
        &self.0
    }

    /// Appends stages that are read when those before have ended.
    pub(crate) fn append_later(&mut self, mut other: Self) {
        other.0.iter_mut().for_each(|stage| stage.is_later = true);
        self.append(other);
    }

    /// Resolves when a source was destroyed or aborted, before the last stage, the destination, asks it for a chunk.
    pub(crate) fn ruin(&self) -> Option<BoxFuture<'static, Error>> {
        let (_, before) = self.0.split_last()?;
        let mut watched = Vec::new();
        for stage in before.iter().rev().filter(|stage| !stage.is_later) {
            watched.extend(stage.ruin());
            // A machine only makes other chunks of those of its source.
            if !stage.passes && !stage.meter.is_steady() {
                break;
            }
        }
        let ruin = (!watched.is_empty()).then(|| select_all(watched))?;
        Some(ruin.map(|(error, ..)| error).boxed())
    }

    /// What an error that no stage claims is attributed to.
    pub(crate) fn source_name(&self) -> &'static str {
        self.0.first().map_or("source", StageInfo::name)
    }

    /// The stage that panicked, if one says so.
    pub(crate) fn panicked(&self) -> &'static str {
        let panicked = self.0.iter().find(|stage| stage.meter.has_panicked());
        panicked.map_or(self.source_name(), StageInfo::name)
    }

    /// Whether any stage is timed.
    pub(crate) fn is_timed(&self) -> bool {
        self.0.iter().any(|stage| stage.meter.stopwatch().is_some())
    }

    /// Runs a part of the work that reads this chain, and times its stages if they are timed.
    pub(crate) fn timed<R>(&self, work: impl FnOnce() -> R) -> R {
        let stopwatch = self.0.last().and_then(|stage| stage.meter.stopwatch());
        let Some(stopwatch) = stopwatch else { return work() };
        stopwatch.enter(
            self.0.iter().find(|stage| stage.meter.is_on(stopwatch)).map(|stage| &stage.meter),
        );
        let result = work();
        stopwatch.enter(None);
        result
    }

    /// Times the stages one by one: those of one task by one stopwatch.
    pub(crate) fn measure(&self) -> Option<Arc<Stopwatch>> {
        let mut stopwatch = None;
        for stage in &self.0 {
            if stage.runs == RunsOn::Task {
                stopwatch = None;
            }
            stage.meter.measure(stopwatch.get_or_insert_with(Arc::default));
        }
        stopwatch
    }

    /// Waits for what the stages left running, after they were dropped.
    pub(crate) async fn join(&self) {
        for jobs in self.0.iter().filter_map(|stage| stage.jobs.as_ref()) {
            jobs.close();
            jobs.wait().await;
        }
    }
}
