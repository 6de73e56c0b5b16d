//! How many records there were.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many records a machine has read so far; cheap to clone.
///
/// The metrics are brought up to date with each record.
#[derive(Debug, Clone, Default)]
pub struct RecordCounts(Arc<Shared>);

/// One writer, the machine: it needs no atomic addition, and a plain store costs next to nothing.
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

    #[inline]
    pub(super) fn add_read(&self) {
        self.0.read.store(self.read() + 1, Ordering::Relaxed);
    }

    pub(super) fn add_skipped(&self) {
        self.0.skipped.store(self.skipped() + 1, Ordering::Relaxed);
    }
}
