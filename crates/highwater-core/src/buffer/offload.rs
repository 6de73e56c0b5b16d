//! Work for the processor, off the worker threads.

use std::any::{Any, TypeId};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_core::Stream;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio_util::task::TaskTracker;

use super::buffered::Buffered;
use super::feed::{Fed, Feeder};
use super::fill::{Upstream, filled};
use super::mark::HighWaterMark;
use super::shared::Shared;
use super::writable::Writable;
use crate::error::{Error, Result};
use crate::pipe::{Pipe, Plain};
use crate::readable::{Readable, Source};
use crate::stage::{Plan, RunsOn, StageInfo};
use crate::transform::Transform;

impl<S: Source> Readable<S> {
    /// Spawns two tasks, when it is first read, and runs the machine on Tokio's pool for blocking calls: for machines that
    /// keep the processor busy, such as compression.
    ///
    /// One task reads ahead (up to 1 MiB of `Bytes`, or 64 chunks of any other type); the other runs the machine in
    /// bursts: as long as there is input and room for output. Between bursts, while the source or the consumer is slow,
    /// no thread is held. Everything ends with the readable: the machine after the chunk it is at.
    ///
    /// # Backpressure
    ///
    /// A burst stops when the output is at the mark.
    ///
    /// # Errors
    ///
    /// Those of the machine and of the source, and panics, come in their place, as with [`pipe`](Self::pipe).
    ///
    /// # Examples
    ///
    /// ```
    /// use highwater_core::{HighWaterMark, Readable, Result, Transform};
    ///
    /// struct Slow;
    /// impl Transform for Slow {
    ///     type Input = u64;
    ///     type Output = u64;
    ///     fn write(&mut self, n: u64) -> Result<Option<u64>> {
    ///         Ok(Some((0..n).fold(n, |a, b| a ^ (a << 1) ^ b)))
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// let numbers = Readable::from_iter(0..100).offload(Slow, HighWaterMark::items(16));
    /// assert_eq!(numbers.count().await?, 100);
    /// # Ok(()) }
    /// ```
    pub fn offload<M>(
        self,
        machine: M,
        mark: HighWaterMark<M::Output>,
    ) -> Readable<Buffered<M::Output>>
    where
        S: Send + 'static,
        S::Chunk: Send + 'static,
        M: Transform<Input = S::Chunk> + Send + 'static,
        M::Output: Send + 'static,
    {
        let stop = Stop::default();
        let info = StageInfo::new(machine.name())
            .with_max_bytes(machine.max_bytes())
            .with_runs_on(RunsOn::BlockingPool);
        let ahead = self.buffer(input_mark());
        let worked = ahead.counted_stage(info, |input, tally| {
            Pipe::new(Stoppable { input, stop: stop.clone() }, Plain(machine), tally)
        });
        let plan = worked.plan().clone();
        let info = StageInfo::new("offload");
        filled(plan, info, mark, |output, jobs| bursts(worked, output, stop, jobs.clone()))
    }
}

/// Runs the machine in bursts on the blocking pool.
async fn bursts<S>(
    source: Readable<S>,
    output: Writable<S::Chunk>,
    stop: Stop,
    jobs: TaskTracker,
) -> Result<()>
where
    S: Source + Unpin + Send + 'static,
    S::Chunk: Send + 'static,
{
    let input = Arc::new(Input::default());
    let waker = Waker::from(Arc::clone(&input));
    let _stop = StopOnDrop { stop, output: Arc::clone(&output.shared) };
    let plan = source.plan().clone();
    let reads = Upstream::new(source, Arc::clone(&output.shared));
    let mut burst = Burst { reads, feeder: Feeder::new(output), plan };
    loop {
        let waker = waker.clone();
        // The last to be dropped, wherever that is: the pipeline then waits for the machine as well.
        let counted = jobs.token();
        let job = spawn_blocking(move || {
            let fed = burst.run(&waker);
            (burst, fed, counted)
        });
        let fed;
        (burst, fed, _) = job.await?;
        match fed? {
            Fed::Ended => return Ok(()),
            Fed::Full => burst.feeder.drained().await?,
            Fed::Idle => input.0.notified().await,
        }
    }
}

/// What goes to the blocking pool and comes back.
struct Burst<S: Source> {
    reads: Upstream<Readable<S>, S::Chunk>,
    feeder: Feeder<S::Chunk>,
    plan: Plan,
}

impl<S: Source + Unpin> Burst<S> {
    fn run(&mut self, waker: &Waker) -> Result<Fed> {
        let Self { reads, feeder, plan } = self;
        let Some(source) = reads.get_mut() else { return Ok(Fed::Ended) };
        plan.timed(|| feeder.feed(Pin::new(source), &mut Context::from_waker(waker)))
    }
}

/// Remembers that there is input again, even while a burst still runs.
#[derive(Default)]
struct Input(Notify);

impl Wake for Input {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Asks the machine to stop, and says why.
#[derive(Clone, Default)]
struct Stop(Arc<OnceLock<Error>>);

/// A burst that runs when the readable is dropped must not go on for as long as there is input.
struct StopOnDrop<T> {
    stop: Stop,
    output: Arc<Shared<T>>,
}

impl<T> Drop for StopOnDrop<T> {
    fn drop(&mut self) {
        let known = self.output.lock().known_failure();
        self.stop.0.get_or_init(|| known.unwrap_or_else(Error::premature_close));
    }
}

/// An input that fails when it is told to stop.
struct Stoppable<T> {
    input: Buffered<T>,
    stop: Stop,
}

impl<T> Stream for Stoppable<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        if let Some(error) = self.stop.0.get() {
            return Poll::Ready(Some(Err(error.clone())));
        }
        Pin::new(&mut self.input).poll_next(cx)
    }
}

impl<T> Source for Stoppable<T> {
    type Chunk = T;
}

/// How far to read ahead of the machine: four chunks of a file, or 64 of anything else.
fn input_mark<T: 'static>() -> HighWaterMark<T> {
    if TypeId::of::<T>() == TypeId::of::<Bytes>() {
        HighWaterMark::of_bytes(BYTES_AHEAD, |chunk: &T| {
            (chunk as &dyn Any).downcast_ref::<Bytes>().map_or(1, Bytes::len)
        })
    } else {
        HighWaterMark::items(CHUNKS_AHEAD)
    }
}

const BYTES_AHEAD: usize = 1 << 20;
const CHUNKS_AHEAD: usize = 64;
