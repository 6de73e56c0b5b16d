//! What makes a running pipeline seen: its span, its metrics, its watch.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tracing::Span;

use super::metrics::PipelineMetrics;
use super::progress::Progress;
use super::report::Report;
use super::trace;
use super::watch::Watch;
use crate::error::Result;
use crate::stage::Plan;

pin_project! {
    /// The work of a pipeline, seen from outside.
    pub(crate) struct Observed<F> {
        #[pin]
        work: F,
        sight: Sight,
    }
}

/// Dropped behind the work: by then nothing is buffered any more.
struct Sight {
    name: Option<Arc<str>>,
    plan: Arc<Plan>,
    progress: Arc<Progress>,
    watch: Option<Box<Watch>>,
    /// There from the first poll on.
    begun: Option<(Span, PipelineMetrics)>,
}

impl<F> Observed<F> {
    pub(crate) fn new(
        work: F,
        name: Option<Arc<str>>,
        plan: Arc<Plan>,
        progress: Arc<Progress>,
        watch: Option<Box<Watch>>,
    ) -> Self {
        Self { work, sight: Sight { name, plan, progress, watch, begun: None } }
    }
}

impl<F: Future<Output = Result<Report>>> Future for Observed<F> {
    type Output = Result<Report>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Report>> {
        let this = self.project();
        let Sight { name, plan, progress, watch, begun } = this.sight;
        let (span, metrics) = begun.get_or_insert_with(|| {
            let metrics = PipelineMetrics::new(name.clone(), plan);
            (trace::pipeline(name.as_deref(), plan), metrics)
        });
        let _entered = span.enter();
        let polled = this.work.poll(cx);
        metrics.publish(plan, progress);
        match &polled {
            Poll::Ready(result) => {
                metrics.over(result);
                trace::over(result);
            }
            Poll::Pending => {
                if let Some(watch) = watch {
                    watch.look(name.as_ref(), plan, progress, cx);
                }
            }
        }
        polled
    }
}

impl Drop for Sight {
    fn drop(&mut self) {
        if let Some((_, metrics)) = &mut self.begun {
            metrics.publish(&self.plan, &self.progress);
            metrics.close(&self.plan);
        }
    }
}
