//! A plain function on many items at once, off the threads that serve everybody.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use highwater_core::stage::StageInfo;
use highwater_core::task::Workers;
use highwater_core::{Buffered, Error, HighWaterMark, Readable, Result, Source, Writable};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::flight::Flight;
use crate::intake::Intake;

pub(crate) fn map<S, U, F>(readable: Readable<S>, n: usize, f: F) -> Readable<Buffered<U>>
where
    S: Source + Send + 'static,
    S::Chunk: Send + 'static,
    U: Send + 'static,
    F: Fn(S::Chunk) -> Result<U> + Send + Sync + 'static,
{
    let jobs = TaskTracker::new();
    let info = StageInfo::new("parallel_map_cpu").with_jobs(jobs.clone());
    let flight = Flight::new(info.meter().clone());
    let mark = HighWaterMark::items(n.max(LARGEST_BATCH));
    readable.through_stage(info, mark, move |input, output| {
        let failed = AtomicU64::new(u64::MAX);
        let work = move |batch, cancelled: &AtomicBool| work_on(&f, batch, cancelled, &failed);
        let work = Work {
            workers: Workers::new(n, work, jobs),
            // One more for each thread, so that none has to wait for its next.
            most: n.saturating_mul(2),
            under_way: VecDeque::new(),
            batch: Vec::new(),
            size: 1,
            taken: 0,
            in_work: 0,
            flight,
        };
        work.run(input.catch_unwind().pinned(), output)
    })
}

/// Items that cross together.
struct Batch<T> {
    items: Vec<T>,
    /// The number of the first item.
    first: u64,
}

/// Results up to the first that failed, and how long they took.
struct Done<U> {
    results: Vec<Result<U>>,
    took: Duration,
}

/// Calls `f` with the items up to the first that failed, in this batch or in another: `failed` is its number.
fn work_on<T, U>(
    f: &impl Fn(T) -> Result<U>,
    Batch { items, first }: Batch<T>,
    cancelled: &AtomicBool,
    failed: &AtomicU64,
) -> Done<U> {
    let started = Instant::now();
    let mut results = Vec::with_capacity(items.len());
    for (index, item) in (first..).zip(items) {
        if cancelled.load(Relaxed) || failed.load(Relaxed) < index {
            break;
        }
        let result = catch_unwind(AssertUnwindSafe(|| f(item)))
            .unwrap_or_else(|payload| Err(Error::panic(&*payload)))
            .map_err(|error| error.at_chunk(index));
        if result.is_err() {
            failed.fetch_min(index, Relaxed);
        }
        results.push(result);
    }
    Done { results, took: started.elapsed() }
}

struct Work<T, U, W> {
    workers: Workers<Batch<T>, Done<U>, W>,
    /// The batches handed out, in the order of their items, and how many may be.
    under_way: VecDeque<oneshot::Receiver<Result<Done<U>>>>,
    most: usize,
    /// Items that cross together, and how many do.
    batch: Vec<T>,
    size: usize,
    /// Items handed out so far.
    taken: u64,
    in_work: usize,
    flight: Flight,
}

impl<T, U, W> Work<T, U, W>
where
    T: Send + 'static,
    U: Send + 'static,
    W: Fn(Batch<T>, &AtomicBool) -> Done<U> + Send + Sync + 'static,
{
    async fn run<S>(mut self, input: Readable<S>, output: Writable<U>) -> Result<()>
    where
        S: Source<Chunk = T> + Unpin,
    {
        let mut intake = Intake::Open(input);
        while let Some(done) = poll_fn(|cx| self.poll_step(&mut intake, cx)).await {
            if let Err(error) = self.give(done, &output).await {
                self.stop().await;
                return Err(error);
            }
        }
        intake.finish()
    }

    async fn give(&mut self, done: Result<Done<U>>, output: &Writable<U>) -> Result<()> {
        let done = done?;
        self.adapt(done.took);
        self.in_work -= done.results.len();
        for result in done.results {
            output.send(result?).await?;
        }
        Ok(())
    }

    /// Calls off what has not begun, and waits for what has.
    async fn stop(self) {
        drop(self.workers);
        for batch in self.under_way {
            // What it gives is behind the failure.
            drop(batch.await);
        }
    }

    /// Hands out what there is to do; gives the results of the oldest batch.
    fn poll_step<S>(
        &mut self,
        intake: &mut Intake<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Done<U>>>>
    where
        S: Source<Chunk = T> + Unpin,
    {
        while self.under_way.len() < self.most {
            let more = intake.poll_take(cx, |item| self.batch.push(item)) == Poll::Ready(true);
            if self.batch.len() >= self.size || (!more && !self.batch.is_empty()) {
                self.submit();
            } else if !more {
                break;
            }
        }
        self.flight.is(self.in_work);
        let Some(oldest) = self.under_way.front_mut() else {
            return if intake.is_over() { Poll::Ready(None) } else { Poll::Pending };
        };
        let done = ready!(Pin::new(oldest).poll(cx));
        self.under_way.pop_front();
        Poll::Ready(Some(done.unwrap_or_else(|_| Err(Error::premature_close()))))
    }

    fn submit(&mut self) {
        let batch = Batch { items: std::mem::take(&mut self.batch), first: self.taken };
        self.taken += batch.items.len() as u64;
        self.in_work += batch.items.len();
        self.under_way.push_back(self.workers.submit(batch));
    }

    /// Makes the batches as large as a job of about a millisecond needs.
    fn adapt(&mut self, took: Duration) {
        if took < SHORT {
            self.size = (self.size * 2).min(LARGEST_BATCH);
        } else if took > LONG {
            self.size = (self.size / 2).max(1);
        }
    }
}

const SHORT: Duration = Duration::from_micros(500);
const LONG: Duration = Duration::from_millis(2);
/// Items of a batch at the most: what they hold is not known.
const LARGEST_BATCH: usize = 256;
