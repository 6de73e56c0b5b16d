//! From a source into a buffer.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::ops::ControlFlow::{Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures_core::Stream;

use super::buffered::Buffered;
use super::fill::filled;
use super::ledger::Room;
use super::mark::HighWaterMark;
use super::shared::Weighed;
use super::writable::Writable;
use crate::error::{Error, Result};
use crate::readable::{Readable, Source};
use crate::stage::StageInfo;

/// Chunks on their way into a buffer: those that are ready cross under one lock.
pub(super) struct Feeder<T> {
    output: Writable<T>,
    batch: VecDeque<Weighed<T>>,
    weight: usize,
    /// What the batch may weigh.
    most: usize,
}

impl<T> Feeder<T> {
    pub(super) fn new(output: Writable<T>) -> Self {
        let mut feeder = Self { output, batch: VecDeque::new(), weight: 0, most: 0 };
        feeder.allow(feeder.output.high_water_mark().high());
        feeder
    }

    /// Puts in what `source` has ready, until it has nothing, or the buffer is full. A panic of the source comes behind
    /// the chunks before it, as an error does.
    pub(super) fn feed<S: Source<Chunk = T>>(
        &mut self,
        source: Pin<&mut Readable<S>>,
        cx: &mut Context<'_>,
    ) -> Result<Fed> {
        let fed = catch_unwind(AssertUnwindSafe(|| self.take_ready(source, cx)));
        let fed = fed.unwrap_or_else(|payload| Err(Error::panic(&*payload)));
        let room = self.publish()?;
        match fed? {
            Fed::Idle if room.is_full() => Ok(Fed::Full),
            fed => Ok(fed),
        }
    }

    fn take_ready<S: Source<Chunk = T>>(
        &mut self,
        mut source: Pin<&mut Readable<S>>,
        cx: &mut Context<'_>,
    ) -> Result<Fed> {
        // Stages that are timed are read one chunk after the other.
        let is_timed = source.plan().is_timed();
        loop {
            let polled = if is_timed {
                source.as_mut().poll_next(cx).map_ok(|chunk| self.push(chunk))
            } else {
                source.as_mut().poll_each(cx, |chunk| match self.push(chunk) {
                    Ok(Room::Free) => Continue(None),
                    stop => Break(stop),
                })
            };
            match polled {
                Poll::Ready(Some(pushed)) => {
                    if pushed??.is_full() {
                        return Ok(Fed::Full);
                    }
                }
                Poll::Ready(None) => return Ok(Fed::Ended),
                Poll::Pending => return Ok(Fed::Idle),
            }
        }
    }

    /// Waits until there is room again.
    pub(super) async fn drained(&mut self) -> Result<()> {
        self.output.drain().await?;
        let mark = self.output.high_water_mark();
        self.allow(mark.high() - mark.low());
        Ok(())
    }

    /// A quarter of the mark, so that the reader has its share while the next batch is made; and no more than there is
    /// room for. With a shared budget one chunk, for what is gathered here is not counted yet.
    fn allow(&mut self, room: usize) {
        let mark = self.output.high_water_mark();
        let is_shared = mark.shared_budget().is_some();
        self.most = if is_shared { 1 } else { (mark.high() / 4).min(room).max(1) };
    }

    #[inline]
    fn push(&mut self, chunk: T) -> Result<Room> {
        let weight = self.output.high_water_mark().weight(&chunk);
        self.batch.push_back((chunk, weight));
        self.weight = self.weight.saturating_add(weight);
        if self.weight < self.most { Ok(Room::Free) } else { self.publish() }
    }

    fn publish(&mut self) -> Result<Room> {
        if self.batch.is_empty() {
            return Ok(Room::Free);
        }
        let weight = std::mem::take(&mut self.weight);
        let room = self.output.shared.put_batch(&mut self.batch, weight)?;
        self.allow(room);
        Ok(if room == 0 { Room::Full } else { Room::Free })
    }
}

