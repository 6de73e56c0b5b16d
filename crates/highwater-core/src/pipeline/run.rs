//! How a pipeline runs.
//!
//! ```text
//!  open --> pump --> finish ----------------> drop the source, join --> report
//!    |        |         |
//!    +--------+---------+--> error, panic, abort
//!                              |
//!                              +--> drop the source --> flush, if the source failed --> abort --> join --> error
//!                                                                                         |
//!                                         it was aborted, but has committed: report <-----+
//! ```

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::close::within;
use super::course::{Course, drop_caught};
use super::{Joint, Pipeline};
use crate::destination::Destination;
use crate::error::{Error, Result};
use crate::observe::{Phase, Progress, Report};
use crate::reason;
use crate::task::Cancelled;

impl<J: Joint> Pipeline<J> {
    /// Runs, and keeps `progress` up to date.
    ///
    /// An idle connection is hardly more than this future, so it is kept small: an `async fn` has each argument twice, and a
    /// future that is moved into another takes its space again. Here a block uses what it captured, and what is awaited
    /// through others is pinned once and lent; what is rare is boxed.
    pub(super) fn run_with(self, progress: Arc<Progress>) -> impl Future<Output = Result<Report>> {
        let Self { joint, has_failed, plan, token, close_timeout, name, keep_open, .. } = self;
        let (source, mut destination) = joint.split();
        async move {
            let source = pin!(Some(source));
            let written_to = destination.name();
            let result = if token.as_ref().is_some_and(CancellationToken::is_cancelled) {
                let error = Error::aborted();
                let name = plan.source_name();
                let dropped = reason::dropped_with(Some(&error), || drop_caught(source, name));
                progress.enter(Phase::Joining);
                plan.join().await;
                Err(match dropped {
                    Ok(()) => error,
                    Err(later) => error.or_later(later),
                })
            } else {
                let mut cancelled = token.map(Cancelled::new);
                let course = Course { has_failed, keep_open, plan: &plan, progress: &progress };
                match course.run(source, &mut destination, &mut cancelled).await {
                    Ok(()) => {
                        course.join().await;
                        Ok(())
                    }
                    Err(failure) => {
                        let first = failure.error().clone();
                        let close = course.close(failure, &mut destination, &mut cancelled);
                        within(close_timeout, first, Box::pin(close)).await
                    }
                }
            };
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(destination)))
                .map_err(|payload| Error::panic(&*payload).in_stage(written_to));
            match both(result, dropped) {
                Ok(()) => Ok(Report::of(&progress, &plan, name)),
                Err(error) => {
                    let error = name.iter().fold(error, Error::in_pipeline);
                    let report = Report::of(&progress, &plan, name);
                    Err(error.with_report(Arc::new(report)))
                }
            }
        }
    }
}

/// The first error of two steps.
fn both(first: Result<()>, then: Result<()>) -> Result<()> {
    match (first, then) {
        (Err(first), Err(later)) => Err(first.or_later(later)),
        (first, then) => first.and(then),
    }
}
