//! What a pipeline is made of, before it runs.

use std::fmt;
use std::sync::Arc;

use crate::stage::{Plan, RunsOn, StageInfo};

/// What [`Pipeline::explain`](crate::Pipeline::explain) says: the stages from the source to the destination, where each
/// runs, and how much memory they hold at the most.
#[derive(Debug, Clone)]
pub struct Explanation {
    name: Option<Arc<str>>,
    stages: Vec<StageExplanation>,
}

/// One stage in an [`Explanation`].
#[derive(Debug, Clone)]
pub struct StageExplanation {
    name: &'static str,
    runs: RunsOn,
    max_bytes: Option<usize>,
    mark: Option<usize>,
}

impl Explanation {
    pub(crate) fn of(name: Option<Arc<str>>, plan: &Plan) -> Self {
        Self { name, stages: plan.stages().iter().map(StageExplanation::of).collect() }
    }

    /// The stages, the source first and the destination last.
    pub fn stages(&self) -> &[StageExplanation] {
        &self.stages
    }

    /// The most bytes that all stages together hold, beside the chunk in work. `None` when a stage does not say.
    pub fn worst_case(&self) -> Option<usize> {
        self.stages.iter().try_fold(0_usize, |sum, stage| sum.checked_add(stage.max_bytes?))
    }
}

impl StageExplanation {
    fn of(info: &StageInfo) -> Self {
        Self {
            name: info.name(),
            runs: info.where_it_runs(),
            max_bytes: info.most_held(),
            mark: info.known_buffer().map(|buffer| buffer.stats().high_water_mark),
        }
    }

    /// The stage's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where it does its work.
    pub fn runs_on(&self) -> RunsOn {
        self.runs
    }

    /// The most bytes it holds beside the chunk in work; `None` when it does not say.
    pub fn max_bytes(&self) -> Option<usize> {
        self.max_bytes
    }

    /// The high mark of the buffer that it fills, or that it is, in the mark's unit; `None` for a stage without one.
    pub fn mark(&self) -> Option<usize> {
        self.mark
    }

    fn held(&self) -> String {
        match (self.max_bytes, self.mark) {
            (Some(bytes), _) => format!("<= {bytes} bytes"),
            (None, Some(mark)) => format!("a mark of {mark}"),
            (None, None) => "not said".to_owned(),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            writeln!(f, "pipeline {name}")?;
        }
        let width = self.stages.iter().map(|stage| stage.name.len()).max().unwrap_or_default();
        for stage in &self.stages {
            let runs = match stage.runs {
                RunsOn::Fused => "fused",
                RunsOn::Task => "own task",
                RunsOn::BlockingPool => "blocking pool",
                RunsOn::Thread => "own thread",
            };
            writeln!(f, "  {:width$}  {runs:13}  {}", stage.name, stage.held())?;
        }
        match self.worst_case() {
            Some(bytes) => write!(f, "  holds at the most {bytes} bytes beside the chunk in work"),
            None => write!(f, "  how much it holds is not said by every stage"),
        }
    }
}
