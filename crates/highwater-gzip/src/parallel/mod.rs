//! Compresses on several cores.

mod block;
mod ordered;
mod stage;

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use highwater_core::stage::{RunsOn, StageInfo};
use highwater_core::{Readable, Result};
use tokio_util::task::TaskTracker;

pub use stage::ParallelGzipped;

use crate::format::checked;
use crate::gzip::ENGINE;
use crate::header::Header;

/// Compresses on several cores into one gzip member: [`GzipExt::parallel_gzip`](crate::GzipExt::parallel_gzip).
///
/// The input is cut into blocks, each of which is compressed with the 32 KiB before it as its dictionary, as `pigz`
/// does it. The result is one valid member for every reader, less than one percent larger than what
/// [`Gzip`](crate::Gzip) makes; it does not depend on the number of threads, nor on how the input is cut into chunks.
///
/// It works on Tokio's pool for blocking calls, on as many threads at a time as it is told. Each has a second block in
/// flight, so that it need not wait for its next. A thread is let go of when no block waits for it, so none is held
/// while the source or the destination is slow. Dropping the stage cancels the blocks that no thread has begun; a
/// pipeline resolves when the pool has let go of all of them.
///
/// A block is compressed when it is full. That is for files; for live streams [`Gzip`](crate::Gzip) has
/// [`Flush`](crate::Flush). When the input fails, what was taken up to then is given, and no trailer.
///
/// # Panics
///
/// The stage panics when it is polled outside of a Tokio runtime. A panic in a job is an error of the stream
/// ([`is_panic`](highwater_core::Error::is_panic)).
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_gzip::{Gunzip, GzipExt, ParallelGzip};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let text = Bytes::from("many hands make light work\n".repeat(50_000));
/// let packed = Readable::once(text.clone()).parallel_gzip(ParallelGzip::threads(4).with_level(9));
/// assert_eq!(packed.pipe(Gunzip::new().single_member()).to_bytes().await?, text);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ParallelGzip {
    threads: NonZeroUsize,
    level: u32,
    header: Header,
    block: usize,
}

impl ParallelGzip {
    /// With level 6, on so many threads at a time.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    pub fn threads(threads: usize) -> Self {
        let threads =
            NonZeroUsize::new(threads).expect("somebody has to do it: 1 thread at the least");
        Self { threads, level: 6, header: Header::default(), block: BLOCK }
    }

    /// With level 6, on as many threads as the process may run at a time; 1 where that is not known.
    pub fn all_cores() -> Self {
        Self::threads(available_parallelism().map_or(1, NonZeroUsize::get))
    }

    /// The level, from 0 (stored) to 9 (small).
    ///
    /// # Panics
    ///
    /// If it is above 9.
    #[track_caller]
    #[must_use]
    pub fn with_level(mut self, level: u32) -> Self {
        self.level = checked(level).level();
        self
    }

    /// What the member says about itself.
    ///
    /// # Errors
    ///
    /// As [`Gzip::with_header`](crate::Gzip::with_header).
    pub fn with_header(mut self, header: Header) -> Result<Self> {
        header.check()?;
        self.header = header;
        Ok(self)
    }

    /// Bytes per block, 256 KiB unless said otherwise. Larger blocks cost memory and gain next to nothing.
    ///
    /// # Panics
    ///
    /// If it is less than 32 KiB, which is how far deflate looks back.
    #[track_caller]
    #[must_use]
    pub fn with_block_size(mut self, bytes: usize) -> Self {
        assert!(bytes >= WINDOW, "a block has at least 32 KiB, and this one {bytes} bytes");
        self.block = bytes;
        self
    }

    /// Puts itself behind a source.
    pub(crate) fn behind<S>(self, source: Readable<S>) -> Readable<ParallelGzipped<S>> {
        let jobs = TaskTracker::new();
        let info = StageInfo::new(NAME)
            .with_runs_on(RunsOn::BlockingPool)
            .with_max_bytes(self.max_bytes())
            .with_jobs(jobs.clone());
        // It waits for its own work and for its source, which speaks for itself.
        info.meter().steady();
        source.stage(info, |source| ParallelGzipped::new(source, self, jobs))
    }

    /// Per block in flight: its engine, itself with its dictionary, and its output, which may have to grow once. And
    /// the block that is gathered.
    fn max_bytes(&self) -> Option<usize> {
        let block = self.block.checked_mul(3)?.checked_add(ENGINE + WINDOW)?;
        let flying = in_flight(self.threads).checked_mul(block)?;
        flying.checked_add(self.block)?.checked_add(WINDOW)
    }
}

/// Blocks that are begun and not given: one in work for each thread, and one that waits, or is done before an older
/// one.
fn in_flight(threads: NonZeroUsize) -> usize {
    threads.get().saturating_mul(2)
}

/// In errors and reports.
const NAME: &str = "parallel_gzip";
/// Bytes per block.
const BLOCK: usize = 256 * 1024;
/// How far deflate looks back (RFC 1951, 2), in bytes.
const WINDOW: usize = 32 * 1024;
