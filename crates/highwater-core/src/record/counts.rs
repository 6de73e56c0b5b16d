//! How many items succeeded and failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The items that a stage has worked on so far; cheap to clone.
///
/// The counts are brought up to date with each item.
#[derive(Debug, Clone, Default)]
pub struct ItemCounts(Arc<Shared>);

/// One writer, the stage: it needs no atomic addition, and a plain store costs next to nothing.
#[derive(Debug, Default)]
struct Shared {
    succeeded: AtomicU64,
    failed: AtomicU64,
}

impl ItemCounts {
    /// Items that were read, written or mapped.
    pub fn succeeded(&self) -> u64 {
        self.0.succeeded.load(Relaxed)
    }

    /// Items that failed: those left out, those given to a handler, and the one that has ended the stream.
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Relaxed)
    }

    #[inline]
    pub(super) fn add_succeeded(&self) {
        self.0.succeeded.store(self.succeeded() + 1, Relaxed);
    }

    pub(super) fn add_failed(&self) {
        self.0.failed.store(self.failed() + 1, Relaxed);
    }
}
