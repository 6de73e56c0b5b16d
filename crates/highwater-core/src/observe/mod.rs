//! What is seen of a pipeline: its progress while it runs, its report, its plan, its stalls, its spans and metrics.

mod explain;
#[cfg_attr(not(feature = "metrics"), path = "no_metrics.rs")]
mod metrics;
mod observed;
mod progress;
pub(crate) mod report;
mod stall;
pub(crate) mod trace;
mod watch;

pub use explain::{Explanation, StageExplanation};
pub(crate) use observed::Observed;
pub(crate) use progress::{Phase, Progress, TimedFuture};
pub(crate) use report::Report;
pub use report::StageReport;
pub use stall::{Stall, StalledStage, WaitReason};
pub(crate) use watch::Watch;

pub use crate::stage::control::{BufferStats, Event, Events};
