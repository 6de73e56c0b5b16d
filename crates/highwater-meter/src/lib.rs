//! Taps that measure highwater streams: how far, how fast, how much at the most; and how late the runtime is.
//!
//! - [`Progress`] tells how far a stream is, and when it will be over;
//! - [`Throughput`] tells how fast a stream goes that has no end;
//! - [`Limit`] lets so much pass and no more;
//! - [`LagMonitor`] tells how late the runtime is: a source of its own.
//!
//! Chunks pass as they are. What counts them only counts, without a look at a clock; whoever wants speeds reads a stream of
//! them, on a task of their own, and nobody waits for that one.
//!
//! # Limits and defaults
//!
//! | | unless said otherwise | bound |
//! |---|---|---|
//! | `Progress` | speed smoothed over 5 s | holds nothing |
//! | `Throughput` | a window of 10 s | 10,000 samples in a window |
//! | `Limit` | is always given | it is one |
//! | `LagMonitor` | a timer of 10 ms, an answer each second | 100,000 timers per answer |
//!
//! ```
//! use bytes::Bytes;
//! use highwater_core::{Readable, Result};
//! use highwater_meter::{MeterExt, Progress};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! let progress = Progress::bytes();
//! let handle = progress.handle();
//! let upload = Readable::from_iter(["hello, ", "world"].map(Bytes::from)).progress(progress).limit(10);
//! assert!(upload.to_bytes().await.unwrap_err().is_limit());
//! assert_eq!((handle.done(), handle.is_over(), handle.is_complete()), (12, true, false));
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "indicatif")]
mod bar;
mod lag;
mod limit;
mod progress;
mod sampler;
mod snapshot;
mod speed;
mod tap;
#[cfg(test)]
mod tests;
mod throughput;

use bytes::Bytes;
use highwater_core::source::Piped;
use highwater_core::{Readable, Source};

pub use lag::{Lag, LagMonitor, Lags, lag_monitor};
pub use limit::Limit;
pub use progress::{Progress, ProgressHandle};
pub use snapshot::Snapshot;
pub use throughput::{Throughput, ThroughputHandle, ThroughputReading};

/// The machines of this crate as methods of a readable.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_meter::{MeterExt, Throughput};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let throughput = Throughput::bytes();
/// let handle = throughput.handle();
/// let source = Readable::from_iter(["abc", "de"].map(Bytes::from));
/// assert_eq!(source.throughput(throughput).limit(5).limit_items(2).count().await?, 2);
/// assert_eq!(handle.done(), 5);
/// # Ok(()) }
/// ```
pub trait MeterExt<S>: Into<Readable<S>> {
    /// Puts a [`Progress`] behind.
    fn progress(self, progress: Progress<S::Chunk>) -> Piped<S, Progress<S::Chunk>>
    where
        S: Source,
    {
        self.into().pipe(progress)
    }

    /// Puts a [`Throughput`] behind.
    fn throughput(self, throughput: Throughput<S::Chunk>) -> Piped<S, Throughput<S::Chunk>>
    where
        S: Source,
    {
        self.into().pipe(throughput)
    }

    /// Lets so many bytes pass: [`Limit::bytes`].
    ///
    /// # Errors
    ///
    /// The stream fails at the first byte beyond, behind all those before it.
    fn limit(self, bytes: u64) -> Piped<S, Limit<Bytes>>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe(Limit::bytes(bytes))
    }

    /// Lets so many chunks pass: [`Limit::items`].
    ///
    /// # Errors
    ///
    /// The stream fails at the first chunk beyond, behind all those before it.
    fn limit_items(self, items: u64) -> Piped<S, Limit<S::Chunk>>
    where
        S: Source,
    {
        self.into().pipe(Limit::items(items))
    }
}

impl<S> MeterExt<S> for Readable<S> {}
