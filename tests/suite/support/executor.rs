//! An executor that polls a future only when it was woken.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

/// Counts how often it is woken.
#[derive(Debug, Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    /// A waker, and where it counts.
    pub(crate) fn waker() -> (Waker, Arc<Self>) {
        let wakes = Arc::<Self>::default();
        (Waker::from(Arc::clone(&wakes)), wakes)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// What a future gave, and after how many polls.
#[derive(Debug)]
pub(crate) struct Ran<T> {
    pub(crate) output: T,
    pub(crate) polls: usize,
}

/// The future is pending and was not woken: it would hang.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stalled {
    pub(crate) polls: usize,
}

/// Runs a future that nothing but itself can wake.
pub(crate) fn run_woken<F: Future>(future: F) -> Result<Ran<F::Output>, Stalled> {
    run_spurious(future, 0)
}

/// The same, with so many polls for no reason after each that is pending.
pub(crate) fn run_spurious<F: Future>(future: F, extra: usize) -> Result<Ran<F::Output>, Stalled> {
    let mut future = pin!(future);
    let (waker, wakes) = Wakes::waker();
    let mut cx = Context::from_waker(&waker);
    let mut polls = 0;
    loop {
        let before = wakes.count();
        for _ in 0..=extra {
            polls += 1;
            assert!(polls < MOST_POLLS, "it wakes itself without getting anywhere");
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return Ok(Ran { output, polls });
            }
        }
        if wakes.count() == before {
            return Err(Stalled { polls });
        }
    }
}

/// One poll, whose wake-ups go nowhere.
pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

const MOST_POLLS: usize = 1_000_000;
