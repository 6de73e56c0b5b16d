//! Many inputs into one, in turns.

mod handle;
mod ready;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::Stream;
use highwater_core::stage::{StageInfo, dropped_for};
use highwater_core::{Readable, Result, Source};
use tokio::task::coop;

use handle::RequestQueue;
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
    Readable::from_source(StageInfo::new("merge").with_max_bytes(0), merged)
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
    (handle, Readable::from_source(StageInfo::new("merge").with_max_bytes(0), merged))
}

/// The source made by [`merge`] and [`merge_with_handle`].
pub struct Merge<S> {
    inputs: HashMap<u64, Input<S>, BuildHasherDefault<Spread>>,
    /// Whose turn it is, each once. Nobody else sees this: what is always ready takes no lock.
    turns: VecDeque<u64>,
    ready: Arc<ReadyList>,
    /// Empty, but for the moment between the list and the turns.
    woken: VecDeque<u64>,
    requests: Arc<RequestQueue<S>>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Inputs may come.
    Open,
    /// There is no handle any more.
    Closed,
    Over,
}

struct Input<S> {
    source: Pin<Box<Readable<S>>>,
    has_turn: bool,
    signal: Arc<Signal>,
    waker: Waker,
}

impl<S> Merge<S> {
    fn open(max_inputs: usize) -> (MergeHandle<S>, Self) {
        let ready = Arc::new(ReadyList::default());
        let requests = Arc::new(RequestQueue::new(max_inputs, Arc::clone(&ready)));
        let handle = MergeHandle::first(Arc::clone(&requests));
        let (inputs, turns, woken) = (HashMap::default(), VecDeque::new(), VecDeque::new());
        (handle, Self { inputs, turns, ready, woken, requests, state: State::Open })
    }

    fn insert(&mut self, (id, source): (u64, Readable<S>)) {
        let signal = Signal::new(id, &self.ready);
        let (source, waker) = (Box::pin(source.handed_over()), Waker::from(Arc::clone(&signal)));
        self.turns.push_back(id);
        self.inputs.insert(id, Input { source, has_turn: true, signal, waker });
    }

    /// Gives a turn to each that was woken and waits for none.
    fn give_turns(&mut self) {
        for id in self.woken.drain(..) {
            let Some(input) = self.inputs.get_mut(&id) else { continue };
            input.signal.taken();
            if !std::mem::replace(&mut input.has_turn, true) {
                self.turns.push_back(id);
            }
        }
    }

    /// Does what the handles have asked for.
    fn apply_requests(&mut self) {
        let (asked, closed) = self.requests.take();
        for (id, source) in asked.added {
            self.insert((id, source));
        }
        for id in asked.removed {
            self.inputs.remove(&id);
        }
        if closed {
            self.state = State::Closed;
        }
    }

    fn finish(&mut self) {
        self.state = State::Over;
        self.requests.close();
        self.turns.clear();
        self.inputs.clear();
    }
}

impl<S> Unpin for Merge<S> {}

impl<S: Source> Stream for Merge<S> {
    type Item = Result<S::Chunk>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let me = &mut *self;
        if me.state == State::Over {
            return Poll::Ready(None);
        }
        if me.ready.take(&mut me.woken) {
            me.give_turns();
            me.apply_requests();
        }
        // Each whose turn it is now has one look; one that is woken meanwhile has its own at the next poll.
        for _ in 0..me.turns.len() {
            let Some(id) = me.turns.pop_front() else { break };
            let Some(input) = me.inputs.get_mut(&id) else { continue };
            input.has_turn = false;
            match input.source.as_mut().poll_next(&mut Context::from_waker(&input.waker)) {
                Poll::Ready(Some(Ok(chunk))) => {
                    input.has_turn = true;
                    me.turns.push_back(id);
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Poll::Ready(Some(Err(error))) => {
                    dropped_for(&error, || me.finish());
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => {
                    me.inputs.remove(&id);
                    me.requests.left(id);
                }
                // It has not had its turn if only the budget of the task is spent.
                Poll::Pending if !coop::has_budget_remaining() => {
                    input.has_turn = true;
                    me.turns.push_front(id);
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending => {}
            }
        }
        if me.state == State::Closed && me.inputs.is_empty() {
            me.finish();
            return Poll::Ready(None);
        }
        if me.ready.register(cx.waker()) {
            // That was before anybody could be woken.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl<S: Source> Source for Merge<S> {
    type Chunk = S::Chunk;
}

impl<S> Drop for Merge<S> {
    fn drop(&mut self) {
        self.requests.close();
    }
}

impl<S> fmt::Debug for Merge<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merge").field("inputs", &self.inputs.len()).finish_non_exhaustive()
    }
}

/// Spreads the numbers of inputs, which are given in turn: nobody can choose them so that they collide.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only numbers are hashed");
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        // Knuth's multiplicative hashing: all bits depend on the low ones.
        self.0 = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
