//! A task that writes what has piled up.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::control::Control;
use super::mark::HighWaterMark;
use super::shared::{Interest, Shared, Weighed};
use super::writable::Writable;
use crate::pace::Pace;
use crate::readable::StageInfo;
use crate::sync::seeded;
use crate::{Destination, Error, Readable, Result, Source, task};

impl<T: Send + 'static> Writable<T> {
    /// Spawns a task that opens the destination and writes to it: the chunks that piled up during a write go to
    /// [`write_many`](Destination::write_many) in one call, and when nothing is left it is flushed.
    ///
    /// After [`end`](Self::end) the task runs until the destination has finished, even if every handle is dropped; without
    /// it, dropping the last handle stops the task and aborts the destination, as [`destroy`](Self::destroy) does.
    ///
    /// # Backpressure
    ///
    /// Chunks count as buffered until the call that writes them has returned. While the buffer is full, a call takes no
    /// more chunks than lead to the low mark, so that the writer can continue while the rest is written.
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
    pub fn new<D: Destination<T> + 'static>(destination: D, mark: HighWaterMark<T>) -> Self {
        let stop = CancellationToken::new();
        let info = StageInfo::new("Writable").holds(mark.holds());
        let shared = Shared::new(mark, &info, Some(stop.clone()));
        let info = info.buffer(Control::new(Arc::clone(&shared)));
        let batches = Batches { shared: Arc::clone(&shared), taken: VecDeque::new() };
        let gathered = Gathered {
            destination,
            shared: Arc::clone(&shared),
            written: 0,
            pace: Pace::default(),
        };
        let pipeline = Readable::from_source(info, batches).pipe_to(gathered).abort_on(stop);
        let outcome = Outcome(Some(Arc::clone(&shared)));
        task::spawn(async move { outcome.is(pipeline.run().await.map(|_| ())) }).detach();
        Self::of(shared)
    }
}

/// Everything that has piled up since it was last asked.
struct Batches<T> {
    shared: Arc<Shared<T>>,
    taken: VecDeque<Weighed<T>>,
}

impl<T> Unpin for Batches<T> {}

impl<T> Stream for Batches<T> {
    type Item = Result<VecDeque<Weighed<T>>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let me = self.get_mut();
        let there = ready!(me.shared.poll_take(&mut me.taken, Interest::Delivery, cx))?;
        Poll::Ready(there.then(|| Ok(std::mem::take(&mut me.taken))))
    }
}

impl<T> Source for Batches<T> {
    type Chunk = VecDeque<Weighed<T>>;
}

/// Writes batches, and counts chunks as gone when they are written.
struct Gathered<D, T> {
    destination: D,
    shared: Arc<Shared<T>>,
    written: u64,
    pace: Pace,
}

impl<T: Send, D: Destination<T>> Gathered<D, T> {
    /// Writes the batch in one call, or in two: the first then ends at the low mark, where the writer goes on. A
    /// destination that leaves chunks is called again.
    async fn write_batch(&mut self, mut batch: VecDeque<Weighed<T>>) -> Result<()> {
        while !batch.is_empty() {
            let (mut chunks, mut weights) = self.take_part(&mut batch);
            let mut gone = 0;
            if seeded!("what is being written does not count") {
                gone = weights.drain(..).sum();
            }
            while !chunks.is_empty() {
                let taken = self.write_some(&mut chunks, &mut gone).await?;
                gone += weights.drain(..taken.min(weights.len())).sum::<usize>();
            }
            self.shared.give_back(gone);
        }
        Ok(())
    }

    fn take_part(&self, batch: &mut VecDeque<Weighed<T>>) -> (VecDeque<T>, VecDeque<usize>) {
        let most = self.shared.until_drained();
        let (mut chunks, mut weights) =
            (VecDeque::with_capacity(batch.len()), VecDeque::with_capacity(batch.len()));
        let mut weight = 0;
        while weight < most || seeded!("a batch ends beyond the low mark") {
            let Some((chunk, its_weight)) = batch.pop_front() else { break };
            chunks.push_back(chunk);
            weights.push_back(its_weight);
            weight += its_weight;
        }
        (chunks, weights)
    }

    /// Calls the destination once; returns how many chunks it took. While it waits, `gone` counts as gone.
    async fn write_some(&mut self, chunks: &mut VecDeque<T>, gone: &mut usize) -> Result<usize> {
        let before = chunks.len();
        let result = self.call(chunks, gone).await;
        let taken = before - chunks.len();
        // One that was taken by itself and failed was not written.
        self.written += (taken - usize::from(result.is_err() && taken == 1)) as u64;
        result.map_err(|error| error.attribute(self.destination.name(), Some(self.written)))?;
        if taken == 0 {
            return Err(Error::msg("the destination took none of the chunks it was given"));
        }
        Ok(taken)
    }

    async fn call(&mut self, chunks: &mut VecDeque<T>, gone: &mut usize) -> Result<()> {
        let Self { destination, shared, pace, .. } = self;
        let mut call = pin!(async {
            poll_fn(|cx| pace.poll_step(cx)).await;
            let mut write = pin!(write_to(destination, chunks));
            poll_fn(|cx| pace.note(write.as_mut().poll(cx))).await
        });
        poll_fn(|cx| {
            let polled = call.as_mut().poll(cx);
            if polled.is_pending() && *gone > 0 {
                shared.give_back(std::mem::take(gone));
            }
            polled
        })
        .await
    }

    /// Tells those who wait at once, not when the destination is closed. A panic is an error like any other.
    fn told(&self, result: std::thread::Result<Result<()>>) -> Result<()> {
        let result = result.unwrap_or_else(|payload| Err(Error::panic(&*payload)));
        result.map_err(|error| error.attribute(self.destination.name(), None)).inspect_err(
            |error| {
                if !seeded!("an error of the destination is swallowed") {
                    self.shared.destination_failed(error.clone());
                }
            },
        )
    }
}

impl<T: Send, D: Destination<T>> Destination<VecDeque<Weighed<T>>> for Gathered<D, T> {
    async fn open(&mut self) -> Result<()> {
        let result = AssertUnwindSafe(self.destination.open()).catch_unwind().await;
        self.told(result)
    }

    async fn write(&mut self, batch: VecDeque<Weighed<T>>) -> Result<()> {
        let result = AssertUnwindSafe(self.write_batch(batch)).catch_unwind().await;
        self.told(result)
    }

    async fn flush(&mut self) -> Result<()> {
        let result = AssertUnwindSafe(self.destination.flush()).catch_unwind().await;
        self.told(result)
    }

    async fn finish(&mut self) -> Result<()> {
        let result = AssertUnwindSafe(self.destination.finish()).catch_unwind().await;
        self.told(result)
    }

    async fn abort(&mut self, error: &Error) -> Result<()> {
        let known = self.shared.lock().known_failure();
        let abort = self.destination.abort(known.as_ref().unwrap_or(error));
        let result = AssertUnwindSafe(abort).catch_unwind().await;
        self.told(result)
    }

    fn holds(&self) -> Option<usize> {
        self.destination.holds()
    }

    fn buffer(&self) -> Option<Control> {
        self.destination.buffer()
    }

    fn name(&self) -> &'static str {
        self.destination.name()
    }
}

/// A single chunk is written by itself.
async fn write_to<T: Send, D: Destination<T>>(to: &mut D, chunks: &mut VecDeque<T>) -> Result<()> {
    match chunks.pop_front() {
        Some(chunk) if chunks.is_empty() => to.write(chunk).await,
        first => {
            first.into_iter().for_each(|chunk| chunks.push_front(chunk));
            to.write_many(chunks).await
        }
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
