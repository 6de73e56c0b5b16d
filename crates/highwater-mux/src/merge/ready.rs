//! Which inputs are worth a look: the cost of a merge does not depend on how many are idle.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Release};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use crate::lock;

/// The inputs that were woken, first come, first served, and who waits for them.
#[derive(Default)]
pub(super) struct ReadyList(Mutex<State>);

#[derive(Default)]
struct State {
    queue: VecDeque<u64>,
    waker: Option<Waker>,
}

impl ReadyList {
    /// Has this task woken from now on. Says how many inputs are ready.
    pub(super) fn register(&self, waker: &Waker) -> usize {
        let _replaced;
        let mut state = lock(&self.0);
        if !state.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            _replaced = state.waker.replace(waker.clone());
        }
        state.queue.len()
    }

    pub(super) fn pop(&self) -> Option<u64> {
        lock(&self.0).queue.pop_front()
    }

    /// Wakes whoever waits.
    pub(super) fn notify(&self) {
        let waker = lock(&self.0).waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The waker of one input. It is in the list once at the most.
pub(super) struct Signal {
    id: u64,
    queued: AtomicBool,
    list: Arc<ReadyList>,
}

impl Signal {
    pub(super) fn new(id: u64, list: &Arc<ReadyList>) -> Arc<Self> {
        Arc::new(Self { id, queued: AtomicBool::new(false), list: Arc::clone(list) })
    }

    /// Puts the input at the end of the list.
    pub(super) fn queue(&self) {
        if !self.queued.swap(true, AcqRel) {
            lock(&self.list.0).queue.push_back(self.id);
        }
    }

    /// Puts the input at the front of the list.
    pub(super) fn queue_first(&self) {
        if !self.queued.swap(true, AcqRel) {
            lock(&self.list.0).queue.push_front(self.id);
        }
    }

    /// It was taken from the list. Comes before the poll, so that a wake during the poll counts.
    pub(super) fn taken(&self) {
        self.queued.store(false, Release);
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.queue();
        self.list.notify();
    }
}
