//! No metrics.

use std::sync::Arc;

use crate::pipeline::Progress;
use crate::readable::Plan;
use crate::{Report, Result};

#[derive(Debug, Default)]
pub(crate) struct StageMetrics;

impl StageMetrics {
    #[inline]
    pub(crate) fn in_flight(&self, _: usize) {}

    #[inline]
    pub(crate) fn paused(&self) {}
}

#[derive(Debug)]
pub(crate) struct PipelineMetrics;

impl PipelineMetrics {
    pub(crate) fn new(_: Option<Arc<str>>, _: &Plan) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn publish(&mut self, _: &Plan, _: &Progress) {}

    #[inline]
    pub(crate) fn over(&mut self, _: &Result<Report>) {}

    #[inline]
    pub(crate) fn close(&mut self, _: &Plan) {}
}
