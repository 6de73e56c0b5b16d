//! A limit in a stream.

use std::time::Instant;

use bytes::Bytes;
use highwater_core::stage::Step;
use highwater_core::{Result, TimedTransform};

use crate::limiter::{Limiter, Place};
use crate::line::Turn;

/// Passes chunks no faster than a [`Limiter`] allows: [`RateLimit::items`], [`RateLimit::bytes`].
///
/// A chunk that may not pass yet is held, and nothing is taken from the source until it has passed. So what is behind a
/// limit holds back what is before it, and the machine holds one chunk. The end of the input and an upstream error wait
/// for it, too.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_rate_limit::{Limiter, Rate, RateLimit};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<()> {
/// let start = tokio::time::Instant::now();
/// // 100 a second by their weight, and up to 50 at once.
/// let limiter = Limiter::new(Rate::per_second(100)).with_burst(50).saved_up();
/// let weighed = RateLimit::weighed(limiter, |weight: &u64| *weight);
/// let mut readable = Readable::from_iter([20, 30, 10, 400, 1]).pipe_timed(weighed);
/// let mut times = Vec::new();
/// while let Some(chunk) = readable.next().await {
///     times.push((chunk?, start.elapsed().as_millis()));
/// }
/// // 400 waits until nothing is left of what passed before, and 1 until it is down to a burst.
/// assert_eq!(times, [(20, 0), (30, 0), (10, 100), (400, 600), (1, 4110)]);
/// # Ok(()) }
/// ```
pub struct RateLimit<T, W = fn(&T) -> u64> {
    place: Place,
    weigh: W,
    /// Takes the first bytes off a chunk, where chunks may be cut.
    cut: Option<fn(&mut T, usize) -> T>,
    held: Option<Held<T>>,
}

struct Held<T> {
    chunk: T,
    weight: u64,
}

impl<T> RateLimit<T> {
    /// Each chunk counts for one.
    pub fn items(limit: impl Into<Limiter>) -> Self {
        Self::weighed(limit, |_| 1)
    }
}

impl RateLimit<Bytes> {
    /// Each byte counts for one. A chunk of more than a burst is cut into pieces of a burst, without copying, so that the
    /// limit is kept by large chunks as well.
    ///
    /// For bytes whose borders mean something, such as lines or messages, there is [`weighed`](RateLimit::weighed).
    pub fn bytes(limit: impl Into<Limiter>) -> Self {
        Self { cut: Some(Bytes::split_to), ..Self::weighed(limit, |chunk| chunk.len() as u64) }
    }
}

impl<T, W: FnMut(&T) -> u64> RateLimit<T, W> {
    /// Each chunk counts for what `weigh` says, and passes as a whole.
    pub fn weighed(limit: impl Into<Limiter>, weigh: W) -> Self {
        Self { place: Place::new(limit.into()), weigh, cut: None, held: None }
    }
}

impl<T, W> RateLimit<T, W> {
    /// The limiter, to share it or to change it while the stream runs.
    pub fn limiter(&self) -> Limiter {
        self.place.limiter().clone()
    }

    /// Passes what is held, or a piece of it, if it is its turn.
    #[inline]
    fn pass(&mut self, now: Instant) -> Step<T> {
        let Some(mut held) = self.held.take() else { return Step::NeedsInput };
        let whole = held.weight;
        let piece = match self.cut {
            Some(_) => whole.min(self.place.limiter().burst()),
            None => whole,
        };
        if let Turn::Wait(at) = self.place.ask(piece, now) {
            self.held = Some(held);
            return Step::NotBefore(at);
        }
        match (self.cut, usize::try_from(piece)) {
            (Some(cut), Ok(length)) if piece < whole => {
                let first = cut(&mut held.chunk, length);
                held.weight -= piece;
                self.held = Some(held);
                Step::Output(first)
            }
            _ => Step::Output(held.chunk),
        }
    }
}

impl<T, W: FnMut(&T) -> u64> TimedTransform for RateLimit<T, W> {
    type Input = T;
    type Output = T;

    #[inline]
    fn write(&mut self, chunk: T, now: Instant) -> Result<Option<T>> {
        let weight = (self.weigh)(&chunk);
        self.held = Some(Held { chunk, weight });
        Ok(match self.pass(now) {
            Step::Output(chunk) => Some(chunk),
            _ => None,
        })
    }

    #[inline]
    fn read(&mut self, now: Instant) -> Result<Step<T>> {
        Ok(self.pass(now))
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "rate_limit"
    }
}

highwater_core::debug_fields!(RateLimit<T, W>, place);
