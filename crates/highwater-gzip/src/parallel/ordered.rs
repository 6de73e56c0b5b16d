//! Blocks in work, whose results come in the order in which they were begun.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, ready};

use highwater_core::task::Workers;
use highwater_core::{Error, Result};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::block::{Block, Compressed};

/// Blocks for threads of the blocking pool; [cancelled](Self::cancel) when it is dropped.
pub(super) struct Ordered {
    /// Gone when it was cancelled.
    workers: Option<Workers<Block, Result<Compressed>, Job>>,
    running: VecDeque<Running>,
}

type Job = fn(Block, &AtomicBool) -> Result<Compressed>;

type Running = oneshot::Receiver<Result<Result<Compressed>>>;

impl Ordered {
    pub(super) fn new(threads: usize, tracker: TaskTracker) -> Self {
        let workers = Workers::new(threads, (|block, _| block.compress()) as Job, tracker);
        Self { workers: Some(workers), running: VecDeque::new() }
    }

    /// Has a block compressed. The task is woken for it once it is the oldest, after the next
    /// [`poll_next`](Self::poll_next).
    pub(super) fn begin(&mut self, block: Block) {
        self.running.extend(self.workers.as_ref().map(|workers| workers.submit(block)));
    }

    /// The oldest result; `None` when no block is in work.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Compressed>>> {
        let Some(oldest) = self.running.front_mut() else { return Poll::Ready(None) };
        let received = ready!(Pin::new(oldest).poll(cx));
        self.running.pop_front();
        // It says nothing at the end of the runtime.
        let compressed = received.unwrap_or_else(|_| Err(Error::premature_close()));
        Poll::Ready(Some(compressed.unwrap_or_else(Err)))
    }

    /// Cancels what no thread has begun, and forgets the rest.
    pub(super) fn cancel(&mut self) {
        self.workers = None;
        self.running.clear();
    }

    /// Blocks whose results were not taken.
    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }
}
