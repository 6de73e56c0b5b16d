//! From one source to its branches.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use highwater_core::stage::dropped_for;
use highwater_core::sync::Mutex;
use highwater_core::{Error, Readable, Result, Source};

use crate::branch::{Branch, BranchWriter, Offered};
use crate::fan_out::{Branched, FanOut};
use crate::lock;

/// Adds branches to a [`broadcast`](crate::MuxExt::broadcast) while it runs.
///
/// It does not keep the source: that is dropped with the last branch.
pub struct Broadcast<T> {
    name: &'static str,
    fan_out: Arc<FanOut>,
    roster: Roster<T>,
}

impl<T: Send + 'static> Broadcast<T> {
    /// A branch that gets what is read from now on. What was read before is never sent to it.
    ///
    /// After the end it is one that ends the same way: at once, or with the same error. When all branches were dropped
    /// before the end, it closes prematurely.
    pub fn subscribe(&self, branch: Branch<T>) -> Branched<T> {
        let (writer, reader) = branch.open();
        let readable = self.fan_out.join(self.name, reader);
        let mut register = lock(&self.roster);
        match &register.over {
            Some(result) => writer.end(result),
            None => register.joining.push(writer),
        }
        readable
    }
}

impl<T> Clone for Broadcast<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            fan_out: Arc::clone(&self.fan_out),
            roster: Arc::clone(&self.roster),
        }
    }
}

highwater_core::debug_fields!(Broadcast<T>, name);

/// Branches that wait to be served, and how it went when it is over.
struct Register<T> {
    joining: Vec<BranchWriter<T>>,
    over: Option<Result<()>>,
}

type Roster<T> = Arc<Mutex<Register<T>>>;

/// How a chunk gets to the branches.
pub(crate) trait Deliver<T>: Send {
    fn deliver(
        &mut self,
        writers: &mut Vec<BranchWriter<T>>,
        chunk: T,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// To each of them.
pub(crate) struct ToAll;

impl<T: Clone + Send> Deliver<T> for ToAll {
    async fn deliver(&mut self, writers: &mut Vec<BranchWriter<T>>, chunk: T) -> Result<()> {
        // Those that have room get it before anybody waits for the others.
        let (mut chunk, mut behind, mut at) = (Some(chunk), Vec::new(), 0);
        while at < writers.len() {
            let copy = if at + 1 == writers.len() { chunk.take() } else { chunk.clone() };
            match writers[at].offer(copy.expect("it is given away to the last"))? {
                Offered::Done => at += 1,
                Offered::Full(copy) => {
                    behind.push((at, copy));
                    at += 1;
                }
                Offered::Gone(_) => drop(writers.swap_remove(at)),
            }
        }
        // From the back, so that one that is gone leaves the places of the others.
        for (at, copy) in behind.into_iter().rev() {
            if let Offered::Gone(_) = writers[at].wait(copy).await? {
                drop(writers.swap_remove(at));
            }
        }
        if writers.is_empty() { Err(Error::premature_close()) } else { Ok(()) }
    }
}

/// To the one that the function chooses.
pub(crate) struct ToOne<F>(pub(crate) F);

impl<T: Send, F: FnMut(&T) -> usize + Send> Deliver<T> for ToOne<F> {
    async fn deliver(&mut self, writers: &mut Vec<BranchWriter<T>>, chunk: T) -> Result<()> {
        let index = (self.0)(&chunk);
        match writers.get(index) {
            Some(writer) => writer.give(chunk).await.map(drop),
            None => {
                let branches = writers.len();
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
    let (writers, outlets): (Vec<_>, Vec<_>) = branches.into_iter().map(Branch::open).unzip();
    let roster = Arc::new(Mutex::new(Register { joining: Vec::new(), over: None }));
    let work = Spread { name, writers, deliver, roster: Arc::clone(&roster) };
    let fan_out = FanOut::new(work.run(source.catch_unwind().pinned()));
    let readables = outlets.into_iter().map(|reader| fan_out.join(name, reader)).collect();
    (Broadcast { name, fan_out, roster }, readables)
}

struct Spread<T, D> {
    name: &'static str,
    writers: Vec<BranchWriter<T>>,
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
            self.writers.append(&mut lock(&self.roster).joining);
            let delivered = self.deliver.deliver(&mut self.writers, chunk).await;
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
            self.writers.append(&mut register.joining);
        }
        drop(register);
        for writer in self.writers.drain(..) {
            writer.end(result);
        }
    }
}

impl<T, D> Drop for Spread<T, D> {
    /// The last branch was dropped.
    fn drop(&mut self) {
        self.close(&Err(Error::premature_close()));
    }
}
