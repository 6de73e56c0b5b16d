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

use super::block::{Block, Packed};

/// Blocks for threads of the blocking pool; [called off](Self::call_off) when it is dropped.
pub(super) struct Ordered {
    /// Gone when it was called off.
    workers: Option<Workers<Block, Result<Packed>, Pack>>,
    slots: VecDeque<Slot>,
}

type Pack = fn(Block, &AtomicBool) -> Result<Packed>;

enum Slot {
    Running(oneshot::Receiver<Result<Result<Packed>>>),
    Done(Result<Packed>),
}

impl Ordered {
    pub(super) fn new(threads: usize, tracker: TaskTracker) -> Self {
        let workers = Workers::new(threads, (|block, _| block.pack()) as Pack, tracker);
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
                    let packed = received.unwrap_or_else(|_| Err(Error::premature_close()));
                    *slot = Slot::Done(packed.unwrap_or_else(Err));
                }
            }
        }
    }

    /// The oldest result, if it is there.
    pub(super) fn next(&mut self) -> Option<Result<Packed>> {
        match self.slots.pop_front()? {
            Slot::Done(result) => Some(result),
            running => {
                self.slots.push_front(running);
                None
            }
        }
    }

    /// Calls off what no thread has begun, and forgets the rest.
    pub(super) fn call_off(&mut self) {
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
