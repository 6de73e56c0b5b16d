//! What a machine has counted, readable while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What [`Lines`](crate::Lines), [`LineBlocks`](crate::LineBlocks) or [`Grep`](crate::Grep) has counted so far; cheap to
/// clone.
///
/// The figures are brought up to date after each chunk, at the end and at an error. Each of them is exact then; while
/// the machine runs on another thread, two of them may be of two neighbouring chunks.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_lines::{Grep, Lines, LongLine};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let machine = Lines::new().with_max_length(4).on_long_line(LongLine::Skip);
/// let counts = machine.counts();
/// Readable::from_iter([Bytes::from("one\ntoo long\ntwo")]).pipe(machine).to_vec().await?;
/// assert_eq!((counts.lines(), counts.skipped(), counts.bytes()), (3, 1, 16));
///
/// let machine = Grep::literal("b");
/// let counts = machine.counts();
/// Readable::from_iter([Bytes::from("abc\ncd\nb")]).pipe(machine).to_vec().await?;
/// assert_eq!((counts.lines(), counts.matched(), counts.bytes()), (3, 2, 8));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct LineCounts(Arc<Shared>);

impl LineCounts {
    /// Lines whose end was seen, those that were skipped or cut included.
    pub fn lines(&self) -> u64 {
        self.0.lines.load(Ordering::Relaxed)
    }

    /// Lines that [`Grep`](crate::Grep) gave; those that did not match with [`invert`](crate::Grep::invert). The other
    /// machines count none.
    pub fn matched(&self) -> u64 {
        self.0.matched.load(Ordering::Relaxed)
    }

    /// Lines left out because they were too long.
    pub fn skipped(&self) -> u64 {
        self.0.skipped.load(Ordering::Relaxed)
    }

    /// Lines cut because they were too long.
    pub fn truncated(&self) -> u64 {
        self.0.truncated.load(Ordering::Relaxed)
    }

    /// Bytes of input worked on.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn publish(&self, now: &Figures) {
        self.0.lines.store(now.lines, Ordering::Relaxed);
        self.0.skipped.store(now.skipped, Ordering::Relaxed);
        self.0.truncated.store(now.truncated, Ordering::Relaxed);
        self.0.bytes.store(now.bytes, Ordering::Relaxed);
    }

    pub(crate) fn publish_matched(&self, lines: u64) {
        self.0.matched.store(lines, Ordering::Relaxed);
    }
}

/// The figures where they are counted.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) lines: u64,
    pub(crate) skipped: u64,
    pub(crate) truncated: u64,
    pub(crate) bytes: u64,
}

/// One writer, the machine: plain stores are enough, and cost nothing per line.
#[derive(Debug, Default)]
struct Shared {
    lines: AtomicU64,
    skipped: AtomicU64,
    truncated: AtomicU64,
    matched: AtomicU64,
    bytes: AtomicU64,
}
