//! A task that writes what has piled up.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::mark::HighWaterMark;
use super::shared::{Interest, Shared, Weighed};
use super::writable::Writable;
use crate::destination::Destination;
use crate::error::{Error, Result};
use crate::readable::{Readable, Source};
use crate::stage::{Control, StageInfo};
use crate::sync::Ordering::Acquire;
use crate::task;

impl<T: Send + 'static> Writable<T> {
    /// Spawns a task that opens the destination and writes the buffered chunks to it. When no chunk is left, the
    /// destination's [`on_idle`](Destination::on_idle) is called: a destination that [accepts](Destination::accept) chunks
    /// sends there together what has piled up.
    ///
    /// After [`end`](Self::end) the task runs until the destination has finished, even if every handle is dropped; without
    /// it, dropping the last handle stops the task and aborts the destination, as [`destroy`](Self::destroy) does.
    ///
    /// # Backpressure
    ///
    /// A chunk counts as buffered until the destination has taken it: until `accept` has, or `write` has returned.
    ///
    /// # Errors
    ///
    /// An error or a panic of the destination is returned by every later call, and wakes at once whoever waits for room.
    /// [`finish`](Self::finish) and [`finished`](Self::finished) return it after the destination was aborted; an error of
    /// that abort is [`suppressed`](Error::suppressed) in it.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{HighWaterMark, Writable, destination_fn};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
    /// let print = destination_fn(|line: String| async move { Ok(println!("{line}")) });
    /// let writable = Writable::new(print, HighWaterMark::items(16));
    /// for n in 0..100 {
    ///     if writable.write(format!("line {n}"))?.is_full() {
    ///         writable.drain().await?;
    ///     }
    /// }
    /// writable.finish().await?;
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn new<D: Destination<Chunk = T> + 'static>(
        destination: D,
        mark: HighWaterMark<T>,
    ) -> Self {
        let stop = CancellationToken::new();
        let info = StageInfo::new("Writable").with_max_bytes(mark.max_bytes());
        let shared = Shared::new(mark, &info, Some(stop.clone()));
        let info = info.with_buffer(Control::new(Arc::clone(&shared)));
        let taken = Taken { shared: Arc::clone(&shared), chunks: VecDeque::new() };
        let counted = Counted::new(destination, Arc::clone(&shared));
        let pipeline = Readable::from_source(info, taken).pipe_to(counted).abort_on(stop);
        let outcome = Outcome(Some(Arc::clone(&shared)));
        task::spawn(async move { outcome.is(pipeline.run().await.map(|_| ())) }).detach();
        Self::of(shared)
    }
}

/// The buffered chunks, each of which counts as buffered until the [`Counted`] destination has taken it.
struct Taken<T> {
    shared: Arc<Shared<T>>,
    chunks: VecDeque<Weighed<T>>,
}

impl<T> Unpin for Taken<T> {}

impl<T> Stream for Taken<T> {
    type Item = Result<Weighed<T>>;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let me = self.get_mut();
        if me.chunks.is_empty() || me.shared.attention.load(Acquire) {
            let there = ready!(me.shared.poll_take(&mut me.chunks, Interest::Delivery, cx))?;
            if !there {
                return Poll::Ready(None);
            }
        }
        Poll::Ready(me.chunks.pop_front().map(Ok))
    }
}

impl<T> Source for Taken<T> {
    type Chunk = Weighed<T>;
}

/// Passes chunks to the destination, and counts each as gone when the destination has taken it.
struct Counted<D, T> {
    destination: D,
    shared: Arc<Shared<T>>,
    /// Chunks that the destination has taken.
    taken: u64,
    /// The weight of the chunks that the destination has taken and that still count as buffered.
    given: usize,
    /// The most that may be `given` before the writers are told.
    step: usize,
}

impl<T: Send, D: Destination<Chunk = T>> Counted<D, T> {
    fn new(destination: D, shared: Arc<Shared<T>>) -> Self {
        Self { destination, shared, taken: 0, given: 0, step: 1 }
    }

    #[inline]
    fn took(&mut self, weight: usize) {
        self.taken += 1;
        self.given += weight;
        if self.given >= self.step || self.shared.room_is_wanted.load(Acquire) {
            self.give_back();
        }
    }

    fn give_back(&mut self) {
        if self.given > 0 {
            self.step = self.shared.give_back(std::mem::take(&mut self.given));
        }
    }

    /// Runs a call that may wait. What was taken before it is counted first; those who wait for room learn of an error at
    /// once, not when the destination is closed. A panic is an error like any other.
    async fn call<'a, Fut>(
        &'a mut self,
        chunk: Option<u64>,
        call: impl FnOnce(&'a mut D) -> Fut,
    ) -> Result<()>
    where
        Fut: Future<Output = Result<()>>,
    {
        self.give_back();
        let (name, shared) = (self.destination.name(), &self.shared);
        let result = AssertUnwindSafe(call(&mut self.destination)).catch_unwind().await;
        told(result, (name, chunk), shared)
    }
}

/// The result of a call. Those who wait for room learn of its failure.
fn told<R, T>(
    result: std::thread::Result<Result<R>>,
    (name, chunk): (&'static str, Option<u64>),
    shared: &Shared<T>,
) -> Result<R> {
    let result = result.unwrap_or_else(|payload| Err(Error::panic(&*payload)));
    result.map_err(|error| error.attribute(name, chunk)).inspect_err(|error| {
        shared.destination_failed(error.clone());
    })
}

impl<T: Send, D: Destination<Chunk = T>> Destination for Counted<D, T> {
    type Chunk = Weighed<T>;

    async fn open(&mut self) -> Result<()> {
        self.call(None, D::open).await
    }

    #[inline]
    fn accept(&mut self, (chunk, weight): Weighed<T>) -> Result<Option<Weighed<T>>> {
        let accepted = catch_unwind(AssertUnwindSafe(|| self.destination.accept(chunk)));
        let Ok(Ok(accepted)) = accepted else {
            let place = (self.destination.name(), Some(self.taken));
            return told(accepted, place, &self.shared).map(|_| None);
        };
        if accepted.is_none() {
            self.took(weight);
        }
        Ok(accepted.map(|chunk| (chunk, weight)))
    }

    async fn write(&mut self, (chunk, weight): Weighed<T>) -> Result<()> {
        self.call(Some(self.taken), |to| to.write(chunk)).await?;
        self.took(weight);
        self.give_back();
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.call(None, D::flush).await
    }

    async fn on_idle(&mut self) -> Result<()> {
        self.call(None, D::on_idle).await
    }

    async fn finish(&mut self) -> Result<()> {
        self.call(None, D::finish).await
    }

    async fn abort(&mut self, error: &Error) -> Result<()> {
        let known = self.shared.lock().known_failure();
        self.call(None, |to| async move { to.abort(known.as_ref().unwrap_or(error)).await }).await
    }

    fn max_bytes(&self) -> Option<usize> {
        self.destination.max_bytes()
    }

    fn buffer(&self) -> Option<Control> {
        self.destination.buffer()
    }

    fn name(&self) -> &'static str {
        self.destination.name()
    }
}

/// Tells how it went, whatever becomes of the task.
struct Outcome<T>(Option<Arc<Shared<T>>>);

impl<T> Outcome<T> {
    fn is(mut self, result: Result<()>) {
        if let Some(shared) = self.0.take() {
            shared.complete(result);
        }
    }
}

impl<T> Drop for Outcome<T> {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.complete(Err(Error::premature_close()));
        }
    }
}
