//! What pipelines do, as counters and gauges for the recorders of the crate `metrics`. Without the feature of that name,
//! nothing is kept and nothing is done. The guide lists the names.

#[cfg(not(feature = "metrics"))]
mod none;
#[cfg(feature = "metrics")]
mod pipeline;
#[cfg(feature = "metrics")]
mod stage;

#[cfg(not(feature = "metrics"))]
pub(crate) use none::{PipelineMetrics, StageMetrics};
#[cfg(feature = "metrics")]
pub(crate) use pipeline::PipelineMetrics;
#[cfg(feature = "metrics")]
pub(crate) use stage::StageMetrics;
