//! No figures.

use std::sync::Arc;

use crate::pipeline::Progress;
use crate::readable::Plan;
use crate::{Report, Result};

#[derive(Debug, Default)]
pub(crate) struct Figures;

impl Figures {
    #[inline]
    pub(crate) fn in_flight(&self, _: usize) {}

    #[inline]
    pub(crate) fn paused(&self) {}
}

#[derive(Debug)]
pub(crate) struct PipelineFigures;

impl PipelineFigures {
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
