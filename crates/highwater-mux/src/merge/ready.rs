//! Which inputs are worth a look: the cost of a merge does not depend on how many are idle.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Wake, Waker};

use highwater_core::sync::Ordering::{AcqRel, Acquire, Relaxed, Release};
use highwater_core::sync::{AtomicBool, Mutex};

use crate::lock;

/// The inputs that were woken, first come, first served, and who waits for them.
#[derive(Default)]
pub(super) struct ReadyList {
    state: Mutex<State>,
    /// There is something in the list, or there are requests: a look at this costs less than a lock.
    news: AtomicBool,
}

#[derive(Default)]
struct State {
    queue: VecDeque<u64>,
    waker: Option<Waker>,
}

impl ReadyList {
    /// Puts the inputs that were woken into an empty list, if there is any news.
    pub(super) fn take(&self, woken: &mut VecDeque<u64>) -> bool {
        if !self.news.load(Acquire) {
            return false;
        }
        let mut state = lock(&self.state);
        self.news.store(false, Relaxed);
        // Not given away, so that the memory of both is used again.
        std::mem::swap(&mut state.queue, woken);
        true
    }

    /// Has this task woken from now on. True if there is news already, for which nobody may wake it.
    pub(super) fn register(&self, waker: &Waker) -> bool {
        let _replaced;
        let mut state = lock(&self.state);
        if !state.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            _replaced = state.waker.replace(waker.clone());
        }
        self.news.load(Relaxed)
    }

    /// Wakes whoever waits, for an input or for a request.
    pub(super) fn notify(&self, input: Option<u64>) {
        let waker = {
            let mut state = lock(&self.state);
            state.queue.extend(input);
            self.news.store(true, Release);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The waker of one input. It is in the list once at the most.
pub(super) struct Signal {
    id: u64,
    listed: AtomicBool,
    list: Arc<ReadyList>,
}

impl Signal {
    pub(super) fn new(id: u64, list: &Arc<ReadyList>) -> Arc<Self> {
        Arc::new(Self { id, listed: AtomicBool::new(false), list: Arc::clone(list) })
    }

    /// It was taken from the list. Comes before the poll, so that a wake during the poll counts.
    pub(super) fn taken(&self) {
        // A swap: if a wake came before it and was not listed, the poll sees what that was for.
        self.listed.swap(false, AcqRel);
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.listed.swap(true, AcqRel) {
            self.list.notify(Some(self.id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However often an input is woken before anybody looks, it takes one place: the list is bounded by the inputs.
    #[test]
    fn an_input_that_is_woken_often_is_listed_once() {
        let list = Arc::new(ReadyList::default());
        let (signal, mut woken) = (Signal::new(7, &list), VecDeque::new());
        for _ in 0..3 {
            (0..100).for_each(|_| signal.wake_by_ref());
            assert!(list.take(&mut woken) && !list.take(&mut VecDeque::new()));
            assert_eq!(woken, [7]);
            woken.clear();
            signal.taken();
        }
    }
}
