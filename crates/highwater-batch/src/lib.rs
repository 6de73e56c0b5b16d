//! Batches, windows, debounce and sampling for highwater streams: what is given depends on how much has come, and when.
//!
//! | machine | gives | method |
//! |---|---|---|
//! | [`Batch`] | vectors of items, by number, weight and age | [`.batch(items, age)`](BatchExt::batch) |
//! | [`Window`] | one value per stretch of time, next to each other or overlapping | [`.window(window)`](BatchExt::window) |
//! | [`CountWindow`] | one value per so many items | [`Readable::pipe`] |
//! | [`Debounce`] | the last item of a burst | [`.debounce(quiet)`](BatchExt::debounce) |
//! | [`SampleLatest`] | the last item of each period | [`.sample(period)`](BatchExt::sample) |
//!
//! All are machines that are told the time and have no clock, timer or task; in a pipeline the time is Tokio's. A deadline
//! is looked at before every item that is taken, so it is kept however fast the source is. They can be made outside of a
//! runtime.
//!
//! | limit | default | changed by |
//! |---|---|---|
//! | items of a batch | 1000 | [`Batch::with_max_items`], [`Batch::unlimited_items`] |
//! | bytes of a batch of bytes ([`Batch::bytes`]) | 1 MiB | [`Batch::with_max_bytes`], [`Batch::with_max_weight`] |
//! | age of a batch | 1 s | [`Batch::with_max_age`], [`Batch::unlimited_age`] |
//! | how long a debounced burst may last | no limit | [`Debounce::with_max_wait`] |
//!
//! For groups of a number alone there is [`Readable::chunks`].
//!
//! ```
//! use std::time::Duration;
//! use highwater_batch::BatchExt;
//! use highwater_core::{Readable, Result};
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<()> {
//! // A row every 300 ms: none of them waits for more than a second.
//! let rows = Readable::from_iter(1..=6).then(|row| async move {
//!     tokio::time::sleep(Duration::from_millis(300)).await;
//!     Ok(row)
//! });
//! let batches = rows.batch(500, Duration::from_secs(1)).to_vec().await?;
//! assert_eq!(batches, [vec![1, 2, 3, 4], vec![5, 6]]);
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod batch;
mod debounce;
mod held;
mod nanos;
mod sample;
#[cfg(test)]
mod tests;
mod window;

use std::time::Duration;

use highwater_core::source::PipedTimed;
use highwater_core::{Readable, Source};

pub use batch::{AgelessBatch, Batch, Unweighed, Weigh};
pub use debounce::Debounce;
pub use sample::SampleLatest;
pub use window::{CountWindow, Late, Window, WindowCounts, Windowed};

/// The machines of this crate as methods of a readable.
///
/// For a machine with options, build it and give it to [`Readable::pipe_timed`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use highwater_batch::{Batch, BatchExt};
/// use highwater_core::{Readable, Result};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let rows = || Readable::from_iter(1..=5);
/// let second = Duration::from_secs(1);
/// assert_eq!(rows().batch(3, second).to_vec().await?, [vec![1, 2, 3], vec![4, 5]]);
/// assert_eq!(rows().debounce(second).to_vec().await?, [5]);
///
/// let by_sum = Batch::new().with_max_weight(6, |row: &usize| *row);
/// assert_eq!(rows().pipe_timed(by_sum).to_vec().await?, [vec![1, 2, 3], vec![4], vec![5]]);
/// # Ok(()) }
/// ```
pub trait BatchExt<S>: Into<Readable<S>> {
    /// Batches of at most so many items, whose first waits for at most `age`: [`Batch::new`].
    ///
    /// # Panics
    ///
    /// If a batch is to have 0 items.
    #[track_caller]
    fn batch(self, items: usize, age: Duration) -> PipedTimed<S, Batch<S::Chunk>>
    where
        S: Source,
    {
        self.into().pipe_timed(Batch::new().with_max_items(items).with_max_age(age))
    }

    /// One value per stretch of time: [`Window::tumbling`], [`Window::sliding`].
    ///
    /// # Errors
    ///
    /// The stream fails at a late item, unless the window skips it.
    fn window<V>(self, window: Window<S::Chunk, V>) -> PipedTimed<S, Window<S::Chunk, V>>
    where
        S: Source,
    {
        self.into().pipe_timed(window)
    }

    /// The last item of a burst, once no other has come for this long: [`Debounce::new`].
    fn debounce(self, quiet: Duration) -> PipedTimed<S, Debounce<S::Chunk>>
    where
        S: Source,
    {
        self.into().pipe_timed(Debounce::new(quiet))
    }

    /// The last item of each period: [`SampleLatest::new`].
    ///
    /// # Panics
    ///
    /// If the period is 0.
    #[track_caller]
    fn sample(self, period: Duration) -> PipedTimed<S, SampleLatest<S::Chunk>>
    where
        S: Source,
    {
        self.into().pipe_timed(SampleLatest::new(period))
    }
}

impl<S> BatchExt<S> for Readable<S> {}
