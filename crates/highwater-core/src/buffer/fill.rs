//! The task that fills a buffer.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::buffered::Buffered;
use super::mark::HighWaterMark;
use super::shared::Shared;
use super::writable::Writable;
use crate::error::{Error, Result};
use crate::observe::trace;
use crate::readable::Readable;
use crate::reason;
use crate::stage::{Control, Plan, RunsOn, StageInfo};
use crate::task::{self, LazyTask};

/// A readable whose buffer is filled by a task that `fill` describes. The task is spawned when the readable is first read,
/// ends with it, and is waited for by the pipeline.
pub(super) fn filled<T, Fut>(
    mut plan: Plan,
    info: StageInfo,
    mark: HighWaterMark<T>,
    fill: impl FnOnce(Writable<T>, &TaskTracker) -> Fut,
) -> Readable<Buffered<T>>
where
    T: Send + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let before = plan.clone();
    let jobs = info.known_jobs().cloned().unwrap_or_default();
    let info =
        info.with_max_bytes(mark.max_bytes()).with_runs_on(RunsOn::Task).with_jobs(jobs.clone());
    let (name, shared) = (info.name(), Shared::new(mark, &info, None));
    plan.push(info.with_buffer(Control::new(Arc::clone(&shared))));
    let output = Writable::of(Arc::clone(&shared));
    let fill = fill(output.clone(), &jobs);
    let mut filling = Filling {
        reads: Upstream::new(Box::pin(fill), Arc::clone(&shared)),
        before,
        plan: plan.clone(),
    };
    let work = async move {
        match poll_fn(|cx| filling.poll(cx)).await {
            Ok(()) => output.end(),
            Err(error) => output.fail(error),
        }
    };
    let work = jobs.track_future(work);
    let starter = LazyTask::new(move || task::spawn(work.instrument(trace::stage(name))));
    Readable::from_parts(Buffered::new(shared, Some(starter)), plan)
}

/// The work that fills a buffer.
struct Filling<Fut, T> {
    reads: Upstream<Pin<Box<Fut>>, T>,
    /// The stages that it reads.
    before: Plan,
    /// These, and the buffer.
    plan: Plan,
}

impl<Fut: Future<Output = Result<()>>, T> Filling<Fut, T> {
    /// A panic is an error of the stage that panicked.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { reads, before, plan } = self;
        reads.run(|work| {
            let polled = AssertUnwindSafe(|| before.timed(|| work.as_mut().poll(cx)));
            match catch_unwind(polled) {
                Ok(Poll::Ready(Err(error))) if error.is_panic() => {
                    Poll::Ready(Err(error.in_stage(plan.panicked())))
                }
                Ok(polled) => polled,
                Err(payload) => Poll::Ready(Err(Error::panic(&*payload).in_stage(plan.panicked()))),
            }
        })
    }
}

/// What reads the input of a buffer. Whoever writes to that input learns why the reading ends: the error of the work,
/// or the one that the buffer was destroyed with.
pub(super) struct Upstream<W, T> {
    work: Option<W>,
    buffer: Arc<Shared<T>>,
}

impl<W, T> Upstream<W, T> {
    pub(super) fn new(work: W, buffer: Arc<Shared<T>>) -> Self {
        Self { work: Some(work), buffer }
    }

    pub(super) fn get_mut(&mut self) -> Option<&mut W> {
        self.work.as_mut()
    }

    /// Pending for ever once it was ready.
    fn run(&mut self, step: impl FnOnce(&mut W) -> Poll<Result<()>>) -> Poll<Result<()>> {
        let work = &mut self.work;
        let step = || {
            let polled = work.as_mut().map_or(Poll::Pending, step);
            if polled.is_ready() {
                *work = None;
            }
            polled
        };
        reason::dropped_by(step, |polled| match polled {
            Poll::Ready(Err(error)) => Some(error.clone()),
            _ => None,
        })
    }
}

impl<W, T> Drop for Upstream<W, T> {
    fn drop(&mut self) {
        let work = self.work.take();
        reason::dropped_by(|| drop(work), |()| self.buffer.lock().known_failure());
    }
}
