//! Machines that act on time, without looking at a clock.

use std::time::Instant;

use super::short_name;
use crate::Result;

/// What a [`TimedTransform`] has to say when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle every answer")]
pub enum Step<T> {
    /// An output; read again.
    Output(T),
    /// Nothing to give before the next chunk; after the end: all was given.
    NeedsInput,
    /// As [`NeedsInput`](Self::NeedsInput), but read again at this time even if no chunk has come.
    NeedsInputOr(Instant),
    /// Something is held back until this time; no chunk is taken before. It holds the source back.
    NotBefore(Instant),
    /// All was given, and no more input is wanted.
    Done,
}

/// A [`Transform`](crate::Transform) that acts on time: rate limit, batch by age, window, debounce.
///
/// The time is passed in, so tests and simulations decide what time it is. In a pipeline it is Tokio's clock, which
/// [`tokio::time::pause`](https://docs.rs/tokio/latest/tokio/time/fn.pause.html) stops.
///
/// The protocol is that of [`Transform`](crate::Transform#protocol), with [`Step::NeedsInput`] for `None`. It is read
/// before every chunk, so a deadline is kept however fast the source is. `now` never goes back.
pub trait TimedTransform {
    /// What goes in.
    type Input;
    /// What comes out.
    type Output;

    /// Takes one chunk; gives the first output if there is one already.
    ///
    /// # Errors
    ///
    /// The chunk cannot be worked with; nothing follows.
    fn write(&mut self, chunk: Self::Input, now: Instant) -> Result<Option<Self::Output>>;

    /// What there is to give at `now`.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn read(&mut self, now: Instant) -> Result<Step<Self::Output>>;

    /// The input is over; what is still held becomes readable. Never called after an upstream error.
    ///
    /// # Errors
    ///
    /// The input ended where it must not.
    fn end(&mut self, now: Instant) -> Result<()> {
        let _: Instant = now;
        Ok(())
    }

    /// Makes readable what is whole and held: called before an upstream error passes.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn release(&mut self, now: Instant) -> Result<()> {
        let _: Instant = now;
        Ok(())
    }

    /// The most bytes it holds between two calls, beside the chunk it works on. `None` when it does not say.
    fn holds(&self) -> Option<usize> {
        None
    }

    /// Its name in errors and reports: the last segment of the type's path unless said otherwise.
    fn name(&self) -> &'static str {
        short_name::<Self>()
    }
}
