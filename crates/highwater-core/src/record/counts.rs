//! How many records there were.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many records a machine has read so far; cheap to clone.
///
/// The figures are brought up to date after each chunk, at the end and at an error. Each of them is exact then; while
/// the machine runs on another thread, two of them may be of two neighbouring chunks.
#[derive(Debug, Clone, Default)]
pub struct RecordCounts(Arc<Shared>);

/// One writer, the machine: plain stores are enough, and cost nothing per record.
#[derive(Debug, Default)]
struct Shared {
    read: AtomicU64,
    skipped: AtomicU64,
}

impl RecordCounts {
    /// Records given.
    pub fn read(&self) -> u64 {
        self.0.read.load(Ordering::Relaxed)
    }

    /// Bad records left out, those handed over as dead letters included.
    pub fn skipped(&self) -> u64 {
        self.0.skipped.load(Ordering::Relaxed)
    }

    pub(super) fn publish(&self, read: u64, skipped: u64) {
        self.0.read.store(read, Ordering::Relaxed);
        self.0.skipped.store(skipped, Ordering::Relaxed);
    }
}