/// Why feeding stopped.
pub(super) enum Fed {
    /// The buffer is full.
    Full,
    /// The source has nothing for now, and wakes the task when it has.
    Idle,
    /// The source has ended.
    Ended,
}

/// Moves chunks from a source into a buffer until the source ends.
async fn pump<S: Source>(source: Readable<S>, output: Writable<S::Chunk>) -> Result<()> {
    let mut source = pin!(source);
    let mut feeder = Feeder::new(output);
    loop {
        let fed = poll_fn(|cx| match feeder.feed(source.as_mut(), cx) {
            Ok(Fed::Idle) => Poll::Pending,
            fed => Poll::Ready(fed),
        });
        match fed.await? {
            Fed::Ended => return Ok(()),
            _ => feeder.drained().await?,
        }
    }
}

/// Work on other tasks.
impl<S: Source> Readable<S> {
    /// Spawns a task, when it is first read, that reads ahead: up to the mark, while the consumer is at work.
    ///
    /// The chunks that the source has ready cross together, under one lock. The task ends with the readable; a pipeline
    /// waits for it.
    ///
    /// # Backpressure
    ///
    /// At the mark the source is not read; it is again when the buffer has fallen to the low mark. The buffer holds the
    /// mark and a chunk, at the most.
    ///
    /// # Errors
    ///
    /// Come in their place, behind the chunks read before; a panic of the source as well.
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{HighWaterMark, Readable};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
    /// let ahead = Readable::from_iter(0..1000_u32).buffer(HighWaterMark::items(64));
    /// assert_eq!(ahead.to_vec().await?.len(), 1000);
    /// # Ok(()) }
    /// ```
    pub fn buffer(self, mark: HighWaterMark<S::Chunk>) -> Readable<Buffered<S::Chunk>>
    where
        S: Send + 'static,
        S::Chunk: Send + 'static,
    {
        let plan = self.plan().clone();
        let info = StageInfo::new("buffer");
        filled(plan, info, mark, |output, _| pump(self.handed_over(), output))
    }

    /// Spawns a task, when it is first read, that runs an async function between this readable and a buffer: a stage
    /// written as a loop.
    ///
    /// `run` reads its input and writes its output; when it returns, the output has ended, with its error if it is one.
    /// It writes by [`send`](Writable::send), or by [`write`](Writable::write) and [`drain`](Writable::drain).
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{HighWaterMark, Readable};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> highwater_core::Result<()> {
    /// let pairs = Readable::from_iter(1..=5_u32).through(HighWaterMark::items(16), |mut input, output| async move {
    ///     while let Some(first) = input.next().await.transpose()? {
    ///         let second = input.next().await.transpose()?.unwrap_or_default();
    ///         output.send((first, second)).await?;
    ///     }
    ///     Ok(())
    /// });
    /// assert_eq!(pairs.to_vec().await?, [(1, 2), (3, 4), (5, 0)]);
    /// # Ok(()) }
    /// ```
    pub fn through<U, F, Fut>(self, mark: HighWaterMark<U>, run: F) -> Readable<Buffered<U>>
    where
        S: Send + 'static,
        U: Send + 'static,
        F: FnOnce(Self, Writable<U>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.through_stage(StageInfo::new("through"), mark, run)
    }

    /// [`through`](Self::through) for operators of other crates, which describe themselves. What the function spawns and
    /// tracks in the [`jobs`](StageInfo::with_jobs) of `info` is waited for by the pipeline.
    pub fn through_stage<U, F, Fut>(
        self,
        info: StageInfo,
        mark: HighWaterMark<U>,
        run: F,
    ) -> Readable<Buffered<U>>
    where
        S: Send + 'static,
        U: Send + 'static,
        F: FnOnce(Self, Writable<U>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let plan = self.plan().clone();
        let (name, meter) = (info.name(), info.meter().clone());
        filled(plan, info, mark, move |output, _| async move {
            let mut work = pin!(meter.watch(|| run(self.handed_over(), output)));
            let result = poll_fn(|cx| meter.watch(|| work.as_mut().poll(cx))).await;
            result.map_err(|error| error.attribute(name, None))
        })
    }
}
