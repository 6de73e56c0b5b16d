//! What a pipeline did.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::progress::{Progress, Times};
use crate::error::Error;
use crate::stage::{BufferStats, Control, Plan, StageInfo};

/// What a pipeline did, or does: how much it moved, and where the time went.
///
/// The time of a pipeline is the sum of four: [`busy`](Self::busy), [`waiting_for_source`](Self::waiting_for_source),
/// [`waiting_for_destination`](Self::waiting_for_destination) and [`paused`](Self::paused). The clock is read when its
/// task starts and stops to run, so this costs nothing per chunk.
#[derive(Debug, Clone)]
pub struct Report {
    name: Option<Arc<str>>,
    chunks_in: u64,
    chunks_out: u64,
    weight_in: u64,
    weight_out: u64,
    times: Times,
    stages: Vec<StageReport>,
}

impl Error {
    /// What the pipeline that failed with this error had done until then. `None` if it is not the error of a pipeline.
    pub fn report(&self) -> Option<&Report> {
        self.any_report()?.downcast_ref()
    }
}

/// What one stage did.
#[derive(Debug, Clone)]
pub struct StageReport {
    name: &'static str,
    taken: u64,
    busy: Duration,
    buffer: Option<BufferStats>,
}

/// What holds a pipeline back: what it spent the largest part of its time on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bottleneck {
    kind: Kind,
    name: Option<&'static str>,
    share: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Source,
    Stages,
    Destination,
    Paused,
}

impl Report {
    pub(crate) fn of(progress: &Progress, plan: &Plan, name: Option<Arc<str>>) -> Self {
        let (chunks_out, weight_out) = (progress.chunks(), progress.weight());
        let mut stages: Vec<_> = plan.stages().iter().map(StageReport::of).collect();
        if let Some(destination) = stages.last_mut() {
            destination.taken = chunks_out;
        }
        // A source does not count itself: the stage that makes one of several does it, or else the first that counts.
        let combined = plan.stages().iter().rfind(|stage| stage.is_combining());
        let first = || stages.iter().map(|stage| stage.taken).find(|taken| *taken > 0).unwrap_or(0);
        let chunks_in = combined.map_or_else(first, |stage| stage.meter().taken());
        let bytes_in = plan.stages().first().map_or(0, |source| source.meter().bytes());
        let weight_in = if bytes_in > 0 { bytes_in } else { chunks_in };
        Self { name, chunks_in, chunks_out, weight_in, weight_out, times: progress.times(), stages }
    }

    /// The name of the pipeline.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Chunks that the source gave; of several that were combined, as they came together. While the pipeline runs it may
    /// lag by a few thousand.
    pub fn chunks_in(&self) -> u64 {
        self.chunks_in
    }

    /// Chunks that the destination took.
    pub fn chunks_out(&self) -> u64 {
        self.chunks_out
    }

    /// What the source gave: bytes if it is a source of bytes, else chunks.
    pub fn weight_in(&self) -> u64 {
        self.weight_in
    }

    /// What the destination took: bytes if it is a destination of bytes, else chunks.
    pub fn weight_out(&self) -> u64 {
        self.weight_out
    }

    /// From the first poll to the end, or to now.
    pub fn elapsed(&self) -> Duration {
        self.times.elapsed
    }

    /// Time in which the source had nothing to give.
    pub fn waiting_for_source(&self) -> Duration {
        self.times.source
    }

    /// Time in which the destination opened, took a chunk, flushed or finished without the pipeline's task doing
    /// anything.
    pub fn waiting_for_destination(&self) -> Duration {
        self.times.destination
    }

    /// Time in which the pipeline's task worked: the stages, and what source and destination do without waiting.
    pub fn busy(&self) -> Duration {
        self.times.busy
    }

    /// Time in which the pipeline was paused.
    pub fn paused(&self) -> Duration {
        self.times.paused
    }

    /// The stages: the source first, the destination last. Their busy time is there when the pipeline was
    /// [`with_stage_timing`](crate::Pipeline::with_stage_timing).
    pub fn stages(&self) -> &[StageReport] {
        &self.stages
    }

