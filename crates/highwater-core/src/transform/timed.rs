//! Machines that act on time, without looking at a clock.

use std::time::Instant;

use super::short_name;
use crate::error::Result;

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
    fn max_bytes(&self) -> Option<usize> {
        None
    }

    /// Its name in errors and reports: the last segment of the type's path unless said otherwise.
    fn name(&self) -> &'static str {
        short_name::<Self>()
    }
}

macro_rules! forward_timed_transform {
    ($($header:tt)*) => {
        #[deny(clippy::missing_trait_methods)]
        $($header)* {
            type Input = M::Input;
            type Output = M::Output;

            #[inline]
            fn write(&mut self, chunk: Self::Input, now: Instant) -> Result<Option<Self::Output>> {
                (**self).write(chunk, now)
            }

            #[inline]
            fn read(&mut self, now: Instant) -> Result<Step<Self::Output>> {
                (**self).read(now)
            }

            fn end(&mut self, now: Instant) -> Result<()> {
                (**self).end(now)
            }

            fn release(&mut self, now: Instant) -> Result<()> {
                (**self).release(now)
            }

            fn max_bytes(&self) -> Option<usize> {
                (**self).max_bytes()
            }

            fn name(&self) -> &'static str {
                (**self).name()
            }
        }
    };
}

forward_timed_transform!(impl<M: TimedTransform + ?Sized> TimedTransform for Box<M>);
forward_timed_transform!(impl<M: TimedTransform + ?Sized> TimedTransform for &mut M);

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each call with its own word.
    struct Words(Vec<&'static str>);

    impl TimedTransform for Words {
        type Input = &'static str;
        type Output = usize;

        fn write(&mut self, chunk: &'static str, _: Instant) -> Result<Option<usize>> {
            self.0.push(chunk);
            Ok(Some(self.0.len()))
        }

        fn read(&mut self, now: Instant) -> Result<Step<usize>> {
            Ok(Step::NotBefore(now))
        }

        fn end(&mut self, _: Instant) -> Result<()> {
            self.0.push("end");
            Ok(())
        }

        fn release(&mut self, _: Instant) -> Result<()> {
            self.0.push("release");
            Ok(())
        }

        fn max_bytes(&self) -> Option<usize> {
            Some(7)
        }

        fn name(&self) -> &'static str {
            "words"
        }
    }

    fn through(mut machine: impl TimedTransform<Input = &'static str, Output = usize>) {
        let now = tokio::time::Instant::now().into_std();
        assert_eq!(machine.write("write", now).expect("writes"), Some(1));
        assert_eq!(machine.read(now).expect("reads"), Step::NotBefore(now));
        machine.release(now).expect("releases");
        machine.end(now).expect("ends");
        assert_eq!((machine.max_bytes(), machine.name()), (Some(7), "words"));
    }

    /// A machine that is lent to a pipe is there afterwards, with what it holds.
    #[test]
    fn every_call_goes_through_a_reference_and_a_box() {
        let mut words = Words(Vec::new());
        through(&mut words);
        assert_eq!(words.0, ["write", "release", "end"]);
        let mut words = Words(Vec::new());
        let boxed: Box<dyn TimedTransform<Input = &'static str, Output = usize> + '_> =
            Box::new(&mut words);
        through(boxed);
        assert_eq!(words.0, ["write", "release", "end"]);
    }
}
