//! What is traced, all in one place: the spans, the events, their levels and fields. The guide lists them.
//!
//! Nothing is traced per chunk. A pipeline has one span, entered when its task is polled, and so has each task that fills
//! a buffer; events are for what is rare. Where nobody listens, each costs the look at one number.

use tracing::{Span, debug, debug_span, info_span, trace, warn};

use super::report::Report;
use super::stall::Stall;
use crate::error::{Error, Result};
use crate::stage::Plan;

/// The span of a pipeline, while it runs.
pub(crate) fn pipeline(name: Option<&str>, plan: &Plan) -> Span {
    let stages = plan.stages();
    let destination = stages.last().map(|stage| stage.name());
    info_span!(target: PIPELINE, "pipeline", name, source = plan.source_name(), destination)
}

/// The span of a task that fills a buffer, within that of the pipeline which reads it.
pub(crate) fn stage(stage: &'static str) -> Span {
    debug_span!(target: PIPELINE, "stage", stage)
}

/// How a pipeline went.
pub(crate) fn over(result: &Result<Report>) {
    match result {
        Ok(report) => debug!(
            target: PIPELINE,
            chunks_in = report.chunks_in(),
            chunks_out = report.chunks_out(),
            elapsed = ?report.elapsed(),
            bottleneck = %report.bottleneck(),
            "end"
        ),
        Err(error) if error.is_aborted() => debug!(target: PIPELINE, "abort"),
        Err(error) => warn!(target: PIPELINE, stage = error.stage(), %error, "error"),
    }
}

/// A pipeline that was told to pause has stopped writing.
pub(crate) fn halted() {
    debug!(target: PIPELINE, "pause");
}

/// It writes again.
pub(crate) fn resumed() {
    debug!(target: PIPELINE, "resume");
}

/// Nothing has moved for long.
pub(crate) fn stalled(stall: &Stall) {
    let (holder, lasted) = (stall.holder().name(), stall.lasted());
    warn!(target: PIPELINE, holder, ?lasted, %stall, "stall");
}

/// The delivery of a buffer was paused, or goes on.
pub(crate) fn delivery(stage: &'static str, paused: bool) {
    if paused {
        debug!(target: BUFFER, stage, "pause");
    } else {
        debug!(target: BUFFER, stage, "resume");
    }
}

/// A writer waits for room in a buffer.
pub(crate) fn full(stage: &'static str) {
    trace!(target: BUFFER, stage, "full");
}

/// A writer that waited for room goes on.
pub(crate) fn drained(stage: &'static str) {
    trace!(target: BUFFER, stage, "drain");
}

/// A buffer was destroyed; an error of its writer comes in its place, and is the pipeline's.
pub(crate) fn destroyed(stage: &'static str, error: &Error) {
    debug!(target: BUFFER, stage, %error, "destroy");
}

const PIPELINE: &str = "highwater::pipeline";
const BUFFER: &str = "highwater::buffer";
