//! What a writer has done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a [`TableWriter`](crate::TableWriter) has written: only what was committed counts.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use highwater_core::{Readable, Result};
/// use highwater_core::record::OnFailure;
/// use highwater_sql::{Database, Table, table_writer};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let database = Database::sqlite(folder.path().join("n.db"));
/// database.execute("CREATE TABLE t (n INTEGER CHECK (n < 3))").await?;
/// let writer = table_writer::<(i64,)>(&database, Table::new("t", ["n"])?).on_failure(OnFailure::Skip);
/// let counts = writer.counts();
/// Readable::from_iter(0..5).map(|n| (n,)).chunks(2).pipe_to(writer).await?;
/// assert_eq!((counts.written(), counts.skipped(), counts.batches()), (3, 2, 3));
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct WriteCounts(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    written: AtomicU64,
    skipped: AtomicU64,
    batches: AtomicU64,
}

/// What one transaction did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) written: u64,
    pub(crate) skipped: u64,
    pub(crate) batches: u64,
}

impl WriteCounts {
    /// Rows that are in the table.
    pub fn written(&self) -> u64 {
        self.0.written.load(Relaxed)
    }

    /// Bad rows that are not, whether they were kept elsewhere or not.
    pub fn skipped(&self) -> u64 {
        self.0.skipped.load(Relaxed)
    }

    /// Batches.
    pub fn batches(&self) -> u64 {
        self.0.batches.load(Relaxed)
    }

    pub(crate) fn add(&self, tally: Tally) {
        self.0.written.fetch_add(tally.written, Relaxed);
        self.0.skipped.fetch_add(tally.skipped, Relaxed);
        self.0.batches.fetch_add(tally.batches, Relaxed);
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.written += other.written;
        self.skipped += other.skipped;
        self.batches += other.batches;
    }
}