    /// What held the pipeline back. Where the stages were timed, the work of source and destination counts as theirs.
    pub fn bottleneck(&self) -> Bottleneck {
        let work = |end: Option<&StageReport>| end.map_or(Duration::ZERO, StageReport::busy);
        let (source, destination) = (work(self.stages.first()), work(self.stages.last()));
        let sides = [
            (Kind::Source, self.times.source + source),
            (Kind::Stages, self.times.busy.saturating_sub(source + destination)),
            (Kind::Destination, self.times.destination + destination),
            (Kind::Paused, self.times.paused),
        ];
        let (kind, time) = sides
            .into_iter()
            .max_by_key(|(_, time)| *time)
            .unwrap_or((Kind::Source, Duration::ZERO));
        let name = match kind {
            Kind::Source => self.stages.first().map(|stage| stage.name),
            Kind::Stages => self.busiest(),
            Kind::Destination => self.stages.last().map(|stage| stage.name),
            Kind::Paused => None,
        };
        let total = self.times.elapsed.as_secs_f64();
        let share = if total > 0.0 { (time.as_secs_f64() / total).min(1.0) } else { 0.0 };
        Bottleneck { kind, name, share }
    }

    /// Of those between source and destination, the stage with the most busy time, if they were timed, or the only one.
    fn busiest(&self) -> Option<&'static str> {
        match &self.stages[..] {
            [_, only, _] => Some(only.name),
            [_, stages @ .., _] => {
                let timed = stages.iter().filter(|stage| !stage.busy.is_zero());
                timed.max_by_key(|stage| stage.busy).map(|stage| stage.name)
            }
            _ => None,
        }
    }
}

impl StageReport {
    fn of(info: &StageInfo) -> Self {
        let meter = info.meter();
        let buffer = info.known_buffer().map(Control::stats);
        Self { name: info.name(), taken: meter.taken(), busy: meter.busy(), buffer }
    }

    /// The stage's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Chunks it took; 0 for a source, and for a stage that does not count.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Time it worked, if the pipeline was [`with_stage_timing`](crate::Pipeline::with_stage_timing); else zero.
    pub fn busy(&self) -> Duration {
        self.busy
    }

    /// How the buffer is doing that it fills, or that it is; `None` for a stage without one.
    pub fn buffer(&self) -> Option<&BufferStats> {
        self.buffer.as_ref()
    }
}

impl Bottleneck {
    /// The source: it had nothing to give, or was seen to work the longest.
    pub fn is_source(&self) -> bool {
        self.kind == Kind::Source
    }

    /// A stage: it works all the time.
    pub fn is_stage(&self) -> bool {
        self.kind == Kind::Stages
    }

    /// The destination: it did not take what was there, or was seen to work the longest.
    pub fn is_destination(&self) -> bool {
        self.kind == Kind::Destination
    }

    /// The pause: somebody closed the tap.
    pub fn is_paused(&self) -> bool {
        self.kind == Kind::Paused
    }

    /// The name of the source, the destination, or the stage where it is known.
    pub fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Its part of the elapsed time, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.share
    }
}

impl fmt::Display for Bottleneck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (self.kind, self.name) {
            (Kind::Source, Some(name)) => format!("the source {name}"),
            (Kind::Source, None) => "the source".to_owned(),
            (Kind::Stages, Some(name)) => format!("the stage {name}"),
            (Kind::Stages, None) => "the stages".to_owned(),
            (Kind::Destination, Some(name)) => format!("the destination {name}"),
            (Kind::Destination, None) => "the destination".to_owned(),
            (Kind::Paused, _) => "the pause".to_owned(),
        };
        write!(f, "{what} ({:.0} % of the time)", self.share * 100.0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}: ")?;
        }
        write!(
            f,
            "{} chunks in, {} out, {:.3} s; bottleneck: {}",
            self.chunks_in,
            self.chunks_out,
            self.times.elapsed.as_secs_f64(),
            self.bottleneck()
        )
    }
}
