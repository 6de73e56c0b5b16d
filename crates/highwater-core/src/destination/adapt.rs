//! Destinations from closures, sinks and channels.

use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;

use futures_sink::Sink;
use tokio::sync::mpsc::{self, error::TrySendError};

use super::Destination;
use crate::error::{Error, Result};

/// Makes a destination of an async closure that is called for each chunk.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result, destination_fn};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let print = destination_fn(|x: u32| async move { Ok(println!("{x}")) });
/// Readable::from_iter(0..3).pipe_to(print).await?;
/// # Ok(()) }
/// ```
pub fn destination_fn<T, F, Fut>(each: F) -> DestinationFn<F, T>
where
    F: FnMut(T) -> Fut + Send,
    Fut: Future<Output = Result<()>> + Send,
{
    DestinationFn(each, PhantomData)
}

/// The destination made by [`destination_fn`].
pub struct DestinationFn<F, T>(F, PhantomData<fn(T)>);

impl<T, F, Fut> Destination for DestinationFn<F, T>
where
    T: Send,
    F: FnMut(T) -> Fut + Send,
    Fut: Future<Output = Result<()>> + Send,
{
    type Chunk = T;

    #[inline]
    fn write(&mut self, chunk: T) -> impl Future<Output = Result<()>> + Send {
        (self.0)(chunk)
    }

    fn max_bytes(&self) -> Option<usize> {
        Some(0)
    }

    fn name(&self) -> &'static str {
        "destination_fn"
    }
}

debug_fields!(DestinationFn<F, T>);

/// Makes a destination of a [`Sink`].
///
/// A chunk is handed in when the sink is ready; it is flushed when no chunk is at hand and closed at the end. An abort
/// only drops it: a sink has no way to say that what it got is not the whole.
///
/// # Examples
///
/// ```
/// use futures::channel::mpsc;
/// use futures::{SinkExt, StreamExt};
/// use highwater_core::{Readable, Result, from_sink};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let (sender, receiver) = mpsc::channel::<u32>(8);
/// Readable::from_iter(0..3).pipe_to(from_sink(sender)).await?;
/// assert_eq!(receiver.collect::<Vec<_>>().await, [0, 1, 2]);
/// # Ok(()) }
/// ```
pub fn from_sink<T, S: Sink<T>>(sink: S) -> FromSink<S, T> {
    FromSink(Box::pin(sink), PhantomData)
}

/// The destination made by [`from_sink`].
#[derive(Debug)]
pub struct FromSink<S, T>(Pin<Box<S>>, PhantomData<fn(T)>);

impl<T, S> Destination for FromSink<S, T>
where
    T: Send,
    S: Sink<T> + Send,
    S::Error: Into<Error>,
{
    type Chunk = T;

    async fn write(&mut self, chunk: T) -> Result<()> {
        poll_fn(|cx| self.0.as_mut().poll_ready(cx)).await.map_err(Into::into)?;
        self.0.as_mut().start_send(chunk).map_err(Into::into)
    }

    async fn flush(&mut self) -> Result<()> {
        poll_fn(|cx| self.0.as_mut().poll_flush(cx)).await.map_err(Into::into)
    }

    async fn finish(&mut self) -> Result<()> {
        poll_fn(|cx| self.0.as_mut().poll_close(cx)).await.map_err(Into::into)
    }

    fn name(&self) -> &'static str {
        "from_sink"
    }
}

/// Chunks go into the channel and wait there for room. A receiver that is gone is a premature close.
///
/// The receiver ends when the last sender is dropped, after an abort as after an end: a channel cannot tell them apart.
impl<T: Send> Destination for mpsc::Sender<T> {
    type Chunk = T;

    async fn open(&mut self) -> Result<()> {
        if self.is_closed() { Err(Error::premature_close()) } else { Ok(()) }
    }

    fn accept(&mut self, chunk: T) -> Result<Option<T>> {
        match self.try_send(chunk) {
            Ok(()) => Ok(None),
            Err(TrySendError::Full(chunk)) => Ok(Some(chunk)),
            Err(TrySendError::Closed(_)) => Err(Error::premature_close()),
        }
    }

    async fn write(&mut self, chunk: T) -> Result<()> {
        self.send(chunk).await.map_err(|_| Error::premature_close())
    }

    fn name(&self) -> &'static str {
        "mpsc::Sender"
    }
}
