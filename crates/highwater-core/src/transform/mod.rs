//! Machines: what stands between a source and a destination.

mod chain;
mod closure;
mod timed;

pub use chain::Chain;
pub use closure::{Out, TransformFn, transform_fn};
pub use timed::{Step, TimedTransform};

use crate::error::Result;

/// Takes chunks in, gives chunks out: Node's `Transform`, as a pure machine.
///
/// A machine does no I/O, looks at no clock and spawns nothing. One driver ([`Pipe`](crate::source::Pipe)) runs every machine
/// of a pipeline; tests, blocking threads and plain iterators can drive it as well.
///
/// Output is *pulled*, so a machine that turns one chunk into many holds one of them at a time, whatever the ratio.
///
/// # Protocol
///
/// A driver keeps to this, and a machine may count on it:
///
/// 1. [`write`](Self::write) is called only after [`read`](Self::read) said `None` (or before anything else).
/// 2. After each `write`, and after [`end`](Self::end) and [`release`](Self::release), `read` is called until it says
///    `None`.
/// 3. [`end`](Self::end) is called at most once; nothing but `read` follows it. After `release`, `write` may come again.
/// 4. After an error from any of them, none is called again.
///
/// # Errors
///
/// An error ends the stream behind the chunks given before it. The driver adds the machine's name and the index of the
/// chunk; a machine that knows the byte or the line says it with [`Error::at_offset`](crate::Error::at_offset) and
/// [`Error::at_line`](crate::Error::at_line).
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result, Transform};
///
/// /// Gives every chunk twice.
/// #[derive(Debug, Default)]
/// struct Twice(Option<u32>);
///
/// impl Transform for Twice {
///     type Input = u32;
///     type Output = u32;
///     fn write(&mut self, chunk: u32) -> Result<Option<u32>> {
///         self.0 = Some(chunk);
///         Ok(Some(chunk))
///     }
///     fn read(&mut self) -> Result<Option<u32>> {
///         Ok(self.0.take())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let twice = Readable::from_iter([1, 2]).pipe(Twice::default()).to_vec().await?;
/// assert_eq!(twice, [1, 1, 2, 2]);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a transform",
    note = "a closure goes through `.map`, `.try_map`, `.filter` or `.transform(state, |state, chunk, out| ..)`"
)]
pub trait Transform {
    /// What goes in.
    type Input;
    /// What comes out.
    type Output;

    /// Takes one chunk; gives the first output if there is one already.
    ///
    /// # Errors
    ///
    /// The chunk cannot be worked with; nothing follows.
    fn write(&mut self, chunk: Self::Input) -> Result<Option<Self::Output>>;

    /// As [`write`](Self::write), for a driver that can do something with a chunk that is of no use here. A machine that
    /// lets chunks through as they are, or not at all, overrides it; it has nothing to read behind a chunk it refused.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[inline]
    fn offer(&mut self, chunk: Self::Input) -> Result<Offer<Self::Input, Self::Output>> {
        self.write(chunk).map(Offer::Taken)
    }

    /// Gets back an output that was of no use to anybody. A machine that makes many outputs of the same parts overrides
    /// it, and makes the next one of what it got back. It cannot count on it: most outputs are gone for good.
    #[inline]
    fn take_back(&mut self, output: Self::Output) {
        drop(output);
    }

    /// The next output. `None` asks for the next chunk; after [`end`](Self::end) it means that all was given.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[inline]
    fn read(&mut self) -> Result<Option<Self::Output>> {
        Ok(None)
    }

    /// The input is over; what is still held becomes readable. Never called after an upstream error: half a line is
    /// not a line.
    ///
    /// # Errors
    ///
    /// The input ended where it must not.
    #[inline]
    fn end(&mut self) -> Result<()> {
        Ok(())
    }

    /// Makes readable what is whole and held, such as a partial batch: called before an upstream error passes, and when
    /// the source is idle if [`flush_when_idle`](Self::flush_when_idle) says so.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[inline]
    fn release(&mut self) -> Result<()> {
        Ok(())
    }

    /// True when what is held should not wait for the next chunk: asked when the source has nothing at hand, and then
    /// [`release`](Self::release) is called. For live streams, where somebody waits for it; not for files.
    #[inline]
    fn flush_when_idle(&self) -> bool {
        false
    }

    /// True when no more input is wanted, whatever is still to be read. The source is then dropped at once, and `end`
    /// is not called. It may be asked at any time; once true it stays true.
    #[inline]
    fn is_done(&self) -> bool {
        false
    }

    /// The most bytes it holds between two calls, beside the chunk it works on: what
    /// [`explain`](crate::Pipeline::explain) adds up. `None` when it does not say.
    fn max_bytes(&self) -> Option<usize> {
        None
    }

    /// Its name in errors and reports: the last segment of the type's path unless said otherwise.
    fn name(&self) -> &'static str {
        short_name::<Self>()
    }
}

/// What became of a chunk that was [offered](Transform::offer).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver must handle both")]
pub enum Offer<I, O> {
    /// It was taken, and this is the first output if there is one already.
    Taken(Option<O>),
    /// There is no use for it, and nothing comes of it.
    Refused(I),
}

impl<I, O> Offer<I, O> {
    /// The first output, if there is one; a chunk that was refused is dropped.
    #[inline]
    pub fn output(self) -> Option<O> {
        match self {
            Self::Taken(output) => output,
            Self::Refused(_) => None,
        }
    }
}

/// A machine behind a pointer, for types that are too long or that are chosen at run time.
pub type BoxTransform<I, O> = Box<dyn Transform<Input = I, Output = O> + Send>;

/// The last segment of a type's path, without its parameters.
pub(crate) fn short_name<T: ?Sized>() -> &'static str {
    let path = std::any::type_name::<T>();
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit("::").next().unwrap_or(path)
}

macro_rules! forward_transform {
    ($($header:tt)*) => {
        #[deny(clippy::missing_trait_methods)]
        $($header)* {
            type Input = M::Input;
            type Output = M::Output;

            #[inline]
            fn write(&mut self, chunk: Self::Input) -> Result<Option<Self::Output>> {
                (**self).write(chunk)
            }

            #[inline]
            fn offer(&mut self, chunk: Self::Input) -> Result<Offer<Self::Input, Self::Output>> {
                (**self).offer(chunk)
            }

            #[inline]
            fn take_back(&mut self, output: Self::Output) {
                (**self).take_back(output);
            }

            #[inline]
            fn read(&mut self) -> Result<Option<Self::Output>> {
                (**self).read()
            }

            #[inline]
            fn end(&mut self) -> Result<()> {
                (**self).end()
            }

            #[inline]
            fn release(&mut self) -> Result<()> {
                (**self).release()
            }

            #[inline]
            fn flush_when_idle(&self) -> bool {
                (**self).flush_when_idle()
            }

            #[inline]
            fn is_done(&self) -> bool {
                (**self).is_done()
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

forward_transform!(impl<M: Transform + ?Sized> Transform for Box<M>);
forward_transform!(impl<M: Transform + ?Sized> Transform for &mut M);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_have_neither_path_nor_parameters() {
        assert_eq!(short_name::<Chain<Vec<u8>, std::collections::VecDeque<u8>>>(), "Chain");
        assert_eq!(short_name::<u8>(), "u8");
    }
}
