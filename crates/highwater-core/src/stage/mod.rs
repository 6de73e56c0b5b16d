//! For those who write stages, machines and sources: what a stage says of itself, how it yields, what a machine answers.

pub(crate) mod control;
#[cfg(feature = "metrics")]
mod metrics;
mod plan;
mod stats;

pub(crate) use control::{BufferStats, Control, Controlled, Event};
#[cfg(feature = "metrics")]
pub(crate) use metrics::{Place, Shown, count};
pub(crate) use plan::Plan;
pub use plan::{RunsOn, StageInfo};
pub use stats::StageStats;
pub(crate) use stats::{StageCounter, Stopwatch};

pub use crate::coop::Coop;
pub use crate::pace::Pace;
pub use crate::reason::dropped_for;
pub use crate::transform::{Offer, Out, Step};
