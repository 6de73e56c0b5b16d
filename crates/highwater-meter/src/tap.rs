//! What counts: a number that one machine writes and anybody reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

/// How much a chunk counts for.
pub(crate) type Weigh<T> = fn(&T) -> usize;

/// A chunk of bytes counts for its length.
pub(crate) fn length<T: AsRef<[u8]>>(chunk: &T) -> usize {
    chunk.as_ref().len()
}

/// Any chunk counts for one.
pub(crate) fn one<T>(_: &T) -> usize {
    1
}

/// Counts what passes. It is over when its input ended, or when it is dropped.
pub(crate) struct Tap<T> {
    weigh: Weigh<T>,
    done: u64,
    counter: Arc<Counter>,
}

impl<T> Tap<T> {
    pub(crate) fn new(weigh: Weigh<T>) -> Self {
        Self { weigh, done: 0, counter: Arc::default() }
    }

    #[inline]
    pub(crate) fn count(&mut self, chunk: &T) {
        self.done = self.done.saturating_add((self.weigh)(chunk) as u64);
        // The only one who writes: a plain store is enough, and costs nothing.
        self.counter.done.store(self.done, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.counter.complete.store(true, Ordering::Relaxed);
        self.counter.over.cancel();
    }

    pub(crate) fn counter(&self) -> &Arc<Counter> {
        &self.counter
    }
}

impl<T> Drop for Tap<T> {
    fn drop(&mut self) {
        self.counter.over.cancel();
    }
}

highwater_core::debug_fields!(Tap<T>, done);

/// What a tap has counted.
#[derive(Debug)]
pub(crate) struct Counter {
    done: AtomicU64,
    total: AtomicU64,
    complete: AtomicBool,
    /// Cancelled behind everything else, so whoever sees it sees the final count.
    over: CancellationToken,
}

impl Counter {
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(crate) fn total(&self) -> Option<u64> {
        Some(self.total.load(Ordering::Relaxed)).filter(|total| *total != UNKNOWN)
    }

    pub(crate) fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// The input has ended.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_over() && self.complete.load(Ordering::Relaxed)
    }

    /// Nothing more will be counted.
    pub(crate) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    pub(crate) fn over(&self) -> &CancellationToken {
        &self.over
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self {
            done: AtomicU64::new(0),
            total: AtomicU64::new(UNKNOWN),
            complete: AtomicBool::new(false),
            over: CancellationToken::new(),
        }
    }
}

/// The total that stands for none.
const UNKNOWN: u64 = u64::MAX;
