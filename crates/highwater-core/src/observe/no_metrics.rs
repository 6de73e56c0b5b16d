//! Without the feature `metrics`, nothing is kept.

use std::sync::Arc;

use super::Progress;
use super::report::Report;
use crate::error::Result;
use crate::stage::Plan;

#[derive(Debug)]
pub(super) struct PipelineMetrics;

impl PipelineMetrics {
    pub(super) fn new(_: Option<Arc<str>>, _: &Plan) -> Self {
        Self
    }

    #[inline]
    pub(super) fn publish(&mut self, _: &Plan, _: &Progress) {}

    #[inline]
    pub(super) fn over(&mut self, _: &Result<Report>) {}

    #[inline]
    pub(super) fn close(&mut self, _: &Plan) {}
}
