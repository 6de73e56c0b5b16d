//! Blocks in work, whose results come in the order in which they were begun.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};

use highwater_core::task::Workers;
use highwater_core::{Error, Result};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::block::{Block, Compressed};

/// Blocks for threads of the blocking pool; [cancelled](Self::cancel) when it is dropped.
pub(super) struct Ordered {
    /// Gone when it was cancelled.
    workers: Option<Workers<Block, Result<Compressed>, Job>>,
    slots: VecDeque<Slot>,
}

type Job = fn(Block, &AtomicBool) -> Result<Compressed>;

enum Slot {
    Running(oneshot::Receiver<Result<Result<Compressed>>>),
    Done(Result<Compressed>),
}

impl Ordered {
    pub(super) fn new(threads: usize, tracker: TaskTracker) -> Self {
        let workers = Workers::new(threads, (|block, _| block.compress()) as Job, tracker);
        Self { workers: Some(workers), slots: VecDeque::new() }
    }

    /// Has a block compressed. The task is woken for it only after the next [`poll`](Self::poll).
    pub(super) fn begin(&mut self, block: Block) {
        self.slots
            .extend(self.workers.as_ref().map(|workers| Slot::Running(workers.submit(block))));
    }

    /// Looks which blocks are done; has the task woken for the others.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) {
        for slot in &mut self.slots {
            if let Slot::Running(receiver) = slot {
                if let Poll::Ready(received) = Pin::new(receiver).poll(cx) {
                    // It says nothing at the end of the runtime.
                    let compressed = received.unwrap_or_else(|_| Err(Error::premature_close()));
                    *slot = Slot::Done(compressed.unwrap_or_else(Err));
                }
            }
        }
    }

    /// The oldest result, if it is there.
    pub(super) fn next(&mut self) -> Option<Result<Compressed>> {
        match self.slots.pop_front()? {
            Slot::Done(result) => Some(result),
            running => {
                self.slots.push_front(running);
                None
            }
        }
    }

    /// Cancels what no thread has begun, and forgets the rest.
    pub(super) fn cancel(&mut self) {
        self.workers = None;
        self.slots.clear();
    }

    /// Blocks whose results were not taken.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}
