//! Who waits for whom when nothing moves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::progress::{Phase, Progress};
use crate::stage::{BufferStats, Plan, StageInfo};

/// A pipeline in which nothing has moved for a while: what [`Pipeline::stall_after`](crate::Pipeline::stall_after) tells.
///
/// One of the waiting stages is the cause, the [`holder`](Self::holder); the others wait for it. The stages before it have
/// no room, the stages behind it have no input.
#[derive(Debug, Clone)]
pub struct Stall {
    name: Option<Arc<str>>,
    lasted: Duration,
    holder: usize,
    stages: Vec<StalledStage>,
}

/// One stage of a [`Stall`].
#[derive(Debug, Clone)]
pub struct StalledStage {
    name: &'static str,
    waits: WaitReason,
    buffer: Option<BufferStats>,
}

/// What a stage of a stalled pipeline waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// For a chunk of the stage before it.
    ForInput,
    /// For the stage behind it to ask.
    ForRoom,
    /// A source, for what it is made of: a socket, a disk, a stream, a writer.
    ForItself,
    /// A stage that holds a chunk: for its time to come, or for its work on it.
    WithChunk,
    /// For its jobs on other tasks: so many.
    ForJobs(usize),
    /// Its buffer is paused, by [`Control::pause`](crate::Control::pause) or
    /// [`Readable::pause`](crate::Readable::pause).
    Paused,
    /// Its buffer is corked.
    Corked,
    /// A destination: for its `open`.
    Opening,
    /// A destination: for its `write` of a chunk.
    Writing,
    /// A destination: for its `flush`.
    Flushing,
    /// A destination: for its `finish`.
    Finishing,
    /// A destination: for its `abort`.
    Aborting,
    /// A destination, and with it all the others: for [`PipelineHandle::resume`](crate::PipelineHandle::resume).
    PipelinePaused,
}

impl Stall {
    pub(super) fn of(
        name: Option<Arc<str>>,
        lasted: Duration,
        plan: &Plan,
        progress: &Progress,
    ) -> Self {
        let stages = plan.stages();
        let (holder, why) = held_by(stages, progress.phase());
        let state = |(index, stage): (usize, &StageInfo)| StalledStage {
            name: stage.name(),
            waits: match index {
                _ if index == holder => why,
                _ if index < holder => WaitReason::ForRoom,
                _ => WaitReason::ForInput,
            },
            buffer: stage.known_buffer().map(|buffer| buffer.stats()),
        };
        Self { name, lasted, holder, stages: stages.iter().enumerate().map(state).collect() }
    }

    /// The name of the pipeline.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// How long nothing has moved.
    pub fn lasted(&self) -> Duration {
        self.lasted
    }

    /// The stage that all the others wait for.
    pub fn holder(&self) -> &StalledStage {
        &self.stages[self.holder]
    }

    /// The stages: the source first, the destination last.
    pub fn stages(&self) -> &[StalledStage] {
        &self.stages
    }
}

/// The stage that the others wait for, and what it does: found from the destination backwards.
fn held_by(stages: &[StageInfo], phase: Phase) -> (usize, WaitReason) {
    let destination = stages.len().saturating_sub(1);
    let why = match phase {
        Phase::Source => return source_side(&stages[..destination]),
        Phase::Joining => return jobs_left(stages),
        Phase::Paused => WaitReason::PipelinePaused,
        Phase::Opening => WaitReason::Opening,
        Phase::Writing => WaitReason::Writing,
        Phase::Flushing => WaitReason::Flushing,
        Phase::Finishing => WaitReason::Finishing,
        Phase::Aborting => WaitReason::Aborting,
    };
    (destination, why)
}

/// The last stage that does not simply wait for the one before it.
fn source_side(stages: &[StageInfo]) -> (usize, WaitReason) {
    for (index, stage) in stages.iter().enumerate().rev() {
        let working = stage.meter().working();
        match stage.known_buffer().map(|buffer| buffer.stats()) {
            Some(stats) if stats.is_paused => return (index, WaitReason::Paused),
            Some(stats) if stats.corks > 0 && stats.buffered > 0 => {
                return (index, WaitReason::Corked);
            }
            // What is there is not asked for: the stage behind does something that is not seen.
            Some(stats) if stats.buffered > 0 && !stats.is_awaited && index + 1 < stages.len() => {
                return (index + 1, WaitReason::WithChunk);
            }
            _ if working > 0 => return (index, WaitReason::ForJobs(working)),
            _ if stage.meter().rests() => return (index, WaitReason::WithChunk),
            _ if stage.is_combining() => return (index, WaitReason::ForInput),
            _ => {}
        }
    }
    (0, WaitReason::ForItself)
}

/// The pipeline is over but for the jobs of a stage.
fn jobs_left(stages: &[StageInfo]) -> (usize, WaitReason) {
    let left = stages.iter().map(|stage| stage.known_jobs().map_or(0, |jobs| jobs.len()));
    let (index, jobs) = left.enumerate().max_by_key(|(_, jobs)| *jobs).unwrap_or_default();
    (index, WaitReason::ForJobs(jobs))
}

impl StalledStage {
    /// The stage's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it waits for.
    pub fn waits(&self) -> WaitReason {
        self.waits
    }

    /// How the buffer is doing that it fills, or that it is.
    pub fn buffer(&self) -> Option<&BufferStats> {
        self.buffer.as_ref()
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ForInput => "waits for input",
            Self::ForRoom => "waits to be asked",
            Self::ForItself => "has nothing to give",
            Self::WithChunk => "holds a chunk",
            Self::ForJobs(jobs) => return write!(f, "waits for its jobs, {jobs}"),
            Self::Paused => "is paused by its control",
            Self::Corked => "is corked",
            Self::Opening => "opens",
            Self::Writing => "writes a chunk",
            Self::Flushing => "flushes",
            Self::Finishing => "finishes",
            Self::Aborting => "aborts",
            Self::PipelinePaused => "is not written to: the pipeline is paused",
        })
    }
}

impl fmt::Display for StalledStage {
    /// On one line: `pass_through is paused by its control, 16 of 16 buffered, 1 waits for room`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.waits)?;
        let Some(buffer) = &self.buffer else { return Ok(()) };
        write!(f, ", {} of {} buffered", buffer.buffered, buffer.high_water_mark)?;
        match buffer.waiting {
            0 => Ok(()),
            1 => f.write_str(", 1 waits for room"),
            more => write!(f, ", {more} wait for room"),
        }
    }
}

impl fmt::Display for Stall {
    /// On one line: who is waited for, and then all stages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name}: ")?;
        }
        write!(
            f,
            "nothing has moved for {:?}; {} is waited for:",
            self.lasted,
            self.holder().name
        )?;
        for (index, stage) in self.stages.iter().enumerate() {
            write!(f, "{} {stage}", if index == 0 { "" } else { ";" })?;
        }
        Ok(())
    }
}
