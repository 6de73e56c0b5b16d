//! A destination whose type is only its chunk.

use std::future::Future;
use std::pin::Pin;

use super::Destination;
use crate::error::{Error, Result};
use crate::stage::Control;

/// A destination behind a pointer: to store it, or to choose between two at run time. It costs an allocation per call, except for a chunk
/// that the destination [accepts](Destination::accept).
///
/// # Examples
///
/// ```
/// use highwater_core::{BoxDestination, Readable, Result, destination_fn};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let quiet = true;
/// let to = if quiet {
///     BoxDestination::new(destination_fn(|_: u32| async { Ok(()) }))
/// } else {
///     BoxDestination::new(destination_fn(|x: u32| async move { Ok(println!("{x}")) }))
/// };
/// assert_eq!(Readable::from_iter(0..3).pipe_to(to).await?.chunks_out(), 3);
/// # Ok(()) }
/// ```
pub struct BoxDestination<T: 'static>(Box<dyn Erased<T>>);

impl<T: Send + 'static> BoxDestination<T> {
    /// Forgets the type of a destination.
    pub fn new(destination: impl Destination<Chunk = T> + 'static) -> Self {
        Self(Box::new(destination))
    }
}

debug_fields!(BoxDestination<T>);

#[deny(clippy::missing_trait_methods)]
impl<T: Send + 'static> Destination for BoxDestination<T> {
    type Chunk = T;

    async fn open(&mut self) -> Result<()> {
        self.0.open().await
    }

    async fn write(&mut self, chunk: T) -> Result<()> {
        self.0.write(chunk).await
    }

    fn accept(&mut self, chunk: T) -> Result<Option<T>> {
        self.0.accept(chunk)
    }

    async fn flush(&mut self) -> Result<()> {
        self.0.flush().await
    }

    async fn on_idle(&mut self) -> Result<()> {
        self.0.on_idle().await
    }

    async fn finish(&mut self) -> Result<()> {
        self.0.finish().await
    }

    async fn abort(&mut self, error: &Error) -> Result<()> {
        self.0.abort(error).await
    }

    fn weight(&self, chunk: &T) -> usize {
        self.0.weight(chunk)
    }

    fn max_bytes(&self) -> Option<usize> {
        self.0.max_bytes()
    }

    fn buffer(&self) -> Option<Control> {
        self.0.buffer()
    }

    fn name(&self) -> &'static str {
        self.0.name()
    }
}

type Boxed<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// [`Destination`] with boxed futures, which makes it object-safe.
trait Erased<T: 'static>: Send {
    fn open(&mut self) -> Boxed<'_>;
    fn write(&mut self, chunk: T) -> Boxed<'_>;
    fn accept(&mut self, chunk: T) -> Result<Option<T>>;
    fn flush(&mut self) -> Boxed<'_>;
    fn on_idle(&mut self) -> Boxed<'_>;
    fn finish(&mut self) -> Boxed<'_>;
    fn abort<'a>(&'a mut self, error: &'a Error) -> Boxed<'a>;
    fn weight(&self, chunk: &T) -> usize;
    fn max_bytes(&self) -> Option<usize>;
    fn buffer(&self) -> Option<Control>;
    fn name(&self) -> &'static str;
}

impl<T: Send + 'static, D: Destination<Chunk = T>> Erased<T> for D {
    fn open(&mut self) -> Boxed<'_> {
        Box::pin(Destination::open(self))
    }

    fn write(&mut self, chunk: T) -> Boxed<'_> {
        Box::pin(Destination::write(self, chunk))
    }

    fn accept(&mut self, chunk: T) -> Result<Option<T>> {
        Destination::accept(self, chunk)
    }

    fn flush(&mut self) -> Boxed<'_> {
        Box::pin(Destination::flush(self))
    }

    fn on_idle(&mut self) -> Boxed<'_> {
        Box::pin(Destination::on_idle(self))
    }

    fn finish(&mut self) -> Boxed<'_> {
        Box::pin(Destination::finish(self))
    }

    fn abort<'a>(&'a mut self, error: &'a Error) -> Boxed<'a> {
        Box::pin(Destination::abort(self, error))
    }

    fn weight(&self, chunk: &T) -> usize {
        Destination::weight(self, chunk)
    }

    fn max_bytes(&self) -> Option<usize> {
        Destination::max_bytes(self)
    }

    fn buffer(&self) -> Option<Control> {
        Destination::buffer(self)
    }

    fn name(&self) -> &'static str {
        Destination::name(self)
    }
}
