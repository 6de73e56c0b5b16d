//! Rate limits for highwater streams, by items or bytes.
//!
//! - [`RateLimit`] is the machine: it passes chunks no faster than a limiter allows, and holds the source back.
//! - [`Limiter`] is the limit: shared by as many streams and tasks as there are, first come, first served, and changed
//!   while they run. [`Limiter::acquire`] is for what is not a stream.
//! - [`Rate`] is so much per so long, from one per day to as much as a `u64` counts per second.
//!
//! In any period of `T` seconds at most `burst + rate × T` passes. If more is wanted, that is what passes, without drift:
//! Tokio's timers are exact to a millisecond, and what they miss is made up for. The time is Tokio's, so a test that pauses
//! it controls the limit.
//!
//! | | default | changed by |
//! |---|---|---|
//! | burst: what may pass at once after a pause | 1, and what passes in 50 ms | [`Limiter::with_burst`] |
//! | saved up at the start | nothing | [`Limiter::saved_up`] |
//! | a chunk larger than the burst, by bytes | is cut | [`RateLimit::weighed`] |
//! | a chunk heavier than the burst, otherwise | passes alone, and what follows waits for all of it | |
//!
//! ```
//! use highwater_core::{Readable, Result};
//! use highwater_rate_limit::{Rate, RateLimitExt};
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<()> {
//! let start = tokio::time::Instant::now();
//! let all = Readable::from_iter(0..=500).rate_limit(Rate::per_second(100)).to_vec().await?;
//! assert_eq!((all.len(), start.elapsed().as_secs()), (501, 5));
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod bucket;
mod limiter;
mod line;
mod rate;
mod rate_limit;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use highwater_core::source::PipedTimed;
use highwater_core::{Readable, Source};

pub use limiter::Limiter;
pub use rate::Rate;
pub use rate_limit::RateLimit;

/// Rate limits as methods of a readable.
///
/// Each takes a [`Rate`], for a limit of its own, or a [`Limiter`] that is shared or has options. For chunks that count for
/// what they weigh, build a [`RateLimit::weighed`] and give it to [`Readable::pipe_timed`].
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use highwater_core::{Readable, Result};
/// use highwater_rate_limit::{Limiter, Rate, RateLimitExt};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<()> {
/// let start = tokio::time::Instant::now();
/// let limiter = Limiter::new(Rate::per_second(1024)).with_burst(512);
/// let chunk = Bytes::from(vec![0; 2048]);
/// let pieces = Readable::once(chunk).rate_limit_bytes(&limiter).map(|piece| piece.len()).to_vec().await?;
/// assert_eq!(pieces, [512, 512, 512, 512]);
/// assert_eq!(start.elapsed().as_millis(), 1500);
/// # Ok(()) }
/// ```
pub trait RateLimitExt<S>: Into<Readable<S>> {
    /// Passes so many chunks per time: [`RateLimit::items`].
    fn rate_limit(self, limit: impl Into<Limiter>) -> PipedTimed<S, RateLimit<S::Chunk>>
    where
        S: Source,
    {
        self.into().pipe_timed(RateLimit::items(limit))
    }

    /// Passes so many bytes per time, and cuts what is larger than a burst: [`RateLimit::bytes`].
    fn rate_limit_bytes(self, limit: impl Into<Limiter>) -> PipedTimed<S, RateLimit<Bytes>>
    where
        S: Source<Chunk = Bytes>,
    {
        self.into().pipe_timed(RateLimit::bytes(limit))
    }
}

impl<S> RateLimitExt<S> for Readable<S> {}
