//! The task behind several branches: it starts with the first read and ends with the last branch.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_util::Stream;
use highwater_core::stage::{RunsOn, StageInfo};
use highwater_core::sync::Mutex;
use highwater_core::task::{self, Task};
use highwater_core::{Readable, Result, Source};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::branch::Outlet;
use crate::lock;

/// A branch to read.
pub type Branched<T> = Readable<BranchSource<T>>;

/// The source of a branch.
pub struct BranchSource<T> {
    outlet: Outlet<T>,
    member: Option<Member>,
}

impl<T> BranchSource<T> {
    pub(crate) fn new(outlet: Outlet<T>) -> Self {
        Self { outlet, member: None }
    }
}

impl<T> Stream for BranchSource<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(member) = &mut self.member {
            member.start();
        }
        match &mut self.outlet {
            Outlet::Own(buffered) => Pin::new(buffered).poll_next(cx),
            Outlet::Shared(front) => match lock(front).as_mut() {
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
        if let Outlet::Shared(front) = &self.outlet {
            // Taken out first, so that the lock is free while what is buffered is dropped.
            let readable = lock(front).take();
            drop(readable);
        }
    }
}

impl<T> fmt::Debug for BranchSource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BranchSource").finish_non_exhaustive()
    }
}

/// What several branches have in common.
pub(crate) struct Hub {
    state: Mutex<State>,
    /// One for each branch that is there. The work owns them, so that they end with it.
    tokens: Weak<Tokens>,
}

type Tokens = Mutex<Vec<Option<TaskTrackerToken>>>;

struct State {
    open: usize,
    work: Work,
}

enum Work {
    Waiting(Pin<Box<dyn Future<Output = ()> + Send>>),
    Running(#[expect(dead_code, reason = "dropping it ends the task")] Task<()>),
    Over,
}

impl Hub {
    pub(crate) fn new(work: impl Future<Output = ()> + Send + 'static) -> Arc<Self> {
        let tokens = Arc::new(Tokens::default());
        let weak = Arc::downgrade(&tokens);
        let work = Work::Waiting(Box::pin(async move {
            let _tokens = tokens;
            work.await;
        }));
        Arc::new(Self { state: Mutex::new(State { open: 0, work }), tokens: weak })
    }

    /// One branch more. The pipeline of a branch waits for the task only if it was the last one: it would wait for the
    /// other branches otherwise.
    pub(crate) fn join<T>(
        self: &Arc<Self>,
        name: &'static str,
        outlet: Readable<Outlet<T>>,
    ) -> Branched<T> {
        let jobs = TaskTracker::new();
        let index = self.tokens.upgrade().map(|tokens| {
            let mut tokens = lock(&tokens);
            tokens.push(Some(jobs.token()));
            tokens.len() - 1
        });
        lock(&self.state).open += 1;
        let member = Member { hub: Arc::clone(self), index, started: false };
        let info =
            StageInfo::new(name).with_max_bytes(0).with_runs_on(RunsOn::Task).with_jobs(jobs);
        outlet.stage(info, |outlet| BranchSource { outlet, member: Some(member) })
    }

    fn start(&self) {
        let work = {
            let mut state = lock(&self.state);
            match std::mem::replace(&mut state.work, Work::Over) {
                Work::Waiting(work) => work,
                other => {
                    state.work = other;
                    return;
                }
            }
        };
        // The branch that is being read keeps the hub open until the task is in its place.
        let task = task::spawn(work);
        lock(&self.state).work = Work::Running(task);
    }

    fn leave(&self, index: Option<usize>) {
        let over = {
            let mut state = lock(&self.state);
            state.open -= 1;
            (state.open == 0).then(|| std::mem::replace(&mut state.work, Work::Over))
        };
        if over.is_some() {
            return;
        }
        if let (Some(tokens), Some(index)) = (self.tokens.upgrade(), index) {
            lock(&tokens)[index] = None;
        }
    }
}

/// The place of a branch in its hub.
struct Member {
    hub: Arc<Hub>,
    index: Option<usize>,
    started: bool,
}

impl Member {
    #[inline]
    fn start(&mut self) {
        if !self.started {
            self.started = true;
            self.hub.start();
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.hub.leave(self.index);
    }
}
