//! Many inputs into one, in turns.

mod handle;
mod ready;

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::Stream;
use highwater_core::{Readable, Result, Source, StageInfo};
use tokio::task::coop;

use handle::Desk;
pub use handle::{InputId, MergeHandle, Refused};
use ready::{ReadyList, Signal};

/// Gives the chunks of all inputs as they come; ends when all have ended.
///
/// Inputs that are ready take turns, one chunk each. Only inputs that were woken are polled, so that idle ones cost nothing
/// but memory. Nothing is spawned and nothing is buffered. Inputs of different types are [`boxed`](Readable::boxed).
///
/// # Errors
///
/// The first error of an input comes in its place, and ends the merge: the other inputs are dropped.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_mux::merge;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let merged = merge([Readable::from_iter(vec![1, 2, 3]), Readable::from_iter(vec![10, 20])]);
/// assert_eq!(merged.to_vec().await?, [1, 10, 2, 20, 3]);
/// # Ok(()) }
/// ```
pub fn merge<S: Source>(inputs: impl IntoIterator<Item = Readable<S>>) -> Readable<Merge<S>> {
    let (handle, mut merged) = Merge::open(usize::MAX);
    for input in inputs {
        let (_, input) = handle.number(input);
        merged.insert(input);
    }
    drop(handle);
    Readable::from_source(StageInfo::new("merge").holds(0), merged)
}

/// A [`merge`] whose inputs come and go by a handle, at the most `max_inputs` at a time. It ends when all inputs have
/// ended **and** all handles were dropped.
///
/// # Panics
///
/// With 0.
///
/// # Examples
///
/// ```
/// use highwater_core::{Readable, Result};
/// use highwater_mux::merge_with_handle;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
/// let (handle, mut merged) = merge_with_handle(1000);
/// handle.add(Readable::from_iter(vec![1, 2]))?;
/// assert_eq!(merged.next().await.transpose()?, Some(1));
/// handle.add(Readable::from_iter(vec![10]))?;
/// drop(handle);
/// assert_eq!(merged.to_vec().await?, [2, 10]);
/// # Ok(()) }
/// ```
#[track_caller]
pub fn merge_with_handle<S: Source>(max_inputs: usize) -> (MergeHandle<S>, Readable<Merge<S>>) {
    assert!(max_inputs > 0, "a merge of 0 inputs would never give anything");
    let (handle, merged) = Merge::open(max_inputs);
    (handle, Readable::from_source(StageInfo::new("merge").holds(0), merged))
}

/// The source made by [`merge`] and [`merge_with_handle`].
pub struct Merge<S> {
    inputs: HashMap<u64, Input<S>>,
    ready: Arc<ReadyList>,
    desk: Arc<Desk<S>>,
    over: bool,
}

struct Input<S> {
    source: Pin<Box<Readable<S>>>,
    signal: Arc<Signal>,
    waker: Waker,
}

impl<S> Merge<S> {
    fn open(max_inputs: usize) -> (MergeHandle<S>, Self) {
        let ready = Arc::new(ReadyList::default());
        let desk = Arc::new(Desk::new(max_inputs, Arc::clone(&ready)));
        let handle = MergeHandle::first(Arc::clone(&desk));
        (handle, Self { inputs: HashMap::new(), ready, desk, over: false })
    }

    fn insert(&mut self, (id, source): (u64, Readable<S>)) {
        let signal = Signal::new(id, &self.ready);
        signal.queue();
        let waker = Waker::from(Arc::clone(&signal));
        self.inputs.insert(id, Input { source: Box::pin(source), signal, waker });
    }

    /// Does what the handles have asked for. True when there is no handle any more.
    fn obey(&mut self) -> bool {
        let (asked, closed) = self.desk.take();
        for (id, source) in asked.added {
            self.insert((id, source));
        }
        for id in asked.removed {
            self.inputs.remove(&id);
        }
        closed
    }

    fn finish(&mut self) {
        self.over = true;
        self.desk.close();
        self.inputs.clear();
    }
}

impl<S> Unpin for Merge<S> {}

impl<S: Source> Stream for Merge<S> {
    type Item = Result<S::Chunk>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let me = &mut *self;
        if me.over {
            return Poll::Ready(None);
        }
        // First of all, so that a wake from here on is not lost.
        me.ready.register(cx.waker());
        let closed = me.obey();
        // Each that is ready now has one look; one that is woken meanwhile wakes the task, too.
        for _ in 0..me.ready.register(cx.waker()) {
            let Some(id) = me.ready.pop() else { break };
            let Some(input) = me.inputs.get_mut(&id) else { continue };
            input.signal.taken();
            match input.source.as_mut().poll_next(&mut Context::from_waker(&input.waker)) {
                Poll::Ready(Some(Ok(chunk))) => {
                    input.signal.queue();
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Poll::Ready(Some(Err(error))) => {
                    me.finish();
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => {
                    me.inputs.remove(&id);
                    me.desk.left(id);
                }
                // It has not had its turn if only the budget of the task is spent.
                Poll::Pending if !coop::has_budget_remaining() => {
                    input.signal.queue_first();
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending => {}
            }
        }
        if closed && me.inputs.is_empty() {
            me.finish();
            return Poll::Ready(None);
        }
        Poll::Pending
    }
}

impl<S> Drop for Merge<S> {
    fn drop(&mut self) {
        self.desk.close();
    }
}

impl<S> fmt::Debug for Merge<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merge").field("inputs", &self.inputs.len()).finish_non_exhaustive()
    }
}
