//! The task behind several branches: it starts with the first read and ends with the last branch.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_util::Stream;
use highwater_core::stage::{RunsOn, StageInfo};
use highwater_core::sync::Mutex;
use highwater_core::task::{self, LazyTask};
use highwater_core::{Readable, Result, Source};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::branch::BranchReader;
use crate::lock;

/// A branch to read.
pub type Branched<T> = Readable<BranchSource<T>>;

/// The source of a branch.
pub struct BranchSource<T> {
    reader: BranchReader<T>,
    guard: Option<BranchGuard>,
}

impl<T> BranchSource<T> {
    pub(crate) fn new(reader: BranchReader<T>) -> Self {
        Self { reader, guard: None }
    }
}

impl<T> Stream for BranchSource<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(guard) = &mut self.guard {
            guard.start();
        }
        match &mut self.reader {
            BranchReader::Own(buffered) => Pin::new(buffered).poll_next(cx),
            BranchReader::Shared(front) => match lock(front).as_mut() {
                Some(readable) => Pin::new(readable).poll_next(cx),
                None => Poll::Ready(None),
            },
        }
    }
}

impl<T> Source for BranchSource<T> {
    type Chunk = T;
}

impl<T> Drop for BranchSource<T> {
    fn drop(&mut self) {
        if let BranchReader::Shared(front) = &self.reader {
            // Taken out first, so that the lock is free while what is buffered is dropped.
            let readable = lock(front).take();
            drop(readable);
        }
    }
}

highwater_core::debug_fields!(BranchSource<T>);

/// What several branches have in common.
pub(crate) struct FanOut {
    state: Mutex<State>,
    /// One for each branch that is there. The work owns them, so that they end with it.
    tokens: Weak<Tokens>,
}

type Tokens = Mutex<Vec<Option<TaskTrackerToken>>>;

struct State {
    open: usize,
    /// There while a branch is.
    work: Option<LazyTask>,
}

impl FanOut {
    pub(crate) fn new(work: impl Future<Output = ()> + Send + 'static) -> Arc<Self> {
        let tokens = Arc::new(Tokens::default());
        let weak = Arc::downgrade(&tokens);
        let work = async move {
            let _tokens = tokens;
            work.await;
        };
        let work = Some(LazyTask::new(|| task::spawn(work)));
        Arc::new(Self { state: Mutex::new(State { open: 0, work }), tokens: weak })
    }

    /// One branch more. The pipeline of a branch waits for the task only if it was the last one: it would wait for the
    /// other branches otherwise.
    pub(crate) fn join<T>(
        self: &Arc<Self>,
        name: &'static str,
        reader: Readable<BranchReader<T>>,
    ) -> Branched<T> {
        let jobs = TaskTracker::new();
        let index = self.tokens.upgrade().map(|tokens| {
            let mut tokens = lock(&tokens);
            tokens.push(Some(jobs.token()));
            tokens.len() - 1
        });
        lock(&self.state).open += 1;
        let guard = BranchGuard { fan_out: Arc::clone(self), index, started: false };
        let info =
            StageInfo::new(name).with_max_bytes(0).with_runs_on(RunsOn::Task).with_jobs(jobs);
        reader.stage(info, |reader| BranchSource { reader, guard: Some(guard) })
    }

    fn start(&self) {
        if let Some(work) = &mut lock(&self.state).work {
            work.start();
        }
    }

    fn leave(&self, index: Option<usize>) {
        let over = {
            let mut state = lock(&self.state);
            state.open -= 1;
            (state.open == 0).then(|| state.work.take())
        };
        if over.is_some() {
            return;
        }
        if let (Some(tokens), Some(index)) = (self.tokens.upgrade(), index) {
            lock(&tokens)[index] = None;
        }
    }
}

/// The place of a branch in its fan-out.
struct BranchGuard {
    fan_out: Arc<FanOut>,
    index: Option<usize>,
    started: bool,
}

impl BranchGuard {
    #[inline]
    fn start(&mut self) {
        if !self.started {
            self.started = true;
            self.fan_out.start();
        }
    }
}

impl Drop for BranchGuard {
    fn drop(&mut self) {
        self.fan_out.leave(self.index);
    }
}
