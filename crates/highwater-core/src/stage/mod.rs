//! What a stage says of itself: its description, its counters, its buffer from elsewhere.

mod control;
#[cfg(feature = "metrics")]
mod metrics;
mod plan;
mod stats;

pub(crate) use control::Controlled;
pub use control::{BufferStats, Control, Event, Events};
#[cfg(feature = "metrics")]
pub(crate) use metrics::{Place, Shown, count};
pub(crate) use plan::Plan;
pub use plan::{RunsOn, StageInfo};
pub use stats::StageStats;
pub(crate) use stats::{StageCounter, Stopwatch};
