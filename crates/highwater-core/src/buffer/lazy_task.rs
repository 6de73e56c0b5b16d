//! A task that is spawned when it is first needed.

use std::future::Future;
use std::pin::Pin;

use tracing::Instrument;

use crate::observe::trace;
use crate::task::{self, Task};

/// What fills a buffer: nothing before the buffer is read for the first time, a task from then on. It ends with this.
pub(super) enum LazyTask {
    Waiting(Pin<Box<dyn Future<Output = ()> + Send>>, &'static str),
    Running(#[expect(dead_code, reason = "dropping it ends the task")] Task<()>),
    Starting,
}

impl LazyTask {
    /// What the stage of this name has to do.
    pub(super) fn new(
        work: impl Future<Output = ()> + Send + 'static,
        stage: &'static str,
    ) -> Self {
        Self::Waiting(Box::pin(work), stage)
    }

    #[inline]
    pub(super) fn start(&mut self) {
        if matches!(self, Self::Waiting(..)) {
            self.spawn();
        }
    }

    #[cold]
    fn spawn(&mut self) {
        if let Self::Waiting(work, stage) = std::mem::replace(self, Self::Starting) {
            *self = Self::Running(task::spawn(work.instrument(trace::stage(stage))));
        }
    }
}

crate::debug_fields!(LazyTask);
