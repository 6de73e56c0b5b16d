//! The writing side: where chunks go.

mod adapt;
mod boxed;

use std::future::Future;

pub use adapt::{DestinationFn, FromSink, destination_fn, from_sink};
pub use boxed::BoxDestination;

use crate::error::{Error, Result};
use crate::stage::Control;
use crate::transform::short_name;

/// Where chunks go: what Node's `_construct`, `_write`, `_writev`, `_final` and `_destroy` are for.
///
/// # Protocol
///
/// A pipeline keeps to this, and a destination may count on it:
///
/// 1. [`open`](Self::open) is called first, and nothing is read from the source before it has succeeded.
/// 2. One call at a time, each awaited to its end. A chunk that [`accept`](Self::accept) returns is passed to
///    [`write`](Self::write) next, before any other chunk.
/// 3. [`on_idle`](Self::on_idle) is called when the source has no chunk ready, if a chunk was taken since the last call;
///    not while the stages before only wait for a regular file. It is called before a pause as well.
/// 4. [`flush`](Self::flush) is called before an abort for an error of the source, and at the end of a pipeline that is
///    kept open.
/// 5. Last comes exactly one of [`finish`](Self::finish), when the source has ended, and [`abort`](Self::abort), when
///    anything failed: `open`, `write`, `flush` or `finish` themselves, a stage, the source, a panic, or an abort signal.
/// 6. A pipeline that is *dropped* only drops the destination: what must be undone then belongs into `Drop`.
///
/// # Cancel safety
///
/// The futures are dropped half-way when the pipeline is dropped or aborted; after an abort, `abort` follows. A
/// destination that is used again afterwards (through `&mut`) should keep what it has accepted in itself, not in the
/// future.
///
/// # Examples
///
/// ```
/// use highwater_core::{Destination, Readable, Result};
///
/// struct Sum(u64);
///
/// impl Destination for Sum {
///     type Chunk = u64;
///
///     async fn write(&mut self, chunk: u64) -> Result<()> {
///         self.0 += chunk;
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let mut sum = Sum(0);
/// Readable::from_iter(1..=4).pipe_to(&mut sum).run().await?;
/// assert_eq!(sum.0, 10);
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a destination",
    note = "a closure goes through `.for_each(|chunk| async move {{ .. }})` or `destination_fn`; a `futures::Sink` through `from_sink`; an `AsyncWrite` through `highwater::io::write`"
)]
pub trait Destination: Send {
    /// The type of the chunks it takes: `Bytes` in byte mode, any other type in object mode.
    type Chunk: Send;

    /// Called before anything is read: open the file, connect, begin.
    ///
    /// # Errors
    ///
    /// It cannot be opened; [`abort`](Self::abort) follows.
    fn open(&mut self) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Takes a chunk without waiting: `None`. A destination that has no room for it returns the chunk, and the caller
    /// passes it to [`write`](Self::write), which waits.
    ///
    /// A pipeline moves the chunks that are ready in one loop for as long as this takes them. By default it takes none.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[inline]
    fn accept(&mut self, chunk: Self::Chunk) -> Result<Option<Self::Chunk>> {
        Ok(Some(chunk))
    }

    /// Takes a chunk, after it has waited for room. Returning says that the next one may come: this is where backpressure
    /// comes from.
    ///
    /// # Errors
    ///
    /// It cannot be written; [`abort`](Self::abort) follows.
    fn write(&mut self, chunk: Self::Chunk) -> impl Future<Output = Result<()>> + Send;

    /// Sends all chunks taken so far. When it returns, they have arrived where [`finish`](Self::finish) would leave them, as
    /// far as that is possible before the end.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn flush(&mut self) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// The source has no chunk ready for now: starts to send the chunks that are held back. They need not have arrived when
    /// it returns. By default it is [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    fn on_idle(&mut self) -> impl Future<Output = Result<()>> + Send {
        self.flush()
    }

    /// The end was reached: write what is held, sync, commit, close.
    ///
    /// # Errors
    ///
    /// It cannot be completed; [`abort`](Self::abort) follows.
    fn finish(&mut self) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Undoes what was written and closes, because the pipeline failed or was aborted.
    ///
    /// An abort may come while [`finish`](Self::finish) runs, whose future is dropped then. A destination that has begun
    /// to commit waits for that first: where the commit cannot be stopped any more and succeeds, the answer is
    /// [`Error::committed`]. An aborted pipeline then succeeds with its report; after any other failure, its error says
    /// [`is_committed`](Error::is_committed). So nobody is told of an abort over a file that was replaced. An error after
    /// the commit, also one of `finish`, [keeps](Error::suppress) an [`Error::committed`] as suppressed.
    ///
    /// # Errors
    ///
    /// It could not be undone; the pipeline keeps this error beside its own as suppressed, or reports it if its own is only
    /// an abort or a premature close.
    fn abort(&mut self, error: &Error) -> impl Future<Output = Result<()>> + Send {
        let _: &Error = error;
        async { Ok(()) }
    }

    /// What a chunk weighs in reports: a destination of bytes says its length in bytes. 1 unless said otherwise.
    fn weight(&self, chunk: &Self::Chunk) -> usize {
        let _: &Self::Chunk = chunk;
        1
    }

    /// The most bytes it holds between two calls: what [`explain`](crate::Pipeline::explain) adds up. `None` when it
    /// does not say.
    fn max_bytes(&self) -> Option<usize> {
        None
    }

    /// The buffer that it writes to, if that is what it does: whoever asks why nothing moves sees whether it has room.
    ///
    /// Its [`abort`](Self::abort) for an error of the source may wait until the buffer is empty. The pipeline destroys the
    /// buffer if it is aborted meanwhile.
    fn buffer(&self) -> Option<Control> {
        None
    }

    /// Its name in errors and reports: the last segment of the type's path unless said otherwise.
    fn name(&self) -> &'static str {
        short_name::<Self>()
    }
}

/// Lends a destination to a pipeline: it is still there afterwards.
#[deny(clippy::missing_trait_methods)]
impl<D: Destination + ?Sized> Destination for &mut D {
    type Chunk = D::Chunk;

    fn open(&mut self) -> impl Future<Output = Result<()>> + Send {
        (**self).open()
    }

    #[inline]
    fn accept(&mut self, chunk: Self::Chunk) -> Result<Option<Self::Chunk>> {
        (**self).accept(chunk)
    }

    #[inline]
    fn write(&mut self, chunk: Self::Chunk) -> impl Future<Output = Result<()>> + Send {
        (**self).write(chunk)
    }

    fn flush(&mut self) -> impl Future<Output = Result<()>> + Send {
        (**self).flush()
    }

    fn on_idle(&mut self) -> impl Future<Output = Result<()>> + Send {
        (**self).on_idle()
    }

    fn finish(&mut self) -> impl Future<Output = Result<()>> + Send {
        (**self).finish()
    }

    fn abort(&mut self, error: &Error) -> impl Future<Output = Result<()>> + Send {
        (**self).abort(error)
    }

    #[inline]
    fn weight(&self, chunk: &Self::Chunk) -> usize {
        (**self).weight(chunk)
    }

    fn max_bytes(&self) -> Option<usize> {
        (**self).max_bytes()
    }

    fn buffer(&self) -> Option<Control> {
        (**self).buffer()
    }

    fn name(&self) -> &'static str {
        (**self).name()
    }
}
