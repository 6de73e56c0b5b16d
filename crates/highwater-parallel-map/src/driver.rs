//! The task that starts items, and gives their results.

use std::future::{Future, poll_fn};
use std::hash::Hash;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use highwater_core::stage::StageInfo;
use highwater_core::{Buffered, HighWaterMark, Readable, Result, Source, Writable, task};
use tokio_util::task::TaskTracker;

use crate::alarm::Alarm;
use crate::flight::Flight;
use crate::intake::Intake;
use crate::item::{Outcome, ParallelMap};
use crate::load::Load;
use crate::window::{Job, Keys, Window, Work};

pub(crate) fn map<S, K, U, F, Fut>(
    readable: Readable<S>,
    map: ParallelMap<S::Chunk, F>,
    keys: Option<ItemKeys<S::Chunk, K, U>>,
) -> Readable<Buffered<U>>
where
    S: Source + Send + 'static,
    S::Chunk: Send + 'static,
    K: Hash + Eq + Clone + Send + 'static,
    U: Send + 'static,
    F: Fn(S::Chunk) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<U>> + Send + 'static,
{
    let name = match (&keys, map.ordered) {
        (Some(_), _) => "parallel_map_by_key",
        (None, true) => "parallel_map",
        (None, false) => "parallel_map_unordered",
    };
    let jobs = TaskTracker::new();
    let info = StageInfo::new(name).with_jobs(jobs.clone());
    let (mark, meter) = (HighWaterMark::items(map.n), info.meter().clone());
    readable.through_stage(info, mark, |input, output| {
        let (window, alarm) = (Window::new(map.ordered), Alarm::default());
        let flight = Flight::new(meter);
        let driver = Driver { map, keys, window, jobs, started: 0, alarm, flight };
        driver.run(input.catch_unwind().pinned(), output)
    })
}

/// The items that wait for their key.
type ItemKeys<T, K, U> = Keys<T, K, Outcome<T, U>>;

/// The number of an item, and what came of it.
type Finished<T, U> = (u64, Result<Outcome<T, U>>);

struct Driver<T, F, U, K> {
    map: ParallelMap<T, F>,
    /// Items that must wait for others with the same key.
    keys: Option<ItemKeys<T, K, U>>,
    window: Window<Outcome<T, U>>,
    jobs: TaskTracker,
    started: u64,
    alarm: Alarm,
    flight: Flight,
}

impl<T, F, Fut, U, K> Driver<T, F, U, K>
where
    T: Send + 'static,
    U: Send + 'static,
    F: Fn(T) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<U>> + Send + 'static,
    K: Hash + Eq + Clone + Send + 'static,
{
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
                if let Some(next) = self.keys.as_mut().and_then(|keys| keys.leave(index)) {
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
        self.flight.is(self.taken());
        if self.window.len() == 0 && intake.is_over() {
            return Poll::Ready(None);
        }
        self.window.poll_done(cx).map(Some)
    }

    /// How many items were taken and are not done.
    fn taken(&self) -> usize {
        self.window.len() + self.keys.as_ref().map_or(0, Keys::held)
    }

    /// Whether one more item may be taken: not behind one that has failed.
    fn has_room(&self) -> bool {
        self.taken() < self.map.n
            && self.map.load.as_ref().is_none_or(Load::has_room)
            && !self.alarm.is_raised()
    }

    fn take(&mut self, item: T) {
        let index = self.started;
        if let Some(load) = &mut self.map.load {
            load.enter(index, &item);
        }
        let key = self.keys.as_mut().map(|keys| keys.key_of(&item));
        let work = (index, self.map.work(item).boxed());
        self.started += 1;
        let ready = match (&mut self.keys, key) {
            (Some(keys), Some(key)) => keys.enter(key, work),
            _ => Some(work),
        };
        if let Some(ready) = ready {
            self.start(ready);
        }
    }

    fn start(&mut self, (index, work): Work<Outcome<T, U>>) {
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
