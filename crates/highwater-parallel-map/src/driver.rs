//! The task that starts items, and gives their results.

use std::future::{Future, poll_fn};
use std::hash::Hash;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use highwater_core::stage::{StageInfo, StageStats};
use highwater_core::{Buffered, HighWaterMark, Readable, Result, Source, Writable, task};
use tokio_util::task::TaskTracker;

use crate::alarm::Alarm;
use crate::flight::Flight;
use crate::intake::Intake;
use crate::item::{Outcome, ParallelMap};
use crate::load::Load;
use crate::window::{Job, Keys, Window};

/// The number of an item, and what came of it.
type Finished<T, U> = (u64, Result<Outcome<T, U>>);

pub(crate) fn map<S, U, F, Fut>(
    readable: Readable<S>,
    map: ParallelMap<S::Chunk, F>,
) -> Readable<Buffered<U>>
where
    S: Source + Send + 'static,
    S::Chunk: Send + 'static,
    U: Send + 'static,
    F: Fn(S::Chunk) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<U>> + Send + 'static,
{
    let name = if map.ordered { "parallel_map" } else { "parallel_map_unordered" };
    let jobs = TaskTracker::new();
    let info = StageInfo::new(name).with_jobs(jobs.clone());
    let (mark, meter) = (HighWaterMark::items(map.n), info.meter().clone());
    readable.through_stage(info, mark, |input, output| {
        let driver = Driver::new(map, Free, jobs, meter);
        driver.run(input.catch_unwind().pinned(), output)
    })
}

pub(crate) fn by_key<S, K, U, F, Fut>(
    readable: Readable<S>,
    map: ParallelMap<S::Chunk, F>,
    key: impl FnMut(&S::Chunk) -> K + Send + 'static,
) -> Readable<Buffered<U>>
where
    S: Source + Send + 'static,
    S::Chunk: Send + 'static,
    K: Hash + Eq + Clone + Send + 'static,
    U: Send + 'static,
    F: Fn(S::Chunk) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<U>> + Send + 'static,
{
    let jobs = TaskTracker::new();
    let info = StageInfo::new("parallel_map_by_key").with_jobs(jobs.clone());
    let (mark, meter) = (HighWaterMark::items(map.n), info.meter().clone());
    readable.through_stage(info, mark, |input, output| {
        let gate = Keyed { key, keys: Keys::new() };
        let driver = Driver::new(map.unordered(), gate, jobs, meter);
        driver.run(input.catch_unwind().pinned(), output)
    })
}

/// Which items must wait for others.
trait Gate<T, U>: Send {
    /// Takes an item; gives what can be started.
    fn enter(
        &mut self,
        index: u64,
        item: T,
        work: impl FnOnce(T) -> Work<T, U>,
    ) -> Option<(u64, Work<T, U>)>;

    /// An item is done; gives what can be started now.
    fn leave(&mut self, index: u64) -> Option<(u64, Work<T, U>)>;

    /// Items that wait.
    fn held(&self) -> usize;
}

type Work<T, U> = BoxFuture<'static, Outcome<T, U>>;

/// None must.
struct Free;

impl<T, U> Gate<T, U> for Free {
    fn enter(
        &mut self,
        index: u64,
        item: T,
        work: impl FnOnce(T) -> Work<T, U>,
    ) -> Option<(u64, Work<T, U>)> {
        Some((index, work(item)))
    }

    fn leave(&mut self, _: u64) -> Option<(u64, Work<T, U>)> {
        None
    }

    fn held(&self) -> usize {
        0
    }
}

/// Those with the same key.
struct Keyed<F, K, T, U> {
    key: F,
    keys: Keys<K, Outcome<T, U>>,
}

impl<T, U, K, F> Gate<T, U> for Keyed<F, K, T, U>
where
    F: FnMut(&T) -> K + Send,
    K: Hash + Eq + Clone + Send,
    T: Send,
    U: Send,
{
    fn enter(
        &mut self,
        index: u64,
        item: T,
        work: impl FnOnce(T) -> Work<T, U>,
    ) -> Option<(u64, Work<T, U>)> {
        let key = (self.key)(&item);
        self.keys.enter(key, (index, work(item)))
    }

    fn leave(&mut self, index: u64) -> Option<(u64, Work<T, U>)> {
        self.keys.leave(index)
    }

    fn held(&self) -> usize {
        self.keys.held()
    }
}

struct Driver<T, F, U, G> {
    map: ParallelMap<T, F>,
    gate: G,
    window: Window<Outcome<T, U>>,
    jobs: TaskTracker,
    started: u64,
    alarm: Alarm,
    flight: Flight,
}

impl<T, F, Fut, U, G> Driver<T, F, U, G>
where
    T: Send + 'static,
    U: Send + 'static,
    F: Fn(T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<U>> + Send + 'static,
    G: Gate<T, U>,
{
    fn new(map: ParallelMap<T, F>, gate: G, jobs: TaskTracker, meter: StageStats) -> Self {
        let (window, alarm) = (Window::new(map.ordered), Alarm::default());
        Self { map, gate, window, jobs, started: 0, alarm, flight: Flight::new(meter) }
    }

    async fn run<S>(mut self, input: Readable<S>, output: Writable<U>) -> Result<()>
    where
        S: Source<Chunk = T> + Unpin,
    {
        let mut intake = Intake::Open(input);
        while let Some((index, result)) = poll_fn(|cx| self.poll_step(&mut intake, cx)).await {
            let given = match self.map.judge(index, result) {
                Ok(given) => given,
                Err(error) => {
                    self.window.cancel().await;
                    return Err(error);
                }
            };
            // Once an item has failed, all that is done until its result comes is to give those before it.
            if !self.alarm.is_raised() {
                if let Some(next) = self.gate.leave(index) {
                    self.start(next);
                }
            }
            if let Some(done) = given {
                output.send(done).await?;
            }
            if let Some(load) = &mut self.map.load {
                load.leave(index);
            }
        }
        intake.finish()
    }

    /// Starts what may be started; gives the next result, and `None` when there is none left.
    fn poll_step<S>(
        &mut self,
        intake: &mut Intake<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Finished<T, U>>>
    where
        S: Source<Chunk = T> + Unpin,
    {
        while self.has_room() {
            match intake.poll_take(cx, |item| self.take(item)) {
                Poll::Ready(true) => {}
                Poll::Ready(false) | Poll::Pending => break,
            }
        }
        self.flight.is(self.window.len() + self.gate.held());
        if self.window.len() == 0 && intake.is_over() {
            return Poll::Ready(None);
        }
        self.window.poll_done(cx).map(Some)
    }

    /// Whether one more item may be taken: not behind one that has failed.
    fn has_room(&self) -> bool {
        self.window.len() + self.gate.held() < self.map.n
            && self.map.load.as_ref().is_none_or(Load::has_room)
            && !self.alarm.is_raised()
    }

    fn take(&mut self, item: T) {
        let index = self.started;
        if let Some(load) = &mut self.map.load {
            load.enter(index, &item);
        }
        let map = &self.map;
        let ready = self.gate.enter(index, item, |item| map.work(item).boxed());
        self.started += 1;
        if let Some(ready) = ready {
            self.start(ready);
        }
    }

    fn start(&mut self, (index, work): (u64, Work<T, U>)) {
        let alarm = self.alarm.clone();
        let ends_all = self.map.fails();
        let watched = async move {
            let armed = alarm.arm();
            let result = work.await;
            if result.is_ok() || !ends_all {
                armed.defuse();
            }
            result
        };
        let task = task::spawn(self.jobs.track_future(watched));
        self.window.push(Job::new(index, task));
    }
}
