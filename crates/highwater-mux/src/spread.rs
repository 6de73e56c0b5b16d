//! From one source to its branches.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use highwater_core::stage::dropped_for;
use highwater_core::sync::Mutex;
use highwater_core::{Error, Readable, Result, Source};

use crate::branch::{Branch, Lane, Offered};
use crate::hub::{Branched, Hub};
use crate::lock;

/// Adds branches to a [`broadcast`](crate::MuxExt::broadcast) while it runs.
///
/// It does not keep the source: that is dropped with the last branch.
pub struct Broadcast<T> {
    name: &'static str,
    hub: Arc<Hub>,
    roster: Roster<T>,
}

impl<T: Send + 'static> Broadcast<T> {
    /// A branch that gets what is read from now on. What was read before is never sent to it.
    ///
    /// After the end it is one that ends the same way: at once, or with the same error. When all branches were dropped
    /// before the end, it closes prematurely.
    pub fn subscribe(&self, branch: Branch<T>) -> Branched<T> {
        let (lane, outlet) = branch.open();
        let readable = self.hub.join(self.name, outlet);
        let mut register = lock(&self.roster);
        match &register.over {
            Some(result) => lane.end(result),
            None => register.joining.push(lane),
        }
        readable
    }
}

impl<T> Clone for Broadcast<T> {
    fn clone(&self) -> Self {
        Self { name: self.name, hub: Arc::clone(&self.hub), roster: Arc::clone(&self.roster) }
    }
}

impl<T> fmt::Debug for Broadcast<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Branches that wait to be served, and how it went when it is over.
struct Register<T> {
    joining: Vec<Lane<T>>,
    over: Option<Result<()>>,
}

type Roster<T> = Arc<Mutex<Register<T>>>;

/// How a chunk gets to the branches.
pub(crate) trait Deliver<T>: Send {
    fn deliver(
        &mut self,
        lanes: &mut Vec<Lane<T>>,
        chunk: T,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// To each of them.
pub(crate) struct ToAll;

impl<T: Clone + Send> Deliver<T> for ToAll {
    async fn deliver(&mut self, lanes: &mut Vec<Lane<T>>, chunk: T) -> Result<()> {
        // Those that have room get it before anybody waits for the others.
        let (mut chunk, mut behind, mut at) = (Some(chunk), Vec::new(), 0);
        while at < lanes.len() {
            let copy = if at + 1 == lanes.len() { chunk.take() } else { chunk.clone() };
            match lanes[at].offer(copy.expect("it is given away to the last"))? {
                Offered::Done => at += 1,
                Offered::Full(copy) => {
                    behind.push((at, copy));
                    at += 1;
                }
                Offered::Gone(_) => drop(lanes.swap_remove(at)),
            }
        }
        // From the back, so that one that is gone leaves the places of the others.
        for (at, copy) in behind.into_iter().rev() {
            if let Offered::Gone(_) = lanes[at].wait(copy).await? {
                drop(lanes.swap_remove(at));
            }
        }
        if lanes.is_empty() { Err(Error::premature_close()) } else { Ok(()) }
    }
}

/// To the one that the function chooses.
pub(crate) struct ToOne<F>(pub(crate) F);

impl<T: Send, F: FnMut(&T) -> usize + Send> Deliver<T> for ToOne<F> {
    async fn deliver(&mut self, lanes: &mut Vec<Lane<T>>, chunk: T) -> Result<()> {
        let index = (self.0)(&chunk);
        match lanes.get(index) {
            Some(lane) => lane.give(chunk).await.map(drop),
            None => {
                let branches = lanes.len();
                Err(Error::msg(format!("branch {index} was chosen, of {branches}")))
            }
        }
    }
}

pub(crate) fn spread<S, D>(
    name: &'static str,
    source: Readable<S>,
    branches: impl IntoIterator<Item = Branch<S::Chunk>>,
    deliver: D,
) -> (Broadcast<S::Chunk>, Vec<Branched<S::Chunk>>)
where
    S: Source + Send + 'static,
    S::Chunk: Send + 'static,
    D: Deliver<S::Chunk> + 'static,
{
    let (lanes, outlets): (Vec<_>, Vec<_>) = branches.into_iter().map(Branch::open).unzip();
    let roster = Arc::new(Mutex::new(Register { joining: Vec::new(), over: None }));
    let work = Spread { name, lanes, deliver, roster: Arc::clone(&roster) };
    let hub = Hub::new(work.run(source.catch_unwind().pinned()));
    let readables = outlets.into_iter().map(|outlet| hub.join(name, outlet)).collect();
    (Broadcast { name, hub, roster }, readables)
}

struct Spread<T, D> {
    name: &'static str,
    lanes: Vec<Lane<T>>,
    deliver: D,
    roster: Roster<T>,
}

impl<T: Send, D: Deliver<T>> Spread<T, D> {
    async fn run<S: Source<Chunk = T>>(mut self, mut source: Readable<Pin<Box<S>>>) {
        let fed = AssertUnwindSafe(self.feed(&mut source)).catch_unwind().await;
        let result = self.named(fed);
        // Whoever writes to the source learns why it goes.
        let dropped = catch_unwind(AssertUnwindSafe(|| match &result {
            Ok(()) => drop(source),
            Err(error) => dropped_for(error, || drop(source)),
        }));
        let result = result.and(self.named(dropped.map(Ok)));
        self.close(&result);
    }

    /// A panic is an error like any other.
    fn named(&self, result: std::thread::Result<Result<()>>) -> Result<()> {
        let result = result.unwrap_or_else(|payload| Err(Error::panic(&*payload)));
        result.map_err(|error| error.in_stage(self.name))
    }

    async fn feed<S: Source<Chunk = T>>(
        &mut self,
        source: &mut Readable<Pin<Box<S>>>,
    ) -> Result<()> {
        let mut index = 0;
        while let Some(chunk) = source.next().await.transpose()? {
            self.lanes.append(&mut lock(&self.roster).joining);
            let delivered = self.deliver.deliver(&mut self.lanes, chunk).await;
            delivered.map_err(|error| error.in_stage(self.name).at_chunk(index))?;
            index += 1;
        }
        Ok(())
    }
}

impl<T, D> Spread<T, D> {
    /// Ends every branch that is there, and every one to come. Whoever subscribes does so before or after this.
    fn close(&mut self, result: &Result<()>) {
        let mut register = lock(&self.roster);
        if register.over.is_none() {
            register.over = Some(result.clone());
            self.lanes.append(&mut register.joining);
        }
        drop(register);
        for lane in self.lanes.drain(..) {
            lane.end(result);
        }
    }
}

impl<T, D> Drop for Spread<T, D> {
    /// The last branch was dropped.
    fn drop(&mut self) {
        self.close(&Err(Error::premature_close()));
    }
}
